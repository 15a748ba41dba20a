//! The desktop app's side of this page: calls go to the shell, which holds the session and makes them; what happens
//! comes as its events. No token is ever here.

use super::{Answer, Failure, Method, clock, failure, read, written};
use countersign_wire::app::{AppAnswer, AppCall, AppPreferences, AppStatus, LIVE_EVENT, PLACE_EVENT, STATUS_EVENT};
use js_sys::{Function, JSON, Promise, Reflect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use yew::Callback;

/// What the shell puts into its own pages, and no browser does.
const GLOBAL: &str = "__TAURI__";

/// Whether this page is in the desktop app's window.
pub(crate) fn is_here() -> bool {
    global().is_some()
}

fn global() -> Option<JsValue> {
    part(web_sys::window()?.as_ref(), GLOBAL)
}

fn part(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &JsValue::from_str(name)).ok().filter(|part| !part.is_undefined() && !part.is_null())
}

fn function(module: &str, name: &str) -> Option<Function> {
    part(&part(&global()?, module)?, name)?.dyn_into().ok()
}

/// Has the shell do something; what it answers.
async fn command<T: DeserializeOwned>(name: &str, arguments: &impl Serialize) -> Result<T, Failure> {
    let arguments = written(arguments).ok_or(Failure::Unreadable)?;
    let answer =
        ask(name, &arguments).await.map_err(|error| error.as_string().map_or(Failure::Unreachable, Failure::App))?;
    let text = JSON::stringify(&answer).ok().and_then(|text| text.as_string());
    failure::parse(text.as_deref().unwrap_or_default())
}

async fn ask(name: &str, arguments: &str) -> Result<JsValue, JsValue> {
    let invoke = function("core", "invoke").ok_or(JsValue::NULL)?;
    let asked: Promise =
        invoke.call2(&JsValue::NULL, &JsValue::from_str(name), &JSON::parse(arguments)?)?.dyn_into()?;
    JsFuture::from(asked).await
}

/// A command that says everything by its name.
async fn plain<T: DeserializeOwned>(name: &str) -> Result<T, Failure> {
    command(name, &json!({})).await
}

pub(super) async fn send(method: Method, path: &str, body: Option<String>) -> Result<Answer, Failure> {
    let call = AppCall { method: method.word().to_owned(), path: path.to_owned(), body };
    let answer: AppAnswer = command("api", &json!({"call": call})).await?;
    clock::learn(answer.date.as_deref());
    Ok(Answer { status: answer.status, body: answer.body })
}

/// Opens the page that is shown in the browser, where passkeys work.
pub(super) async fn open_here_in_browser() -> Result<(), Failure> {
    let path = web_sys::window().and_then(|window| window.location().pathname().ok()).unwrap_or_default();
    command("open_in_browser", &json!({"path": path})).await
}

/// Opens a request in the browser, where the passkey is.
pub(crate) async fn hand_over(id: &str) -> Result<(), Failure> {
    command("open_in_browser", &json!({"path": format!("/approve/{id}")})).await
}

/// Opens the desk's documentation in the browser.
pub(crate) async fn open_docs() -> Result<(), Failure> {
    command("open_in_browser", &json!({"path": "/docs"})).await
}

/// Where somebody is to be taken, if anywhere; said once.
pub(crate) async fn take_place() -> Option<String> {
    plain("take_place").await.ok().flatten()
}

/// Starts the desk on this computer.
pub(crate) async fn run_here() -> Result<(), Failure> {
    plain("run_here").await
}

/// Chooses a team's desk, by its address or a link.
pub(crate) async fn connect(address: String) -> Result<(), Failure> {
    command("connect", &json!({"address": address})).await
}

/// Opens the browser to sign in, or to set the desk up.
pub(crate) async fn sign_in() -> Result<(), Failure> {
    plain("sign_in").await
}

/// Forgets the desk, to choose another one.
pub(crate) async fn leave_desk() -> Result<(), Failure> {
    plain("leave_desk").await
}

/// Tries what failed again.
pub(crate) async fn try_again() -> Result<(), Failure> {
    plain("try_again").await
}

pub(crate) async fn preferences() -> Result<AppPreferences, Failure> {
    plain("preferences").await
}

pub(crate) async fn set_start_at_login(on: bool) -> Result<AppPreferences, Failure> {
    command("set_start_at_login", &json!({"on": on})).await
}

pub(crate) async fn set_do_not_disturb(on: bool) -> Result<AppPreferences, Failure> {
    command("set_do_not_disturb", &json!({"on": on})).await
}

/// Ends the app.
pub(crate) async fn quit() -> Result<(), Failure> {
    plain("quit").await
}

/// What whoever helps wants to know, without secrets.
pub(crate) async fn diagnostics() -> Result<String, Failure> {
    plain("diagnostics").await
}

/// Has the shell say how its stream stands, and that everything is to be fetched again.
pub(super) async fn ask_how_it_stands() {
    let _: Result<(), Failure> = plain("hello").await;
}

/// An event of the shell's that is listened to until this is dropped.
pub(crate) struct Listening {
    stop: Rc<RefCell<Stop>>,
    _heard: Closure<dyn FnMut(JsValue)>,
}

enum Stop {
    NotYet,
    By(Function),
    Dropped,
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Stop::By(stop) = self.stop.replace(Stop::Dropped) {
            let _ = stop.call0(&JsValue::NULL);
        }
    }
}

/// Where the app stands, now and whenever that changes.
pub(crate) fn on_status(heard: Callback<AppStatus>) -> Listening {
    let first = heard.clone();
    let now = async move {
        if let Ok(status) = plain("status").await {
            first.emit(status);
        }
    };
    let heard = move |text: &str| {
        if let Ok(status) = read::from_text(text) {
            heard.emit(status);
        }
    };
    listen(STATUS_EVENT, heard, now)
}

/// Calls when somebody is to be taken somewhere, and once at the beginning.
pub(crate) fn on_place(heard: Callback<()>) -> Listening {
    let first = heard.clone();
    listen(PLACE_EVENT, move |_| heard.emit(()), async move { first.emit(()) })
}

/// What the shell's stream tells, as JSON.
pub(super) fn on_live(heard: impl FnMut(&str) + 'static) -> Listening {
    listen(LIVE_EVENT, heard, ask_how_it_stands())
}

/// `then` is what was to be known before: it is asked for once nothing can be missed any more.
fn listen(
    event: &'static str,
    mut heard: impl FnMut(&str) + 'static,
    then: impl Future<Output = ()> + 'static,
) -> Listening {
    let closure = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| {
        let payload = part(&event, "payload").and_then(|payload| JSON::stringify(&payload).ok());
        heard(&payload.and_then(|text| text.as_string()).unwrap_or_default());
    });
    let stop = Rc::new(RefCell::new(Stop::NotYet));
    let asked = function("event", "listen")
        .and_then(|listen| listen.call2(&JsValue::NULL, &JsValue::from_str(event), closure.as_ref()).ok())
        .and_then(|asked| asked.dyn_into::<Promise>().ok());
    if let Some(asked) = asked {
        let stop = Rc::clone(&stop);
        spawn_local(async move {
            let Ok(function) = JsFuture::from(asked).await.and_then(JsCast::dyn_into::<Function>) else { return };
            if matches!(*stop.borrow(), Stop::Dropped) {
                let _ = function.call0(&JsValue::NULL);
            } else {
                *stop.borrow_mut() = Stop::By(function);
                then.await;
            }
        });
    }
    Listening { stop, _heard: closure }
}
