//! Tasks (the extension `io.modelcontextprotocol/tasks`, SEP-2663). A task is its request: a row, under the same id, that
//! outlives a restart. Nothing is kept beside it.

use super::{lanes, result};
use crate::desk::{AgentCaller, Desk, DeskError};
use crate::store::requests::Request;
use countersign_domain::request::RequestState;
use rmcp::model::{DetailedTask, ErrorData, GetTaskResult, Task, TaskPayload, TaskStatus};
use serde_json::Value;

/// How often a client should look.
const POLL: u64 = 2_000;

/// A request as a task that is going on.
pub(super) fn of(request: &Request) -> Task {
    let lives = request.expires_at.millis() - request.created_at.millis();
    let waits = match request.state {
        RequestState::Pending => "Waits for approval.",
        _ => "Approved and under way.",
    };
    Task::new(
        request.id.to_string(),
        TaskStatus::Working,
        request.created_at.to_string(),
        request.updated_at.to_string(),
    )
    .with_ttl_ms(u64::try_from(lives).unwrap_or_default())
    .with_poll_interval_ms(POLL)
    .with_status_message(waits)
}

/// `tasks/get`: where it stands, with the result once there is one.
pub(super) async fn get(desk: &Desk, caller: &AgentCaller, id: &str) -> Result<GetTaskResult, ErrorData> {
    let request = find(desk, caller, id).await?;
    if !request.has_ended() {
        return Ok(GetTaskResult::new(DetailedTask::new(of(&request), TaskPayload::Working)));
    }
    let mut task = of(&request);
    task.status_message = None;
    if request.state == RequestState::Withdrawn {
        return Ok(GetTaskResult::new(DetailedTask::new(task, TaskPayload::Cancelled)));
    }
    let delivered = lanes::deliver(desk, caller, &request).await;
    let delivered = delivered.or_else(|error| result::of_refusal(&error, &request.tool))?;
    let Ok(Value::Object(result)) = serde_json::to_value(delivered) else {
        return Err(ErrorData::internal_error("The result could not be written.", None));
    };
    Ok(GetTaskResult::new(DetailedTask::new(task, TaskPayload::Completed { result })))
}

/// `tasks/update`: nothing is ever asked of a client here, so there is nothing to take.
pub(super) async fn update(desk: &Desk, caller: &AgentCaller, id: &str) -> Result<(), ErrorData> {
    find(desk, caller, id).await?;
    Ok(())
}

/// `tasks/cancel`: what still waits is withdrawn; a call under way goes on, and what has ended stays as it is.
pub(super) async fn cancel(desk: &Desk, caller: &AgentCaller, id: &str) -> Result<(), ErrorData> {
    let request = find(desk, caller, id).await?;
    if request.state != RequestState::Pending {
        return Ok(());
    }
    match desk.withdraw(caller, request.id).await {
        // Of a cancellation and an approval that race, the first wins, and `tasks/get` says which.
        Ok(_) | Err(DeskError::Refused(_)) => Ok(()),
        Err(error) => Err(result::protocol_error(&error)),
    }
}

async fn find(desk: &Desk, caller: &AgentCaller, id: &str) -> Result<Box<Request>, ErrorData> {
    match desk.request_of(caller, result::task_id(id)?).await {
        Err(DeskError::Refused(_)) => Err(result::no_such_task(id)),
        found => found.map_err(|error| result::protocol_error(&error)),
    }
}
