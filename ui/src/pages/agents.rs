//! Agents: who owns them, what they may use, whether they may ask.

use crate::components::agent_dialog::AgentDialog;
use crate::components::agent_row::AgentItem;
use crate::components::button::Button;
use crate::components::icon::{Picture, icon};
use crate::components::key_dialog::given_dialog;
use crate::components::message::{failed, message};
use crate::components::page_head::page_head;
use crate::components::skeleton::skeleton;
use crate::hooks::fetch::{Fetched, Loadable};
use crate::hooks::pending::use_pending;
use crate::hooks::title::use_title;
use crate::hooks::{use_desk_address, use_fetch};
use countersign_domain::ids::AgentId;
use countersign_wire::agents::AgentCreated;
use countersign_wire::grants::GrantRow;
use std::rc::Rc;
use yew::prelude::*;

#[component]
pub(crate) fn AgentsPage() -> Html {
    let pending = use_pending().count;
    use_title("Agents", pending);
    let desk = use_desk_address();
    let agents = use_fetch(AttrValue::default(), |backend, _| backend.agents());
    let grants = use_fetch(AttrValue::default(), |backend, _| backend.grants());
    let creating = use_state_eq(|| false);
    let created = use_state(|| None::<Rc<AgentCreated>>);
    let open = {
        let creating = creating.setter();
        Callback::from(move |()| creating.set(true))
    };
    let close = {
        let creating = creating.setter();
        Callback::from(move |()| creating.set(false))
    };
    let oncreated = {
        let (creating, created, reload) = (creating.setter(), created.setter(), agents.reload.clone());
        Callback::from(move |answer: Rc<AgentCreated>| {
            creating.set(false);
            let told = answer.key.is_some() || answer.callback_secret.is_some();
            created.set(told.then_some(answer));
            reload.emit(());
        })
    };
    let noted = {
        let created = created.setter();
        Callback::from(move |()| created.set(None))
    };
    let create = html! {
        <Button tone="main" onclick={open} testid="agent-create">{ icon(Picture::Plus) }{ "New agent" }</Button>
    };
    html! {
        <main class="list">
            { page_head("Agents", "Programs that ask, each with its own key and an owner who answers for it.",
                Html::default(), create) }
            { match &agents.data {
                Loadable::Loading => skeleton(4),
                Loadable::Failed(failure) =>
                    failed("The agents can't be shown", failure, &agents.reload, "list-error"),
                Loadable::Ready(rows) if rows.is_empty() => message(Picture::Bot, "No agents yet",
                    "Make one, give its key to your program, and let it ask.", "empty", Html::default()),
                Loadable::Ready(rows) => html! {
                    <ul class="rows" data-testid="agents">
                        { for rows.iter().map(|row| html! {
                            <AgentItem key={row.id.to_string()} row={row.clone()} grants={of_agent(&grants, row.id)}
                                onrevoked={grants.reload.clone()} onchanged={agents.reload.clone()}
                                onkey={oncreated.clone()} />
                        }) }
                    </ul>
                },
            } }
            if *creating {
                <AgentDialog onclose={close} {oncreated} />
            }
            if let Some(answer) = &*created {
                { given_dialog(answer, &desk, &noted) }
            }
        </main>
    }
}

/// What holds for one agent. Where the grants can't be had the agents are shown all the same.
fn of_agent(grants: &Fetched<Vec<GrantRow>>, agent: AgentId) -> Vec<GrantRow> {
    let all = grants.data.ready().map(|rows| rows.as_slice()).unwrap_or_default();
    all.iter().filter(|grant| grant.agent_id == agent).cloned().collect()
}
