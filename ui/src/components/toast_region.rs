//! Draws the notices. Both regions are in the page from the start: screen readers announce only changes.

use crate::components::icon::{Picture, icon};
use crate::components::route_link::RouteLink;
use crate::hooks::toasts::{Toast, ToastList, Toasts, Tone};
use std::rc::Rc;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct ToastProviderProps {
    pub(crate) children: Html,
}

/// Gives its children a place for notices, and draws them after everything else.
#[component]
pub(crate) fn ToastProvider(props: &ToastProviderProps) -> Html {
    let list = use_reducer_eq(ToastList::default);
    let toasts = {
        let list = list.clone();
        use_memo((), move |()| Toasts::of(&list, Rc::default()))
    };
    let drawn = |bad: bool| -> Html {
        list.shown.iter().filter(|toast| (toast.tone == Tone::Bad) == bad).map(|toast| draw(&toasts, toast)).collect()
    };
    let hold = |on: bool| {
        let toasts = toasts.clone();
        Callback::from(move |()| toasts.hold(on))
    };
    html! {
        <ContextProvider<Toasts> context={(*toasts).clone()}>
            { props.children.clone() }
            <div class="toasts" onmouseenter={hold(true).reform(|_| ())} onmouseleave={hold(false).reform(|_| ())}
                onfocusin={hold(true).reform(|_| ())} onfocusout={hold(false).reform(|_| ())}>
                <div aria-live="polite">{ drawn(false) }</div>
                <div aria-live="assertive">{ drawn(true) }</div>
            </div>
        </ContextProvider<Toasts>>
    }
}

fn draw(toasts: &Toasts, toast: &Toast) -> Html {
    let (class, of) = match toast.tone {
        Tone::News if toast.leads_to.is_some() => ("toast news", Picture::Inbox),
        Tone::News => ("toast news", Picture::Info),
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
