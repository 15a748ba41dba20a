//! The whole: contexts around, one page inside.

use crate::components::app_gate::AppGate;
use crate::components::desk_away::DeskAway;
use crate::components::opening::Opening;
use crate::components::shell::Shell;
use crate::components::toast_region::ToastProvider;
use crate::hooks::clock::ClockProvider;
use crate::hooks::navigation::{NavigationProvider, use_navigator, use_place};
use crate::hooks::session::{SessionProvider, SessionState, use_session};
use crate::pages::account::AccountPage;
use crate::pages::agents::AgentsPage;
use crate::pages::approve::ApprovePage;
use crate::pages::connectors::ConnectorsPage;
use crate::pages::deliveries::DeliveriesPage;
use crate::pages::flow_form::FlowFormPage;
use crate::pages::flows::FlowsPage;
use crate::pages::invitation::InvitationPage;
use crate::pages::not_found::NotFoundPage;
use crate::pages::outside::OutsidePage;
use crate::pages::people::PeoplePage;
use crate::pages::policies::PoliciesPage;
use crate::pages::policy_form::PolicyFormPage;
use crate::pages::requests::RequestsPage;
use crate::pages::setup::SetupPage;
use crate::pages::sign_in::SignInPage;
use crate::pages::sign_in_app::SignInAppPage;
use crate::pages::sign_in_link::SignInLinkPage;
use crate::routes::{Route, query};
use yew::prelude::*;

#[component]
pub(crate) fn App() -> Html {
    html! {
        <ClockProvider>
            <NavigationProvider>
                <ToastProvider>
                    <AppGate>
                        <SessionProvider>
                            <Pages />
                        </SessionProvider>
                    </AppGate>
                </ToastProvider>
            </NavigationProvider>
        </ClockProvider>
    }
}

/// The page at the address.
#[component]
fn Pages() -> Html {
    let place = use_place();
    match Route::recognize(&place.path) {
        Route::SignIn => html! { <SignInPage /> },
        Route::SignInLink => html! { <SignInLinkPage /> },
        Route::SignInApp => html! { <SignInAppPage /> },
        Route::Setup => html! { <SetupPage /> },
        Route::Invitation => html! { <InvitationPage /> },
        Route::Outside => html! { <OutsidePage /> },
        Route::Home => html! { <Away to={Route::Requests} query="" /> },
        route => html! { <Private {route} then={place.path} /> },
    }
}

#[derive(Properties, PartialEq)]
struct PrivateProps {
    route: Route,
    /// The way back, for those who have to sign in first.
    then: AttrValue,
}

/// Pages for people who are signed in; anybody else is sent to sign in, with the way back.
#[component]
fn Private(props: &PrivateProps) -> Html {
    let session = use_session();
    let Some(session) = session else { return Html::default() };
    match &session.state {
        SessionState::Asking => html! { <Opening /> },
        SessionState::Out => {
            let then = Some(&*props.then).filter(|path| *path != "/requests");
            html! { <Away to={Route::SignIn} query={query(&[("then", then)])} /> }
        }
        SessionState::Unknown(failure) => html! { <DeskAway failure={failure.clone()} /> },
        SessionState::In(_) => {
            html! { <Shell route={props.route.clone()}>{ signed_in(&props.route) }</Shell> }
        }
    }
}

/// The page itself. List and panel are one component, so that opening a request does not draw the list anew.
fn signed_in(route: &Route) -> Html {
    match route {
        Route::Requests => html! { <RequestsPage /> },
        Route::Request { id } => html! { <RequestsPage open={AttrValue::from(id.clone())} /> },
        Route::Approve { id } => html! { <ApprovePage id={id.clone()} /> },
        Route::Policies => html! { <PoliciesPage /> },
        Route::NewPolicy => html! { <PolicyFormPage /> },
        Route::Policy { id } => html! { <PolicyFormPage id={AttrValue::from(id.clone())} /> },
        Route::Flows => html! { <FlowsPage /> },
        Route::NewFlow => html! { <FlowFormPage /> },
        Route::Flow { id } => html! { <FlowFormPage id={AttrValue::from(id.clone())} /> },
        Route::Connectors => html! { <ConnectorsPage /> },
        Route::Agents => html! { <AgentsPage /> },
        Route::People => html! { <PeoplePage /> },
        Route::Deliveries => html! { <DeliveriesPage /> },
        Route::Account => html! { <AccountPage /> },
        _ => html! { <NotFoundPage /> },
    }
}

#[derive(Properties, PartialEq)]
struct AwayProps {
    to: Route,
    query: AttrValue,
}

/// Sends the reader elsewhere.
#[component]
fn Away(props: &AwayProps) -> Html {
    let navigator = use_navigator();
    use_effect_with((props.to.clone(), props.query.clone()), move |(to, query)| {
        if let Some(navigator) = navigator {
            navigator.replace_with(to, query);
        }
    });
    Html::default()
}
