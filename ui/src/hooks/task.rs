//! One thing that a person asked for: whether it is under way, and why it failed.

use crate::backend::Failure;
use crate::hooks::focus::focus_first_wrong;
use std::future::Future;
use std::pin::Pin;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

type Work = Pin<Box<dyn Future<Output = Result<(), Failure>>>>;

#[derive(Clone, Default, PartialEq)]
struct Standing {
    busy: bool,
    failure: Option<Failure>,
}

/// See the module.
#[derive(Clone, PartialEq)]
pub(crate) struct Task {
    standing: UseStateHandle<Standing>,
}

impl Task {
    pub(crate) fn is_busy(&self) -> bool {
        self.standing.busy
    }

    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.standing.failure.as_ref()
    }

    /// What the server says about a field.
    pub(crate) fn about(&self, field: &str) -> Option<String> {
        self.failure().and_then(|failure| failure.about(field))
    }

    /// Begins, unless it is under way already.
    pub(crate) fn run(&self, work: impl Future<Output = Result<(), Failure>> + 'static) {
        if !self.standing.busy {
            self.start(Box::pin(work));
        }
    }

    /// What went wrong before says nothing of what is asked next.
    pub(crate) fn forget(&self) {
        if !self.standing.busy {
            self.standing.set(Standing::default());
        }
    }

    fn start(&self, work: Work) {
        let set = self.standing.setter();
        set.set(Standing { busy: true, failure: None });
        spawn_local(async move {
            let failure = work.await.err();
            set.set(Standing { busy: false, failure });
        });
    }
}

#[hook]
pub(crate) fn use_task() -> Task {
    let standing = use_state_eq(Standing::default);
    use_effect_with(standing.failure.clone(), |failure| {
        if failure.is_some() {
            focus_first_wrong();
        }
    });
    Task { standing }
}
