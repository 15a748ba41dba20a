//! `countersign user link`: a way in for somebody whose account is there already.

use super::open::{DeskArguments, actor};
use super::{CliError, say};
use crate::config::email_argument;
use crate::desk::house::sign_in_link;
use secrecy::ExposeSecret as _;

/// What `user` does.
#[derive(clap::Subcommand)]
pub enum UserCommand {
    /// Print a link that signs somebody in, once, within an hour
    Link(LinkArguments),
}

/// What `user link` takes.
#[derive(clap::Args)]
pub struct LinkArguments {
    /// Their email address
    #[arg(value_parser = email_argument)]
    email: String,
    #[command(flatten)]
    desk: DeskArguments,
}

pub(super) async fn run(command: UserCommand) -> Result<(), CliError> {
    let UserCommand::Link(arguments) = command;
    let desk = arguments.desk.open().await?;
    let origin = desk.public_url()?.origin();
    let link = sign_in_link(&desk.store, &desk.clock, &origin, &arguments.email, actor(), false).await?;
    say(link.expose_secret());
    Ok(())
}
