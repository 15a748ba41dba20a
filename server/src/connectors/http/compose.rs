//! A request as it goes out: the approved method, URL and body, and the credential, which nobody saw before.

use super::destination;
use crate::connectors::{Credential, Outgoing, Settings};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_domain::connector::CredentialPlacement;
use countersign_domain::connector::http_call::{METHODS, check_path};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Request};
use secrecy::ExposeSecret as _;
use secrecy::zeroize::Zeroizing;
use url::Url;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Headers that frame the message or that we set ourselves; a credential in one of them would break the request.
const TAKEN: [&str; 17] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "idempotency-key",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// The base URL of an `http` connector. The sentence goes on from "the base URL".
///
/// # Errors
/// What is wrong with it.
pub fn check_base_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is not a URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with http:// or https://");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("has no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password; use the connector's credential");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not hold a query or a fragment");
    }
    if url.path() != "/" {
        check_path(url.path())?;
    }
    Ok(url)
}

/// Where a call goes: the base URL's path and then the tool's, spelled as it will be sent. This is what belongs into
/// the digest. The sentence goes on from "the path".
///
/// # Errors
/// When the two don't make a URL within the base URL.
pub fn target_url(base_url: &Url, path_and_query: &str) -> Result<Url, &'static str> {
    check_filled_path(path_and_query.split('?').next().unwrap_or_default())?;
    let joined = format!("{}{path_and_query}", base_url.as_str().trim_end_matches('/'));
    let url = Url::parse(&joined).map_err(|_| "does not make a URL with the base URL")?;
    match is_within(&url, base_url) {
        true => Ok(url),
        false => Err("leads out of the base URL"),
    }
}

/// A filled path may hold encoded slashes, which a template may not: they stand within an argument and stay there.
fn check_filled_path(path: &str) -> Result<(), &'static str> {
    let is_dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if !path.starts_with('/') || path.starts_with("//") {
        return Err("must begin with exactly one `/`");
    }
    if path.contains(['\\', '#']) || path.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("must not hold a backslash, `#`, space or control character");
    }
    if path.split('/').any(is_dots) { Err("must not hold a dot segment") } else { Ok(()) }
}

fn is_within(url: &Url, base_url: &Url) -> bool {
    let folder = base_url.path().trim_end_matches('/');
    url.origin() == base_url.origin()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && url.path().strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// The request, but for what the client adds (`Host`, `User-Agent`, `Content-Length`).
pub(super) fn compose(outgoing: &Outgoing) -> Result<Request, String> {
    let Settings::Http { base_url, timeout, .. } = &outgoing.connector.settings else {
        return Err("This is no `http` connector.".to_owned());
    };
    let (method, approved) = destination(&outgoing.target).ok_or("The approved destination is no HTTP one.")?;
    let url = Url::parse(approved).map_err(|_| "The approved destination is no URL.")?;
    if url.as_str() != approved {
        return Err("The approved URL would not be sent as it was approved.".to_owned());
    }
    if !is_within(&url, base_url) {
        return Err("The approved URL is outside of the connector's base URL.".to_owned());
    }
    if !METHODS.contains(&method) {
        return Err("The approved method is none that tools may have.".to_owned());
    }
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| "The approved method is not one.")?;
    let mut request = Request::new(method, url);
    *request.timeout_mut() = Some(*timeout);
    let key = HeaderValue::from_str(&outgoing.request_id.to_string()).map_err(|_| "The request's id is no header.")?;
    let headers = request.headers_mut();
    headers.insert(IDEMPOTENCY_KEY, key);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*"));
    if let Some(body) = &outgoing.body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.clone().into());
    }
    if let Some(credential) = &outgoing.credential {
        place(credential, &mut request)?;
    }
    Ok(request)
}

/// Puts the credential in, last, so that nothing else of the request depends on it.
pub(in crate::connectors) fn place(credential: &Credential, request: &mut Request) -> Result<(), String> {
    let secret = credential.secret.expose_secret();
    match credential.placement {
        CredentialPlacement::Bearer => set(request, AUTHORIZATION, &Zeroizing::new(format!("Bearer {secret}"))),
        CredentialPlacement::Basic => {
            set(request, AUTHORIZATION, &Zeroizing::new(format!("Basic {}", STANDARD.encode(secret))))
        }
        CredentialPlacement::Header => {
            let name = HeaderName::from_bytes(name(credential)?.as_bytes())
                .map_err(|_| "The credential's header has a name that no header can have.")?;
            if TAKEN.contains(&name.as_str()) {
                return Err("The credential's header is one that can't carry a credential.".to_owned());
            }
            set(request, name, secret)
        }
        CredentialPlacement::Query => {
            request.url_mut().query_pairs_mut().append_pair(name(credential)?, secret);
            Ok(())
        }
    }
}

fn name(credential: &Credential) -> Result<&str, String> {
    credential.name.as_deref().filter(|name| !name.is_empty()).ok_or_else(|| "The credential has no name.".to_owned())
}

fn set(request: &mut Request, name: HeaderName, value: &str) -> Result<(), String> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| "The credential holds a character that can't stand in a header; is it a line break at its end?")?;
    value.set_sensitive(true);
    request.headers_mut().insert(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(base: &str, path: &str) -> Result<String, &'static str> {
        target_url(&check_base_url(base)?, path).map(|url| url.to_string())
    }

    #[test]
    fn a_target_stays_within_its_base() {
        assert_eq!(joined("https://api.example.com", "/v1/x?a=1").unwrap(), "https://api.example.com/v1/x?a=1");
        assert_eq!(joined("https://api.example.com/v1/", "/x").unwrap(), "https://api.example.com/v1/x");
        assert_eq!(joined("https://api.example.com:8443/v1", "/").unwrap(), "https://api.example.com:8443/v1/");
        assert_eq!(joined("https://a.example/v1", "/f/..%2Fx").unwrap(), "https://a.example/v1/f/..%2Fx");
        for trick in ["//evil.example/x", "/../x", "/a/%2e%2e/x", "/a/.%2E", "/a\\b", "@evil.example/", "x", "", "/a#b"]
        {
            assert!(joined("https://api.example.com/v1", trick).is_err(), "{trick}");
        }
    }

    #[test]
    fn a_base_url_names_a_place_and_no_secret() {
        for bad in [
            "api.example.com",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://user:pw@example.com",
            "https://user@example.com",
            "https://example.com/?key=1",
            "https://example.com/#x",
            "https://",
        ] {
            assert!(check_base_url(bad).is_err(), "{bad}");
        }
    }
}
