//! A sheet on the desk: its boxes enlarged, one key to confirm what a person sees, its pages turned upright.
//! What the machine had read is kept beside what the person decided. A まとめ便 is confirmed line by line, each in
//! its own group; nothing here reads ink.

use super::{actor, find, next_item, open_item, refuse, refuse_blocked, request};
use crate::app::App;
use crate::error::PageError;
use crate::forms::{Fields, SignedForm};
use crate::posting::commit;
use crate::random;
use crate::rights::Office;
use crate::views::sheet::{answer_of, digest_of};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use kakehashi_core::commit::{Effect, SheetCheck, SuspendReason};
use kakehashi_core::decision::{Answer, DigestAnswer};
use kakehashi_core::directory::{GroupRoster, StaffMember};
use kakehashi_core::ids::{AttachmentId, FacilityId, StaffId};
use kakehashi_core::placement::{
    Blocked, DigestConfirmation, ReturnedSheet, SheetConfirmation, confirm_digest, confirm_sheet,
};
use kakehashi_core::sheet_answer::{by_line, of_one_post};
use kakehashi_core::vocabulary::{AttachmentRole, IdentityLevel};
use kakehashi_store::view::TriageItem;
use std::sync::Arc;

/// Pictures of pages that are looked through for a box.
const PAGES_LOOKED_AT: usize = 12;

/// Confirms what a reply sheet says.
pub(crate) async fn confirm(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let item = open_item(&office, id).await?;
    match (answer_of(&item), digest_of(&item)) {
        (Some(answer), _) => one_post(&app, &office, &item, answer, &fields).await,
        (None, Some(digest)) => several_posts(&app, &office, &item, digest, &fields).await,
        (None, None) => Err(PageError::BadForm),
    }
}

/// The boxes that the person ticked; none where only the reply is wanted.
fn ticked(fields: &Fields) -> Vec<&str> {
    let reply_only = fields.get("only") == Some("reply");
    fields.all("mark").filter(|_| !reply_only).collect()
}

/// Whether the person takes an untouched sheet for the 了解 that is printed on it. It is no mark: what the machine saw
/// in the boxes stays right, and whoever found a mark after all has said something else.
fn taken_as_untouched(offered: bool, ticked: &[&str], fields: &Fields) -> bool {
    offered && ticked.is_empty() && fields.get("only").is_none() && fields.get("untouched") == Some("yes")
}

/// The sheet as this person of the office read it.
fn returned<'i>(
    app: &App,
    office: &Office,
    item: &'i TriageItem,
    person: Option<&StaffMember>,
) -> ReturnedSheet<'i> {
    ReturnedSheet {
        triage_id: &item.row.id,
        intake_id: &item.row.intake_id,
        received_at: item.row.received_at,
        now: app.now(),
        channel: item.row.channel,
        identity_level: item.decided.as_ref().map_or(IdentityLevel::I0, |d| d.identity_level),
        staff_id: person.map(|p| p.id.clone()),
        person_name: person.map(|p| p.name.clone()),
        actor_name: office.visitor.user.display_name.clone(),
    }
}

/// The marks that the person found, beside those that the machine had read.
fn check(item: &TriageItem, marked: &[&str]) -> Option<Effect> {
    let read = item.envelope.as_ref()?.sheet.as_ref()?;
    let named = read.marks.iter().filter(|m| marked.contains(&m.name.as_str())).map(|m| m.name.clone());
    Some(Effect::CheckSheet(SheetCheck {
        intake_id: item.row.intake_id.clone(),
        envelope_index: item.envelope_index,
        said: read.closes.clone(),
        decided: named.collect(),
        marks: read.marks.clone(),
    }))
}

/// The person of the facility that the form names.
fn person<'r>(
    rosters: impl IntoIterator<Item = &'r GroupRoster>,
    facility: &FacilityId,
    fields: &Fields,
) -> Option<&'r StaffMember> {
    let chosen = fields.get("staff_id").map(StaffId::new)?;
    let members = rosters.into_iter().filter_map(|roster| roster.addressable(facility));
    members.flat_map(|member| &member.staff).find(|staff| staff.id == chosen)
}

async fn one_post(
    app: &App,
    office: &Office,
    item: &TriageItem,
    answer: &Answer,
    fields: &Fields,
) -> Result<Response, PageError> {
    let roster = office.view.roster(&answer.group_id, app.now()).await?.ok_or(PageError::NotFound)?;
    let ticked = ticked(fields);
    let marked = |name: &str| ticked.iter().any(|m| of_one_post(m) == name);
    let returned = returned(app, office, item, person([&roster], &answer.facility_id, fields));
    let sheet = SheetConfirmation {
        returned: &returned,
        answer,
        acknowledged: marked("acknowledge") || taken_as_untouched(answer.untouched, &ticked, fields),
        call_back: ["call_back", "call_back_morning", "call_back_afternoon"].into_iter().any(marked),
        attendance: match (marked("attend"), marked("absent")) {
            (true, false) => Some("出席"),
            (false, true) => Some("欠席"),
            (true, true) | (false, false) => None,
        },
        call_window: call_window(marked("call_back_morning"), marked("call_back_afternoon")),
    };
    let listener = fields.line("listener", 60);
    let besides = match request::besides(app, item, answer, &roster, &ticked, &listener).await? {
        Ok(effects) => effects,
        Err(missing) => return refuse(app, office, item, fields, missing).await,
    };
    let confirmed = confirm_sheet(&sheet, &roster, &mut random::bits).map(|mut effects| {
        effects.extend(check(item, &ticked));
        effects.extend(besides);
        effects
    });
    finish(app, office, item, fields, confirmed).await
}

async fn several_posts(
    app: &App,
    office: &Office,
    item: &TriageItem,
    answer: &DigestAnswer,
    fields: &Fields,
) -> Result<Response, PageError> {
    let ticked = ticked(fields);
    let all = taken_as_untouched(answer.untouched, &ticked, fields).then_some("acknowledge_all");
    let marks = item.envelope.as_ref().and_then(|e| e.sheet.as_ref()).map(|s| s.marks.as_slice());
    let acts = by_line(ticked.iter().copied().chain(all), marks.unwrap_or_default());
    let line = fields.get("written_line").and_then(|n| n.parse::<u16>().ok());
    let written = line.map(|line| (line, handwriting(item)));
    let mut rosters = Vec::new();
    for line in acts.iter().map(|(line, _)| *line).chain(line) {
        let Some(answer) = answer.line(line) else { return Err(PageError::BadForm) };
        if !rosters.iter().any(|r: &GroupRoster| r.group.id == answer.group_id) {
            rosters.extend(office.view.roster(&answer.group_id, app.now()).await?);
        }
    }
    let returned = returned(app, office, item, person(&rosters, &answer.facility_id, fields));
    let digest = DigestConfirmation { returned: &returned, answer, acts, written };
    let confirmed = confirm_digest(&digest, &rosters, &mut random::bits);
    let mut besides: Vec<Effect> = check(item, &ticked).into_iter().collect();
    if ticked.contains(&"wrong_recipient")
        && let Some(endpoint_id) = request::number_of(office, item, &answer.facility_id).await?
    {
        besides.push(Effect::SuspendEndpoint { endpoint_id, why: SuspendReason::WrongRecipient });
    }
    let confirmed = confirmed.map(|mut effects| {
        effects.extend(besides);
        effects
    });
    finish(app, office, item, fields, confirmed).await
}

/// What was written on the sheet, cut out: the page itself shows the headings of other groups.
fn handwriting(item: &TriageItem) -> Vec<AttachmentId> {
    let cut =
        |a: &&kakehashi_core::post::StoredAttachment| a.role == AttachmentRole::Inline && a.post_id.is_none();
    item.attachments.iter().filter(cut).map(|a| a.id.clone()).collect()
}

async fn finish(
    app: &App,
    office: &Office,
    item: &TriageItem,
    fields: &Fields,
    confirmed: Result<Vec<Effect>, Blocked>,
) -> Result<Response, PageError> {
    match confirmed {
        Ok(effects) => {
            commit(app, actor(office), effects, app.now()).await?;
            next_item(office).await
        }
        Err(blocked) => refuse_blocked(app, office, item, fields, blocked).await,
    }
}

/// The time in which a member can be called, as ticked.
const fn call_window(morning: bool, afternoon: bool) -> Option<&'static str> {
    match (morning, afternoon) {
        (true, false) => Some("午前"),
        (false, true) => Some("午後"),
        (true, true) | (false, false) => None,
    }
}

/// One box as it was cut for the reading, enlarged: `/triage/ID/boxes/acknowledge.png`.
pub(crate) async fn box_picture(
    State(app): State<App>,
    office: Office,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let name = name.strip_suffix(".png").ok_or(PageError::NotFound)?.to_owned();
    let item = find(&office, id).await?;
    let marks = item.envelope.as_ref().and_then(|e| e.sheet.as_ref()).map(|s| &s.marks);
    if !marks.is_some_and(|marks| marks.iter().any(|m| m.name == name)) {
        return Err(PageError::NotFound);
    }
    let pages = item.attachments.iter().filter(|a| a.role == AttachmentRole::PageImage);
    for page in pages.take(PAGES_LOOKED_AT) {
        let Some((_, bytes)) = office.view.attachment(&page.id).await? else { continue };
        let permit = app.drawing.acquire().await.map_err(|e| PageError::internal(&e))?;
        let images = Arc::clone(&app.state.page_images);
        let wanted = name.clone();
        let cut = tokio::task::spawn_blocking(move || images.box_png(&bytes, &wanted)).await;
        drop(permit);
        if let Some(png) = cut.map_err(|e| PageError::internal(&e))? {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("image/png")),
                (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=300")),
            ];
            return Ok((headers, png).into_response());
        }
    }
    Err(PageError::NotFound)
}

/// A page is turned for good: shown, kept and forwarded upright from now on.
pub(crate) async fn turn(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let item = open_item(&office, id).await?;
    let degrees: u16 = fields.get("degrees").and_then(|d| d.parse().ok()).ok_or(PageError::BadForm)?;
    let wanted = fields.get("page").ok_or(PageError::BadForm)?;
    let is_page = |a: &&kakehashi_core::post::StoredAttachment| {
        a.role == AttachmentRole::PageImage && a.id.as_str() == wanted
    };
    let page = item.attachments.iter().find(is_page).ok_or(PageError::NotFound)?;
    if !matches!(degrees, 90 | 180 | 270) {
        return Err(PageError::BadForm);
    }
    let (stored, bytes) = office.view.attachment(&page.id).await?.ok_or(PageError::NotFound)?;
    let permit = app.drawing.acquire().await.map_err(|e| PageError::internal(&e))?;
    let images = Arc::clone(&app.state.page_images);
    let blobs = app.store().blobs().clone();
    let turned = tokio::task::spawn_blocking(move || {
        let png = images.turned_png(&bytes, degrees)?;
        let size_bytes = png.len() as u64;
        blobs.put(&png).map(|hash| (hash, size_bytes)).map_err(|e| e.to_string())
    })
    .await;
    drop(permit);
    let (content_hash, size_bytes) = match turned.map_err(|e| PageError::internal(&e))? {
        Ok(turned) => turned,
        Err(cause) => {
            tracing::warn!(attachment = %stored.id, cause, "a page could not be turned");
            return Err(PageError::NotFound);
        }
    };
    let effect =
        Effect::TurnPicture { attachment_id: stored.id, from: stored.content_hash, content_hash, size_bytes };
    commit(&app, actor(&office), vec![effect], app.now()).await?;
    Ok(Redirect::to(&format!("/triage/{}", item.row.id)).into_response())
}
