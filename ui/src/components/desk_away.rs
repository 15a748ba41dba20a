//! Nobody can say who is signed in, since the desk does not answer.

use crate::backend::{Connection, Failure, LiveMessage, LiveStream, shell};
use crate::components::another_desk::AnotherDesk;
use crate::components::copy_diagnostics::CopyDiagnostics;
use crate::components::message::failed;
use crate::hooks::session::use_session;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct DeskAwayProps {
    pub(crate) failure: Failure,
}

#[component]
pub(crate) fn DeskAway(props: &DeskAwayProps) -> Html {
    let session = use_session();
    let retry = Callback::from(move |()| {
        if let Some(session) = &session {
            session.refresh();
        }
    });
    use_return(&retry);
    html! {
        <main class="gate">
            { failed("The desk does not answer", &props.failure, &retry, "app-error") }
            if shell::is_here() {
                <div class="acts-row">
                    <AnotherDesk />
                    <CopyDiagnostics inline=true />
                </div>
            }
        </main>
    }
}

/// Calls when the desk is back. Only the app's stream can tell: a browser's needs the session that is asked for.
#[hook]
fn use_return(back: &Callback<()>) {
    let back = back.clone();
    use_effect_with((), move |()| {
        let stream = shell::is_here().then(|| {
            LiveStream::open(Callback::from(move |message| {
                if message == LiveMessage::Connection(Connection::Live) {
                    back.emit(());
                }
            }))
        });
        move || drop(stream)
    });
}
