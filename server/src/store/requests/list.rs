//! The queue: one page of the requests that somebody may see. Keyset pages, so that any page costs the same.

use super::super::row::Columns as _;
use super::super::{Connection, StoreError};
use super::{Request, read};
use countersign_domain::ids::{FlowId, UserId};
use countersign_domain::request::RequestState;
use countersign_wire::requests::SortKey;
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;

/// Whose requests may be seen.
#[derive(Clone, Debug, PartialEq)]
pub enum Visible {
    /// All of them.
    All,
    /// Their own, those that they voted on or were added to, and those of flows that ask them.
    Of {
        /// Who looks.
        user: UserId,
        /// The flows, by version, that ask them.
        flows: Vec<(FlowId, i64)>,
    },
}

/// Which states are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateFilter {
    /// Every state.
    All,
    /// All but pending.
    Decided,
    /// This one.
    One(RequestState),
}

/// Where the last page ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The order that the page was in: a place in one order is none in another.
    pub sort: SortKey,
    /// Whether it was the greatest first.
    pub descending: bool,
    /// The sort column's value in the last row.
    pub value: String,
    /// The last row's id.
    pub id: String,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Whose.
    pub visible: Visible,
    /// In which states.
    pub state: StateFilter,
    /// Of one connector, by slug.
    pub connector: Option<String>,
    /// By what.
    pub sort: SortKey,
    /// The greatest first.
    pub descending: bool,
    /// After which row.
    pub after: Option<Cursor>,
    /// How many.
    pub limit: u32,
}

/// A statement put together from static pieces; values only ever go in as parameters.
struct Statement {
    sql: String,
    values: Vec<Value>,
}

enum Value {
    Text(String),
    Int(i64),
}

impl Statement {
    fn new(sql: &'static str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    fn push(&mut self, sql: &'static str) {
        self.sql.push_str(sql);
    }

    fn bind(&mut self, value: Value) {
        self.values.push(value);
        self.sql.push('$');
        self.sql.push_str(&self.values.len().to_string());
    }

    fn text(&mut self, text: &(impl ToString + ?Sized)) {
        self.bind(Value::Text(text.to_string()));
    }

    async fn fetch(self, connection: &mut Connection) -> Result<Vec<sqlx::any::AnyRow>, StoreError> {
        let mut query = sqlx::query(AssertSqlSafe(self.sql));
        for value in self.values {
            query = match value {
                Value::Text(text) => query.bind(text),
                Value::Int(number) => query.bind(number),
            };
        }
        Ok(query.fetch_all(connection).await?)
    }

    fn visible(&mut self, visible: &Visible) {
        let Visible::Of { user, flows } = visible else { return };
        self.push(" AND (requester_id = ");
        self.text(user);
        self.push(" OR owner_id = ");
        self.text(user);
        self.push(" OR id IN (SELECT request_id FROM decisions WHERE user_id = ");
        self.text(user);
        self.push(") OR id IN (SELECT request_id FROM also_asked WHERE user_id = ");
        self.text(user);
        self.push(")");
        for (flow, version) in flows {
            self.push(" OR (flow_id = ");
            self.text(flow);
            self.push(" AND flow_version = ");
            self.bind(Value::Int(*version));
            self.push(")");
        }
        self.push(")");
    }

    fn state(&mut self, state: StateFilter) {
        match state {
            StateFilter::All => {}
            StateFilter::Decided => self.push(" AND state <> 'pending'"),
            StateFilter::One(state) => {
                self.push(" AND state = ");
                self.text(state.word());
            }
        }
    }

    fn after(&mut self, query: &Query) {
        let Some(cursor) = &query.after else { return };
        let column = column(query.sort);
        self.push(" AND (");
        self.push(column);
        self.push(if query.descending { ", id) < (" } else { ", id) > (" });
        match query.sort {
            SortKey::Requested => self.bind(Value::Int(cursor.value.parse().unwrap_or(0))),
            _ => self.text(&cursor.value),
        }
        self.push(", ");
        self.text(&cursor.id);
        self.push(")");
    }

    fn order(&mut self, query: &Query) {
        self.push(" ORDER BY ");
        self.push(column(query.sort));
        self.push(if query.descending { " DESC, id DESC" } else { ", id" });
    }
}

const fn column(sort: SortKey) -> &'static str {
    match sort {
        SortKey::Name => "requester_name",
        SortKey::Identifier => "requester_email",
        SortKey::Connector => "connector_name",
        SortKey::Requested => "created_at",
    }
}

/// Where a page that ends with this request ends.
#[must_use]
pub fn cursor(query: &Query, last: &Request) -> Cursor {
    let value = match query.sort {
        SortKey::Name => last.requester_name.clone(),
        SortKey::Identifier => last.requester_email.clone(),
        SortKey::Connector => last.connector_name.clone(),
        SortKey::Requested => last.created_at.millis().to_string(),
    };
    Cursor { sort: query.sort, descending: query.descending, value, id: last.id.to_string() }
}

/// One page, and whether there is more.
pub async fn page(connection: &mut Connection, query: &Query) -> Result<(Vec<Request>, bool), StoreError> {
    let rows = statement(query).fetch(connection).await?;
    let more = rows.len() > query.limit as usize;
    let requests = rows.iter().take(query.limit as usize).map(read).collect::<Result<_, _>>()?;
    Ok((requests, more))
}

fn statement(query: &Query) -> Statement {
    let mut statement = Statement::new("SELECT * FROM requests WHERE 1 = 1");
    statement.state(query.state);
    if let Some(slug) = &query.connector {
        statement.push(" AND connector_slug = ");
        statement.text(slug);
    }
    statement.visible(&query.visible);
    statement.after(query);
    statement.order(query);
    statement.push(" LIMIT ");
    statement.bind(Value::Int(i64::from(query.limit) + 1));
    statement
}

/// How many requests that may be seen are pending, counted up to 1,000.
pub async fn count_pending(connection: &mut Connection, visible: &Visible) -> Result<u64, StoreError> {
    let mut statement = Statement::new("SELECT COUNT(*) AS n FROM (SELECT 1 FROM requests WHERE state = 'pending'");
    statement.visible(visible);
    statement.push(" LIMIT 1000) AS few");
    let rows = statement.fetch(connection).await?;
    let count = rows.first().map_or(Ok(0), |row| row.int("n"))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DataFolder;
    use crate::store::Store;

    fn queries() -> Vec<Query> {
        let mut queries = Vec::new();
        for sort in [SortKey::Name, SortKey::Identifier, SortKey::Connector, SortKey::Requested] {
            for state in [StateFilter::All, StateFilter::Decided, StateFilter::One(RequestState::Pending)] {
                for connector in [None, Some("shop".to_owned())] {
                    for descending in [false, true] {
                        let (visible, connector) = (Visible::All, connector.clone());
                        queries.push(Query { visible, state, connector, sort, descending, after: None, limit: 50 });
                    }
                }
            }
        }
        queries
    }

    #[tokio::test]
    async fn no_page_of_the_whole_queue_sorts_it_first() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&DataFolder::prepare(folder.path()).unwrap()).await.unwrap();
        for query in queries() {
            let mut statement = statement(&query);
            statement.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
            let plan = statement.fetch(&mut store.read().await.unwrap()).await.unwrap();
            let steps: Vec<_> = plan.iter().map(|step| step.text("detail").unwrap()).collect();
            assert!(steps.iter().all(|step| !step.contains("TEMP B-TREE")), "{query:?}: {steps:?}");
        }
    }
}
