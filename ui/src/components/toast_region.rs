//! Draws the notices. Both regions are in the page from the start: screen readers announce only changes.

use crate::components::icon::{Picture, icon};
use crate::components::route_link::RouteLink;
use crate::hooks::toasts::{Toast, Toasts, Tone, use_toast_list, use_toasts};
use yew::prelude::*;

#[component]
pub(crate) fn ToastRegion() -> Html {
    let (toasts, list) = (use_toasts(), use_toast_list());
    let drawn = |bad: bool| -> Html {
        list.shown.iter().filter(|toast| (toast.tone == Tone::Bad) == bad).map(|toast| draw(&toasts, toast)).collect()
    };
    html! {
        <div class="toasts">
            <div aria-live="polite">{ drawn(false) }</div>
            <div aria-live="assertive">{ drawn(true) }</div>
        </div>
    }
}

fn draw(toasts: &Toasts, toast: &Toast) -> Html {
    let (class, of) = match toast.tone {
        Tone::News => ("toast news", Picture::Inbox),
        Tone::Good => ("toast good", Picture::Check),
        Tone::Bad => ("toast bad", Picture::Alert),
    };
    let key = toast.key;
    let dismiss = {
        let toasts = toasts.clone();
        Callback::from(move |_: MouseEvent| toasts.dismiss(key))
    };
    html! {
        <div key={key} {class} data-testid="toast">
            { icon(of) }
            <p>{ toast.text.clone() }</p>
            if let Some(to) = &toast.leads_to {
                <RouteLink to={to.clone()}>{ "Review" }</RouteLink>
            }
            <button type="button" class="icon-button" aria-label="Dismiss" onclick={dismiss}>
                { icon(Picture::Close) }
            </button>
        </div>
    }
}
