//! `countersign user link`: a way in for somebody whose account is there already.

use super::open::{DeskArguments, actor};
use super::{CliError, say};
use crate::config::email_argument;
use crate::desk::DeskError;
use crate::desk::house::sign_in_link;
use countersign_wire::problem::Code;
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
    let email = &arguments.email;
    match sign_in_link(&desk.store, &desk.clock, &origin, email, actor(), false).await {
        Ok(link) => say(link.expose_secret()),
        Err(DeskError::Refused(refusal)) if refusal.code == Code::NotFound => {
            let advice = "invite them from the People page, or name them in a desk file";
            return Err(CliError::Told(format!("there is no open account with the address {email}; {advice}")));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
