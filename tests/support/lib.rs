//! What the stories are told with: a real desk, people with passkeys in software, agents, and upstreams that record.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that can't be set up has failed")]

#[cfg(target_os = "linux")]
mod app;
#[cfg(target_os = "linux")]
mod badges;
mod bearer;
mod browser;
mod clock;
mod database;
mod desk;
mod disk;
mod events;
mod mail;
#[cfg(target_os = "linux")]
mod manager;
mod mcp;
#[cfg(target_os = "linux")]
mod notifications;
mod page;
mod pause;
mod person;
mod process;
mod program;
mod push;
mod remote;
#[cfg(target_os = "linux")]
mod screen;
mod self_signed;
mod served;
#[cfg(target_os = "linux")]
mod tray;
mod upstream;

#[cfg(target_os = "linux")]
pub use app::{App, Computer, SHORTCUT, WINDOW, app_binary};
#[cfg(target_os = "linux")]
pub use badges::Badges;
pub use bearer::Bearer;
pub use browser::Browser;
pub use clock::HandClock;
pub use database::Database;
pub use desk::{Agent, Answer, Desk, Stopped, apply_to, call_at, sign_in_token};
pub use disk::Disk;
pub use events::{Event, Events};
pub use mail::{Mail, MailServer, Treatment};
#[cfg(target_os = "linux")]
pub use manager::{Manager, Place};
pub use mcp::{McpClient, Messages, text};
#[cfg(target_os = "linux")]
pub use notifications::{Notifications, Shown};
pub use page::Page;
pub use pause::{awaited, pause, until};
pub use person::Person;
pub use process::{Demo, Ended, Process, binary, command, free_port, refused_command, run, run_at_home, run_on};
pub use program::{node_script, program, python_script, test_file};
pub use push::{Push, PushBrowser, PushService};
pub use remote::{Era, Heard, Remote};
#[cfg(target_os = "linux")]
pub use screen::Screen;
pub use self_signed::SelfSigned;
pub use served::Served;
#[cfg(target_os = "linux")]
pub use tray::{Entry, Tray};
pub use upstream::Upstream;
