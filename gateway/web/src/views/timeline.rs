//! A patient group's timeline: topics newest first, the newest version of each post in front and the
//! older ones folded beneath it, replies in order, and the board of the topic in focus.

use super::board::BoardRow;
use super::home::RequestRow;
use super::post::{FreshKeys, Looking, PostBlock, block};
use super::{Choice, words};
use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::ids::{FacilityId, PostId};
use kakehashi_core::vocabulary::{GroupState, ReplyExpectation, Urgency};
use kakehashi_store::view::{PostView, Timeline, TopicView};
use serde::Serialize;

/// The page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TimelinePage {
    pub(crate) csrf: String,
    pub(crate) group_id: String,
    pub(crate) alias: String,
    pub(crate) patient: String,
    pub(crate) about: String,
    pub(crate) notice: Option<String>,
    pub(crate) problem: Option<String>,
    pub(crate) todos: Vec<RequestRow>,
    pub(crate) topics: Vec<TopicBlock>,
    pub(crate) one_topic: bool,
    pub(crate) older: Option<String>,
    pub(crate) focus: Option<Focus>,
    pub(crate) members: Vec<MemberLine>,
    pub(crate) compose: Option<Compose>,
    /// FAX numbers of members to which 貼付票 can go, for the office.
    pub(crate) slips: Vec<Choice>,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TopicBlock {
    pub(crate) id: String,
    pub(crate) href: String,
    pub(crate) head: PostBlock,
    pub(crate) replies: Vec<PostBlock>,
    /// Where a reply is posted to, if the group takes posts.
    pub(crate) reply: Option<String>,
    pub(crate) reply_id: String,
}

/// The board beside the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Focus {
    pub(crate) title: String,
    pub(crate) board: Vec<BoardRow>,
    pub(crate) acknowledge: Option<String>,
    pub(crate) acknowledged: Option<String>,
    pub(crate) undo: Option<String>,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MemberLine {
    pub(crate) name: String,
    pub(crate) channels: String,
    pub(crate) people: String,
    pub(crate) pauses: Vec<String>,
}

/// The form of a new topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Compose {
    pub(crate) action: String,
    pub(crate) post_id: String,
    pub(crate) receiver_count: usize,
    pub(crate) urgencies: Vec<Choice>,
    pub(crate) expectations: Vec<Choice>,
    pub(crate) addressees: Vec<Choice>,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) due: String,
}

/// What a person had written when something was missing; it is shown again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) urgency: Urgency0,
    pub(crate) expectation: Expectation0,
    pub(crate) addressees: Vec<FacilityId>,
    /// 期限 as typed.
    pub(crate) due: String,
}

/// 通常 unless chosen otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Urgency0(pub(crate) Urgency);

impl Default for Urgency0 {
    fn default() -> Self {
        Self(Urgency::Normal)
    }
}

/// 返信不要 unless chosen otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expectation0(pub(crate) ReplyExpectation);

impl Default for Expectation0 {
    fn default() -> Self {
        Self(ReplyExpectation::None)
    }
}

/// Who looks at a timeline.
#[derive(Debug, Clone)]
pub(crate) struct Viewer<'a> {
    pub(crate) lang: Lang,
    pub(crate) now: UtcMicros,
    pub(crate) csrf: &'a str,
    pub(crate) facility: &'a FacilityId,
    pub(crate) is_office: bool,
    pub(crate) todos: Vec<RequestRow>,
    pub(crate) focus: Option<&'a PostId>,
    pub(crate) problem: Option<String>,
    pub(crate) written: Written,
    /// FAX numbers of members, for the office.
    pub(crate) slips: Vec<Choice>,
    pub(crate) fresh: &'a dyn FreshKeys,
}

/// The page of a timeline.
pub(crate) fn page(viewer: &Viewer<'_>, timeline: &Timeline) -> TimelinePage {
    let lang = viewer.lang;
    let group_path = format!("/groups/{}", timeline.group.id);
    let open = timeline.group.state == GroupState::Open;
    let topics: Vec<TopicBlock> =
        timeline.topics.iter().map(|t| topic(viewer, &group_path, open, t)).collect();
    let focus = topics
        .iter()
        .find(|t| viewer.focus.is_some_and(|f| f.as_str() == t.id))
        .or_else(|| topics.iter().find(|t| t.head.asked_of_me && t.head.acknowledge.is_some()))
        .or_else(|| topics.first())
        .map(|t| Focus {
            title: t.head.title.clone().unwrap_or_else(|| t.head.body.chars().take(30).collect()),
            board: t.head.board.clone(),
            acknowledge: t.head.acknowledge.clone(),
            acknowledged: t.head.acknowledged.clone(),
            undo: t.head.undo.clone(),
        });
    TimelinePage {
        csrf: viewer.csrf.to_owned(),
        group_id: timeline.group.id.to_string(),
        alias: timeline.group.alias.clone(),
        patient: timeline.patient.name.clone(),
        about: about(viewer, timeline),
        notice: match timeline.group.state {
            GroupState::Open => None,
            GroupState::Frozen => Some(lang.t("timeline.frozen")),
            GroupState::Closed => Some(lang.t("timeline.closed")),
        },
        problem: viewer.problem.clone(),
        todos: viewer.todos.clone(),
        topics,
        one_topic: viewer.focus.is_some(),
        older: timeline.older.as_ref().map(|id| format!("{group_path}?before={id}")),
        focus,
        members: timeline
            .members
            .iter()
            .map(|m| {
                let channels: Vec<String> =
                    m.channels.iter().map(|c| words::channel(lang, *c).to_owned()).collect();
                let people: Vec<String> = m.staff.iter().map(|s| s.name.clone()).collect();
                MemberLine {
                    name: m.facility.name.clone(),
                    channels: channels.join(" ・ "),
                    people: lang.list(&people),
                    pauses: m.pauses.iter().map(|p| words::pause(lang, p, viewer.now)).collect(),
                }
            })
            .collect(),
        compose: open.then(|| compose(viewer, &group_path, timeline)),
        slips: if open { viewer.slips.clone() } else { Vec::new() },
    }
}

/// `つばき01 ・ 88歳 ・ 要介護3 ・ 心不全`.
fn about(viewer: &Viewer<'_>, timeline: &Timeline) -> String {
    let mut parts = vec![timeline.group.alias.clone()];
    if let Some(years) = timeline.patient.birth_date.as_deref().and_then(|b| age(b, viewer.now)) {
        parts.push(viewer.lang.tf("timeline.age", &[&years.to_string()]));
    }
    parts.extend(timeline.patient.summary.clone());
    parts.join(" ・ ")
}

/// Completed years.
pub(crate) fn age(birth_date: &str, now: UtcMicros) -> Option<i32> {
    let mut parts = birth_date.splitn(3, '-').map(|p| p.parse::<i32>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let today = now.in_japan();
    let before_birthday = (i32::from(today.month()), i32::from(today.day())) < (month, day);
    Some(i32::from(today.year()) - year - i32::from(before_birthday))
        .filter(|years| (0..=150).contains(years))
}

fn topic(viewer: &Viewer<'_>, group_path: &str, open: bool, view: &TopicView) -> TopicBlock {
    let href = format!("{group_path}/topics/{}", view.topic.post.id);
    let look = Looking {
        lang: viewer.lang,
        now: viewer.now,
        facility: viewer.facility,
        is_office: viewer.is_office,
        open,
        topic_path: &href,
        fresh: viewer.fresh,
    };
    let mut versions: Vec<&PostView> = std::iter::once(&view.topic).chain(&view.corrections).collect();
    let newest = versions.pop().unwrap_or(&view.topic);
    let head = with_versions(look, newest, &versions);
    TopicBlock {
        id: view.topic.post.id.to_string(),
        head,
        replies: replies(look, &view.replies),
        reply: open.then(|| format!("{href}/replies")),
        reply_id: viewer.fresh.next(),
        href,
    }
}

fn with_versions(look: Looking<'_>, newest: &PostView, older: &[&PostView]) -> PostBlock {
    let mut head = block(look, newest);
    head.before = older
        .iter()
        .rev()
        .map(|old| {
            let mut block = block(look, old);
            block.version = Some(look.lang.tf("post.old", &[&old.post.version.to_string()]));
            // Only the present version can be acted upon.
            (block.acknowledge, block.undo, block.correct) = (None, None, None);
            block
        })
        .collect();
    head
}

/// Replies in order of their first version, each shown in its newest.
fn replies(look: Looking<'_>, all: &[PostView]) -> Vec<PostBlock> {
    let corrected = |id: &PostId| all.iter().find(|r| r.post.corrects.as_ref() == Some(id));
    all.iter()
        .filter(|r| r.post.corrects.as_ref().is_none_or(|c| !all.iter().any(|o| &o.post.id == c)))
        .map(|first| {
            let mut versions = vec![first];
            while let Some(next) = versions.last().and_then(|last| corrected(&last.post.id)) {
                if versions.len() > all.len() {
                    break;
                }
                versions.push(next);
            }
            let newest = versions.pop().unwrap_or(first);
            with_versions(look, newest, &versions)
        })
        .collect()
}

fn compose(viewer: &Viewer<'_>, group_path: &str, timeline: &Timeline) -> Compose {
    let (lang, written) = (viewer.lang, &viewer.written);
    let others = || timeline.members.iter().filter(|m| &m.facility.id != viewer.facility);
    // A hospital gets only what is addressed to it, so it never counts among those who share.
    let outside = || timeline.correspondents.iter().filter(|m| &m.facility.id != viewer.facility);
    Compose {
        action: format!("{group_path}/posts"),
        post_id: viewer.fresh.next(),
        receiver_count: others().count(),
        urgencies: Urgency::ALL
            .iter()
            .map(|u| Choice {
                value: u.code().to_owned(),
                word: lang.pick(u.ja(), u.en()).to_owned(),
                chosen: *u == written.urgency.0,
            })
            .collect(),
        expectations: super::simple::expectations(lang, written.expectation.0),
        addressees: others()
            .map(|m| {
                // Whoever asks sees who is away and who stands in.
                let pauses = m.pauses.iter().map(|p| format!(" ({})", words::pause(lang, p, viewer.now)));
                (m, m.facility.name.clone() + &pauses.collect::<String>())
            })
            .chain(outside().map(|m| (m, lang.tf("compose.outside", &[&m.facility.name]))))
            .map(|(m, word)| Choice {
                value: m.facility.id.to_string(),
                word,
                chosen: written.addressees.contains(&m.facility.id),
            })
            .collect(),
        title: written.title.clone(),
        body: written.body.clone(),
        due: written.due.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_are_completed_years() {
        let now = UtcMicros::from_rfc3339("2026-06-09T10:00:00+09:00").unwrap();
        assert_eq!(age("1938-04-12", now), Some(88));
        assert_eq!(age("1938-06-10", now), Some(87));
        assert_eq!(age("<b>", now), None);
    }
}
