//! What is done about the agent itself, rather than about what it asks: let it ask again, or report it.

use crate::components::agent_cools::AgentCools;
use crate::components::button::Button;
use crate::components::confirm::{Confirm, confirm};
use crate::hooks::toasts::Tone;
use crate::hooks::{use_backend, use_me, use_task, use_toasts};
use countersign_domain::user::Role;
use countersign_wire::requests::Card;
use std::rc::Rc;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct AgentActsProps {
    pub(crate) card: Rc<Card>,
    pub(crate) onchanged: Callback<()>,
}

#[component]
pub(crate) fn AgentActs(props: &AgentActsProps) -> Html {
    let (backend, task, toasts, me) = (use_backend(), use_task(), use_toasts(), use_me());
    let asking = use_state_eq(|| false);
    let card = &props.card;
    let ask = |on: bool| {
        let (asking, task) = (asking.setter(), task.clone());
        Callback::from(move |()| {
            task.forget();
            asking.set(on);
        })
    };
    let report = {
        let (id, name, onchanged) = (card.id, card.agent.name.clone(), props.onchanged.clone());
        let (task, asking) = (task.clone(), asking.setter());
        Callback::from(move |()| {
            let (backend, toasts, name) = (backend.clone(), toasts.clone(), name.clone());
            let (asking, onchanged) = (asking.clone(), onchanged.clone());
            task.run(async move {
                backend.report_agent(id).await?;
                asking.set(false);
                toasts.show(Tone::Good, format!("{name} is suspended, and the admins are told."));
                onchanged.emit(());
                Ok(())
            });
        })
    };
    let may_report = me.is_some_and(|me| me.user.role >= Role::Approver);
    html! {
        <>
            if let (Some(id), Some(until)) = (card.agent.id, card.agent.cools_until) {
                <AgentCools {id} name={card.agent.name.clone()} {until} onchanged={props.onchanged.clone()} />
            }
            if may_report {
                <div class="report">
                    <Button tone="small no" onclick={ask(true)} testid="report">{ "Report this agent" }</Button>
                </div>
            }
            if *asking {
                { confirm(&Confirm {
                    title: format!("Report {}?", card.agent.name),
                    text: "It is suspended at once: it can ask for nothing more, and all that waits of it is taken back. \
                           The admins are told, and only they let it in again.",
                    verb: "Report and suspend",
                    task: &task,
                    onyes: report,
                    onclose: ask(false),
                }) }
            }
        </>
    }
}
