//! 操作記録 for the network office, with the check of the whole chain on request.

use crate::app::App;
use crate::error::PageError;
use crate::rights::Office;
use crate::session::Frame;
use crate::views::simple::{AuditPage, audit_line};
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

/// Entries of one page.
const ROWS: u32 = 100;

/// Where a page begins, and whether the chain is to be checked.
#[derive(Deserialize)]
pub(crate) struct Asked {
    before: Option<i64>,
    verify: Option<String>,
}

/// The newest entries.
pub(crate) async fn page(
    State(app): State<App>,
    office: Office,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let lang = office.visitor.lang;
    let entries = office.view.audit(asked.before, ROWS).await?;
    let checked = match asked.verify {
        Some(_) => Some(office.view.verify_audit().await?),
        None => None,
    };
    let full = entries.len() >= usize::try_from(ROWS).unwrap_or(usize::MAX);
    let page = AuditPage {
        checked: checked.is_some(),
        good: checked.and_then(Result::ok).map(|n| lang.tf("audit.good", &[&n.to_string()])),
        broken: checked.and_then(Result::err).map(|seq| lang.tf("audit.broken", &[&seq.to_string()])),
        older: entries.last().filter(|e| full && e.seq > 1).map(|e| format!("/audit?before={}", e.seq)),
        rows: entries.iter().map(|e| audit_line(lang, e)).collect(),
    };
    let frame = Frame { current: "/audit", title: &lang.t("audit.title"), live: None };
    office.visitor.page(&app, frame, "audit", &page).await
}
