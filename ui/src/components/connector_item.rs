//! One connector, with its tools.

use crate::components::badge::{badge, status_badge};
use crate::components::button::Button;
use crate::components::connector_tile::connector_tile;
use crate::components::form::form_error;
use crate::components::icon::{Picture, icon};
use crate::components::tool_row::tool_row;
use crate::display::{self, counted};
use crate::hooks::{use_backend, use_is_admin, use_now, use_task};
use countersign_domain::connector::{ConnectorKind, ToolState};
use countersign_wire::connectors::{ConnectorRow, ToolChange};
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct ConnectorItemProps {
    pub(crate) row: ConnectorRow,
}

/// The row is shown as the list gave it, until an answer about this one brings a newer.
#[component]
pub(crate) fn ConnectorItem(props: &ConnectorItemProps) -> Html {
    let (backend, is_admin, now) = (use_backend(), use_is_admin(), use_now());
    let newer = use_state_eq(|| None::<ConnectorRow>);
    {
        let newer = newer.setter();
        use_effect_with(props.row.clone(), move |_| newer.set(None));
    }
    let row = newer.as_ref().unwrap_or(&props.row).clone();
    let waiting = row.tools.iter().filter(|tool| matches!(tool.state, ToolState::New | ToolState::Changed)).count();
    let open = use_state_eq(|| waiting > 0);
    let (checking, switching, changing) = (use_task(), use_task(), use_task());
    let (id, active) = (row.id, row.active);
    let check = {
        let (backend, newer, checking) = (backend.clone(), newer.setter(), checking.clone());
        Callback::from(move |()| {
            let (backend, newer) = (backend.clone(), newer.clone());
            checking.run(async move {
                newer.set(Some(backend.check_connector(id).await?));
                Ok(())
            });
        })
    };
    let switch = {
        let (backend, newer, switching) = (backend.clone(), newer.setter(), switching.clone());
        Callback::from(move |()| {
            let (backend, newer) = (backend.clone(), newer.clone());
            switching.run(async move {
                backend.switch_connector(id, !active).await?;
                newer.set(Some(backend.connector(id).await?));
                Ok(())
            });
        })
    };
    let change = {
        let (newer, changing) = (newer.setter(), changing.clone());
        Callback::from(move |change: ToolChange| {
            let (backend, newer) = (backend.clone(), newer.clone());
            changing.run(async move {
                newer.set(Some(backend.change_tool(id, &change).await?));
                Ok(())
            });
        })
    };
    let unfold = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let failure = [&checking, &switching, &changing].into_iter().find_map(|task| task.failure().cloned());
    html! {
        <section class={classes!("box", "connector-item", (!active).then_some("off"))} data-testid="connector-row"
            data-slug={row.slug.clone()}>
            <div class="connector-head">
                <div class="grow">
                    <b>{ connector_tile(&row.slug, &row.name) }</b>{ " " }
                    { state(&row) }
                    if row.kind != ConnectorKind::External {
                        <code class="two" title={row.target.clone()}>{ row.target.clone() }</code>
                    }
                    <span class="two">{ facts(&row, now) }</span>
                    if let Some(reason) = &row.status_reason {
                        <p class="field-error">{ reason.clone() }</p>
                    }
                    { form_error(failure.as_ref(), &[]) }
                </div>
                <div class="row-acts">
                    if row.kind != ConnectorKind::External {
                        <Button tone="small" onclick={check} busy={checking.is_busy()} testid="connector-check">
                            { icon(Picture::Refresh) }{ "Check now" }
                        </Button>
                    }
                    if is_admin {
                        <Button tone="small" onclick={switch} busy={switching.is_busy()} testid="connector-switch">
                            { if active { "Turn off" } else { "Turn on" } }
                        </Button>
                    }
                </div>
            </div>
            <div class="tools-head">
                <button type="button" class={classes!("fold", open.then_some("open"))} aria-expanded={open.to_string()}
                    onclick={unfold} data-testid="connector-tools">
                    { icon(Picture::Unfold) }{ counted(row.tools.len(), "tool") }
                </button>
                if waiting > 0 {
                    { badge("wait", if waiting == 1 {
                        "1 waits for an admin's nod".to_owned()
                    } else {
                        format!("{waiting} wait for an admin's nod")
                    }) }
                }
            </div>
            if *open {
                <ul class="tools">
                    { for row.tools.iter().map(|tool| tool_row(tool, is_admin, changing.is_busy(), &change)) }
                </ul>
            }
        </section>
    }
}

fn state(row: &ConnectorRow) -> Html {
    if !row.active {
        return badge("plain", "Off");
    }
    status_badge(row.kind, row.status, row.status_reason.as_deref(), "")
}

fn facts(row: &ConnectorRow, now: countersign_domain::Timestamp) -> String {
    let kind = match row.kind {
        ConnectorKind::Mcp => "MCP server",
        ConnectorKind::Http => "HTTP",
        ConnectorKind::External => "External",
    };
    let credential =
        row.credential.as_ref().map_or_else(|| "no credential".to_owned(), |how| format!("credential as {how}"));
    let checked = match (row.kind, row.checked_at) {
        (ConnectorKind::External, _) => String::new(),
        (_, Some(at)) => format!(" · checked {}", display::ago(at, now)),
        (_, None) => " · not checked yet".to_owned(),
    };
    format!("{} · {kind} · {credential}{checked}", row.slug)
}
