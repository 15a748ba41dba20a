//! What of a card's arguments is folded at first, and whether a reader has seen all of it: "Approve" stays off until
//! everything that was folded was opened once.

use countersign_domain::card::CardValue;
use std::rc::Rc;
use yew::Reducible;

/// Texts over this many characters are folded.
const LONG_TEXT: usize = 400;
/// Objects and lists with more entries than this are folded, save the outermost.
const MANY_ENTRIES: usize = 12;
/// Every so many levels what has more than a few values is folded.
const DEEP: usize = 4;
/// A few: what holds no more than these is never worth a click.
const FEW: usize = 4;

/// Where in the tree: the index of each entry on the way.
pub(crate) type Place = Vec<u32>;

/// Whether a value is folded at first.
pub(crate) fn is_folded_at_first(value: &CardValue, depth: usize) -> bool {
    match value {
        CardValue::Text { characters, .. } => *characters > LONG_TEXT,
        CardValue::Object { entries } => folds(value, entries.len(), depth),
        CardValue::List { items } => folds(value, items.len(), depth),
        _ => false,
    }
}

fn folds(value: &CardValue, entries: usize, depth: usize) -> bool {
    depth > 0 && (entries > MANY_ENTRIES || (depth.is_multiple_of(DEEP) && values(value) > FEW))
}

/// How many values stand in a value.
fn values(value: &CardValue) -> usize {
    match value {
        CardValue::Object { entries } => entries.iter().map(|entry| 1 + values(&entry.value)).sum(),
        CardValue::List { items } => items.iter().map(|item| 1 + values(item)).sum(),
        _ => 0,
    }
}

/// Every place that is folded at first, in order.
pub(crate) fn folded_places(value: &CardValue) -> Vec<Place> {
    let mut places = Vec::new();
    collect(value, &mut Vec::new(), &mut places);
    places
}

fn collect(value: &CardValue, place: &mut Place, places: &mut Vec<Place>) {
    if is_folded_at_first(value, place.len()) {
        places.push(place.clone());
    }
    let mut below = |index: usize, child: &CardValue| {
        place.push(u32::try_from(index).unwrap_or(u32::MAX));
        collect(child, place, places);
        place.pop();
    };
    match value {
        CardValue::Object { entries } => entries.iter().enumerate().for_each(|(at, entry)| below(at, &entry.value)),
        CardValue::List { items } => items.iter().enumerate().for_each(|(at, item)| below(at, item)),
        _ => {}
    }
}

/// One folded place: open now, and opened ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fold {
    open: bool,
    seen: bool,
}

/// What of one card is open now, and what was ever opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Folds {
    places: Rc<Vec<Place>>,
    folds: Vec<Fold>,
    /// The same bytes as text are shown: everything is seen.
    pub(crate) raw: bool,
}

/// What a reader does with the arguments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FoldAction {
    /// Another card is shown.
    Show(Rc<Vec<Place>>),
    /// One place is opened or folded again.
    Toggle(Place),
    /// Everything is opened.
    OpenAll,
    /// Between the tree and the text.
    Raw(bool),
}

impl Folds {
    /// With everything folded that is folded at first.
    pub(crate) fn of(places: Rc<Vec<Place>>) -> Self {
        Self { folds: vec![Fold::default(); places.len()], places, raw: false }
    }

    pub(crate) fn is_open(&self, place: &Place) -> bool {
        self.places.binary_search(place).is_ok_and(|at| self.folds[at].open)
    }

    /// How many places were never opened. Approval is off until there are none.
    pub(crate) fn unseen(&self) -> usize {
        self.folds.iter().filter(|fold| !fold.seen).count()
    }

    /// The state after an action.
    pub(crate) fn after(&self, action: FoldAction) -> Self {
        let mut next = self.clone();
        match action {
            FoldAction::Show(places) if places == next.places => {}
            FoldAction::Show(places) => next = Self::of(places),
            FoldAction::Toggle(place) => {
                if let Ok(at) = next.places.binary_search(&place) {
                    let fold = &mut next.folds[at];
                    *fold = Fold { open: !fold.open, seen: true };
                }
            }
            FoldAction::OpenAll => {
                next.folds.fill(Fold { open: true, seen: true });
                next.raw = false;
            }
            FoldAction::Raw(raw) => {
                next.raw = raw;
                next.folds.iter_mut().for_each(|fold| fold.seen |= raw);
            }
        }
        next
    }
}

impl Reducible for Folds {
    type Action = FoldAction;

    fn reduce(self: Rc<Self>, action: FoldAction) -> Rc<Self> {
        Rc::new(self.after(action))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_domain::card::CardEntry;

    fn text(characters: usize) -> CardValue {
        CardValue::Text { segments: Vec::new(), characters }
    }

    fn object(values: Vec<CardValue>) -> CardValue {
        CardValue::Object { entries: values.into_iter().map(|value| CardEntry { key: Vec::new(), value }).collect() }
    }

    /// A short text, a long one, and a list that is folded and holds another long one.
    fn card() -> Folds {
        let mut items: Vec<_> = (0..20).map(|_| CardValue::Null).collect();
        items.push(text(9_000));
        Folds::of(Rc::new(folded_places(&object(vec![text(3), text(401), CardValue::List { items }]))))
    }

    #[test]
    fn what_is_big_or_deep_is_folded_and_the_outermost_never() {
        assert_eq!(*card().places, [vec![1], vec![2], vec![2, 20]]);
        let wide = object((0..30).map(|_| CardValue::Null).collect());
        assert!(folded_places(&wide).is_empty());
        let deep = (0..14).fold(CardValue::Null, |inner, _| object(vec![inner]));
        assert_eq!(folded_places(&deep).iter().map(Vec::len).collect::<Vec<_>>(), [4, 8]);
    }

    #[test]
    fn a_list_of_small_things_is_one_fold() {
        let tags = || CardValue::List { items: vec![text(1), text(1), object(vec![CardValue::Null])] };
        let items = (0..40).map(|_| object(vec![CardValue::Null, text(7), tags()])).collect();
        assert_eq!(folded_places(&object(vec![CardValue::List { items }])), [vec![0]]);
    }

    #[test]
    fn approval_waits_until_everything_folded_was_opened_once() {
        let folds = card().after(FoldAction::Toggle(vec![1])).after(FoldAction::Toggle(vec![1]));
        assert!(!folds.is_open(&vec![1]));
        assert_eq!(folds.unseen(), 2, "what was opened stays seen when it is folded again");
        let folds = folds.after(FoldAction::Toggle(vec![2]));
        assert_eq!(folds.unseen(), 1, "what is folded inside counts too");
        assert_eq!(folds.after(FoldAction::OpenAll).unseen(), 0);
    }

    #[test]
    fn the_raw_text_shows_everything() {
        let folds = card().after(FoldAction::Raw(true)).after(FoldAction::Raw(false));
        assert_eq!((folds.unseen(), folds.is_open(&vec![1])), (0, false));
    }

    #[test]
    fn another_card_begins_anew_and_the_same_one_does_not() {
        let seen = card().after(FoldAction::OpenAll);
        assert_eq!(seen.after(FoldAction::Show(seen.places.clone())).unseen(), 0);
        assert_eq!(seen.after(FoldAction::Show(Rc::new(vec![vec![0]]))).unseen(), 1);
    }
}
