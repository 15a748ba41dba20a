//! Out of office: a person names a colleague who is asked in their place for a time. The colleague decides as
//! themselves.

use super::Desk;
use super::error::{DeskError, invalid, not_found};
use super::session::{SignedIn, Widening};
use super::snapshot::Snapshot;
use crate::audit::{Actor, Entry};
use crate::store;
use crate::store::delegations::Delegation;
use countersign_domain::Timestamp;
use countersign_domain::ids::{DelegationId, UserId};
use countersign_wire::Page;
use countersign_wire::people::{DelegationBody, DelegationRow};
use serde_json::json;
use std::time::Duration;

/// The longest that somebody may be away.
const LONGEST: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// The most that one person may plan ahead.
const MOST: usize = 20;

impl Desk {
    /// A person's own delegations, and those in which they stand in for others, that are not over.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn delegations(&self, who: &SignedIn) -> Result<Page<DelegationRow>, DeskError> {
        self.refresh().await?;
        let (snapshot, now, me) = (self.snapshot(), self.now(), who.user().id);
        let theirs = |one: &&Delegation| now < one.until_at && (one.user_id == me || one.to_user_id == me);
        let items = snapshot.delegations().iter().filter(theirs).map(|one| row(&snapshot, me, one)).collect();
        Ok(Page { items, next: None })
    }

    /// Names a colleague who is asked in this person's place.
    ///
    /// # Errors
    /// When there is no such colleague, or the time makes no sense.
    pub async fn delegate(
        &self,
        who: &SignedIn,
        _leave: &Widening,
        body: DelegationBody,
    ) -> Result<DelegationRow, DeskError> {
        let (snapshot, now, me) = (self.snapshot(), self.now(), who.user().id);
        let colleague = snapshot.user_by_email(&body.to).filter(|user| user.active);
        let colleague = colleague.ok_or_else(|| invalid("to", "there is nobody with this address"))?;
        if colleague.id == me {
            return Err(invalid("to", "name a colleague, not yourself"));
        }
        let from_at = body.from.unwrap_or(now).max(now);
        check_time(from_at, body.until)?;
        let planned = snapshot.delegations().iter().filter(|one| one.user_id == me && now < one.until_at).count();
        if planned >= MOST {
            return Err(invalid("until", "you have planned many already; end some first"));
        }
        let id = DelegationId(self.fresh());
        let made = Delegation { id, user_id: me, to_user_id: colleague.id, from_at, until_at: body.until };
        self.configure(move |connection| {
            Box::pin(async move {
                store::delegations::insert(connection, &made, now).await?;
                let entry = Entry::new(now, Actor::User(me), "delegation.made", id);
                let metadata = json!({"to": made.to_user_id, "from_at": made.from_at, "until_at": made.until_at});
                store::audit::append(connection, entry.with(metadata)).await?;
                Ok(())
            })
        })
        .await?;
        Ok(row(&self.snapshot(), me, &made))
    }

    /// Ends one of this person's delegations at once.
    ///
    /// # Errors
    /// When it is none of theirs.
    pub async fn end_delegation(&self, who: &SignedIn, id: DelegationId) -> Result<(), DeskError> {
        let (now, me) = (self.now(), who.user().id);
        self.configure(move |connection| {
            Box::pin(async move {
                if !store::delegations::end(connection, me, id, now).await? {
                    return Err(not_found("delegation"));
                }
                store::audit::append(connection, Entry::new(now, Actor::User(me), "delegation.ended", id)).await?;
                Ok(())
            })
        })
        .await
    }
}

fn check_time(from: Timestamp, until: Timestamp) -> Result<(), DeskError> {
    if until <= from {
        return Err(invalid("until", "must be later than its beginning, and than now"));
    }
    match until > from + LONGEST {
        true => Err(invalid("until", "at most 90 days")),
        false => Ok(()),
    }
}

fn row(snapshot: &Snapshot, me: UserId, of: &Delegation) -> DelegationRow {
    let name = |id| snapshot.users.get(&id).map(|user| user.name.clone()).unwrap_or_default();
    DelegationRow {
        id: of.id,
        own: of.user_id == me,
        away: name(of.user_id),
        stand_in: name(of.to_user_id),
        from: of.from_at,
        until: of.until_at,
    }
}
