//! A real server on a port of its own, with its folder; it stops and goes with the story.

use crate::{Database, Events, HandClock, Person};
use countersign_server::audit::Actor;
use countersign_server::clock::{SharedClock, SystemClock};
use countersign_server::config::{Config, DataFolder, Environment, PublicUrl};
use countersign_server::connectors::DEFAULT_TIMEOUT;
use countersign_server::desk::house::{ensure_desk, sign_in_link};
use countersign_server::desk_file::{DeskFile, Options, apply};
use countersign_server::notify::LONGEST_TRY;
use countersign_server::store::Store;
use countersign_server::vault::{MasterKeySource, Vault};
use countersign_server::{Started, start_with};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A desk that runs.
pub struct Desk {
    /// `http://localhost:<port>`.
    pub origin: String,
    /// The clock that it lives by, unless it is a desk of [`Desk::of_today`].
    pub clock: Arc<HandClock>,
    lives_by: SharedClock,
    terms: Terms,
    setup_link: Option<String>,
    within: Option<countersign_server::desk::Desk>,
    folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
}

/// What a server is started with beside its folder and its clock.
#[derive(Clone)]
struct Terms {
    call_timeout: Duration,
    message_timeout: Duration,
    environment: Environment,
}

impl Default for Terms {
    fn default() -> Self {
        Self { call_timeout: DEFAULT_TIMEOUT, message_timeout: LONGEST_TRY, environment: Environment::default() }
    }
}

/// An HTTP answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; null where it is none.
    pub json: Value,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// Reads an answer.
    pub async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Self { status, headers, json: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    /// The stable code of an error.
    #[must_use]
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// The answer, which must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json
    }
}

/// A desk whose server is not running.
pub struct Stopped(Desk);

impl Stopped {
    /// The desk's database.
    pub async fn database(&self) -> Database {
        self.0.database().await
    }

    /// Its data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.0.folder()
    }

    /// The clock that the desk lives by.
    #[must_use]
    pub fn clock(&self) -> &HandClock {
        &self.0.clock
    }

    /// Starts the server again, at another port.
    pub async fn start(self) -> Desk {
        Desk::on(self.0.folder, self.0.clock, self.0.lives_by, self.0.terms).await
    }

    /// Starts the server again where it was.
    pub async fn start_there(self) -> Desk {
        let was = self.0.origin.rsplit(':').next().unwrap();
        let listener = TcpListener::bind(format!("127.0.0.1:{was}")).await.unwrap();
        Desk::at(listener, self.0.folder, self.0.clock, self.0.lives_by, self.0.terms).await
    }
}

impl Desk {
    /// A desk that was just started for the first time.
    pub async fn fresh() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::<HandClock>::default();
        Self::on(folder, Arc::clone(&clock), clock, Terms::default()).await
    }

    /// A fresh desk whose server finds these variables in its environment, and no others.
    pub async fn knowing(variables: &[(&str, &str)]) -> Self {
        Self::on_terms(Terms { environment: environment_of(variables), ..Terms::default() }).await
    }

    /// The same, giving a try to tell somebody only so long.
    pub async fn hasty(message_timeout: Duration, variables: &[(&str, &str)]) -> Self {
        Self::on_terms(Terms { message_timeout, environment: environment_of(variables), ..Terms::default() }).await
    }

    async fn on_terms(terms: Terms) -> Self {
        let clock = Arc::<HandClock>::default();
        Self::on(tempfile::tempdir().unwrap(), Arc::clone(&clock), clock, terms).await
    }

    /// A fresh desk that gives upstreams only so long to answer.
    pub async fn impatient(call_timeout: Duration) -> Self {
        Self::on_terms(Terms { call_timeout, ..Terms::default() }).await
    }

    /// A desk that lives by the machine's clock, as a browser does, which counts deadlines down itself.
    pub async fn of_today() -> Self {
        Self::on(tempfile::tempdir().unwrap(), Arc::default(), Arc::new(SystemClock), Terms::default()).await
    }

    /// A desk with this desk file, whose variables are given.
    pub async fn with(file: &str, variables: &[(&str, &str)]) -> Self {
        let desk = Self::fresh().await;
        desk.apply(file, variables).await;
        desk
    }

    async fn on(folder: TempDir, clock: Arc<HandClock>, lives_by: SharedClock, terms: Terms) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::at(listener, folder, clock, lives_by, terms).await
    }

    async fn at(
        listener: TcpListener,
        folder: TempDir,
        clock: Arc<HandClock>,
        lives_by: SharedClock,
        terms: Terms,
    ) -> Self {
        let public_url = PublicUrl::localhost(listener.local_addr().unwrap().port()).unwrap();
        let data = DataFolder::prepare(folder.path()).unwrap();
        let config = Config {
            public_url: public_url.clone(),
            data,
            master_key_file: None,
            demo: false,
            call_timeout: terms.call_timeout,
            message_timeout: terms.message_timeout,
            environment: terms.environment.clone(),
        };
        let started: Started = start_with(config, vec![listener], Arc::clone(&lives_by)).await.unwrap();
        let setup_link = started.setup_link().map(|link| link.expose_secret().to_owned());
        let within = Some(started.desk().clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            started.run(stopped).await.unwrap();
        });
        Self {
            origin: public_url.origin(),
            clock,
            lives_by,
            terms,
            setup_link,
            within,
            folder,
            stop: Some(stop),
            running: Some(running),
        }
    }

    /// Stops the server as SIGTERM would.
    pub async fn stop(mut self) -> Stopped {
        drop(self.within.take());
        let _ = self.stop.take().unwrap().send(());
        self.running.take().unwrap().await.unwrap();
        Stopped(self)
    }

    /// Stops the server and leaves its folder.
    pub async fn close(self) -> TempDir {
        self.stop().await.0.folder
    }

    /// Stops the server as SIGTERM would and starts it again on the same folder, at another port.
    pub async fn restart(self) -> Self {
        self.stop().await.start().await
    }

    /// The desk's database, beside the desk.
    pub async fn database(&self) -> Database {
        Database::of(self.folder()).await
    }

    /// The token of a link that signs somebody in without a passkey, as `countersign user link` makes one.
    pub async fn sign_in_token(&self, email: &str) -> String {
        sign_in_token(self.folder(), Arc::clone(&self.lives_by), &self.origin, email).await
    }

    /// The folder that the desk lives in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The desk itself, as the process has it that the server runs within.
    #[must_use]
    pub fn within(&self) -> &countersign_server::desk::Desk {
        self.within.as_ref().unwrap()
    }

    /// The token of the setup link.
    #[must_use]
    pub fn setup_token(&self) -> String {
        self.setup_link.as_deref().unwrap().split('#').nth(1).unwrap().to_owned()
    }

    /// Applies a desk file beside the running server, which picks it up by itself.
    pub async fn apply(&self, file: &str, variables: &[(&str, &str)]) {
        apply_to(self.folder(), Arc::clone(&self.lives_by), file, variables).await;
    }

    /// The same with `--prune`.
    pub async fn apply_and_prune(&self, file: &str, variables: &[(&str, &str)]) {
        let options = Options { prune: true, ..Options::default() };
        apply_with(options, self.folder(), Arc::clone(&self.lives_by), file, variables).await;
    }

    /// Names the desk and makes its first admin.
    pub async fn set_up(&self, name: &str, email: &str) -> Person {
        Person::set_up(self, name, email, false).await
    }

    /// The same at a desk of one person, who approves what their own agents ask.
    pub async fn set_up_alone(&self, name: &str, email: &str) -> Person {
        Person::set_up(self, name, email, true).await
    }

    /// A call without anybody's key or cookie.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        call_at(&self.origin, method, path, body).await
    }

    /// An agent with this key.
    #[must_use]
    pub fn agent(&self, key: &str) -> Agent {
        Agent::at(&self.origin, key)
    }
}

fn environment_of(variables: &[(&str, &str)]) -> Environment {
    Environment::of(variables.iter().map(|(name, value)| ((*name).to_owned(), SecretString::from(*value))))
}

/// The token of a link that signs somebody in without a passkey, at the desk in a folder.
pub async fn sign_in_token(folder: &Path, clock: SharedClock, origin: &str, email: &str) -> String {
    let store = Store::open(&DataFolder::prepare(folder).unwrap()).await.unwrap();
    let actor = Actor::Cli("story".into());
    let link = sign_in_link(&store, &clock, origin, email, actor, false).await.unwrap();
    link.expose_secret().split('#').nth(1).unwrap().to_owned()
}

/// A call to a server without anybody's key or cookie.
pub async fn call_at(origin: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let mut request = Client::new().request(method, format!("{origin}{path}"));
    request = request.header("origin", origin);
    if let Some(body) = body {
        request = request.json(body);
    }
    Answer::read(request.send().await.unwrap()).await
}

/// Applies a desk file to a folder, be there a server on it or not.
pub async fn apply_to(folder: &Path, clock: SharedClock, file: &str, variables: &[(&str, &str)]) {
    apply_with(Options::default(), folder, clock, file, variables).await;
}

async fn apply_with(options: Options, folder: &Path, clock: SharedClock, file: &str, variables: &[(&str, &str)]) {
    let data = DataFolder::prepare(folder).unwrap();
    let store = Store::open(&data).await.unwrap();
    ensure_desk(&store, &clock).await.unwrap();
    let vault = Vault::open(&MasterKeySource::DataFolder(folder.to_owned())).unwrap();
    let file = DeskFile::read(file);
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let environment = Arc::new(move |name: &str| variables.get(name).cloned().map(SecretString::from));
    let actor = Actor::Cli("story".into());
    apply(&store, &vault, &clock, file, environment, actor, options).await.unwrap();
}

/// A program that asks.
#[derive(Clone)]
pub struct Agent {
    origin: String,
    key: String,
    client: Client,
}

impl Agent {
    /// An agent with this key at a server.
    #[must_use]
    pub fn at(origin: &str, key: &str) -> Self {
        Self { origin: origin.to_owned(), key: key.to_owned(), client: Client::new() }
    }

    /// `POST /v1/actions`, whose answer may never come.
    pub async fn try_ask(&self, body: &Value) {
        let request = self.client.post(format!("{}/v1/actions", self.origin)).bearer_auth(&self.key).json(body);
        let _ = request.send().await;
    }

    /// `POST /v1/actions`; the answer's body where one comes.
    pub async fn try_ask_for(&self, body: &Value) -> Option<Value> {
        let request = self.client.post(format!("{}/v1/actions", self.origin)).bearer_auth(&self.key).json(body);
        request.send().await.ok()?.json().await.ok()
    }

    /// `POST /v1/actions`.
    pub async fn ask(&self, body: Value) -> Answer {
        self.send(Method::POST, "/v1/actions", &[], body.to_string()).await
    }

    /// `POST /v1/actions` with headers.
    pub async fn ask_with(&self, headers: &[(&str, &str)], body: Value) -> Answer {
        self.send(Method::POST, "/v1/actions", headers, body.to_string()).await
    }

    /// `GET` a path.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], String::new()).await
    }

    /// Any call, its body as it is.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.origin)).bearer_auth(&self.key);
        if !body.is_empty() {
            request = request.body(body);
            if !headers.iter().any(|(name, _)| *name == "content-type") {
                request = request.header("content-type", "application/json");
            }
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(request.send().await.unwrap()).await
    }

    /// Follows one of its requests, going on after an event where one is given.
    pub async fn follow(&self, id: &str, after: Option<i64>) -> Events {
        let url = format!("{}/v1/approvals/{id}/events", self.origin);
        Events::open(self.client.get(url).bearer_auth(&self.key), after).await
    }

    /// Waits until a request has moved on from where it is.
    pub async fn wait(&self, id: &str) -> Value {
        self.get(&format!("/v1/approvals/{id}?wait=30")).await.expect(200)
    }

    /// Waits until a request has ended.
    pub async fn end_of(&self, id: &str) -> Value {
        loop {
            let now = self.wait(id).await;
            if !["pending", "approved", "executing"].contains(&now["state"].as_str().unwrap()) {
                return now;
            }
        }
    }
}
