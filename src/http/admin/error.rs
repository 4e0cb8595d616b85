//! What a client hears when something goes wrong: a stable code, a safe text, a remedy.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::incident::{IdError, ReasonError};
use crate::service::inventory::{CanaryError, ValueError};
use crate::service::triage::TriageError;
use crate::store::{CursorError, StoreError};

/// The JSON of an error: `{"error": {"code", "message", "remedy"}}`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorDetail,
}

/// An error, for programs and for people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ErrorDetail {
    /// A word that programs can rely on.
    pub code: String,
    /// What went wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// An error on its way to a client.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    remedy: &'static str,
}

impl ApiError {
    fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        Self { status, code, message: message.into(), remedy }
    }

    /// The request says something that cannot be.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message, "correct the value and ask again")
    }

    /// There is no such route.
    pub(super) fn no_route() -> Self {
        let remedy = "use the same version of command line and daemon";
        Self::new(StatusCode::NOT_FOUND, "no-route", "there is no such request", remedy)
    }

    /// There is such a route, but not by this method.
    pub(super) fn wrong_method() -> Self {
        let message = "this request is made by another method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", message, "see the `allow` header")
    }

    /// A path's parameter is no text.
    pub(super) fn bad_path() -> Self {
        let message = "the path holds a name that is no UTF-8";
        Self::new(StatusCode::BAD_REQUEST, "bad-path", message, "write the id as it is listed")
    }

    /// A query's parameter makes no sense.
    pub(super) fn bad_query(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-query", message, "correct the parameter")
    }

    /// The body does not say that it is JSON.
    pub(super) fn wrong_content_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "wrong-content-type",
            "the body is not said to be JSON",
            "send `content-type: application/json`",
        )
    }

    /// The body is longer than any that makes sense.
    pub(super) fn too_large(bytes_max: usize) -> Self {
        let message = format!("the body is longer than {bytes_max} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message, "send it in parts")
    }

    /// The body ended before it was whole.
    pub(super) fn broken_body() -> Self {
        let message = "the body could not be read to its end";
        Self::new(StatusCode::BAD_REQUEST, "broken-body", message, "send it whole")
    }

    /// The body is no JSON.
    pub(super) fn malformed_json(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed-json", message, "send one JSON object")
    }

    /// The body is JSON, of something else.
    pub(super) fn wrong_shape(message: String) -> Self {
        let remedy = "send the fields that this request takes";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong-shape", message, remedy)
    }

    /// A task of the daemon's died.
    pub(super) fn lost() -> Self {
        let remedy = "ask again; the daemon's log says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the daemon failed", remedy)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, code, message, remedy } = self;
        let (code, remedy) = (code.to_owned(), remedy.to_owned());
        (status, Json(ErrorBody { error: ErrorDetail { code, message, remedy } })).into_response()
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        use StatusCode as Status;
        let (status, code, remedy) = match &error {
            StoreError::NotFound { .. } => (Status::NOT_FOUND, "not-found", "list what there is"),
            StoreError::Conflict { .. }
            | StoreError::Illegal(_)
            | StoreError::AlreadyIngested { .. }
            | StoreError::GrantSpent { .. } => {
                (Status::CONFLICT, "conflict", "look at what stands now")
            }
            StoreError::Grant(_) | StoreError::Limit { .. } => {
                (Status::BAD_REQUEST, "invalid", "keep within the limits")
            }
            StoreError::Chain(_) => (
                Status::CONFLICT,
                "chain",
                "treat the machine as broken into; compare with an exported log",
            ),
            StoreError::NotEntitled(_) => {
                (Status::FORBIDDEN, "not-entitled", "ask an administrator")
            }
            StoreError::Busy { .. } => (Status::SERVICE_UNAVAILABLE, "busy", "ask again"),
            _ => (Status::INTERNAL_SERVER_ERROR, "store", "run `pushwarden doctor`"),
        };
        if status == Status::INTERNAL_SERVER_ERROR {
            tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
        }
        Self::new(status, code, error.to_string(), remedy)
    }
}

impl From<TriageError> for ApiError {
    fn from(error: TriageError) -> Self {
        match error {
            TriageError::Store(error) => error.into(),
            TriageError::Grant(error) => Self::invalid(error.to_string()),
            TriageError::NameWithoutNames { .. } => Self::invalid(error.to_string()),
            TriageError::SelfApproval { .. } => Self::new(
                StatusCode::FORBIDDEN,
                "self-approval",
                error.to_string(),
                "ask another administrator; `allow_self_approval` is for installations of one person",
            ),
        }
    }
}

impl From<ValueError> for ApiError {
    fn from(error: ValueError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<IdError> for ApiError {
    fn from(error: IdError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<ReasonError> for ApiError {
    fn from(error: ReasonError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<CursorError> for ApiError {
    fn from(error: CursorError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<CanaryError> for ApiError {
    fn from(error: CanaryError) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", error.to_string(), "wait some minutes")
    }
}
