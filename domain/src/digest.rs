//! What a signature stands for: one digest over everything that decides what will run.

use crate::access::AskedTool;
use crate::canonical::{Canonical, CanonicalError};
use crate::ids::{AgentId, ConnectorId, CredentialId, DeskId, PolicyId, RequestId, UserId};
use crate::request::{RequestKind, Target};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Everything that a request's digest covers. A change of any field is another digest, and so another request.
#[derive(Clone, Debug, PartialEq)]
pub struct DigestInput {
    /// The desk.
    pub desk_id: DeskId,
    /// The request.
    pub request_id: RequestId,
    /// A call, or an ask for access.
    pub kind: RequestKind,
    /// Who asks.
    pub agent_id: AgentId,
    /// On whose behalf.
    pub requester_id: UserId,
    /// Through which connector.
    pub connector_id: ConnectorId,
    /// The connector's settings as they were.
    pub connector_version: i64,
    /// What is asked for.
    pub what: Asked,
    /// The arguments, canonical.
    pub arguments: Canonical,
    /// Where the call goes.
    pub target: Target,
    /// Which credential, if any.
    pub credential_id: Option<CredentialId>,
    /// The credential's version.
    pub credential_version: Option<i64>,
    /// The policy that held or allowed it.
    pub policy_id: Option<PolicyId>,
    /// That policy's version.
    pub policy_version: Option<i64>,
    /// The flow's version, when it was held.
    pub flow_version: Option<i64>,
    /// When it ends by itself; milliseconds, as it never changes after creation.
    pub expires_at: Timestamp,
}

/// The tool of a call, or the tools of an ask for access.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// One tool.
    Call {
        /// Its bare name.
        tool: String,
        /// SHA-256 of its input schema, hex.
        schema_hash: String,
    },
    /// Several, each with its effect, its schema's hash and the policy that it falls under.
    Access(Vec<AskedTool>),
}

#[derive(Serialize)]
struct Digested<'a> {
    v: u8,
    desk_id: DeskId,
    request_id: RequestId,
    kind: RequestKind,
    agent_id: AgentId,
    requester_id: UserId,
    connector_id: ConnectorId,
    connector_version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<&'a [AskedTool]>,
    schema_hash: Option<&'a str>,
    arguments: Value,
    target: &'a Target,
    credential_id: Option<CredentialId>,
    credential_version: Option<i64>,
    policy_id: Option<PolicyId>,
    policy_version: Option<i64>,
    flow_version: Option<i64>,
    expires_at: i64,
}

impl DigestInput {
    /// `SHA-256(JCS({v:1, ...}))` (RFC 8785).
    ///
    /// # Errors
    /// When the stored arguments are no canonical JSON any more.
    pub fn digest(&self) -> Result<Digest, CanonicalError> {
        let (tool, tools, schema_hash) = match &self.what {
            Asked::Call { tool, schema_hash } => (Some(tool.as_str()), None, Some(schema_hash.as_str())),
            Asked::Access(tools) => (None, Some(tools.as_slice()), None),
        };
        let canonical = Canonical::of(&Digested {
            v: 1,
            desk_id: self.desk_id,
            request_id: self.request_id,
            kind: self.kind,
            agent_id: self.agent_id,
            requester_id: self.requester_id,
            connector_id: self.connector_id,
            connector_version: self.connector_version,
            tool,
            tools,
            schema_hash,
            arguments: self.arguments.value()?,
            target: &self.target,
            credential_id: self.credential_id,
            credential_version: self.credential_version,
            policy_id: self.policy_id,
            policy_version: self.policy_version,
            flow_version: self.flow_version,
            expires_at: self.expires_at.millis(),
        })?;
        Ok(Digest(Sha256::digest(canonical.bytes()).into()))
    }
}

/// A SHA-256, written as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// From 64 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok().map(|()| Self(bytes))
    }

    /// What people see of it: the first 8 hex digits in two groups, such as `9f3a 71c4`.
    #[must_use]
    pub fn seal(&self) -> String {
        format!("{} {}", hex::encode(&self.0[..2]), hex::encode(&self.0[2..4]))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("a digest is 64 hex digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Effect;
    use uuid::Uuid;

    fn given_input() -> DigestInput {
        let id = Uuid::from_u128(7);
        DigestInput {
            desk_id: DeskId(id),
            request_id: RequestId(id),
            kind: RequestKind::Call,
            agent_id: AgentId(id),
            requester_id: UserId(id),
            connector_id: ConnectorId(id),
            connector_version: 1,
            what: call("refunds_create", "ab"),
            arguments: Canonical::read(br#"{"amount":4900}"#).unwrap().1,
            target: Target::Http { method: "POST".into(), url: "https://api.test/refunds".into() },
            credential_id: Some(CredentialId(id)),
            credential_version: Some(1),
            policy_id: Some(PolicyId(id)),
            policy_version: Some(3),
            flow_version: Some(2),
            expires_at: Timestamp::from_millis(1_000),
        }
    }

    fn call(tool: &str, schema_hash: &str) -> Asked {
        Asked::Call { tool: tool.into(), schema_hash: schema_hash.into() }
    }

    fn access(tool: &str, schema_hash: &str) -> Asked {
        let (policy_id, policy_version) = (Some(PolicyId(Uuid::from_u128(7))), Some(3));
        let (tool, schema_hash) = (tool.to_owned(), schema_hash.to_owned());
        Asked::Access(vec![AskedTool { tool, effect: Effect::Write, schema_hash, policy_id, policy_version }])
    }

    /// A digest that was signed stays what it is: what access brought must not move it.
    #[test]
    fn the_digest_of_a_call_is_what_it_always_was() {
        let known = "13591545585c845c0b966778beea33128e1f02ca46d6c3cbe715b82e95009e79";
        assert_eq!(given_input().digest().unwrap().to_string(), known);
    }

    #[test]
    fn every_field_counts() {
        let other = Uuid::from_u128(8);
        let changes: Vec<fn(&mut DigestInput, Uuid)> = vec![
            |i, o| i.desk_id = DeskId(o),
            |i, o| i.request_id = RequestId(o),
            |i, _| i.kind = RequestKind::Access,
            |i, o| i.agent_id = AgentId(o),
            |i, o| i.requester_id = UserId(o),
            |i, o| i.connector_id = ConnectorId(o),
            |i, _| i.connector_version = 2,
            |i, _| i.what = call("refunds_list", "ab"),
            |i, _| i.what = call("refunds_create", "ac"),
            |i, _| i.what = access("refunds_list", "ab"),
            |i, _| i.what = access("refunds_create", "ab"),
            |i, _| i.what = access("refunds_create", "ac"),
            |i, _| i.arguments = Canonical::read(br#"{"amount":4901}"#).unwrap().1,
            |i, _| i.target = Target::Http { method: "PUT".into(), url: "https://api.test/refunds".into() },
            |i, _| i.credential_id = None,
            |i, _| i.credential_version = Some(2),
            |i, o| i.policy_id = Some(PolicyId(o)),
            |i, _| i.policy_version = Some(4),
            |i, _| i.flow_version = None,
            |i, _| i.expires_at = Timestamp::from_millis(1_001),
        ];
        let mut seen = std::collections::HashSet::from([given_input().digest().unwrap()]);
        for change in changes {
            let mut input = given_input();
            change(&mut input, other);
            assert!(seen.insert(input.digest().unwrap()));
        }
    }

    #[test]
    fn the_seal_is_eight_hex_digits_in_two_groups() {
        let digest = Digest::from_hex(&"9f3a71c4".repeat(8)).unwrap();
        assert_eq!(digest.seal(), "9f3a 71c4");
    }
}
