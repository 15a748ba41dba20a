//! A request's deadline. It acts once, never early, and never on a request that has ended.

use super::error::DeskError;
use super::{Desk, move_on};
use crate::audit::{Actor, Entry};
use crate::store;
use crate::store::timers::{Timer, TimerKind};
use countersign_domain::Timestamp;
use countersign_domain::ids::RequestId;
use countersign_domain::presence::REJOIN_WINDOW;
use countersign_domain::request::RequestEvent;
use std::sync::Arc;
use std::time::Duration;

/// How long Idempotency-Keys live.
pub(super) const KEY_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long after its beginning an MCP session may outlive a restart.
const MCP_SESSION_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long streams may resume, and links that were used are kept.
const EVENT_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Desk {
    /// Ends a request whose deadline has passed.
    ///
    /// # Errors
    /// When the store fails; the timer stands and is tried again.
    pub async fn expire(&self, id: RequestId) -> Result<(), DeskError> {
        let clock = Arc::clone(self.clock());
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    let now = clock.now();
                    let Some(mut request) = store::requests::by_id(connection, id).await? else { return Ok(()) };
                    if now < request.expires_at {
                        return Ok(());
                    }
                    store::timers::clear(connection, id, TimerKind::Expire).await?;
                    let Ok(state) = request.state.after(RequestEvent::Expire) else { return Ok(()) };
                    request.state = state;
                    let entry = Entry::of_request(now, Actor::Desk, "approval.expired", id);
                    store::audit::append(connection, entry).await?;
                    move_on(connection, &mut request, now).await?;
                    Ok::<_, DeskError>(())
                })
            })
            .await?;
        self.announce();
        Ok(())
    }

    /// Moves a timer to a later time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put_off(&self, timer: Timer, due_at: Timestamp) -> Result<(), DeskError> {
        let later = Timer { due_at, ..timer };
        self.store()
            .write(move |connection| Box::pin(async move { Ok(store::timers::set(connection, later).await?) }))
            .await
    }

    /// Forgets what has had its time: old keys, events, ceremonies, sessions, links, token ids.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tidy(&self) -> Result<(), DeskError> {
        let now = self.now();
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    store::requests::delete_idempotency_before(connection, now - KEY_LIFE).await?;
                    store::requests::presence::forget_before(connection, now - REJOIN_WINDOW).await?;
                    store::events::delete_before(connection, now - EVENT_LIFE).await?;
                    store::mcp_sessions::delete_before(connection, now - MCP_SESSION_LIFE).await?;
                    store::ceremonies::delete_expired(connection, now).await?;
                    store::sessions::delete_expired(connection, now).await?;
                    store::links::delete_spent(connection, now - EVENT_LIFE).await?;
                    store::agents::delete_expired_jtis(connection, now).await?;
                    Ok::<_, DeskError>(())
                })
            })
            .await
    }
}
