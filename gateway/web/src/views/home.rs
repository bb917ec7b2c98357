//! The first page: what is asked of me, then the groups.

use super::{Chip, words};
use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::vocabulary::GroupState;
use kakehashi_store::view::{GroupSummary, Request};
use serde::Serialize;

/// The page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct HomePage {
    pub(crate) requests: Vec<RequestRow>,
    pub(crate) request_count: usize,
    pub(crate) groups: Vec<GroupRow>,
}

/// Something asked of the viewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RequestRow {
    pub(crate) href: String,
    pub(crate) alias: String,
    pub(crate) patient: String,
    pub(crate) title: String,
    pub(crate) urgency: Option<Chip>,
    pub(crate) ask: String,
    pub(crate) due: Option<String>,
    pub(crate) overdue: bool,
    pub(crate) current: bool,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct GroupRow {
    pub(crate) href: String,
    pub(crate) alias: String,
    pub(crate) patient: String,
    pub(crate) summary: Option<String>,
    pub(crate) state: Option<Chip>,
    pub(crate) urgency: Option<Chip>,
    pub(crate) unread: Option<String>,
    pub(crate) latest_title: Option<String>,
    pub(crate) latest_at: Option<String>,
    pub(crate) answered: Option<Chip>,
}

/// The page of these groups.
pub(crate) fn page(lang: Lang, groups: &[GroupSummary], now: UtcMicros) -> HomePage {
    let requests = requests(lang, groups, now, None);
    HomePage {
        request_count: requests.len(),
        requests,
        groups: groups.iter().map(|g| row(lang, g, now)).collect(),
    }
}

/// Everything that is asked, most urgent and soonest due first. `current` is the group on screen.
pub(crate) fn requests(
    lang: Lang,
    groups: &[GroupSummary],
    now: UtcMicros,
    current: Option<&str>,
) -> Vec<RequestRow> {
    let mut all: Vec<(&GroupSummary, &Request)> =
        groups.iter().flat_map(|g| g.requests.iter().map(move |r| (g, r))).collect();
    all.sort_by_key(|(_, r)| {
        (std::cmp::Reverse(r.urgency), r.due_at.unwrap_or(UtcMicros::from_micros(i64::MAX)))
    });
    all.into_iter()
        .map(|(group, request)| {
            let overdue = request.due_at.is_some_and(|due| due < now);
            let key = if overdue { "home.overdue" } else { "home.until" };
            RequestRow {
                href: format!("/groups/{}/topics/{}", request.group_id, request.topic_id),
                alias: group.group.alias.clone(),
                patient: group.patient.name.clone(),
                title: request.title.clone().unwrap_or_default(),
                urgency: Chip::urgency(lang, request.urgency),
                ask: words::ask(lang, request.expectation),
                due: request.due_at.map(|due| lang.tf(key, &[&lang.near(due, now)])),
                overdue,
                current: current == Some(request.group_id.as_str()),
            }
        })
        .collect()
}

fn row(lang: Lang, summary: &GroupSummary, now: UtcMicros) -> GroupRow {
    let state = summary.group.state;
    let (given, asked) = (summary.answered_count, summary.asked_count);
    GroupRow {
        href: format!("/groups/{}", summary.group.id),
        alias: summary.group.alias.clone(),
        patient: summary.patient.name.clone(),
        summary: summary.patient.summary.clone(),
        state: (state != GroupState::Open)
            .then(|| Chip::new("fail", Some("■"), lang.pick(state.ja(), state.en()))),
        urgency: Chip::urgency(lang, summary.urgency),
        unread: (summary.unread_count > 0)
            .then(|| lang.tf("home.unread", &[&summary.unread_count.to_string()])),
        latest_title: summary.latest_title.clone(),
        latest_at: summary.latest_at.map(|at| lang.near(at, now)),
        answered: (asked > 0).then(|| {
            let class = if given >= asked { "ack" } else { "wait" };
            let mark = if given >= asked { "✓" } else { "○" };
            Chip::new(class, Some(mark), lang.tf("home.answered", &[&given.to_string(), &asked.to_string()]))
        }),
    }
}
