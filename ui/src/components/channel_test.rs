//! Sends the reader a test message over a channel, and says what became of it.

use crate::components::button::Button;
use crate::components::form::form_error;
use crate::hooks::{use_backend, use_task};
use countersign_domain::delivery::{Channel, DeliveryState};
use countersign_wire::me::TestRow;
use gloo_timers::future::TimeoutFuture;
use yew::prelude::*;

const ASK_AGAIN_MS: u32 = 700;
/// As long as the desk gives one try, and a little more.
const WATCH_MS: u32 = 35_000;

#[derive(Properties, PartialEq)]
pub(crate) struct ChannelTestProps {
    pub(crate) channel: Channel,
    /// What it is called, for whoever can't see the row that the button stands in.
    pub(crate) name: &'static str,
}

#[component]
pub(crate) fn ChannelTest(props: &ChannelTestProps) -> Html {
    let (backend, task) = (use_backend(), use_task());
    let fate = use_state_eq(|| None::<TestRow>);
    let channel = props.channel;
    let onclick = {
        let (task, fate) = (task.clone(), fate.setter());
        Callback::from(move |()| {
            let (backend, fate) = (backend.clone(), fate.clone());
            task.run(async move {
                fate.set(None);
                let mut test = backend.send_test(channel).await?;
                for _ in 0..WATCH_MS / ASK_AGAIN_MS {
                    if test.state != DeliveryState::Waiting || test.error.is_some() {
                        break;
                    }
                    TimeoutFuture::new(ASK_AGAIN_MS).await;
                    test = backend.test(test.id).await?;
                }
                fate.set(Some(test));
                Ok(())
            });
        })
    };
    html! {
        <div class="test">
            <Button tone="small" {onclick} busy={task.is_busy()} testid={format!("test-{}", channel.word())}>
                { "Send a test" }<span class="unseen">{ format!(" by {}", props.name) }</span>
            </Button>
            <div role="status" data-testid={format!("test-fate-{}", channel.word())}>
                if let Some(fate) = fate.as_ref().filter(|_| !task.is_busy()) {
                    { told(fate) }
                }
            </div>
            { form_error(task.failure(), &[]) }
        </div>
    }
}

fn told(fate: &TestRow) -> Html {
    let error = fate.error.clone().unwrap_or_default();
    match fate.state {
        DeliveryState::Sent => html! { <p class="told-well">{ "Sent" }</p> },
        DeliveryState::Waiting if error.is_empty() => html! { <p class="hint">{ "Still on its way" }</p> },
        DeliveryState::Waiting => html! { <p class="field-error">{ format!("{error} It is tried again.") }</p> },
        DeliveryState::Dead => html! { <p class="field-error">{ error }</p> },
        DeliveryState::Withdrawn | DeliveryState::Folded => html! { <p class="hint">{ "Not sent" }</p> },
    }
}
