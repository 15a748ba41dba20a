//! The one writer: takes use cases from a queue and commits many at once.

use super::heads::{self, Heads};
use super::{Connection, StoreError};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::Executor as _;
use std::panic::AssertUnwindSafe;
use tokio::sync::{mpsc, oneshot};

/// The most use cases in one commit.
const BATCH: usize = 256;

/// A queued use case.
pub(super) trait Task: Send {
    /// Runs it in a savepoint of its own and keeps its outcome.
    fn run<'c>(&'c mut self, connection: &'c mut Connection) -> BoxFuture<'c, Result<(), StoreError>>;

    /// Tells the caller, once it is known whether the commit held.
    fn settle(self: Box<Self>, commit: Result<(), StoreError>);
}

struct Queued<F, T, E> {
    use_case: Option<F>,
    outcome: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

/// A use case as a task, and where its answer will arrive.
pub(super) fn task<T, E, F>(use_case: F) -> (Box<dyn Task>, oneshot::Receiver<Result<T, E>>)
where
    F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (answer, receiver) = oneshot::channel();
    (Box::new(Queued { use_case: Some(use_case), outcome: None, answer }), receiver)
}

impl<T, E, F> Task for Queued<F, T, E>
where
    F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run<'c>(&'c mut self, connection: &'c mut Connection) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(async move {
            let Some(use_case) = self.use_case.take() else { return Ok(()) };
            let savepoint = Savepoint::set(connection)?;
            // One use case that panics must not take the writer, and with it the desk, down.
            let outcome = AssertUnwindSafe(use_case(connection)).catch_unwind().await;
            let mut outcome = outcome.unwrap_or_else(|_| Err(StoreError::Row("a use case panicked".into()).into()));
            if outcome.is_ok()
                && let Err(error) = savepoint.release(connection).await
            {
                outcome = Err(error.into());
            }
            if outcome.is_err() {
                savepoint.roll_back(connection).await?;
            }
            self.outcome = Some(outcome);
            Ok(())
        })
    }

    fn settle(mut self: Box<Self>, commit: Result<(), StoreError>) {
        let outcome = match (self.outcome.take(), commit) {
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error.into()),
            (Some(done), Ok(())) => done,
            (None, Ok(())) => Err(StoreError::Stopped.into()),
        };
        // The caller may have gone away; what was committed stands all the same.
        let _ = self.answer.send(outcome);
    }
}

/// Runs until every [`super::Store`] is gone.
pub(super) async fn run(mut connection: Connection, mut queue: mpsc::Receiver<Box<dyn Task>>) {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let mut tasks = std::mem::take(&mut batch);
        let commit = commit_all(&mut connection, &mut tasks).await;
        if let Err(error) = &commit {
            tracing::error!(%error, "a commit failed; nothing of it happened");
            // Ends a transaction that is still open; without one this is a harmless error.
            connection.forget();
            let _ = connection.any().execute("ROLLBACK").await;
        }
        let reason = commit.err().map(|error| error.to_string());
        for task in tasks {
            task.settle(match &reason {
                None => Ok(()),
                Some(reason) => Err(StoreError::Database(sqlx::Error::Protocol(reason.clone()))),
            });
        }
    }
}

async fn commit_all(connection: &mut Connection, tasks: &mut [Box<dyn Task>]) -> Result<(), StoreError> {
    heads::begin(connection).await?;
    for task in tasks {
        task.run(connection).await?;
    }
    connection.any().execute(sqlx::query("COMMIT")).await?;
    Ok(())
}

/// Where a use case began, to go back to.
struct Savepoint {
    heads: Option<Heads>,
    turns: u64,
}

impl Savepoint {
    /// Put off like any statement: a use case that is refused before it wrote or read has cost nothing.
    fn set(connection: &mut Connection) -> Result<Self, StoreError> {
        connection.put_off(sqlx::query("SAVEPOINT use_case"))?;
        Ok(Self { heads: connection.heads().cloned(), turns: connection.turns() })
    }

    /// Runs what the use case put off, and keeps it.
    async fn release(&self, connection: &mut Connection) -> Result<(), StoreError> {
        if let Some(before) = &self.heads {
            heads::keep(connection, before)?;
        }
        connection.put_off(sqlx::query("RELEASE use_case"))?;
        connection.flush().await
    }

    async fn roll_back(self, connection: &mut Connection) -> Result<(), StoreError> {
        connection.forget();
        connection.set_heads(self.heads);
        if connection.turns() != self.turns {
            connection.any().execute(sqlx::query("ROLLBACK TO use_case; RELEASE use_case")).await?;
        }
        Ok(())
    }
}
