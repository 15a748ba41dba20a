//! Policies, in the order in which they win.

use crate::components::icon::{Picture, icon};
use crate::components::message::{failed, for_admins, message};
use crate::components::page_head::page_head;
use crate::components::policy_row::PolicyItem;
use crate::components::route_link::RouteLink;
use crate::components::skeleton::skeleton;
use crate::hooks::fetch::Loadable;
use crate::hooks::pending::use_pending;
use crate::hooks::title::use_title;
use crate::hooks::{use_fetch, use_is_admin};
use crate::routes::Route;
use countersign_domain::policy::Action;
use countersign_wire::policies::PolicyRow;
use yew::prelude::*;

#[component]
pub(crate) fn PoliciesPage() -> Html {
    let pending = use_pending().count;
    use_title("Policies", pending);
    let is_admin = use_is_admin();
    let policies = use_fetch(AttrValue::default(), |backend, _| backend.policies());
    if !is_admin {
        return for_admins(Picture::Shield, "Only admins see and change what agents may do.");
    }
    let create = html! {
        <RouteLink to={Route::NewPolicy} class="btn main" testid="policy-create">
            { icon(Picture::Plus) }{ "New policy" }
        </RouteLink>
    };
    html! {
        <main class="list">
            { page_head("Policies",
                "Any matching deny wins, then the highest priority. What no policy matches is denied.",
                Html::default(), create) }
            { match &policies.data {
                Loadable::Loading => skeleton(4),
                Loadable::Failed(failure) =>
                    failed("The policies can't be shown", failure, &policies.reload, "list-error"),
                Loadable::Ready(rows) if rows.is_empty() => message(Picture::Shield, "No policies yet",
                    "Until there is one, every call is denied.", "empty", Html::default()),
                Loadable::Ready(rows) => html! {
                    <ul class="rows" data-testid="policies">
                        { for in_order(rows).into_iter().map(|row| html! {
                            <PolicyItem key={row.id.to_string()} row={row.clone()}
                                onchanged={policies.reload.clone()} />
                        }) }
                    </ul>
                },
            } }
        </main>
    }
}

/// Denies first, then by priority, then by name. One that is disabled keeps its place: nothing moves under the pointer
/// that disabled it. Put in one by one: the standard sort is
/// eight kilobytes of program for a short list.
fn in_order(rows: &[PolicyRow]) -> Vec<&PolicyRow> {
    let rank = |row: &PolicyRow| (row.body.action != Action::Deny, -i64::from(row.body.priority));
    let mut sorted: Vec<&PolicyRow> = Vec::with_capacity(rows.len());
    for row in rows {
        let at = sorted.partition_point(|other| (rank(other), &other.body.name) <= (rank(row), &row.body.name));
        sorted.insert(at, row);
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, action: &str, priority: i32, active: bool) -> PolicyRow {
        serde_json::from_value(serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000001", "version": 1, "active": active, "name": name,
            "action": action, "priority": priority, "updated_at": "2026-11-23T10:40:00.000Z", "from_file": false,
        }))
        .unwrap()
    }

    #[test]
    fn the_list_reads_in_the_order_in_which_policies_win() {
        let rows = [
            row("off", "deny", 99, false),
            row("low", "allow", 0, true),
            row("high", "request_approval", 10, true),
            row("never", "deny", -5, true),
        ];
        let names: Vec<_> = in_order(&rows).into_iter().map(|row| row.body.name.as_str()).collect();
        assert_eq!(names, ["off", "never", "high", "low"]);
    }
}
