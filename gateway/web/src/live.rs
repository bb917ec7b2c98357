//! Live updates by server-sent events: which group has something new, or that triage or the outbox
//! changed. Ids only, never content; a group is named only to those who may see it at that moment.

use crate::app::App;
use crate::rights::Reader;
use axum::Router;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures::Stream;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::ids::GroupId;
use kakehashi_store::view::Wake;
use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// A right is asked for again after this long.
const RIGHT_SECONDS: i64 = 30;
/// A stream ends after this long; the browser opens a new one and is checked again.
const STREAM_SECONDS: i64 = 15 * 60;
/// How often a quiet stream looks whether it should end.
const LOOK: Duration = Duration::from_secs(2);
/// Rights remembered by one stream.
const MAX_REMEMBERED: usize = 2_000;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/live", get(live))
}

async fn live(State(app): State<App>, reader: Reader) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let now = app.now();
    let ends_at = reader.visitor.expires_at.min(now.plus_seconds(STREAM_SECONDS));
    let wakes = app.store().wakes().subscribe();
    let watch = Watch { app, reader, wakes, ends_at, rights: HashMap::new() };
    let stream = futures::stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok(event), watch))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(20)))
}

struct Watch {
    app: App,
    reader: Reader,
    wakes: Receiver<Wake>,
    ends_at: UtcMicros,
    rights: HashMap<GroupId, (bool, UtcMicros)>,
}

impl Watch {
    async fn next(&mut self) -> Option<Event> {
        loop {
            // Streams would hold a shutdown up, so they end with the program's readiness.
            if self.app.now() >= self.ends_at || !(self.app.state.ready)() {
                return None;
            }
            let wake = match tokio::time::timeout(LOOK, self.wakes.recv()).await {
                Err(_) => continue,
                Ok(Ok(wake)) => wake,
                Ok(Err(RecvError::Lagged(_))) => return Some(Event::default().event("reload").data("")),
                Ok(Err(RecvError::Closed)) => return None,
            };
            let is_office = self.reader.visitor.is_office();
            match wake {
                Wake::Group(group) if self.may_see(&group).await => {
                    return Some(Event::default().event("group").data(group.as_str()));
                }
                Wake::Triage if is_office => return Some(Event::default().event("triage").data("")),
                Wake::Delivery if is_office => return Some(Event::default().event("delivery").data("")),
                Wake::Group(_) | Wake::Triage | Wake::Delivery | Wake::Intake => {}
            }
        }
    }

    async fn may_see(&mut self, group: &GroupId) -> bool {
        if self.reader.visitor.is_office() {
            return true;
        }
        let now = self.app.now();
        if let Some((allowed, at)) = self.rights.get(group)
            && now.seconds_since(*at) < RIGHT_SECONDS
        {
            return *allowed;
        }
        let allowed = self.reader.roster(group, now).await.is_ok();
        if self.rights.len() >= MAX_REMEMBERED {
            self.rights.clear();
        }
        self.rights.insert(group.clone(), (allowed, now));
        allowed
    }
}
