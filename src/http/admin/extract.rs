//! What a request says, read so that whatever is wrong with it is answered as an [`ApiError`].
//!
//! axum's own extractors answer in plain text, and repeat what they were sent: here that may be a
//! value of the inventory. So bodies are parsed here, and an error tells where it is, not what
//! stands there.

use axum::body::Bytes;
use axum::extract::{self, FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::ApiError;

/// The longest body of a request, in bytes: an import of some ten thousand known secrets.
pub(super) const BODY_BYTES_MAX: usize = 16 << 20;

/// The parameters in a path.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = extract::Path::from_request_parts(parts, state).await;
        read.map(|extract::Path(value)| Self(value)).map_err(|_| ApiError::bad_path())
    }
}

/// The parameters behind a path's `?`.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = extract::Query::from_request_parts(parts, state).await;
        // No parameter is a secret: the parser's own words name the one that is wrong.
        let refused =
            |error: extract::rejection::QueryRejection| ApiError::bad_query(error.body_text());
        read.map(|extract::Query(value)| Self(value)).map_err(refused)
    }
}

/// A body of JSON.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::wrong_content_type());
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(BODY_BYTES_MAX),
            _ => ApiError::broken_body(),
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| unread(&error))
    }
}

/// Tells whether a request says that its body is JSON. A browser that is tricked into sending a
/// form cannot say so.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split_once(';').map_or(kind, |(kind, _)| kind);
    kind.trim().eq_ignore_ascii_case("application/json")
}

fn unread(error: &serde_json::Error) -> ApiError {
    let place = format!("line {}, column {}", error.line(), error.column());
    if error.classify() != Category::Data {
        return ApiError::malformed_json(format!("the body is no JSON ({place})"));
    }
    let said = error.to_string();
    // Of the parser's words for data, only these name our own fields and nothing that was sent.
    let missing = said.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
    ApiError::wrong_shape(match missing {
        Some((field, _)) => format!("the body has no `{field}`"),
        None => format!("the body has a value of the wrong kind ({place})"),
    })
}
