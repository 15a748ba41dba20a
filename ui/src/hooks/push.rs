//! How pushes stand in this browser, and turning them on.

use crate::backend::PushStanding;
use crate::hooks::session::use_backend;
use crate::hooks::task::{Task, use_task};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// See the module.
#[derive(Clone, PartialEq)]
pub(crate) struct Push {
    /// None as long as it is not known.
    pub(crate) standing: Option<PushStanding>,
    /// Turns them on; to be emitted by a tap.
    pub(crate) turn_on: Callback<()>,
    pub(crate) turning: Task,
    /// Looks again, after something was changed elsewhere.
    pub(crate) look: Callback<()>,
}

/// `onchanged` is told when the desk knows of this browser.
#[hook]
pub(crate) fn use_push(onchanged: Callback<()>) -> Push {
    let (backend, turning) = (use_backend(), use_task());
    let standing = use_state_eq(|| None);
    let look = {
        let (backend, set) = (backend.clone(), standing.setter());
        Callback::from(move |()| {
            let (reply, set) = (backend.push_standing(), set.clone());
            spawn_local(async move { set.set(reply.await.ok()) });
        })
    };
    {
        let look = look.clone();
        use_effect_with((), move |()| look.emit(()));
    }
    let turn_on = {
        let (turning, set) = (turning.clone(), standing.setter());
        Callback::from(move |()| {
            let (set, onchanged) = (set.clone(), onchanged.clone());
            // Begun within the tap itself, or the browser asks nobody.
            let reply = backend.turn_push_on();
            turning.run(async move {
                set.set(Some(reply.await?));
                onchanged.emit(());
                Ok(())
            });
        })
    };
    Push { standing: (*standing).clone(), turn_on, turning, look }
}
