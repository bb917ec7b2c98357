//! What a page says when it cannot do what was asked: what happened, what is safe, what to do. The inside
//! goes to the log with a case number and without patient data; what one may not know of is 404.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kakehashi_store::StoreError;

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PageError {
    /// There is none, or none that this visitor may know of.
    NotFound,
    /// A form lacks something that a browser would have sent.
    BadForm,
    /// The form's token is not the session's.
    StaleForm,
    /// Somebody else was faster.
    Conflict,
    /// A file or form over its limit.
    TooLarge,
    /// The store does not answer.
    Unavailable,
    /// Ours; the log has it under this case.
    Internal(String),
}

/// Told to the outermost layer, which knows the language of the request.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) key: &'static str,
    pub(crate) case: Option<String>,
}

impl PageError {
    /// A fault of ours with its case number; `what` goes to the log and must hold no patient data.
    pub(crate) fn internal(what: &dyn std::fmt::Display) -> Self {
        let case = format!("{:08x}", crate::random::bits() & 0xffff_ffff);
        tracing::error!(case, "a page failed: {what}");
        Self::Internal(case)
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadForm => StatusCode::UNPROCESSABLE_ENTITY,
            Self::StaleForm => StatusCode::FORBIDDEN,
            Self::Conflict => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn key(&self) -> &'static str {
        match self {
            Self::NotFound => "error.not_found",
            Self::BadForm => "error.bad",
            Self::StaleForm => "error.form",
            Self::Conflict => "error.conflict",
            Self::TooLarge => "error.too_large",
            Self::Unavailable => "error.unavailable",
            Self::Internal(_) => "error.internal",
        }
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => {
                tracing::warn!("a page could not be made: the store is not available");
                Self::Unavailable
            }
            StoreError::Conflict { .. } => Self::Conflict,
            StoreError::Corrupt { .. } | StoreError::Bug { .. } | StoreError::Config { .. } => {
                Self::internal(&error)
            }
        }
    }
}

impl From<crate::templates::TemplateFault> for PageError {
    fn from(_: crate::templates::TemplateFault) -> Self {
        Self::internal(&"template")
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let fault = Fault {
            key: self.key(),
            case: match &self {
                Self::Internal(case) => Some(case.clone()),
                _ => None,
            },
        };
        let mut response = self.status().into_response();
        response.extensions_mut().insert(fault);
        response
    }
}
