//! The use cases: submit, decide, execute, expire and the rest. Each is one transaction of domain, store and audit.
//!
//! Doors call these and nothing below them. Rules are the domain's; here they meet what is stored.

mod access;
mod agent_door;
mod agents;
mod also_ask;
mod answer;
pub mod app_sign_in;
mod arguments;
mod call;
mod callbacks;
mod card;
mod ceremony;
mod claim;
mod connectors;
mod course;
mod decide;
mod delegations;
mod deliveries;
mod dry_run;
pub mod error;
mod execute;
mod fit;
pub(crate) mod flow_rules;
mod flows;
mod grants;
pub mod health;
pub mod house;
pub mod list;
mod mcp_sessions;
mod my_browsers;
mod my_passkeys;
mod my_preferences;
mod notices;
mod outbox;
mod outside;
mod paging;
mod people;
mod permissions;
mod policies;
mod presence;
mod progress;
mod proof;
mod report;
mod ring;
mod send_on;
mod session;
mod setup;
pub mod snapshot;
mod stream;
mod submit;
mod upstreams;
mod withdraw;

pub use access::{AccessAsk, AccessAsked};
pub use agent_door::AgentCaller;
pub use agents::AgentKey;
pub use answer::Wait;
pub use arguments::AskedArguments;
pub use callbacks::{NO_CALLBACK_URL, NewCallback, is_callback_url};
pub use claim::ClaimKey;
pub use deliveries::DeliveryParameters;
pub use dry_run::Outlook;
pub use error::{DeskError, Refusal};
pub use execute::Sending;
pub use grants::GrantParameters;
pub use outbox::request_behind;
pub use paging::PageParameters;
pub use permissions::Offer;
pub use presence::Waiting;
pub use progress::Following;
pub use session::{Admin, SignedIn, Widening};
pub(crate) use setup::ensure_default_flow;
pub use stream::{Hub, Watch};
pub use submit::{Ask, Submitted};
pub use upstreams::Upstream;
pub(crate) use withdraw::{Lapse, withdraw_all, withdraw_all_of};

use crate::auth::passkeys::Passkeys;
use crate::clock::{SharedClock, fresh_id};
use crate::config::{Environment, PublicUrl};
use crate::connectors::Connectors;
use crate::notify::push::WebPush;
use crate::notify::{self, Couriers, VapidKey};
use crate::store::desk::DeskSettings;
use crate::store::requests::Request;
use crate::store::{self, Connection, Store, StoreError};
use crate::vault::Vault;
use call::StoredCall;
use countersign_domain::Timestamp;
use countersign_domain::canonical::Canonical;
use countersign_domain::delivery::Channel;
use countersign_domain::ids::{ConnectorId, RequestId, SessionId};
use countersign_domain::request::RequestState;
use countersign_wire::events::EventKind;
use futures::future::BoxFuture;
use presence::Callers;
use progress::Followed;
use snapshot::Snapshot;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, watch};
use uuid::Uuid;

/// What a desk is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// What seals and opens.
    pub vault: Arc<Vault>,
    /// How calls leave.
    pub connectors: Connectors,
    /// The passkeys' relying party.
    pub passkeys: Passkeys,
    /// The one clock.
    pub clock: SharedClock,
    /// The address that people and agents use.
    pub public_url: PublicUrl,
    /// Whether this is the throw-away demo.
    pub demo: bool,
    /// How long an upstream may take to answer a call.
    pub call_timeout: Duration,
    /// How long a try to tell somebody may take.
    pub message_timeout: Duration,
    /// Where secrets are that settings name.
    pub environment: Environment,
    /// What browsers know the desk's pushes by.
    pub push_key: VapidKey,
}

struct Inner {
    parts: Parts,
    web_push: Arc<WebPush>,
    snapshot: RwLock<Arc<Snapshot>>,
    hub: Hub,
    timers: Notify,
    sessions_ended: broadcast::Sender<SessionId>,
    connectors_moved: broadcast::Sender<ConnectorId>,
    under_way: watch::Sender<usize>,
    callers: Callers,
    followed: Followed,
    settings: watch::Sender<i64>,
    stopping: AtomicBool,
    couriers: Mutex<Option<(DeskSettings, Couriers)>>,
}

/// A call under way; a stop waits until none is left.
struct UnderWay<'a>(&'a watch::Sender<usize>);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// The desk. Cheap to clone; every door holds one.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

/// How often a use case is tried again when admins change something under its feet.
const SNAPSHOT_TRIES: usize = 8;

impl Desk {
    /// Opens the desk on its parts, reading what admins have set.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn open(parts: Parts) -> Result<Self, DeskError> {
        let last = store::events::last(&mut parts.store.read().await?).await?;
        let snapshot = read_snapshot(&parts.store, None).await?;
        let inner = Inner {
            web_push: Arc::new(WebPush::new(parts.push_key.clone(), &parts.public_url)),
            parts,
            snapshot: RwLock::new(Arc::new(snapshot)),
            hub: Hub::new(last),
            timers: Notify::new(),
            sessions_ended: broadcast::channel(256).0,
            connectors_moved: broadcast::channel(256).0,
            under_way: watch::channel(0).0,
            callers: Callers::default(),
            followed: Followed::default(),
            settings: watch::channel(0).0,
            stopping: AtomicBool::new(false),
            couriers: Mutex::new(None),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.parts.clock.now()
    }

    /// The one clock.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.inner.parts.clock
    }

    /// The address that people and agents use.
    #[must_use]
    pub fn public_url(&self) -> &PublicUrl {
        &self.inner.parts.public_url
    }

    /// Whether this is the throw-away demo.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.inner.parts.demo
    }

    /// Which connectors are set up otherwise from now on.
    #[must_use]
    pub fn connectors_moved(&self) -> broadcast::Receiver<ConnectorId> {
        self.inner.connectors_moved.subscribe()
    }

    /// Changes when what admins set is seen to have changed.
    #[must_use]
    pub fn settings_moved(&self) -> watch::Receiver<i64> {
        self.inner.settings.subscribe()
    }

    /// Where events come from.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    /// Rings when a timer was set that may be due sooner than those before it.
    #[must_use]
    pub fn timer_bell(&self) -> &Notify {
        &self.inner.timers
    }

    /// How calls leave.
    #[must_use]
    pub fn outgoing(&self) -> &Connectors {
        &self.inner.parts.connectors
    }

    /// Rings when something was put into the outbox.
    #[must_use]
    pub fn outbox_bell(&self) -> &Notify {
        self.store().outbox_bell()
    }

    fn variables(&self) -> &Environment {
        &self.inner.parts.environment
    }

    /// Who carries messages, set up as the settings are now.
    fn couriers(&self) -> Couriers {
        let settings = self.snapshot().desk.settings.clone();
        let mut held = self.inner.couriers.lock().unwrap_or_else(PoisonError::into_inner);
        match &*held {
            Some((of, couriers)) if *of == settings => couriers.clone(),
            _ => {
                let web_push = Arc::clone(&self.inner.web_push);
                let couriers = notify::set_up(&settings, self.variables()).with(Channel::Push, web_push);
                *held = Some((settings, couriers.clone()));
                couriers
            }
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.parts.store
    }

    fn vault(&self) -> &Vault {
        &self.inner.parts.vault
    }

    fn passkeys(&self) -> &Passkeys {
        &self.inner.parts.passkeys
    }

    fn fresh(&self) -> Uuid {
        fresh_id(self.now())
    }

    /// What admins have set, as of the last look.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.inner.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads what admins have set again, if it has changed.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn refresh(&self) -> Result<(), DeskError> {
        let mut connection = self.store().read().await?;
        if store::desk::config_version(&mut connection).await? == self.snapshot().version() {
            return Ok(());
        }
        drop(connection);
        let fresh = Arc::new(read_snapshot(self.store(), Some(&self.snapshot())).await?);
        let mut held = self.inner.snapshot.write().unwrap_or_else(PoisonError::into_inner);
        // Of two that refresh at once the newer one stays.
        if fresh.version() > held.version() {
            // Whoever changed it, and wherever: a process has no business running on with an old credential, and what
            // is new is looked at now.
            for entry in fresh.set_up_otherwise_than(&held) {
                self.outgoing().retire(entry.connector.id);
                // Nobody listens in a desk that does nothing by itself.
                let _ = self.inner.connectors_moved.send(entry.connector.id);
            }
            self.inner.settings.send_replace(fresh.version());
            *held = fresh;
        }
        Ok(())
    }

    /// Runs a use case on the current snapshot, and again on a newer one when that changed under its feet.
    async fn with_snapshot<T, F>(&self, mut attempt: impl FnMut(Arc<Snapshot>) -> F) -> Result<T, DeskError>
    where
        F: Future<Output = Result<T, DeskError>>,
    {
        for _ in 0..SNAPSHOT_TRIES {
            match attempt(self.snapshot()).await {
                Err(DeskError::SnapshotOld) => self.refresh().await?,
                done => return done,
            }
        }
        Err(DeskError::Internal("the desk's settings keep changing".into()))
    }

    /// Runs a use case that changes what admins set: in the same transaction every snapshot is told that it is old.
    async fn configure<T, F>(&self, use_case: F) -> Result<T, DeskError>
    where
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, DeskError>> + Send + 'static,
        T: Send + 'static,
    {
        let done = self
            .store()
            .write(move |connection| {
                Box::pin(async move {
                    let done = use_case(connection).await?;
                    store::desk::bump_config(connection).await?;
                    Ok::<_, DeskError>(done)
                })
            })
            .await?;
        self.refresh().await?;
        Ok(done)
    }

    /// Seals a part of a request.
    fn seal(&self, part: SealedPart, request: Uuid, plain: &[u8]) -> Result<Vec<u8>, DeskError> {
        Ok(self.vault().seal(part.word(), request, plain)?)
    }

    fn unseal(&self, part: SealedPart, request: Uuid, sealed: &[u8]) -> Result<Vec<u8>, DeskError> {
        Ok(self.vault().unseal(part.word(), request, sealed)?)
    }

    /// Seals what will be sent and where to.
    fn seal_call(&self, request: RequestId, call: &StoredCall) -> Result<Vec<u8>, DeskError> {
        self.seal(SealedPart::Call, request.0, &call.written()?)
    }

    /// What will be sent, or was, and where to.
    fn call_of(&self, request: &Request) -> Result<StoredCall, DeskError> {
        let Some(target) = &request.bare_target else {
            return StoredCall::read(&self.unseal(SealedPart::Call, request.id.0, &request.arguments)?);
        };
        let arguments = self.unseal(SealedPart::Arguments, request.id.0, &request.arguments)?;
        Ok(StoredCall { arguments: Canonical::stored(arguments), target: target.clone() })
    }

    /// Counts a call as under way until the guard is dropped.
    fn under_way(&self) -> UnderWay<'_> {
        self.inner.under_way.send_modify(|count| *count += 1);
        UnderWay(&self.inner.under_way)
    }

    /// From now on no approved call begins; those under way may end.
    pub fn begin_no_more(&self) {
        self.inner.stopping.store(true, Ordering::SeqCst);
    }

    fn is_stopping(&self) -> bool {
        self.inner.stopping.load(Ordering::SeqCst)
    }

    /// Comes back when no call is under way.
    pub async fn quiet(&self) {
        let mut calls = self.inner.under_way.subscribe();
        // The sender lives as long as the desk, so this can't fail.
        let _ = calls.wait_for(|count| *count == 0).await;
    }

    /// Runs a use case to its end, even when the caller goes away in the middle: what is committed must be followed by
    /// what it makes necessary.
    async fn to_the_end<T: Send + 'static>(
        use_case: impl Future<Output = Result<T, DeskError>> + Send + 'static,
    ) -> Result<T, DeskError> {
        let ended = tokio::spawn(use_case).await;
        ended.unwrap_or_else(|error| Err(DeskError::Internal(format!("a use case did not end: {error}"))))
    }

    /// Tells everybody who waits that something was committed.
    fn announce(&self) {
        self.inner.hub.ring();
    }
}

/// What is sealed, as the vault's associated data names it.
#[derive(Clone, Copy)]
enum SealedPart {
    Call,
    /// Of requests from before their target was sealed too.
    Arguments,
    Result,
    Credential,
}

impl SealedPart {
    const fn word(self) -> &'static str {
        match self {
            Self::Call => "request.call",
            Self::Arguments => "request.arguments",
            Self::Result => "request.result",
            Self::Credential => "credential",
        }
    }
}

async fn read_snapshot(store: &Store, older: Option<&Snapshot>) -> Result<Snapshot, StoreError> {
    Snapshot::load(&mut store.read_steadily().await?, older).await
}

/// Stores where a request stands and tells the streams and the agent's callback, in one place, so that none is forgotten.
async fn move_on(connection: &mut Connection, request: &mut Request, now: Timestamp) -> Result<(), StoreError> {
    request.updated_at = now;
    if request.state == RequestState::Pending {
        store::requests::set_course(connection, request).await?;
        return store::events::insert(connection, request.id, EventKind::Updated, request.state, now).await;
    }
    let ended = request.has_ended();
    if ended && request.ended_at.is_none() {
        request.ended_at = Some(now);
    }
    store::requests::update(connection, request).await?;
    callbacks::tell_agent(connection, request, now).await?;
    let kind = if ended { EventKind::Ended } else { EventKind::Updated };
    store::events::insert(connection, request.id, kind, request.state, now).await
}
