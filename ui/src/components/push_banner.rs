//! Offers push notifications to whoever is here for the first time. Nobody is asked for leave before they tap.

use crate::backend::{PushStanding, is_put_off, put_off};
use crate::components::button::Button;
use crate::components::form::form_error;
use crate::components::icon::{Picture, icon};
use crate::hooks::toasts::Tone;
use crate::hooks::{use_push, use_toasts};
use yew::prelude::*;

#[component]
pub(crate) fn PushBanner() -> Html {
    let toasts = use_toasts();
    let later = use_state_eq(is_put_off);
    let push = use_push(Callback::from(move |()| {
        toasts.show(Tone::Good, "This browser tells you from now on.");
    }));
    let onlater = {
        let later = later.setter();
        Callback::from(move |()| {
            put_off();
            later.set(true);
        })
    };
    if *later || push.standing != Some(PushStanding::Off) {
        return Html::default();
    }
    html! {
        <section class="offer push-offer" aria-labelledby="push-offer" data-testid="push-banner">
            { icon(Picture::Bell) }
            <div class="grow">
                <h2 id="push-offer">{ "Enable push notifications" }</h2>
                <p>{ "Hear on this device when an agent waits for you, even with this page closed." }</p>
                { form_error(push.turning.failure(), &[]) }
            </div>
            <div class="row-acts">
                <Button tone="small" onclick={onlater} held={push.turning.is_busy()} testid="push-later">
                    { "Not now" }
                </Button>
                <Button tone="small main" onclick={push.turn_on} busy={push.turning.is_busy()} testid="push-enable">
                    { "Enable" }
                </Button>
            </div>
        </section>
    }
}
