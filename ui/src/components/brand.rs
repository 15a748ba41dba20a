//! The product's mark and name.

use crate::components::icon::{Icon, Picture};
use yew::prelude::*;

#[component]
pub(crate) fn Brand() -> Html {
    html! { <span class="brand"><Icon of={Picture::Mark} />{ "Countersign" }</span> }
}
