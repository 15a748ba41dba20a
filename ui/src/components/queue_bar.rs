//! The filters above the list, and whether it is live.

use crate::backend::Connection;
use crate::components::field::value_of;
use crate::components::live_dot::live_dot;
use crate::components::pick::{option, pick};
use crate::display;
use crate::hooks::queue::QueueQuery;
use countersign_domain::request::RequestState;
use countersign_wire::connectors::ConnectorRow;
use yew::prelude::*;

/// Slugs and names for the filter.
pub(crate) fn choices(rows: &[ConnectorRow]) -> Vec<(AttrValue, AttrValue)> {
    rows.iter().map(|row| (AttrValue::from(row.slug.clone()), AttrValue::from(row.name.clone()))).collect()
}

pub(crate) fn queue_bar(
    query: &QueueQuery,
    onquery: &Callback<QueueQuery>,
    connectors: &[(AttrValue, AttrValue)],
    connection: Connection,
) -> Html {
    let onconnector = {
        let (query, onquery) = (query.clone(), onquery.clone());
        Callback::from(move |event: Event| {
            let connector = value_of(&event).filter(|slug| !slug.is_empty());
            onquery.emit(QueueQuery { connector, ..query.clone() });
        })
    };
    let onstate = {
        let (query, onquery) = (query.clone(), onquery.clone());
        Callback::from(move |event: Event| {
            let state = value_of(&event).filter(|word| word != "pending");
            onquery.emit(QueueQuery { state, ..query.clone() });
        })
    };
    let chosen = query.connector.as_deref().unwrap_or_default();
    let known = chosen.is_empty() || connectors.iter().any(|(slug, _)| slug == chosen);
    let state = query.state_word();
    html! {
        <div class="bar" role="search">
            { pick("filter-connector", "Connector", onconnector, html! {
                <>
                    { option("", "All connectors", chosen) }
                    { for connectors.iter().map(|(slug, name)| option(slug, name, chosen)) }
                    if !known {
                        { option(chosen, chosen, chosen) }
                    }
                </>
            }) }
            { pick("filter-state", "State", onstate, html! {
                <>
                    { option("pending", "Pending", state) }
                    { option("decided", "Decided", state) }
                    { option("all", "All", state) }
                    <optgroup label="One state">
                        { for RequestState::ALL.iter().skip(1).map(|one| option(one.word(), display::state(*one), state)) }
                    </optgroup>
                </>
            }) }
            { live_dot(connection) }
        </div>
    }
}
