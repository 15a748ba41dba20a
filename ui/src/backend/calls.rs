//! One method per thing that a page wants of the server.

use super::{Backend, Ceremony, Method, NOTHING, Reply, parsed, written};
use crate::hooks::queue::QueueQuery;
use crate::routes::query;
use countersign_domain::delivery::DeliveryState;
use countersign_domain::delivery::{Channel, Preferences};
use countersign_domain::flow::FlowBody;
use countersign_domain::ids::{
    AgentId, ConnectorId, DelegationId, DeliveryId, FlowId, GrantId, PasskeyId, PolicyId, RequestId, SubscriptionId,
    UserId,
};
use countersign_domain::policy::PolicyBody;
use countersign_wire::Page;
use countersign_wire::agents::{AgentBody, AgentChange, AgentCreated, AgentRow, CallbackBody};
use countersign_wire::connectors::{ConnectorChange, ConnectorRow, ToolChange};
use countersign_wire::deliveries::DeliveryRow;
use countersign_wire::grants::GrantRow;
use countersign_wire::me::{BrowserRow, MyPreferences, TestBody, TestRow};
use countersign_wire::outside::{OutsideDecision, OutsideView};
use countersign_wire::people::{DelegationBody, DelegationRow, Invitation, InvitationBody, UserChange, UserRow};
use countersign_wire::policies::{FlowRow, PolicyChange, PolicyRow};
use countersign_wire::requests::{AlsoAsk, Card, Decided, DecisionBody, RequestPage};
use countersign_wire::session::{
    AppRedirect, AppSignIn, DeskInfo, InvitationAccept, InvitationInfo, LinkToken, PasskeyRow, PasskeyStart,
    SessionInfo, SetupStart, SignInStart,
};
use serde::de::DeserializeOwned;

/// Signing in and out.
impl Backend {
    pub(crate) fn desk(&self) -> Reply<DeskInfo> {
        self.get("/api/desk")
    }

    pub(crate) fn session(&self) -> Reply<SessionInfo> {
        self.get("/api/session")
    }

    pub(crate) fn sign_out(&self) -> Reply<String> {
        self.exchange(Method::Delete, "/api/session".to_owned(), None)
    }

    pub(crate) fn sign_in_by_link(&self, token: String) -> Reply<SessionInfo> {
        self.post("/api/session/link", &LinkToken { token })
    }

    /// Makes a code for the desktop app; where to hand it over.
    pub(crate) fn sign_app_in(&self, body: &AppSignIn) -> Reply<AppRedirect> {
        self.post("/api/session/app", body)
    }

    pub(crate) fn sign_in_by_passkey(&self, email: Option<String>) -> Reply<SessionInfo> {
        let body = written(&SignInStart { email });
        parsed(self.ceremony(Ceremony::Get, "/api/session/passkey/start", body, "/api/session/passkey/finish"))
    }

    pub(crate) fn look_at_setup(&self, token: String) -> Reply<String> {
        self.exchange(Method::Post, "/api/setup/look".to_owned(), written(&LinkToken { token }))
    }

    pub(crate) fn set_up(&self, start: &SetupStart) -> Reply<SessionInfo> {
        parsed(self.ceremony(Ceremony::Create, "/api/setup/start", written(start), "/api/setup/finish"))
    }

    pub(crate) fn look_at_invitation(&self, token: String) -> Reply<InvitationInfo> {
        self.post("/api/invitations/look", &LinkToken { token })
    }

    pub(crate) fn accept_invitation(&self, accept: &InvitationAccept) -> Reply<SessionInfo> {
        let (start, finish) = ("/api/invitations/accept/start", "/api/invitations/accept/finish");
        parsed(self.ceremony(Ceremony::Create, start, written(accept), finish))
    }
}

/// Of people without an account.
impl Backend {
    pub(crate) fn look_outside(&self, token: String) -> Reply<OutsideView> {
        self.post("/api/outside/look", &LinkToken { token })
    }

    pub(crate) fn decide_outside(&self, body: &OutsideDecision) -> Reply<Decided> {
        self.post("/api/outside/decide", body)
    }
}

/// The reader's own passkeys.
impl Backend {
    pub(crate) fn passkeys(&self) -> Reply<Page<PasskeyRow>> {
        self.get("/api/passkeys")
    }

    pub(crate) fn add_passkey(&self, name: String) -> Reply<String> {
        let body = written(&PasskeyStart { name });
        self.ceremony(Ceremony::Create, "/api/passkeys/start", body, "/api/passkeys/finish")
    }

    pub(crate) fn remove_passkey(&self, id: PasskeyId) -> Reply<String> {
        self.exchange(Method::Delete, format!("/api/passkeys/{id}"), None)
    }
}

/// How the reader is told.
impl Backend {
    pub(crate) fn preferences(&self) -> Reply<MyPreferences> {
        self.get("/api/me/preferences")
    }

    pub(crate) fn set_preferences(&self, preferences: &Preferences) -> Reply<MyPreferences> {
        self.send(Method::Put, "/api/me/preferences", preferences)
    }

    pub(crate) fn browsers(&self) -> Reply<Page<BrowserRow>> {
        self.get("/api/push/subscriptions")
    }

    pub(crate) fn remove_browser(&self, id: SubscriptionId) -> Reply<String> {
        self.exchange(Method::Delete, format!("/api/push/subscriptions/{id}"), None)
    }

    pub(crate) fn delegations(&self) -> Reply<Page<DelegationRow>> {
        self.get("/api/delegations")
    }

    pub(crate) fn delegate(&self, body: &DelegationBody) -> Reply<DelegationRow> {
        self.post("/api/delegations", body)
    }

    pub(crate) fn end_delegation(&self, id: DelegationId) -> Reply<String> {
        self.exchange(Method::Delete, format!("/api/delegations/{id}"), None)
    }

    pub(crate) fn send_test(&self, channel: Channel) -> Reply<TestRow> {
        self.post("/api/me/tests", &TestBody { channel })
    }

    pub(crate) fn test(&self, id: DeliveryId) -> Reply<TestRow> {
        self.get(format!("/api/me/tests/{id}"))
    }
}

/// Requests and decisions.
impl Backend {
    pub(crate) fn requests(&self, query: &QueueQuery, after: Option<&str>, limit: usize) -> Reply<RequestPage> {
        self.get(query.path(after, limit))
    }

    pub(crate) fn request(&self, id: &str) -> Reply<Card> {
        self.get(format!("/api/requests/{}", segment(id)))
    }

    /// A decision that needs no ceremony.
    pub(crate) fn decide(&self, id: &str, body: &DecisionBody) -> Reply<Decided> {
        self.post(format!("/api/requests/{}/decisions", segment(id)), body)
    }

    /// A decision signed by a passkey.
    pub(crate) fn countersign(&self, id: &str, body: &DecisionBody) -> Reply<Decided> {
        let path = format!("/api/requests/{}/decisions", segment(id));
        let (start, finish) = (format!("{path}/start"), format!("{path}/finish"));
        parsed(self.ceremony(Ceremony::Get, start, written(body), finish))
    }

    pub(crate) fn withdraw(&self, id: &str) -> Reply<Decided> {
        self.poke(format!("/api/requests/{}/withdraw", segment(id)))
    }

    /// Asks these users too, by email.
    pub(crate) fn also_ask(&self, id: RequestId, users: Vec<String>) -> Reply<String> {
        self.exchange(Method::Post, format!("/api/requests/{id}/approvers"), written(&AlsoAsk { users }))
    }

    pub(crate) fn report_agent(&self, id: RequestId) -> Reply<String> {
        self.exchange(Method::Post, format!("/api/requests/{id}/report"), Some(NOTHING.to_owned()))
    }

    /// Has a request pushed to the reader's other screens.
    pub(crate) fn send_on(&self, id: RequestId) -> Reply<String> {
        self.exchange(Method::Post, format!("/api/requests/{id}/send-on"), Some(NOTHING.to_owned()))
    }

    pub(crate) fn policy_draft(&self, id: &str) -> Reply<PolicyBody> {
        self.get(format!("/api/requests/{}/policy-draft", segment(id)))
    }
}

/// Policies and flows.
impl Backend {
    pub(crate) fn policies(&self) -> Reply<Vec<PolicyRow>> {
        self.all("/api/policies")
    }

    pub(crate) fn create_policy(&self, body: &PolicyBody) -> Reply<PolicyRow> {
        self.post("/api/policies", body)
    }

    pub(crate) fn replace_policy(&self, id: PolicyId, body: &PolicyBody) -> Reply<PolicyRow> {
        self.send(Method::Put, format!("/api/policies/{id}"), body)
    }

    pub(crate) fn switch_policy(&self, id: PolicyId, active: bool) -> Reply<PolicyRow> {
        self.send(Method::Patch, format!("/api/policies/{id}"), &PolicyChange { active })
    }

    pub(crate) fn flows(&self) -> Reply<Vec<FlowRow>> {
        self.all("/api/flows")
    }

    pub(crate) fn create_flow(&self, body: &FlowBody) -> Reply<FlowRow> {
        self.post("/api/flows", body)
    }

    pub(crate) fn replace_flow(&self, id: FlowId, body: &FlowBody) -> Reply<FlowRow> {
        self.send(Method::Put, format!("/api/flows/{id}"), body)
    }

    pub(crate) fn delete_flow(&self, id: FlowId) -> Reply<String> {
        self.exchange(Method::Delete, format!("/api/flows/{id}"), None)
    }
}

/// Connectors.
impl Backend {
    pub(crate) fn connectors(&self) -> Reply<Vec<ConnectorRow>> {
        self.all("/api/connectors")
    }

    pub(crate) fn connector(&self, id: ConnectorId) -> Reply<ConnectorRow> {
        self.get(format!("/api/connectors/{id}"))
    }

    pub(crate) fn check_connector(&self, id: ConnectorId) -> Reply<ConnectorRow> {
        self.poke(format!("/api/connectors/{id}/check"))
    }

    pub(crate) fn switch_connector(&self, id: ConnectorId, active: bool) -> Reply<String> {
        self.exchange(Method::Patch, format!("/api/connectors/{id}"), written(&ConnectorChange { active }))
    }

    pub(crate) fn change_tool(&self, id: ConnectorId, change: &ToolChange) -> Reply<ConnectorRow> {
        self.send(Method::Patch, format!("/api/connectors/{id}/tools"), change)
    }
}

/// What was told to whom.
impl Backend {
    /// One page, the newest first; of every state where none is given.
    pub(crate) fn deliveries(&self, state: Option<DeliveryState>, after: Option<&str>) -> Reply<Page<DeliveryRow>> {
        let pairs = [("state", state.map(DeliveryState::word)), ("after", after), ("limit", Some("100"))];
        self.get(format!("/api/deliveries?{}", query(&pairs)))
    }

    pub(crate) fn send_again(&self, id: DeliveryId) -> Reply<DeliveryRow> {
        self.poke(format!("/api/deliveries/{id}/retry"))
    }
}

/// Agents and people.
impl Backend {
    pub(crate) fn agents(&self) -> Reply<Vec<AgentRow>> {
        self.all("/api/agents")
    }

    pub(crate) fn grants(&self) -> Reply<Vec<GrantRow>> {
        self.all("/api/grants")
    }

    pub(crate) fn revoke_grant(&self, id: GrantId) -> Reply<GrantRow> {
        self.poke(format!("/api/grants/{id}/revoke"))
    }

    pub(crate) fn create_agent(&self, body: &AgentBody) -> Reply<AgentCreated> {
        self.post("/api/agents", body)
    }

    pub(crate) fn change_agent(&self, id: AgentId, change: &AgentChange) -> Reply<String> {
        self.exchange(Method::Patch, format!("/api/agents/{id}"), written(change))
    }

    pub(crate) fn lift_cool_down(&self, id: AgentId) -> Reply<String> {
        self.exchange(Method::Delete, format!("/api/agents/{id}/cool-down"), None)
    }

    pub(crate) fn renew_key(&self, id: AgentId) -> Reply<AgentCreated> {
        self.poke(format!("/api/agents/{id}/key"))
    }

    pub(crate) fn set_callback(&self, id: AgentId, body: &CallbackBody) -> Reply<AgentCreated> {
        self.send(Method::Put, format!("/api/agents/{id}/callback"), body)
    }

    pub(crate) fn people(&self) -> Reply<Vec<UserRow>> {
        self.all("/api/users")
    }

    pub(crate) fn change_person(&self, id: UserId, change: &UserChange) -> Reply<String> {
        self.exchange(Method::Patch, format!("/api/users/{id}"), written(change))
    }

    pub(crate) fn invite(&self, body: &InvitationBody) -> Reply<Invitation> {
        self.post("/api/invitations", body)
    }

    /// A POST that says everything in its path.
    fn poke<T: DeserializeOwned + 'static>(&self, path: String) -> Reply<T> {
        parsed(self.exchange(Method::Post, path, Some(NOTHING.to_owned())))
    }

    /// Every page of a list that people read whole. The number of pages is bounded, so that a server that repeats a
    /// cursor can't keep the page busy for ever.
    fn all<T: DeserializeOwned + 'static>(&self, path: &'static str) -> Reply<Vec<T>> {
        let this = self.clone();
        Box::pin(async move {
            let mut rows = Vec::new();
            let mut after = None;
            for _ in 0..50 {
                let query = after.map(|after: String| format!("&after={}", segment(&after))).unwrap_or_default();
                let page: Page<T> = this.get(format!("{path}?limit=200{query}")).await?;
                rows.extend(page.items);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            Ok(rows)
        })
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
