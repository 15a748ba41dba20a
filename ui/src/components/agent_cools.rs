//! That an agent was denied too often in a row and asks nothing for a while, and the way to let it ask again.

use crate::components::button::Button;
use crate::components::form::form_error;
use crate::components::icon::{Picture, icon};
use crate::display;
use crate::hooks::focus::focus_on;
use crate::hooks::{use_backend, use_me, use_now, use_task};
use countersign_domain::Timestamp;
use countersign_domain::ids::AgentId;
use countersign_domain::user::Role;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct AgentCoolsProps {
    pub(crate) id: AgentId,
    pub(crate) name: AttrValue,
    pub(crate) until: Timestamp,
    pub(crate) onchanged: Callback<()>,
}

#[component]
pub(crate) fn AgentCools(props: &AgentCoolsProps) -> Html {
    let (backend, now, task, me) = (use_backend(), use_now(), use_task(), use_me());
    if props.until <= now {
        return Html::default();
    }
    let lift = {
        let (id, onchanged, task) = (props.id, props.onchanged.clone(), task.clone());
        Callback::from(move |()| {
            let (backend, onchanged) = (backend.clone(), onchanged.clone());
            task.run(async move {
                backend.lift_cool_down(id).await?;
                // What was pressed goes with the notice.
                if !focus_on("#review-body") {
                    focus_on("#page-title");
                }
                onchanged.emit(());
                Ok(())
            });
        })
    };
    let may_lift = me.is_some_and(|me| me.user.role >= Role::Approver);
    html! {
        <div class="cools" data-testid="agent-cools">
            { icon(Picture::Alert) }
            <div class="grow">
                { format!("{} was denied several times in a row and asks nobody until {}.", props.name,
                    display::time(props.until, now)) }
                { form_error(task.failure(), &[]) }
            </div>
            if may_lift {
                <Button tone="small" onclick={lift} busy={task.is_busy()} testid="agent-lift">{ "Let it ask again" }</Button>
            }
        </div>
    }
}
