//! Fetching for a component: loading, then an answer or a failure, and again on demand.

use crate::backend::{Backend, Failure, Reply};
use crate::hooks::session::use_backend;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// What is known of something that comes from the server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Loadable<T> {
    Loading,
    Ready(T),
    Failed(Failure),
}

impl<T> Loadable<T> {
    pub(crate) fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }
}

/// Something fetched, and how to fetch it again.
#[derive(Clone, PartialEq)]
pub(crate) struct Fetched<T: PartialEq> {
    pub(crate) data: Loadable<Rc<T>>,
    /// Fetches again; what is shown stays until the answer is here.
    pub(crate) reload: Callback<()>,
}

/// Fetches on first use and whenever `key` changes; answers to older questions are dropped.
#[hook]
pub(crate) fn use_fetch<T: PartialEq + 'static>(key: AttrValue, fetch: fn(&Backend, &str) -> Reply<T>) -> Fetched<T> {
    let backend = use_backend();
    let data = use_state(|| Loadable::Loading);
    let round = use_mut_ref(|| 0_u32);
    let start = {
        let (setter, round, key) = (data.setter(), round.clone(), key.clone());
        Callback::from(move |()| {
            let mine = next(&round);
            let (setter, round, reply) = (setter.clone(), round.clone(), fetch(&backend, &key));
            spawn_local(async move {
                let outcome = reply.await;
                if *round.borrow() == mine {
                    setter.set(outcome.map_or_else(Loadable::Failed, |value| Loadable::Ready(Rc::new(value))));
                }
            });
        })
    };
    {
        let (start, setter) = (start.clone(), data.setter());
        use_effect_with(key, move |_| {
            setter.set(Loadable::Loading);
            start.emit(());
            move || {
                next(&round);
            }
        });
    }
    Fetched { data: (*data).clone(), reload: start }
}

/// Begins another round; answers of earlier ones count no more.
fn next(round: &RefCell<u32>) -> u32 {
    let mut round = round.borrow_mut();
    *round += 1;
    *round
}
