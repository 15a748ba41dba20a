//! Whoever looks at a request on one screen has it pushed to the others, where their passkey may be.

use super::Desk;
use super::error::{DeskError, Refusal, ended, not_found, refuse};
use super::my_preferences::{TESTS, TESTS_WINDOW};
use super::notices::row;
use super::session::SignedIn;
use crate::audit::{Actor, Entry};
use crate::store;
use countersign_domain::delivery::{Address, Channel, DeliveryKind};
use countersign_domain::ids::RequestId;
use countersign_domain::request::RequestState;
use countersign_wire::problem::Code;
use serde_json::json;

impl Desk {
    /// Pushes a request that waits for this person to all their browsers that take pushes, quiet hours or not.
    ///
    /// # Errors
    /// When it waits for them no more, no browser of theirs takes pushes, or they did so often just now.
    pub async fn send_on(&self, who: &SignedIn, id: RequestId) -> Result<(), DeskError> {
        let (desk, snapshot, me) = (self.clone(), self.snapshot(), who.user().id);
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    let now = desk.now();
                    let found = store::decisions::with_request(connection, id).await?;
                    let (request, votes) = found.ok_or_else(|| not_found("request"))?;
                    let mut push = row(Some(id), DeliveryKind::SentOn, Channel::Push, Address::User(me), now);
                    push.step = request.course.step;
                    // Two within a second are one.
                    push.round = u32::try_from(request.created_at.until(now).as_secs()).unwrap_or(u32::MAX);
                    if !desk.is_still_asked(&snapshot, &push, &request, &votes) {
                        return Err(match request.state {
                            RequestState::Pending => not_found("request that waits for you"),
                            state => ended(id, state),
                        });
                    }
                    if store::push::of_user(connection, me).await?.is_empty() {
                        return Err(refuse(Code::Conflict, "No browser of yours takes notifications yet."));
                    }
                    let since = now - TESTS_WINDOW;
                    let sent =
                        store::deliveries::count_since(connection, &push.to, DeliveryKind::SentOn, since).await?;
                    if sent >= TESTS {
                        let detail = "You sent many to your phone just now; wait a minute.";
                        return Err(Refusal::new(Code::TooManyTries, detail).after(TESTS_WINDOW).into());
                    }
                    store::deliveries::insert(connection, &push).await?;
                    let entry = Entry::of_request(now, Actor::User(me), "delivery.sent_on", id);
                    store::audit::append(connection, entry.with(json!({"channel": Channel::Push}))).await?;
                    Ok::<_, DeskError>(())
                })
            })
            .await
    }
}
