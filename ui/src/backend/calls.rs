//! One method per thing that a page wants of the server.

use super::{Backend, Failure, Method, Nothing};
use crate::hooks::queue::QueueQuery;
use countersign_domain::ids::{AgentId, ConnectorId, PasskeyId, PolicyId, UserId};
use countersign_domain::policy::PolicyBody;
use countersign_wire::Page;
use countersign_wire::agents::{AgentBody, AgentChange, AgentCreated, AgentRow};
use countersign_wire::connectors::{ConnectorChange, ConnectorRow, ToolChange};
use countersign_wire::people::{Invitation, InvitationBody, UserChange, UserRow};
use countersign_wire::policies::{FlowRow, PolicyChange, PolicyRow};
use countersign_wire::requests::{Card, CeremonyOptions, Decided, DecisionBody, RequestPage};
use countersign_wire::session::{
    DeskInfo, InvitationAccept, InvitationInfo, LinkToken, PasskeyRow, PasskeyStart, SessionInfo, SetupStart,
    SignInStart,
};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

type Outcome<T> = Result<T, Failure>;

/// Signing in and out.
impl Backend {
    pub(crate) async fn desk(&self) -> Outcome<DeskInfo> {
        self.get("/api/desk").await
    }

    pub(crate) async fn session(&self) -> Outcome<SessionInfo> {
        self.get("/api/session").await
    }

    pub(crate) async fn sign_out(&self) -> Outcome<()> {
        self.forget(Method::Delete, "/api/session").await
    }

    pub(crate) async fn sign_in_by_link(&self, token: String) -> Outcome<SessionInfo> {
        self.post("/api/session/link", &LinkToken { token }).await
    }

    pub(crate) async fn sign_in_by_passkey(&self, email: Option<String>) -> Outcome<SessionInfo> {
        let options = self.post("/api/session/passkey/start", &SignInStart { email }).await?;
        let finish = self.give_passkey(options).await?;
        self.post("/api/session/passkey/finish", &finish).await
    }

    pub(crate) async fn look_at_setup(&self, token: String) -> Outcome<()> {
        self.post("/api/setup/look", &LinkToken { token }).await.map(|IgnoredAny| ())
    }

    pub(crate) async fn set_up(&self, start: &SetupStart) -> Outcome<SessionInfo> {
        self.enrol("/api/setup/start", start, "/api/setup/finish").await
    }

    pub(crate) async fn look_at_invitation(&self, token: String) -> Outcome<InvitationInfo> {
        self.post("/api/invitations/look", &LinkToken { token }).await
    }

    pub(crate) async fn accept_invitation(&self, accept: &InvitationAccept) -> Outcome<SessionInfo> {
        self.enrol("/api/invitations/accept/start", accept, "/api/invitations/accept/finish").await
    }

    async fn enrol<B: Serialize, T: DeserializeOwned>(&self, start: &str, body: &B, finish: &str) -> Outcome<T> {
        let options: CeremonyOptions = self.post(start, body).await?;
        let credential = self.make_passkey(options).await?;
        self.post(finish, &credential).await
    }

    async fn forget(&self, method: Method, path: &str) -> Outcome<()> {
        self.call(method, path, None).await.map(|IgnoredAny| ())
    }
}

/// The reader's own passkeys.
impl Backend {
    pub(crate) async fn passkeys(&self) -> Outcome<Page<PasskeyRow>> {
        self.get("/api/passkeys").await
    }

    pub(crate) async fn add_passkey(&self, name: String) -> Outcome<PasskeyRow> {
        self.enrol("/api/passkeys/start", &PasskeyStart { name }, "/api/passkeys/finish").await
    }

    pub(crate) async fn remove_passkey(&self, id: PasskeyId) -> Outcome<()> {
        self.forget(Method::Delete, &format!("/api/passkeys/{id}")).await
    }
}

/// Requests and decisions.
impl Backend {
    pub(crate) async fn requests(&self, query: &QueueQuery, after: Option<&str>, limit: usize) -> Outcome<RequestPage> {
        self.get(&query.path(after, limit)).await
    }

    pub(crate) async fn request(&self, id: &str) -> Outcome<Card> {
        self.get(&format!("/api/requests/{}", segment(id))).await
    }

    /// A decision that needs no ceremony.
    pub(crate) async fn decide(&self, id: &str, body: &DecisionBody) -> Outcome<Decided> {
        self.post(&format!("/api/requests/{}/decisions", segment(id)), body).await
    }

    /// A decision signed by a passkey.
    pub(crate) async fn countersign(&self, id: &str, body: &DecisionBody) -> Outcome<Decided> {
        let path = format!("/api/requests/{}/decisions", segment(id));
        let options = self.post(&format!("{path}/start"), body).await?;
        let finish = self.give_passkey(options).await?;
        self.post(&format!("{path}/finish"), &finish).await
    }

    pub(crate) async fn withdraw(&self, id: &str) -> Outcome<Decided> {
        self.post(&format!("/api/requests/{}/withdraw", segment(id)), &Nothing {}).await
    }

    pub(crate) async fn policy_draft(&self, id: &str) -> Outcome<PolicyBody> {
        self.get(&format!("/api/requests/{}/policy-draft", segment(id))).await
    }
}

/// Policies and flows.
impl Backend {
    pub(crate) async fn policies(&self) -> Outcome<Vec<PolicyRow>> {
        self.all("/api/policies").await
    }

    pub(crate) async fn create_policy(&self, body: &PolicyBody) -> Outcome<PolicyRow> {
        self.post("/api/policies", body).await
    }

    pub(crate) async fn replace_policy(&self, id: PolicyId, body: &PolicyBody) -> Outcome<PolicyRow> {
        self.send(Method::Put, &format!("/api/policies/{id}"), body).await
    }

    pub(crate) async fn switch_policy(&self, id: PolicyId, active: bool) -> Outcome<PolicyRow> {
        self.send(Method::Patch, &format!("/api/policies/{id}"), &PolicyChange { active }).await
    }

    pub(crate) async fn flows(&self) -> Outcome<Vec<FlowRow>> {
        self.all("/api/flows").await
    }
}

/// Connectors.
impl Backend {
    pub(crate) async fn connectors(&self) -> Outcome<Vec<ConnectorRow>> {
        self.all("/api/connectors").await
    }

    pub(crate) async fn connector(&self, id: ConnectorId) -> Outcome<ConnectorRow> {
        self.get(&format!("/api/connectors/{id}")).await
    }

    pub(crate) async fn check_connector(&self, id: ConnectorId) -> Outcome<ConnectorRow> {
        self.post(&format!("/api/connectors/{id}/check"), &Nothing {}).await
    }

    pub(crate) async fn switch_connector(&self, id: ConnectorId, active: bool) -> Outcome<()> {
        let path = format!("/api/connectors/{id}");
        self.send(Method::Patch, &path, &ConnectorChange { active }).await.map(|IgnoredAny| ())
    }

    pub(crate) async fn change_tool(&self, id: ConnectorId, change: &ToolChange) -> Outcome<ConnectorRow> {
        self.send(Method::Patch, &format!("/api/connectors/{id}/tools"), change).await
    }
}

/// Agents and people.
impl Backend {
    pub(crate) async fn agents(&self) -> Outcome<Vec<AgentRow>> {
        self.all("/api/agents").await
    }

    pub(crate) async fn create_agent(&self, body: &AgentBody) -> Outcome<AgentCreated> {
        self.post("/api/agents", body).await
    }

    pub(crate) async fn change_agent(&self, id: AgentId, change: &AgentChange) -> Outcome<AgentRow> {
        self.send(Method::Patch, &format!("/api/agents/{id}"), change).await
    }

    pub(crate) async fn renew_key(&self, id: AgentId) -> Outcome<AgentCreated> {
        self.post(&format!("/api/agents/{id}/key"), &Nothing {}).await
    }

    pub(crate) async fn people(&self) -> Outcome<Vec<UserRow>> {
        self.all("/api/users").await
    }

    pub(crate) async fn change_person(&self, id: UserId, change: &UserChange) -> Outcome<UserRow> {
        self.send(Method::Patch, &format!("/api/users/{id}"), change).await
    }

    pub(crate) async fn invite(&self, body: &InvitationBody) -> Outcome<Invitation> {
        self.post("/api/invitations", body).await
    }

    /// Every page of a list that people read whole. The number of pages is bounded, so that a server that repeats a
    /// cursor can't keep the page busy for ever.
    async fn all<T: DeserializeOwned>(&self, path: &str) -> Outcome<Vec<T>> {
        let mut rows = Vec::new();
        let mut after = None;
        for _ in 0..50 {
            let query = after.map(|after: String| format!("&after={}", segment(&after))).unwrap_or_default();
            let page: Page<T> = self.get(&format!("{path}?limit=200{query}")).await?;
            rows.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(rows)
    }
}

/// One path segment or query value: what isn't unreserved (RFC 3986, section 2.3) is percent-encoded.
pub(crate) fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut coded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            coded.push(char::from(byte));
        } else {
            let _ = write!(coded, "%{byte:02X}");
        }
        coded
    })
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn an_id_out_of_the_address_bar_stays_one_segment() {
        assert_eq!(segment("../agents?x=1"), "..%2Fagents%3Fx%3D1");
        assert_eq!(segment("0198-a.b~c_d"), "0198-a.b~c_d");
    }
}
