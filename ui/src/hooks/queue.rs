//! The list of requests: what is asked of the server, and what is known of the answer.

use crate::backend::calls::segment;
use crate::backend::{Failure, LiveMessage};
use crate::hooks::live::use_live;
use crate::hooks::navigation::Place;
use crate::hooks::pending::use_pending;
use crate::hooks::session::use_backend;
use crate::routes::query;
use countersign_domain::request::RequestState;
use countersign_wire::requests::{RequestPage, RequestRow, SortKey};
use gloo_timers::callback::Timeout;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Rows to a page.
const PAGE: usize = 50;
/// The most that the server gives at once.
const MOST: usize = 200;
/// How long after an event the list is asked for anew: what one deed does, such as a decision and the call's beginning,
/// comes within a moment.
const SOON_MS: u32 = 20;
/// How long after that events wait to be one more refresh.
const GATHER_MS: u32 = 100;

/// The refresh that is to come.
#[derive(Default)]
struct Refresh {
    timer: Option<Timeout>,
    /// Something happened since the last one.
    again: bool,
}

/// Asks anew soon, and then at most once in [`GATHER_MS`] for as long as things happen.
fn refresh_soon(refresh: &Rc<RefCell<Refresh>>, latest: &Rc<RefCell<Callback<()>>>, after: u32) {
    let (refreshed, latest) = (refresh.clone(), latest.clone());
    refresh.borrow_mut().timer = Some(Timeout::new(after, move || {
        if !std::mem::take(&mut refreshed.borrow_mut().again) {
            refreshed.borrow_mut().timer.take();
            return;
        }
        let now = latest.borrow().clone();
        now.emit(());
        refresh_soon(&refreshed, &latest, GATHER_MS);
    }));
}

/// What the list shows; the same words as in the page's own address. Left out is the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct QueueQuery {
    pub(crate) state: Option<String>,
    pub(crate) connector: Option<String>,
    pub(crate) sort: Option<String>,
}

impl QueueQuery {
    /// What the page's address asks for.
    pub(crate) fn of(place: &Place) -> Self {
        let word = |name| place.asked(name);
        Self { state: word("state"), connector: word("connector"), sort: word("sort") }
    }

    /// The same for the page's address.
    pub(crate) fn in_address(&self) -> String {
        let Self { state, connector, sort } = self;
        query(&[("state", state.as_deref()), ("connector", connector.as_deref()), ("sort", sort.as_deref())])
    }

    /// The state filter's word; an unknown one in the address counts as the default.
    pub(crate) fn state_word(&self) -> &str {
        self.state
            .as_deref()
            .filter(|word| matches!(*word, "all" | "decided") || RequestState::from_word(word).is_some())
            .unwrap_or("pending")
    }

    /// The column that sorts, and whether downwards.
    pub(crate) fn sorting(&self) -> (SortKey, bool) {
        let word = self.sort.as_deref().unwrap_or("-requested");
        let (name, down) = word.strip_prefix('-').map_or((word, false), |name| (name, true));
        sort_from_word(name).map_or((SortKey::Requested, true), |key| (key, down))
    }

    /// The query after a click on a column's header: that column, and the other way round if it sorts already.
    /// Times begin with the newest, words with A.
    pub(crate) fn sorted_by(&self, key: SortKey) -> Self {
        let (current, down) = self.sorting();
        let down = if current == key { !down } else { key == SortKey::Requested };
        let word = format!("{}{}", if down { "-" } else { "" }, sort_word(key));
        Self { sort: (word != "-requested").then_some(word), ..self.clone() }
    }

    /// The call.
    pub(crate) fn path(&self, after: Option<&str>, limit: usize) -> String {
        let (key, down) = self.sorting();
        let sort = format!("{}{}", if down { "-" } else { "" }, sort_word(key));
        let mut path = format!("/api/requests?state={}&sort={sort}&limit={limit}", self.state_word());
        if let Some(connector) = &self.connector {
            path.push_str("&connector=");
            path.push_str(&segment(connector));
        }
        if let Some(after) = after {
            path.push_str("&after=");
            path.push_str(&segment(after));
        }
        path
    }
}

fn sort_word(key: SortKey) -> &'static str {
    match key {
        SortKey::Name => "name",
        SortKey::Identifier => "identifier",
        SortKey::Connector => "connector",
        SortKey::Requested => "requested",
    }
}

fn sort_from_word(word: &str) -> Option<SortKey> {
    [SortKey::Name, SortKey::Identifier, SortKey::Connector, SortKey::Requested]
        .into_iter()
        .find(|key| sort_word(*key) == word)
}

/// How the list stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Phase {
    /// Nothing is known yet.
    Loading,
    /// The rows are the server's.
    Ready,
    /// There are none, and this is why.
    Failed(Failure),
}

/// What is known of the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QueueState {
    pub(crate) phase: Phase,
    pub(crate) rows: Vec<RequestRow>,
    next: Option<String>,
    /// More rows are on their way.
    pub(crate) fetching_more: bool,
    /// The rows shown are the last known ones: a refresh failed.
    pub(crate) stale: Option<Failure>,
}

pub(crate) enum QueueAction {
    /// Another question was asked.
    Ask,
    /// The first rows.
    Heard(RequestPage),
    /// More rows were asked for.
    AskMore,
    /// Rows that follow.
    HeardMore(RequestPage),
    Failed(Failure),
}

impl Default for QueueState {
    fn default() -> Self {
        Self { phase: Phase::Loading, rows: Vec::new(), next: None, fetching_more: false, stale: None }
    }
}

impl QueueState {
    pub(crate) fn has_more(&self) -> bool {
        self.next.is_some()
    }

    fn after(&self, action: QueueAction) -> Self {
        match action {
            QueueAction::Ask => Self::default(),
            QueueAction::Heard(page) => {
                Self { phase: Phase::Ready, rows: page.items, next: page.next, fetching_more: false, stale: None }
            }
            QueueAction::AskMore => Self { fetching_more: true, ..self.clone() },
            QueueAction::HeardMore(page) => {
                let mut state = Self { next: page.next, fetching_more: false, stale: None, ..self.clone() };
                // A row that moved in the order while we read may come twice.
                let fresh = page.items.into_iter().filter(|row| self.rows.iter().all(|known| known.id != row.id));
                state.rows.extend(fresh);
                state
            }
            QueueAction::Failed(failure) if self.phase == Phase::Ready => {
                Self { fetching_more: false, stale: Some(failure), ..self.clone() }
            }
            QueueAction::Failed(failure) => Self { phase: Phase::Failed(failure), ..Self::default() },
        }
    }
}

impl Reducible for QueueState {
    type Action = QueueAction;

    fn reduce(self: Rc<Self>, action: QueueAction) -> Rc<Self> {
        Rc::new(self.after(action))
    }
}

/// The list and what can be done with it.
#[derive(Clone, PartialEq)]
pub(crate) struct Queue {
    pub(crate) state: Rc<QueueState>,
    pub(crate) reload: Callback<()>,
    pub(crate) load_more: Callback<()>,
}

/// The list for a query, kept up to date by events.
#[hook]
pub(crate) fn use_queue(query: &QueueQuery) -> Queue {
    let backend = use_backend();
    let heard = use_pending().heard;
    let state = use_reducer_eq(QueueState::default);
    let round = use_mut_ref(|| 0_u32);
    let refresh = use_mut_ref(Refresh::default);
    let shown = state.rows.len();

    // Asks for `limit` rows after a cursor; what an older question answers is dropped.
    let fetch = {
        let (query, dispatch, round) = (query.clone(), state.dispatcher(), round.clone());
        Callback::from(move |(after, limit): (Option<String>, usize)| {
            *round.borrow_mut() += 1;
            let mine = *round.borrow();
            let (backend, query, dispatch) = (backend.clone(), query.clone(), dispatch.clone());
            let (round, heard) = (round.clone(), heard.clone());
            spawn_local(async move {
                let outcome = backend.requests(&query, after.as_deref(), limit).await;
                if *round.borrow() != mine {
                    return;
                }
                dispatch.dispatch(match outcome {
                    Ok(page) => {
                        heard.emit(page.pending);
                        if after.is_some() { QueueAction::HeardMore(page) } else { QueueAction::Heard(page) }
                    }
                    Err(failure) => QueueAction::Failed(failure),
                });
            });
        })
    };
    {
        let (fetch, dispatch) = (fetch.clone(), state.dispatcher());
        use_effect_with(query.clone(), move |_| {
            dispatch.dispatch(QueueAction::Ask);
            fetch.emit((None, PAGE));
            move || *round.borrow_mut() += 1
        });
    }
    let reload = {
        let fetch = fetch.clone();
        Callback::from(move |()| fetch.emit((None, shown.clamp(PAGE, MOST))))
    };
    // The timer outlives this rendering: it must call the reload of then, which knows the filter of then.
    let latest = use_mut_ref(Callback::noop);
    *latest.borrow_mut() = reload.clone();
    use_live(Callback::from(move |_: LiveMessage| {
        refresh.borrow_mut().again = true;
        if refresh.borrow().timer.is_none() {
            refresh_soon(&refresh, &latest, SOON_MS);
        }
    }));
    let load_more = {
        let (next, dispatch) = (state.next.clone(), state.dispatcher());
        Callback::from(move |()| {
            if let Some(next) = &next {
                dispatch.dispatch(QueueAction::AskMore);
                fetch.emit((Some(next.clone()), PAGE));
            }
        })
    };
    Queue { state: Rc::new((*state).clone()), reload, load_more }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_domain::connector::{ConnectorKind, ConnectorStatus};
    use countersign_domain::ids::{ConnectorId, RequestId, UserId};
    use countersign_domain::request::RequestKind;
    use countersign_domain::{Effect, Timestamp};
    use countersign_wire::requests::{ConnectorBrief, Person};

    fn id(number: u32) -> String {
        format!("00000000-0000-0000-0000-{number:012}")
    }

    fn row(number: u32) -> RequestRow {
        let at = Timestamp::from_millis(0);
        RequestRow {
            id: id(number).parse::<RequestId>().unwrap(),
            kind: RequestKind::Call,
            state: RequestState::Pending,
            requester: Person {
                id: id(0).parse::<UserId>().unwrap(),
                name: String::new(),
                email: String::new(),
                groups: vec![],
            },
            agent: String::new(),
            connector: ConnectorBrief {
                id: id(0).parse::<ConnectorId>().unwrap(),
                slug: String::new(),
                name: String::new(),
                kind: ConnectorKind::Http,
                status: ConnectorStatus::Connected,
                status_reason: None,
            },
            tool: vec![],
            more_tools: 0,
            effect: Effect::Read,
            note: vec![],
            created_at: at,
            expires_at: at,
            ended_at: None,
            approvals: 0,
            needed: 1,
            your_turn: true,
            approves_itself: false,
        }
    }

    fn page(numbers: &[u32], next: Option<&str>) -> RequestPage {
        RequestPage { items: numbers.iter().map(|n| row(*n)).collect(), next: next.map(Into::into), pending: 9 }
    }

    #[test]
    fn the_address_says_what_is_asked() {
        let plain = QueueQuery::default();
        assert_eq!(plain.path(None, 50), "/api/requests?state=pending&sort=-requested&limit=50");
        let query =
            QueueQuery { state: Some("decided".into()), connector: Some("a&b".into()), sort: Some("name".into()) };
        assert_eq!(
            query.path(Some("c="), 50),
            "/api/requests?state=decided&sort=name&limit=50&connector=a%26b&after=c%3D"
        );
        let odd = QueueQuery { state: Some("x&y".into()), sort: Some("-size".into()), connector: None };
        assert_eq!(odd.path(None, 1), "/api/requests?state=pending&sort=-requested&limit=1");
    }

    #[test]
    fn a_header_sorts_and_the_second_click_turns_it_round() {
        let by_name = QueueQuery::default().sorted_by(SortKey::Name);
        assert_eq!(by_name.sorting(), (SortKey::Name, false));
        assert_eq!(by_name.sorted_by(SortKey::Name).sorting(), (SortKey::Name, true));
        assert_eq!(by_name.sorted_by(SortKey::Requested), QueueQuery::default());
        assert_eq!(QueueQuery::default().sorted_by(SortKey::Requested).sorting(), (SortKey::Requested, false));
    }

    #[test]
    fn pages_follow_each_other_and_no_row_comes_twice() {
        let state = QueueState::default().after(QueueAction::Heard(page(&[1, 2], Some("n"))));
        let state = state.after(QueueAction::AskMore).after(QueueAction::HeardMore(page(&[2, 3], None)));
        assert_eq!(state.rows.len(), 3);
        assert!(!state.has_more() && !state.fetching_more);
    }

    #[test]
    fn a_failed_refresh_keeps_the_rows_and_a_failed_first_look_says_why() {
        let full = QueueState::default().after(QueueAction::Heard(page(&[1], None)));
        let stale = full.after(QueueAction::Failed(Failure::Unreachable));
        assert_eq!((stale.rows.len(), stale.stale), (1, Some(Failure::Unreachable)));
        let failed = QueueState::default().after(QueueAction::Failed(Failure::Unreachable));
        assert_eq!(failed.phase, Phase::Failed(Failure::Unreachable));
    }
}
