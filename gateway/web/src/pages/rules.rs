//! The routing rules in force.

use crate::app::App;
use crate::error::PageError;
use crate::rights::Office;
use crate::session::Frame;
use crate::views::rules as view;
use axum::extract::State;
use axum::response::Response;

/// All rules as sentences.
pub(crate) async fn page(State(app): State<App>, office: Office) -> Result<Response, PageError> {
    let lang = office.visitor.lang;
    let now = app.now();
    let hits = office.view.rule_hits(now).await?;
    let page = view::page(lang, &(app.state.rules)(), &hits, now);
    let frame = Frame { current: "/rules", title: &lang.t("rules.title"), live: None };
    office.visitor.page(&app, frame, "rules", &page).await
}
