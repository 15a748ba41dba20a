//! An HTTP upstream that records what reaches it, byte for byte, and answers with whatever bytes it was told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it does once it has answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Close,
    KeepOpen,
    /// Closes before the next request comes.
    CloseWhenIdle,
}

pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    /// Gives the answers one after the other, the last one again and again; an empty one is no answer.
    pub(super) async fn answering(answers: &[&str], then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let answers: Arc<[String]> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let recorder = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answers.clone(), recorder.clone(), then));
            }
        });
        Self { address, requests }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The one request that came.
    #[track_caller]
    pub(super) fn request(&self) -> String {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests[0].clone()
    }
}

async fn serve(mut stream: TcpStream, answers: Arc<[String]>, requests: Arc<Mutex<Vec<String>>>, then: Then) {
    while let Some(request) = read_request(&mut stream).await {
        let so_far = {
            let mut requests = requests.lock().unwrap();
            requests.push(request);
            requests.len() - 1
        };
        let answer = &answers[so_far.min(answers.len() - 1)];
        if stream.write_all(answer.as_bytes()).await.is_err() || then != Then::KeepOpen {
            return;
        }
    }
}

/// Head and body, as text; `None` when nobody asks any more.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            // Half a request is recorded too: it must not be there.
            return (!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned());
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.to_ascii_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length:").and_then(|length| length.trim().parse::<usize>().ok())
        });
        if body.len() >= length.unwrap_or(0) {
            return Some(text.into_owned());
        }
    }
}

/// A complete answer with a body.
pub(super) fn response(status: &str, content_type: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
