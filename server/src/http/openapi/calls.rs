//! The agents' calls, described. The functions are never called: each is where its description hangs.

#![allow(dead_code, reason = "only what the macros make of these is used")]

use super::errors::{
    AboutAccess, AboutOne, Asking, AskingForAccess, Claiming, DryRunning, Reading, Reporting, Withdrawing,
};
use countersign_wire::agent::{
    AccessBody, AccessDecision, AccessRequestBody, AccessRequested, AccessStatus, AgentValetBody, Approval, CallBody,
    Claim, OutcomeBody, PendingActions, Permissions, StateChange,
};
use utoipa::ToSchema;

/// Either of the two forms in which an action is asked for.
#[derive(ToSchema)]
#[schema(as = ActionBody)]
#[serde(untagged)]
pub enum ActionForms {
    /// Countersign's form.
    Call(CallBody),
    /// AgentValet's form.
    AgentValet(AgentValetBody),
}

/// What a held ask is answered with: the beginning of an approval.
#[derive(ToSchema)]
pub struct Accepted {
    /// The request, to ask for by `GET /v1/approvals/{id}`.
    approval_id: String,
    /// Always `pending`.
    status: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it was asked.
    #[schema(format = DateTime)]
    created_at: String,
}

/// Ask for an action
///
/// Names a tool of a connector and its arguments. What comes of it is decided by the desk's policies.
///
/// A call that is allowed, or that an earlier approval granted, is made at once, and its result is the answer: 200. A call that is held for approval is
/// answered with 202; ask again by `GET /v1/approvals/{id}?wait=50`, or hold this call open by `Prefer: wait=50`. A
/// call that a policy denies is answered with 403.
///
/// Asked in AgentValet's form, an allowed call is answered with the upstream's own status and bare body.
#[utoipa::path(
    post,
    path = "/v1/actions",
    tag = "Asking",
    params(
        ("Idempotency-Key" = Option<String>, Header, max_length = 255,
            description = "Makes sending the same body twice safe for 7 days: the second is answered like the first",
            example = "standup-2026-03-02"),
        ("Prefer" = Option<String>, Header, pattern = "wait=\\d+",
            description = "`wait=N` holds the answer until the request has ended, at most 55 seconds", example = "wait=50"),
        ("Countersign-Hook" = Option<String>, Header, max_length = 64,
            description = "For hooks of coding agents: a name of its own for each process that asks and waits. The same call of the same agent then joins a request that is open", example = "hook-4711"),
    ),
    request_body(
        content = ActionForms,
        description = "At most 1 MiB, `application/json`. A key that comes twice, or an integer beyond 2^53-1, is refused",
        examples(
            ("countersign" = (summary = "Countersign's form", value = json!({
                "connector": "notes",
                "tool": "write",
                "arguments": {"name": "Standup Monday", "text": "Invoice run is done."},
                "reason": "Mina asked me to note what came of the stand-up."
            }))),
            ("agentvalet" = (summary = "AgentValet's form", value = json!({
                "platform": "crm",
                "scope": "update_contact",
                "endpoint": "/contacts/4711",
                "method": "PATCH",
                "data": {"phone": "+49 30 1234567"},
                "reason": "The customer wrote that the number has changed."
            }))),
        )
    ),
    responses(
        (status = 200, body = Approval,
            description = "It was made, or has ended while you waited; `state` says how. In AgentValet's form: the upstream's body",
            headers(("Preference-Applied" = String, description = "How long you were ready to wait")),
            examples(
                ("allowed" = (summary = "Allowed and made", value = json!({
                    "approval_id": "019c2b4e-8a1f-7c30-9d52-0b6b7f1f3a11", "status": "approved", "state": "succeeded",
                    "result": {"status": 200, "data": {"content": [{"type": "text", "text": "Standup Monday"}], "isError": false}},
                    "decided_by": {"kind": "policy", "name": "Notes may be read"},
                    "expires_at": "2026-03-02T09:14:07.113Z", "executed_at": "2026-03-02T09:04:07.113Z",
                    "created_at": "2026-03-02T09:04:07.113Z"
                }))),
                ("denied" = (summary = "Denied while you waited", value = json!({
                    "approval_id": "019c2b4f-03d2-7b1e-8c1d-5d6f0f2d9e42", "status": "denied", "state": "denied",
                    "decided_by": {"kind": "user", "name": "Dana Kim"}, "reason": "Not before the audit.",
                    "expires_at": "2026-03-02T09:14:38.034Z", "created_at": "2026-03-02T09:04:38.034Z"
                }))),
            )),
        (status = 202, body = Accepted, description = "It is held: durable, and waiting for people",
            headers(
                ("Location" = String, description = "Where to ask for it"),
                ("Retry-After" = i32, description = "How many seconds to let pass, where you don't wait by `?wait`"),
            ),
            example = json!({
                "approval_id": "019c2b4f-03d2-7b1e-8c1d-5d6f0f2d9e42", "status": "pending",
                "expires_at": "2026-03-02T09:14:38.034Z", "created_at": "2026-03-02T09:04:38.034Z"
            })),
        Asking,
    ),
    security(("agent" = [])),
)]
fn create_action() {}

/// Hear how a request stands
///
/// With `wait`, the answer is held until the state moves, so that a loop of these calls hears of every move at once
/// and costs next to nothing. For MCP tools `result.status` is 200 or 502 and `result.data` the tool's result.
#[utoipa::path(
    get,
    path = "/v1/approvals/{id}",
    tag = "Following up",
    params(
        ("id" = String, Path, description = "The `approval_id`"),
        ("wait" = Option<i32>, Query, minimum = 0, description = "Seconds to wait for a move; more than 55 means 55", example = 50),
        ("Countersign-Hook" = Option<String>, Header, max_length = 64, description = "The name that the hook asked by", example = "hook-4711"),
    ),
    responses(
        (status = 200, body = Approval, description = "How it stands", example = json!({
            "approval_id": "019c2b4f-03d2-7b1e-8c1d-5d6f0f2d9e42", "status": "approved", "state": "succeeded",
            "result": {"status": 200, "data": {"content": [{"type": "text", "text": "Wrote the note."}], "isError": false}},
            "decided_by": {"kind": "user", "name": "Dana Kim"},
            "expires_at": "2026-03-02T09:14:38.034Z", "executed_at": "2026-03-02T09:05:02.518Z",
            "created_at": "2026-03-02T09:04:38.034Z"
        })),
        AboutOne,
    ),
    security(("agent" = [])),
)]
fn get_approval() {}

/// Follow a request
///
/// Server-sent events named `state`, one for each move. After a lost connection, send the last event's id in
/// `Last-Event-ID` and nothing is missed. The stream ends with the request.
#[utoipa::path(
    get,
    path = "/v1/approvals/{id}/events",
    tag = "Following up",
    params(
        ("id" = String, Path, description = "The `approval_id`"),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that you have", example = "1042"),
    ),
    responses(
        (status = 200, body = StateChange, content_type = "text/event-stream", description = "Each event's data is one of these",
            example = json!({
                "approval_id": "019c2b4f-03d2-7b1e-8c1d-5d6f0f2d9e42", "status": "approved", "state": "executing",
                "at": "2026-03-02T09:05:02.518Z"
            })),
        AboutOne,
    ),
    security(("agent" = [])),
)]
fn watch_approval() {}

/// Take a request back
///
/// Works until it is decided. What has ended stays as it ended.
#[utoipa::path(
    delete,
    path = "/v1/approvals/{id}",
    tag = "Following up",
    params(
        ("id" = String, Path, description = "The `approval_id`"),
        ("Countersign-Hook" = Option<String>, Header, max_length = 64,
            description = "The name that the hook asked by: the request stays while another hook waits for it", example = "hook-4711"),
    ),
    responses(
        (status = 200, body = Approval, description = "It is withdrawn", example = json!({
            "approval_id": "019c2b4f-03d2-7b1e-8c1d-5d6f0f2d9e42", "status": "expired", "state": "withdrawn",
            "expires_at": "2026-03-02T09:14:38.034Z", "created_at": "2026-03-02T09:04:38.034Z"
        })),
        Withdrawing,
    ),
    security(("agent" = [])),
)]
fn withdraw_approval() {}

/// Ask for access to several tools
///
/// Names tools of one connector and for how long their calls should need no approval of their own. People see each tool
/// and grant all, some or none of them; what a policy denies is not theirs to grant. AgentValet's words `platform`,
/// `scope` and `reason` are taken for `connector`, `tools` and `note`.
///
/// Nothing is called. Once it is approved, ask for the actions themselves by `POST /v1/actions`.
#[utoipa::path(
    post,
    path = "/v1/access-request",
    tag = "Access",
    params(
        ("Idempotency-Key" = Option<String>, Header, max_length = 255,
            description = "Makes sending the same body twice safe for 7 days", example = "calendar-2026-03-02"),
    ),
    request_body(content = AccessRequestBody, example = json!({
        "connector": "calendar", "tools": ["events_list", "events_get", "events_create"],
        "note": "Plan next week's reviews with the team.", "duration_minutes": 90
    })),
    responses(
        (status = 202, body = AccessRequested, description = "It is stored, and waits for people",
            headers(
                ("Location" = String, description = "Where to ask for it too"),
                ("Retry-After" = i32, description = "How many seconds to let pass before you ask"),
            ),
            example = json!({
                "request_id": "019c2b52-7d11-7a08-b0f2-3c1d9e8a7b65", "status": "pending",
                "request_token": "csr_019c2b527d117a08b0f23c1d9e8a7b65_Zm9yIGV4YW1wbGUgb25seSwgb3BlbnMgbm90aGluZy4u"
            })),
        AskingForAccess,
    ),
    security(("agent" = [])),
)]
fn create_access_request() {}

/// Hear how an ask for access stands
///
/// For the agent that asked. `GET /v1/approvals/{id}` says the same, with `?wait`.
#[utoipa::path(
    get,
    path = "/v1/access-request/status/{token}",
    tag = "Access",
    params(("token" = String, Path, description = "The `request_token`")),
    responses(
        (status = 200, body = AccessStatus, description = "How it stands", example = json!({
            "request_id": "019c2b52-7d11-7a08-b0f2-3c1d9e8a7b65", "status": "approved", "state": "approved",
            "granted": {"connector": "calendar", "tools": ["events_list", "events_get"],
                "until": "2026-03-02T10:37:12.480Z"},
            "expires_at": "2026-03-02T09:16:55.101Z", "created_at": "2026-03-02T09:06:55.101Z"
        })),
        AboutAccess,
    ),
    security(("agent" = [])),
)]
fn get_access_status() {}

/// Claim an approved external action
///
/// For tools of `external` connectors, which you run yourself. An approval is claimed once, within ten minutes; run
/// nothing without a claim that you won, and run it with exactly the arguments in the answer.
#[utoipa::path(
    post,
    path = "/v1/approvals/{id}/claim",
    tag = "External actions",
    params(
        ("id" = String, Path, description = "The `approval_id`"),
        ("Idempotency-Key" = Option<String>, Header, max_length = 255,
            description = "Makes claiming twice safe for a minute: the second is answered like the first. For one call only", example = "call-4711"),
    ),
    responses(
        (status = 200, body = Claim, description = "It is yours to run, now", example = json!({
            "approval_id": "019c2b51-2f40-7e4a-9d0c-3a8b1f6c7d20", "tool": "deploy",
            "arguments": {"service": "billing", "version": "2.4.1"}, "claimed_at": "2026-03-02T09:06:11.902Z"
        })),
        Claiming,
    ),
    security(("agent" = [])),
)]
fn claim_approval() {}

/// Report what came of an external action
///
/// Your word for the record. It can be given once, after the claim.
#[utoipa::path(
    post,
    path = "/v1/approvals/{id}/outcome",
    tag = "External actions",
    params(("id" = String, Path, description = "The `approval_id`")),
    request_body(content = OutcomeBody, example = json!({"ok": true, "detail": "billing 2.4.1 is live on all three hosts."})),
    responses(
        (status = 200, body = Approval, description = "It is written down", example = json!({
            "approval_id": "019c2b51-2f40-7e4a-9d0c-3a8b1f6c7d20", "status": "approved", "state": "approved",
            "decided_by": {"kind": "user", "name": "Dana Kim"},
            "expires_at": "2026-03-02T09:15:40.266Z", "executed_at": "2026-03-02T09:06:11.902Z",
            "created_at": "2026-03-02T09:05:40.266Z"
        })),
        Reporting,
    ),
    security(("agent" = [])),
)]
fn report_outcome() {}

/// See what you may use
///
/// Connectors and tools that this agent may see, and what calling each needs. `depends` means that a policy looks at
/// the arguments first.
#[utoipa::path(
    get,
    path = "/v1/agent/permissions",
    tag = "This agent",
    responses(
        (status = 200, body = Permissions, description = "What you may use", example = json!({
            "connectors": [{"connector": "notes", "name": "Notes", "tools": [{
                "tool": "delete", "effect": "destructive", "needs": "request_approval", "title": "Delete a note",
                "description": "Deletes one note for good.",
                "input_schema": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"],
                    "additionalProperties": false}
            }]}]
        })),
        Reading,
    ),
    security(("agent" = [])),
)]
fn list_permissions() {}

/// See what you have open
///
/// Requests of this agent that have not ended, oldest first: what to pick up again after a restart.
#[utoipa::path(
    get,
    path = "/v1/agents/me/pending-actions",
    tag = "This agent",
    responses(
        (status = 200, body = PendingActions, description = "Your open requests", example = json!({
            "items": [{
                "approval_id": "019c2b4f-03d2-7b1e-8c1d-5d6f0f2d9e42", "state": "pending", "status": "pending",
                "connector": "notes", "tool": "write",
                "expires_at": "2026-03-02T09:14:38.034Z", "created_at": "2026-03-02T09:04:38.034Z"
            }]
        })),
        Reading,
    ),
    security(("agent" = [])),
)]
fn list_pending_actions() {}

/// See what a call would need
///
/// A dry run in the words of OpenID AuthZEN: checks and judges a call as asking for it would. Nothing is asked or stored.
#[utoipa::path(
    post,
    path = "/v1/authzen/access",
    tag = "This agent",
    request_body(content = AccessBody, example = json!({
        "subject": {"type": "user", "id": "mina@acme.test"},
        "action": {"name": "write", "properties": {"name": "Standup", "text": "Ship it."}},
        "resource": {"type": "connector", "id": "notes"}
    })),
    responses(
        (status = 200, body = AccessDecision, description = "What the policies make of it", example = json!({
            "decision": false,
            "context": {"needs": "request_approval", "policy": "Writing is countersigned", "flow": "Default"}
        })),
        DryRunning,
    ),
    security(("agent" = [])),
)]
fn evaluate_access() {}
