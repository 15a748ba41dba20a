//! How the reader is told: by which channels, when not, and on which browsers.

use crate::components::browser_list::BrowserList;
use crate::components::button::Button;
use crate::components::channel_test::ChannelTest;
use crate::components::field::{field, is_ticked, value_of};
use crate::components::form::{form_error, tick};
use crate::components::hours::hours;
use crate::components::message::failed;
use crate::components::skeleton::skeleton;
use crate::hooks::fetch::Loadable;
use crate::hooks::toasts::Tone;
use crate::hooks::told_draft::ToldDraft;
use crate::hooks::{use_backend, use_fetch, use_task, use_toasts};
use crate::zones::zone_here;
use countersign_domain::delivery::Channel;
use countersign_wire::me::MyPreferences;
use std::rc::Rc;
use yew::prelude::*;

const FIELDS: [&str; 2] = ["phone", "quiet_hours"];

#[derive(Properties, PartialEq)]
pub(crate) struct ToldFormProps {
    /// The reader's address.
    pub(crate) email: AttrValue,
}

#[component]
pub(crate) fn ToldForm(props: &ToldFormProps) -> Html {
    let stored = use_fetch(AttrValue::default(), |backend, _| backend.preferences());
    html! {
        <>
            { match &stored.data {
                Loadable::Loading => skeleton(3),
                Loadable::Failed(failure) =>
                    failed("How you are told can't be shown", failure, &stored.reload, "preferences-error"),
                Loadable::Ready(mine) => html! { <Fields mine={mine.clone()} email={props.email.clone()} /> },
            } }
            <BrowserList />
        </>
    }
}

#[derive(Properties, PartialEq)]
struct FieldsProps {
    mine: Rc<MyPreferences>,
    email: AttrValue,
}

#[component]
fn Fields(props: &FieldsProps) -> Html {
    let (backend, toasts, saving) = (use_backend(), use_toasts(), use_task());
    let draft = use_state_eq(|| ToldDraft::of(&props.mine.preferences, &zone_here()));
    let onsubmit = {
        let (draft, saving) = (draft.clone(), saving.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (backend, toasts, preferences) = (backend.clone(), toasts.clone(), draft.preferences());
            saving.run(async move {
                backend.set_preferences(&preferences).await?;
                toasts.show(Tone::Good, "Saved. It counts from the next message on.");
                Ok(())
            });
        })
    };
    let change = |set: fn(&mut ToldDraft, bool)| {
        let draft = draft.clone();
        Callback::from(move |event: Event| {
            let mut changed = (*draft).clone();
            set(&mut changed, is_ticked(&event));
            draft.set(changed);
        })
    };
    let write = |set: fn(&mut ToldDraft, String)| {
        let draft = draft.clone();
        Callback::from(move |event: InputEvent| {
            let mut changed = (*draft).clone();
            set(&mut changed, value_of(&event).unwrap_or_default());
            draft.set(changed);
        })
    };
    let set_up = |channel| props.mine.set_up.contains(&channel);
    let phone = html! {
        <input id="phone" type="tel" autocomplete="tel" placeholder="+41 79 123 45 67" value={draft.phone.clone()}
            oninput={write(|draft, text| draft.phone = text)} data-testid="phone" />
    };
    html! {
        <form {onsubmit} class="block stack told" data-testid="told">
            <div>
                <h2>{ "How you are told" }</h2>
                <p class="sub">{ "Each approval flow says over which channels it tells people. Here you say which you take." }</p>
            </div>
            <table class="channels">
                <thead>
                    <tr>
                        <th scope="col">{ "Channel" }</th>
                        <th scope="col">{ "Normal" }</th>
                        <th scope="col">{ "Urgent" }</th>
                        <td></td>
                    </tr>
                </thead>
                <tbody>
                    { channel(&draft, Channel::Push, "Push notifications", "On the browsers below", true) }
                    { channel(&draft, Channel::Email, "Email", &props.email, set_up(Channel::Email)) }
                    { channel(&draft, Channel::Sms, "Text messages", "To the phone below", set_up(Channel::Sms)) }
                </tbody>
            </table>
            { field("phone", "Phone", "For text messages; with the country, as in +41.", saving.about("phone"), phone) }
            { tick("quiet", draft.quiet, html! { "Quiet hours" },
                "Only urgent requests reach you then; the others are told when these hours end.",
                change(|draft, on| draft.quiet = on)) }
            if draft.quiet {
                { hours([&draft.from, &draft.to, &draft.zone], [write(|draft, text| draft.from = text),
                    write(|draft, text| draft.to = text), write(|draft, text| draft.zone = text)],
                    saving.about("quiet_hours")) }
            }
            { tick("digest", draft.digest, html! { "Many at once become one message" },
                "Past the fifth request within a minute you get one message that says how many wait.",
                change(|draft, on| draft.digest = on)) }
            { form_error(saving.failure(), &FIELDS) }
            <div><Button tone="main" busy={saving.is_busy()} testid="told-save">{ "Save" }</Button></div>
        </form>
    }
}

fn channel(draft: &UseStateHandle<ToldDraft>, channel: Channel, name: &'static str, hint: &str, set_up: bool) -> Html {
    let boxed = |urgent: bool| {
        let on = draft.takes(channel, urgent);
        let (draft, kind) = (draft.clone(), if urgent { "urgent" } else { "normal" });
        let onchange = Callback::from(move |event: Event| draft.set(draft.taking(channel, urgent, is_ticked(&event))));
        html! {
            <td class="box-cell">
                <label>
                    <input type="checkbox" checked={on} {onchange} data-testid={format!("{kind}-{}", channel.word())} />
                    <span class="unseen">{ format!("{name}, {kind} requests") }</span>
                </label>
            </td>
        }
    };
    let hint = if set_up { hint.to_owned() } else { "Not set up at this desk yet".to_owned() };
    html! {
        <tr data-testid={format!("channel-{}", channel.word())}>
            <th scope="row"><b>{ name }</b><span class="two wrap">{ hint }</span></th>
            { boxed(false) }
            { boxed(true) }
            if set_up {
                <td class="test-cell"><ChannelTest {channel} {name} /></td>
            } else {
                <td></td>
            }
        </tr>
    }
}
