//! First steps: setting the desk up, taking an invitation, adding and removing passkeys.

use super::ceremony::take;
use super::error::{DeskError, invalid, refuse};
use super::my_passkeys::{add_passkey, passkey_record};
use super::session::{SignedIn, Way, Widening, begin_session, fresh_token};
use super::{Desk, fresh_id};
use crate::audit::{Actor, Entry};
use crate::auth::secrets;
use crate::store::ceremonies::CeremonyKind;
use crate::store::desk::DeskSettings;
use crate::store::links::{Invited, Link, LinkKind};
use crate::store::passkeys::PasskeyRecord;
use crate::store::policies::FlowRecord;
use crate::store::users::User;
use crate::store::{self, Connection};
use countersign_domain::Timestamp;
use countersign_domain::card::hides_something;
use countersign_domain::delivery::Preferences;
use countersign_domain::flow::{Confirmation, FlowBody};
use countersign_domain::ids::{FlowId, LinkId, SessionId, UserId};
use countersign_domain::user::{Role, is_email, normal_email};
use countersign_wire::people::{Invitation, InvitationBody};
use countersign_wire::problem::Code;
use countersign_wire::requests::{CeremonyFinish, CeremonyOptions};
use countersign_wire::session::{DeskInfo, InvitationAccept, InvitationInfo, LinkToken, SetupStart};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// How long an invitation is good.
const INVITATION_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// The name of the flow that a new desk has.
pub(super) const DEFAULT_FLOW: &str = "Default";

/// What enrolling a first passkey must remember.
#[derive(Clone, Serialize, Deserialize)]
struct Newcomer {
    link: LinkId,
    user: UserId,
    name: String,
    email: String,
    role: Role,
    groups: Vec<String>,
    desk: Option<NewDesk>,
}

/// What setting up adds to that.
#[derive(Clone, Serialize, Deserialize)]
struct NewDesk {
    name: String,
    allow_self_approval: bool,
}

impl Desk {
    /// What anyone may know before signing in.
    #[must_use]
    pub fn info(&self) -> DeskInfo {
        let snapshot = self.snapshot();
        DeskInfo {
            name: snapshot.desk.name.clone(),
            setup_needed: snapshot.desk.set_up_at.is_none(),
            demo: self.is_demo(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Whether a setup link is good.
    ///
    /// # Errors
    /// When it is not.
    pub async fn look_at_setup(&self, body: &LinkToken) -> Result<(), DeskError> {
        self.good_link(LinkKind::Setup, &body.token).await.map(|_| ())
    }

    /// Begins setting up: enrols the first admin's passkey.
    ///
    /// # Errors
    /// When the link is not good, or a field is wrong.
    pub async fn start_setup(&self, body: SetupStart) -> Result<CeremonyOptions, DeskError> {
        let link = self.good_link(LinkKind::Setup, &body.token).await?;
        let email = address(&body.email)?;
        let newcomer = Newcomer {
            link: link.id,
            user: self.user_id_for(&email).await?,
            name: named("name", &body.name)?,
            email,
            role: Role::Admin,
            groups: Vec::new(),
            desk: Some(NewDesk {
                name: named("desk_name", &body.desk_name)?,
                allow_self_approval: body.allow_self_approval,
            }),
        };
        self.enrol(CeremonyKind::Setup, newcomer).await
    }

    /// Ends setting up: the desk has a name and an admin.
    ///
    /// # Errors
    /// When the passkey does not fit, or somebody else was faster.
    pub async fn finish_setup(&self, finish: CeremonyFinish) -> Result<(SignedIn, SecretString), DeskError> {
        self.welcome(CeremonyKind::Setup, finish).await
    }

    /// What an invitation says.
    ///
    /// # Errors
    /// When it was used or is stale.
    pub async fn look_at_invitation(&self, body: &LinkToken) -> Result<InvitationInfo, DeskError> {
        let link = self.good_link(LinkKind::Invitation, &body.token).await?;
        let (Some(invited), Some(expires_at)) = (link.invited, link.expires_at) else {
            return Err(DeskError::Internal("an invitation without a guest".into()));
        };
        let desk = self.snapshot().desk.name.clone();
        Ok(InvitationInfo { desk, email: invited.email, name: invited.name, role: invited.role, expires_at })
    }

    /// Begins taking an invitation.
    ///
    /// # Errors
    /// When it was used or is stale, or a field is wrong.
    pub async fn start_invitation(&self, body: InvitationAccept) -> Result<CeremonyOptions, DeskError> {
        let link = self.good_link(LinkKind::Invitation, &body.token).await?;
        let invited = link.invited.ok_or_else(|| DeskError::Internal("an invitation without a guest".into()))?;
        let newcomer = Newcomer {
            link: link.id,
            user: self.user_id_for(&invited.email).await?,
            name: named("name", &body.name)?,
            email: invited.email,
            role: invited.role,
            groups: invited.groups,
            desk: None,
        };
        self.enrol(CeremonyKind::Invitation, newcomer).await
    }

    /// Ends taking an invitation.
    ///
    /// # Errors
    /// When the passkey does not fit, or the invitation was used meanwhile.
    pub async fn finish_invitation(&self, finish: CeremonyFinish) -> Result<(SignedIn, SecretString), DeskError> {
        self.welcome(CeremonyKind::Invitation, finish).await
    }

    /// Invites somebody; the link is told once.
    ///
    /// # Errors
    /// When a field is wrong, or the address has an open account with a passkey already.
    pub async fn invite(
        &self,
        admin: &super::Admin,
        _leave: &Widening,
        body: InvitationBody,
    ) -> Result<Invitation, DeskError> {
        let now = self.now();
        let invited = Invited {
            email: address(&body.email)?,
            name: body.name.trim().to_owned(),
            role: body.role,
            groups: groups(&body.groups)?,
        };
        let (token, hash) = fresh_token()?;
        let expires_at = now + INVITATION_LIFE;
        let link =
            Link { id: LinkId(self.fresh()), user_id: None, invited: Some(invited), expires_at: Some(expires_at) };
        let actor = admin.actor();
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    let invited = link.invited.as_ref().ok_or_else(|| DeskError::Internal("no guest".into()))?;
                    check_newcomer(connection, &invited.email).await?;
                    store::links::insert(connection, LinkKind::Invitation, &link, &hash, false, now).await?;
                    let entry = Entry::new(now, actor, "user.invited", &invited.email);
                    let metadata = json!({"role": invited.role, "groups": invited.groups});
                    store::audit::append(connection, entry.with(metadata)).await?;
                    Ok::<_, DeskError>(())
                })
            })
            .await?;
        let url = self.public_url().with_path(&format!("/invitation#{}", token.expose_secret()));
        Ok(Invitation { url, expires_at })
    }

    async fn good_link(&self, kind: LinkKind, token: &str) -> Result<Link, DeskError> {
        let mut connection = self.store().read().await?;
        let found = store::links::find(&mut connection, kind, &secrets::hash(token).to_hex(), self.now()).await?;
        found.ok_or_else(|| refuse(Code::LinkSpent, "This link was used already, or is no longer good."))
    }

    /// The id of the account with this address (a desk file may have made it), or a fresh one.
    async fn user_id_for(&self, email: &str) -> Result<UserId, DeskError> {
        let mut connection = self.store().read().await?;
        check_newcomer(&mut connection, email).await?;
        let known = store::users::by_email(&mut connection, email).await?;
        Ok(known.map_or_else(|| UserId(self.fresh()), |user| user.id))
    }

    async fn enrol(&self, kind: CeremonyKind, newcomer: Newcomer) -> Result<CeremonyOptions, DeskError> {
        let begun = self.passkeys().start_registration(newcomer.user, &newcomer.email, &newcomer.name, &[])?;
        self.offer(kind, Some(newcomer.user), begun.state, begun.public_key, newcomer).await
    }

    async fn welcome(&self, kind: CeremonyKind, finish: CeremonyFinish) -> Result<(SignedIn, SecretString), DeskError> {
        let now = self.now();
        let ceremony = self.ceremony::<Newcomer>(kind, &finish.ceremony, now).await?;
        let enrolled = self.passkeys().finish_registration(&ceremony.state, &finish.credential)?;
        let (token, token_hash) = fresh_token()?;
        let passkey =
            passkey_record(self.fresh(), ceremony.purpose.user, enrolled, "First passkey".to_owned(), now, now);
        let session = SessionId(self.fresh());
        self.configure(move |connection| {
            Box::pin(async move {
                take(connection, ceremony.id).await?;
                settle_in(connection, ceremony.purpose, &passkey, now).await?;
                begin_session(connection, session, passkey.user_id, &token_hash, Some(now), Way::Passkey, now).await
            })
        })
        .await?;
        let who = self.session(token.expose_secret()).await?;
        Ok((who, token))
    }
}

/// Makes the account, its passkey and, at setup, the desk's name and default flow.
async fn settle_in(
    connection: &mut Connection,
    newcomer: Newcomer,
    passkey: &PasskeyRecord,
    now: Timestamp,
) -> Result<(), DeskError> {
    if !store::links::spend(connection, newcomer.link, now).await? {
        return Err(refuse(Code::LinkSpent, "This link was used already."));
    }
    check_newcomer(connection, &newcomer.email).await?;
    let known = store::users::by_email(connection, &newcomer.email).await?;
    let user = User {
        id: newcomer.user,
        email: newcomer.email,
        name: newcomer.name,
        role: newcomer.role,
        // Who sets the desk up keeps the groups that a desk file gave them.
        groups: known.as_ref().filter(|_| newcomer.desk.is_some()).map_or(newcomer.groups, |user| user.groups.clone()),
        active: true,
        from_file: known.as_ref().is_some_and(|user| user.from_file),
        created_at: known.as_ref().map_or(now, |user| user.created_at),
        last_seen_at: None,
        preferences: Preferences::default(),
    };
    match known {
        Some(known) if known.id == user.id => store::users::update(connection, &user).await?,
        Some(_) => return Err(refuse(Code::Conflict, "Somebody made an account with this address meanwhile.")),
        None => store::users::insert(connection, &user).await?,
    }
    add_passkey(connection, passkey).await?;
    let action = if newcomer.desk.is_some() { "desk.set_up" } else { "user.joined" };
    let entry = Entry::new(now, Actor::User(user.id), action, user.id);
    let entry = entry.with(json!({"email": user.email, "role": user.role}));
    store::audit::append(connection, entry).await?;
    if let Some(desk) = newcomer.desk {
        set_up_desk(connection, &desk, now).await?;
    }
    Ok(())
}

async fn set_up_desk(connection: &mut Connection, desk: &NewDesk, now: Timestamp) -> Result<(), DeskError> {
    store::desk::set_up(connection, &desk.name, now).await?;
    ensure_default_flow(connection, Confirmation::Passkey, desk.allow_self_approval, now).await?;
    match desk.allow_self_approval {
        true => allow_self_approval(connection, now).await,
        false => Ok(()),
    }
}

/// A default flow that came with a desk file which named none doesn't know yet what whoever sets the desk up wants. One
/// that a desk file wrote down stays as it is written.
async fn allow_self_approval(connection: &mut Connection, now: Timestamp) -> Result<(), DeskError> {
    let default = store::desk::desk(connection).await?.and_then(|row| row.settings.default_flow);
    let flows = store::policies::all_flows(connection).await?;
    let unwilling = |flow: &FlowRecord| Some(flow.id) == default && !flow.from_file && !flow.body.allow_self_approval;
    let Some(mut flow) = flows.into_iter().find(unwilling) else { return Ok(()) };
    flow.body.allow_self_approval = true;
    flow.version += 1;
    flow.updated_at = now;
    store::policies::put_flow(connection, &flow).await?;
    let entry = Entry::new(now, Actor::Desk, "flow.updated", flow.id);
    let metadata = json!({"name": flow.body.name, "version": flow.version, "allow_self_approval": true});
    store::audit::append(connection, entry.with(metadata)).await?;
    Ok(())
}

/// Makes the default flow where a desk file made none.
pub(crate) async fn ensure_default_flow(
    connection: &mut Connection,
    confirmation: Confirmation,
    allow_self_approval: bool,
    now: Timestamp,
) -> Result<(), DeskError> {
    let row = store::desk::desk(connection).await?.ok_or_else(|| DeskError::Internal("there is no desk row".into()))?;
    if row.settings.default_flow.is_some() {
        return Ok(());
    }
    let named = store::policies::all_flows(connection).await?.into_iter().find(|flow| flow.body.name == DEFAULT_FLOW);
    let flow = named.unwrap_or_else(|| FlowRecord {
        id: FlowId(fresh_id(now)),
        body: FlowBody::default_flow(DEFAULT_FLOW, confirmation, allow_self_approval),
        version: 1,
        from_file: false,
        updated_at: now,
    });
    store::policies::put_flow(connection, &flow).await?;
    let settings = DeskSettings { default_flow: Some(flow.id), ..row.settings };
    store::desk::set_settings(connection, &settings).await?;
    let entry = Entry::new(now, Actor::Desk, "flow.created", flow.id);
    let metadata =
        json!({"name": flow.body.name, "version": flow.version, "allow_self_approval": flow.body.allow_self_approval});
    store::audit::append(connection, entry.with(metadata)).await?;
    Ok(())
}

/// An address that has an open account with a passkey signs in instead.
async fn check_newcomer(connection: &mut Connection, email: &str) -> Result<(), DeskError> {
    let Some(user) = store::users::by_email(connection, email).await? else { return Ok(()) };
    let has_passkey = !store::passkeys::of_user(connection, user.id).await?.is_empty();
    match user.active && !has_passkey {
        true => Ok(()),
        false => Err(refuse(Code::Conflict, "There is an account with this address already.")),
    }
}

/// A name for a person, a desk or a passkey: 1 to 80 characters, none that hides or turns others round.
pub(super) fn named(field: &str, text: &str) -> Result<String, DeskError> {
    let name = text.trim();
    match (1..=80).contains(&name.chars().count()) && !hides_something(name) {
        true => Ok(name.to_owned()),
        false => Err(invalid(field, "1 to 80 characters, no control or invisible characters")),
    }
}

fn address(text: &str) -> Result<String, DeskError> {
    let email = normal_email(text);
    if is_email(&email) { Ok(email) } else { Err(invalid("email", "this is no email address")) }
}

/// Names of groups, each once.
pub(super) fn groups(given: &[String]) -> Result<Vec<String>, DeskError> {
    let mut groups = given.iter().map(|group| named("groups", group)).collect::<Result<Vec<_>, _>>()?;
    groups.sort();
    groups.dedup();
    Ok(groups)
}
