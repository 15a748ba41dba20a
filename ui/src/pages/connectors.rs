//! Connectors: whether they are well, and what their tools do.

use crate::components::connector_item::ConnectorItem;
use crate::components::icon::Picture;
use crate::components::message::{failed, message};
use crate::components::page_head::page_head;
use crate::components::skeleton::skeleton;
use crate::hooks::fetch::Loadable;
use crate::hooks::pending::use_pending;
use crate::hooks::title::use_title;
use crate::hooks::use_fetch;
use yew::prelude::*;

#[component]
pub(crate) fn ConnectorsPage() -> Html {
    let pending = use_pending().count;
    use_title("Connectors", pending);
    let connectors = use_fetch(AttrValue::default(), |backend, _| backend.connectors());
    html! {
        <main class="list">
            { page_head("Connectors", "Services that agents reach through this desk. They are written down in desk.yaml.",
                Html::default(), Html::default()) }
            { match &connectors.data {
                Loadable::Loading => skeleton(4),
                Loadable::Failed(failure) =>
                    failed("The connectors can't be shown", failure, &connectors.reload, "list-error"),
                Loadable::Ready(rows) if rows.is_empty() => message(Picture::Plug, "No connectors yet",
                    "Write one into desk.yaml and run “countersign apply desk.yaml”.", "empty", Html::default()),
                Loadable::Ready(rows) => html! {
                    <div class="stack" data-testid="connectors">
                        { for rows.iter().map(|row| html! {
                            <ConnectorItem key={row.id.to_string()} row={row.clone()} />
                        }) }
                    </div>
                },
            } }
        </main>
    }
}
