//! The addresses of the pages, and the words in their queries.

use crate::backend::calls::segment;

/// Every page that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Home,
    Requests,
    Request { id: String },
    Approve { id: String },
    SignIn,
    SignInLink,
    SignInApp,
    Setup,
    Invitation,
    Outside,
    Policies,
    NewPolicy,
    Policy { id: String },
    Flows,
    NewFlow,
    Flow { id: String },
    Connectors,
    Agents,
    People,
    Deliveries,
    Account,
    NotFound,
}

impl Route {
    /// The page at a path.
    pub(crate) fn recognize(path: &str) -> Self {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let id = |id: &str| id.to_owned();
        match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => Self::Home,
            (Some("requests"), None, _) => Self::Requests,
            (Some("requests"), Some(one), None) => Self::Request { id: id(one) },
            (Some("approve"), Some(one), None) => Self::Approve { id: id(one) },
            (Some("sign-in"), None, _) => Self::SignIn,
            (Some("sign-in"), Some("link"), None) => Self::SignInLink,
            (Some("sign-in"), Some("app"), None) => Self::SignInApp,
            (Some("setup"), None, _) => Self::Setup,
            (Some("invitation"), None, _) => Self::Invitation,
            (Some("outside"), None, _) => Self::Outside,
            (Some("policies"), None, _) => Self::Policies,
            (Some("policies"), Some("new"), None) => Self::NewPolicy,
            (Some("policies"), Some(one), None) => Self::Policy { id: id(one) },
            (Some("flows"), None, _) => Self::Flows,
            (Some("flows"), Some("new"), None) => Self::NewFlow,
            (Some("flows"), Some(one), None) => Self::Flow { id: id(one) },
            (Some("connectors"), None, _) => Self::Connectors,
            (Some("agents"), None, _) => Self::Agents,
            (Some("people"), None, _) => Self::People,
            (Some("deliveries"), None, _) => Self::Deliveries,
            (Some("account"), None, _) => Self::Account,
            _ => Self::NotFound,
        }
    }

    /// The page's path. Ids are taken from paths and from the server; neither may add a segment.
    pub(crate) fn path(&self) -> String {
        let below = |folder: &str, id: &str| format!("{folder}{}", segment(id));
        match self {
            Self::Home => "/".to_owned(),
            Self::Requests => "/requests".to_owned(),
            Self::Request { id } => below("/requests/", id),
            Self::Approve { id } => below("/approve/", id),
            Self::SignIn => "/sign-in".to_owned(),
            Self::SignInLink => "/sign-in/link".to_owned(),
            Self::SignInApp => "/sign-in/app".to_owned(),
            Self::Setup => "/setup".to_owned(),
            Self::Invitation => "/invitation".to_owned(),
            Self::Outside => "/outside".to_owned(),
            Self::Policies => "/policies".to_owned(),
            Self::NewPolicy => "/policies/new".to_owned(),
            Self::Policy { id } => below("/policies/", id),
            Self::Flows => "/flows".to_owned(),
            Self::NewFlow => "/flows/new".to_owned(),
            Self::Flow { id } => below("/flows/", id),
            Self::Connectors => "/connectors".to_owned(),
            Self::Agents => "/agents".to_owned(),
            Self::People => "/people".to_owned(),
            Self::Deliveries => "/deliveries".to_owned(),
            Self::Account => "/account".to_owned(),
            Self::NotFound => "/not-found".to_owned(),
        }
    }
}

impl Route {
    /// The id of the request that is open there.
    pub(crate) fn request(self) -> Option<String> {
        match self {
            Self::Request { id } | Self::Approve { id } => Some(id),
            _ => None,
        }
    }

    /// Whether it is a page for people who are signed in.
    pub(crate) fn is_private(&self) -> bool {
        !matches!(
            self,
            Self::Home
                | Self::SignIn
                | Self::SignInLink
                | Self::SignInApp
                | Self::Setup
                | Self::Invitation
                | Self::Outside
                | Self::NotFound
        )
    }
}

/// A query of names and values; those without a value are left out.
pub(crate) fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={}", segment(value))));
    given.collect::<Vec<_>>().join("&")
}

/// The page behind a `then`, never an address elsewhere and never a page for people who are not signed in.
pub(crate) fn way_back(then: Option<&str>) -> Route {
    let path = then.unwrap_or_default();
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if !path.starts_with('/') || path.starts_with("//") {
        return Route::Requests;
    }
    match Route::recognize(path) {
        route if route.is_private() => route,
        _ => Route::Requests,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_found_at_its_own_path() {
        let id = "0198-a".to_owned();
        for route in [
            Route::Home,
            Route::Requests,
            Route::Request { id: id.clone() },
            Route::Approve { id: id.clone() },
            Route::SignIn,
            Route::SignInLink,
            Route::SignInApp,
            Route::Setup,
            Route::Invitation,
            Route::Outside,
            Route::Policies,
            Route::NewPolicy,
            Route::Policy { id: id.clone() },
            Route::Flows,
            Route::NewFlow,
            Route::Flow { id },
            Route::Connectors,
            Route::Agents,
            Route::People,
            Route::Deliveries,
            Route::Account,
            Route::NotFound,
        ] {
            assert_eq!(Route::recognize(&route.path()), route);
        }
        assert_eq!(Route::recognize("/requests/"), Route::Requests);
        for nowhere in ["/request", "/requests/1/2", "/sign-in/links", "/setup/x", "/x"] {
            assert_eq!(Route::recognize(nowhere), Route::NotFound, "{nowhere}");
        }
    }

    #[test]
    fn a_query_holds_what_is_given() {
        assert_eq!(query(&[("a", Some("x&y")), ("b", None), ("c", Some("-z"))]), "a=x%26y&c=-z");
        assert_eq!(query(&[("b", None)]), "");
    }

    #[test]
    fn the_way_back_stays_in_the_house() {
        assert_eq!(way_back(None), Route::Requests);
        assert_eq!(way_back(Some("/approve/7")), Route::Approve { id: "7".into() });
        assert_eq!(way_back(Some("/agents?x=1#y")), Route::Agents);
        for elsewhere in
            ["https://evil.test/", "//evil.test", "/sign-in", "/outside", "/nowhere", "javascript:alert(1)", ""]
        {
            assert_eq!(way_back(Some(elsewhere)), Route::Requests, "{elsewhere}");
        }
    }
}
