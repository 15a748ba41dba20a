//! Errors as problem details, mapped once. What went wrong inside is logged here and never sent.

use crate::desk::{DeskError, Refusal};
use axum::Json;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Response as HttpResponse, StatusCode};
use axum::response::{IntoResponse, Response};
use countersign_wire::problem::{Code, PROBLEM_JSON, Problem};
use std::any::Any;

/// An error at a door.
#[derive(Debug)]
pub struct DoorError {
    problem: Box<Problem>,
    retry_after: Option<u64>,
}

/// What every handler answers.
pub type Answer<T> = Result<T, DoorError>;

impl DoorError {
    /// An error with a code and a sentence.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { problem: Box::new(Problem::new(code, detail)), retry_after: None }
    }

    /// With how long to wait before the next try.
    pub fn after(mut self, wait: std::time::Duration) -> Self {
        self.retry_after = Some(wait.as_secs().max(1));
        self
    }

    /// With the request that it is about.
    pub fn of(mut self, id: countersign_domain::ids::RequestId) -> Self {
        self.problem.approval_id = Some(id.to_string());
        self
    }
}

impl From<Refusal> for DoorError {
    fn from(refusal: Refusal) -> Self {
        let mut problem = Problem::new(refusal.code, refusal.detail);
        problem.errors = refusal.errors;
        problem.state = refusal.state.map(|state| state.word().to_owned());
        problem.approval_id = refusal.request.map(|id| id.to_string());
        Self { problem: Box::new(problem), retry_after: refusal.retry_after.map(|wait| wait.as_secs()) }
    }
}

impl From<DeskError> for DoorError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Refused(refusal) => (*refusal).into(),
            DeskError::Store(error) => {
                tracing::error!(%error, "the store failed");
                let detail = "The desk can't write its record now. Nothing was done; try again later.";
                Self { retry_after: Some(5), ..Self::new(Code::StoreUnavailable, detail) }
            }
            error @ (DeskError::Vault(_)
            | DeskError::Randomness(_)
            | DeskError::SnapshotOld
            | DeskError::Internal(_)) => {
                tracing::error!(%error, "a use case failed");
                Self::new(Code::Internal, "The desk could not do this. Its log says why.")
            }
        }
    }
}

impl IntoResponse for DoorError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self.problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"countersign\""));
        }
        response
    }
}

/// A panic in a handler: logged by the panic hook, answered like any failure of ours.
pub fn of_panic(_: Box<dyn Any + Send + 'static>) -> HttpResponse<axum::body::Body> {
    DoorError::new(Code::Internal, "The desk could not do this. Its log says why.").into_response()
}
