//! `POST /api/v1/care-notes`: a care note from record software. 201 only after the note is durable, the
//! same answer for the same note; a wrong key learns nothing; nothing of the note is repeated in an answer.

use crate::app::App;
use crate::error::PageError;
use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kakehashi_core::care_note::{Arrival, CareNoteFault, CareNoteLimits, FaultKind, intake};
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::ids::IntakeId;
use kakehashi_core::port::{IntakeAnswer, Refusal};
use kakehashi_core::vocabulary::{Authenticity, Channel};
use kakehashi_store::view::EndpointOwner;
use serde_json::json;
use std::net::SocketAddr;

/// What a sender waits before it tries again.
const RETRY_SECONDS: &str = "30";

/// Whose key it is.
pub(crate) enum KeyOwner {
    /// An endpoint of a facility.
    Known(EndpointOwner),
    /// Nobody's, or too many wrong ones came from this address.
    Nobody,
}

/// The owner of a key; wrong keys are counted by address.
pub(crate) async fn owner_of(app: &App, peer: &str, key: &str) -> Result<KeyOwner, PageError> {
    let now = app.now();
    if key.is_empty() || key.len() > 200 || app.keys.exhausted(peer, now) {
        return Ok(KeyOwner::Nobody);
    }
    let hash = ContentHash::of(key.as_bytes());
    match app.store().accounts(&app.state.network).api_endpoint(hash.hex()).await? {
        Some(owner) => Ok(KeyOwner::Known(owner)),
        None => {
            app.keys.failed(peer, now);
            Ok(KeyOwner::Nobody)
        }
    }
}

/// Takes one note.
pub(crate) async fn take(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or_else(|| "unknown".to_owned(), |c| c.0.ip().to_string());
    match take_from(&app, &peer, &parts.headers, body).await {
        Ok(id) => (StatusCode::CREATED, Json(json!({ "intake_id": id }))).into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn take_from(app: &App, peer: &str, headers: &HeaderMap, body: Body) -> Result<IntakeId, Refused> {
    let owner = match owner_of(app, peer, key_of(headers)).await {
        Ok(KeyOwner::Known(owner)) => owner,
        Ok(KeyOwner::Nobody) => return Err(Refused::KEY.into()),
        Err(_) => return Err(Refused::LATER.into()),
    };
    let idempotency_key = match headers.get("idempotency-key").map(HeaderValue::to_str) {
        None => None,
        Some(Ok(key)) => Some(key),
        Some(Err(_)) => return Err(Refused::IDEMPOTENCY.into()),
    };
    let limits = CareNoteLimits::default();
    let bytes = axum::body::to_bytes(body, limits.document_bytes)
        .await
        .map_err(|_| Refused::from(Refused::TOO_LARGE))?;
    let arrival = Arrival {
        channel: Channel::Api,
        endpoint: owner.endpoint_id,
        login_user: None,
        authenticity: Authenticity::ApiKey,
        peer: Some(peer.to_owned()),
        idempotency_key,
        received_at: app.now(),
    };
    let intake = intake(bytes.to_vec(), arrival, &limits)?;
    match app.state.desk.hand_in(intake).await {
        IntakeAnswer::Accepted(id) => Ok(id),
        IntakeAnswer::Duplicate(id) => same_as_before(app, id, &bytes).await,
        IntakeAnswer::Refused(Refusal::TooLarge { .. }) => Err(Refused::TOO_LARGE.into()),
        IntakeAnswer::Refused(Refusal::Unacceptable(reason)) => Err(Refused {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code: "unacceptable",
            ja: reason.clone(),
            en: reason,
            path: None,
            later: false,
        }),
        IntakeAnswer::TryLater(_) => Err(Refused::LATER.into()),
    }
}

/// The earlier answer, if the earlier note was this one: a key that is used for another text must not
/// make its sender believe that the new text is here.
async fn same_as_before(app: &App, id: IntakeId, bytes: &[u8]) -> Result<IntakeId, Refused> {
    match app.store().office(&app.state.network).intake(&id).await {
        Ok(Some(earlier)) if earlier.content_hash != ContentHash::of(bytes) => Err(Refused::REUSED.into()),
        Ok(_) => Ok(id),
        Err(_) => Err(Refused::LATER.into()),
    }
}

/// `Authorization: Bearer …` or `X-Api-Key`.
pub(crate) fn key_of(headers: &HeaderMap) -> &str {
    let text = |name: HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let bearer = text(header::AUTHORIZATION)
        .and_then(|v| v.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, key)| key);
    bearer.or_else(|| text(HeaderName::from_static("x-api-key"))).unwrap_or_default().trim()
}

/// An answer that is not 201: code for machines, words for people.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    code: &'static str,
    ja: String,
    en: String,
    path: Option<String>,
    later: bool,
}

impl Refused {
    const KEY: Reason = Reason(
        StatusCode::UNAUTHORIZED,
        "wrong_key",
        "鍵がないか、ちがいます。事務局にお確かめください。",
        "The key is missing or wrong. Please ask the network office.",
    );
    const LATER: Reason = Reason(
        StatusCode::SERVICE_UNAVAILABLE,
        "try_later",
        "いま保存できません。同じものをもう一度送ってください。",
        "It cannot be stored right now. Please send the same again.",
    );
    const TOO_LARGE: Reason = Reason(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "大きすぎます。全体で30 MBまでです。",
        "Too large. 30 MB at most.",
    );
    const REUSED: Reason = Reason(
        StatusCode::CONFLICT,
        "key_reused",
        "同じ Idempotency-Key か note_id で、別の内容を受け取り済みです。新しい値で送り直してください。",
        "This Idempotency-Key or note_id came before with other content. Please send it with a new one.",
    );
    const IDEMPOTENCY: Reason = Reason(
        StatusCode::BAD_REQUEST,
        "idempotency_key",
        "Idempotency-Key は1〜200字のASCIIにしてください。",
        "Idempotency-Key must be 1 to 200 ASCII signs.",
    );
}

/// A refusal that is always the same.
struct Reason(StatusCode, &'static str, &'static str, &'static str);

impl From<Reason> for Refused {
    fn from(Reason(status, code, ja, en): Reason) -> Self {
        Self {
            status,
            code,
            ja: ja.to_owned(),
            en: en.to_owned(),
            path: None,
            later: status == StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<CareNoteFault> for Refused {
    fn from(fault: CareNoteFault) -> Self {
        let (status, code) = match fault.kind {
            FaultKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            FaultKind::Empty => (StatusCode::UNPROCESSABLE_ENTITY, "empty"),
            FaultKind::NotJson => (StatusCode::UNPROCESSABLE_ENTITY, "not_json"),
            FaultKind::NotACareNote => (StatusCode::UNPROCESSABLE_ENTITY, "not_a_care_note"),
        };
        let (ja, en) = fault.reason.split_once(" / ").unwrap_or((&fault.reason, &fault.reason));
        Self { status, code, ja: ja.to_owned(), en: en.to_owned(), path: Some(fault.path), later: false }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut answer = json!({ "code": self.code, "ja": self.ja, "en": self.en });
        if let Some(path) = self.path {
            answer["path"] = path.into();
        }
        let mut response = (self.status, Json(answer)).into_response();
        if self.later {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
