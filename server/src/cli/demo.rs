//! `countersign demo`: a throw-away desk with a real upstream and an agent that asks for real.

mod agent;
mod house;

use super::serve::{bind, say_tunnel, stop_signal};
use super::{CliError, say, start_log};
use crate::config::{Config, DEFAULT_PORT, DataFolder, Environment, LogFormat, PublicUrl, loopbacks};
use crate::connectors::DEFAULT_TIMEOUT;
use crate::notify::LONGEST_TRY;
use crate::serve::start;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;

/// What `demo` takes.
#[derive(clap::Args)]
pub struct DemoArguments {
    /// The first port to try; the next free one is taken
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,
}

/// How many ports are tried.
const TRIES: u16 = 50;

pub(super) async fn run(arguments: DemoArguments) -> Result<(), CliError> {
    start_log(LogFormat::Pretty, "warn");
    let folder = tempfile::Builder::new().prefix("countersign-demo-").tempdir();
    let folder = folder.map_err(|error| CliError::Told(format!("no temporary folder can be made: {error}")))?;
    let (listeners, port) = next_free(arguments.port).await?;
    let public_url = PublicUrl::localhost(port)?;
    let data = DataFolder::prepare(&folder.path().join("desk"))?;
    let made = house::furnish(&data, folder.path(), &public_url).await?;
    let config = Config {
        public_url: public_url.clone(),
        data,
        master_key_file: None,
        demo: true,
        call_timeout: DEFAULT_TIMEOUT,
        message_timeout: LONGEST_TRY,
        environment: Environment::default(),
    };
    let started = start(config, listeners).await?;
    say("This is Countersign's demo: a desk of its own, gone when you stop it with Ctrl-C.");
    say("An agent will ask to write and to delete notes. Open this address and decide:");
    say("");
    say(format_args!("  {}", made.link.expose_secret()));
    say("");
    say_tunnel(&public_url);
    let notes = folder.path().join("notes");
    say(format_args!("What you approve happens in {}.", notes.display()));
    let asking = tokio::spawn(agent::ask_on(public_url, made.key));
    let ran = started.run(stop_signal()).await;
    asking.abort();
    // The folder goes here; a failure leaves it to the system's own tidying.
    let _ = folder.close();
    Ok(ran?)
}

async fn next_free(first: u16) -> Result<(Vec<TcpListener>, u16), CliError> {
    let mut last = CliError::Told("no port was tried".into());
    for port in first..=first.saturating_add(TRIES) {
        match bind(&loopbacks(port)).await {
            Ok(listeners) => return Ok((listeners, port)),
            Err(error) => last = error,
        }
    }
    Err(last)
}
