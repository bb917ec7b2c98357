//! The group list and the timeline.

use crate::app::App;
use crate::error::PageError;
use crate::random::FormKeys;
use crate::rights::Reader;
use crate::session::Frame;
use crate::views::timeline::{Viewer, Written};
use crate::views::{home as home_view, timeline as timeline_view};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use kakehashi_core::ids::{GroupId, PostId};
use kakehashi_store::view::Timeline;
use serde::Deserialize;

/// Topics of one page.
const TOPICS: u32 = 12;

/// The first page.
pub(crate) async fn home(State(app): State<App>, reader: Reader) -> Result<Response, PageError> {
    let lang = reader.visitor.lang;
    let page = home_view::page(lang, &reader.groups().await?, app.now());
    let frame = Frame { current: "/", title: &lang.t("home.title"), live: Some("groups") };
    reader.visitor.page(&app, frame, "home", &page).await
}

/// Where a page of a timeline begins.
#[derive(Deserialize)]
pub(crate) struct Asked {
    before: Option<String>,
}

/// The timeline.
pub(crate) async fn timeline(
    State(app): State<App>,
    reader: Reader,
    Path(group): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let before = asked.before.map(PostId::new);
    let timeline = reader.timeline(&GroupId::new(group), before.as_ref(), TOPICS).await?;
    show(&app, &reader, &timeline, None, None, Written::default()).await
}

/// One topic alone.
pub(crate) async fn topic(
    State(app): State<App>,
    reader: Reader,
    Path((group, topic)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let topic = PostId::new(topic);
    let timeline = reader.topic(&GroupId::new(group), &topic).await?;
    show(&app, &reader, &timeline, Some(&topic), None, Written::default()).await
}

/// The timeline again, with what is missing in the form and what had been written.
pub(crate) async fn again(
    app: &App,
    reader: &Reader,
    group: &GroupId,
    problem: String,
    written: Written,
) -> Result<Response, PageError> {
    let timeline = reader.timeline(group, None, TOPICS).await?;
    show(app, reader, &timeline, None, Some(problem), written).await
}

async fn show(
    app: &App,
    reader: &Reader,
    timeline: &Timeline,
    focus: Option<&PostId>,
    problem: Option<String>,
    written: Written,
) -> Result<Response, PageError> {
    let now = app.now();
    let visitor = &reader.visitor;
    let group = &timeline.group.id;
    let groups = reader.groups().await?;
    let slips = match visitor.is_office() {
        true => super::notebook::choices(&reader.roster(group, now).await?),
        false => Vec::new(),
    };
    let viewer = Viewer {
        lang: visitor.lang,
        now,
        csrf: &visitor.csrf,
        facility: &visitor.user.facility_id,
        is_office: visitor.is_office(),
        todos: home_view::requests(visitor.lang, &groups, now, Some(group.as_str())),
        focus,
        problem,
        written,
        slips,
        fresh: &FormKeys(now),
    };
    let page = timeline_view::page(&viewer, timeline);
    let title = format!("{} {}", timeline.group.alias, timeline.patient.name);
    let frame = Frame { current: "/", title: &title, live: Some(group.as_str()) };
    let answer = visitor.page(app, frame, "timeline", &page).await?;
    // What was shown was seen; a page that fetches itself was not.
    if !visitor.is_refresh {
        reader.mark_read(group, now).await?;
    }
    Ok(answer)
}
