//! The queue, and the request that is open beside it.

use crate::components::badge::badge;
use crate::components::button::Button;
use crate::components::icon::{Picture, icon};
use crate::components::message::{failed, message};
use crate::components::page_head::page_head;
use crate::components::push_banner::PushBanner;
use crate::components::queue_bar::{choices, queue_bar};
use crate::components::request_table::request_table;
use crate::components::skeleton::skeleton;
use crate::hooks::focus::{focus_on, reveal};
use crate::hooks::keys::use_keys;
use crate::hooks::navigation::{use_navigator, use_place};
use crate::hooks::pending::use_pending;
use crate::hooks::queue::{Phase, Queue, QueueQuery, use_queue};
use crate::hooks::title::use_title;
use crate::hooks::{use_connection, use_fetch};
use crate::pages::approve::ReviewDesk;
use crate::routes::Route;
use web_sys::KeyboardEvent;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct RequestsPageProps {
    /// The request that is open.
    #[prop_or_default]
    pub(crate) open: Option<AttrValue>,
}

#[component]
pub(crate) fn RequestsPage(props: &RequestsPageProps) -> Html {
    let navigator = use_navigator();
    let place = use_place();
    let query = QueueQuery::of(&place);
    let queue = use_queue(&query);
    let pending = use_pending().count;
    let connection = use_connection();
    use_title("Requests", pending);
    let connectors = use_fetch(AttrValue::default(), |backend, _| backend.connectors());

    let go = {
        let (navigator, query) = (navigator.clone(), query.clone());
        Callback::from(move |open: Option<AttrValue>| {
            let route = open.map_or(Route::Requests, |id| Route::Request { id: id.to_string() });
            if let Some(navigator) = &navigator {
                navigator.push_with(&route, &query.in_address());
            }
        })
    };
    let onquery = {
        let open = props.open.clone();
        Callback::from(move |query: QueueQuery| {
            let route = open.clone().map_or(Route::Requests, |id| Route::Request { id: id.to_string() });
            if let Some(navigator) = &navigator {
                navigator.replace_with(&route, &query.in_address());
            }
        })
    };
    let onopen = go.reform(Some);
    let onclose = go.reform(|()| None);
    let ondone = use_leaving(props.open.clone(), &queue, &query, &go);
    use_moving(props.open.clone(), &queue, &go);

    let count = pending.filter(|count| *count > 0).map(|count| format!("{count} pending"));
    let beside = html! {
        if let Some(count) = count {
            <span data-testid="pending-badge">{ badge("wait", count) }</span>
        }
    };
    let choices = connectors.data.ready().map(|rows| choices(rows)).unwrap_or_default();
    html! {
        <div class={classes!("queue", props.open.is_some().then_some("with-panel"))}>
            <main class="list">
                { page_head(
                    "Requests",
                    "Approve user requests for AI agents to access specific connector and tools",
                    beside,
                    Html::default(),
                ) }
                <PushBanner />
                { queue_bar(&query, &onquery, &choices, connection) }
                { list(&queue, &query, &onquery, &onopen, props.open.as_deref()) }
            </main>
            if let Some(id) = &props.open {
                <ReviewDesk id={id.clone()} {onclose} {ondone} />
            }
        </div>
    }
}

fn list(
    queue: &Queue,
    query: &QueueQuery,
    onquery: &Callback<QueueQuery>,
    onopen: &Callback<AttrValue>,
    selected: Option<&str>,
) -> Html {
    let state = &queue.state;
    match &state.phase {
        Phase::Loading => skeleton(5),
        Phase::Failed(failure) => failed("The list can't be shown", failure, &queue.reload, "list-error"),
        Phase::Ready if state.rows.is_empty() => empty(query),
        Phase::Ready => html! {
            <>
                if let Some(failure) = &state.stale {
                    <p class="stale" role="status">
                        { icon(Picture::Alert) }
                        <span>{ "These are the last known rows. " }{ failure.message() }</span>
                        <Button onclick={queue.reload.clone()} testid="retry">{ "Try again" }</Button>
                    </p>
                }
                { request_table(&state.rows, selected, query, onquery, onopen) }
                if state.has_more() {
                    <p class="more">
                        <Button onclick={queue.load_more.clone()} busy={state.fetching_more} testid="load-more">
                            { "Load more" }
                        </Button>
                    </p>
                }
            </>
        },
    }
}

fn empty(query: &QueueQuery) -> Html {
    let filtered = query.connector.is_some() || query.state_word() != "pending";
    let (of, title, text) = if filtered {
        (Picture::Inbox, "No requests match", "Nothing here fits the chosen filters.")
    } else {
        (Picture::Check, "No pending approvals", "All agent actions are within approved permissions.")
    };
    message(of, title, text, "empty", Html::default())
}

fn ids(queue: &Queue) -> Vec<String> {
    queue.state.rows.iter().map(|row| row.id.to_string()).collect()
}

/// The selector of a request's row.
fn row(id: &str) -> String {
    format!("#row-{id}")
}

fn focus_row(id: &str) {
    if !focus_on(&row(id)) {
        focus_on("#page-title");
    }
}

/// When the request is closed the focus goes back to its row; to the one that takes its place if it leaves the list,
/// and to the page's heading if there is none. Answers what is to be called when the reader has decided.
#[hook]
fn use_leaving(
    open: Option<AttrValue>,
    queue: &Queue,
    query: &QueueQuery,
    go: &Callback<Option<AttrValue>>,
) -> Callback<bool> {
    let ids = ids(queue);
    let (before, last_at) = (use_mut_ref(|| None::<AttrValue>), use_mut_ref(|| 0_usize));
    let next = use_mut_ref(|| None::<String>);
    if let Some(at) = open.as_ref().and_then(|open| ids.iter().position(|id| id == open.as_str())) {
        *last_at.borrow_mut() = at;
    }
    {
        let next = next.clone();
        use_effect_with(open.clone(), move |open| {
            let closed = before.replace(open.clone()).filter(|_| open.is_none());
            if let Some(closed) = closed {
                focus_row(next.take().as_deref().unwrap_or(&closed));
            }
        });
    }
    let (go, leaves) = (go.clone(), query.state_word() == "pending");
    Callback::from(move |ended: bool| {
        let gone = open.as_deref().filter(|_| ended && leaves);
        *next.borrow_mut() = gone.map(|gone| heir(&ids, gone, *last_at.borrow()).unwrap_or_default().to_owned());
        go.emit(None);
    })
}

/// The row that takes the place of one that leaves, or has left from `last_at`.
fn heir<'i>(ids: &'i [String], gone: &str, last_at: usize) -> Option<&'i str> {
    let rest = || ids.iter().filter(|id| *id != gone);
    rest().nth(last_at).or_else(|| rest().next_back()).map(String::as_str)
}

/// `j`, `k` and `/`. With a request open they go to the next one, else to the next row.
#[hook]
fn use_moving(open: Option<AttrValue>, queue: &Queue, go: &Callback<Option<AttrValue>>) {
    let ids = ids(queue);
    let go = go.clone();
    use_effect_with((open.clone(), ids.is_empty()), |(open, _)| {
        if let Some(open) = open {
            reveal(&row(open));
        }
    });
    use_keys(Callback::from(move |event: KeyboardEvent| {
        let forward = match event.key().as_str() {
            "j" => true,
            "k" => false,
            "/" => {
                focus_on("#filter-connector");
                return true;
            }
            _ => return false,
        };
        let here = open.as_ref().map(ToString::to_string).or_else(focused_row);
        if let Some(next) = neighbour(&ids, here.as_deref(), forward) {
            if open.is_some() {
                go.emit(Some(AttrValue::from(next.to_owned())));
            } else {
                focus_row(next);
            }
        }
        true
    }));
}

/// The id of the row that has the focus.
fn focused_row() -> Option<String> {
    let active = web_sys::window()?.document()?.active_element()?;
    active.id().strip_prefix("row-").map(ToOwned::to_owned)
}

/// The row after or before this one; the first where there is none yet, none past the ends.
fn neighbour<'i>(ids: &'i [String], here: Option<&str>, forward: bool) -> Option<&'i str> {
    let at = here.and_then(|here| ids.iter().position(|id| id == here));
    let next = match (at, forward) {
        (None, _) => Some(0),
        (Some(at), true) => Some(at + 1),
        (Some(at), false) => at.checked_sub(1),
    };
    next.and_then(|next| ids.get(next)).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::{heir, neighbour};

    #[test]
    fn the_next_row_takes_the_place_of_one_that_leaves() {
        let ids = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(heir(&ids, "b", 1), Some("c"));
        assert_eq!(heir(&ids, "c", 2), Some("b"), "the last one's place is taken by the one before");
        assert_eq!(heir(&ids[..2], "gone", 1), Some("b"), "it has left already");
        assert_eq!(heir(&ids[..1], "a", 0), None);
    }

    #[test]
    fn j_and_k_stop_at_the_ends() {
        let ids = ["a".to_owned(), "b".to_owned()];
        assert_eq!(neighbour(&ids, None, true), Some("a"));
        assert_eq!(neighbour(&ids, Some("a"), true), Some("b"));
        assert_eq!(neighbour(&ids, Some("b"), true), None);
        assert_eq!(neighbour(&ids, Some("a"), false), None);
        assert_eq!(neighbour(&ids, Some("gone"), true), Some("a"));
        assert_eq!(neighbour(&[], None, true), None);
    }
}
