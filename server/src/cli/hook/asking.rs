//! One call at the desk: asked, waited for, claimed.

use super::call::{Call, Verdict, tool_name};
use super::taken_back;
use crate::cli::complain;
use crate::cli::door::{Asked, DeciderKind, Door, DoorFailure};
use countersign_domain::canonical::Canonical;
use countersign_domain::request::RequestState;
use countersign_wire::problem::Code;
use serde_json::{Map, Value, json};

/// How a call is asked about.
pub(super) struct Asking<'a> {
    /// The desk.
    pub(super) door: &'a Door,
    /// By which connector.
    pub(super) connector: String,
    /// What of a tool that the desk doesn't know.
    pub(super) unknown_tools: UnknownTools,
    /// Whether the agent takes another input than its own.
    pub(super) can_change: bool,
}

/// What to say of a tool that the desk doesn't know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum UnknownTools {
    Allow,
    Deny,
}

/// Why there is no word from the desk.
pub(super) enum Failure {
    /// It is not there, does not know the key, or broke.
    Unreachable(String),
    /// It won't be asked like this.
    Refused(String),
}

impl From<DoorFailure> for Failure {
    fn from(failure: DoorFailure) -> Self {
        let why = failure.to_string();
        match failure {
            DoorFailure::Refused(code, _) if code != Code::Unauthenticated && code.status() < 500 => Self::Refused(why),
            _ => Self::Unreachable(why),
        }
    }
}

impl Asking<'_> {
    /// The desk's word on a call, before it is too `late`. When its agent stops the hook, the question is taken back; when the
    /// time is up it stays, for the agent to ask again.
    pub(super) async fn until(
        &self,
        late: impl Future<Output = ()>,
        call: &Call,
        stopped: impl Future<Output = ()>,
    ) -> Result<Verdict, Failure> {
        let waits_at = tokio::select! {
            decided = self.decided(call) => return decided,
            () = late => self.door.asked_link(),
            () = stopped => {
                taken_back(self.door).await;
                return Err(Failure::Refused("the agent stopped waiting".to_owned()));
            }
        };
        Err(match waits_at {
            Some(link) => Failure::Refused(format!(
                "nobody has decided yet. It still waits at {link}; once it is approved, make the same call again"
            )),
            None => Failure::Unreachable("the desk did not answer in time".to_owned()),
        })
    }

    async fn decided(&self, call: &Call) -> Result<Verdict, Failure> {
        let tool = tool_name(&call.tool).map_err(Failure::Refused)?;
        let question = self.question(call, &tool);
        if let Some(key) = call.key(&question) {
            self.door.asks_as(key);
        }
        let asked = match self.door.ask(&question).await {
            Err(DoorFailure::Refused(Code::UnknownTool, _)) => return self.unknown(&tool),
            asked => asked?,
        };
        if asked.state == RequestState::Pending {
            complain(format_args!("needs an approval: {}", self.door.review_link(&asked.id)));
        }
        let decided = self.door.decided(asked).await?;
        match decided.state {
            RequestState::Approved => self.approved(call, &decided).await,
            _ => Err(Failure::Refused(self.refusal(&decided))),
        }
    }

    fn question(&self, call: &Call, tool: &str) -> Value {
        let mut question = json!({"connector": self.connector, "tool": tool, "arguments": call.arguments()});
        if let Some(session) = &call.session {
            question["session_id"] = json!(session);
        }
        if let Some(reason) = call.reason() {
            question["reason"] = json!(reason);
        }
        question
    }

    /// Nothing runs without a won claim, allowed or approved. What a policy allowed is left to the agent's own prompt.
    async fn approved(&self, call: &Call, decided: &Asked) -> Result<Verdict, Failure> {
        let claimed = self.door.claim(&decided.id).await?;
        let input = self.claimed_input(call, claimed).ok_or_else(|| {
            Failure::Refused("what was approved is not this call, and this agent can't make another".to_owned())
        })?;
        Ok(match decided.decided_by.as_ref().map(|decider| decider.kind) {
            Some(DeciderKind::User | DeciderKind::External | DeciderKind::Grant | DeciderKind::Auto) => {
                Verdict::Allow(input)
            }
            Some(DeciderKind::Policy | DeciderKind::Unknown) | None => Verdict::NoOpinion,
        })
    }

    /// The approved input: of this call, or a changed one where the agent takes one.
    fn claimed_input(&self, call: &Call, mut claimed: Value) -> Option<Map<String, Value>> {
        let asked = call.arguments();
        if Canonical::of(&claimed) == Canonical::of(&asked) {
            return Some(call.input.clone());
        }
        let input = claimed.as_object_mut()?.remove("input")?;
        let elsewhere = claimed.get("folder") != asked.get("folder") || claimed.get("server") != asked.get("server");
        match input {
            Value::Object(input) if self.can_change && !elsewhere => Some(input),
            _ => None,
        }
    }

    fn refusal(&self, decided: &Asked) -> String {
        let why = decided.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let link = self.door.review_link(&decided.id);
        match decided.state {
            RequestState::Denied => format!("denied{why}"),
            RequestState::Expired => format!("nobody answered in time ({link})"),
            RequestState::Withdrawn => format!("the request was withdrawn ({link})"),
            other => format!("the request ended as {} ({link})", other.word()),
        }
    }

    fn unknown(&self, tool: &str) -> Result<Verdict, Failure> {
        let connector = &self.connector;
        match self.unknown_tools {
            UnknownTools::Allow => Ok(Verdict::NoOpinion),
            UnknownTools::Deny => Err(Failure::Refused(format!(
                "the desk has no tool {tool:?} in a connector {connector:?} that this agent may use. An admin adds it to \
                 the desk's file: connectors: [{{slug: {connector}, kind: external, name: {connector}, tools: \
                 [{{name: {tool:?}, effect: destructive}}]}}], and a policy for it"
            ))),
        }
    }
}
