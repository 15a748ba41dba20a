//! One grant: its tool, who made it, until when, and the way to end it.

use crate::components::badge::badge;
use crate::components::button::Button;
use crate::components::form::form_error;
use crate::components::segments::segments;
use crate::display;
use crate::hooks::{use_backend, use_now, use_task};
use countersign_domain::Timestamp;
use countersign_domain::grant::GrantKind;
use countersign_wire::grants::GrantRow;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct GrantItemProps {
    pub(crate) row: GrantRow,
    pub(crate) onchanged: Callback<()>,
}

#[component]
pub(crate) fn GrantItem(props: &GrantItemProps) -> Html {
    let (backend, now, task) = (use_backend(), use_now(), use_task());
    let row = &props.row;
    let revoke = {
        let (id, onchanged, task) = (row.id, props.onchanged.clone(), task.clone());
        Callback::from(move |()| {
            let (backend, onchanged) = (backend.clone(), onchanged.clone());
            task.run(async move {
                backend.revoke_grant(id).await?;
                onchanged.emit(());
                Ok(())
            });
        })
    };
    let live = row.live && now < row.expires_at;
    html! {
        <li data-testid="grant-row" data-id={row.id.to_string()}>
            <div class="grow">
                <code class="wrap">{ segments(&row.tool) }</code>
                <span class="two wrap">{ scope(row) }{ " · " }{ made(row) }</span>
                { form_error(task.failure(), &[]) }
            </div>
            <span class="two nowrap">{ ending(row, live, now) }</span>
            if live && row.may_revoke {
                <Button tone="small" onclick={revoke} busy={task.is_busy()} testid="grant-revoke"
                    title={format!("Revoke leave for {}", display::plain(&row.tool))}>{ "Revoke" }</Button>
            } else if !live {
                { badge("plain", "Ended") }
            }
        </li>
    }
}

fn scope(row: &GrantRow) -> Html {
    match row.kind {
        GrantKind::ToolSession => html! { <>{ "In session " }{ segments(&row.session) }</> },
        GrantKind::ToolHour => html! { "Any call of this tool" },
        GrantKind::Access => html! { "Access that was asked for" },
    }
}

fn made(row: &GrantRow) -> String {
    format!("approved by {}, for {}", row.made_by.join(" and "), row.requester)
}

fn ending(row: &GrantRow, live: bool, now: Timestamp) -> String {
    match (&row.revoked_at, &row.why_not) {
        _ if live => format!("{} left", display::left(row.expires_at, now)),
        (Some(at), _) => format!("revoked {}", display::ago(*at, now)),
        (None, Some(why)) => why.trim_end_matches(" since this was approved.").to_owned(),
        (None, None) => format!("ended {}", display::ago(row.expires_at, now)),
    }
}
