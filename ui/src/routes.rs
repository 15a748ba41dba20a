//! The addresses of the pages, and the words in their queries.

use serde::{Deserialize, Serialize};
use yew_router::Routable;

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

/// `?then=` of the sign-in page: where the reader wanted to go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ThenQuery {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) then: Option<String>,
}

/// `?from=` of the form for a new policy: the request that it is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct FromQuery {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
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
    fn the_way_back_stays_in_the_house() {
        assert_eq!(way_back(None), Route::Requests);
        assert_eq!(way_back(Some("/approve/7")), Route::Approve { id: "7".into() });
        assert_eq!(way_back(Some("/agents?x=1#y")), Route::Agents);
        for elsewhere in ["https://evil.test/", "//evil.test", "/sign-in", "/nowhere", "javascript:alert(1)", ""] {
            assert_eq!(way_back(Some(elsewhere)), Route::Requests, "{elsewhere}");
        }
    }
}
