//! The product's mark and name.

use crate::components::icon::{Picture, icon};
use yew::prelude::*;

pub(crate) fn brand() -> Html {
    html! { <span class="brand">{ icon(Picture::Mark) }{ "Countersign" }</span> }
}
