//! The JSON API and the addresses that machines watch.

pub(crate) mod care_notes;
mod docs;
mod fax_results;
mod fhir;
mod health;

use crate::app::App;
use axum::Router;
use axum::routing::{get, post};

/// All of them; no cookie and no session opens any.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/care-notes", post(care_notes::take))
        .route("/api/v1/fhir/Bundle", post(fhir::take))
        .route("/api/v1/fax-results/{provider}", post(fax_results::take))
        .route("/api/v1/docs", get(docs::page))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
}
