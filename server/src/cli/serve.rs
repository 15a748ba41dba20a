//! `countersign serve`: the server, until it is told to stop.

use super::apply::apply_file;
use super::open::DeskArguments;
use super::{CliError, say, start_log};
use crate::config::{PublicUrl, RawConfig, ServeConfig};
use crate::desk_file::Options;
use crate::serve::start;
use secrecy::ExposeSecret as _;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::net::TcpListener;

/// What `serve` takes.
#[derive(clap::Args)]
pub struct ServeArguments {
    #[command(flatten)]
    flags: RawConfig,
    /// The configuration file; countersign.toml in this folder when left out
    #[arg(long)]
    config: Option<PathBuf>,
}

pub(super) async fn run(arguments: ServeArguments) -> Result<(), CliError> {
    let raw = RawConfig::gather(&arguments.flags, arguments.config.as_deref())?;
    let mut serve = ServeConfig::check(&raw)?;
    // rmcp speaks of every message; what it says is ours to say at the boundary.
    start_log(serve.log, "info,rmcp=warn");
    let listeners = bind(&serve.listen).await?;
    // Heard from here on: whoever was told the address may stop the server at once.
    let stopped = tokio::spawn(stop_signal());
    if raw.public_url.is_none() {
        // The system may have been left to choose the port.
        serve.config.public_url = PublicUrl::localhost(port_of(&listeners)?)?;
    }
    if let Some(file) = &serve.apply {
        let desk = DeskArguments {
            data_dir: Some(serve.config.data.path().to_owned()),
            master_key_file: serve.config.master_key_file.clone(),
            config: arguments.config.clone(),
            ..DeskArguments::default()
        };
        apply_file(&desk.open_or_make().await?, file, Options::default()).await?;
    }
    let public_url = serve.config.public_url.clone();
    let data = serve.config.data.clone();
    let started = start(serve.config, listeners).await?;
    say(format_args!("Countersign answers at {} (data in {})", public_url.origin(), data.path().display()));
    if let Some(link) = started.setup_link() {
        say("Nobody has set this desk up yet. Open this link, once, to name it and become its admin:");
        say(format_args!("  {}", link.expose_secret()));
    }
    say_tunnel(&public_url);
    let stopped = async {
        // It ends only by hearing the signal.
        let _ = stopped.await;
    };
    started.run(stopped).await?;
    Ok(())
}

fn port_of(listeners: &[TcpListener]) -> Result<u16, CliError> {
    let first = listeners.first().and_then(|listener| listener.local_addr().ok());
    first.map(|address| address.port()).ok_or_else(|| CliError::Told("there is nothing to listen on".into()))
}

/// Binds every address; with both loopbacks wanted, one that the machine lacks is left out.
pub async fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, CliError> {
    let mut listeners = Vec::new();
    for address in addresses {
        let mut address = *address;
        if address.port() == 0 && !listeners.is_empty() {
            address.set_port(port_of(&listeners)?);
        }
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                let port = address.port();
                return Err(CliError::Told(format!(
                    "port {port} is taken by another program; choose another with --listen, such as --listen localhost:{}",
                    port.saturating_add(1)
                )));
            }
            Err(error) if addresses.len() > 1 && address.is_ipv6() => {
                tracing::debug!(%error, "this machine has no IPv6 loopback");
            }
            Err(error) => return Err(CliError::Told(format!("{address} can't be listened on: {error}"))),
        }
    }
    Ok(listeners)
}

/// On a machine without a display the browser is elsewhere, and reaches a loopback address through ssh only.
pub fn say_tunnel(public_url: &PublicUrl) {
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if cfg!(not(target_os = "linux")) || has_display || !public_url.is_loopback() {
        return;
    }
    if let Some(port) = public_url.url().port_or_known_default() {
        say("This machine has no display. From the one with your browser:");
        say(format_args!("  ssh -L {port}:localhost:{port} <this machine>"));
    }
}

/// Comes back on Ctrl-C or SIGTERM.
pub async fn stop_signal() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "Ctrl-C can't be heard");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::error!(%error, "SIGTERM can't be heard");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
