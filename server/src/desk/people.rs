//! People, for admins.

use super::Desk;
use super::error::{DeskError, not_found, refuse};
use super::paging::{PageParameters, Place, page};
use super::session::{Admin, Widening};
use super::setup::{groups, named};
use super::withdraw::withdraw_all_of;
use crate::audit::Entry;
use crate::store;
use crate::store::Connection;
use crate::store::users::User;
use countersign_domain::ids::UserId;
use countersign_domain::user::Role;
use countersign_wire::Page;
use countersign_wire::people::{UserChange, UserRow};
use countersign_wire::problem::Code;
use serde_json::json;

impl Desk {
    /// Everybody.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn people(&self, _admin: &Admin, given: &PageParameters) -> Result<Page<UserRow>, DeskError> {
        let mut connection = self.store().read().await?;
        let passkeys = store::passkeys::counts(&mut connection).await?;
        let on_hold = store::passkeys::on_hold(&mut connection, self.now()).await?;
        let users = store::users::all(&mut connection).await?;
        let items = users
            .into_iter()
            .map(|user| {
                let count = passkeys.get(&user.id).copied().unwrap_or(0);
                UserRow { fresh_passkey_until: on_hold.get(&user.id).copied(), ..row(&user, count) }
            })
            .collect();
        page(items, given, |user: &UserRow| Place::by_name(&user.email))
    }

    /// Changes a person's name, role, groups, or whether the account is open. Closing it ends their sessions, and what
    /// their agents have waiting.
    ///
    /// # Errors
    /// When there is no such person, a field is wrong, or the desk would be left without an admin.
    pub async fn change_person(
        &self,
        admin: &Admin,
        _leave: &Widening,
        id: UserId,
        change: UserChange,
    ) -> Result<UserRow, DeskError> {
        let (desk, actor) = (self.clone(), admin.actor());
        let (row, ended) = self
            .configure(move |connection| {
                Box::pin(async move {
                    let now = desk.now();
                    let before = store::users::by_id(connection, id).await?.ok_or_else(|| not_found("person"))?;
                    let user = changed(before, &change)?;
                    store::users::update(connection, &user).await?;
                    check_admin_left(connection).await?;
                    let ended = match user.active {
                        true => Vec::new(),
                        false => {
                            withdraw_all_of(connection, id, &actor, now).await?;
                            store::sessions::delete_of_user(connection, id).await?
                        }
                    };
                    let entry = Entry::new(now, actor, "user.changed", user.id);
                    let metadata =
                        json!({"email": user.email, "role": user.role, "groups": user.groups, "active": user.active});
                    store::audit::append(connection, entry.with(metadata)).await?;
                    let passkeys = store::passkeys::of_user(connection, id).await?.len();
                    let on_hold = store::passkeys::on_hold(connection, now).await?.get(&id).copied();
                    let row = row(&user, u32::try_from(passkeys).unwrap_or(u32::MAX));
                    Ok((UserRow { fresh_passkey_until: on_hold, ..row }, ended))
                })
            })
            .await?;
        self.announce();
        self.cut_off(ended);
        Ok(row)
    }
}

fn changed(before: User, change: &UserChange) -> Result<User, DeskError> {
    Ok(User {
        name: change.name.as_deref().map(|name| named("name", name)).transpose()?.unwrap_or(before.name),
        role: change.role.unwrap_or(before.role),
        groups: change.groups.as_deref().map(groups).transpose()?.unwrap_or(before.groups),
        active: change.active.unwrap_or(before.active),
        ..before
    })
}

/// A desk without an admin could only be mended at the command line.
async fn check_admin_left(connection: &mut Connection) -> Result<(), DeskError> {
    let users = store::users::all(connection).await?;
    match users.iter().any(|user| user.active && user.role == Role::Admin) {
        true => Ok(()),
        false => Err(refuse(Code::Conflict, "The desk would be left without an admin.")),
    }
}

fn row(user: &User, passkeys: u32) -> UserRow {
    UserRow {
        id: user.id,
        name: user.name.clone(),
        email: user.email.clone(),
        role: user.role,
        groups: user.groups.clone(),
        active: user.active,
        passkeys,
        fresh_passkey_until: None,
        last_seen_at: user.last_seen_at,
    }
}
