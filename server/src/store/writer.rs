//! The one writer: takes use cases from a queue and commits many at once.

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
    /// Runs it and keeps its outcome; whether it is to be kept.
    fn run<'c>(&'c mut self, connection: &'c mut Connection) -> BoxFuture<'c, bool>;

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
    fn run<'c>(&'c mut self, connection: &'c mut Connection) -> BoxFuture<'c, bool> {
        Box::pin(async move {
            let Some(use_case) = self.use_case.take() else { return false };
            // One use case that panics must not take the writer, and with it the desk, down.
            let outcome = AssertUnwindSafe(async move { use_case(connection).await }).catch_unwind().await;
            let outcome = outcome.unwrap_or_else(|_| Err(StoreError::Row("a use case panicked".into()).into()));
            self.outcome.insert(outcome).is_ok()
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
            let _ = connection.execute("ROLLBACK").await;
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
    connection.execute("BEGIN IMMEDIATE").await?;
    for task in tasks {
        connection.execute("SAVEPOINT use_case").await?;
        if task.run(connection).await {
            connection.execute("RELEASE use_case").await?;
        } else {
            connection.execute("ROLLBACK TO use_case").await?;
            connection.execute("RELEASE use_case").await?;
        }
    }
    connection.execute("COMMIT").await?;
    Ok(())
}
