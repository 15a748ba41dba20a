//! The list of requests as a table; on a phone its rows are cards.

use crate::components::request_row::RequestRow;
use crate::components::sort_header::sort_header;
use crate::hooks::queue::QueueQuery;
use countersign_wire::requests::{RequestRow as Row, SortKey};
use yew::prelude::*;

pub(crate) fn request_table(
    rows: &[Row],
    selected: Option<&str>,
    query: &QueueQuery,
    onquery: &Callback<QueueQuery>,
    onopen: &Callback<AttrValue>,
) -> Html {
    let head = |name, key, class| sort_header(name, key, class, query, onquery);
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
                { for rows.iter().map(|row| {
                    let id = row.id.to_string();
                    let selected = selected == Some(id.as_str());
                    html! { <RequestRow key={id} row={row.clone()} {selected} onopen={onopen.clone()} /> }
                }) }
            </tbody>
        </table>
    }
}
