//! The page behind a reply code, without login: what is asked, 了解, a reply, a wish for a call, and "not
//! meant for us". It names no patient beyond the endpoint's content mode, GET changes nothing, and every
//! code that opens nothing gets the same page with the same status (care-network.md 5 row 5).

use super::code_settings;
use crate::app::App;
use crate::error::PageError;
use crate::forms::{Fields, GuestForm};
use crate::posting::{Author, Words, commit, form_key, post, publish_once};
use crate::random::{self, FormKeys};
use crate::session::Guest;
use crate::views::post::FreshKeys;
use crate::views::simple::{CodeGonePage, CodePage as CodePageView, Receiving};
use crate::views::{Chip, Choice};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kakehashi_core::care_note::CareNote;
use kakehashi_core::commit::{Actor, Effect, SuspendReason};
use kakehashi_core::fan_out::acknowledge as acknowledged;
use kakehashi_core::ids::{FacilityId, PostId, StaffId};
use kakehashi_core::port::{IntakeAnswer, Origin, RawIntake};
use kakehashi_core::post::{Acknowledgement, Post, PostKind};
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::vocabulary::{
    Authenticity, Channel, ContentMode, EndpointState, Format, IdentityLevel, ReplyExpectation, Urgency,
};
use kakehashi_store::view::CodePage;
use serde::Deserialize;

/// Longest reply, in characters.
const BODY_CHARS: usize = 10_000;

/// What was just done.
#[derive(Deserialize)]
pub(crate) struct Asked {
    done: Option<String>,
    /// What the link in the mail was for; only the order on the page follows it.
    want: Option<String>,
}

/// An open code with its page.
pub(super) struct Opened {
    pub(super) code: ReplyCode,
    pub(super) page: CodePage,
    pub(super) post: Post,
}

/// The page.
pub(crate) async fn page(
    State(app): State<App>,
    guest: Guest,
    Path(code): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let Some(opened) = open(&app, &guest, &code).await? else {
        // The page that was just closed by 宛先違い thanks and says no more than every closed page.
        let thanks = (asked.done.as_deref() == Some("wrong-recipient"))
            .then(|| guest.lang.t("code.thanks.wrong-recipient"));
        return closed(&app, &guest, thanks).await;
    };
    let thanks = ["acknowledgement", "reply", "callback", "settings", "rest"]
        .into_iter()
        .find(|done| asked.done.as_deref() == Some(done))
        .map(|done| guest.lang.t(&format!("code.thanks.{done}")));
    let call_first = asked.want.as_deref() == Some("call");
    show(&app, &guest, &opened, Told { thanks, problem: None, call_first }).await
}

/// What the page says besides its item.
#[derive(Default)]
struct Told {
    thanks: Option<String>,
    problem: Option<String>,
    call_first: bool,
}

/// What a code opens now. Wrong codes are counted by address; an address that guesses opens nothing.
pub(super) async fn open(app: &App, guest: &Guest, text: &str) -> Result<Option<Opened>, PageError> {
    let now = app.now();
    if app.codes.exhausted(&guest.peer, now) {
        return Ok(None);
    }
    let found = match ReplyCode::parse(text) {
        Some(code) => app.store().code(&app.state.network).page(&code, now).await?.map(|page| (code, page)),
        None => None,
    };
    let opened = found.and_then(|(code, page)| {
        let entry = &page.entry;
        let stands = entry.expires_at > now
            && entry.revoked_at.is_none()
            && entry.membership_stands
            && page.endpoint.state != EndpointState::Suspended;
        let post = page.post.clone().filter(|_| stands)?;
        Some(Opened { code, page, post })
    });
    if opened.is_none() {
        app.codes.failed(&guest.peer, now);
    }
    Ok(opened)
}

pub(super) async fn gone(app: &App, guest: &Guest) -> Result<Response, PageError> {
    closed(app, guest, None).await
}

async fn closed(app: &App, guest: &Guest, thanks: Option<String>) -> Result<Response, PageError> {
    let network = app.network().await?;
    let page = CodeGonePage {
        thanks,
        office: network.office_name.clone(),
        hurry: guest.lang.tf("code.hurry", &[&network.office_phone, &network.office_hours]),
    };
    let answer = guest.page(&guest.lang.t("code.gone"), "code_gone", &page)?;
    Ok((StatusCode::NOT_FOUND, answer).into_response())
}

async fn show(app: &App, guest: &Guest, opened: &Opened, told: Told) -> Result<Response, PageError> {
    let (lang, now) = (guest.lang, app.now());
    let network = app.network().await?;
    let Opened { code, page, post } = opened;
    // The text may stand here only where the endpoint may hold it in full.
    let full =
        page.endpoint.settings.content_mode == ContentMode::FullText || page.endpoint.channel == Channel::Fax;
    let shows_alias = page.endpoint.settings.content_mode != ContentMode::NoticeOnly || full;
    let asked = post.addressees.iter().find(|a| a.facility_id == page.facility.id).map(|a| a.expectation);
    let asked = asked.filter(|a| *a != ReplyExpectation::None);
    let keys = FormKeys(now);
    let view = CodePageView {
        csrf: guest.token.clone(),
        office: network.office_name.clone(),
        path: format!("/r/{code}"),
        urgency: Chip::urgency(lang, post.urgency),
        ask: asked.map(|a| lang.pick(a.ja(), a.en()).to_owned()),
        alias: page.group_alias.clone().filter(|_| shows_alias),
        title: post.title.clone().filter(|_| full),
        body: Some(post.body.clone()).filter(|b| full && !b.is_empty()),
        due: post.due_at.map(|at| lang.tf("post.due", &[&lang.at(at)])),
        acknowledged: page.acknowledged_at.map(|at| lang.tf("code.acknowledged", &[&lang.near(at, now)])),
        people: page
            .staff
            .iter()
            .map(|s| Choice { value: s.id.to_string(), word: s.name.clone(), chosen: false })
            .collect(),
        reply_id: keys.next(),
        call_id: keys.next(),
        until: lang.tf("code.until", &[&lang.at(page.entry.expires_at)]),
        hurry: lang.tf("code.hurry", &[&network.office_phone, &network.office_hours]),
        thanks: told.thanks,
        problem: told.problem,
        call_first: told.call_first,
        settings: code_settings::may_change(&page.endpoint)
            .then(|| Receiving::of(lang, &page.endpoint.settings, now)),
    };
    let title =
        page.group_alias.clone().filter(|_| shows_alias).unwrap_or_else(|| network.office_name.clone());
    guest.page(&title, "code", &view)
}

/// 了解 of the facility, or of one of its people.
pub(crate) async fn acknowledge(
    State(app): State<App>,
    guest: Guest,
    Path(code): Path<String>,
    GuestForm(fields): GuestForm,
) -> Result<Response, PageError> {
    let Some(opened) = open_signed(&app, &guest, &code, &fields).await? else {
        return gone(&app, &guest).await;
    };
    let chosen = fields.get("staff_id").map(StaffId::new);
    let person = opened.page.staff.iter().find(|s| Some(&s.id) == chosen.as_ref());
    let now = app.now();
    let acknowledgement = Acknowledgement {
        post_id: opened.post.id.clone(),
        facility_id: opened.page.facility.id.clone(),
        staff_id: person.map(|p| p.id.clone()),
        person_name: person.map(|p| p.name.clone()),
        channel: Channel::Web,
        acknowledged_at: now,
        identity_level: IdentityLevel::I2,
        intake_id: None,
        delivery_id: Some(opened.page.entry.delivery_id.clone()),
        proxy: None,
    };
    commit(&app, actor(&opened), acknowledged(acknowledgement, now, &mut random::bits), now).await?;
    Ok(done(&opened, "acknowledgement"))
}

/// A reply on the thread.
pub(crate) async fn reply(
    State(app): State<App>,
    guest: Guest,
    Path(code): Path<String>,
    GuestForm(fields): GuestForm,
) -> Result<Response, PageError> {
    let Some(opened) = open_signed(&app, &guest, &code, &fields).await? else {
        return gone(&app, &guest).await;
    };
    let body = fields.text("body", BODY_CHARS);
    if body.is_empty() {
        let told = Told { problem: Some(guest.lang.t("code.empty")), ..Told::default() };
        return show(&app, &guest, &opened, told).await;
    }
    answer(&app, &opened, &fields, body, ReplyExpectation::None, Vec::new()).await?;
    Ok(done(&opened, "reply"))
}

/// A wish to be called, asked of whoever posted.
pub(crate) async fn call_back(
    State(app): State<App>,
    guest: Guest,
    Path(code): Path<String>,
    GuestForm(fields): GuestForm,
) -> Result<Response, PageError> {
    let Some(opened) = open_signed(&app, &guest, &code, &fields).await? else {
        return gone(&app, &guest).await;
    };
    let asked = vec![opened.post.facility_id.clone()];
    answer(&app, &opened, &fields, guest.lang.t("code.callback_text"), ReplyExpectation::Call, asked).await?;
    Ok(done(&opened, "callback"))
}

async fn answer(
    app: &App,
    opened: &Opened,
    fields: &Fields,
    body: String,
    expectation: ReplyExpectation,
    asked: Vec<FacilityId>,
) -> Result<(), PageError> {
    let now = app.now();
    let roster =
        app.store().code(&app.state.network).roster(&opened.code, now).await?.ok_or(PageError::Conflict)?;
    let topic: PostId = opened.page.entry.topic_id.clone().unwrap_or_else(|| opened.post.topic_id.clone());
    let author =
        Author { facility: opened.page.facility.id.clone(), staff: None, name: None, actor: actor(opened) };
    let addressees = asked.into_iter().filter(|f| roster.member(f).is_some()).collect();
    let words = Words {
        id: form_key(fields.get("post_id"))?,
        kind: PostKind::Reply,
        topic: Some(topic),
        corrects: None,
        version: 1,
        title: None,
        body,
        urgency: Urgency::Normal,
        expectation,
        addressees,
    };
    let mut reply = post(&roster.group.id, &author, words, now);
    reply.decided_by = format!("reply code of {}", opened.page.facility.name);
    publish_once(app, &roster, &author, reply, Vec::new()).await
}

/// 宛先違い: the endpoint is suspended before anything else, so that not one more delivery leaves for it; then
/// an item for the office, through the same door as every message (care-network.md 8.8).
pub(crate) async fn wrong_recipient(
    State(app): State<App>,
    guest: Guest,
    Path(code): Path<String>,
    GuestForm(fields): GuestForm,
) -> Result<Response, PageError> {
    let Some(opened) = open_signed(&app, &guest, &code, &fields).await? else {
        return gone(&app, &guest).await;
    };
    let endpoint_id = opened.page.endpoint.id.clone();
    let suspend = Effect::SuspendEndpoint { endpoint_id, why: SuspendReason::WrongRecipient };
    commit(&app, actor(&opened), vec![suspend], app.now()).await?;
    let facility = &opened.page.facility.name;
    let note = CareNote {
        title: Some("宛先違いの知らせ".to_owned()),
        body: Some(format!(
            "{facility}から「宛先がちがいます」と知らせがありました。\n配信 {} / 返信コード {}\nこの宛先は停止し、待っていた配信は取り消しました。登録番号・アドレスと宛先を電話で確かめてください。",
            opened.page.entry.delivery_id,
            opened.code.spaced()
        )),
        ..CareNote::default()
    };
    let bytes = note.to_json();
    let intake = RawIntake {
        channel: Channel::Web,
        format: Format::Json,
        dedup_key: format!("wrong_recipient:{}", opened.code),
        sender_message_id: None,
        bytes: bytes.into(),
        received_at: app.now(),
        origin: Origin {
            listener: "web".to_owned(),
            peer: Some(guest.peer.clone()),
            endpoint: Some(opened.page.endpoint.id.clone()),
            authenticity: Some(Authenticity::None),
            ..Origin::default()
        },
    };
    match app.state.desk.hand_in(intake).await {
        IntakeAnswer::Accepted(_) | IntakeAnswer::Duplicate(_) => Ok(done(&opened, "wrong-recipient")),
        IntakeAnswer::Refused(_) => Err(PageError::BadForm),
        IntakeAnswer::TryLater(_) => Err(PageError::Unavailable),
    }
}

pub(super) async fn open_signed(
    app: &App,
    guest: &Guest,
    code: &str,
    fields: &Fields,
) -> Result<Option<Opened>, PageError> {
    let opened = open(app, guest, code).await?;
    if opened.is_some() && !guest.signed(fields.get("csrf")) {
        return Err(PageError::StaleForm);
    }
    Ok(opened)
}

/// The page once more, with what is wrong.
pub(super) async fn problem(
    app: &App,
    guest: &Guest,
    opened: &Opened,
    key: &str,
) -> Result<Response, PageError> {
    show(app, guest, opened, Told { problem: Some(guest.lang.t(key)), ..Told::default() }).await
}

pub(super) fn actor(opened: &Opened) -> Actor {
    Actor::Facility { id: opened.page.facility.id.clone() }
}

fn done(opened: &Opened, what: &str) -> Response {
    Redirect::to(&format!("/r/{}?done={what}", opened.code)).into_response()
}
