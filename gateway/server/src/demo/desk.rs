//! The members' desk: every mail, FAX and HL7 note that would have left, as its receiver would hold it. A mail can
//! be answered and a FAX page sent back with boxes ticked and lines drawn; both go in through the real
//! SMTP listener, in the form in which a mail client or a FAX provider would send them.

pub(crate) mod compose;
mod hospital;
mod pages;

use super::catcher::{Catcher, Caught};
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use kakehashi_core::clock::Clock;
use kakehashi_core::mail::Mail;
use kakehashi_core::sheet_geometry::{LayoutBox, PAGE_HEIGHT, PAGE_WIDTH};
use kakehashi_fax::pages::Page;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the demo's provider delivers what it received, and members' mails go.
pub(crate) const INTAKE_ADDRESS: &str = "fax@in.kakehashi.example";

/// Path of the desk.
pub(crate) const HOME: &str = "/demo";

/// A drawing of more than this many points is not a signature.
const MAX_POINTS: usize = 20_000;

/// What the desk needs.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) catcher: Arc<Catcher>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Names of the facilities by number and address.
    pub(crate) names: Arc<BTreeMap<String, String>>,
}

impl Desk {
    /// Whose number or address this is.
    fn name(&self, caught: &Caught) -> String {
        let address = caught.fax_number().unwrap_or_else(|| caught.recipient());
        self.names.get(address).cloned().unwrap_or_default()
    }
}

/// The desk's pages.
pub(crate) fn router(desk: Desk) -> Router {
    Router::new()
        .route("/demo", get(list))
        .route("/demo/desk.js", get(script))
        .route("/demo/desk.css", get(style))
        .route("/demo/{id}", get(show))
        .route("/demo/{id}/pages/{page}", get(page_image))
        .route("/demo/{id}/attachments/{index}", get(attachment))
        .route("/demo/{id}/reply", post(reply))
        .route("/demo/{id}/return", post(send_back))
        .layer(axum::middleware::map_response(guarded))
        .with_state(desk)
}

/// The headers of all our pages: nothing from elsewhere, nothing inline but our own positions.
async fn guarded(mut response: Response) -> Response {
    let policy = "default-src 'none'; img-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                  font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// A caught item, read.
struct Item {
    caught: Caught,
    mail: Mail,
    /// Who holds it in hand.
    receiver: String,
}

impl Item {
    fn load(desk: &Desk, id: &str) -> Option<Self> {
        let (caught, bytes) = desk.catcher.get(id)?;
        let mail = match caught.interface {
            Some(_) => hospital::read(&bytes, caught.caught_at),
            None => kakehashi_email::read::parse_mail(&bytes).ok()?,
        };
        let receiver = desk.name(&caught);
        Some(Self { caught, mail, receiver })
    }

    /// The pages of a FAX job.
    fn fax_pdf(&self) -> Option<&[u8]> {
        let pdf = self.mail.parts.iter().find(|p| p.bytes.starts_with(b"%PDF-"))?;
        self.caught.fax_number().is_some().then_some(pdf.bytes.as_slice())
    }
}

/// Where an answer to a mail goes: Reply-To, else From.
pub(crate) fn answer_to(mail: &Mail) -> Option<String> {
    let reply_to = mail.header("Reply-To").and_then(|value| {
        let inner = value.rsplit_once('<').map_or(value, |(_, rest)| rest);
        let address = inner.trim().trim_end_matches('>').trim();
        address.contains('@').then(|| address.to_owned())
    });
    reply_to.or_else(|| mail.from.as_ref().map(|f| f.address.clone()))
}

async fn list(State(desk): State<Desk>) -> Response {
    let items: Vec<Item> =
        desk.catcher.list().into_iter().take(200).filter_map(|c| Item::load(&desk, &c.id)).collect();
    Html(pages::list(&items)).into_response()
}

async fn show(State(desk): State<Desk>, Path(id): Path<String>) -> Response {
    let Some(item) = Item::load(&desk, &id) else { return not_found() };
    let shown = tokio::task::spawn_blocking(move || {
        let count =
            item.fax_pdf().and_then(|pdf| kakehashi_fax::pages::pdf_page_count(pdf).ok()).unwrap_or(0);
        pages::item(&item, count, &printed_boxes(&item, count))
    })
    .await;
    match shown {
        Ok(html) => Html(html).into_response(),
        Err(_) => not_found(),
    }
}

/// The boxes of the last page, if it is a sheet.
fn printed_boxes(item: &Item, pages: usize) -> Vec<LayoutBox> {
    let last = pages.checked_sub(1);
    let page = item.fax_pdf().zip(last).and_then(|(pdf, last)| Page::from_pdf(pdf, last).ok());
    page.and_then(|page| kakehashi_fax::sheet::printed(&page)).map(|l| l.boxes).unwrap_or_default()
}

/// A tick in a box, as a pen makes it.
pub(super) fn tick(page: &mut Page, at: &LayoutBox) {
    let point = |x: f32, y: f32| (at.x + x * at.w, at.y + y * at.h);
    page.draw_line_mm(&[point(0.19, 0.51), point(0.41, 0.8), point(0.84, 0.2)], 0.7);
}

async fn script() -> Response {
    let script = include_str!("../../demo/desk.js");
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], script).into_response()
}

async fn style() -> Response {
    let style = include_str!("../../demo/desk.css");
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], style).into_response()
}

/// Pixels across a page on the desk: the width of a FAX line.
const PAGE_PIXELS: u32 = 1728;

async fn page_image(State(desk): State<Desk>, Path((id, page)): Path<(String, usize)>) -> Response {
    let Some(item) = Item::load(&desk, &id) else { return not_found() };
    let drawn = tokio::task::spawn_blocking(move || {
        kakehashi_fax::pages::pdf_page_png(item.fax_pdf()?, page, PAGE_PIXELS).ok()
    })
    .await;
    match drawn {
        Ok(Some(png)) => ([(header::CONTENT_TYPE, "image/png")], png).into_response(),
        Ok(None) | Err(_) => not_found(),
    }
}

async fn attachment(State(desk): State<Desk>, Path((id, index)): Path<(String, usize)>) -> Response {
    let Some(item) = Item::load(&desk, &id) else { return not_found() };
    match item.mail.parts.into_iter().nth(index) {
        Some(part) => {
            let headers = [
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CONTENT_DISPOSITION, "attachment"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, part.bytes).into_response()
        }
        None => not_found(),
    }
}

#[derive(Deserialize)]
struct ReplyForm {
    body: String,
}

async fn reply(State(desk): State<Desk>, Path(id): Path<String>, Form(form): Form<ReplyForm>) -> Response {
    let Some(item) = Item::load(&desk, &id) else { return not_found() };
    let Some(to) = answer_to(&item.mail) else { return not_found() };
    let member = item.caught.recipient().to_owned();
    let composed = compose::reply(&item.mail, (&item.receiver, &member), &to, &form.body, desk.clock.now());
    submit(&desk, &member, &to, composed).await
}

#[derive(Deserialize)]
struct ReturnForm {
    /// Page to send back, from 0; empty: the last, which is the reply sheet.
    page: usize,
    /// Names of ticked boxes, separated by commas.
    #[serde(default)]
    boxes: String,
    /// Lines drawn: `x,y x,y;x,y …` in thousandths of the page's width and height.
    #[serde(default)]
    lines: String,
}

async fn send_back(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Form(form): Form<ReturnForm>,
) -> Response {
    let Some(item) = Item::load(&desk, &id) else { return not_found() };
    let Some(number) = item.caught.fax_number().map(str::to_owned) else { return not_found() };
    let at = desk.clock.now();
    let composed = tokio::task::spawn_blocking(move || {
        let pdf = item.fax_pdf().ok_or("no pages")?;
        let mut page = Page::from_pdf(pdf, form.page).map_err(|e| e.to_string())?;
        mark(&mut page, &form);
        let tiff = kakehashi_fax::paper::page_to_tiff_g4(&[page]);
        compose::received_fax(&number, INTAKE_ADDRESS, tiff, 1, at)
    })
    .await
    .unwrap_or_else(|e| Err(e.to_string()));
    submit(&desk, super::FAX_PROVIDER, INTAKE_ADDRESS, composed).await
}

/// Puts ticks and lines on the page as a pen would.
fn mark(page: &mut Page, form: &ReturnForm) {
    if !form.boxes.is_empty()
        && let Some(layout) = kakehashi_fax::sheet::printed(page)
    {
        let named = |b: &&LayoutBox| form.boxes.split(',').any(|name| name.trim() == b.id);
        layout.boxes.iter().filter(named).for_each(|b| tick(page, b));
    }
    let mut points = 0;
    for line in form.lines.split(';') {
        let drawn: Vec<(f32, f32)> = line
            .split_whitespace()
            .filter_map(|pair| {
                let (x, y) = pair.split_once(',')?;
                let (x, y): (f32, f32) = (x.parse().ok()?, y.parse().ok()?);
                let on_page = (0.0..=1000.0).contains(&x) && (0.0..=1000.0).contains(&y);
                on_page.then_some((x * PAGE_WIDTH / 1000.0, y * PAGE_HEIGHT / 1000.0))
            })
            .collect();
        points += drawn.len();
        if points > MAX_POINTS {
            return;
        }
        if drawn.len() > 1 {
            page.draw_line_mm(&drawn, 0.6);
        }
    }
}

async fn submit(desk: &Desk, from: &str, to: &str, composed: Result<Vec<u8>, String>) -> Response {
    let sent = match (composed, desk.catcher.gateway_smtp()) {
        (Ok(bytes), Some(smtp)) => crate::commands::send::submit(smtp, from, to, &bytes).await,
        (Err(fault), _) => Err(fault),
        (Ok(_), None) => Err("the gateway is not listening yet".to_owned()),
    };
    match sent {
        Ok(_) => Redirect::to("/demo?sent").into_response(),
        Err(fault) => (StatusCode::BAD_GATEWAY, Html(pages::fault(&fault))).into_response(),
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Html(pages::fault("この控えはありません / no such item"))).into_response()
}
