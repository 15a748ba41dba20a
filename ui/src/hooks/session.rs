//! Who is signed in, and the backend that the whole page calls through.

use crate::backend::{Backend, Failure};
use crate::hooks::navigation::take_ticket;
use crate::hooks::toasts::{Tone, use_toasts};
use countersign_domain::user::Role;
use countersign_wire::session::SessionInfo;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// What is known of the session.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SessionState {
    /// Not known yet.
    Asking,
    /// Nobody is signed in.
    Out,
    /// Somebody is.
    In(Rc<SessionInfo>),
    /// The server can't say.
    Unknown(Failure),
}

/// The session, and how to change what is known of it.
#[derive(Clone, PartialEq)]
pub(crate) struct Session {
    pub(crate) state: SessionState,
    set: UseStateSetter<SessionState>,
    backend: Backend,
}

impl Session {
    pub(crate) fn info(&self) -> Option<&Rc<SessionInfo>> {
        match &self.state {
            SessionState::In(info) => Some(info),
            _ => None,
        }
    }

    pub(crate) fn signed_in(&self, info: SessionInfo) {
        self.backend.note_sign_in();
        self.set.set(SessionState::In(Rc::new(info)));
        crate::backend::announce_session_change();
    }

    /// Asks the server who is signed in. A server that is away doesn't sign anybody out.
    pub(crate) fn refresh(&self) {
        refresh(self.backend.clone(), self.set.clone(), self.info().is_some());
    }

    /// Ends the session here and at the server.
    pub(crate) async fn sign_out(&self) -> Result<(), Failure> {
        self.backend.sign_out().await?;
        self.set.set(SessionState::Out);
        crate::backend::announce_session_change();
        Ok(())
    }
}

fn refresh(backend: Backend, set: UseStateSetter<SessionState>, is_in: bool) {
    spawn_local(async move {
        let before = backend.sign_ins();
        let answer = backend.session().await;
        // Somebody signed in while this was under way; the answer is about the time before.
        if before != backend.sign_ins() {
            return;
        }
        match answer {
            Ok(info) => set.set(SessionState::In(Rc::new(info))),
            Err(failure) if failure.code() == Some(countersign_wire::problem::Code::Unauthenticated) => {
                set.set(SessionState::Out);
            }
            Err(_) if is_in => {}
            Err(failure) => set.set(SessionState::Unknown(failure)),
        }
    });
}

/// Who is signed in, or is now by the ticket in the address. A ticket that is spent leaves everything as it was.
fn come_in(backend: Backend, set: UseStateSetter<SessionState>) {
    let Some(ticket) = take_ticket() else { return refresh(backend, set, false) };
    spawn_local(async move {
        match backend.sign_in_by_link(ticket).await {
            Ok(info) => {
                backend.note_sign_in();
                set.set(SessionState::In(Rc::new(info)));
                crate::backend::announce_session_change();
            }
            Err(_) => refresh(backend, set, false),
        }
    });
}

#[derive(Properties, PartialEq)]
pub(crate) struct SessionProviderProps {
    pub(crate) children: Html,
}

/// Asks who is signed in, and gives its children the answer and the backend.
#[component]
pub(crate) fn SessionProvider(props: &SessionProviderProps) -> Html {
    let toasts = use_toasts();
    let state = use_state_eq(|| SessionState::Asking);
    let set = state.setter();
    let backend = {
        let set = set.clone();
        use_memo((), move |()| {
            let asks_again = Callback::from(move |()| {
                toasts.show(Tone::News, "Confirm with your passkey: this changes what may run.");
            });
            Backend::new(Callback::from(move |()| set.set(SessionState::Out)), asks_again)
        })
    };
    {
        let (backend, set) = ((*backend).clone(), set.clone());
        use_effect_with((), move |()| come_in(backend, set));
    }
    let session = Session { state: (*state).clone(), set, backend: (*backend).clone() };
    html! {
        <ContextProvider<Session> context={session}>{ props.children.clone() }</ContextProvider<Session>>
    }
}

/// The backend.
#[hook]
pub(crate) fn use_backend() -> Backend {
    let fallback = use_memo((), |()| Backend::new(Callback::noop(), Callback::noop()));
    use_context::<Session>().map_or_else(|| (*fallback).clone(), |session| session.backend)
}

/// The session; none only outside of the provider.
#[hook]
pub(crate) fn use_session() -> Option<Session> {
    use_context::<Session>()
}

/// Who is signed in.
#[hook]
pub(crate) fn use_me() -> Option<Rc<SessionInfo>> {
    use_context::<Session>().and_then(|session| session.info().cloned())
}

/// Whether the one who is signed in may change what the desk consists of.
#[hook]
pub(crate) fn use_is_admin() -> bool {
    use_me().is_some_and(|info| info.user.role == Role::Admin)
}
