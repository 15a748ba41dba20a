//! A column's header that sorts.

use crate::components::icon::{Picture, icon};
use crate::hooks::queue::QueueQuery;
use countersign_wire::requests::SortKey;
use yew::prelude::*;

pub(crate) fn sort_header(
    name: &'static str,
    key: SortKey,
    class: &'static str,
    query: &QueueQuery,
    onquery: &Callback<QueueQuery>,
) -> Html {
    let (current, down) = query.sorting();
    let sorts = current == key;
    let aria_sort = match (sorts, down) {
        (true, true) => "descending",
        (true, false) => "ascending",
        (false, _) => "none",
    };
    let next = query.sorted_by(key);
    let onclick = onquery.reform(move |_: MouseEvent| next.clone());
    html! {
        <th scope="col" aria-sort={aria_sort} {class}>
            <button type="button" class="sort" {onclick} data-testid={format!("sort-{}", name.to_ascii_lowercase())}>
                { name }
                if sorts {
                    { icon(if down { Picture::SortDown } else { Picture::SortUp }) }
                }
            </button>
        </th>
    }
}
