//! Short notices at the edge of the page. Errors stay longer and are announced at once; none goes while somebody points
//! at one or is in one.

use crate::routes::Route;
use gloo_timers::future::TimeoutFuture;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// More than these at once help nobody; the oldest goes.
const MOST: usize = 4;

/// How a notice looks and how it is read out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Something arrived.
    News,
    /// Something worked.
    Good,
    /// Something did not.
    Bad,
}

impl Tone {
    const fn lasts_ms(self) -> u32 {
        match self {
            Self::News | Self::Good => 7_000,
            Self::Bad => 15_000,
        }
    }
}

/// One notice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Toast {
    pub(crate) key: u32,
    pub(crate) tone: Tone,
    pub(crate) text: AttrValue,
    /// A page that it leads to.
    pub(crate) leads_to: Option<Route>,
    /// Its time is up; it is only held.
    over: bool,
}

/// The notices that are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ToastList {
    pub(crate) shown: Vec<Toast>,
    held: bool,
}

pub(crate) enum ToastAction {
    Show {
        key: u32,
        tone: Tone,
        text: AttrValue,
        leads_to: Option<Route>,
    },
    /// Its time is up.
    Expire(u32),
    Dismiss(u32),
    /// Somebody points at the notices or is in them, or no longer.
    Hold(bool),
}

impl ToastList {
    fn after(&self, action: ToastAction) -> Self {
        let mut list = self.clone();
        match action {
            ToastAction::Show { key, tone, text, leads_to } => {
                // The same words twice are one notice that lasts longer.
                list.shown.retain(|toast| toast.text != text || toast.tone != tone);
                list.shown.push(Toast { key, tone, text, leads_to, over: false });
                let over = list.shown.len().saturating_sub(MOST);
                list.shown.drain(..over);
            }
            ToastAction::Expire(key) => {
                list.shown.iter_mut().filter(|toast| toast.key == key).for_each(|toast| toast.over = true);
            }
            ToastAction::Dismiss(key) => {
                list.shown.retain(|toast| toast.key != key);
                // The button that had the focus went with it, and says no more that it lost it.
                list.held = false;
            }
            ToastAction::Hold(held) => list.held = held,
        }
        if !list.held {
            list.shown.retain(|toast| !toast.over);
        }
        list
    }
}

impl Reducible for ToastList {
    type Action = ToastAction;

    fn reduce(self: Rc<Self>, action: ToastAction) -> Rc<Self> {
        Rc::new(self.after(action))
    }
}

/// What components hold to show a notice.
#[derive(Clone, PartialEq)]
pub(crate) struct Toasts {
    act: Callback<ToastAction>,
    count: Rc<Cell<u32>>,
}

impl Toasts {
    /// For the one component that draws the notices.
    pub(crate) fn of(list: &UseReducerHandle<ToastList>, count: Rc<Cell<u32>>) -> Self {
        let dispatch = list.dispatcher();
        Self { act: Callback::from(move |action| dispatch.dispatch(action)), count }
    }

    pub(crate) fn show(&self, tone: Tone, text: impl Into<AttrValue>) {
        self.show_with(tone, text, None);
    }

    pub(crate) fn show_with(&self, tone: Tone, text: impl Into<AttrValue>, leads_to: Option<Route>) {
        let key = self.count.get();
        self.count.set(key.wrapping_add(1));
        self.act.emit(ToastAction::Show { key, tone, text: text.into(), leads_to });
        let act = self.act.clone();
        spawn_local(async move {
            TimeoutFuture::new(tone.lasts_ms()).await;
            act.emit(ToastAction::Expire(key));
        });
    }

    pub(crate) fn hold(&self, on: bool) {
        self.act.emit(ToastAction::Hold(on));
    }

    pub(crate) fn dismiss(&self, key: u32) {
        self.act.emit(ToastAction::Dismiss(key));
    }
}

/// For showing notices.
#[hook]
pub(crate) fn use_toasts() -> Toasts {
    use_context::<Toasts>().unwrap_or_else(|| Toasts { act: Callback::noop(), count: Rc::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(list: &ToastList, key: u32, text: &'static str) -> ToastList {
        list.after(ToastAction::Show { key, tone: Tone::News, text: text.into(), leads_to: None })
    }

    #[test]
    fn the_oldest_makes_room_and_the_same_words_are_one() {
        let mut list = ToastList::default();
        for (key, text) in ["a", "b", "c", "d", "e", "c"].into_iter().enumerate() {
            list = show(&list, u32::try_from(key).unwrap(), text);
        }
        let words: Vec<_> = list.shown.iter().map(|toast| toast.text.as_str()).collect();
        assert_eq!(words, ["b", "d", "e", "c"]);
        let list = list.after(ToastAction::Dismiss(3));
        assert_eq!(list.shown.len(), 3);
    }

    #[test]
    fn a_notice_stays_while_it_is_held_and_goes_when_it_is_let_go() {
        let held = show(&show(&ToastList::default(), 1, "a"), 2, "b").after(ToastAction::Hold(true));
        let late = held.after(ToastAction::Expire(1));
        assert_eq!(late.shown.len(), 2);
        let words: Vec<_> = late.after(ToastAction::Hold(false)).shown.into_iter().map(|toast| toast.text).collect();
        assert_eq!(words, ["b"]);
        assert_eq!(held.after(ToastAction::Hold(false)).after(ToastAction::Expire(1)).shown.len(), 1);
        assert!(late.after(ToastAction::Dismiss(2)).shown.is_empty(), "nothing holds them any more");
    }
}
