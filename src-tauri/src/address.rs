//! A desk's address as a person types or pastes it. Pure: whether a desk answers there is asked elsewhere.

use url::{Host, Url};

/// A desk's address: https, or http on this machine. Its path, query and fragment are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Url);

/// Why a text is no address of a desk; a sentence for whoever typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongAddress {
    /// Nothing was typed.
    #[error("Type the address of your team's desk, such as desk.example.com.")]
    Empty,
    /// It can't be read.
    #[error("This is no address. Write it as desk.example.com, or as https://desk.example.com.")]
    Unreadable,
    /// It would send the session in the open.
    #[error("This address is not encrypted (http). Ask for the one that begins with https.")]
    Plain,
    /// A name and a password stand in it.
    #[error("An address with a name and password in it is not taken: leave them out.")]
    Credentials,
}

/// The most bytes of what is typed: a link's, with a page's address in it.
const LONGEST: usize = 2_048;
/// The most bytes of a host's name (RFC 1035, section 2.3.4).
const LONGEST_HOST: usize = 253;

impl Address {
    /// Reads what was typed: a name, an address, any page's address out of a browser, or a `countersign://` link.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(text: &str) -> Result<Self, WrongAddress> {
        let text = text.trim();
        if text.is_empty() {
            return Err(WrongAddress::Empty);
        }
        if text.len() > LONGEST {
            return Err(WrongAddress::Unreadable);
        }
        if let Some(link) = crate::deep_link::DeepLink::read(text) {
            return match link {
                crate::deep_link::DeepLink::Connect { address } => Ok(address),
                _ => Err(WrongAddress::Unreadable),
            };
        }
        if text.contains("://") {
            return Self::of(&Url::parse(text).map_err(|_| WrongAddress::Unreadable)?);
        }
        // A number is an address to whoever reads web addresses, and to nobody else.
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(WrongAddress::Unreadable);
        }
        // Who names this machine means the desk that runs on it, which has no certificate.
        let schemes = ["http", "https"].map(|scheme| Url::parse(&format!("{scheme}://{text}")));
        let [plain, encrypted] = schemes.map(|url| url.map_err(|_| WrongAddress::Unreadable));
        Self::of(&plain?).or_else(|_| Self::of(&encrypted?))
    }

    /// The desk that a page belongs to.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn of(url: &Url) -> Result<Self, WrongAddress> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WrongAddress::Credentials);
        }
        if url.host_str().is_some_and(|host| host.len() > LONGEST_HOST) {
            return Err(WrongAddress::Unreadable);
        }
        match (url.scheme(), url.host()) {
            ("https", Some(_)) => {}
            ("http", Some(host)) if is_this_machine(&host) => {}
            ("http", Some(_)) => return Err(WrongAddress::Plain),
            _ => return Err(WrongAddress::Unreadable),
        }
        let origin = url.origin().ascii_serialization();
        Url::parse(&origin).map(Self).map_err(|_| WrongAddress::Unreadable)
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether the desk runs on this very machine.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        self.0.host().is_some_and(|host| is_this_machine(&host))
    }

    /// The address of a path that begins with `/`.
    #[must_use]
    pub fn with_path(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// Whether a page belongs to this desk.
    #[must_use]
    pub fn has(&self, url: &Url) -> bool {
        matches!(url.scheme(), "http" | "https") && url.origin() == self.0.origin()
    }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_and_paste_becomes_the_desks_address() {
        for (typed, origin) in [
            ("desk.example.com", "https://desk.example.com"),
            (" https://desk.example.com/requests?state=all#x ", "https://desk.example.com"),
            ("desk.example.com:8443/approve/1", "https://desk.example.com:8443"),
            ("http://localhost:8787", "http://localhost:8787"),
            ("http://127.0.0.1:1/", "http://127.0.0.1:1"),
            ("countersign://connect?server=https%3A%2F%2Fdesk.example.com", "https://desk.example.com"),
        ] {
            assert_eq!(Address::read(typed).unwrap().origin(), origin, "{typed}");
        }
    }

    #[test]
    fn what_is_no_address_is_told_why() {
        for (typed, why) in [
            ("", WrongAddress::Empty),
            ("  ", WrongAddress::Empty),
            ("http://desk.example.com", WrongAddress::Plain),
            ("http://localhost.evil.test", WrongAddress::Plain),
            ("https://dana:secret@desk.example.com", WrongAddress::Credentials),
            ("ftp://desk.example.com", WrongAddress::Unreadable),
            ("99999", WrongAddress::Unreadable),
            (&*"a".repeat(254), WrongAddress::Unreadable),
            (&*format!("https://desk.example.com/{}", "a".repeat(2_048)), WrongAddress::Unreadable),
            ("file:///etc/passwd", WrongAddress::Unreadable),
            ("javascript://alert(1)", WrongAddress::Unreadable),
            ("desk example", WrongAddress::Unreadable),
            ("countersign://request/00000000-0000-0000-0000-000000000001", WrongAddress::Unreadable),
        ] {
            assert_eq!(Address::read(typed).unwrap_err(), why, "{typed}");
        }
    }

    #[test]
    fn a_page_of_another_desk_is_none_of_ours() {
        let ours = Address::read("https://desk.example.com").unwrap();
        let has = |text: &str| ours.has(&Url::parse(text).unwrap());
        assert!(has("https://desk.example.com/approve/1"));
        for other in ["https://desk.example.com.evil.test/", "http://desk.example.com/", "file:///etc/passwd"] {
            assert!(!has(other), "{other}");
        }
    }
}
