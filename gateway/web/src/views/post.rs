//! One post as shown: who, by which way, when, what, pictures first and large (look.md 5), files with
//! their first page, and what may be done with it.

use super::{Chip, board, words};
use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::ids::FacilityId;
use kakehashi_core::liaison::LiaisonDeadline;
use kakehashi_core::post::{PostKind, StoredAttachment};
use kakehashi_core::vocabulary::{AttachmentRole, Channel, ReplyExpectation};
use kakehashi_store::view::PostView;
use serde::Serialize;

/// 了解 from the web may be taken back for this long (care-network.md 6.5).
pub(crate) use kakehashi_core::fan_out::UNDO_SECONDS;

/// A post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PostBlock {
    pub(crate) id: String,
    pub(crate) urgency: Option<Chip>,
    pub(crate) facility: String,
    pub(crate) person: Option<String>,
    pub(crate) channel: &'static str,
    pub(crate) when: String,
    pub(crate) title: Option<String>,
    pub(crate) body: String,
    pub(crate) quoted: Option<String>,
    pub(crate) signature: Option<String>,
    pub(crate) proxy: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) unread: bool,
    pub(crate) asks: Vec<String>,
    pub(crate) due: Option<String>,
    /// 連携期限 of this facility; the office sees everybody's.
    pub(crate) liaison: Vec<String>,
    pub(crate) decided_by: String,
    /// The intake, for the office.
    pub(crate) source: Option<String>,
    pub(crate) images: Vec<Picture>,
    pub(crate) files: Vec<File>,
    pub(crate) facts: Vec<Chip>,
    pub(crate) board: Vec<board::BoardRow>,
    /// Where 了解 is posted to, if this facility may still give it.
    pub(crate) acknowledge: Option<String>,
    /// Whether 了解 (or a reply) is what this facility is asked for.
    pub(crate) asked_of_me: bool,
    /// 了解 of this facility.
    pub(crate) acknowledged: Option<String>,
    /// Where it is taken back, while that is possible.
    pub(crate) undo: Option<String>,
    /// Where a correction is posted to, for the author's facility.
    pub(crate) correct: Option<String>,
    /// Where 家族記入 is marked, on a page of the notebook.
    pub(crate) relatives: Option<String>,
    /// Key of the correction's form.
    pub(crate) correction_id: String,
    /// Earlier versions.
    pub(crate) before: Vec<PostBlock>,
}

/// A page as picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Picture {
    pub(crate) src: String,
    pub(crate) zoom: String,
    pub(crate) alt: String,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct File {
    /// None for a file in quarantine: it is named and not handed out.
    pub(crate) href: Option<String>,
    pub(crate) name: String,
    pub(crate) size: String,
    pub(crate) pages: Option<String>,
    /// First page, where it can be shown.
    pub(crate) preview: Option<Picture>,
}

/// Who looks, and from where forms are posted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looking<'a> {
    pub(crate) lang: Lang,
    pub(crate) now: UtcMicros,
    pub(crate) facility: &'a FacilityId,
    pub(crate) is_office: bool,
    /// The group takes posts.
    pub(crate) open: bool,
    /// `/groups/G/topics/T`.
    pub(crate) topic_path: &'a str,
    /// A fresh key for each form.
    pub(crate) fresh: &'a dyn FreshKeys,
}

/// Makes keys for forms.
pub(crate) trait FreshKeys: std::fmt::Debug + Sync {
    /// One key.
    fn next(&self) -> String;
}

/// A post in words.
pub(crate) fn block(look: Looking<'_>, view: &PostView) -> PostBlock {
    let (lang, now, post) = (look.lang, look.now, &view.post);
    let mut when = match post.occurred_at {
        Some(at) if at.seconds_since(post.received_at).abs() > 59 => {
            lang.tf("post.happened", &[&lang.at(at)]) + " ・ "
        }
        _ => String::new(),
    };
    when.push_str(&lang.at(post.received_at));
    let mine = view.receipts.iter().find(|r| &r.facility_id == look.facility);
    let acknowledgement = mine.and_then(|r| r.acknowledgement.as_ref());
    let path = format!("{}/posts/{}", look.topic_path, post.id);
    let undo = acknowledgement
        .filter(|a| now.seconds_since(a.acknowledged_at) < UNDO_SECONDS && look.open)
        .map(|_| format!("{path}/acknowledgement/withdrawal"));
    let (images, files) = attachments(lang, &view.facility_name, &view.attachments);
    PostBlock {
        id: post.id.to_string(),
        urgency: Chip::urgency(lang, post.urgency),
        facility: view.facility_name.clone(),
        person: view.staff_name.clone().or_else(|| post.author_name.clone()),
        channel: words::channel(lang, post.channel),
        when,
        title: post.title.clone(),
        body: post.body.clone(),
        quoted: post.quoted.clone(),
        signature: post.signature.clone(),
        proxy: post.proxy.as_ref().map(|p| lang.tf("post.proxy", &[p])),
        version: (post.kind == PostKind::Correction)
            .then(|| lang.tf("post.corrected", &[&post.version.to_string()])),
        unread: !view.read,
        asks: asks(lang, view),
        due: post.due_at.map(|at| lang.tf("post.due", &[&lang.at(at)])),
        liaison: liaison(look, view),
        decided_by: lang.tf("post.by", &[&post.decided_by]),
        source: post.intake_id.as_ref().filter(|_| look.is_office).map(|id| format!("/intakes/{id}")),
        images,
        files,
        facts: board::facts(lang, &view.receipts),
        board: board::rows(lang, &view.receipts, now),
        acknowledge: (mine.is_some() && acknowledgement.is_none() && look.open)
            .then(|| format!("{path}/acknowledgement")),
        asked_of_me: mine.is_some_and(|r| r.asked != ReplyExpectation::None && r.replied_at.is_none()),
        acknowledged: acknowledgement.map(|a| lang.tf("ack.done", &[&lang.near(a.acknowledged_at, now)])),
        undo,
        correct: (&post.facility_id == look.facility && look.open).then(|| format!("{path}/corrections")),
        relatives: (post.channel == Channel::Notebook && look.open).then(|| format!("{path}/relatives")),
        correction_id: look.fresh.next(),
        before: Vec::new(),
    }
}

/// 連携期限: a member's own; the office sees all of them, with whom each is for where they are not for one alone.
fn liaison(look: Looking<'_>, view: &PostView) -> Vec<String> {
    let all = &view.post.liaison;
    let words = |l: &LiaisonDeadline| look.lang.pick(&l.ja(), &l.en()).to_owned();
    if !look.is_office {
        return all.iter().filter(|l| &l.facility_id == look.facility).map(words).collect();
    }
    let name = |l: &LiaisonDeadline| {
        view.receipts.iter().find(|r| r.facility_id == l.facility_id).map(|r| r.facility_name.clone())
    };
    let several = all.iter().any(|l| l.facility_id != all[0].facility_id);
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for deadline in all {
        let (text, who) = (words(deadline), name(deadline).into_iter().filter(|_| several));
        match lines.iter_mut().find(|(known, _)| *known == text) {
            Some((_, names)) => names.extend(who),
            None => lines.push((text, who.collect())),
        }
    }
    let line = |(text, names): (String, Vec<String>)| match names.is_empty() {
        true => text,
        false => format!("{}: {text}", names.join("、")),
    };
    lines.into_iter().map(line).collect()
}

fn asks(lang: Lang, view: &PostView) -> Vec<String> {
    [ReplyExpectation::Ack, ReplyExpectation::Reply, ReplyExpectation::Call]
        .into_iter()
        .filter_map(|what| {
            let names: Vec<String> =
                view.receipts.iter().filter(|r| r.asked == what).map(|r| r.facility_name.clone()).collect();
            (!names.is_empty())
                .then(|| lang.tf("post.asks", &[lang.pick(what.ja(), what.en()), &lang.list(&names)]))
        })
        .collect()
}

/// Pictures and files; a received file is not listed where its pages are shown.
pub(crate) fn attachments(lang: Lang, from: &str, all: &[StoredAttachment]) -> (Vec<Picture>, Vec<File>) {
    let is_picture = |a: &&StoredAttachment| {
        is_image(&a.media_type) && !matches!(a.role, AttachmentRole::Source | AttachmentRole::Quarantined)
    };
    let pictures: Vec<Picture> = all
        .iter()
        .filter(is_picture)
        .enumerate()
        .map(|(i, a)| Picture {
            src: format!("/attachments/{}", a.id),
            zoom: format!("/attachments/{}/zoom", a.id),
            alt: lang.tf("post.image_alt", &[from, &(i + 1).to_string()]),
        })
        .collect();
    let shown_as_pages = all.iter().any(|a| a.role == AttachmentRole::PageImage);
    let files = all
        .iter()
        .filter(|a| !is_picture(a))
        .map(|a| {
            let withheld = a.role == AttachmentRole::Quarantined;
            let is_pdf = a.media_type == "application/pdf";
            let word = if a.role == AttachmentRole::Source { "post.source_file" } else { "post.file" };
            let preview = (is_pdf && !withheld && !(shown_as_pages && a.role == AttachmentRole::Source))
                .then(|| Picture {
                    src: format!("/attachments/{}/pages/1.png", a.id),
                    zoom: format!("/attachments/{}/zoom", a.id),
                    alt: format!("{} {}", a.name.as_deref().unwrap_or_default(), lang.t("post.first_page")),
                });
            File {
                href: (!withheld).then(|| format!("/attachments/{}", a.id)),
                name: a.name.clone().unwrap_or_else(|| lang.t(word)),
                size: lang.size(a.size_bytes),
                pages: a.pages.map(|p| lang.tf("post.pages", &[&p.to_string()])),
                preview,
            }
        })
        .collect();
    (pictures, files)
}

/// Kinds that every browser draws and that hold no script.
pub(crate) fn is_image(media_type: &str) -> bool {
    matches!(media_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp")
}
