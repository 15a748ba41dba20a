//! An address that leads nowhere.

use crate::components::icon::Picture;
use crate::components::message::message;
use crate::components::route_link::RouteLink;
use crate::hooks::title::use_title;
use crate::routes::Route;
use yew::prelude::*;

#[component]
pub(crate) fn NotFoundPage() -> Html {
    use_title("Not found", None);
    let on = html! { <RouteLink to={Route::Requests} class="btn">{ "All requests" }</RouteLink> };
    html! {
        <main class="list">
            { message(Picture::Info, "There is no such page", "The address may be mistyped.", "not-found", on) }
        </main>
    }
}
