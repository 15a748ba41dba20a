//! The browsers that the reader is told on, this one among them.

use crate::backend::{PushStanding, shell};
use crate::components::badge::badge;
use crate::components::button::Button;
use crate::components::form::form_error;
use crate::components::icon::{Picture, icon};
use crate::components::message::failed;
use crate::components::skeleton::skeleton;
use crate::display;
use crate::hooks::fetch::Loadable;
use crate::hooks::{use_backend, use_fetch, use_push, use_task};
use countersign_domain::ids::SubscriptionId;
use countersign_wire::me::BrowserRow;
use yew::prelude::*;

#[component]
pub(crate) fn BrowserList() -> Html {
    let (backend, removing) = (use_backend(), use_task());
    let browsers = use_fetch(AttrValue::default(), |backend, _| backend.browsers());
    let push = use_push(browsers.reload.clone());
    let here = match &push.standing {
        Some(PushStanding::On(endpoint)) => Some(endpoint.as_str()),
        _ => None,
    };
    let remove = {
        let (reload, look, removing) = (browsers.reload.clone(), push.look.clone(), removing.clone());
        Callback::from(move |id: SubscriptionId| {
            let (backend, reload, look) = (backend.clone(), reload.clone(), look.clone());
            removing.run(async move {
                backend.remove_browser(id).await?;
                reload.emit(());
                look.emit(());
                Ok(())
            });
        })
    };
    html! {
        <section class="block">
            <h2>{ "Browsers that take notifications" }</h2>
            { match &browsers.data {
                Loadable::Loading => skeleton(1),
                Loadable::Failed(failure) =>
                    failed("Your browsers can't be shown", failure, &browsers.reload, "browsers-error"),
                Loadable::Ready(page) => html! {
                    <ul class="rows passkeys">
                        { for page.items.iter().map(|row| browser(row, here, &remove)) }
                        if shell::is_here() {
                            if page.items.is_empty() {
                                <li data-testid="no-browser">
                                    { "None yet. Open the desk in a browser, or on your phone, and enable them there." }
                                </li>
                            }
                        } else if here.is_none() {
                            <li data-testid="this-browser">{ this_browser(push.standing.as_ref()) }
                                if push.standing == Some(PushStanding::Off) {
                                    <Button tone="small main" onclick={push.turn_on.clone()}
                                        busy={push.turning.is_busy()} testid="browser-enable">
                                        { icon(Picture::Bell) }{ "Enable here" }
                                    </Button>
                                }
                            </li>
                        }
                    </ul>
                },
            } }
            { form_error(push.turning.failure(), &[]) }
            { form_error(removing.failure(), &[]) }
        </section>
    }
}

fn browser(row: &BrowserRow, here: Option<&str>, remove: &Callback<SubscriptionId>) -> Html {
    let id = row.id;
    html! {
        <li key={id.to_string()} data-testid="browser-row">
            <div class="grow">
                <b class="wrap">{ row.label.clone() }</b>{ " " }
                if here == Some(row.endpoint.as_str()) {
                    { badge("ok", "This browser") }
                }
                <span class="two">{ format!("Since {}", display::date(row.created_at)) }</span>
            </div>
            <Button tone="small" onclick={remove.reform(move |()| id)} testid="browser-remove">{ "Remove" }</Button>
        </li>
    }
}

fn this_browser(standing: Option<&PushStanding>) -> Html {
    let why = match standing {
        None | Some(PushStanding::On(_)) => "",
        Some(PushStanding::Off) => "Takes none yet.",
        Some(PushStanding::Denied) => {
            "Was told to show none. Allow notifications for this address in the browser's settings first."
        }
        Some(PushStanding::Unsupported) => {
            "Can't take any at this address. On an iPhone or iPad, add Countersign to the Home Screen and open it there."
        }
    };
    html! {
        <div class="grow">
            <b>{ "This browser" }</b>
            <span class="two wrap">{ why }</span>
        </div>
    }
}
