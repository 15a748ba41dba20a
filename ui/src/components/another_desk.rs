//! "Use another desk": the way on from every page of the desktop app that has no desk to show.

use crate::backend::shell;
use crate::components::form::form_error;
use crate::hooks::use_task;
use yew::prelude::*;

#[component]
pub(crate) fn AnotherDesk() -> Html {
    let leaving = use_task();
    let onclick = {
        let leaving = leaving.clone();
        Callback::from(move |_: MouseEvent| leaving.run(shell::leave_desk()))
    };
    html! {
        <>
            { form_error(leaving.failure(), &[]) }
            <button type="button" class="link-button" {onclick} data-testid="app-leave">{ "Use another desk" }</button>
        </>
    }
}
