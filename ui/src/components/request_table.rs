//! The list of requests as a table; on a phone its rows are cards.

use crate::components::request_row::RequestRow;
use crate::components::sort_header::sort_header;
use crate::hooks::queue::QueueQuery;
use countersign_wire::requests::{RequestRow as Row, SortKey};
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct RequestTableProps {
    pub(crate) rows: Vec<Row>,
    pub(crate) selected: Option<AttrValue>,
    pub(crate) query: QueueQuery,
    pub(crate) onquery: Callback<QueueQuery>,
    pub(crate) onopen: Callback<AttrValue>,
}

#[component]
pub(crate) fn RequestTable(props: &RequestTableProps) -> Html {
    let head = |name, key, class| sort_header(name, key, class, &props.query, &props.onquery);
    html! {
        <table class="requests" data-testid="requests">
            <caption class="unseen">{ "Requests" }</caption>
            <thead>
                <tr>
                    { head("Name", SortKey::Name, "col-name") }
                    { head("Identifier", SortKey::Identifier, "col-identifier") }
                    { head("Connector", SortKey::Connector, "col-connector") }
                    <th scope="col" class="col-tools">{ "Tools" }</th>
                    { head("Requested", SortKey::Requested, "col-requested") }
                    <th scope="col" class="col-note">{ "Note" }</th>
                </tr>
            </thead>
            <tbody>
                { for props.rows.iter().map(|row| {
                    let id = row.id.to_string();
                    let selected = props.selected.as_deref() == Some(id.as_str());
                    html! { <RequestRow key={id} row={row.clone()} {selected} onopen={props.onopen.clone()} /> }
                }) }
            </tbody>
        </table>
    }
}
