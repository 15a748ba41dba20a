//! Denying, with a reason that the agent is told.

use crate::components::button::Button;
use crate::components::field::typed;
use crate::hooks::choice::Choice;
use crate::hooks::focus::focus_on;
use crate::hooks::review::Review;
use crate::hooks::review_state::{Deed, Step};
use yew::prelude::*;

/// The most that the server takes (wire: `DecisionBody`).
const LONGEST: &str = "1000";

#[derive(Clone, PartialEq, Properties)]
pub(crate) struct DenyFormProps {
    pub(crate) review: Review,
    /// Kept by whoever shows the form: another width of the window draws another one.
    pub(crate) reason: UseStateHandle<String>,
    pub(crate) ondenying: Callback<bool>,
}

#[component]
pub(crate) fn DenyForm(props: &DenyFormProps) -> Html {
    let reason = props.reason.clone();
    use_effect_with((), |()| {
        focus_on("#deny-reason");
    });
    let deny = {
        let (act, reason) = (props.review.act.clone(), reason.clone());
        Callback::from(move |()| {
            let comment = Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty());
            act.emit((Deed::Deny, comment, Choice::default()));
        })
    };
    let cancel = props.ondenying.reform(|()| false);
    let onkeydown = {
        let (cancel, deny) = (cancel.clone(), deny.clone());
        Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
            "Escape" => {
                event.prevent_default();
                cancel.emit(());
            }
            "Enter" if event.ctrl_key() || event.meta_key() => deny.emit(()),
            _ => {}
        })
    };
    let busy = props.review.state.step == Step::Sending(Deed::Deny);
    html! {
        <div class="deny-form">
            <label for="deny-reason" class="label">{ "Reason, told to the agent (optional)" }</label>
            <textarea id="deny-reason" rows="2" maxlength={LONGEST} value={(*reason).clone()}
                oninput={typed(reason.setter())} {onkeydown} data-testid="deny-reason" />
            <div class="acts">
                <Button onclick={cancel} held={busy} testid="deny-cancel">{ "Cancel" }</Button>
                <Button tone="no solid" onclick={deny} {busy} testid="deny-confirm">{ "Deny request" }</Button>
            </div>
        </div>
    }
}
