//! The paper notebook in the home (連絡ノート): 貼付票 of the latest posts go to the FAX of whoever visits next, and
//! on a page that came back a person marks that the family wrote there too (家族記入). The notebook lies open,
//! so the slips show what a family may read and the name of nobody; handwriting is never read here.

use crate::app::App;
use crate::error::PageError;
use crate::forms::SignedForm;
use crate::posting::{Author, Words, commit, form_key, post, publish_once};
use crate::random;
use crate::rights::{Office, Reader, post_of};
use crate::views::Choice;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use kakehashi_core::commit::{Actor, Effect, NewSheet};
use kakehashi_core::directory::{Endpoint, GroupRoster};
use kakehashi_core::ids::{GroupId, PostId};
use kakehashi_core::post::PostKind;
use kakehashi_core::sheet_order::SheetOrder;
use kakehashi_core::vocabulary::{Channel, EndpointState, GroupState, ReplyExpectation, Urgency};

/// Slips of one order: three pages, two slips each.
const SLIPS: u32 = 6;

/// The numbers of members to which slips can go, with their facility.
pub(super) fn numbers(roster: &GroupRoster) -> impl Iterator<Item = (&str, &Endpoint)> {
    let members = roster.members.iter().filter(|m| m.consented);
    members.flat_map(|m| m.endpoints.iter().map(|e| (m.facility.name.as_str(), e))).filter(|(_, e)| {
        e.channel == Channel::Fax && e.state == EndpointState::Verified && e.settings.receives
    })
}

/// The same as choices of a form.
pub(super) fn choices(roster: &GroupRoster) -> Vec<Choice> {
    numbers(roster)
        .map(|(facility, e)| Choice {
            value: e.id.to_string(),
            word: format!("{facility} {}", e.address),
            chosen: false,
        })
        .collect()
}

/// Orders 貼付票 of the latest topics, oldest first, for a member's number.
pub(crate) async fn order_slips(
    State(app): State<App>,
    office: Office,
    Path(group): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let (group, now) = (GroupId::new(group), app.now());
    let roster = office.view.roster(&group, now).await?.ok_or(PageError::NotFound)?;
    let wanted = fields.get("endpoint_id").ok_or(PageError::BadForm)?;
    let endpoint = numbers(&roster).find(|(_, e)| e.id.as_str() == wanted).map(|(_, e)| e);
    let endpoint = endpoint.ok_or(PageError::BadForm)?;
    let user = &office.visitor.user.id;
    let timeline = office.view.timeline(user, &group, None, SLIPS).await?.ok_or(PageError::NotFound)?;
    // A correction stands for what it corrects.
    let newest = timeline.topics.iter().map(|t| t.corrections.last().unwrap_or(&t.topic));
    let from_the_notebook = |channel| channel == Channel::Notebook;
    let mut post_ids: Vec<PostId> =
        newest.filter(|p| !from_the_notebook(p.post.channel)).map(|p| p.post.id.clone()).collect();
    post_ids.reverse();
    if roster.group.state != GroupState::Open || post_ids.is_empty() {
        return Err(PageError::Conflict);
    }
    let order = SheetOrder::PasteSlips { group_id: group.clone(), post_ids };
    let sheet = NewSheet::plan(endpoint, order, now, &mut random::bits);
    let actor = Actor::LoginUser { id: user.clone() };
    commit(&app, actor, vec![Effect::OrderSheet(Box::new(sheet))], now).await?;
    Ok(Redirect::to(&format!("/groups/{group}")).into_response())
}

/// 家族記入: somebody who looked at the page says that the family wrote on it.
pub(crate) async fn relatives(
    State(app): State<App>,
    reader: Reader,
    Path((group, topic, page)): Path<(String, String, String)>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let (group, page) = (GroupId::new(group), PostId::new(page));
    let timeline = reader.topic(&group, &PostId::new(topic)).await?;
    let view = timeline.topics.iter().find_map(|t| post_of(t, &page)).ok_or(PageError::NotFound)?;
    if view.post.channel != Channel::Notebook {
        return Err(PageError::NotFound);
    }
    let who = fields.line("relative", 60);
    let words = match who.as_str() {
        "" => "家族記入: この頁にはご家族の書き込みがあります。".to_owned(),
        who => format!("家族記入({who}様): この頁にはご家族の書き込みがあります。"),
    };
    let roster = reader.roster(&group, app.now()).await?;
    let author = Author::of(&reader.visitor);
    let words = Words {
        id: form_key(fields.get("post_id"))?,
        kind: PostKind::Reply,
        topic: Some(view.post.topic_id.clone()),
        corrects: None,
        version: 1,
        title: None,
        body: words,
        urgency: Urgency::Normal,
        expectation: ReplyExpectation::None,
        addressees: Vec::new(),
    };
    let id = words.id.clone();
    publish_once(&app, &roster, &author, post(&group, &author, words, app.now()), Vec::new()).await?;
    Ok(Redirect::to(&format!("/groups/{group}#post-{id}")).into_response())
}
