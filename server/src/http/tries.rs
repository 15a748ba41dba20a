//! How often somebody whom we don't know may try to get in. The secrets behind these doors can't be guessed; this keeps
//! whoever tries all the same from filling the store and from taking the processor away from others.

use super::App;
use super::problem::DoorError;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use countersign_wire::problem::Code;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

/// How many tries an address has before they are counted out.
const AT_ONCE: NonZeroU32 = NonZeroU32::new(120).unwrap();
/// How soon it has another one.
const EACH: Duration = Duration::from_millis(500);
/// How many addresses are remembered before those are forgotten that have all their tries again.
const ADDRESSES: usize = 4_096;

/// Who has tried how often of late.
pub struct Tries(DefaultKeyedRateLimiter<IpAddr>);

impl Tries {
    pub fn new() -> Self {
        let quota = Quota::with_period(EACH).unwrap_or_else(|| Quota::per_second(AT_ONCE)).allow_burst(AT_ONCE);
        Self(RateLimiter::keyed(quota))
    }

    /// Counts a try; how long to wait when there is none left.
    fn count(&self, from: IpAddr) -> Result<(), Duration> {
        if self.0.len() > ADDRESSES {
            self.0.retain_recent();
        }
        self.0.check_key(&from).map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }
}

/// Refuses whoever tries too often.
pub async fn count_tries(State(app): State<App>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let from = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| who(peer, request.headers()));
    match app.tries.count(from) {
        Ok(()) => next.run(request).await,
        Err(wait) => {
            let detail = "Too many tries from your address. Wait a moment, then try again.";
            DoorError::new(Code::TooManyTries, detail).after(wait).into_response()
        }
    }
}

/// The address that tries are counted by. A proxy on this machine says whom it speaks for in the last entry of
/// `X-Forwarded-For`; whoever else sends that header is not believed. An IPv6 network counts as one.
fn who(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let forwarded = headers.get_all(HeaderName::from_static("x-forwarded-for")).iter().next_back();
    let forwarded = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    match forwarded.filter(|_| peer.to_canonical().is_loopback()).unwrap_or(peer).to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, forwarded: Option<&'static str>) -> IpAddr {
        let mut headers = HeaderMap::new();
        if let Some(forwarded) = forwarded {
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        }
        who(peer.parse().unwrap(), &headers)
    }

    #[test]
    fn tries_are_counted_out_by_address() {
        let tries = Tries::new();
        let (one, other) = (from("192.0.2.1", None), from("192.0.2.2", None));
        let refused = (0..1_000).find_map(|_| tries.count(one).err()).unwrap();
        assert!(refused <= EACH);
        assert!(tries.count(other).is_ok());
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        assert_eq!(from("127.0.0.1", Some("203.0.113.9, 198.51.100.7")), from("198.51.100.7", None));
        assert_eq!(from("192.0.2.1", Some("198.51.100.7")), from("192.0.2.1", None));
        assert_eq!(from("127.0.0.1", Some("junk")), from("127.0.0.1", None));
    }

    #[test]
    fn an_ipv6_network_is_one() {
        assert_eq!(from("2001:db8:1:2::5", None), from("2001:db8:1:2:ffff::9", None));
        assert_ne!(from("2001:db8:1:2::5", None), from("2001:db8:1:3::5", None));
        assert_eq!(from("::ffff:192.0.2.1", None), from("192.0.2.1", None));
    }
}
