//! The demo's desk: its people, its connector, its policies, by the same road as any desk file.

use super::super::CliError;
use super::super::open::DeskArguments;
use crate::audit::Actor;
use crate::config::{DataFolder, PublicUrl};
use crate::desk::AgentKey;
use crate::desk::house::sign_in_link;
use crate::desk_file::{DeskFile, Options, apply};
use crate::store;
use secrecy::SecretString;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// What the demo needs of its desk.
pub(super) struct Made {
    /// Signs in as the demo's admin as long as the demo runs.
    pub(super) link: SecretString,
    /// The demo agent's key.
    pub(super) key: SecretString,
}

const ADMIN: &str = "dana@demo.test";

/// The agent belongs to somebody else, so that the admin may approve what it asks.
const DESK: &str = r#"
users:
  - {email: dana@demo.test, name: Dana Kim, role: admin, groups: [Operations]}
  - {email: mina@demo.test, name: Mina Sato, role: member, groups: [Sales]}
agents:
  - {name: notes-agent, owner: mina@demo.test, key_env: DEMO_KEY}
connectors:
  - slug: notes
    kind: mcp
    name: Notes
    command: COMMAND
    tools:
      - {name: list, effect: read}
      - {name: read, effect: read}
      - {name: write, effect: write}
      - {name: delete, effect: destructive}
flows:
  - name: Default
    description: Anyone with role approver or admin; one approval; ten minutes.
    steps: [{order: 1, approvers: {roles: [approver, admin]}, min_approvals: 1}]
    timeout_minutes: 10
    confirmation: passkey_if_enrolled
policies:
  - {name: Reading is fine, action: allow, connectors: [notes], tools: [list, read]}
  - {name: Writing is countersigned, action: request_approval, connectors: [notes], tools: [write], flow: Default}
  - {name: Deleting is countersigned, action: request_approval, connectors: [notes], tools: [delete], flow: Default}
settings: {default_flow: Default}
"#;

/// Makes the desk.
pub(super) async fn furnish(data: &DataFolder, folder: &Path, public_url: &PublicUrl) -> Result<Made, CliError> {
    let notes = folder.join("notes");
    place_notes(&notes).map_err(|error| CliError::Told(format!("the notes can't be placed: {error}")))?;
    let command = std::env::current_exe()
        .map_err(|error| CliError::Told(format!("this program can't be found to start it again: {error}")))?;
    let command = json!([command, "demo-upstream", "--folder", notes]).to_string();
    let desk =
        DeskArguments { data_dir: Some(data.path().to_owned()), ..DeskArguments::default() }.open_or_make().await?;
    let key = AgentKey::fresh()?.secret;
    let told = key.clone();
    let environment = Arc::new(move |name: &str| (name == "DEMO_KEY").then(|| told.clone()));
    let file = DeskFile::read(&DESK.replace("COMMAND", &command));
    let actor = Actor::Cli("demo".to_owned());
    let options = Options::default();
    let applied = apply(&desk.store, &desk.vault, &desk.clock, file, environment, actor.clone(), options).await;
    applied.map_err(|error| CliError::Told(format!("the demo's own desk file is wrong: {error:?}")))?;
    let now = desk.clock.now();
    desk.store
        .write(move |connection| {
            Box::pin(async move {
                store::desk::set_up(connection, "Countersign demo", now).await?;
                Ok::<_, CliError>(store::desk::bump_config(connection).await?)
            })
        })
        .await?;
    let link = sign_in_link(&desk.store, &desk.clock, &public_url.origin(), ADMIN, actor, true).await?;
    Ok(Made { link, key })
}

/// Something to list and to delete.
fn place_notes(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("Welcome"), "Approve the write and a note appears beside this one.\n")?;
    std::fs::write(folder.join("Old price list"), "Prices of 2024. Superseded.\n")
}
