//! "Send to my phone": while the browser has the request, it can go to the reader's other screens too.

use crate::backend::Backend;
use crate::components::button::Button;
use crate::components::form::form_error;
use crate::hooks::{use_backend, use_fetch, use_task};
use countersign_domain::ids::RequestId;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct SendOnProps {
    pub(crate) id: RequestId,
}

#[component]
pub(crate) fn SendOn(props: &SendOnProps) -> Html {
    let (backend, task) = (use_backend(), use_task());
    let browsers = use_fetch(AttrValue::default(), |backend: &Backend, _| backend.browsers());
    let sent = use_state_eq(|| false);
    // Whoever is told nowhere else has nothing to press, and a failure to look leaves the other ways.
    if browsers.data.ready().is_none_or(|page| page.items.is_empty()) {
        return Html::default();
    }
    let onclick = {
        let (id, task, sent) = (props.id, task.clone(), sent.setter());
        Callback::from(move |()| {
            let (reply, sent) = (backend.send_on(id), sent.clone());
            sent.set(false);
            task.run(async move {
                reply.await?;
                sent.set(true);
                Ok(())
            });
        })
    };
    html! {
        <div class="send-on">
            <Button tone="small" {onclick} busy={task.is_busy()} testid="send-on">{ "Send to my phone" }</Button>
            <span role="status" class="hint">{ if *sent && !task.is_busy() { "Sent: tap the notification there." } else { "" } }</span>
            { form_error(task.failure(), &[]) }
        </div>
    }
}
