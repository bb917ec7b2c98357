//! Rights as types: a handler that takes [`Office`] runs for the network office only, a [`Reader`] sees
//! what its visitor may see and nothing else. Whatever one may not see answers 404, as if it were not there.

use crate::app::App;
use crate::error::PageError;
use crate::session::Visitor;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::directory::GroupRoster;
use kakehashi_core::ids::{AttachmentId, GroupId, PostId};
use kakehashi_core::post::StoredAttachment;
use kakehashi_core::vocabulary::AttachmentRole;
use kakehashi_store::view::{GroupSummary, PostView, Timeline, TopicView};
use kakehashi_store::{FacilityView, OfficeView, StoreError};

/// The network office.
pub(crate) struct Office {
    pub(crate) visitor: Visitor,
    pub(crate) view: OfficeView,
}

impl FromRequestParts<App> for Office {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        if !visitor.is_office() {
            return Err(PageError::NotFound.into_response());
        }
        Ok(Self { visitor, view: app.store().office(&app.state.network) })
    }
}

/// Anybody who is logged in, with what he may read.
pub(crate) struct Reader {
    pub(crate) visitor: Visitor,
    view: View,
}

enum View {
    Office(OfficeView),
    Facility(FacilityView),
}

impl FromRequestParts<App> for Reader {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        Ok(Self::of(visitor, app))
    }
}

impl Reader {
    /// The view of a visitor.
    pub(crate) fn of(visitor: Visitor, app: &App) -> Self {
        let network = &app.state.network;
        let view = if visitor.is_office() {
            View::Office(app.store().office(network))
        } else {
            View::Facility(app.store().facility(network, &visitor.user.facility_id))
        };
        Self { visitor, view }
    }

    pub(crate) async fn groups(&self) -> Result<Vec<GroupSummary>, StoreError> {
        match &self.view {
            View::Office(view) => view.groups(&self.visitor.user.id).await,
            View::Facility(view) => view.groups(&self.visitor.user.id).await,
        }
    }

    pub(crate) async fn timeline(
        &self,
        group: &GroupId,
        before: Option<&PostId>,
        limit: u32,
    ) -> Result<Timeline, PageError> {
        let found = match &self.view {
            View::Office(view) => view.timeline(&self.visitor.user.id, group, before, limit).await?,
            View::Facility(view) => view.timeline(&self.visitor.user.id, group, before, limit).await?,
        };
        found.ok_or(PageError::NotFound)
    }

    /// The timeline with one topic alone.
    pub(crate) async fn topic(&self, group: &GroupId, topic: &PostId) -> Result<Timeline, PageError> {
        // Ids sort as text, so the id with one more sign is the least that lies after it.
        let just_after = PostId::new(format!("{topic}0"));
        let mut timeline = self.timeline(group, Some(&just_after), 1).await?;
        timeline.topics.retain(|t| &t.topic.post.id == topic);
        timeline.older = None;
        if timeline.topics.is_empty() { Err(PageError::NotFound) } else { Ok(timeline) }
    }

    pub(crate) async fn roster(&self, group: &GroupId, now: UtcMicros) -> Result<GroupRoster, PageError> {
        let found = match &self.view {
            View::Office(view) => view.roster(group, now).await?,
            View::Facility(view) => view.roster(group, now).await?,
        };
        found.ok_or(PageError::NotFound)
    }

    pub(crate) async fn mark_read(&self, group: &GroupId, at: UtcMicros) -> Result<(), StoreError> {
        match &self.view {
            View::Office(view) => view.mark_read(&self.visitor.user.id, group, at).await,
            View::Facility(view) => view.mark_read(&self.visitor.user.id, group, at).await,
        }
    }

    pub(crate) async fn attachment(
        &self,
        id: &AttachmentId,
    ) -> Result<(StoredAttachment, Vec<u8>), PageError> {
        let found = match &self.view {
            View::Office(view) => view.attachment(id).await?,
            // What is in quarantine is there for the office alone.
            View::Facility(view) => {
                view.attachment(id).await?.filter(|(stored, _)| stored.role != AttachmentRole::Quarantined)
            }
        };
        found.ok_or(PageError::NotFound)
    }
}

/// A post of a topic, in any version.
pub(crate) fn post_of<'a>(topic: &'a TopicView, id: &PostId) -> Option<&'a PostView> {
    std::iter::once(&topic.topic).chain(&topic.corrections).chain(&topic.replies).find(|p| &p.post.id == id)
}
