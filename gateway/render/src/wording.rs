//! Words that mail, paper and call share: marks of urgency, what is asked, titles that may stand in the
//! open, subjects. Vocabulary of care-network.md section 7; a state has a word and a shape, because
//! paper has no colour.

use crate::name_guard::NameGuard;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::job::{DeliveryJob, JobItem, JobPosts};
use kakehashi_core::post::PostKind;
use kakehashi_core::text::clean_line;
use kakehashi_core::vocabulary::{DeliveryMode, ReplyExpectation, Urgency};

/// Longest subject in characters.
const SUBJECT_MAX: usize = 120;
/// Longest title that is shown in one line.
pub(crate) const TITLE_MAX: usize = 80;
/// Longest line that says a 連携期限.
pub(crate) const DEADLINE_MAX: usize = 160;
/// A post that waited longer than this shows both its times.
const WAITED_SECONDS: i64 = 300;

/// The shape beside the word.
pub(crate) const fn urgency_mark(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Emergency => "◆",
        Urgency::Urgent => "▲",
        Urgency::Normal => "●",
    }
}

/// What the reader is asked to do, as sentences: Japanese, English.
pub(crate) const fn request(asked: ReplyExpectation) -> (&'static str, &'static str) {
    match asked {
        ReplyExpectation::None => ("返信は不要です(共有)。", "Shared with you; no reply needed."),
        ReplyExpectation::Ack => ("お読みになったら「了解」をお願いします。", "Please acknowledge."),
        ReplyExpectation::Reply => ("返信をお願いします。", "Please reply."),
        ReplyExpectation::Call => ("折返しのお電話をお願いします。", "Please call back."),
    }
}

/// A post's title as its readers see it, on paper and in encrypted content.
pub(crate) fn full_title(item: &JobItem) -> String {
    let own = item.post.title.as_deref().filter(|t| !t.trim().is_empty());
    match (item.post.kind, own, item.topic_title.as_deref()) {
        (PostKind::Topic, Some(title), _) => title.to_owned(),
        (PostKind::Topic, None, _) => String::new(),
        (PostKind::Reply, own, topic) => prefixed("返信", own.or(topic)),
        (PostKind::Correction, own, topic) => prefixed("訂正", own.or(topic)),
    }
}

/// A title that may stand in the open: words of our own templates (the post has an event key) and no
/// part of the patient's name; for everything else only what kind of post it is.
pub(crate) fn open_title(item: &JobItem, guard: &NameGuard) -> String {
    let own = item.post.title.as_deref().map(|t| clean_line(t, TITLE_MAX)).filter(|t| !t.is_empty());
    let ours = own.filter(|title| item.post.event_key.is_some() && !guard.found_in(title));
    match item.post.kind {
        PostKind::Topic => ours.unwrap_or_else(|| "新しい投稿".to_owned()),
        PostKind::Reply => prefixed("返信", ours.as_deref()),
        PostKind::Correction => prefixed("訂正", ours.as_deref()),
    }
}

fn prefixed(word: &str, title: Option<&str>) -> String {
    title.map_or_else(
        || word.to_owned(),
        |t| if t.starts_with(word) { t.to_owned() } else { format!("{word}:{t}") },
    )
}

/// The alias as one line without the patient's name.
pub(crate) fn open_alias(item: &JobItem, guard: &NameGuard) -> String {
    clean_line(&guard.without(&item.group_alias), 40)
}

/// `6/9(火) 13:00` → `13:00`: the time that names a digest.
pub(crate) fn digest_time(at: UtcMicros) -> String {
    let t = at.in_japan();
    format!("{}:{:02}", t.hour(), t.minute())
}

/// When a post was posted, with the time of the event or of arrival where they differ.
pub(crate) fn times(item: &JobItem) -> String {
    let post = &item.post;
    let mut text = post.posted_at.to_ja();
    if post.posted_at.seconds_since(post.received_at) > WAITED_SECONDS {
        text = format!("受信 {} / 投稿 {text}", post.received_at.to_ja());
    }
    if let Some(occurred) = post.occurred_at
        && post.received_at.seconds_since(occurred).abs() > WAITED_SECONDS
    {
        text = format!("発生 {} / {text}", occurred.to_ja());
    }
    text
}

/// `4/6`, if anybody was asked.
pub(crate) fn acknowledged(item: &JobItem) -> Option<String> {
    let (done, asked) = item.acknowledged;
    (asked > 0).then(|| format!("{done}/{asked}"))
}

/// Subject of a mail (care-network.md 6.3): urgency and expectation where they ask for something,
/// alias, and a title that may stand in the open. `titled` is false for endpoints that agreed to
/// notices only.
pub(crate) fn subject(job: &DeliveryJob, posts: &JobPosts, titled: bool) -> String {
    let text = match posts.items.as_slice() {
        [item] if job.mode == DeliveryMode::Instant => {
            let guard = NameGuard::new(&item.patient_name);
            let title = if titled { open_title(item, &guard) } else { kind_word(item.post.kind).to_owned() };
            format!("{}{} {title}", marks(item.post.urgency, item.asked), open_alias(item, &guard))
        }
        items => {
            let urgency = items.iter().map(|i| i.post.urgency).max().unwrap_or(Urgency::Normal);
            match job.mode {
                DeliveryMode::Digest => {
                    format!("【まとめ便 {}】{}件", digest_time(job.due_at), items.len())
                }
                DeliveryMode::Instant => {
                    format!("{}お知らせ {}件", marks(urgency, ReplyExpectation::None), items.len())
                }
            }
        }
    };
    let guards = posts.items.iter().map(|i| NameGuard::new(&i.patient_name));
    clean_line(&guards.fold(text, |text, guard| guard.without(&text)), SUBJECT_MAX)
}

const fn kind_word(kind: PostKind) -> &'static str {
    match kind {
        PostKind::Topic => "新しい投稿",
        PostKind::Reply => "返信",
        PostKind::Correction => "訂正",
    }
}

fn marks(urgency: Urgency, asked: ReplyExpectation) -> String {
    let mut words = Vec::new();
    if urgency != Urgency::Normal {
        words.push(urgency.ja());
    }
    if asked != ReplyExpectation::None {
        words.push(asked.ja());
    }
    if words.is_empty() { String::new() } else { format!("【{}】", words.join("・")) }
}
