//! Where a browser takes pushes, read from what it said: an address that we then call, and keys.

use super::super::Subscription;
use crate::connectors::check_literal;
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use url::{Host, Url};
use web_push_native::Auth;
use web_push_native::p256::PublicKey;

/// Browsers leave the padding out, and some libraries don't.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Longer than any push service's addresses.
const LONGEST_ENDPOINT: usize = 2_048;

/// A subscription that can be pushed to.
pub(super) struct Recipient {
    pub(super) endpoint: Url,
    /// Whether it is on this machine, which only a desk of this machine may call.
    pub(super) is_local: bool,
    pub(super) public_key: PublicKey,
    pub(super) auth: Auth,
}

/// What is wrong with a subscription: the field, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Problem(pub(crate) &'static str, pub(crate) &'static str);

impl Problem {
    pub(super) fn sentence(self) -> String {
        let Self(field, why) = self;
        format!("The browser's {field} {why}.")
    }
}

impl Subscription {
    /// What is wrong with it, at a desk of this machine or not.
    pub(crate) fn check(&self, local: bool) -> Result<(), Problem> {
        self.read(local).map(drop)
    }

    pub(super) fn read(&self, local: bool) -> Result<Recipient, Problem> {
        let (endpoint, is_local) = self.address(local)?;
        let point = BASE64URL.decode(&self.p256dh).unwrap_or_default();
        let public_key = PublicKey::from_sec1_bytes(&point)
            .map_err(|_| Problem("keys.p256dh", "must be a point of P-256, base64url"))?;
        let auth: [u8; 16] = BASE64URL
            .decode(&self.auth)
            .ok()
            .and_then(|auth| auth.try_into().ok())
            .ok_or(Problem("keys.auth", "must be 16 bytes, base64url"))?;
        Ok(Recipient { endpoint, is_local, public_key, auth: auth.into() })
    }

    /// A public address by https; of a desk of this machine also one of this machine. What a name resolves to is looked
    /// at when it is called.
    fn address(&self, local: bool) -> Result<(Url, bool), Problem> {
        const FIELD: &str = "endpoint";
        let none = Problem(FIELD, "must be the https address of a push service");
        let url = Url::parse(&self.endpoint).ok().filter(|_| self.endpoint.len() <= LONGEST_ENDPOINT).ok_or(none)?;
        let host = url.host().ok_or(none)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(none);
        }
        if local && is_this_machine(&host) && matches!(url.scheme(), "http" | "https") {
            return Ok((url, true));
        }
        let private = Problem(FIELD, "must be a public address");
        check_literal(&host, false).map_err(|_| private)?;
        if url.scheme() == "https" { Ok((url, false)) } else { Err(none) }
    }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}
