//! `POST /api/v1/fax-results/NAME`: what became of a FAX job, told by its provider and signed with its secret
//! (docs/fax-http.md). Every result that is signed rightly gets the same answer, whether the job is known or
//! not; every other one is refused without a reason. A provider speaks of its own jobs only.

use crate::app::App;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::StatusCode;
use kakehashi_core::commit::{Actor, Commit, Effect};
use kakehashi_core::fax_result::{BODY_BYTES, read, verify};
use std::net::SocketAddr;

/// Takes one result.
pub(crate) async fn take(
    State(app): State<App>,
    Path(provider): Path<String>,
    request: Request,
) -> StatusCode {
    let (parts, body) = request.into_parts();
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or_else(|| "unknown".to_owned(), |c| c.0.ip().to_string());
    let now = app.now();
    if app.keys.exhausted(&peer, now) {
        return StatusCode::FORBIDDEN;
    }
    let header = parts.headers.get("x-fax-signature").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let Ok(bytes) = axum::body::to_bytes(Body::new(body), BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE;
    };
    let secret = app.state.fax_secrets.get(&provider);
    let trusted = match secret {
        Some(secret) => verify(secret.as_bytes(), header, &bytes, now).map_err(|e| e.to_string()),
        None => Err("no provider of this name".to_owned()),
    };
    if let Err(why) = trusted {
        tracing::warn!(why, "web.fax_results: a result was refused");
        app.keys.failed(&peer, now);
        return StatusCode::FORBIDDEN;
    }
    let result = match read(&bytes) {
        Ok(result) => result,
        Err(why) => {
            tracing::warn!(provider, why, "web.fax_results: a signed result cannot be read");
            return StatusCode::UNPROCESSABLE_ENTITY;
        }
    };
    let Some(state) = result.state else { return StatusCode::NO_CONTENT };
    // It finds a job of this provider only; one that is not known yet may be known in a moment.
    let effect = Effect::Report { job: result.job, route: Some(provider), state, detail: result.detail };
    let commit = Commit { at: now, actor: Actor::Gateway, effects: vec![effect] };
    match app.store().commit(&app.state.network, commit).await {
        Ok(_) => StatusCode::NO_CONTENT,
        // The provider keeps it and tells it again.
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
