//! An admin asks others too, at the step where a request stands.

use super::course::stage;
use super::error::{DeskError, ended, invalid, not_found};
use super::list::parties;
use super::session::{Admin, Widening};
use super::snapshot::{Snapshot, still_current, voter};
use super::{Desk, move_on};
use crate::audit::Entry;
use crate::store;
use crate::store::requests::Request;
use countersign_domain::flow::{Course, FlowEvent};
use countersign_domain::ids::{RequestId, UserId};
use countersign_domain::request::RequestState;
use countersign_wire::requests::AlsoAsk;
use serde_json::json;
use std::sync::Arc;

/// The most people who are added at once.
const MOST: usize = 50;

impl Desk {
    /// Adds approvers to the step where a request stands; they are told at once.
    ///
    /// # Errors
    /// When the request has ended, or one of them could not approve it.
    pub async fn also_ask(
        &self,
        admin: &Admin,
        _leave: &Widening,
        id: RequestId,
        body: AlsoAsk,
    ) -> Result<(), DeskError> {
        let (body, actor) = (Arc::new(body), admin.actor());
        self.with_snapshot(|snapshot| {
            let (desk, body, actor) = (self.clone(), Arc::clone(&body), actor.clone());
            async move {
                let store = desk.store().clone();
                store
                    .write(move |connection| {
                        Box::pin(async move {
                            still_current(connection, &snapshot).await?;
                            let now = desk.now();
                            let found = store::decisions::with_request(connection, id).await?;
                            let (mut request, votes) = found.ok_or_else(|| not_found("request"))?;
                            if request.state != RequestState::Pending || now >= request.expires_at {
                                return Err(ended(id, request.state));
                            }
                            let people = people(&snapshot, &request, &body)?;
                            let stage = stage(&snapshot, &request)?;
                            let event = FlowEvent::Add(people.clone());
                            stage.after(connection, &mut request, &votes, event, now).await?;
                            store::requests::also_asked(connection, id, &people).await?;
                            let entry = Entry::of_request(now, actor, "approval.approvers_added", id);
                            let metadata = json!({"step": request.course.step, "users": people});
                            store::audit::append(connection, entry.with(metadata)).await?;
                            move_on(connection, &mut request, now).await?;
                            Ok::<_, DeskError>(())
                        })
                    })
                    .await
            }
        })
        .await?;
        self.announce();
        Ok(())
    }
}

/// The people by their addresses, each of whom could approve.
fn people(snapshot: &Snapshot, request: &Request, body: &AlsoAsk) -> Result<Vec<UserId>, DeskError> {
    if body.users.is_empty() || body.users.len() > MOST {
        return Err(invalid("users", format!("name 1 to {MOST} people")));
    }
    let flow = stage(snapshot, request)?.flow;
    let mut people = Vec::new();
    for email in &body.users {
        let user = snapshot.user_by_email(email).filter(|user| user.active);
        let user = user.ok_or_else(|| invalid("users", format!("there is no user {email:?} with an open account")))?;
        let then = Course { also: vec![(request.course.step, user.id)], ..request.course.clone() };
        if !flow.asks(&then, &voter(user).into(), parties(request)) {
            let why = "asked for this, or owns the agent that did, and so can't approve it";
            return Err(invalid("users", format!("{email} {why}")));
        }
        people.push(user.id);
    }
    Ok(people)
}
