//! The outbox for the network office: what did not arrive, and what a person does about it.

use crate::app::App;
use crate::error::PageError;
use crate::forms::{Fields, SignedForm};
use crate::posting::commit;
use crate::rights::Office;
use crate::session::Frame;
use crate::views::outbox as view;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use kakehashi_core::commit::{Actor, DeliveryChange, Effect};
use kakehashi_core::ids::DeliveryId;
use kakehashi_store::view::OutboxFilter;
use serde::Deserialize;

/// Deliveries of one page.
const ROWS: u32 = 200;

/// Which filter.
#[derive(Deserialize)]
pub(crate) struct Asked {
    show: Option<String>,
}

/// The list.
pub(crate) async fn list(
    State(app): State<App>,
    office: Office,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let wanted = asked.show.as_deref();
    let filter = view::FILTERS
        .into_iter()
        .find(|f| wanted == Some(view::code(*f)))
        .unwrap_or(OutboxFilter::NeedsAction);
    show(&app, &office, filter, None).await
}

async fn show(
    app: &App,
    office: &Office,
    filter: OutboxFilter,
    problem: Option<String>,
) -> Result<Response, PageError> {
    let rows = office.view.outbox(filter, ROWS).await?;
    let count = office.view.outbox_count().await?;
    let lang = office.visitor.lang;
    let page = view::page(lang, &office.visitor.csrf, filter, count, &rows, problem, app.now());
    let frame = Frame { current: "/outbox", title: &lang.t("outbox.title"), live: Some("outbox") };
    office.visitor.page(app, frame, "outbox", &page).await
}

/// もう一度送る.
pub(crate) async fn retry(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    change(&app, &office, id, DeliveryChange::Retry).await?;
    Ok(back(&fields, "/outbox"))
}

/// 取消 while it is on hold.
pub(crate) async fn recall(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    change(&app, &office, id, DeliveryChange::Recall).await?;
    Ok(back(&fields, "/outbox?show=held"))
}

/// The page from which it was asked.
fn back(fields: &Fields, outbox: &str) -> Response {
    Redirect::to(if fields.get("back") == Some("/fax") { "/fax" } else { outbox }).into_response()
}

/// A phone task is done; who listened is noted.
pub(crate) async fn called(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let listener = fields.line("listener", 100);
    if listener.is_empty() {
        let problem = office.visitor.lang.t("outbox.listener_needed");
        return show(&app, &office, OutboxFilter::NeedsAction, Some(problem)).await;
    }
    change(&app, &office, id, DeliveryChange::Called { listener }).await?;
    Ok(back(&fields, "/outbox"))
}

async fn change(app: &App, office: &Office, id: String, change: DeliveryChange) -> Result<(), PageError> {
    let actor = Actor::LoginUser { id: office.visitor.user.id.clone() };
    let effect = Effect::ChangeDelivery { delivery_id: DeliveryId::new(id), change };
    commit(app, actor, vec![effect], app.now()).await
}
