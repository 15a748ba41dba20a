//! What would become of an ask. Nothing is asked, stored or recorded.

use super::error::DeskError;
use super::submit::judged;
use super::{AgentCaller, Ask, Desk};
use countersign_domain::policy::Action;
use countersign_wire::problem::Code;

/// What an ask would come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// What the policies make of it.
    pub needs: Action,
    /// The policy that says so, where one matches.
    pub policy: Option<String>,
    /// The flow that would ask for approval.
    pub flow: Option<String>,
    /// Why it would be refused, where no policy says so.
    pub why: Option<String>,
}

impl Desk {
    /// Checks and judges an ask as [`Self::submit`] would. What the agent may not see or do is a no like any other.
    ///
    /// # Errors
    /// When the ask itself is wrong: arguments that don't fit, a body that can't be read in one way only.
    pub async fn dry_run(&self, caller: &AgentCaller, ask: &Ask) -> Result<Outlook, DeskError> {
        let snapshot = self.snapshot();
        let judged = match judged(&snapshot, caller, ask, self.now()) {
            Err(DeskError::Refused(refusal))
                if matches!(refusal.code, Code::UnknownTool | Code::OnBehalfOfNotPermitted) =>
            {
                return Ok(Outlook { needs: Action::Deny, policy: None, flow: None, why: Some(refusal.detail) });
            }
            judged => judged?,
        };
        let under = match judged.sought(ask) {
            Some(sought) => self.backing(&snapshot, &sought, self.now()).await?,
            None => None,
        };
        Ok(Outlook {
            needs: if under.is_some() { Action::Allow } else { judged.verdict.action },
            policy: judged.verdict.policy.map(|policy| policy.name),
            flow: judged.flow.map(|flow| flow.body.name.clone()),
            why: judged.why_denied.map(str::to_owned),
        })
    }
}
