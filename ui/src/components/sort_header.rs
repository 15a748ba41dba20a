//! A column's header that sorts.

use crate::components::icon::{Icon, Picture};
use crate::hooks::queue::QueueQuery;
use countersign_wire::requests::SortKey;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct SortHeaderProps {
    pub(crate) name: &'static str,
    pub(crate) key_of: SortKey,
    pub(crate) query: QueueQuery,
    pub(crate) onquery: Callback<QueueQuery>,
    pub(crate) class: &'static str,
}

#[component]
pub(crate) fn SortHeader(props: &SortHeaderProps) -> Html {
    let (current, down) = props.query.sorting();
    let sorts = current == props.key_of;
    let aria_sort = match (sorts, down) {
        (true, true) => "descending",
        (true, false) => "ascending",
        (false, _) => "none",
    };
    let onclick = {
        let (next, onquery) = (props.query.sorted_by(props.key_of), props.onquery.clone());
        Callback::from(move |_: MouseEvent| onquery.emit(next.clone()))
    };
    html! {
        <th scope="col" aria-sort={aria_sort} class={props.class}>
            <button type="button" class="sort" {onclick} data-testid={format!("sort-{}", props.name.to_lowercase())}>
                { props.name }
                if sorts {
                    <Icon of={if down { Picture::SortDown } else { Picture::SortUp }} />
                }
            </button>
        </th>
    }
}
