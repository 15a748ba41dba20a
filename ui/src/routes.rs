//! The addresses of the pages, and the words in their queries.

use crate::backend::calls::segment;
use web_sys::UrlSearchParams;
use yew_router::Routable;
use yew_router::history::Location;
use yew_router::query::Raw;

/// Every page that there is.
#[derive(Clone, Debug, PartialEq, Routable)]
pub(crate) enum Route {
    #[at("/")]
    Home,
    #[at("/requests")]
    Requests,
    #[at("/requests/:id")]
    Request { id: String },
    #[at("/approve/:id")]
    Approve { id: String },
    #[at("/sign-in")]
    SignIn,
    #[at("/sign-in/link")]
    SignInLink,
    #[at("/setup")]
    Setup,
    #[at("/invitation")]
    Invitation,
    #[at("/policies")]
    Policies,
    #[at("/policies/new")]
    NewPolicy,
    #[at("/policies/:id")]
    Policy { id: String },
    #[at("/connectors")]
    Connectors,
    #[at("/agents")]
    Agents,
    #[at("/people")]
    People,
    #[at("/account")]
    Account,
    #[not_found]
    #[at("/not-found")]
    NotFound,
}

/// What the address says after a name in its query.
pub(crate) fn asked(location: Option<&Location>, name: &str) -> Option<String> {
    let query = UrlSearchParams::new_with_str(location?.query_str()).ok()?;
    query.get(name).filter(|value| !value.is_empty())
}

/// A query of names and values; those without a value are left out. Written by hand: the general encoders are larger
/// than everything that is encoded here.
pub(crate) fn query(pairs: &[(&str, Option<&str>)]) -> Raw<String> {
    let given = pairs.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={}", segment(value))));
    Raw(given.collect::<Vec<_>>().join("&"))
}

/// The page behind a `then`, never an address elsewhere and never a page for people who are not signed in.
pub(crate) fn way_back(then: Option<&str>) -> Route {
    let path = then.unwrap_or_default();
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match Route::recognize(path) {
        Some(Route::SignIn | Route::SignInLink | Route::Setup | Route::Invitation | Route::NotFound) | None => {
            Route::Requests
        }
        Some(Route::Home) => Route::Requests,
        Some(route) => route,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_holds_what_is_given() {
        assert_eq!(query(&[("a", Some("x&y")), ("b", None), ("c", Some("-z"))]).0, "a=x%26y&c=-z");
        assert_eq!(query(&[("b", None)]).0, "");
    }

    #[test]
    fn the_way_back_stays_in_the_house() {
        assert_eq!(way_back(None), Route::Requests);
        assert_eq!(way_back(Some("/approve/7")), Route::Approve { id: "7".into() });
        assert_eq!(way_back(Some("/agents?x=1#y")), Route::Agents);
        for elsewhere in ["https://evil.test/", "//evil.test", "/sign-in", "/nowhere", "javascript:alert(1)", ""] {
            assert_eq!(way_back(Some(elsewhere)), Route::Requests, "{elsewhere}");
        }
    }
}
