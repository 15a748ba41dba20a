//! Connections: taken in as many as there is room for, and let go when whoever is at the other end does not speak.

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt as _;

/// How long a request's head may take. It is also how long a connection may idle between two requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How many connections may be open at a listener; the next ones wait to be taken in.
const MOST_CONNECTIONS: usize = 16_384;
/// How long a listener rests when the machine has no more files to give.
const REST: Duration = Duration::from_millis(250);

/// Answers at a listener until `stopping`, then lets answers that are being written end.
///
/// # Errors
/// When the listener's socket can't be used at all.
pub(crate) async fn answer(
    listener: TcpListener,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let open = GracefulShutdown::new();
    loop {
        let taken = tokio::select! {
            taken = take(&listener, &room) => taken,
            // An error means that the sender is gone, which is a stop too.
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        match taken {
            Ok((stream, peer, place)) => serve(stream, peer, place, router.clone(), open.watcher()),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken in; trying again");
                tokio::time::sleep(REST).await;
            }
        }
    }
    drop(listener);
    open.shutdown().await;
    Ok(())
}

async fn take(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

/// Whether only the connection failed that was to be taken in, and not the listener (accept(2)).
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn serve(stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit, router: Router, watcher: Watcher) {
    // An answer is written whole, so nothing is won by waiting for more to send; refused, it is only slower.
    let _ = stream.set_nodelay(true);
    let service = router.map_request(move |request: Request<Incoming>| {
        let mut request = request;
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let connection = watcher.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(place);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn given_door() -> (SocketAddr, watch::Sender<bool>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let router = Router::new().route("/", axum::routing::get(async || "here"));
        tokio::spawn(answer(listener, router, stopping));
        (address, stop)
    }

    /// With time paused it passes as soon as everybody waits.
    #[tokio::test(start_paused = true)]
    async fn whoever_begins_a_request_and_says_no_more_is_let_go() {
        let (address, _stop) = given_door().await;
        for begun in ["", "GET / HTTP/1.1\r\nhost: desk\r\nx-slow:"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).await.unwrap();
            assert!(!said.contains("here"), "{said}");
        }
    }

    #[tokio::test]
    async fn a_stop_waits_for_nobody_who_is_silent() {
        let (address, stop) = given_door().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: desk\r\n\r\n").await.unwrap();
        let mut first = [0; 15];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        stop.send(true).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert!(rest.ends_with(b"here"));
    }
}
