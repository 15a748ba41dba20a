//! Signing in and out.

use crate::desk::SignedIn;
use crate::http::App;
use crate::http::extract::{Body, cookie_name};
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use countersign_wire::requests::{CeremonyFinish, CeremonyOptions};
use countersign_wire::session::{AppRedirect, AppSignIn, AppToken, AppTokenBody, LinkToken, SessionInfo, SignInStart};
use secrecy::{ExposeSecret as _, SecretString};

/// What a sign-in answers: the session's cookie and what the interface wants to know.
pub type Entered = (CookieJar, Json<SessionInfo>);

/// Hands the session's token to the browser, in a cookie that no script can read.
pub async fn entered(app: &App, who: &SignedIn, token: &SecretString) -> Answer<Entered> {
    let cookie = Cookie::build((cookie_name(app), token.expose_secret().to_owned()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.desk.public_url().is_https())
        .build();
    Ok((CookieJar::new().add(cookie), Json(app.desk.session_info(who).await?)))
}

pub async fn get_session(State(app): State<App>, who: SignedIn) -> Answer<Json<SessionInfo>> {
    Ok(Json(app.desk.session_info(&who).await?))
}

pub async fn delete_session(State(app): State<App>, who: SignedIn) -> Answer<(CookieJar, StatusCode)> {
    app.desk.sign_out(&who).await?;
    let expired = Cookie::build((cookie_name(&app), ""))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.desk.public_url().is_https())
        .removal()
        .build();
    Ok((CookieJar::new().add(expired), StatusCode::NO_CONTENT))
}

pub async fn use_link(State(app): State<App>, body: Body<LinkToken>) -> Answer<Entered> {
    let (who, token) = app.desk.sign_in_by_link(&body.value.token).await?;
    entered(&app, &who, &token).await
}

pub async fn start_sign_in(State(app): State<App>, body: Body<SignInStart>) -> Answer<Json<CeremonyOptions>> {
    Ok(Json(app.desk.start_sign_in(body.value).await?))
}

pub async fn finish_sign_in(State(app): State<App>, body: Body<CeremonyFinish>) -> Answer<Entered> {
    let (who, token) = app.desk.finish_sign_in(body.value).await?;
    entered(&app, &who, &token).await
}

pub async fn start_reauth(State(app): State<App>, who: SignedIn) -> Answer<Json<CeremonyOptions>> {
    Ok(Json(app.desk.start_reauth(&who).await?))
}

pub async fn finish_reauth(
    State(app): State<App>,
    who: SignedIn,
    body: Body<CeremonyFinish>,
) -> Answer<Json<SessionInfo>> {
    let renewed = app.desk.finish_reauth(&who, body.value).await?;
    Ok(Json(app.desk.session_info(&renewed).await?))
}

pub async fn make_app_code(State(app): State<App>, who: SignedIn, body: Body<AppSignIn>) -> Answer<Json<AppRedirect>> {
    Ok(Json(app.desk.make_app_code(&who, body.value).await?))
}

pub async fn redeem_app_code(State(app): State<App>, body: Body<AppTokenBody>) -> Answer<Json<AppToken>> {
    Ok(Json(app.desk.redeem_app_code(body.value).await?))
}
