//! An approved call is made: checked once more, written down, and only then sent. Never twice.

use super::call::StoredCall;
use super::error::DeskError;
use super::fit::Unfit;
use super::progress::Following;
use super::snapshot::{ConnectorEntry, Snapshot, still_current};
use super::submit::http_call;
use super::{Desk, SealedPart, move_on};
use crate::audit::{Actor, Entry};
use crate::connectors::{ConnectorSpec, Credential, Outgoing, Settings};
use crate::store::requests::{Request, presence};
use crate::store::timers::{Timer, TimerKind};
use crate::store::{self, Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::connector::ConnectorKind;
use countersign_domain::execution::{Answer, Attempt, ExecutionErrorCode};
use countersign_domain::ids::RequestId;
use countersign_domain::presence::ABSENCE;
use countersign_domain::request::{Door, RequestEvent, RequestState};
use secrecy::SecretString;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Where an allowed call's attempt will arrive. Dropping it changes nothing: the call goes on without a listener.
pub struct Sending {
    attempt: oneshot::Receiver<Attempt>,
    following: Option<Following>,
}

impl Sending {
    /// What the upstream says while it makes the call, from its first word on; none where nobody would follow.
    pub fn following(&mut self) -> Option<Following> {
        self.following.take()
    }

    /// What came of the call.
    pub async fn attempt(self) -> Attempt {
        self.attempt.await.unwrap_or_else(|_| Attempt::Unknown("The desk stopped while the call was under way.".into()))
    }
}

/// How long whoever approved has to begin the call before the scheduler takes it over.
pub(super) const EXECUTION_LEASE: Duration = Duration::from_secs(30);

/// How long after a failure an outcome is written down again; longer each time.
const OUTCOME_AGAIN: Duration = Duration::from_millis(250);
const OUTCOME_AGAIN_AT_MOST: Duration = Duration::from_secs(10);

impl Desk {
    /// Sends a call that was stored as executing a moment ago, put together from what it was judged by. A task of its
    /// own does it: nothing that the caller does can stop it half-way.
    pub(super) fn send_allowed(&self, snapshot: &Snapshot, request: &Request) -> Result<Sending, DeskError> {
        let outgoing = self.outgoing_call(snapshot, request);
        let (teller, attempt) = oneshot::channel();
        let following = (request.door == Door::Mcp).then(|| self.follow(request.id));
        let desk = self.clone();
        let request = request.clone();
        tokio::spawn(async move {
            let _under_way = desk.under_way();
            let attempt = match outgoing {
                Ok(outgoing) => desk.outgoing().call(outgoing).await,
                Err(error) => {
                    tracing::error!(request.id = %request.id, %error, "an allowed call could not be put together");
                    Attempt::NotSent("The desk could not put the call together; its log says why.".into())
                }
            };
            // The agent hears first; the row may follow (architecture, 3).
            let heard = teller.send(attempt.clone()).is_ok();
            desk.finish(request, attempt, heard).await;
        });
        Ok(Sending { attempt, following })
    }

    /// Begins a call that was just approved, in a task of its own. An external request has nothing to run;
    /// [`Self::execute`] sees that itself.
    pub(super) fn begin_soon(&self, id: RequestId) {
        // The lease of what is begun here may be over sooner than any timer that the scheduler knows of.
        self.inner.timers.notify_one();
        let desk = self.clone();
        tokio::spawn(async move {
            // A failure here is retried by the scheduler when the lease is over.
            if let Err(error) = desk.execute(id).await {
                tracing::error!(request.id = %id, %error, "an approved call could not be begun; it is tried again");
            }
        });
    }

    /// Begins an approved call, if it still may, and makes it. Called by whoever approved and by the scheduler; of
    /// several, one wins.
    pub async fn execute(&self, id: RequestId) -> Result<(), DeskError> {
        let _under_way = self.under_way();
        // What is approved while the desk stops is begun when it is back, if that is soon enough.
        if self.is_stopping() {
            return Ok(());
        }
        let begun = self.with_snapshot(|snapshot| self.begin(snapshot, id)).await?;
        self.announce();
        if let Some((request, outgoing)) = begun {
            let attempt = self.outgoing().call(outgoing).await;
            self.finish(request, attempt, false).await;
        }
        Ok(())
    }

    async fn begin(&self, snapshot: Arc<Snapshot>, id: RequestId) -> Result<Option<(Request, Outgoing)>, DeskError> {
        let Some(looked) = self.look_at(&snapshot, id).await? else { return Ok(None) };
        let desk = self.clone();
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    // Taken here, in the writer's order: what waited for the writer past its window is not begun.
                    let now = desk.now();
                    still_current(connection, &snapshot).await?;
                    store::timers::clear(connection, id, TimerKind::Execute).await?;
                    let (mut request, fit) = looked.still(&desk, connection, now).await?;
                    if request.state != RequestState::Approved || request.ends_approved() {
                        return Ok(None);
                    }
                    // Nothing runs for a caller that is not there. It begins when that one comes back.
                    if desk.is_missing_its_caller(connection, &request, now).await? {
                        return Ok(None);
                    }
                    if let Err(unfit) = fit {
                        turn_down(connection, &mut request, unfit, now).await?;
                        return Ok(None);
                    }
                    let outgoing = desk.outgoing_call(&snapshot, &request)?;
                    start(connection, &mut request, now).await?;
                    Ok(Some((request, outgoing)))
                })
            })
            .await
    }

    fn outgoing_call(&self, snapshot: &Snapshot, request: &Request) -> Result<Outgoing, DeskError> {
        let entry = snapshot
            .connector(request.connector_id)
            .ok_or_else(|| DeskError::Internal("the connector is gone".into()))?;
        let StoredCall { arguments, target } = self.call_of(request)?;
        let body = match (request.connector_kind, entry.tools.get(&request.tool)) {
            (ConnectorKind::Http, Some(tool)) => http_call(tool, &arguments.value()?)?.body,
            _ => None,
        };
        let credential = match entry.connector.kind {
            ConnectorKind::Http => self.opened_credential(entry)?,
            ConnectorKind::Mcp | ConnectorKind::External => None,
        };
        Ok(Outgoing {
            request_id: request.id,
            connector: Arc::new(self.connector_spec(entry)?),
            tool: request.tool.clone(),
            schema_hash: (request.connector_kind == ConnectorKind::Mcp).then(|| request.schema_hash.clone()),
            target,
            arguments,
            body,
            credential,
            progress: (request.connector_kind == ConnectorKind::Mcp).then(|| self.progress_of(request.id)),
        })
    }

    /// A connector as the senders know it. For MCP the credential is part of its settings.
    pub(super) fn connector_spec(&self, entry: &ConnectorEntry) -> Result<ConnectorSpec, DeskError> {
        let connector = &entry.connector;
        let settings = match connector.kind {
            ConnectorKind::External => Settings::External,
            ConnectorKind::Http => {
                let base = connector.settings.base_url.as_deref().unwrap_or_default();
                Settings::Http {
                    base_url: base.parse().map_err(|_| DeskError::Internal("a stored base URL is none".into()))?,
                    allow_private: connector.settings.allow_private,
                    health_path: connector.settings.health_path.clone(),
                    timeout: self.inner.parts.call_timeout,
                }
            }
            ConnectorKind::Mcp => match &connector.settings.url {
                Some(url) => Settings::RemoteMcp {
                    url: url.parse().map_err(|_| DeskError::Internal("a stored URL is none".into()))?,
                    allow_private: connector.settings.allow_private,
                    credential: self.opened_credential(entry)?,
                    timeout: self.inner.parts.call_timeout,
                },
                None => Settings::Mcp {
                    command: connector.settings.command.clone(),
                    env: self.environment(entry)?,
                    timeout: self.inner.parts.call_timeout,
                },
            },
        };
        Ok(ConnectorSpec { id: connector.id, slug: connector.slug.clone(), settings })
    }

    fn environment(&self, entry: &ConnectorEntry) -> Result<Vec<(String, SecretString)>, DeskError> {
        let Some(credential) = self.opened_credential(entry)? else { return Ok(Vec::new()) };
        Ok(credential.name.into_iter().map(|name| (name, credential.secret.clone())).collect())
    }

    pub(super) fn opened_credential(&self, entry: &ConnectorEntry) -> Result<Option<Credential>, DeskError> {
        let Some(credential) = &entry.credential else { return Ok(None) };
        let plain = self.unseal(SealedPart::Credential, credential.id.0, &credential.sealed)?;
        let secret = String::from_utf8(plain).map_err(|_| DeskError::Internal("a credential is no text".into()))?;
        Ok(Some(Credential {
            placement: credential.placement,
            name: credential.name.clone(),
            secret: SecretString::from(secret),
        }))
    }

    /// Writes down what came of a call, as soon as the database takes it: until then the row stays `executing`, and
    /// if the desk stops first, the next start calls its outcome unknown, which is then the truth of the record.
    async fn finish(&self, request: Request, attempt: Attempt, heard: bool) {
        let ended = attempt.error_code().map_or("succeeded", ExecutionErrorCode::word);
        metrics::counter!("countersign_executions_total", "outcome" => ended).increment(1);
        let mut pause = OUTCOME_AGAIN;
        let (id, request, attempt) = (request.id, Arc::new(request), Arc::new(attempt));
        while let Err(error) = self.store_outcome(Arc::clone(&request), Arc::clone(&attempt), heard).await {
            tracing::error!(request.id = %id, %error, "a call's outcome could not be written down");
            if !matches!(error, DeskError::Store(StoreError::Database(_))) {
                break;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(OUTCOME_AGAIN_AT_MOST);
        }
        self.announce();
    }

    async fn store_outcome(&self, request: Arc<Request>, attempt: Arc<Attempt>, heard: bool) -> Result<(), DeskError> {
        let now = self.now();
        let result = match &*attempt {
            Attempt::Answered(answer) => {
                let plain = serde_json::to_vec(answer).map_err(|error| DeskError::Internal(error.to_string()))?;
                Some(self.seal(SealedPart::Result, request.id.0, &plain)?)
            }
            Attempt::NotSent(_) | Attempt::Unknown(_) => None,
        };
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    // Nothing but its end can happen to a request while its call is under way, so all else is known.
                    let Some(state) = store::requests::state(connection, request.id).await? else { return Ok(()) };
                    let Ok(state) = state.after(attempt.event()) else { return Ok(()) };
                    let mut request = Request::clone(&request);
                    request.state = state;
                    request.result = result;
                    request.error_code = attempt.error_code();
                    request.error = explain(request.connector_kind, &attempt);
                    record_outcome(connection, &request, &attempt, now).await?;
                    if heard && request.fingerprint.is_some() {
                        presence::delivered(connection, request.id).await?;
                    }
                    move_on(connection, &mut request, now).await?;
                    Ok(())
                })
            })
            .await
    }

    /// What a fresh start must set right: calls that were under way when the desk stopped ended in the dark.
    pub async fn recover(&self) -> Result<usize, DeskError> {
        let now = self.now();
        let lost = self
            .store()
            .write(move |connection| {
                Box::pin(async move {
                    presence::nobody_waits(connection, now, now + ABSENCE).await?;
                    let under_way = store::requests::in_state(connection, RequestState::Executing).await?;
                    let lost = under_way.len();
                    for mut request in under_way {
                        lose_track(connection, &mut request, now).await?;
                    }
                    store::timers::release_executions(connection, now).await?;
                    store::deliveries::release(connection, now).await?;
                    Ok::<_, DeskError>(lost)
                })
            })
            .await?;
        self.announce();
        Ok(lost)
    }
}

async fn start(connection: &mut Connection, request: &mut Request, now: Timestamp) -> Result<(), DeskError> {
    request.state = request.state.after(RequestEvent::Begin).map_err(|_| DeskError::Internal("not approved".into()))?;
    request.executed_at = Some(now);
    let started = Entry::of_request(now, Actor::Desk, "execution.started", request.id);
    store::audit::append(connection, started.with(json!({"digest": request.digest}))).await?;
    move_on(connection, request, now).await?;
    Ok(())
}

pub(super) async fn turn_down(
    connection: &mut Connection,
    request: &mut Request,
    Unfit(code, why): Unfit,
    now: Timestamp,
) -> Result<(), DeskError> {
    request.state =
        request.state.after(RequestEvent::Refuse).map_err(|_| DeskError::Internal("not approved".into()))?;
    request.error_code = Some(code);
    request.error = Some(why);
    let failed = Entry::of_request(now, Actor::Desk, "execution.failed", request.id);
    store::audit::append(connection, failed.with(json!({"code": code, "response_status": null}))).await?;
    move_on(connection, request, now).await?;
    Ok(())
}

async fn lose_track(connection: &mut Connection, request: &mut Request, now: Timestamp) -> Result<(), DeskError> {
    let attempt = Attempt::Unknown("The desk stopped while the call was under way.".into());
    let Ok(state) = request.state.after(attempt.event()) else { return Ok(()) };
    request.state = state;
    request.error_code = attempt.error_code();
    request.error = explain(request.connector_kind, &attempt);
    record_outcome(connection, request, &attempt, now).await?;
    move_on(connection, request, now).await?;
    Ok(())
}

async fn record_outcome(
    connection: &mut Connection,
    request: &Request,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<(), DeskError> {
    let action = match request.state {
        RequestState::Succeeded => "execution.succeeded",
        RequestState::OutcomeUnknown => "execution.outcome_unknown",
        _ => "execution.failed",
    };
    let status = match attempt {
        Attempt::Answered(answer) => Some(answer.status),
        Attempt::NotSent(_) | Attempt::Unknown(_) => None,
    };
    let metadata = json!({"response_status": status, "code": attempt.error_code()});
    store::audit::append(connection, Entry::of_request(now, Actor::Desk, action, request.id).with(metadata)).await?;
    Ok(())
}

/// Why there is no good result, in words that are safe to show.
pub(super) fn explain(kind: ConnectorKind, attempt: &Attempt) -> Option<String> {
    match attempt {
        Attempt::NotSent(why) | Attempt::Unknown(why) => Some(why.clone()),
        Attempt::Answered(answer) if answer.status < 400 => None,
        Attempt::Answered(answer) if kind == ConnectorKind::Mcp && is_tools_own(answer) => Some(
            match answer.data["isError"] != true && answer.truncated.is_none() {
                true => "The tool asked for more input and gave no result.",
                false => "The tool reported an error.",
            }
            .to_owned(),
        ),
        Attempt::Answered(answer) => Some(format!("The upstream answered with status {}.", answer.status)),
    }
}

/// Whether this is a tool's result, or its beginning, rather than an HTTP error in its place.
fn is_tools_own(answer: &Answer) -> bool {
    answer.content_type.is_none() && (answer.data.is_object() || answer.truncated.is_some())
}

/// Queues an approved request's call, in the transaction that approved it.
pub(super) async fn enqueue(connection: &mut Connection, request: &Request, now: Timestamp) -> Result<(), DeskError> {
    if !request.ends_approved() {
        let timer = Timer { request_id: request.id, kind: TimerKind::Execute, due_at: now + EXECUTION_LEASE };
        store::timers::set(connection, timer).await?;
    }
    Ok(())
}
