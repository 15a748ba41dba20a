//! An address that leads nowhere.

use crate::components::message::Message;
use crate::components::route_link::RouteLink;
use crate::hooks::title::use_title;
use crate::routes::Route;
use yew::prelude::*;

#[component]
pub(crate) fn NotFoundPage() -> Html {
    use_title("Not found", None);
    html! {
        <main class="list">
            <Message title="There is no such page" text="The address may be mistyped, or the page has moved."
                testid="not-found">
                <RouteLink to={Route::Requests} class="btn">{ "All requests" }</RouteLink>
            </Message>
        </main>
    }
}
