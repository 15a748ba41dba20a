//! The one writer: takes use cases from a queue and commits many at once.

use super::heads::{self, Heads};
use super::{Connection, StoreError};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::Executor as _;
use std::panic::AssertUnwindSafe;
use tokio::sync::{Notify, mpsc, oneshot};

/// The most use cases in one commit.
const BATCH: usize = 256;

/// A queued use case.
pub(super) trait Task: Send {
    /// Runs it and keeps its outcome.
    fn run<'c>(&'c mut self, connection: &'c mut Connection, place: Place) -> BoxFuture<'c, Result<(), StoreError>>;

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
    fn run<'c>(&'c mut self, connection: &'c mut Connection, place: Place) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(async move {
            let Some(use_case) = self.use_case.take() else { return Ok(()) };
            let began = Began::at(connection, place)?;
            // One use case that panics must not take the writer, and with it the desk, down.
            let outcome = AssertUnwindSafe(use_case(connection)).catch_unwind().await;
            let mut outcome = outcome.unwrap_or_else(|_| Err(StoreError::Row("a use case panicked".into()).into()));
            if outcome.is_ok()
                && let Err(error) = began.keep(connection).await
            {
                outcome = Err(error.into());
            }
            if outcome.is_err() {
                began.undo(connection).await?;
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
pub(super) async fn run(mut connection: Connection, mut queue: mpsc::Receiver<Box<dyn Task>>, outbox: &Notify) {
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
        if connection.filled_the_outbox() {
            outbox.notify_one();
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
    if let [only] = tasks {
        return only.run(connection, Place::Alone).await;
    }
    for task in tasks {
        task.run(connection, Place::AmongOthers).await?;
    }
    heads::keep(connection)?;
    connection.put_off(sqlx::query("COMMIT"))?;
    connection.flush().await
}

/// Whether a use case has the transaction to itself. Then it needs no savepoint, and its last turn commits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Alone,
    AmongOthers,
}

/// Where a use case began, to go back to.
struct Began {
    place: Place,
    heads: Option<Heads>,
    turns: u64,
}

impl Began {
    /// The savepoint is put off like any statement: a use case that is refused before it wrote or read has cost nothing.
    fn at(connection: &mut Connection, place: Place) -> Result<Self, StoreError> {
        if place == Place::AmongOthers {
            connection.put_off(sqlx::query("SAVEPOINT use_case"))?;
        }
        Ok(Self { place, heads: connection.heads().cloned(), turns: connection.turns() })
    }

    /// Runs what the use case put off, and keeps it.
    async fn keep(&self, connection: &mut Connection) -> Result<(), StoreError> {
        if self.place == Place::Alone {
            heads::keep(connection)?;
        }
        connection.put_off(sqlx::query(match self.place {
            Place::Alone => "COMMIT",
            Place::AmongOthers => "RELEASE use_case",
        }))?;
        connection.flush().await
    }

    async fn undo(self, connection: &mut Connection) -> Result<(), StoreError> {
        connection.forget();
        connection.set_heads(self.heads);
        match self.place {
            Place::Alone => connection.any().execute(sqlx::query("ROLLBACK")).await?,
            Place::AmongOthers if connection.turns() == self.turns => return Ok(()),
            Place::AmongOthers => {
                connection.any().execute(sqlx::query("ROLLBACK TO use_case; RELEASE use_case")).await?
            }
        };
        Ok(())
    }
}
