//! One request in the list.

use crate::components::badge::{badge, effect_badge, state_badge};
use crate::components::connector_tile::connector_tile;
use crate::components::route_link::RouteLink;
use crate::components::segments::segments;
use crate::display;
use crate::hooks::use_now;
use crate::routes::Route;
use countersign_domain::Timestamp;
use countersign_domain::request::RequestState;
use countersign_wire::requests::RequestRow as Row;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct RequestRowProps {
    pub(crate) row: Row,
    pub(crate) selected: bool,
    /// Opens the request.
    pub(crate) onopen: Callback<AttrValue>,
}

#[component]
pub(crate) fn RequestRow(props: &RequestRowProps) -> Html {
    let row = &props.row;
    let id = AttrValue::from(row.id.to_string());
    let open = {
        let (id, onopen) = (id.clone(), props.onopen.clone());
        Callback::from(move |()| onopen.emit(id.clone()))
    };
    let onclick = {
        let open = open.clone();
        Callback::from(move |event: MouseEvent| {
            if !event.default_prevented() {
                open.emit(());
            }
        })
    };
    let tool = format!("{}_{}", row.connector.slug, display::plain(&row.tool));
    let groups = row.requester.groups.join(", ");
    html! {
        <tr
            class={classes!(props.selected.then_some("selected"))}
            aria-selected={props.selected.then_some("true")}
            {onclick}
            data-testid="request-row"
            data-id={id.clone()}
            data-state={row.state.word()}
        >
            <td class="col-name">
                <RouteLink
                    to={Route::Request { id: id.to_string() }}
                    follow={open}
                    id={format!("row-{id}")}
                    class="row-link one"
                >
                    { row.requester.name.clone() }
                </RouteLink>
                <span class="two" title={row.agent.clone()}>{ "via " }{ row.agent.clone() }</span>
            </td>
            <td class="col-identifier">
                <span class="one" title={row.requester.email.clone()}>{ row.requester.email.clone() }</span>
                <span class="two" title={groups.clone()}>{ groups }</span>
            </td>
            <td class="col-connector">
                { connector_tile(&row.connector.slug, &row.connector.name) }
            </td>
            <td class="col-tools">
                <code class="one" title={tool}>
                    { row.connector.slug.clone() }{ "_" }{ segments(&row.tool) }
                </code>
                <span class="badges">
                    { effect_badge(row.effect) }
                    if row.approves_itself {
                        { badge("wait", if row.state == RequestState::Pending { "approves itself" } else { "auto-approved" }) }
                    }
                    if row.more_tools > 0 {
                        { badge("plain", format!("+{}", row.more_tools)) }
                    }
                </span>
            </td>
            <td class="col-requested">
                <span class="one" title={display::exact(row.created_at)}>{ display::date(row.created_at) }</span>
                if row.state == RequestState::Pending {
                    <span class="two"><Wait asked={row.created_at} expires={row.expires_at} /></span>
                    if row.approvals > 0 && row.needed > 1 {
                        <span class="two">{ format!("{} of {} approved", row.approvals, row.needed) }</span>
                    }
                } else {
                    <span class="ended two"><Ago of={row.created_at} />{ state_badge(row.state) }</span>
                }
            </td>
            <td class="col-note" title={display::plain(&row.note)}>
                <span class="note-cut">{ segments(&row.note) }</span>
            </td>
        </tr>
    }
}

#[derive(Properties, PartialEq)]
struct WaitProps {
    asked: Timestamp,
    expires: Timestamp,
}

/// How long an open request waits already, and how long it has; never more than it was given, however roughly the
/// server's clock is known. Drawn every second without the row around it.
#[component]
fn Wait(props: &WaitProps) -> Html {
    let now = use_now();
    let ago = display::ago(props.asked, now);
    let left = display::left(props.expires, now.max(props.asked));
    let left = if left.is_empty() { "time is up".to_owned() } else { format!("{left} left") };
    html! { format!("{ago} · {left}") }
}

#[derive(Properties, PartialEq)]
struct AgoProps {
    of: Timestamp,
}

/// How long ago a request was made.
#[component]
fn Ago(props: &AgoProps) -> Html {
    let now = use_now();
    html! { display::ago(props.of, now) }
}
