//! `/healthz` the process runs, `/readyz` it takes work and the database answers, `/metrics` for Prometheus.

use crate::app::App;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The process runs.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// It takes work and the database answers.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    if !(app.state.ready)() {
        return (StatusCode::SERVICE_UNAVAILABLE, "starting or stopping\n").into_response();
    }
    match app.store().ping().await {
        Ok(()) => "ok\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n").into_response(),
    }
}

/// Figures.
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (app.state.metrics_text)())
        .into_response()
}
