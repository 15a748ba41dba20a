//! A connection that can put statements off. What a use case only writes goes to the database together with the next
//! thing that it reads, or at its end: one turn for many statements, for a turn costs more than most statements do.

use super::StoreError;
use super::heads::Heads;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, future, stream};
use sqlx::any::{AnyArguments, AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Either, Execute, Executor, SqlStr, Transaction};
use std::fmt::Write as _;

/// A connection inside a transaction, or one that reads. Queries are run on it as on any of sqlx's.
#[derive(Debug)]
pub struct Connection {
    inner: Inner,
    put_off: PutOff,
    turns: u64,
    heads: Option<Heads>,
    outbox: bool,
}

#[derive(Debug)]
enum Inner {
    Own(AnyConnection),
    Pooled(PoolConnection<Any>),
    Steady(Transaction<'static, Any>),
}

/// Statements that wait for their turn, as one text with one row of parameters.
#[derive(Default)]
struct PutOff {
    text: String,
    arguments: AnyArguments,
    count: usize,
}

impl std::fmt::Debug for PutOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} statements", self.count)
    }
}

impl Connection {
    pub(super) fn own(connection: AnyConnection) -> Self {
        Self::of(Inner::Own(connection))
    }

    pub(super) fn pooled(connection: PoolConnection<Any>) -> Self {
        Self::of(Inner::Pooled(connection))
    }

    /// One whose reads all see the same moment.
    pub(super) fn steady(transaction: Transaction<'static, Any>) -> Self {
        Self::of(Inner::Steady(transaction))
    }

    fn of(inner: Inner) -> Self {
        Self { inner, put_off: PutOff::default(), turns: 0, heads: None, outbox: false }
    }

    /// sqlx's own, with nothing put off.
    pub(super) fn any(&mut self) -> &mut AnyConnection {
        match &mut self.inner {
            Inner::Own(connection) => connection,
            Inner::Pooled(connection) => connection,
            Inner::Steady(transaction) => transaction,
        }
    }

    /// The heads as this transaction has them; none outside the writer's.
    pub(super) fn heads(&mut self) -> Option<&mut Heads> {
        self.heads.as_mut()
    }

    pub(super) fn set_heads(&mut self, heads: Option<Heads>) {
        self.heads = heads;
    }

    /// Puts a statement off whose answer nobody needs. Its failure is the failure of whatever takes it along.
    ///
    /// # Errors
    /// When a parameter can't be encoded.
    pub(super) fn put_off<'q>(&mut self, query: Query<'q, Any, AnyArguments>) -> Result<(), StoreError> {
        Ok(self.put_off.push(query)?)
    }

    /// Runs what was put off.
    ///
    /// # Errors
    /// When one of the statements fails; those after it did not run.
    pub(super) async fn flush(&mut self) -> Result<(), StoreError> {
        if self.put_off.count > 0 {
            self.turns += 1;
            let (text, arguments) = self.put_off.take();
            let query = sqlx::query_with(AssertSqlSafe(text), arguments);
            self.any().execute(query).await?;
        }
        Ok(())
    }

    /// Runs several queries in one turn; the rows of each.
    ///
    /// # Errors
    /// When one of them fails, or something that was put off.
    pub(super) async fn fetch_each<const N: usize>(
        &mut self,
        queries: [Query<'_, Any, AnyArguments>; N],
    ) -> Result<[Vec<AnyRow>; N], StoreError> {
        let before = self.put_off.count;
        for query in queries {
            self.put_off.push(query)?;
        }
        self.turns += 1;
        let (text, arguments) = self.put_off.take();
        let mut results = self.any().fetch_many(sqlx::query_with(AssertSqlSafe(text), arguments));
        let mut rows = std::array::from_fn(|_| Vec::new());
        let mut done = 0_usize;
        while let Some(result) = results.try_next().await? {
            match result {
                Either::Left(_) => done += 1,
                Either::Right(row) => {
                    if let Some(rows) = done.checked_sub(before).and_then(|nth| rows.get_mut(nth)) {
                        rows.push(row);
                    }
                }
            }
        }
        Ok(rows)
    }

    /// Forgets what was put off.
    pub(super) fn forget(&mut self) {
        self.put_off.take();
    }

    /// Notes that something was put into the outbox.
    pub(super) const fn fill_the_outbox(&mut self) {
        self.outbox = true;
    }

    /// Whether something was put into the outbox since this was last asked.
    pub(super) const fn filled_the_outbox(&mut self) -> bool {
        std::mem::replace(&mut self.outbox, false)
    }

    /// How often statements that were put off have had their turn.
    pub(super) const fn turns(&self) -> u64 {
        self.turns
    }
}

impl PutOff {
    fn push<'q>(&mut self, mut query: impl Execute<'q, Any>) -> Result<(), sqlx::Error> {
        let arguments = query.take_arguments().map_err(sqlx::Error::Encode)?.unwrap_or_default();
        if self.count > 0 {
            self.text.push_str("; ");
        }
        renumbered(&mut self.text, query.sql().as_str(), self.arguments.values.0.len());
        self.arguments.values.0.extend(arguments.values.0);
        self.count += 1;
        Ok(())
    }

    fn take(&mut self) -> (String, AnyArguments) {
        let taken = std::mem::take(self);
        (taken.text, taken.arguments)
    }
}

/// A statement's text, its parameters counted from another start. No statement of ours has a `$` in a literal.
fn renumbered(text: &mut String, sql: &str, start: usize) {
    let mut parts = sql.split('$');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = part.split_at(digits);
        let number = number.parse::<usize>().unwrap_or_default() + start;
        // Writing to a string can't fail.
        let _ = write!(text, "${number}{rest}");
    }
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<AnyQueryResult, AnyRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let before = self.put_off.count;
        if before == 0 {
            return self.any().fetch_many(query);
        }
        if let Err(error) = self.put_off.push(query) {
            return stream::once(future::ready(Err(error))).boxed();
        }
        self.turns += 1;
        let (text, arguments) = self.put_off.take();
        let results = self.any().fetch_many(sqlx::query_with(AssertSqlSafe(text), arguments));
        // Each statement that was put off says once that it is done.
        let mut done = 0;
        results
            .try_filter(move |result| {
                let ours = done >= before;
                done += usize::from(result.is_left());
                future::ready(ours)
            })
            .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        if self.put_off.count == 0 {
            return self.any().fetch_optional(query);
        }
        let mut rows = self.fetch(query);
        async move { rows.try_next().await }.boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        self.any().prepare_with(sql, parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::Row as _;
    use std::str::FromStr as _;

    async fn given_numbers() -> Connection {
        sqlx::any::install_default_drivers();
        let options = sqlx::any::AnyConnectOptions::from_str("sqlite::memory:").unwrap();
        let connection = <AnyConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
        let mut connection = Connection::own(connection);
        (&mut connection).execute("CREATE TABLE numbers (name TEXT PRIMARY KEY, value BIGINT)").await.unwrap();
        connection
    }

    fn insert(name: &'static str, value: i64) -> Query<'static, Any, AnyArguments> {
        sqlx::query("INSERT INTO numbers (name, value) VALUES ($1, $2)").bind(name).bind(value)
    }

    async fn values(connection: &mut Connection) -> Vec<i64> {
        let rows = sqlx::query("SELECT value FROM numbers WHERE value > $1 ORDER BY value").bind(0_i64);
        rows.fetch_all(connection).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    #[tokio::test]
    async fn what_was_put_off_happens_before_the_next_read_and_only_once() {
        let mut connection = given_numbers().await;
        connection.put_off(insert("a", 1)).unwrap();
        connection.put_off(insert("b", 2)).unwrap();
        assert_eq!(values(&mut connection).await, [1, 2]);
        assert_eq!(values(&mut connection).await, [1, 2]);
    }

    #[tokio::test]
    async fn a_single_row_and_a_count_are_those_of_the_last_statement() {
        let mut connection = given_numbers().await;
        connection.put_off(insert("a", 1)).unwrap();
        let change = "UPDATE numbers SET value = value + $1 WHERE name = $2 RETURNING value";
        let row = sqlx::query(change).bind(4_i64).bind("a").fetch_one(&mut connection).await.unwrap();
        assert_eq!(row.get::<i64, _>(0), 5);
        connection.put_off(insert("b", 2)).unwrap();
        let gone = sqlx::query("DELETE FROM numbers WHERE value > $1").bind(4_i64).execute(&mut connection).await;
        assert_eq!(gone.unwrap().rows_affected(), 1);
        assert_eq!(values(&mut connection).await, [2]);
    }

    #[tokio::test]
    async fn several_queries_take_one_turn_and_their_rows_stay_apart() {
        let mut connection = given_numbers().await;
        connection.put_off(insert("a", 1)).unwrap();
        connection.put_off(insert("b", 2)).unwrap();
        let above = |value: i64| sqlx::query("SELECT name FROM numbers WHERE value > $1 ORDER BY value").bind(value);
        let turns = connection.turns();
        let found = connection.fetch_each([above(0), above(9), above(1)]).await.unwrap();
        let names = found.map(|rows| rows.iter().map(|row| row.get::<String, _>(0)).collect::<String>());
        assert_eq!(names, ["ab", "", "b"]);
        assert_eq!(connection.turns(), turns + 1);
    }

    #[tokio::test]
    async fn what_fails_fails_whatever_takes_it_along() {
        let mut connection = given_numbers().await;
        connection.put_off(insert("a", 1)).unwrap();
        connection.put_off(insert("a", 2)).unwrap();
        connection.put_off(insert("c", 3)).unwrap();
        assert!(connection.flush().await.unwrap_err().is_taken());
        connection.put_off(insert("d", 4)).unwrap();
        connection.forget();
        assert_eq!(values(&mut connection).await, [1]);
    }

    #[test]
    fn parameters_are_counted_on() {
        let mut text = String::new();
        renumbered(&mut text, "SELECT $1, $12, $2 FROM x", 3);
        assert_eq!(text, "SELECT $4, $15, $5 FROM x");
    }
}
