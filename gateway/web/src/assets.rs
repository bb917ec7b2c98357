//! Style, script, sign and typefaces, part of the program: nothing is fetched from elsewhere. Style and
//! script are named by their content, so that a new version is never shown with an old style.

use crate::app::App;
use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kakehashi_core::envelope::ContentHash;
use std::sync::LazyLock;

const STYLE: &[u8] = include_bytes!("../../../templates/web/assets/style.css");
const SCRIPT: &[u8] = include_bytes!("../../../templates/web/assets/app.js");
const SIGN: &[u8] = include_bytes!("../../../templates/web/assets/favicon.svg");
const REGULAR: &[u8] = include_bytes!("../../../assets/fonts/BIZUDPGothic-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../../../assets/fonts/BIZUDPGothic-Bold.ttf");

static TAG: LazyLock<String> =
    LazyLock::new(|| ContentHash::of(&[STYLE, SCRIPT].concat()).hex()[..12].to_owned());

/// Address of an asset with the mark of its content.
pub(crate) fn path_of(name: &str) -> String {
    format!("/assets/{name}?v={}", *TAG)
}

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>) -> Response {
    let (bytes, media_type) = match name.as_str() {
        "style.css" => (STYLE, "text/css; charset=utf-8"),
        "app.js" => (SCRIPT, "text/javascript; charset=utf-8"),
        "favicon.svg" => (SIGN, "image/svg+xml"),
        "BIZUDPGothic-Regular.ttf" => (REGULAR, "font/ttf"),
        "BIZUDPGothic-Bold.ttf" => (BOLD, "font/ttf"),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "public, max-age=86400")], bytes)
        .into_response()
}
