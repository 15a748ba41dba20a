//! Pages of the lists that admins keep: people, agents, connectors, policies, flows. They are read whole and cut here;
//! the queue, which grows without end, pages in the database (`list.rs`).

use super::error::{DeskError, invalid};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::Timestamp;
use countersign_wire::Page;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// The parameters of such a list, as they came.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageParameters {
    /// Only entries whose name holds this text, whatever its case.
    pub q: Option<String>,
    /// `name`, or `-name` for descending; the list's own order when left out.
    pub sort: Option<String>,
    /// Where the last page ended.
    pub after: Option<String>,
    /// How many entries, at most 200.
    pub limit: Option<usize>,
}

/// The most entries of a page, and how many there are when nothing is said.
const MOST: usize = 200;

/// Where an entry stands in its list: by rank, then by its name, which no other entry has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Place {
    rank: i64,
    name: String,
}

impl Place {
    pub(super) fn by_name(name: &str) -> Self {
        Self { rank: 0, name: name.to_owned() }
    }

    /// The newest first.
    pub(super) fn by_time(at: Timestamp, name: &str) -> Self {
        Self { rank: -at.millis(), name: name.to_owned() }
    }

    /// Highest priority first.
    pub(super) fn by_priority(priority: i32, name: &str) -> Self {
        Self { rank: -i64::from(priority), name: name.to_owned() }
    }
}

/// One page of a list.
///
/// # Errors
/// When a parameter is wrong.
pub(super) fn page<T>(
    items: Vec<T>,
    given: &PageParameters,
    place: impl Fn(&T) -> Place,
) -> Result<Page<T>, DeskError> {
    let limit = given.limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(invalid("limit", format!("1 to {MOST}")));
    }
    let (by_name, descending) = match given.sort.as_deref() {
        None => (false, false),
        Some("name") => (true, false),
        Some("-name") => (true, true),
        Some(_) => return Err(invalid("sort", "name, or -name for descending")),
    };
    let after = given.after.as_deref().map(read_cursor).transpose()?;
    let wanted = given.q.as_deref().unwrap_or_default().to_lowercase();
    let mut placed: Vec<_> = items
        .into_iter()
        .map(|item| (place(&item), item))
        .filter(|(place, _)| place.name.to_lowercase().contains(&wanted))
        .map(|(place, item)| (if by_name { Place { rank: 0, ..place } } else { place }, item))
        .collect();
    match descending {
        false => placed.sort_by(|(a, _), (b, _)| a.cmp(b)),
        true => placed.sort_by_key(|(place, _)| Reverse(place.clone())),
    }
    let passed =
        |place: &Place| after.as_ref().is_some_and(|after| if descending { place >= after } else { place <= after });
    let mut rest = placed.into_iter().skip_while(|(place, _)| passed(place)).peekable();
    let taken: Vec<_> = rest.by_ref().take(limit).collect();
    let next = taken.last().filter(|_| rest.peek().is_some()).map(|(last, _)| write_cursor(last)).transpose()?;
    Ok(Page { items: taken.into_iter().map(|(_, item)| item).collect(), next })
}

fn read_cursor(text: &str) -> Result<Place, DeskError> {
    let wrong = || invalid("after", "this is no cursor of this list; begin at the first page");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?).map_err(|_| wrong())
}

fn write_cursor(place: &Place) -> Result<String, DeskError> {
    let json = serde_json::to_vec(place).map_err(|error| DeskError::Internal(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(sort: Option<&str>, place: impl Fn(&(i32, &'static str)) -> Place + Copy) -> Vec<&'static str> {
        let list = vec![(1, "b"), (9, "d"), (1, "a"), (0, "c"), (9, "e")];
        let mut given = PageParameters { limit: Some(2), sort: sort.map(str::to_owned), ..PageParameters::default() };
        let mut seen = Vec::new();
        loop {
            let page = page(list.clone(), &given, place).unwrap();
            seen.extend(page.items.into_iter().map(|(_, name)| name));
            match page.next {
                None => return seen,
                next => given.after = next,
            }
        }
    }

    #[test]
    fn pages_follow_each_other_whatever_the_order() {
        let by_name = |item: &(i32, &'static str)| Place::by_name(item.1);
        let by_priority = |item: &(i32, &'static str)| Place::by_priority(item.0, item.1);
        assert_eq!(walk(None, by_name), ["a", "b", "c", "d", "e"]);
        assert_eq!(walk(Some("-name"), by_name), ["e", "d", "c", "b", "a"]);
        assert_eq!(walk(None, by_priority), ["d", "e", "a", "b", "c"]);
        assert_eq!(walk(Some("name"), by_priority), ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn a_text_narrows_the_list() {
        let given = PageParameters { q: Some("SHOP".to_owned()), ..PageParameters::default() };
        let found = page(vec!["my-shop", "files"], &given, |name| Place::by_name(name)).unwrap();
        assert_eq!(found.items, ["my-shop"]);
    }

    #[test]
    fn what_can_not_be_read_is_named() {
        for given in [
            PageParameters { limit: Some(0), ..PageParameters::default() },
            PageParameters { limit: Some(201), ..PageParameters::default() },
            PageParameters { sort: Some("age".to_owned()), ..PageParameters::default() },
            PageParameters { after: Some("x".to_owned()), ..PageParameters::default() },
        ] {
            assert!(page(vec!["a"], &given, |name| Place::by_name(name)).is_err(), "{given:?}");
        }
    }
}
