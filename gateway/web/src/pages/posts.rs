//! Posting, replying, correcting and 了解 by people who are logged in.

use super::groups;
use crate::app::App;
use crate::error::PageError;
use crate::forms::{SignedForm, signed};
use crate::posting::{Author, Words, commit, form_key, post, publish_once};
use crate::random;
use crate::rights::{Reader, post_of};
use crate::upload::{self, Upload};
use crate::views::placing::due_at;
use crate::views::post::UNDO_SECONDS;
use crate::views::timeline::{Expectation0, Urgency0, Written};
use axum::extract::{Multipart, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use kakehashi_core::commit::{Actor, Effect};
use kakehashi_core::fan_out::acknowledge as acknowledged;
use kakehashi_core::ids::{FacilityId, GroupId, PostId};
use kakehashi_core::post::{Acknowledgement, Post, PostKind, WITHDRAWN};
use kakehashi_core::vocabulary::{Channel, GroupState, IdentityLevel, ReplyExpectation, Urgency};
use kakehashi_store::view::{PostView, Timeline};

/// Longest heading, in characters.
pub(crate) const TITLE_CHARS: usize = 200;
/// Longest text, in characters.
const BODY_CHARS: usize = 20_000;

/// A new topic.
pub(crate) async fn open_topic(
    State(app): State<App>,
    reader: Reader,
    Path(group): Path<String>,
    form: Multipart,
) -> Result<Response, PageError> {
    let group = GroupId::new(group);
    let roster = reader.roster(&group, app.now()).await?;
    let upload = checked(&reader, form).await?;
    let fields = &upload.fields;
    let written = Written {
        title: fields.line("title", TITLE_CHARS),
        body: fields.text("body", BODY_CHARS),
        urgency: Urgency0(code(fields.get("urgency"), Urgency::from_code)?),
        expectation: Expectation0(code(fields.get("expectation"), ReplyExpectation::from_code)?),
        addressees: fields.all("addressee").map(FacilityId::from).collect(),
        due: fields.line("due", 20),
    };
    let author = Author::of(&reader.visitor);
    let known = |f: &FacilityId| f != &author.facility && roster.addressable(f).is_some_and(|m| m.consented);
    let addressees: Vec<FacilityId> = written.addressees.iter().filter(|f| known(f)).cloned().collect();
    let asks = written.expectation.0 != ReplyExpectation::None;
    let due_at = due_at(&written.due, written.expectation.0, app.now());
    let problem = if upload.wrong_kind {
        Some("compose.file_kind")
    } else if written.body.is_empty() && upload.files.is_empty() {
        Some("compose.empty")
    } else if asks && addressees.is_empty() {
        Some("compose.whom")
    } else {
        due_at.err()
    };
    if let Some(problem) = problem {
        return groups::again(&app, &reader, &group, reader.visitor.lang.t(problem), written).await;
    }
    let title =
        if written.title.is_empty() { heading_of(&written.body) } else { Some(written.title.clone()) };
    let words = Words {
        id: form_key(fields.get("post_id"))?,
        kind: PostKind::Topic,
        topic: None,
        corrects: None,
        version: 1,
        title,
        body: written.body,
        urgency: written.urgency.0,
        expectation: written.expectation.0,
        addressees: if asks { addressees } else { Vec::new() },
    };
    let id = words.id.clone();
    let mut topic = post(&group, &author, words, app.now());
    topic.due_at = due_at.ok().flatten();
    publish_once(&app, &roster, &author, topic, upload.files).await?;
    Ok(back_to(&group, &id))
}

/// A reply under a topic.
pub(crate) async fn reply(
    State(app): State<App>,
    reader: Reader,
    Path((group, topic)): Path<(String, String)>,
    form: Multipart,
) -> Result<Response, PageError> {
    let (group, topic) = (GroupId::new(group), PostId::new(topic));
    reader.topic(&group, &topic).await?;
    let roster = reader.roster(&group, app.now()).await?;
    let upload = checked(&reader, form).await?;
    let body = upload.fields.text("body", BODY_CHARS);
    if upload.wrong_kind || (body.is_empty() && upload.files.is_empty()) {
        let problem = if upload.wrong_kind { "compose.file_kind" } else { "compose.empty" };
        return groups::again(&app, &reader, &group, reader.visitor.lang.t(problem), Written::default())
            .await;
    }
    let author = Author::of(&reader.visitor);
    let words = Words {
        id: form_key(upload.fields.get("post_id"))?,
        kind: PostKind::Reply,
        topic: Some(topic),
        corrects: None,
        version: 1,
        title: None,
        body,
        urgency: Urgency::Normal,
        expectation: ReplyExpectation::None,
        addressees: Vec::new(),
    };
    let id = words.id.clone();
    publish_once(&app, &roster, &author, post(&group, &author, words, app.now()), upload.files).await?;
    Ok(back_to(&group, &id))
}

/// What stands in the place of a post that its author took back.
fn withdrawn(reason: &str) -> String {
    let why = if reason.is_empty() { String::new() } else { format!("\n理由: {reason}") };
    format!("この投稿は取り消されました。{why}")
}

fn withdrawn_title(old: &Post) -> String {
    let title = old.title.as_deref().unwrap_or("返信").trim_end_matches(WITHDRAWN);
    format!("{title}{WITHDRAWN}")
}

/// A correction by the facility that posted, or its withdrawal, which is one too.
pub(crate) async fn correct(
    State(app): State<App>,
    reader: Reader,
    Path((group, topic, corrected)): Path<(String, String, String)>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let (group, corrected) = (GroupId::new(group), PostId::new(corrected));
    let timeline = reader.topic(&group, &PostId::new(topic)).await?;
    let old = &found(&timeline, &corrected)?.post;
    let author = Author::of(&reader.visitor);
    if old.facility_id != author.facility {
        return Err(PageError::NotFound);
    }
    let withdraws = fields.get("withdraw").is_some();
    let body = match withdraws {
        true => withdrawn(&fields.text("reason", 500)),
        false => fields.text("body", BODY_CHARS),
    };
    if body.is_empty() {
        return Err(PageError::BadForm);
    }
    // A correction of what has been corrected already would fork the thread.
    let newer = timeline.topics.iter().flat_map(|t| t.corrections.iter().chain(&t.replies));
    if newer.into_iter().any(|p| p.post.corrects.as_ref() == Some(&corrected)) {
        return Err(PageError::Conflict);
    }
    let roster = reader.roster(&group, app.now()).await?;
    let words = Words {
        id: form_key(fields.get("post_id"))?,
        kind: PostKind::Correction,
        topic: Some(old.topic_id.clone()),
        corrects: Some(corrected),
        version: old.version + 1,
        title: if withdraws { Some(withdrawn_title(old)) } else { old.title.clone() },
        body,
        urgency: old.urgency,
        expectation: if withdraws { ReplyExpectation::None } else { old.expectation },
        addressees: Vec::new(),
    };
    let id = words.id.clone();
    let mut correction = post(&group, &author, words, app.now());
    // Those who were asked are told; nothing is asked of them any more.
    correction.addressees.clone_from(&old.addressees);
    if withdraws {
        correction.addressees.iter_mut().for_each(|a| a.expectation = ReplyExpectation::None);
    }
    correction.occurred_at = old.occurred_at;
    publish_once(&app, &roster, &author, correction, Vec::new()).await?;
    Ok(back_to(&group, &id))
}

/// 了解.
pub(crate) async fn acknowledge(
    State(app): State<App>,
    reader: Reader,
    Path((group, topic, post)): Path<(String, String, String)>,
    SignedForm(_): SignedForm,
) -> Result<Response, PageError> {
    let (group, post) = (GroupId::new(group), PostId::new(post));
    let timeline = reader.topic(&group, &PostId::new(topic)).await?;
    let user = &reader.visitor.user;
    let view = found(&timeline, &post)?;
    let receives = view.receipts.iter().any(|r| r.facility_id == user.facility_id);
    if timeline.group.state != GroupState::Open || !receives {
        return Err(PageError::Conflict);
    }
    let now = app.now();
    let acknowledgement = Acknowledgement {
        post_id: post.clone(),
        facility_id: user.facility_id.clone(),
        staff_id: user.staff_id.clone(),
        person_name: Some(user.display_name.clone()),
        channel: Channel::Web,
        acknowledged_at: now,
        // A password alone is one factor.
        identity_level: IdentityLevel::I2,
        intake_id: None,
        delivery_id: None,
        proxy: None,
    };
    let actor = Actor::LoginUser { id: user.id.clone() };
    commit(&app, actor, acknowledged(acknowledgement, now, &mut random::bits), now).await?;
    Ok(back_to(&group, &post))
}

/// 了解 is taken back within five minutes.
pub(crate) async fn withdraw(
    State(app): State<App>,
    reader: Reader,
    Path((group, topic, post)): Path<(String, String, String)>,
    SignedForm(_): SignedForm,
) -> Result<Response, PageError> {
    let (group, post) = (GroupId::new(group), PostId::new(post));
    let timeline = reader.topic(&group, &PostId::new(topic)).await?;
    let user = &reader.visitor.user;
    let now = app.now();
    let given = found(&timeline, &post)?
        .receipts
        .iter()
        .find(|r| r.facility_id == user.facility_id)
        .and_then(|r| r.acknowledgement.as_ref())
        .map(|a| a.acknowledged_at);
    match given {
        // Taken back already: the same answer.
        None => {}
        Some(at) if now.seconds_since(at) < UNDO_SECONDS => {
            let effect = Effect::WithdrawAcknowledgement {
                post_id: post.clone(),
                facility_id: user.facility_id.clone(),
            };
            commit(&app, Actor::LoginUser { id: user.id.clone() }, vec![effect], now).await?;
        }
        Some(_) => {
            let problem = reader.visitor.lang.t("ack.undo_late");
            return groups::again(&app, &reader, &group, problem, Written::default()).await;
        }
    }
    Ok(back_to(&group, &post))
}

async fn checked(reader: &Reader, form: Multipart) -> Result<Upload, PageError> {
    let upload = upload::read(form).await?;
    if signed(&reader.visitor, &upload.fields) { Ok(upload) } else { Err(PageError::StaleForm) }
}

fn found<'a>(timeline: &'a Timeline, post: &PostId) -> Result<&'a PostView, PageError> {
    timeline.topics.iter().find_map(|t| post_of(t, post)).ok_or(PageError::NotFound)
}

fn code<T>(text: Option<&str>, from_code: impl Fn(&str) -> Option<T>) -> Result<T, PageError> {
    text.and_then(from_code).ok_or(PageError::BadForm)
}

/// The first line of a text, for topics without a heading.
fn heading_of(body: &str) -> Option<String> {
    let line = body.lines().next()?.trim();
    let short: String = line.chars().take(40).collect();
    (!short.is_empty()).then(|| if short.len() < line.len() { short + "…" } else { short })
}

fn back_to(group: &GroupId, post: &PostId) -> Response {
    Redirect::to(&format!("/groups/{group}#post-{post}")).into_response()
}
