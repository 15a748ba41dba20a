//! Fetching for a component: loading, then an answer or a failure, and again on demand.

use crate::backend::{Backend, Failure};
use crate::hooks::session::use_backend;
use std::future::Future;
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
    /// Puts an answer in place that came another way.
    pub(crate) replace: Callback<T>,
}

/// Fetches on first use and whenever `key` changes; answers to older questions are dropped.
#[hook]
pub(crate) fn use_fetch<K, T, F, Fut>(key: K, fetch: F) -> Fetched<T>
where
    K: Clone + PartialEq + 'static,
    T: PartialEq + 'static,
    F: Fn(Backend, K) -> Fut + 'static,
    Fut: Future<Output = Result<T, Failure>> + 'static,
{
    let backend = use_backend();
    let data = use_state(|| Loadable::Loading);
    let round = use_mut_ref(|| 0_u32);
    let fetch = Rc::new(fetch);
    let start = {
        let (setter, round, key) = (data.setter(), round.clone(), key.clone());
        Callback::from(move |()| {
            *round.borrow_mut() += 1;
            let mine = *round.borrow();
            let (setter, round, call) = (setter.clone(), round.clone(), fetch(backend.clone(), key.clone()));
            spawn_local(async move {
                let outcome = call.await;
                if *round.borrow() == mine {
                    setter.set(outcome.map_or_else(Loadable::Failed, |value| Loadable::Ready(Rc::new(value))));
                }
            });
        })
    };
    {
        let (start, setter) = (start.clone(), data.setter());
        let round_at_end = round.clone();
        use_effect_with(key, move |_| {
            setter.set(Loadable::Loading);
            start.emit(());
            move || *round_at_end.borrow_mut() += 1
        });
    }
    let replace = {
        let setter = data.setter();
        Callback::from(move |value| {
            *round.borrow_mut() += 1;
            setter.set(Loadable::Ready(Rc::new(value)));
        })
    };
    Fetched { data: (*data).clone(), reload: start, replace }
}
