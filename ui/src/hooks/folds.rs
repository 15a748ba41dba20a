//! What of a card's arguments is folded at first, and whether a reader has seen all of it: "Approve" stays off until
//! everything that was folded was opened once.

use countersign_domain::card::CardValue;
use std::collections::BTreeSet;
use std::rc::Rc;
use yew::Reducible;

/// Texts over this many characters are folded.
const LONG_TEXT: usize = 400;
/// Objects and lists with more entries than this are folded, save the outermost.
const MANY_ENTRIES: usize = 12;
/// Whatever is this deep is folded, if it has entries.
const DEEP: usize = 4;

/// Where in the tree: the index of each entry on the way.
pub(crate) type Place = Vec<u32>;

/// Whether a value is folded at first.
pub(crate) fn is_folded_at_first(value: &CardValue, depth: usize) -> bool {
    match value {
        CardValue::Text { characters, .. } => *characters > LONG_TEXT,
        CardValue::Object { entries } => depth > 0 && folds(entries.len(), depth),
        CardValue::List { items } => depth > 0 && folds(items.len(), depth),
        _ => false,
    }
}

fn folds(entries: usize, depth: usize) -> bool {
    entries > MANY_ENTRIES || (depth >= DEEP && entries > 0)
}

/// Every place that is folded at first.
pub(crate) fn folded_places(value: &CardValue) -> BTreeSet<Place> {
    let mut places = BTreeSet::new();
    collect(value, &mut Vec::new(), &mut places);
    places
}

fn collect(value: &CardValue, place: &mut Place, places: &mut BTreeSet<Place>) {
    if is_folded_at_first(value, place.len()) {
        places.insert(place.clone());
    }
    let children: Box<dyn Iterator<Item = &CardValue>> = match value {
        CardValue::Object { entries } => Box::new(entries.iter().map(|entry| &entry.value)),
        CardValue::List { items } => Box::new(items.iter()),
        _ => return,
    };
    for (index, child) in children.enumerate() {
        place.push(u32::try_from(index).unwrap_or(u32::MAX));
        collect(child, place, places);
        place.pop();
    }
}

/// What of one card is open now, and what was ever opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Folds {
    folded: BTreeSet<Place>,
    seen: BTreeSet<Place>,
    open: BTreeSet<Place>,
    /// The same bytes as text are shown: everything is seen.
    pub(crate) raw: bool,
}

/// What a reader does with the arguments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FoldAction {
    /// Another card is shown.
    Show(BTreeSet<Place>),
    /// One place is opened or folded again.
    Toggle(Place),
    /// Everything is opened.
    OpenAll,
    /// Between the tree and the text.
    Raw(bool),
}

impl Folds {
    /// With everything folded that is folded at first.
    pub(crate) fn of(folded: BTreeSet<Place>) -> Self {
        Self { folded, ..Self::default() }
    }

    pub(crate) fn is_open(&self, place: &Place) -> bool {
        self.open.contains(place)
    }

    /// How many places were never opened. Approval is off until there are none.
    pub(crate) fn unseen(&self) -> usize {
        self.folded.difference(&self.seen).count()
    }

    /// The state after an action.
    pub(crate) fn after(&self, action: FoldAction) -> Self {
        let mut folds = self.clone();
        match action {
            FoldAction::Show(folded) if folded == folds.folded => {}
            FoldAction::Show(folded) => folds = Self::of(folded),
            FoldAction::Toggle(place) => {
                folds.seen.insert(place.clone());
                if !folds.open.remove(&place) {
                    folds.open.insert(place);
                }
            }
            FoldAction::OpenAll => folds.open_all(),
            FoldAction::Raw(raw) => {
                folds.raw = raw;
                if raw {
                    folds.seen.clone_from(&folds.folded);
                }
            }
        }
        folds
    }

    fn open_all(&mut self) {
        self.open.clone_from(&self.folded);
        self.seen.clone_from(&self.folded);
        self.raw = false;
    }
}

impl Reducible for Folds {
    type Action = FoldAction;

    fn reduce(self: Rc<Self>, action: FoldAction) -> Rc<Self> {
        Rc::new(self.after(action))
    }
}
