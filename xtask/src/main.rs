//! Countersign's tasks: `cargo xtask <task>`. One file a task; what they share is in `shell` and `tools`.
//! They talk on stderr, in step with cargo's own lines. Nothing here is part of the product.

mod app;
mod bench;
mod cross;
mod dist;
mod run;
mod shell;
mod test;
mod tools;
mod ui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Countersign's build and test tasks")]
struct Tasks {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build everything and start a throw-away desk to try: needs only Rust and a C compiler
    Run {
        /// Passed on to `countersign demo`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Install what builds and tests need of this system, where that is allowed; else name it
    Setup,
    /// Get what the tests need, build everything, run every test
    Test {
        /// Passed on to `cargo nextest run`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Build the user interface into ui/dist, which the server embeds
    Ui {
        /// Stay and build again on every change
        #[arg(long)]
        watch: bool,
    },
    /// Build the desktop app, with what it needs installed where that is allowed, and start it
    App {
        /// Passed on to the app
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Make the desktop app's packages for this system
    Dist,
    /// Check the desktop app for Windows as far as a Linux machine can
    CheckCross,
    /// Measure against the budgets, in release builds
    Bench {
        /// The desktop app instead of the server
        #[arg(long)]
        app: bool,
        /// Passed on to the bench
        #[arg(last = true)]
        args: Vec<String>,
    },
}

fn main() -> ExitCode {
    let done = match Tasks::parse().task {
        Task::Run { args } => run::run(&args),
        Task::Setup => test::system(),
        Task::Test { args } => test::test(&args),
        Task::Ui { watch: false } => ui::build(),
        Task::Ui { watch: true } => ui::watch(),
        Task::App { args } => app::app(&args),
        Task::Dist => dist::dist(),
        Task::CheckCross => cross::check(),
        Task::Bench { app: false, args } => bench::bench(&args),
        Task::Bench { app: true, .. } => app::bench(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
