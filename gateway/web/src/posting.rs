//! Posts, 了解 and their commits, as the web and the page behind a reply code make them. Deliveries follow
//! from core's fan-out; nothing here chooses who is told.

use crate::app::App;
use crate::error::PageError;
use crate::random;
use crate::session::Visitor;
use crate::upload::UploadedFile;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::{Actor, Commit, Effect};
use kakehashi_core::directory::GroupRoster;
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::fan_out::publish;
use kakehashi_core::ids::{AttachmentId, FacilityId, GroupId, PostId, StaffId};
use kakehashi_core::post::{Addressee, Post, PostKind, StoredAttachment};
use kakehashi_core::vocabulary::{AttachmentRole, Channel, GroupState, ReplyExpectation, Urgency};

/// Who speaks.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    pub(crate) facility: FacilityId,
    pub(crate) staff: Option<StaffId>,
    pub(crate) name: Option<String>,
    pub(crate) actor: Actor,
}

impl Author {
    /// The person who is logged in.
    pub(crate) fn of(visitor: &Visitor) -> Self {
        Self {
            facility: visitor.user.facility_id.clone(),
            staff: visitor.user.staff_id.clone(),
            name: Some(visitor.user.display_name.clone()),
            actor: Actor::LoginUser { id: visitor.user.id.clone() },
        }
    }
}

/// What is said.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    pub(crate) id: PostId,
    pub(crate) kind: PostKind,
    /// The topic; none for a new one.
    pub(crate) topic: Option<PostId>,
    pub(crate) corrects: Option<PostId>,
    pub(crate) version: u32,
    pub(crate) title: Option<String>,
    pub(crate) body: String,
    pub(crate) urgency: Urgency,
    pub(crate) expectation: ReplyExpectation,
    pub(crate) addressees: Vec<FacilityId>,
}

/// The post of these words.
pub(crate) fn post(group: &GroupId, author: &Author, words: Words, now: UtcMicros) -> Post {
    let addressees = words
        .addressees
        .into_iter()
        .map(|facility_id| Addressee { facility_id, expectation: words.expectation })
        .collect();
    Post {
        topic_id: words.topic.unwrap_or_else(|| words.id.clone()),
        id: words.id,
        group_id: group.clone(),
        kind: words.kind,
        corrects: words.corrects,
        version: words.version,
        facility_id: author.facility.clone(),
        staff_id: author.staff.clone(),
        author_name: author.name.clone(),
        proxy: None,
        channel: Channel::Web,
        urgency: words.urgency,
        expectation: words.expectation,
        due_at: None,
        title: words.title,
        body: words.body,
        quoted: None,
        signature: None,
        document_kind: None,
        occurred_at: None,
        received_at: now,
        posted_at: now,
        intake_id: None,
        event_key: None,
        decided_by: author.name.clone().unwrap_or_default(),
        addressees,
        liaison: Vec::new(),
    }
}

/// Publishes a post with its files, once: the form's key is the post's id.
pub(crate) async fn publish_once(
    app: &App,
    roster: &GroupRoster,
    author: &Author,
    post: Post,
    files: Vec<UploadedFile>,
) -> Result<(), PageError> {
    if roster.group.state != GroupState::Open {
        return Err(PageError::Conflict);
    }
    let key = post.id.to_string();
    if !app.sent.take(&key) {
        return Ok(());
    }
    let published = store_and_publish(app, roster, author, post, files).await;
    if published.is_err() {
        app.sent.give_back(&key);
    }
    published
}

async fn store_and_publish(
    app: &App,
    roster: &GroupRoster,
    author: &Author,
    post: Post,
    files: Vec<UploadedFile>,
) -> Result<(), PageError> {
    let now = post.posted_at;
    let stored = store_files(app, files, now).await?;
    let ids: Vec<AttachmentId> = stored.iter().map(|a| a.id.clone()).collect();
    let mut effects = Vec::new();
    if !stored.is_empty() {
        effects.push(Effect::KeepAttachments { attachments: stored });
    }
    effects.extend(publish(post, ids, roster, now, &mut random::bits));
    commit(app, author.actor.clone(), effects, now).await
}

/// Writes the files before any row names them.
async fn store_files(
    app: &App,
    files: Vec<UploadedFile>,
    now: UtcMicros,
) -> Result<Vec<StoredAttachment>, PageError> {
    let mut stored = Vec::with_capacity(files.len());
    for (file, position) in files.into_iter().zip(0..) {
        let blobs = app.store().blobs().clone();
        let size_bytes = file.bytes.len() as u64;
        let put = tokio::task::spawn_blocking(move || blobs.put(&file.bytes)).await;
        let content_hash: ContentHash = put.map_err(|e| PageError::internal(&e))??;
        stored.push(StoredAttachment {
            id: AttachmentId::fresh(now, random::bits()),
            intake_id: None,
            post_id: None,
            position,
            role: AttachmentRole::Document,
            name: file.name,
            media_type: file.media_type.to_owned(),
            size_bytes,
            content_hash,
            pages: None,
        });
    }
    Ok(stored)
}

/// Applies effects.
pub(crate) async fn commit(
    app: &App,
    actor: Actor,
    effects: Vec<Effect>,
    at: UtcMicros,
) -> Result<(), PageError> {
    app.store().commit(&app.state.network, Commit { at, actor, effects }).await?;
    Ok(())
}

/// The id that a form's key stands for.
pub(crate) fn form_key(text: Option<&str>) -> Result<PostId, PageError> {
    text.filter(|t| t.len() == 26 && t.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()))
        .map(PostId::new)
        .ok_or(PageError::BadForm)
}
