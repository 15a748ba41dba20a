//! Denying, with a reason that the agent is told.

use crate::components::button::Button;
use crate::components::field::typed;
use crate::hooks::review::Review;
use crate::hooks::review_state::{Deed, Step};
use web_sys::HtmlElement;
use yew::prelude::*;

/// The most that the server takes (wire: `DecisionBody`).
const LONGEST: &str = "1000";

#[derive(Clone, PartialEq, Properties)]
pub(crate) struct DenyFormProps {
    pub(crate) review: Review,
    pub(crate) ondenying: Callback<bool>,
}

#[component]
pub(crate) fn DenyForm(props: &DenyFormProps) -> Html {
    let reason = use_state_eq(String::new);
    let area = use_node_ref();
    {
        let area = area.clone();
        use_effect_with((), move |()| {
            if let Some(area) = area.cast::<HtmlElement>() {
                let _ = area.focus();
            }
        });
    }
    let deny = {
        let (act, reason) = (props.review.act.clone(), reason.clone());
        Callback::from(move |()| {
            let comment = Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty());
            act.emit((Deed::Deny, comment));
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
            <textarea id="deny-reason" ref={area} rows="2" maxlength={LONGEST} value={(*reason).clone()}
                oninput={typed(reason.setter())} {onkeydown} data-testid="deny-reason" />
            <div class="acts">
                <Button onclick={cancel} disabled={busy} testid="deny-cancel">{ "Cancel" }</Button>
                <Button tone="no solid" onclick={deny} {busy} testid="deny-confirm">{ "Deny request" }</Button>
            </div>
        </div>
    }
}
