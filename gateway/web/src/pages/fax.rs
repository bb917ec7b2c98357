//! The FAX desk of the network office: what came and went, the numbers, the providers. Everything works
//! without script; every form leads back to the desk. A number is stopped by one, changed by two.

use crate::app::App;
use crate::error::PageError;
use crate::forms::SignedForm;
use crate::posting::commit;
use crate::random;
use crate::rights::Office;
use crate::session::Frame;
use crate::views::fax as view;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use kakehashi_core::commit::{Actor, Effect, EndpointChange, NewSheet, SuspendReason};
use kakehashi_core::directory::Endpoint;
use kakehashi_core::ids::{ChangeId, DeliveryId, EndpointId, PostId};
use kakehashi_core::sheet_order::SheetOrder;
use kakehashi_core::text::number::{fold_number, looked_for};
use kakehashi_core::vocabulary::{Channel, EndpointState};
use serde::Deserialize;

/// Rows of the two lists.
const ROWS: u32 = 24;
/// Attachments of a thumbnail's delivery that are drawn; larger ones are named.
const THUMBNAIL_ATTACHMENT_BYTES: u64 = 4 * 1024 * 1024;

/// What was just done.
#[derive(Deserialize)]
pub(crate) struct Asked {
    done: Option<String>,
}

/// The desk.
pub(crate) async fn desk(
    State(app): State<App>,
    office: Office,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let done = asked.done.filter(|d| view::DONE.contains(&d.as_str()));
    show(&app, &office, done.as_deref(), None).await
}

/// The desk with one number only, found by its digits. A form and no link, so that nothing that is typed stands in
/// an address.
pub(crate) async fn find(
    State(app): State<App>,
    office: Office,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let typed = fields.line("find", 40);
    let problem =
        (!typed.is_empty() && looked_for(&typed).is_none()).then(|| office.visitor.lang.t("fax.find_digits"));
    show_found(&app, &office, None, problem, Some(typed).filter(|t| !t.is_empty())).await
}

async fn show(
    app: &App,
    office: &Office,
    done: Option<&str>,
    problem: Option<String>,
) -> Result<Response, PageError> {
    show_found(app, office, done, problem, None).await
}

async fn show_found(
    app: &App,
    office: &Office,
    done: Option<&str>,
    problem: Option<String>,
    find: Option<String>,
) -> Result<Response, PageError> {
    let (lang, now) = (office.visitor.lang, app.now());
    let digits = find.as_deref().and_then(looked_for);
    let mut numbers = office.view.fax_numbers(now).await?;
    numbers.retain(|n| digits.as_deref().is_none_or(|d| n.endpoint.address.contains(d)));
    let desk = view::Desk {
        incoming: office.view.fax_in(ROWS).await?,
        outgoing: office.view.fax_out(digits.as_deref(), ROWS).await?,
        numbers,
        find,
        routes: office.view.fax_routes(now).await?,
        settings: office.view.paper_settings().await?,
        paper: office.view.paper_trust().await?,
        me: office.visitor.user.id.to_string(),
    };
    let page = view::page(lang, &office.visitor.csrf, &desk, done, problem, now);
    let frame = Frame { current: "/fax", title: &lang.t("fax.title"), live: None };
    office.visitor.page(app, frame, "fax", &page).await
}

fn done(what: &str) -> Response {
    Redirect::to(&format!("/fax?done={what}")).into_response()
}

fn actor(office: &Office) -> Actor {
    Actor::LoginUser { id: office.visitor.user.id.clone() }
}

async fn number(office: &Office, id: &str) -> Result<Endpoint, PageError> {
    let endpoint = office.view.endpoint(&EndpointId::new(id)).await?.ok_or(PageError::NotFound)?;
    if endpoint.channel == Channel::Fax { Ok(endpoint) } else { Err(PageError::NotFound) }
}

/// Orders 番号確認票, 設定票, 連絡票 or 異動届 for a number, or 状況票 or 受領確認書 of a post.
pub(crate) async fn order(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let endpoint = number(&office, &id).await?;
    let post = fields.get("post_id").map(PostId::new);
    let order = match (fields.get("sheet"), post) {
        (Some("verification"), _) => SheetOrder::Verification,
        (Some("preference"), _) => SheetOrder::Preference,
        (Some("contact"), _) => SheetOrder::Contact,
        (Some("staff_change"), _) => SheetOrder::StaffChange,
        (Some("status"), Some(post_id)) => SheetOrder::Status { post_id },
        (Some("evidence"), Some(post_id)) => SheetOrder::Evidence { post_id },
        _ => return Err(PageError::BadForm),
    };
    let refused = match endpoint.state {
        EndpointState::Suspended => true,
        EndpointState::Unverified => !order.may_go_unverified(),
        EndpointState::Verified | EndpointState::Stale => false,
    };
    if refused {
        let problem = office.visitor.lang.t("fax.not_verified");
        return show(&app, &office, None, Some(problem)).await;
    }
    let now = app.now();
    let sheet = NewSheet::plan(&endpoint, order, now, &mut random::bits);
    commit(&app, actor(&office), vec![Effect::OrderSheet(Box::new(sheet))], now).await?;
    Ok(done("ordered"))
}

/// The office called the number's facility on its registered telephone and was told so (I3).
pub(crate) async fn verify(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let endpoint = number(&office, &id).await?;
    let listener = fields.line("listener", 60);
    if listener.is_empty() {
        let problem = office.visitor.lang.t("outbox.listener_needed");
        return show(&app, &office, None, Some(problem)).await;
    }
    let now = app.now();
    let words = format!("{} に電話({listener}様)でこの番号を確かめました。", now.to_ja());
    let effects = vec![
        Effect::ChangeEndpoint { endpoint_id: endpoint.id.clone(), change: EndpointChange::Verified },
        Effect::TellInNext { id: ChangeId::fresh(now, random::bits()), endpoint_id: endpoint.id, words },
    ];
    commit(&app, actor(&office), effects, now).await?;
    Ok(done("verified"))
}

/// 宛先違い: one click stops the number, recalls what waits and ends every code that was sent there.
pub(crate) async fn wrong(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(_): SignedForm,
) -> Result<Response, PageError> {
    let endpoint = number(&office, &id).await?;
    let suspend = Effect::SuspendEndpoint { endpoint_id: endpoint.id, why: SuspendReason::WrongRecipient };
    commit(&app, actor(&office), vec![suspend], app.now()).await?;
    Ok(done("stopped"))
}

/// Another number, written down by the first person.
pub(crate) async fn propose(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let endpoint = number(&office, &id).await?;
    let written = fold_number(&fields.line("number", 40));
    let again = fold_number(&fields.line("again", 40));
    let Some(address) = written.filter(|w| again.as_ref() == Some(w)) else {
        let problem = office.visitor.lang.t("fax.number_twice");
        return show(&app, &office, None, Some(problem)).await;
    };
    let now = app.now();
    let change = EndpointChange::ProposeNumber { id: ChangeId::fresh(now, random::bits()), address };
    let effect = Effect::ChangeEndpoint { endpoint_id: endpoint.id, change };
    commit(&app, actor(&office), vec![effect], now).await?;
    Ok(done("proposed"))
}

/// The second person has compared the number with the source document: its 番号確認票 leaves, and nothing about
/// a patient before that is back.
pub(crate) async fn check(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let endpoint = number(&office, &id).await?;
    let change = fields.get("change_id").map(ChangeId::new).ok_or(PageError::BadForm)?;
    let now = app.now();
    let sheet = NewSheet::plan(&endpoint, SheetOrder::Verification, now, &mut random::bits);
    let effects = vec![
        Effect::ChangeEndpoint {
            endpoint_id: endpoint.id,
            change: EndpointChange::CheckNumber { id: change },
        },
        Effect::OrderSheet(Box::new(sheet)),
    ];
    match commit(&app, actor(&office), effects, now).await {
        Err(PageError::Conflict) => {
            let problem = office.visitor.lang.t("fax.second_person");
            show(&app, &office, None, Some(problem)).await
        }
        other => other.map(|()| done("checked")),
    }
}

/// The settings of yesterday come back, of a number or of a mail address.
pub(crate) async fn undo(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let endpoint = office.view.endpoint(&EndpointId::new(&id)).await?.ok_or(PageError::NotFound)?;
    let by_mail = endpoint.channel == Channel::Email;
    if !by_mail && endpoint.channel != Channel::Fax {
        return Err(PageError::NotFound);
    }
    let change = fields.get("change_id").map(ChangeId::new).ok_or(PageError::BadForm)?;
    let now = app.now();
    let words = format!("{} に受け取り方を元に戻しました。", now.to_ja());
    let effects = vec![
        Effect::ChangeEndpoint {
            endpoint_id: endpoint.id.clone(),
            change: EndpointChange::UndoSettings { id: change },
        },
        Effect::TellInNext { id: ChangeId::fresh(now, random::bits()), endpoint_id: endpoint.id, words },
    ];
    commit(&app, actor(&office), effects, now).await?;
    Ok(if by_mail { Redirect::to("/facilities").into_response() } else { done("undone") })
}

/// How the network handles paper.
pub(crate) async fn settings(
    State(app): State<App>,
    office: Office,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let small =
        |name: &str, most: u32| fields.get(name).and_then(|n| n.parse::<u32>().ok()).filter(|n| *n <= most);
    let (Some(pages_a_day), Some(page_cost)) =
        (small("pages_a_day", 2000), view::cost(fields.get("page_cost")))
    else {
        let problem = office.visitor.lang.t("fax.bad_figures");
        return show(&app, &office, None, Some(problem)).await;
    };
    let effect = Effect::SetPaper {
        untouched_acknowledges: fields.get("untouched").is_some(),
        pages_a_day,
        page_cost,
    };
    commit(&app, actor(&office), vec![effect], app.now()).await?;
    Ok(done("set"))
}

/// The first page of what leaves or left, as a picture.
pub(crate) async fn thumbnail(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    // Office only, by the extractor.
    let _ = office;
    let permit = app.drawing.acquire().await.map_err(|e| PageError::internal(&e))?;
    let worker = app.state.store.worker(&app.state.network);
    let job = worker.preview(&DeliveryId::new(id), THUMBNAIL_ATTACHMENT_BYTES).await?;
    let job = job.ok_or(PageError::NotFound)?;
    let draw = std::sync::Arc::clone(&app.state.preview);
    let images = std::sync::Arc::clone(&app.state.page_images);
    let drawn =
        tokio::task::spawn_blocking(move || draw(&job).and_then(|pdf| images.pdf_page_png(&pdf, 1)).ok())
            .await;
    drop(permit);
    match drawn.map_err(|e| PageError::internal(&e))? {
        Some(png) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("image/png")),
                (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=300")),
            ];
            Ok((headers, png).into_response())
        }
        // What it carried may be gone since.
        None => Err(PageError::NotFound),
    }
}
