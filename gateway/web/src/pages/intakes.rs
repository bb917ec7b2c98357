//! Intakes for the network office: what arrived, what was decided and why, and the original.

use super::attachments::disposition;
use crate::app::App;
use crate::error::PageError;
use crate::rights::Office;
use crate::session::Frame;
use crate::views::intake as view;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kakehashi_core::ids::IntakeId;
use kakehashi_core::vocabulary::Format;
use serde::Deserialize;

/// Intakes of one page.
const ROWS: u32 = 100;

/// Where a page begins.
#[derive(Deserialize)]
pub(crate) struct Asked {
    before: Option<String>,
}

/// The list.
pub(crate) async fn list(
    State(app): State<App>,
    office: Office,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let before = asked.before.map(IntakeId::new);
    let rows = office.view.intakes(before.as_ref(), ROWS).await?;
    let lang = office.visitor.lang;
    let page = view::list(lang, &rows, ROWS, app.now());
    let frame = Frame { current: "/intakes", title: &lang.t("intakes.title"), live: None };
    office.visitor.page(&app, frame, "intakes", &page).await
}

/// One intake.
pub(crate) async fn page(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let found = office.view.intake(&IntakeId::new(id)).await?.ok_or(PageError::NotFound)?;
    let lang = office.visitor.lang;
    let page = view::page(lang, &found);
    let title = lang.tf("intake.title", &[&page.received]);
    let frame = Frame { current: "/intakes", title: &title, live: None };
    office.visitor.page(&app, frame, "intake", &page).await
}

/// The original, byte for byte; never shown, only saved.
pub(crate) async fn raw(office: Office, Path(id): Path<String>) -> Result<Response, PageError> {
    let id = IntakeId::new(id);
    let found = office.view.intake(&id).await?.ok_or(PageError::NotFound)?;
    let bytes = office.view.intake_bytes(&id).await?.ok_or(PageError::NotFound)?;
    let ending = match found.format {
        Format::Rfc5322 => "eml",
        Format::Hl7v2 | Format::Ssmix2 => "hl7",
        Format::Fhir | Format::Json => "json",
        Format::Tiff => "tif",
        Format::Pdf => "pdf",
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
        (header::CONTENT_DISPOSITION, disposition("attachment", &format!("{id}.{ending}"))),
    ];
    Ok((headers, bytes).into_response())
}
