//! Which addresses may be called: by default only those of the public internet, looked at after the name was
//! resolved, so that no name can lead inside.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::Host;

/// Why there is no address to call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddressError {
    #[error("The service's address is private or reserved; the connector must say `allow_private` to reach it.")]
    Private,
    #[error("The service's name could not be resolved.")]
    Unknown,
}

/// Resolves names for the HTTP client, which then connects to exactly these addresses: looking a second time could
/// give others.
#[derive(Clone, Copy, Debug)]
pub(super) struct GuardedResolver {
    pub(super) allow_private: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let addresses = resolve(name.as_str(), 0, allow_private).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The addresses of a host by name that may be called.
pub(super) async fn resolve(name: &str, port: u16, allow_private: bool) -> Result<Vec<SocketAddr>, AddressError> {
    let all: Vec<_> = tokio::net::lookup_host((name, port)).await.map_err(|_| AddressError::Unknown)?.collect();
    if all.is_empty() {
        return Err(AddressError::Unknown);
    }
    let open: Vec<_> = all.into_iter().filter(|address| allow_private || is_public(address.ip())).collect();
    if open.is_empty() { Err(AddressError::Private) } else { Ok(open) }
}

/// An address that stands in the URL itself never comes to the resolver and is looked at here. The URL parser has
/// already made `127.1`, `0x7f.1` and `2130706433` into what they mean.
pub(crate) fn check_literal<S>(host: &Host<S>, allow_private: bool) -> Result<(), AddressError> {
    let address = match host {
        Host::Domain(_) => return Ok(()),
        Host::Ipv4(address) => IpAddr::V4(*address),
        Host::Ipv6(address) => IpAddr::V6(*address),
    };
    if allow_private || is_public(address) { Ok(()) } else { Err(AddressError::Private) }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Not one of the IANA IPv4 Special-Purpose Address Registry's blocks, multicast or reserved.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 224;
    !special
}

/// Global unicast (2000::/3) without its special blocks; an address that carries an IPv4 one is as public as that is.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    if let Some(carried) = carried_v4(address) {
        return is_public_v4(carried);
    }
    let special = (s[0] == 0x2001 && (s[1] < 0x200 || s[1] == 0xdb8)) // IETF protocol assignments (Teredo among them), documentation
        || (s[0] == 0x3fff && s[1] < 0x1000); // documentation
    (0x2000..0x4000).contains(&s[0]) && !special
}

/// IPv4-mapped (RFC 4291), NAT64's well-known prefix (RFC 6052) and 6to4 (RFC 3056).
fn carried_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some(of(high, low))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_public_internet_is_refused() {
        for inside in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
    }

    #[test]
    fn the_public_internet_is_not() {
        for outside in [
            "1.1.1.1",
            "9.9.9.9",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
            "64:ff9b::101:101",
            "2002:101:101::1",
        ] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn odd_spellings_of_loopback_mean_loopback() {
        for url in
            ["http://127.1/", "http://0x7f.1/", "http://2130706433/", "http://017700000001/", "http://[::ffff:7f00:1]/"]
        {
            let url = url::Url::parse(url).unwrap();
            assert!(check_literal(&url.host().unwrap(), false).is_err(), "{url}");
        }
    }
}
