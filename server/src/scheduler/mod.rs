//! What happens by itself: deadlines, executions that somebody left lying, checks of connectors, tidying.
//!
//! Timers are rows. The loop sleeps until the next one is due, or until a sooner one is set; it never polls.

mod outbox;

use crate::connectors::ConnectorChange;
use crate::desk::{Desk, DeskError};
use crate::store;
use crate::store::timers::{Timer, TimerKind};
use countersign_domain::Timestamp;
use futures::{StreamExt as _, stream};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

/// How many due timers are taken at once.
const BATCH: i64 = 512;
/// How many of them are run at once.
const AT_ONCE: usize = 128;
/// How long after a failure the store is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long an execution that was taken over may stay with its taker.
const LEASE: Duration = Duration::from_secs(30);
/// How long after a failure a timer that could not be run is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// How often old things are forgotten.
const TIDY: Duration = Duration::from_secs(60 * 60);
/// How often connectors are checked without being asked.
const CHECK: Duration = Duration::from_secs(5 * 60);

/// Starts everything that happens by itself.
pub fn spawn(tasks: &mut JoinSet<()>, desk: &Desk) {
    let of = desk.clone();
    tasks.spawn(async move { of.pump().await });
    tasks.spawn(run_timers(desk.clone()));
    tasks.spawn(outbox::run(desk.clone()));
    tasks.spawn(watch_connectors(desk.clone()));
    tasks.spawn(every(desk.clone(), CHECK, async |desk| {
        desk.check_all_connectors().await;
        Ok(())
    }));
    tasks.spawn(every(desk.clone(), TIDY, async |desk| desk.tidy().await));
}

async fn every<F>(desk: Desk, pause: Duration, deed: F)
where
    F: AsyncFn(&Desk) -> Result<(), DeskError>,
{
    loop {
        if let Err(error) = deed(&desk).await {
            tracing::warn!(%error, "a regular task failed; it is tried again next time");
        }
        tokio::time::sleep(pause).await;
    }
}

async fn run_timers(desk: Desk) {
    loop {
        match run_due(&desk).await {
            Ok(Some(next)) => sleep_until(&desk, next).await,
            Ok(None) => desk.timer_bell().notified().await,
            Err(error) => {
                tracing::error!(%error, "due timers can't be run; trying again");
                sleep_until(&desk, desk.now() + AFTER_FAILURE).await;
            }
        }
    }
}

async fn sleep_until(desk: &Desk, due: Timestamp) {
    tokio::select! {
        () = desk.clock().sleep_until(due) => {}
        () = desk.timer_bell().notified() => {}
    }
}

/// Runs what is due; when the next timer is.
async fn run_due(desk: &Desk) -> Result<Option<Timestamp>, DeskError> {
    loop {
        let now = desk.now();
        let mut connection = desk.store().read().await?;
        let due = store::timers::due(&mut connection, now, BATCH).await?;
        if due.is_empty() {
            return Ok(store::timers::next_due(&mut connection).await?);
        }
        drop(connection);
        // Many at once share a commit.
        let runs = stream::iter(due).map(|timer| async move {
            match run(desk, timer, now).await {
                Err(error) => put_aside(desk, timer, now, &error).await,
                Ok(()) => Ok(()),
            }
        });
        let mut runs = runs.buffer_unordered(AT_ONCE);
        while let Some(done) = runs.next().await {
            done?;
        }
    }
}

/// A timer that can't be run must not keep the others from theirs: it comes again later. When not even that can be
/// written the store is at fault, and all wait.
async fn put_aside(desk: &Desk, timer: Timer, now: Timestamp, error: &DeskError) -> Result<(), DeskError> {
    tracing::error!(request.id = %timer.request_id, %error, "a timer can't be run; it is tried again");
    desk.put_off(timer, now + RETRY).await
}

async fn run(desk: &Desk, timer: Timer, now: Timestamp) -> Result<(), DeskError> {
    match timer.kind {
        TimerKind::Flow => desk.ring(timer.request_id).await,
        TimerKind::Absent => desk.give_up_on_caller(timer).await,
        TimerKind::Execute => {
            // It is not taken twice while its taker has it, and not lost when the taker is.
            desk.put_off(timer, now + LEASE).await?;
            let desk = desk.clone();
            tokio::spawn(async move {
                if let Err(error) = desk.execute(timer.request_id).await {
                    let id = timer.request_id;
                    tracing::error!(request.id = %id, %error, "an approved call could not be begun; it is tried again");
                }
            });
            Ok(())
        }
    }
}

/// Keeps the stored status of connectors in step with what is seen while they are used.
async fn watch_connectors(desk: Desk) {
    let (mut events, mut moved) = (desk.outgoing().subscribe(), desk.connectors_moved());
    let mut checks = JoinSet::new();
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            id = moved.recv() => {
                if let Ok(id) = id {
                    let desk = desk.clone();
                    checks.spawn(async move { desk.check_or_warn(id).await });
                }
                continue;
            }
            Some(_) = checks.join_next() => continue,
        };
        let event = match event {
            Ok(event) => event,
            // What was missed is seen at the next regular check.
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let noted = match event.change {
            // It was down when it was set up, and now its tools can be listed.
            ConnectorChange::Connected if desk.awaits_tools(event.connector) => {
                let (desk, id) = (desk.clone(), event.connector);
                checks.spawn(async move { desk.check_or_warn(id).await });
                continue;
            }
            ConnectorChange::Connected => desk.note_status(event.connector, None).await,
            ConnectorChange::Failed(why) => desk.note_status(event.connector, Some(why)).await,
            ConnectorChange::ToolsChanged => {
                let (desk, id) = (desk.clone(), event.connector);
                checks.spawn(async move { desk.check_or_warn(id).await });
                continue;
            }
            // Nothing of them is stored: whoever passes them on asks for them anew.
            ConnectorChange::PromptsChanged | ConnectorChange::ResourcesChanged => continue,
        };
        if let Err(error) = noted {
            tracing::warn!(connector.id = %event.connector, %error, "a connector's status could not be stored");
        }
    }
}
