//! One flow in the list, in words, and what an admin can do with it.

use crate::components::badge::badge;
use crate::components::button::Button;
use crate::components::confirm::{Confirm, confirm};
use crate::components::route_link::RouteLink;
use crate::display::{self, counted};
use crate::hooks::task::Task;
use crate::routes::Route;
use countersign_domain::Timestamp;
use countersign_domain::flow::{Channels, FlowBody};
use countersign_wire::policies::FlowRow;
use yew::prelude::*;

/// What an admin does with a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlowDeed {
    Switch,
    Delete,
    Copy,
}

/// `ondeed` does it; what can't simply be taken back goes by `onask`.
pub(crate) fn flow_row(
    row: &FlowRow,
    now: Timestamp,
    busy: bool,
    ondeed: &Callback<(FlowDeed, FlowRow)>,
    onask: &Callback<(FlowDeed, FlowRow)>,
) -> Html {
    let (id, body) = (row.id, &row.body);
    let used = row.is_default || !row.used_by.is_empty();
    let why = AttrValue::from(format!("used-{id}"));
    let act = |to: &Callback<(FlowDeed, FlowRow)>, deed: FlowDeed| {
        let row = row.clone();
        to.reform(move |()| (deed, row.clone()))
    };
    html! {
        <li key={id.to_string()} class={classes!((!body.active).then_some("off"))} data-testid="flow-row"
            data-name={body.name.clone()}>
            <div class="grow">
                <b class="wrap">{ body.name.clone() }</b>
                { marks(row) }
                if !body.description.is_empty() {
                    <span class="two wrap">{ body.description.clone() }</span>
                }
                <span class="two" title={display::exact(row.updated_at)}>
                    { format!("Version {} · changed {}", row.version, display::ago(row.updated_at, now)) }
                </span>
            </div>
            <div class="grow soft">
                <span class="scope">{ steps(body) }</span>
                <span class="badges">{ for channels(body.channels).into_iter().map(|name| badge("plain", name)) }</span>
                <span class="two wrap" id={why.clone()} data-testid="flow-used">{ uses(row) }</span>
            </div>
            <div class="row-acts">
                <RouteLink to={Route::Flow { id: id.to_string() }} class="btn small" testid="flow-edit">{ "Edit" }</RouteLink>
                <Button tone="small" onclick={act(ondeed, FlowDeed::Copy)} testid="flow-duplicate">{ "Duplicate" }</Button>
                <Button tone="small" onclick={act(if body.active { onask } else { ondeed }, FlowDeed::Switch)}
                    disabled={body.active && row.is_default} described_by={row.is_default.then(|| why.clone())}
                    held={busy} testid="flow-switch">
                    { if body.active { "Disable" } else { "Enable" } }
                </Button>
                <Button tone="small" onclick={act(onask, FlowDeed::Delete)} disabled={used}
                    described_by={used.then_some(why)} testid="flow-delete">{ "Delete" }</Button>
            </div>
        </li>
    }
}

/// What is asked before it is done.
pub(crate) fn question(
    (deed, row): (FlowDeed, FlowRow),
    task: &Task,
    ondeed: &Callback<(FlowDeed, FlowRow)>,
    onclose: Callback<()>,
) -> Html {
    let (verb, text) = match deed {
        FlowDeed::Delete => ("Delete", "It can't be brought back. What waits already goes on as it was."),
        FlowDeed::Switch | FlowDeed::Copy => (
            "Disable",
            "Policies that use it find nobody to ask: until it is enabled again, their calls are denied. What waits \
             already goes on as it was.",
        ),
    };
    let title = format!("{verb} “{}”?", row.body.name);
    let onyes = ondeed.reform(move |()| (deed, row.clone()));
    confirm(&Confirm { title, text, verb, task, onyes, onclose })
}

fn marks(row: &FlowRow) -> Html {
    let marks = [
        (row.is_default, "ok", "Default"),
        (!row.body.active, "plain", "Disabled"),
        (row.body.auto_approve_minutes.is_some(), "wait", "Approves itself"),
        (row.body.urgent, "plain", "Urgent"),
        (row.from_file, "plain", "desk.yaml"),
    ];
    html! { <>{ for marks.into_iter().filter(|mark| mark.0).map(|(_, tone, word)| html! { <>{ " " }{ badge(tone, word) }</> }) }</> }
}

/// `2 steps: Finance, then admins`.
fn steps(body: &FlowBody) -> String {
    let asked: Vec<_> = body.steps.iter().map(|step| display::approvers(&step.approvers)).collect();
    format!("{}: {}", counted(body.steps.len(), "step"), asked.join(", then "))
}

/// Who holds calls by it, and what that means for deleting it.
fn uses(row: &FlowRow) -> String {
    let policies = row.used_by.join(", ");
    match (row.is_default, row.used_by.is_empty()) {
        (true, true) => "The desk's default. Name another default before you disable or delete it.".to_owned(),
        (true, false) => format!("The desk's default, used by {policies}."),
        (false, true) => "Used by no policy.".to_owned(),
        (false, false) => format!(
            "Used by {policies}. Give {} another flow before you delete this one.",
            if row.used_by.len() == 1 { "it" } else { "them" }
        ),
    }
}

/// The channels that it tells people by.
pub(crate) fn channels(by: Channels) -> Vec<&'static str> {
    let named = [(by.push, "Push"), (by.email, "Email"), (by.sms, "Text message"), (by.webhook, "Webhook")];
    named.into_iter().filter(|one| one.0).map(|one| one.1).collect()
}
