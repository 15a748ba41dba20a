//! Calls of REST APIs: one request, sent once, to an address that was looked at, and an answer of bounded size.

mod compose;

pub use compose::{check_base_url, target_url};

pub(super) use compose::place;

use super::address::{AddressError, GuardedResolver, check_literal, resolve};
use super::answer::{Body, KEPT, More};
use super::scrub::Scrubber;
use super::{ConnectorSpec, Credential, Outgoing, Settings};
use compose::compose;
use countersign_domain::execution::{Answer, Attempt};
use countersign_domain::request::Target;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, Request, Response, redirect, retry};
use std::error::Error;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::net::TcpStream;
use url::{Host, Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Shorter than the 5 s after which Node and Apache close an idle connection, so that a request hardly ever meets one
/// that is just being closed: its outcome would be unknown.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

const ABOUT_US: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));

/// Two clients, so that a connection that was opened to a private address is never reused by a connector that may not
/// go there. Made when first needed: reading the trusted certificates takes time and memory.
#[derive(Default)]
pub(super) struct HttpClients {
    public: OnceLock<Option<Client>>,
    private: OnceLock<Option<Client>>,
}

impl HttpClients {
    pub(super) async fn call(&self, outgoing: &Outgoing) -> Attempt {
        let request = match compose(outgoing) {
            Ok(request) => request,
            Err(sentence) => return Attempt::NotSent(sentence),
        };
        let scrubber = Scrubber::of_credential(outgoing.credential.as_ref());
        match self.send(&outgoing.connector.settings, request).await {
            Ok(response) => read(response, &scrubber).await,
            Err(attempt) => attempt,
        }
    }

    pub(super) async fn check(&self, spec: &ConnectorSpec, credential: Option<&Credential>) -> Result<(), String> {
        let Settings::Http { base_url, allow_private, health_path, timeout } = &spec.settings else {
            return Err("This is no `http` connector.".to_owned());
        };
        let Some(path) = health_path else { return connect(base_url, *allow_private).await };
        let url = target_url(base_url, path).map_err(|reason| format!("The health path {reason}."))?;
        let mut request = Request::new(Method::GET, url);
        *request.timeout_mut() = Some(*timeout);
        if let Some(credential) = credential {
            compose::place(credential, &mut request)?;
        }
        match self.send(&spec.settings, request).await {
            Ok(response) if response.status().as_u16() < 400 => Ok(()),
            Ok(response) => Err(format!("The health path answered with status {}.", response.status().as_u16())),
            Err(Attempt::NotSent(sentence) | Attempt::Unknown(sentence)) => Err(sentence),
            Err(Attempt::Answered(answer)) => Err(format!("The health path answered with status {}.", answer.status)),
        }
    }

    async fn send(&self, settings: &Settings, request: Request) -> Result<Response, Attempt> {
        let Settings::Http { allow_private, timeout, .. } = settings else {
            return Err(Attempt::NotSent("This is no `http` connector.".to_owned()));
        };
        let client = self.client_for(request.url(), *allow_private).map_err(Attempt::NotSent)?;
        client.execute(request).await.map_err(|error| failure(&error, *timeout))
    }

    /// The client for an address, if it may be called; a name is looked at when it is resolved.
    pub(super) fn client_for(&self, url: &Url, allow_private: bool) -> Result<&Client, String> {
        if let Some(host) = url.host() {
            check_literal(&host, allow_private).map_err(|error| error.to_string())?;
        }
        self.client(allow_private).ok_or_else(|| {
            "This machine has no trusted certificates that a TLS connection could be checked by.".to_owned()
        })
    }

    fn client(&self, allow_private: bool) -> Option<&Client> {
        let kept = if allow_private { &self.private } else { &self.public };
        kept.get_or_init(|| guarded_client(allow_private)).as_ref()
    }
}

/// A client that connects to exactly the addresses that were looked at. `None` when the machine's trusted certificates
/// can't be read.
///
/// A request goes out once. Redirects are results, reqwest's own retries are off, and HTTP/2, whose refusals ask for
/// one, isn't compiled in. What remains is hyper-util (0.1.21, `client/legacy/client.rs`, `send_request`): it takes
/// another connection when a reused one was closed before the request was begun, and only then; hyper hands the
/// request back for that only while it still waits in its queue (1.12, `proto/h1/dispatch.rs`, `recv_msg`).
pub(crate) fn guarded_client(allow_private: bool) -> Option<Client> {
    // Fails when it was done already, by another part or a test; both mean the same provider.
    let _already = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(ABOUT_US)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .dns_resolver(GuardedResolver { allow_private })
        .build()
        .inspect_err(|error| tracing::error!(%error, "The HTTP client can't be built"))
        .ok()
}

/// A failure while connecting is the only one of which it is sure that nothing was sent. None of the sentences holds
/// the URL, whose query may carry the credential.
pub(super) fn failure(error: &reqwest::Error, timeout: Duration) -> Attempt {
    if error.is_builder() {
        return Attempt::NotSent("The request could not be put together.".to_owned());
    }
    if error.is_connect() {
        return Attempt::NotSent(connect_failure(error));
    }
    if error.is_timeout() {
        return Attempt::Unknown(format!("No complete answer came within {timeout:?}."));
    }
    Attempt::Unknown("The connection ended before an answer came.".to_owned())
}

fn connect_failure(error: &reqwest::Error) -> String {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(address) = error.downcast_ref::<AddressError>() {
            return address.to_string();
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            if let Some(tls) = tls_error(io) {
                return format!("The TLS handshake failed: {tls}.");
            }
            if io.kind() == io::ErrorKind::ConnectionRefused {
                return "The service refused the connection.".to_owned();
            }
        }
        cause = error.source();
    }
    match error.is_timeout() {
        true => "The service could not be connected to in time.".to_owned(),
        false => "The service could not be connected to.".to_owned(),
    }
}

/// A TLS library's error within an I/O error. hyper-rustls wraps one I/O error into another; `source` would step over the
/// one within.
pub(crate) fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref().or_else(|| tls_error(inner.downcast_ref()?))
}

pub(super) async fn read(mut response: Response, scrubber: &Scrubber) -> Attempt {
    let status = response.status().as_u16();
    let length = response.content_length();
    let header = response.headers().get(CONTENT_TYPE);
    let content_type = header.and_then(|value| value.to_str().ok()).map(|value| scrubber.text(value.to_owned()));
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) if error.is_timeout() => {
                return Attempt::Unknown(format!("An answer with status {status} began and did not end in time."));
            }
            Err(_) => return Attempt::Unknown(format!("An answer with status {status} was cut off in the middle.")),
        }
        // The rest isn't read: what is kept is whole, and an endless answer must end somewhere.
        if bytes.len() > KEPT {
            break;
        }
    }
    let more = (bytes.len() > KEPT).then(|| length.map_or(More::Unknown, More::Of));
    bytes.truncate(KEPT);
    let kept = Body { bytes, more }.keep(content_type.as_deref(), scrubber);
    Attempt::Answered(Answer { status, content_type, data: kept.data, truncated: kept.truncated })
}

/// Checked by connecting only: most APIs have nothing that may be asked for without a meaning.
async fn connect(base_url: &Url, allow_private: bool) -> Result<(), String> {
    let port = base_url.port_or_known_default().ok_or("The base URL has no port.")?;
    let connecting = async {
        let addresses = match base_url.host().ok_or("The base URL has no host.")? {
            Host::Domain(name) => resolve(name, port, allow_private).await.map_err(|error| error.to_string())?,
            literal => {
                check_literal(&literal, allow_private).map_err(|error| error.to_string())?;
                base_url.socket_addrs(|| None).map_err(|_| AddressError::Unknown.to_string())?
            }
        };
        TcpStream::connect(&*addresses).await.map(drop).map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => "The service refused the connection.".to_owned(),
            _ => "The service could not be connected to.".to_owned(),
        })
    };
    tokio::time::timeout(CONNECT_TIMEOUT, connecting)
        .await
        .unwrap_or_else(|_| Err("The service could not be connected to in time.".to_owned()))
}

/// The frozen destination of an `http` call.
fn destination(target: &Target) -> Option<(&str, &str)> {
    match target {
        Target::Http { method, url } => Some((method, url)),
        Target::Stdio { .. } | Target::Remote { .. } | Target::External {} => None,
    }
}
