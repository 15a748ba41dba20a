//! Native notifications: Review first, Deny second, never Approve; one that is over goes where the platform lets it.

use crate::board::Notice;
use crate::shell::Shell;
use crate::words;
use countersign_domain::ids::RequestId;
use std::collections::HashMap;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};
use tauri::{AppHandle, Manager as _};
use tauri_plugin_notification::{Action, ActionPerformed, ActionType, NotificationExt as _};

/// The kind of notification that has the buttons.
const REQUEST: &str = "request";
const REVIEW: &str = "review";
const DENY: &str = "deny";
/// The number of the notification of many.
const MANY: i32 = 1;
/// The number of one that only says something.
const SAID: i32 = 2;

/// Which request a notification is about. The platform knows them by small numbers.
#[derive(Debug, Default)]
struct Numbers {
    last: i32,
    of: HashMap<RequestId, i32>,
}

impl Numbers {
    fn of(&mut self, id: RequestId) -> i32 {
        let Self { last, of } = self;
        *of.entry(id).or_insert_with(|| {
            *last = last.wrapping_add(1);
            SAID + last.rem_euclid(1_000_000) + 1
        })
    }

    fn behind(&self, number: i32) -> Option<RequestId> {
        self.of.iter().find(|(_, of)| **of == number).map(|(id, _)| *id)
    }
}

/// How long after a notification was taken away that is done once more: one that is shown at this moment gets its name
/// from the platform a little later.
const ONCE_MORE: Duration = Duration::from_secs(1);

/// Something for the platform to do.
enum Job {
    Notice(Notice),
    Say { title: String, words: String },
    TakeAway(i32),
}

/// Held by the app: what is shown, and the one thread that speaks to the platform, which may take a while. In order, so
/// that nothing goes before it came.
pub struct Shown {
    numbers: Mutex<Numbers>,
    jobs: Sender<Job>,
}

impl Shown {
    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the thread.
///
/// # Errors
/// When the system has no thread to give.
pub fn start(app: &AppHandle) -> io::Result<Shown> {
    let (jobs, todo) = mpsc::channel();
    let app = app.clone();
    thread::Builder::new().name("notifications".to_owned()).spawn(move || {
        for job in todo {
            do_one(&app, job);
        }
    })?;
    Ok(Shown { numbers: Mutex::default(), jobs })
}

fn give(app: &AppHandle, job: Job) {
    // The thread ends with the app.
    let _ = app.state::<Shown>().jobs.send(job);
}

/// Where a click leads. A denial is written and pressed by a person, in the window.
fn place(action: &str, request: Option<RequestId>) -> String {
    match (action, request) {
        (DENY, Some(id)) => format!("/approve/{id}?deny"),
        (_, Some(id)) => format!("/requests/{id}"),
        (_, None) => "/requests".to_owned(),
    }
}

/// Names the buttons, and listens to them.
///
/// # Errors
/// When the platform takes neither.
pub fn prepare(app: &AppHandle, shell: Arc<Shell>) -> tauri_plugin_notification::Result<()> {
    let kind = ActionType::builder(REQUEST)
        .actions(vec![
            Action::builder(REVIEW, "Review").foreground(true).build(),
            Action::builder(DENY, "Deny").foreground(true).build(),
        ])
        .build();
    app.notification().register_action_types(vec![kind])?;
    let handle = app.clone();
    app.notification().on_action(move |performed: &ActionPerformed| {
        let number = performed.notification().map(tauri_plugin_notification::ActiveNotification::id);
        let shown = handle.state::<Shown>();
        let request = number.and_then(|number| shown.numbers().behind(number));
        shell.go(&place(performed.action_id(), request));
    })
}

/// Shows and takes away.
pub fn show(app: &AppHandle, notices: Vec<Notice>) {
    notices.into_iter().for_each(|notice| give(app, Job::Notice(notice)));
}

fn do_one(app: &AppHandle, job: Job) {
    match job {
        Job::Notice(notice) => show_one(app, notice),
        Job::Say { title, words } => {
            if let Err(error) = app.notification().builder().id(SAID).title(title).body(words).show() {
                tracing::warn!(%error, "a notification can't be shown");
            }
        }
        Job::TakeAway(number) => take_away(app, number),
    }
}

fn show_one(app: &AppHandle, notice: Notice) {
    let number = |id| app.state::<Shown>().numbers().of(id);
    let (number, kind, (title, text)) = match notice {
        Notice::Request(row) => (number(row.id), Some(REQUEST), words::notice(&row)),
        Notice::Many(waiting) => (MANY, None, words::many(waiting)),
        Notice::Gone(id) => {
            let number = number(id);
            app.state::<Shown>().numbers().of.remove(&id);
            return take_away_for_good(app, number);
        }
        Notice::NoneLeft => return take_away_for_good(app, MANY),
    };
    if number == MANY {
        take_away(app, MANY);
    }
    let mut builder = app.notification().builder().id(number).title(title).body(words::without_markup(&text));
    if let Some(kind) = kind {
        builder = builder.action_type_id(kind);
    }
    if let Err(error) = builder.show() {
        tracing::warn!(%error, "a notification can't be shown");
    }
}

fn take_away_for_good(app: &AppHandle, number: i32) {
    take_away(app, number);
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(ONCE_MORE).await;
        give(&app, Job::TakeAway(number));
    });
}

fn take_away(app: &AppHandle, number: i32) {
    if let Err(error) = app.notification().remove_active(vec![number]) {
        tracing::debug!(%error, "a notification can't be taken away");
    }
}

/// Says something that has no place in the window.
pub fn say(app: &AppHandle, title: &str, words: &str) {
    give(app, Job::Say { title: title.to_owned(), words: words::without_markup(words) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_leads_to_the_request_and_deny_to_the_form_for_a_reason() {
        let id: RequestId = "01980000-0000-7000-8000-000000000001".parse().unwrap();
        for action in ["tap", REVIEW, "approve"] {
            assert_eq!(place(action, Some(id)), format!("/requests/{id}"));
        }
        assert_eq!(place(DENY, Some(id)), format!("/approve/{id}?deny"));
        assert_eq!((place("tap", None), place(DENY, None)), ("/requests".to_owned(), "/requests".to_owned()));
    }

    #[test]
    fn every_request_keeps_its_number_and_shares_it_with_none() {
        let mut numbers = Numbers::default();
        let id = |number: u32| format!("00000000-0000-0000-0000-{number:012}").parse::<RequestId>().unwrap();
        let (one, two) = (numbers.of(id(1)), numbers.of(id(2)));
        assert_eq!((numbers.of(id(1)), numbers.behind(two)), (one, Some(id(2))));
        assert!(one != two && ![one, two].contains(&MANY) && ![one, two].contains(&SAID));
        assert_eq!(numbers.behind(MANY), None);
    }
}
