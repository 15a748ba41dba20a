//! `cargo xtask bench`: what the product costs, beside the budgets that it set itself. Every figure is of this machine
//! and this moment; where two things compare, they are measured in turns within one run.

#![allow(clippy::unwrap_used, reason = "whatever goes wrong ends the bench")]
#![allow(clippy::disallowed_methods, reason = "it measures by the machine's clock")]
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

#[cfg(target_os = "linux")]
mod app;
mod calls;
mod decisions;
mod echo;
mod figures;
mod flows;
mod footprint;
mod gateway;
mod page;
mod pages;
mod peers;
mod policies;
mod upstream;
mod world;

use figures::Line;

/// The part that wants a display and a driver, and is measured only when it is named.
const APP: &str = "app";
/// A part of the bench, by the name that chooses it at the command line.
const PARTS: [&str; 9] = ["calls", "gateway", "peers", "flows", "decisions", "pages", "policies", "footprint", "page"];

#[tokio::main]
async fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = chosen.iter().find(|name| !PARTS.contains(&name.as_str()) && *name != APP) {
        eprintln!("there is no part {unknown}; there are {}", PARTS.join(", "));
        std::process::exit(2);
    }
    countersign_server::install_crypto();
    let wanted = |part: &str| chosen.is_empty() || chosen.iter().any(|name| name == part);
    let mut lines = Vec::new();
    if wanted("calls") {
        lines.extend(measured("an allowed call", calls::measure()).await);
    }
    if wanted("gateway") {
        lines.extend(measured("an allowed call by MCP", gateway::measure()).await);
    }
    if wanted("peers") {
        lines.extend(measured("a real MCP server and a peer of the desk's", peers::measure()).await);
    }
    if wanted("flows") {
        lines.extend(measured("deadlines, screens and messages", flows::measure()).await);
    }
    if wanted("decisions") {
        lines.extend(measured("decisions", decisions::measure()).await);
    }
    if wanted("pages") {
        lines.extend(measured("pages of many requests", pages::measure()).await);
    }
    if wanted("policies") {
        eprintln!("measuring 100 policies");
        lines.extend(policies::measure());
    }
    if wanted("footprint") {
        lines.extend(measured("memory", footprint::measure()).await);
    }
    if wanted("page") {
        lines.extend(measured("the interface", page::measure()).await);
    }
    #[cfg(target_os = "linux")]
    if chosen.iter().any(|name| name == APP) {
        lines.extend(measured("the desktop app", app::measure()).await);
    }
    println!("{}", figures::table(&lines));
    if lines.iter().any(Line::misses) {
        eprintln!("not every figure is within its budget");
    }
}

async fn measured(what: &str, part: impl Future<Output = Vec<Line>>) -> Vec<Line> {
    eprintln!("measuring {what}");
    part.await
}
