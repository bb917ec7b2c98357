//! Triage by the network office: an item is looked at, then placed, confirmed, returned, discarded or
//! quarantined. Consent is asked for again at every placement, whatever the page showed.

pub(crate) mod draft;
mod files;
pub(crate) mod leave;
pub(crate) mod request;
pub(crate) mod sheet;

use crate::app::App;
use crate::error::PageError;
use crate::forms::{Fields, SignedForm};
use crate::pages::posts::TITLE_CHARS;
use crate::posting::commit;
use crate::random;
use crate::rights::Office;
use crate::session::Frame;
use crate::views::placing::{TRANSCRIPT_CHARS, due_at, is_drafted, is_only_a_draft};
use crate::views::sheet::answering_facility;
use crate::views::triage as view;
use crate::views::triage::{Beside, Missing, Typed};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use kakehashi_core::commit::{Actor, Effect, TriageOutcome};
use kakehashi_core::decision::{Addressees, TriageReason};
use kakehashi_core::directory::GroupRoster;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::facts::FactQuery;
use kakehashi_core::fan_out::resolve_addressees;
use kakehashi_core::ids::{FacilityId, GroupId, PostId, TriageId};
use kakehashi_core::placement::{Blocked, GiveBack, HandPlacement, Transcript, give_back, place_by_hand};
use kakehashi_core::vocabulary::{Channel, Format, ReplyExpectation, Urgency};
use kakehashi_store::view::TriageItem;
use serde::Deserialize;

/// Items of the list.
const ITEMS: u32 = 200;

/// Which list.
#[derive(Deserialize)]
pub(crate) struct AskedList {
    quarantine: Option<String>,
}

/// What waits.
pub(crate) async fn list(
    State(app): State<App>,
    office: Office,
    Query(asked): Query<AskedList>,
) -> Result<Response, PageError> {
    let lang = office.visitor.lang;
    let quarantined = asked.quarantine.is_some();
    let rows = office.view.triage(quarantined, ITEMS).await?;
    let page = view::list(lang, &rows, quarantined, app.now());
    let frame = Frame { current: "/triage", title: &lang.t("triage.title"), live: Some("triage") };
    office.visitor.page(&app, frame, "triage_list", &page).await
}

/// How the pictures are looked at.
#[derive(Deserialize)]
pub(crate) struct Asked {
    turn: Option<u16>,
    larger: Option<u8>,
}

/// One item.
pub(crate) async fn item(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let item = find(&office, id).await?;
    show(&app, &office, &item, &asked, None).await
}

async fn find(office: &Office, id: String) -> Result<TriageItem, PageError> {
    office.view.triage_item(&TriageId::new(id)).await?.ok_or(PageError::NotFound)
}

/// An item that still waits: somebody else may have been faster.
async fn open_item(office: &Office, id: String) -> Result<TriageItem, PageError> {
    let item = find(office, id).await?;
    if item.closed.is_some() { Err(PageError::Conflict) } else { Ok(item) }
}

async fn show(
    app: &App,
    office: &Office,
    item: &TriageItem,
    asked: &Asked,
    typed: Option<Typed<'_>>,
) -> Result<Response, PageError> {
    let visitor = &office.visitor;
    let rows = office.view.triage(item.row.quarantined, ITEMS).await?;
    let at = rows.iter().position(|r| r.id == item.row.id);
    let link = |i: Option<usize>| i.and_then(|i| rows.get(i)).map(|r| format!("/triage/{}", r.id));
    let cards = office.view.facilities().await?;
    let sender = answering_facility(item).or(item.sender_facility.as_ref().map(|f| &f.id));
    let staff_of_sender = cards
        .iter()
        .find(|c| Some(&c.facility.id) == sender)
        .map(|c| c.staff.iter().map(|s| (s.id.to_string(), s.name.clone())).collect())
        .unwrap_or_default();
    let leave = leave::offered(item, &cards);
    let groups = office.view.groups(&visitor.user.id).await?;
    let beside = Beside {
        csrf: &visitor.csrf,
        groups: &groups,
        cards: &cards,
        staff_of_sender,
        previous: link(at.and_then(|i| i.checked_sub(1))),
        next: link(at.map_or(Some(0), |i| Some(i + 1))),
        typed,
        turn: asked.turn.filter(|t| matches!(t, 90 | 180 | 270)).unwrap_or(0),
        larger: asked.larger == Some(1),
        paper: office.view.paper_trust().await?,
        leave,
        draft_offered: app.state.ocr.is_some() && !draft::pictures(item, None).is_empty(),
    };
    let page = view::item(visitor.lang, item, &beside, app.now());
    let frame = Frame { current: "/triage", title: &page.title, live: None };
    visitor.page(app, frame, "triage_item", &page).await
}

/// The item again with everything that was typed, and what is missing beside its field.
async fn refuse(
    app: &App,
    office: &Office,
    item: &TriageItem,
    fields: &Fields,
    missing: Missing,
) -> Result<Response, PageError> {
    let words = office.visitor.lang.t(missing.key);
    again(app, office, item, Typed::refused(fields, missing.at, words)).await
}

/// The same where consent or the state of the group forbids it.
async fn refuse_blocked(
    app: &App,
    office: &Office,
    item: &TriageItem,
    fields: &Fields,
    blocked: Blocked,
) -> Result<Response, PageError> {
    let lang = office.visitor.lang;
    let why = crate::views::words::reason(lang, &blocked.reason());
    let words = lang.tf("triage.blocked", &[&why]);
    again(app, office, item, Typed::refused(fields, None, words)).await
}

async fn again(
    app: &App,
    office: &Office,
    item: &TriageItem,
    typed: Typed<'_>,
) -> Result<Response, PageError> {
    show(app, office, item, &Asked { turn: None, larger: None }, Some(typed)).await
}

/// Places an item in a group.
pub(crate) async fn place(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let item = open_item(&office, id).await?;
    let lang = office.visitor.lang;
    let now = app.now();
    let group = fields.get("group_id").map(GroupId::new).ok_or(PageError::BadForm)?;
    let roster = office.view.roster(&group, now).await?.ok_or(PageError::NotFound)?;
    let candidate = item.candidates.iter().find(|c| c.candidate.group_id.as_ref() == Some(&group));
    let reason = fields.line("reason", 300);
    if candidate.is_none() && reason.is_empty() {
        let missing = Missing::at("reason", "triage.reason_needed");
        return refuse(&app, &office, &item, &fields, missing).await;
    }
    let chosen = fields.get("facility_id").map(FacilityId::new);
    let facility_id = item.sender_facility.as_ref().map(|f| f.id.clone()).or(chosen);
    let Some(facility_id) = facility_id else {
        let missing = Missing::at("facility_id", "triage.sender_needed");
        return refuse(&app, &office, &item, &fields, missing).await;
    };
    let expectation = fields.get("expectation").and_then(ReplyExpectation::from_code);
    let expectation = expectation.unwrap_or(ReplyExpectation::None);
    let mut addressees = Addressees::default();
    if expectation != ReplyExpectation::None {
        addressees.facilities = fields.all("addressee").map(FacilityId::new).collect();
        addressees.facility_types = fields.all("facility_type").map(str::to_owned).collect();
        let may_be_asked = |f: &FacilityId| roster.addressable(f).is_some_and(|m| m.consented);
        // A type of which the group has nobody would ask nobody, and nobody would know.
        let nobody = resolve_addressees(&addressees, &roster, &facility_id).is_empty();
        if nobody || !addressees.facilities.iter().all(may_be_asked) {
            let missing = Missing::at("addressee", "triage.addressee_needed");
            return refuse(&app, &office, &item, &fields, missing).await;
        }
    }
    let due_at = match due_at(&fields.line("due", 20), expectation, now) {
        Ok(due_at) => due_at,
        Err(key) => return refuse(&app, &office, &item, &fields, Missing::at("due", key)).await,
    };
    if is_only_a_draft(&fields) {
        let missing = Missing::at("compared", "placing.compare_first");
        return refuse(&app, &office, &item, &fields, missing).await;
    }
    let text = fields.text("transcript", TRANSCRIPT_CHARS);
    let transcript = (!text.is_empty()).then(|| Transcript { text, drafted: is_drafted(&fields) });
    let topic = fields.get("post_id").map(PostId::new);
    let topic = topic.filter(|t| candidate.is_some_and(|c| c.candidate.post_id.as_ref() == Some(t)));
    let Some(files) = files::along(&office, &item, &group, &fields, now).await? else {
        let missing = Missing::of_all("placing.picture_elsewhere");
        return refuse(&app, &office, &item, &fields, missing).await;
    };
    let unread = unreadable_envelope(&item);
    let envelope = item.envelope.as_ref().unwrap_or(&unread);
    let mut actor_name = office.visitor.user.display_name.clone();
    if !reason.is_empty() {
        actor_name = format!("{actor_name}({reason})");
    }
    let hand = HandPlacement {
        triage_id: &item.row.id,
        intake_id: &item.row.intake_id,
        received_at: item.row.received_at,
        now,
        envelope,
        attachments: files.ids,
        under_topic: topic,
        heading: Some(fields.line("heading", TITLE_CHARS)).filter(|h| !h.is_empty()),
        transcript,
        consent_covers: consent_covers(&app, &office, &item, &roster, &facility_id).await?,
        facility_id,
        urgency: envelope.urgency.unwrap_or(Urgency::Normal),
        // Whom the person does not name is not asked: what the sender wished stands in the text.
        expectation,
        addressees,
        due_at,
        actor_name,
    };
    match place_by_hand(hand, &roster, &mut random::bits) {
        Ok(mut effects) => {
            if !files.copies.is_empty() {
                effects.insert(0, Effect::KeepAttachments { attachments: files.copies });
            }
            if files.parted {
                effects.retain(|effect| !matches!(effect, Effect::CloseTriage { .. }));
            }
            let note = lang.t("triage.joined");
            effects.extend(files.joined.iter().map(|o| close(o, TriageOutcome::Placed, Some(note.clone()))));
            if let Some(number) = fields.get("teach")
                && item
                    .envelope
                    .as_ref()
                    .is_some_and(|e| e.patient.identifiers.iter().any(|i| i.id == number))
                && let Some(sender) = &item.sender_facility
            {
                effects.push(Effect::TeachIdentifier {
                    facility_id: sender.id.clone(),
                    identifier: number.to_owned(),
                    patient_id: roster.patient.id.clone(),
                    state: kakehashi_core::facts::IdentifierState::Confirmed,
                });
            }
            commit(&app, actor(&office), effects, now).await?;
            if files.parted {
                return Ok(Redirect::to(&format!("/triage/{}", item.row.id)).into_response());
            }
            next_item(&office).await
        }
        Err(blocked) => refuse_blocked(&app, &office, &item, &fields, blocked).await,
    }
}

/// Whether the consent covers the facility in this group today. A member says so itself; a facility that is
/// no member (a hospital that sends) is asked about by the sender's endpoint.
async fn consent_covers(
    app: &App,
    office: &Office,
    item: &TriageItem,
    roster: &GroupRoster,
    facility: &FacilityId,
) -> Result<bool, PageError> {
    if let Some(member) = roster.member(facility) {
        return Ok(member.consented);
    }
    let (Some(envelope), Some(intake)) = (&item.envelope, office.view.intake(&item.row.intake_id).await?)
    else {
        return Ok(false);
    };
    let network = app.network().await?;
    let query = FactQuery {
        recipients: vec![network.group_address(&roster.group.address).to_ascii_lowercase()],
        ..FactQuery::of(envelope, &intake.origin)
    };
    let facts = app.store().worker(&app.state.network).facts(&query, app.now()).await?;
    let is_sender = facts.sender.as_ref().is_some_and(|s| &s.facility.id == facility);
    Ok(is_sender
        && facts.addressed_group.is_some_and(|g| g.group.id == roster.group.id && g.consent_covers_sender))
}

/// What could not be read is placed with its file alone.
fn unreadable_envelope(item: &TriageItem) -> Envelope {
    let format = match item.row.channel {
        Channel::Fax => Format::Tiff,
        Channel::Hl7 => Format::Hl7v2,
        Channel::Api | Channel::Mqtt | Channel::Web => Format::Json,
        Channel::Email | Channel::PhoneMemo | Channel::Notebook => Format::Rfc5322,
    };
    let mut envelope =
        Envelope::empty(item.row.channel, format, kakehashi_core::envelope::ContentHash::of(b""));
    envelope.title.clone_from(&item.row.title);
    envelope
}

/// 差戻し: the sender is told without content, if there is a way to tell.
pub(crate) async fn send_back(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let item = open_item(&office, id).await?;
    let now = app.now();
    let by_phone =
        item.row.reasons.contains(&TriageReason::PhoneOnly) || fields.get("notice") == Some("phone_please");
    let sender = item.envelope.as_ref().map(|e| &e.sender);
    let address = match item.row.channel {
        Channel::Fax => sender.and_then(|s| s.number.clone()),
        Channel::Email => sender.and_then(|s| s.address.clone()),
        _ => None,
    };
    let returned = GiveBack {
        triage_id: &item.row.id,
        intake_id: &item.row.intake_id,
        envelope_index: item.envelope_index,
        now,
        channel: item.row.channel,
        address,
        by_phone,
    };
    let effects = give_back(&returned, &mut random::bits);
    commit(&app, actor(&office), effects, now).await?;
    next_item(&office).await
}

/// 電話依頼 or a call to the sender is done: whoever answered is noted.
pub(crate) async fn called(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let item = open_item(&office, id).await?;
    let outcome = match view::call_of(&item) {
        Some(view::Call::Returned) => TriageOutcome::Returned,
        Some(view::Call::Posted) => TriageOutcome::Done,
        None => return Err(PageError::BadForm),
    };
    let listener = fields.line("listener", 60);
    if listener.is_empty() {
        let missing = Missing::at("listener", "outbox.listener_needed");
        return refuse(&app, &office, &item, &fields, missing).await;
    }
    commit(&app, actor(&office), vec![close(&item, outcome, Some(format!("☎ {listener}")))], app.now())
        .await?;
    next_item(&office).await
}

/// 破棄 with a reason.
pub(crate) async fn discard(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let item = open_item(&office, id).await?;
    let reason = fields.line("reason", 300);
    if reason.is_empty() {
        return refuse(&app, &office, &item, &fields, Missing::of_all("triage.reason_needed")).await;
    }
    commit(&app, actor(&office), vec![close(&item, TriageOutcome::Discarded, Some(reason))], app.now())
        .await?;
    next_item(&office).await
}

/// 隔離.
pub(crate) async fn quarantine(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(_): SignedForm,
) -> Result<Response, PageError> {
    let item = open_item(&office, id).await?;
    commit(&app, actor(&office), vec![close(&item, TriageOutcome::Quarantined, None)], app.now()).await?;
    next_item(&office).await
}

fn close(item: &TriageItem, outcome: TriageOutcome, note: Option<String>) -> Effect {
    Effect::CloseTriage { id: item.row.id.clone(), outcome, note }
}

fn actor(office: &Office) -> Actor {
    Actor::LoginUser { id: office.visitor.user.id.clone() }
}

/// The oldest item that still waits, else the empty list: forty items before lunch, one key each.
async fn next_item(office: &Office) -> Result<Response, PageError> {
    let next = office.view.triage(false, 1).await?;
    let path = next.first().map_or_else(|| "/triage".to_owned(), |row| format!("/triage/{}", row.id));
    Ok(Redirect::to(&path).into_response())
}
