//! The filters above the list, and whether it is live.

use crate::components::field::value_of;
use crate::components::live_dot::LiveDot;
use crate::display;
use crate::hooks::queue::QueueQuery;
use countersign_domain::request::RequestState;
use countersign_wire::connectors::ConnectorRow;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct QueueBarProps {
    pub(crate) query: QueueQuery,
    pub(crate) onquery: Callback<QueueQuery>,
    pub(crate) connectors: Vec<(AttrValue, AttrValue)>,
}

/// Slugs and names for the filter.
pub(crate) fn choices(rows: &[ConnectorRow]) -> Vec<(AttrValue, AttrValue)> {
    rows.iter().map(|row| (AttrValue::from(row.slug.clone()), AttrValue::from(row.name.clone()))).collect()
}

#[component]
pub(crate) fn QueueBar(props: &QueueBarProps) -> Html {
    let onconnector = {
        let (query, onquery) = (props.query.clone(), props.onquery.clone());
        Callback::from(move |event: Event| {
            let connector = value_of(&event).filter(|slug| !slug.is_empty());
            onquery.emit(QueueQuery { connector, ..query.clone() });
        })
    };
    let onstate = {
        let (query, onquery) = (props.query.clone(), props.onquery.clone());
        Callback::from(move |event: Event| {
            let state = value_of(&event).filter(|word| word != "pending");
            onquery.emit(QueueQuery { state, ..query.clone() });
        })
    };
    let chosen = props.query.connector.as_deref().unwrap_or_default();
    let known = chosen.is_empty() || props.connectors.iter().any(|(slug, _)| slug == chosen);
    let option = |value: &str, name: &str, now: &str| {
        html! { <option value={value.to_owned()} selected={value == now}>{ name.to_owned() }</option> }
    };
    let state = props.query.state_word();
    html! {
        <div class="bar" role="search">
            <select id="filter-connector" class="pick" aria-label="Connector" onchange={onconnector}
                data-testid="filter-connector">
                { option("", "All connectors", chosen) }
                { for props.connectors.iter().map(|(slug, name)| option(slug, name, chosen)) }
                if !known {
                    { option(chosen, chosen, chosen) }
                }
            </select>
            <select class="pick" aria-label="State" onchange={onstate} data-testid="filter-state">
                { option("pending", "Pending", state) }
                { option("decided", "Decided", state) }
                { option("all", "All", state) }
                <optgroup label="One state">
                    { for RequestState::ALL.iter().skip(1).map(|one| option(one.word(), display::state(*one), state)) }
                </optgroup>
            </select>
            <LiveDot />
        </div>
    }
}
