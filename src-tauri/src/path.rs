//! Which of the desk's paths the window may call or have opened. The window draws other people's words; should it ever
//! be made to call by them, it gets no further than the interface does.

/// The methods that the interface uses.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// The first parts of the calls that the interface makes once somebody is signed in. Signing in is the shell's own.
const CALLS: [&str; 14] = [
    "agents",
    "connectors",
    "delegations",
    "deliveries",
    "desk",
    "flows",
    "grants",
    "invitations",
    "me",
    "passkeys",
    "policies",
    "push",
    "requests",
    "users",
];

/// Calls below `/api/session` that the interface makes.
const SESSION: [(&str, &str); 4] = [("GET", ""), ("DELETE", ""), ("POST", "/reauth/start"), ("POST", "/reauth/finish")];

/// The first parts of pages.
const PAGES: [&str; 10] =
    ["account", "agents", "approve", "connectors", "deliveries", "docs", "flows", "people", "policies", "requests"];

/// Whether the window may make this call.
#[must_use]
pub fn may_call(method: &str, path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/api/").filter(|_| METHODS.contains(&method)) else { return false };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !is_plain(path) || !query.bytes().all(is_in_a_query) {
        return false;
    }
    match path.split_once('/').map_or(path, |(first, _)| first) {
        "session" => SESSION.iter().any(|(of, rest)| *of == method && path["session".len()..] == **rest),
        first => CALLS.contains(&first),
    }
}

/// Whether the window may have this page opened in the browser.
#[must_use]
pub fn may_open(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    is_plain(rest) && PAGES.contains(&rest.split('/').next().unwrap_or_default())
}

/// Segments of unreserved and percent-encoded characters (RFC 3986, section 3.3), none of them empty, `.` or `..`, nor
/// encoded so that they could be read as one, or as more than one.
fn is_plain(path: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%/".contains(&byte);
    let encoded = path.to_ascii_lowercase();
    path.bytes().all(is_allowed)
        && path.split('/').all(|segment| !segment.is_empty() && segment != "." && segment != "..")
        && !["%2e", "%2f", "%5c", "%00"].iter().any(|trick| encoded.contains(trick))
}

const fn is_in_a_query(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'#' && byte != b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interfaces_own_calls_are_made() {
        for (method, path) in [
            ("GET", "/api/requests?state=pending&sort=-requested&limit=50"),
            ("POST", "/api/requests/0198-a/decisions"),
            ("GET", "/api/session"),
            ("DELETE", "/api/session"),
            ("POST", "/api/session/reauth/start"),
            ("PATCH", "/api/connectors/1/tools"),
            ("PUT", "/api/me/preferences"),
            ("GET", "/api/desk"),
        ] {
            assert!(may_call(method, path), "{method} {path}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for (method, path) in [
            ("GET", "https://evil.test/api/requests"),
            ("GET", "//evil.test/api/requests"),
            ("GET", "/v1/actions"),
            ("POST", "/mcp"),
            ("GET", "/api/events"),
            ("POST", "/api/session/token"),
            ("POST", "/api/session/app"),
            ("POST", "/api/session/link"),
            ("GET", "/api/session/../../v1/actions"),
            ("GET", "/api/requests/../session"),
            ("GET", "/api/requests/%2e%2e/session"),
            ("GET", "/api/requests/..%2Fsession"),
            ("GET", "/api/requests//x"),
            ("GET", "/api/requests\\x"),
            ("GET", "/api/requests#x"),
            ("GET", "/api/requests?a#b"),
            ("GET", "/api/requests x"),
            ("GET", "/api/requests\r\nHost: evil.test"),
            ("GET", "/api/unknown"),
            ("GET", "/api/"),
            ("GET", "api/requests"),
            ("CONNECT", "/api/requests"),
            ("get", "/api/requests"),
        ] {
            assert!(!may_call(method, path), "{method} {path}");
        }
    }

    #[test]
    fn pages_open_in_the_browser_and_nothing_else_does() {
        for page in ["/approve/0198-a", "/requests", "/policies/new", "/account"] {
            assert!(may_open(page), "{page}");
        }
        for other in [
            "/sign-in/link",
            "/setup",
            "/api/requests",
            "//evil.test",
            "https://evil.test",
            "/approve/../x",
            "/approve/1?x",
            "/approve/1#x",
            "",
        ] {
            assert!(!may_open(other), "{other}");
        }
    }
}
