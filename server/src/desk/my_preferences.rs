//! How a person wants to be told, and test messages that show whether they are.

use super::Desk;
use super::error::{DeskError, Refusal, not_found, refuse};
use super::notices::row;
use super::session::SignedIn;
use crate::audit::{Actor, Entry};
use crate::store;
use crate::store::deliveries::Delivery;
use crate::zones::Zones;
use countersign_domain::delivery::{Address, Channel, DeliveryKind, Preferences};
use countersign_domain::ids::DeliveryId;
use countersign_wire::me::{MyPreferences, TestRow};
use countersign_wire::problem::{Code, FieldError};
use serde_json::json;
use std::time::Duration;

/// How many messages to themselves a person may ask for
pub(super) const TESTS: i64 = 5;
/// within this time: a text message costs money.
pub(super) const TESTS_WINDOW: Duration = Duration::from_secs(60);

impl Desk {
    /// How the person wants to be told.
    #[must_use]
    pub fn my_preferences(&self, who: &SignedIn) -> MyPreferences {
        self.as_shown(who.user().preferences.clone())
    }

    fn as_shown(&self, preferences: Preferences) -> MyPreferences {
        let couriers = self.couriers();
        let of_people = [Channel::Push, Channel::Email, Channel::Sms];
        let set_up = of_people.into_iter().filter(|channel| couriers.over(*channel).is_some()).collect();
        MyPreferences { preferences, set_up }
    }

    /// Changes how the person wants to be told, from the next message on.
    ///
    /// # Errors
    /// With what is wrong, field by field.
    pub async fn set_my_preferences(
        &self,
        who: &SignedIn,
        preferences: Preferences,
    ) -> Result<MyPreferences, DeskError> {
        let problems = preferences.check(&Zones);
        if let Some((field, message)) = problems.first() {
            let detail = format!("{field}: {message}");
            let error = |(field, message): &(&str, &str)| FieldError {
                field: (*field).to_owned(),
                message: (*message).to_owned(),
            };
            return Err(Refusal::new(Code::Invalid, detail).with_errors(problems.iter().map(error).collect()).into());
        }
        let (now, me) = (self.now(), who.user().id);
        let shown = self.as_shown(preferences.clone());
        self.configure(move |connection| {
            Box::pin(async move {
                store::users::set_preferences(connection, me, &preferences).await?;
                // What waits for quiet hours that are over by now is told.
                let from = preferences.told_at(now, false, &Zones);
                store::deliveries::bring_forward(connection, &Address::User(me), from).await?;
                let entry = Entry::new(now, Actor::User(me), "user.preferences_changed", me);
                store::audit::append(connection, entry.with(recorded(&preferences))).await?;
                Ok(())
            })
        })
        .await?;
        Ok(shown)
    }

    /// Puts a test message to the person into the outbox.
    ///
    /// # Errors
    /// When there is no way to them over this channel, or they asked for many already.
    pub async fn send_test(&self, who: &SignedIn, channel: Channel) -> Result<TestRow, DeskError> {
        let (now, me) = (self.now(), who.user().id);
        if !self.my_preferences(who).set_up.contains(&channel) {
            return Err(refuse(Code::Conflict, "This desk tells nobody by that channel yet. An admin can set it up."));
        }
        if channel == Channel::Sms && who.user().preferences.phone.is_none() {
            return Err(refuse(Code::Conflict, "Save your phone's number first."));
        }
        let test = row(None, DeliveryKind::Test, channel, Address::User(me), now);
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    if channel == Channel::Push && store::push::of_user(connection, me).await?.is_empty() {
                        return Err(refuse(Code::Conflict, "No browser of yours takes notifications yet."));
                    }
                    let since = now - TESTS_WINDOW;
                    if store::deliveries::count_since(connection, &test.to, DeliveryKind::Test, since).await? >= TESTS {
                        let detail = "You asked for many tests just now; wait a minute.";
                        return Err(Refusal::new(Code::TooManyTries, detail).after(TESTS_WINDOW).into());
                    }
                    store::deliveries::insert(connection, &test).await?;
                    let entry = Entry::new(now, Actor::User(me), "user.tested_channel", me);
                    store::audit::append(connection, entry.with(json!({"channel": channel}))).await?;
                    Ok::<_, DeskError>(fate(test))
                })
            })
            .await
    }

    /// What became of a test that the person asked for.
    ///
    /// # Errors
    /// When it is none of theirs.
    pub async fn my_test(&self, who: &SignedIn, id: DeliveryId) -> Result<TestRow, DeskError> {
        let test = store::deliveries::by_id(&mut self.store().read().await?, id).await?;
        let mine = Address::User(who.user().id);
        let test = test.filter(|test| test.kind == DeliveryKind::Test && test.to == mine);
        test.map(fate).ok_or_else(|| not_found("test"))
    }
}

fn fate(test: Delivery) -> TestRow {
    TestRow { id: test.id, channel: test.channel, state: test.state, error: test.error }
}

/// What the record keeps; a phone's number is nobody's business there.
fn recorded(preferences: &Preferences) -> serde_json::Value {
    json!({
        "normal": preferences.normal,
        "urgent": preferences.urgent,
        "phone": preferences.phone.is_some(),
        "quiet_hours": preferences.quiet_hours,
        "digest": preferences.digest,
    })
}
