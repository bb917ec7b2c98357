//! Facilities and how each receives.

use crate::app::App;
use crate::error::PageError;
use crate::rights::Office;
use crate::session::Frame;
use crate::views::facilities as view;
use axum::extract::State;
use axum::response::Response;

/// All facilities of the network.
pub(crate) async fn page(State(app): State<App>, office: Office) -> Result<Response, PageError> {
    let lang = office.visitor.lang;
    let addresses = office.view.mail_addresses(app.now()).await?;
    let page =
        view::page(lang, app.now(), &office.visitor.csrf, &office.view.facilities().await?, &addresses);
    let frame = Frame { current: "/facilities", title: &lang.t("facilities.title"), live: None };
    office.visitor.page(&app, frame, "facilities", &page).await
}
