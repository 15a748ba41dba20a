//! The desktop app asks the browser to sign it in: who is signed in here says so, and hands it a code.

use crate::components::button::Button;
use crate::components::form::form_error;
use crate::components::icon::{Picture, icon};
use crate::hooks::navigation::{Place, use_place};
use crate::hooks::session::{SessionState, use_session};
use crate::hooks::title::use_title;
use crate::hooks::{use_backend, use_task};
use crate::pages::gate::gate;
use countersign_wire::session::AppSignIn;
use yew::prelude::*;

/// What the app sent along.
fn asked(place: &Place) -> Option<AppSignIn> {
    Some(AppSignIn {
        code_challenge: place.asked("code_challenge")?,
        redirect_uri: place.asked("redirect_uri")?,
        state: place.asked("state")?,
    })
}

#[component]
pub(crate) fn SignInAppPage() -> Html {
    use_title("Sign the app in", None);
    let (backend, session, place) = (use_backend(), use_session(), use_place());
    let (entering, handing) = (use_task(), use_task());
    let handed = use_state_eq(|| false);
    let Some(asked) = asked(&place) else {
        return gate(
            "This link is not complete",
            "Go back to the app and choose to sign in once more.",
            Html::default(),
        );
    };
    let Some(session) = session else { return Html::default() };
    let enter = {
        let (backend, session, entering) = (backend.clone(), session.clone(), entering.clone());
        Callback::from(move |()| {
            let (backend, session) = (backend.clone(), session.clone());
            entering.run(async move {
                session.signed_in(backend.sign_in_by_passkey(None).await?);
                Ok(())
            });
        })
    };
    let hand = {
        let (handing, handed) = (handing.clone(), handed.setter());
        Callback::from(move |()| {
            let (reply, handed) = (backend.sign_app_in(&asked), handed.clone());
            handing.run(async move {
                let redirect = reply.await?;
                handed.set(true);
                if let Some(window) = web_sys::window() {
                    let _ = window.location().assign(&redirect.location);
                }
                Ok(())
            });
        })
    };
    match &session.state {
        SessionState::Asking => html! { <div class="boot-wait" role="status">{ "Opening the desk…" }</div> },
        SessionState::In(_) if *handed => {
            gate("The app is signed in", "You can close this tab and go back to the app.", Html::default())
        }
        SessionState::In(info) => gate(
            "Sign the app in?",
            &format!(
                "The Countersign app on this computer will show what waits at {}, and deny as {}. Approvals still need \
                 your passkey. Go on only if you have just asked for this in the app.",
                info.desk, info.user.name
            ),
            html! {
                <>
                    { form_error(handing.failure(), &[]) }
                    <Button tone="main wide" onclick={hand} busy={handing.is_busy()} testid="app-sign-in">
                        { format!("Sign the app in as {}", info.user.name) }
                    </Button>
                </>
            },
        ),
        SessionState::Out | SessionState::Unknown(_) => gate(
            "Sign in, for the app",
            "The Countersign app on this computer asks to be signed in. First say who you are.",
            html! {
                <>
                    { form_error(entering.failure(), &[]) }
                    <Button tone="main wide" onclick={enter} busy={entering.is_busy()} testid="sign-in">
                        { icon(Picture::Key) }{ "Sign in with a passkey" }
                    </Button>
                </>
            },
        ),
    }
}
