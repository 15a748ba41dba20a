//! `countersign://` links: what they may ask for, read strictly. Anybody can make one, so none does more than open.

use crate::address::Address;
use countersign_domain::ids::RequestId;
use url::Url;

/// The scheme.
pub const SCHEME: &str = "countersign";

/// What a link asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeepLink {
    /// To show a request, of a desk where one is named.
    Request {
        /// Which.
        id: RequestId,
        /// Whose.
        desk: Option<Address>,
    },
    /// To connect to a desk; somebody has to press the button.
    Connect {
        /// Which.
        address: Address,
    },
    /// The browser hands a sign-in's code over.
    SignIn {
        /// The code.
        code: String,
        /// What the app sent along.
        state: String,
    },
}

impl DeepLink {
    /// Reads a link; none when it is none that the app knows.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok().filter(|url| url.scheme() == SCHEME)?;
        let bare = url.username().is_empty() && url.password().is_none() && url.port().is_none();
        let asked = |name: &str| {
            let mut found = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            found.next().filter(|value| !value.is_empty() && found.next().is_none())
        };
        // Only the hosts of web addresses are written small by the one who reads them.
        let host = url.host_str().filter(|_| bare)?.to_ascii_lowercase();
        match (&*host, url.path()) {
            ("request", path) => {
                let id = path.strip_prefix('/')?.parse().ok()?;
                let desk = match asked("server") {
                    Some(server) => Some(Address::of(&Url::parse(&server).ok()?).ok()?),
                    None => None,
                };
                Some(Self::Request { id, desk })
            }
            ("connect", "" | "/") => {
                let address = Address::of(&Url::parse(&asked("server")?).ok()?).ok()?;
                Some(Self::Connect { address })
            }
            ("sign-in", "" | "/") => Some(Self::SignIn { code: asked("code")?, state: asked("state")? }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01980000-0000-7000-8000-000000000001";

    #[test]
    fn a_link_to_a_request_names_it_and_perhaps_its_desk() {
        let read = |text: &str| DeepLink::read(text);
        let id: RequestId = ID.parse().unwrap();
        assert_eq!(read(&format!("countersign://request/{ID}")), Some(DeepLink::Request { id, desk: None }));
        let desk = Address::read("https://desk.example.com").ok();
        let named = read(&format!("countersign://request/{ID}?server=https://desk.example.com"));
        assert_eq!(named, Some(DeepLink::Request { id, desk }));
    }

    #[test]
    fn a_link_may_be_written_in_capitals() {
        let address = Address::read("https://desk.example.com").unwrap();
        let link = DeepLink::read("COUNTERSIGN://CONNECT?server=https://desk.example.com");
        assert_eq!(link, Some(DeepLink::Connect { address }));
    }

    #[test]
    fn a_sign_in_comes_back_with_its_code() {
        let link = DeepLink::read("countersign://sign-in?code=abc&state=x%20y");
        assert_eq!(link, Some(DeepLink::SignIn { code: "abc".into(), state: "x y".into() }));
    }

    #[test]
    fn hostile_links_ask_for_nothing() {
        for link in [
            "countersign://request/../../etc/passwd",
            "countersign://request/1?server=https://desk.example.com",
            "countersign://request/",
            "countersign://request/01980000-0000-7000-8000-000000000001/approve",
            "countersign://request/01980000-0000-7000-8000-000000000001?server=http://evil.test",
            "countersign://request/01980000-0000-7000-8000-000000000001?server=file:///etc/passwd",
            "countersign://approve/01980000-0000-7000-8000-000000000001",
            "countersign://u:p@request/01980000-0000-7000-8000-000000000001",
            "countersign://request:80/01980000-0000-7000-8000-000000000001",
            "countersign://connect?server=javascript:alert(1)",
            "countersign://connect?server=https://a.test&server=https://b.test",
            "countersign://connect",
            "countersign://sign-in?code=&state=x",
            "countersign:request",
            "https://request/01980000-0000-7000-8000-000000000001",
            "",
        ] {
            assert_eq!(DeepLink::read(link), None, "{link}");
        }
    }
}
