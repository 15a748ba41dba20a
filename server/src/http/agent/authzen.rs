//! `POST /v1/authzen/access`: what would become of an ask, in the words of OpenID AuthZEN (Authorization API 1.0).

use super::super::App;
use super::super::extract::Body;
use super::super::problem::{Answer, DoorError};
use crate::desk::{AgentCaller, Ask, AskedArguments, Outlook};
use axum::Json;
use axum::extract::State;
use countersign_domain::policy::Action;
use countersign_domain::request::Door;
use countersign_wire::agent::{AccessBody, AccessContext, AccessDecision, Entity};
use countersign_wire::problem::Code;

pub async fn evaluate_access(
    State(app): State<App>,
    caller: AgentCaller,
    body: Body<AccessBody>,
) -> Answer<Json<AccessDecision>> {
    let ask = ask(&app, &caller, body.value)?;
    Ok(Json(decision(app.desk.dry_run(&caller, &ask).await?)))
}

fn ask(app: &App, caller: &AgentCaller, body: AccessBody) -> Answer<Ask> {
    if body.resource.kind != "connector" {
        return Err(wrong("resource.type", "is `connector`, and `resource.id` its slug"));
    }
    let on_behalf_of = match body.subject.kind.as_str() {
        "user" => Some(body.subject.id),
        "agent" if is_caller(app, caller, &body.subject) => None,
        "agent" => return Err(wrong("subject.id", "is this agent's own name where `subject.type` is `agent`")),
        _ => return Err(wrong("subject.type", "is `user`, with an email as `subject.id`, or `agent`")),
    };
    Ok(Ask {
        connector: body.resource.id,
        tool: body.action.name,
        arguments: AskedArguments::Given(body.action.properties.0),
        reason: None,
        on_behalf_of,
        idempotency: None,
        door: Door::Http,
        session_id: None,
    })
}

fn is_caller(app: &App, caller: &AgentCaller, subject: &Entity) -> bool {
    app.desk.snapshot().agents.get(&caller.id()).is_some_and(|agent| agent.name == subject.id)
}

fn wrong(field: &str, should: &str) -> DoorError {
    DoorError::new(Code::BadRequest, format!("The body: `{field}` {should}."))
}

fn decision(outlook: Outlook) -> AccessDecision {
    let context = AccessContext {
        needs: outlook.needs.word().to_owned(),
        policy: outlook.policy,
        flow: outlook.flow,
        reason: outlook.why,
    };
    AccessDecision { decision: outlook.needs == Action::Allow, context }
}
