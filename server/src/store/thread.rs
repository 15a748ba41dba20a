//! The writer's thread. sqlx runs SQLite on a thread of its own, so each turn is two changes of thread. They cost a tenth
//! on one processor of what they cost between two, and SQLite need not be interrupted at each of a turn's results.

use super::writer::{self, Task};
use super::{Connection, StoreError, connect, migrations};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, oneshot};

/// Opens the database, brings it up to date and starts the writer on it; it ends with the last sender of its queue.
pub(super) async fn start(
    url: String,
    queue: mpsc::Receiver<Box<dyn Task>>,
    outbox: Arc<Notify>,
) -> Result<(), StoreError> {
    let (opened, open) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(sqlx::Error::Io)?;
    let run = move || {
        stay_on_one_processor();
        runtime.block_on(async move {
            match open_database(&url).await {
                Ok(connection) => {
                    // Whoever asked may have given up; then the queue is closed, and this ends at once.
                    let _ = opened.send(Ok(()));
                    let_sqlite_finish();
                    writer::run(connection, queue, &outbox).await;
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        });
    };
    std::thread::Builder::new().name("writer".to_owned()).spawn(run).map_err(sqlx::Error::Io)?;
    open.await.map_err(|_| StoreError::Stopped)?
}

async fn open_database(url: &str) -> Result<Connection, StoreError> {
    let mut connection = connect(url).await?;
    migrations::run(&mut connection).await?;
    Ok(Connection::own(connection))
}

/// SQLite's thread is started from this one and stays where it stays. Several servers on a machine spread out.
#[cfg(target_os = "linux")]
fn stay_on_one_processor() {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let processors: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect();
    let nth = std::process::id() as usize % processors.len().max(1);
    let Some(processor) = processors.get(nth) else { return };
    let mut one = CpuSet::new();
    one.set(*processor);
    // Where it is not permitted, it is only slower.
    let _ = sched_setaffinity(None, &one);
}

/// A thread of Linux's batch policy does not interrupt another when it wakes (sched(7)): SQLite's thread, which was
/// started before and keeps the usual policy, first comes to the end of its turn.
#[cfg(target_os = "linux")]
fn let_sqlite_finish() {
    use thread_priority::unix::{NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy};
    use thread_priority::{ThreadPriority, ThreadPriorityValue, thread_native_id};
    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
    // The middle of the crate's scale is no change of the thread's niceness.
    let Ok(unchanged) = ThreadPriorityValue::try_from(50) else { return };
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(unchanged), policy);
}

#[cfg(not(target_os = "linux"))]
const fn stay_on_one_processor() {}
#[cfg(not(target_os = "linux"))]
const fn let_sqlite_finish() {}
