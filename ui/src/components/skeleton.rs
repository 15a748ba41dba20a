//! What a list looks like before it is there.

use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct SkeletonProps {
    #[prop_or(5)]
    pub(crate) rows: u32,
}

#[component]
pub(crate) fn Skeleton(props: &SkeletonProps) -> Html {
    html! {
        <div class="skeleton" role="status" data-testid="loading">
            <span class="unseen">{ "Loading" }</span>
            { for (0..props.rows).map(|_| html! { <div class="bone-row"><i /><i /><i /><i /></div> }) }
        </div>
    }
}
