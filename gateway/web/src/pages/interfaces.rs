//! Hospital interfaces for the network office: how each does, and a browser of their messages. What is looked
//! for is sent in a form and never stands in an address; a replay never changes what was posted.

use crate::app::App;
use crate::error::PageError;
use crate::forms::SignedForm;
use crate::rights::Office;
use crate::session::Frame;
use crate::views::interfaces::{self as view, Asked, Told};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::ToSpan as _;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::{Actor, Commit, Effect};
use kakehashi_core::ids::IntakeId;
use kakehashi_store::Committed;
use kakehashi_store::view::MessageFilter;
use serde::Deserialize;

/// Messages of one page.
const ROWS: u32 = 100;
/// Larger messages are not taken apart, only listed and saved.
const SHOWN_BYTES: u64 = 8 * 1024 * 1024;

/// The interfaces.
pub(crate) async fn list(State(app): State<App>, office: Office) -> Result<Response, PageError> {
    let now = app.now();
    let rows = office.view.interfaces(now.plus_seconds(-24 * 3600)).await?;
    let running = (app.state.interfaces)();
    let lang = office.visitor.lang;
    let page = view::list(lang, &office.visitor.csrf, &rows, &running, now);
    let frame = Frame { current: "/interfaces", title: &lang.t("interfaces.title"), live: None };
    office.visitor.page(&app, frame, "interfaces", &page).await
}

/// Which interface, in an address.
#[derive(Deserialize)]
pub(crate) struct Of {
    interface: Option<String>,
}

/// The newest messages, of one interface if named.
pub(crate) async fn messages(
    State(app): State<App>,
    office: Office,
    Query(of): Query<Of>,
) -> Result<Response, PageError> {
    found(&app, &office, Asked { interface: of.interface, ..Asked::default() }).await
}

/// Messages by what the form asks.
pub(crate) async fn find(
    State(app): State<App>,
    office: Office,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let field = |name: &str| Some(fields.line(name, 120)).filter(|v| !v.is_empty());
    let asked = Asked {
        control_id: field("control_id"),
        patient: field("patient"),
        kind: field("type"),
        interface: field("interface"),
        from: field("from"),
        until: field("until"),
        before: field("before"),
    };
    found(&app, &office, asked).await
}

async fn found(app: &App, office: &Office, asked: Asked) -> Result<Response, PageError> {
    let now = app.now();
    let from = asked.from.as_deref().and_then(|d| day(d, 0)).unwrap_or(UtcMicros::from_micros(0));
    let until = asked.until.as_deref().and_then(|d| day(d, 1)).unwrap_or_else(|| now.plus_seconds(24 * 3600));
    let filter = MessageFilter {
        control_id: asked.control_id.clone(),
        patient: asked.patient.clone(),
        kind: asked.kind.as_deref().map(|k| k.trim().to_ascii_uppercase()),
        interface: asked.interface.clone(),
        from,
        until,
    };
    let before = asked.before.clone().map(IntakeId::new);
    let rows = office.view.messages(&filter, before.as_ref(), ROWS).await?;
    let lang = office.visitor.lang;
    let page = view::messages(lang, &office.visitor.csrf, &asked, &rows, ROWS, now);
    let frame = Frame { current: "/interfaces", title: &lang.t("messages.title"), live: None };
    office.visitor.page(app, frame, "messages", &page).await
}

/// The beginning of a day in Japan, `days` later.
fn day(text: &str, days: i64) -> Option<UtcMicros> {
    let date: jiff::civil::Date = text.trim().parse().ok()?;
    UtcMicros::from_japan(date.checked_add(days.days()).ok()?.at(0, 0, 0, 0))
}

/// What a replay did, after coming back.
#[derive(Deserialize)]
pub(crate) struct After {
    told: Option<String>,
}

/// One message.
pub(crate) async fn message(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    Query(after): Query<After>,
) -> Result<Response, PageError> {
    let id = IntakeId::new(id);
    let found = office.view.intake(&id).await?.ok_or(PageError::NotFound)?;
    let text = if found.size_bytes <= SHOWN_BYTES {
        let bytes = office.view.intake_bytes(&id).await?.ok_or(PageError::NotFound)?;
        let (messages, interface) = (app.state.message_view.clone(), found.origin.interface.clone());
        tokio::task::spawn_blocking(move || messages.text(&bytes, interface.as_deref()))
            .await
            .unwrap_or_default()
    } else {
        Default::default()
    };
    let told = match after.told.as_deref() {
        Some("replayed") => Some(Told::Replayed),
        Some("unchanged") => Some(Told::Unchanged),
        _ => None,
    };
    let lang = office.visitor.lang;
    let page = view::message(lang, &office.visitor.csrf, &found, text, told);
    let title = page.title.clone();
    let frame = Frame { current: "/interfaces", title: &title, live: None };
    office.visitor.page(&app, frame, "message", &page).await
}

/// Read and decide again. Where anything came of the message nothing changes.
pub(crate) async fn replay(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(_): SignedForm,
) -> Result<Response, PageError> {
    let id = IntakeId::new(id);
    let done = act_on(&app, &office, &id, Effect::ReplayIntake { intake_id: id.clone() }).await?;
    let told = if done.repeated_count == 0 { "replayed" } else { "unchanged" };
    Ok(Redirect::to(&format!("/interfaces/messages/{id}?told={told}")).into_response())
}

/// Offers the application answers to a message once more, which the sender's listener refused or never took.
pub(crate) async fn answer_again(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(_): SignedForm,
) -> Result<Response, PageError> {
    let id = IntakeId::new(id);
    act_on(&app, &office, &id, Effect::OweAnswerAgain { intake_id: id.clone() }).await?;
    Ok(Redirect::to("/interfaces").into_response())
}

/// One act of the office on a message that is there.
async fn act_on(app: &App, office: &Office, id: &IntakeId, effect: Effect) -> Result<Committed, PageError> {
    office.view.intake(id).await?.ok_or(PageError::NotFound)?;
    let actor = Actor::LoginUser { id: office.visitor.user.id.clone() };
    let commit = Commit { at: app.now(), actor, effects: vec![effect] };
    Ok(app.store().commit(&app.state.network, commit).await?)
}
