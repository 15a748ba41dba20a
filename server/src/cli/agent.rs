//! `countersign agent create`: an agent and its key, made at the command line.

use super::open::{DeskArguments, actor};
use super::{CliError, say};
use crate::audit::Entry;
use crate::auth::agent_jwt::AgentPublicKey;
use crate::clock::fresh_id;
use crate::config::email_argument;
use crate::desk::{AgentKey, NO_CALLBACK_URL, NewCallback, is_callback_url};
use crate::store;
use crate::store::agents::Agent;
use countersign_domain::agent::{AgentStatus, MayActFor, WAIT_BUDGETS, is_agent_name};
use countersign_domain::ids::AgentId;
use secrecy::ExposeSecret as _;
use serde_json::json;
use std::path::PathBuf;

/// What `agent` does.
#[derive(clap::Subcommand)]
pub enum AgentCommand {
    /// Make an agent; its key is printed once
    Create(CreateArguments),
}

/// What `agent create` takes.
#[derive(clap::Args)]
pub struct CreateArguments {
    /// Its name: letters, digits, `-`, `_` or `.`
    name: String,
    /// The email of the user who owns it
    #[arg(long, value_parser = email_argument)]
    owner: String,
    /// A file with its public key in PEM, instead of an API key
    #[arg(long)]
    public_key: Option<PathBuf>,
    /// A connector that it may use, by slug; may be given several times; all when left out
    #[arg(long = "connector")]
    connectors: Vec<String>,
    /// How many seconds its held calls wait by MCP before it is told to come back, 1 to 3600; 50 when left out
    #[arg(long, value_name = "SECONDS", value_parser = wait_budget)]
    wait_budget: Option<u32>,
    /// An https address that hears when its requests move; its signing secret is printed once
    #[arg(long)]
    callback_url: Option<String>,
    #[command(flatten)]
    desk: DeskArguments,
}

pub(super) async fn run(command: AgentCommand) -> Result<(), CliError> {
    let AgentCommand::Create(arguments) = command;
    if !is_agent_name(&arguments.name) {
        return Err(CliError::Told("a name has 1 to 64 letters, digits, `-`, `_` or `.`".into()));
    }
    if let Some(url) = arguments.callback_url.as_deref().filter(|url| !is_callback_url(url)) {
        return Err(CliError::Told(format!("the callback {url:?} {NO_CALLBACK_URL}")));
    }
    let public_key = arguments.public_key.as_deref().map(read_key).transpose()?;
    let key = public_key.is_none().then(AgentKey::fresh).transpose()?;
    let desk = arguments.desk.open().await?;
    let now = desk.clock.now();
    let actor = actor();
    let (name, owner) = (arguments.name.clone(), arguments.owner);
    let (hash, hint) = key.as_ref().map(|key| (key.hash.clone(), key.hint.clone())).unzip();
    let connectors = (!arguments.connectors.is_empty()).then_some(arguments.connectors);
    let id = AgentId(fresh_id(now));
    let made = arguments.callback_url.as_deref().map(|url| NewCallback::of(&desk.vault, id, url)).transpose()?;
    let (callback, callback_secret) = made.map(|made| (made.callback, made.secret)).unzip();
    desk.store
        .write(move |connection| {
            Box::pin(async move {
                let owner = store::users::by_email(connection, &owner).await?.filter(|user| user.active);
                let owner = owner.ok_or_else(|| told("there is no open account with that address"))?;
                let known = store::connectors::all(connection).await?;
                let unknown = connectors.iter().flatten().find(|slug| !known.iter().any(|known| known.slug == **slug));
                if let Some(slug) = unknown {
                    return Err(told(&format!("there is no connector {slug:?}")));
                }
                let agent = Agent {
                    id,
                    name,
                    owner_id: owner.id,
                    status: AgentStatus::Active,
                    key_hash: hash,
                    key_hint: hint,
                    public_key,
                    connectors,
                    may_act_for: MayActFor::default(),
                    wait_budget_seconds: arguments.wait_budget,
                    from_file: false,
                    created_at: now,
                    last_seen_at: None,
                    cools_until: None,
                    callback,
                };
                store::agents::insert(connection, &agent).await.map_err(|error| match error.is_taken() {
                    true => told("there is an agent with this name already"),
                    false => error.into(),
                })?;
                let metadata = json!({
                    "name": agent.name,
                    "owner_id": agent.owner_id,
                    "connectors": agent.connectors,
                    "wait_budget_seconds": agent.wait_budget(),
                    "callback_url": agent.callback.as_ref().map(|callback| &callback.url),
                });
                store::audit::append(connection, Entry::new(now, actor, "agent.created", id).with(metadata)).await?;
                store::desk::bump_config(connection).await?;
                Ok::<_, CliError>(())
            })
        })
        .await?;
    match key {
        Some(key) => {
            say(format_args!("{} ({id}) may ask. Its key is shown this once:", arguments.name));
            say(format_args!("  {}", key.secret.expose_secret()));
        }
        None => say(format_args!("{} ({id}) may ask with tokens that it signs itself.", arguments.name)),
    }
    if let Some(secret) = callback_secret {
        say("Calls to its callback are signed with this secret, shown this once:");
        say(format_args!("  {}", secret.expose_secret()));
    }
    Ok(())
}

fn wait_budget(text: &str) -> Result<u32, String> {
    let seconds = text.parse().ok().filter(|seconds| WAIT_BUDGETS.contains(seconds));
    seconds.ok_or_else(|| "a wait budget is 1 to 3600 seconds".to_owned())
}

fn told(text: &str) -> CliError {
    CliError::Told(text.to_owned())
}

fn read_key(path: &std::path::Path) -> Result<String, CliError> {
    let pem = std::fs::read_to_string(path)
        .map_err(|error| CliError::Told(format!("{} can't be read: {error}", path.display())))?;
    AgentPublicKey::read(&pem).map_err(|error| CliError::Told(error.to_string()))?;
    Ok(pem)
}
