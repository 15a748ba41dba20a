//! Who is signed in, and what that lets them do. The handles here are the only way to the use cases behind them.

use super::Desk;
use super::ceremony::take;
use super::error::{DeskError, not_found, refuse};
use super::snapshot::Snapshot;
use crate::audit::{Actor, Entry};
use crate::auth::passkeys::{Assertion, Named, StoredPasskey, credential_id_of};
use crate::auth::secrets::{self, new_token};
use crate::store::ceremonies::{Ceremony, CeremonyKind};
use crate::store::links::LinkKind;
use crate::store::passkeys::PasskeyRecord;
use crate::store::requests::Request;
use crate::store::sessions::Session;
use crate::store::users::User;
use crate::store::{self, Connection};
use countersign_domain::Timestamp;
use countersign_domain::flow::Confirmation;
use countersign_domain::ids::{SessionId, UserId};
use countersign_domain::user::{Role, normal_email};
use countersign_wire::problem::Code;
use countersign_wire::requests::{CeremonyFinish, CeremonyOptions};
use countersign_wire::session::{Me, Notice, SessionInfo, SignInStart};
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;
use tokio::sync::broadcast;

/// How long a browser's session lasts.
const SESSION_LIFE: Duration = Duration::from_secs(12 * 60 * 60);
/// How long the desktop app's lasts: it waits in the background to tell of requests, and an approval needs more than it.
const APP_SESSION_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How old a passkey's touch may be when something is widened.
pub(super) const FRESH: Duration = Duration::from_secs(5 * 60);

/// How long the admins are told of a passkey that nothing older vouches for.
const NOTICE_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Somebody who is signed in. Only [`Desk::session`] and the sign-ins make one.
#[derive(Clone, Debug)]
pub struct SignedIn {
    session: Session,
    user: User,
    passkeys: u32,
}

/// A signed-in admin.
#[derive(Clone, Debug)]
pub struct Admin(SignedIn);

/// Leave to widen what may run: a passkey was touched within five minutes, or none is needed here.
#[derive(Clone, Debug)]
pub struct Widening(());

impl SignedIn {
    /// Who.
    #[must_use]
    pub const fn user(&self) -> &User {
        &self.user
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> Session {
        self.session
    }

    pub(super) const fn passkeys(&self) -> u32 {
        self.passkeys
    }

    /// The handle of an admin.
    ///
    /// # Errors
    /// For everybody else.
    pub fn admin(&self) -> Result<Admin, DeskError> {
        match self.user.role {
            Role::Admin => Ok(Admin(self.clone())),
            Role::Member | Role::Approver => Err(refuse(Code::Forbidden, "Only an admin may do this.")),
        }
    }

    /// Whether this person may see a request: their own, one that they are or were asked on, or any as an admin.
    pub(super) fn may_see(&self, snapshot: &Snapshot, request: &Request, voted: bool, now: Timestamp) -> bool {
        let user = &self.user;
        let asked = || {
            let flow = request.flow.and_then(|flow| snapshot.flow_at(flow));
            let added = request.course.also.iter().any(|(_, added)| *added == user.id);
            added || flow.is_some_and(|flow| flow.may_ask(&snapshot.person(user, now)))
        };
        let own = request.requester_id == user.id || request.owner_id == user.id;
        user.role == Role::Admin || own || voted || asked()
    }
}

impl Admin {
    /// Who.
    #[must_use]
    pub const fn user(&self) -> &User {
        self.0.user()
    }

    /// The same person without the hat.
    #[must_use]
    pub const fn signed_in(&self) -> &SignedIn {
        &self.0
    }

    pub(super) const fn actor(&self) -> Actor {
        Actor::User(self.0.user.id)
    }
}

impl Desk {
    /// The person behind a session's token.
    ///
    /// # Errors
    /// 401 when there is no such session, or the account is closed.
    pub async fn session(&self, token: &str) -> Result<SignedIn, DeskError> {
        let now = self.now();
        let mut connection = self.store().read().await?;
        let session = store::sessions::by_token(&mut connection, &secrets::hash(token).to_hex(), now).await?;
        let session = session.ok_or_else(|| refuse(Code::Unauthenticated, "You are not signed in, or no longer."))?;
        self.signed_in(&mut connection, session).await
    }

    async fn signed_in(&self, connection: &mut Connection, session: Session) -> Result<SignedIn, DeskError> {
        let user = store::users::by_id(connection, session.user_id).await?.filter(|user| user.active);
        let user = user.ok_or_else(|| refuse(Code::Unauthenticated, "This account is closed."))?;
        let passkeys = store::passkeys::of_user(connection, user.id).await?.len();
        Ok(SignedIn { session, user, passkeys: u32::try_from(passkeys).unwrap_or(u32::MAX) })
    }

    /// What the interface wants to know of the one who is signed in.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn session_info(&self, who: &SignedIn) -> Result<SessionInfo, DeskError> {
        let notices = match who.admin() {
            Ok(admin) => self.notices(&admin).await?,
            Err(_) => Vec::new(),
        };
        let user = &who.user;
        let fresh_until = who.session.asserted_at.map(|at| at + FRESH).filter(|until| *until > self.now());
        Ok(SessionInfo {
            user: Me {
                id: user.id,
                name: user.name.clone(),
                email: user.email.clone(),
                role: user.role,
                groups: user.groups.clone(),
            },
            desk: self.snapshot().desk.name.clone(),
            demo: self.is_demo(),
            passkeys: who.passkeys,
            fresh_until,
            widening_needs_passkey: !self.may_widen_without(who),
            expires_at: who.session.expires_at,
            notices,
        })
    }

    /// What the admins are told: passkeys that were added lately and that no older one vouches for.
    async fn notices(&self, _admin: &Admin) -> Result<Vec<Notice>, DeskError> {
        let mut connection = self.store().read().await?;
        let held = store::passkeys::held_since(&mut connection, self.now() - NOTICE_LIFE).await?;
        let snapshot = self.snapshot();
        let told = held.into_iter().filter_map(|passkey| {
            let user = snapshot.users.get(&passkey.user_id)?;
            Some(Notice::PasskeyAdded {
                user_id: user.id,
                user: user.name.clone(),
                email: user.email.clone(),
                passkey: passkey.name,
                at: passkey.created_at,
                usable_from: passkey.usable_from,
            })
        });
        Ok(told.collect())
    }

    /// Leave to widen what may run.
    ///
    /// # Errors
    /// 403 `reauth_required` when a passkey must be touched first.
    pub fn widening(&self, who: &SignedIn) -> Result<Widening, DeskError> {
        let fresh = who.session.asserted_at.is_some_and(|at| self.now() <= at + FRESH);
        if fresh || self.may_widen_without(who) {
            return Ok(Widening(()));
        }
        let detail = match who.passkeys {
            0 => "This widens what may run and needs a passkey. Add one on your account page first.",
            _ => "This widens what may run. Confirm with your passkey.",
        };
        Err(refuse(Code::ReauthRequired, detail))
    }

    /// On a loopback desk whose flow takes a session where there is no passkey, widening does too.
    fn may_widen_without(&self, who: &SignedIn) -> bool {
        let snapshot = self.snapshot();
        let lenient =
            snapshot.flow_named(None).is_some_and(|flow| flow.body.confirmation == Confirmation::PasskeyIfEnrolled);
        who.passkeys == 0 && lenient && self.public_url().is_loopback()
    }

    /// Signs somebody in by a link from the command line or the demo.
    ///
    /// # Errors
    /// When the link was used, or is none.
    pub async fn sign_in_by_link(&self, token: &str) -> Result<(SignedIn, SecretString), DeskError> {
        let (now, hash, id) = (self.now(), secrets::hash(token).to_hex(), SessionId(self.fresh()));
        let (token, token_hash) = fresh_token()?;
        let session = self
            .store()
            .write(move |connection| {
                Box::pin(async move {
                    let spent = || refuse(Code::LinkSpent, "This link was used already, or is no longer good.");
                    let link = store::links::find(connection, LinkKind::SignIn, &hash, now).await?.ok_or_else(spent)?;
                    let user = link.user_id.ok_or_else(spent)?;
                    if !store::links::spend(connection, link.id, now).await? {
                        return Err(spent());
                    }
                    begin_session(connection, id, user, &token_hash, None, Way::Link, now).await
                })
            })
            .await?;
        let mut connection = self.store().read().await?;
        Ok((self.signed_in(&mut connection, session).await?, token))
    }

    /// Begins signing in with a passkey, with or without a name.
    ///
    /// # Errors
    /// When the store fails. An unknown address is answered like a known one.
    pub async fn start_sign_in(&self, body: SignInStart) -> Result<CeremonyOptions, DeskError> {
        let begun = match body.email.as_deref().map(normal_email) {
            None => self.passkeys().start_sign_in(None)?,
            Some(email) => {
                let mut connection = self.store().read().await?;
                let user = store::users::by_email(&mut connection, &email).await?.filter(|user| user.active);
                let passkeys = match user {
                    Some(user) => stored(store::passkeys::of_user(&mut connection, user.id).await?),
                    None => Vec::new(),
                };
                self.passkeys().start_sign_in(Some(Named { email: &email, passkeys: &passkeys }))?
            }
        };
        self.offer(CeremonyKind::SignIn, None, begun.state, begun.public_key, ()).await
    }

    /// Ends signing in with a passkey.
    ///
    /// # Errors
    /// When the assertion does not fit; which part did not is not told.
    pub async fn finish_sign_in(&self, finish: CeremonyFinish) -> Result<(SignedIn, SecretString), DeskError> {
        let now = self.now();
        let ceremony = self.ceremony::<()>(CeremonyKind::SignIn, &finish.ceremony, now).await?;
        let (owner, assertion) = self.assert(&ceremony, &finish, None).await?;
        let (token, token_hash) = fresh_token()?;
        let id = SessionId(self.fresh());
        let session = self
            .store()
            .write(move |connection| {
                Box::pin(async move {
                    take(connection, ceremony.id).await?;
                    let asserted = note_use(connection, &owner, &assertion, now).await?;
                    begin_session(connection, id, owner.user_id, &token_hash, asserted, Way::Passkey, now).await
                })
            })
            .await?;
        let mut connection = self.store().read().await?;
        Ok((self.signed_in(&mut connection, session).await?, token))
    }

    /// Begins touching the passkey again, before something is widened.
    ///
    /// # Errors
    /// When there is no passkey to touch.
    pub async fn start_reauth(&self, who: &SignedIn) -> Result<CeremonyOptions, DeskError> {
        let mut connection = self.store().read().await?;
        let passkeys = stored(store::passkeys::of_user(&mut connection, who.user.id).await?);
        drop(connection);
        if passkeys.is_empty() {
            return Err(refuse(Code::ReauthRequired, "You have no passkey yet. Add one on your account page."));
        }
        let begun = self.passkeys().start_sign_in(Some(Named { email: &who.user.email, passkeys: &passkeys }))?;
        self.offer(CeremonyKind::Reauth, Some(who.user.id), begun.state, begun.public_key, ()).await
    }

    /// Ends touching the passkey again.
    ///
    /// # Errors
    /// When the assertion does not fit, or the passkey is too new to widen with.
    pub async fn finish_reauth(&self, who: &SignedIn, finish: CeremonyFinish) -> Result<SignedIn, DeskError> {
        let now = self.now();
        let ceremony = self.ceremony::<()>(CeremonyKind::Reauth, &finish.ceremony, now).await?;
        if ceremony.user_id != Some(who.user.id) {
            return Err(refuse(Code::AssertionRefused, "This confirmation was begun by somebody else."));
        }
        let (owner, assertion) = self.assert(&ceremony, &finish, Some(who.user.id)).await?;
        let session = who.session.id;
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    take(connection, ceremony.id).await?;
                    match note_use(connection, &owner, &assertion, now).await? {
                        Some(_) => {
                            store::sessions::asserted(connection, session, now).await?;
                            let entry = Entry::new(now, Actor::User(owner.user_id), "session.confirmed", session);
                            Ok(store::audit::append(connection, entry).await?)
                        }
                        None => Err(refuse(
                            Code::PasskeyTooNew,
                            "This passkey was added without an older one, so it can't widen for its first 15 minutes.",
                        )),
                    }
                })
            })
            .await?;
        let mut connection = self.store().read().await?;
        let renewed = Session { asserted_at: Some(now), ..who.session };
        self.signed_in(&mut connection, renewed).await
    }

    /// Ends a session and the streams that hang on it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sign_out(&self, who: &SignedIn) -> Result<(), DeskError> {
        let (desk, who) = (self.clone(), who.clone());
        Self::to_the_end(async move { desk.end_session(&who).await }).await
    }

    async fn end_session(&self, who: &SignedIn) -> Result<(), DeskError> {
        let (now, session, user) = (self.now(), who.session.id, who.user.id);
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    store::sessions::delete(connection, session).await?;
                    let entry = Entry::new(now, Actor::User(user), "session.ended", session);
                    store::audit::append(connection, entry).await?;
                    Ok::<_, DeskError>(())
                })
            })
            .await?;
        self.cut_off(vec![session]);
        Ok(())
    }

    /// Sessions as they end, for streams that hang on them.
    #[must_use]
    pub fn sessions_ended(&self) -> broadcast::Receiver<SessionId> {
        self.inner.sessions_ended.subscribe()
    }

    /// Whether a session still stands: its account is open and its time is not over. Reads no database.
    #[must_use]
    pub fn stands(&self, session: &Session) -> bool {
        session.expires_at > self.now() && self.snapshot().users.get(&session.user_id).is_some_and(|user| user.active)
    }

    /// Cuts off the streams of sessions that were ended.
    pub(super) fn cut_off(&self, sessions: Vec<SessionId>) {
        for session in sessions {
            // Nobody listening is fine.
            let _ = self.inner.sessions_ended.send(session);
        }
    }

    /// Checks a sign-in assertion; whose passkey it is.
    async fn assert<P>(
        &self,
        ceremony: &Ceremony<P>,
        finish: &CeremonyFinish,
        expected: Option<UserId>,
    ) -> Result<(PasskeyRecord, Assertion), DeskError> {
        let refused = || refuse(Code::AssertionRefused, "This passkey does not sign in here.");
        let credential = credential_id_of(&finish.credential).ok_or_else(refused)?;
        let mut connection = self.store().read().await?;
        let owner = store::passkeys::by_credential(&mut connection, &credential).await?.ok_or_else(refused)?;
        if expected.is_some_and(|user| user != owner.user_id) {
            return Err(refused());
        }
        let passkeys = stored(store::passkeys::of_user(&mut connection, owner.user_id).await?);
        drop(connection);
        let assertion =
            self.passkeys().finish_sign_in(&ceremony.state, &finish.credential, owner.user_id, &passkeys)?;
        Ok((owner, assertion))
    }
}

/// Passkeys as the ceremonies want them.
pub(super) fn stored(passkeys: Vec<PasskeyRecord>) -> Vec<StoredPasskey> {
    passkeys
        .into_iter()
        .map(|passkey| StoredPasskey { credential_id: passkey.credential_id, passkey_json: passkey.passkey })
        .collect()
}

/// A new session token and its hash, hex.
pub(super) fn fresh_token() -> Result<(SecretString, String), DeskError> {
    let token = new_token()?;
    let hash = secrets::hash(token.expose_secret()).to_hex();
    Ok((token, hash))
}

/// Notes a passkey's use; when it was, if it is old enough to widen with.
async fn note_use(
    connection: &mut Connection,
    owner: &PasskeyRecord,
    assertion: &Assertion,
    now: Timestamp,
) -> Result<Option<Timestamp>, DeskError> {
    let updated = assertion.updated_passkey_json.clone();
    if !store::passkeys::used(connection, &owner.credential_id, updated, now).await? {
        return Err(refuse(Code::AssertionRefused, "This passkey was removed meanwhile."));
    }
    Ok((owner.usable_from <= now).then_some(now))
}

/// How somebody came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By a one-time link or ticket.
    Link,
    /// By a passkey.
    Passkey,
    /// In the desktop app, by a code out of the browser.
    App,
    /// In the app that the server runs within.
    Process,
}

impl Way {
    const fn word(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Passkey => "passkey",
            Self::App => "app",
            Self::Process => "process",
        }
    }

    const fn life(self) -> Duration {
        match self {
            Self::Link | Self::Passkey => SESSION_LIFE,
            Self::App | Self::Process => APP_SESSION_LIFE,
        }
    }
}

/// Begins a session, with its audit row.
pub(super) async fn begin_session(
    connection: &mut Connection,
    id: SessionId,
    user: UserId,
    token_hash: &str,
    asserted_at: Option<Timestamp>,
    way: Way,
    now: Timestamp,
) -> Result<Session, DeskError> {
    let account = store::users::by_id(connection, user).await?.filter(|user| user.active);
    let account = account.ok_or_else(|| not_found("account"))?;
    let session = Session { id, user_id: account.id, expires_at: now + way.life(), asserted_at };
    store::sessions::insert(connection, session, token_hash, now).await?;
    store::users::seen(connection, account.id, now).await?;
    let entry = Entry::new(now, Actor::User(account.id), "session.began", id);
    store::audit::append(connection, entry.with(serde_json::json!({"by": way.word()}))).await?;
    Ok(session)
}
