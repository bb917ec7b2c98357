//! `POST /api/v1/fhir/Bundle`: a FHIR R4 document from a hospital (退院時サマリー, 診療情報提供書). 201 only
//! after the document is durable; every answer is an OperationOutcome and repeats nothing of the document.

use super::care_notes::{KeyOwner, key_of, owner_of};
use crate::app::App;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kakehashi_core::fhir::{Arrival, FhirFault, MAX_DOCUMENT_BYTES, intake};
use kakehashi_core::ids::IntakeId;
use kakehashi_core::port::{IntakeAnswer, Refusal};
use serde_json::json;
use std::net::SocketAddr;

/// What a sender waits before it tries again.
const RETRY_SECONDS: &str = "30";

/// Takes one document.
pub(crate) async fn take(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or_else(|| "unknown".to_owned(), |c| c.0.ip().to_string());
    match take_from(&app, &peer, &parts.headers, body).await {
        Ok(id) => Outcome {
            status: StatusCode::CREATED,
            severity: "information",
            code: "informational",
            text: "受け取りました。 / Accepted.".to_owned(),
            diagnostics: Some(id.as_str().to_owned()),
            expression: None,
        }
        .into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn take_from(app: &App, peer: &str, headers: &HeaderMap, body: Body) -> Result<IntakeId, Outcome> {
    let owner = match owner_of(app, peer, key_of(headers)).await {
        Ok(KeyOwner::Known(owner)) => owner,
        Ok(KeyOwner::Nobody) => {
            let text = "鍵がないか、ちがいます。 / The key is missing or wrong.";
            return Err(Outcome::refusal(StatusCode::UNAUTHORIZED, "login", text.to_owned()));
        }
        Err(_) => return Err(Outcome::later()),
    };
    let bytes = axum::body::to_bytes(body, MAX_DOCUMENT_BYTES).await.map_err(|_| FhirFault::TooLarge)?;
    let arrival =
        Arrival { endpoint: owner.endpoint_id, peer: Some(peer.to_owned()), received_at: app.now() };
    let intake = intake(bytes.to_vec(), arrival)?;
    match app.state.desk.hand_in(intake).await {
        IntakeAnswer::Accepted(id) | IntakeAnswer::Duplicate(id) => Ok(id),
        IntakeAnswer::Refused(Refusal::TooLarge { .. }) => Err(FhirFault::TooLarge.into()),
        IntakeAnswer::Refused(Refusal::Unacceptable(reason)) => {
            Err(Outcome::refusal(StatusCode::UNPROCESSABLE_ENTITY, "processing", reason))
        }
        IntakeAnswer::TryLater(_) => Err(Outcome::later()),
    }
}

/// An OperationOutcome with one issue.
struct Outcome {
    status: StatusCode,
    severity: &'static str,
    code: &'static str,
    text: String,
    diagnostics: Option<String>,
    expression: Option<&'static str>,
}

impl Outcome {
    const fn refusal(status: StatusCode, code: &'static str, text: String) -> Self {
        Self { status, severity: "error", code, text, diagnostics: None, expression: None }
    }

    fn later() -> Self {
        let text = "いま保存できません。同じものをもう一度送ってください。 / It cannot be stored right now. Please send the same again.";
        Self::refusal(StatusCode::SERVICE_UNAVAILABLE, "transient", text.to_owned())
    }
}

impl From<FhirFault> for Outcome {
    fn from(fault: FhirFault) -> Self {
        let status = match fault {
            FhirFault::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            FhirFault::Empty | FhirFault::NotJson => StatusCode::BAD_REQUEST,
            FhirFault::NotABundle | FhirFault::NotADocument | FhirFault::NoComposition => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
        };
        Self { expression: fault.expression(), ..Self::refusal(status, fault.issue(), fault.to_string()) }
    }
}

impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        let mut issue = json!({
            "severity": self.severity,
            "code": self.code,
            "details": { "text": self.text },
        });
        if let Some(diagnostics) = self.diagnostics {
            issue["diagnostics"] = diagnostics.into();
        }
        if let Some(expression) = self.expression {
            issue["expression"] = json!([expression]);
        }
        let outcome = json!({ "resourceType": "OperationOutcome", "issue": [issue] });
        let mut response = (self.status, outcome.to_string()).into_response();
        let headers = response.headers_mut();
        headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/fhir+json; charset=utf-8"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
