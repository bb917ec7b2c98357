//! The values that a mail template receives. What a mode may not say is never put in here, so that no
//! template can say it by mistake.

use super::Openness;
use super::notice::NoticeWords;
use crate::name_guard::NameGuard;
use crate::sheet::{appended, due};
use crate::wording;
use kakehashi_core::ids::FacilityId;
use kakehashi_core::job::{DeliveryJob, JobItem, JobPosts};
use kakehashi_core::liaison::LiaisonDeadline;
use kakehashi_core::rendered::RenderedFile;
use kakehashi_core::text::{clean, clean_line};
use kakehashi_core::vocabulary::{DeliveryMode, ReplyExpectation, Urgency};
use serde::Serialize;

/// Longest receipt of an act, in characters.
const RECEIPT_MAX: usize = 400;

/// Who sends, in every mail's foot.
#[derive(Serialize)]
pub(crate) struct Office {
    network: String,
    name: String,
    phone: String,
    hours: String,
    url: String,
}

/// The files of a mail, as far as its words speak of them.
pub(crate) struct Files<'a> {
    pub(crate) with_mail: &'a [RenderedFile],
    pub(crate) on_page: &'a [RenderedFile],
    pub(crate) unlockable: bool,
    pub(crate) meetings: usize,
}

/// `delivery.txt.hbs` and `delivery.html.hbs`.
#[derive(Serialize)]
pub(crate) struct MailView {
    facility: String,
    attention: Option<String>,
    heading: Option<String>,
    several: bool,
    count: usize,
    full: bool,
    locked: bool,
    notice: bool,
    no_password: bool,
    unlockable: bool,
    calendar: bool,
    resend: bool,
    receipts: Vec<String>,
    items: Vec<ItemView>,
    files: Vec<String>,
    office: Office,
    valid_until: String,
    valid_until_en: String,
}

#[derive(Serialize)]
struct ItemView {
    number: Option<usize>,
    alias: String,
    title: Option<String>,
    author: Option<String>,
    at: String,
    urgency: Option<String>,
    asked: Option<&'static str>,
    status: Option<String>,
    request: &'static str,
    request_en: &'static str,
    due: Option<String>,
    acknowledged: Option<String>,
    lines: Vec<String>,
    attachments: Vec<String>,
    files_link: Option<String>,
    code: String,
    link: String,
    call_link: String,
    mailto: String,
}

/// `notice.txt.hbs` and `notice.html.hbs`.
#[derive(Serialize)]
pub(crate) struct NoticeView {
    title: &'static str,
    ja: &'static [&'static str],
    en: &'static [&'static str],
    office: Office,
}

impl NoticeView {
    pub(crate) fn new(job: &DeliveryJob, words: &NoticeWords) -> Self {
        Self { title: words.title, ja: words.ja, en: words.en, office: Office::of(job) }
    }
}

impl Office {
    pub(crate) fn of(job: &DeliveryJob) -> Self {
        let network = &job.network;
        Self {
            network: clean_line(&network.name, 60),
            name: clean_line(&network.office_name, 60),
            phone: clean_line(&network.office_phone, 40),
            hours: clean_line(&network.office_hours, 40),
            url: clean_line(&network.public_url, 200),
        }
    }
}

impl MailView {
    pub(crate) fn new(job: &DeliveryJob, posts: &JobPosts, openness: Openness, files: &Files<'_>) -> Self {
        let numbered = posts.items.len() > 1 || job.mode == DeliveryMode::Digest;
        let heading = (job.mode == DeliveryMode::Digest).then(|| format!("まとめ便 {}", job.due_at.to_ja()));
        let items = posts
            .items
            .iter()
            .enumerate()
            .map(|(at, item)| {
                ItemView::new(
                    job,
                    &posts.facility.id,
                    item,
                    numbered.then_some(at + 1),
                    openness,
                    !files.on_page.is_empty(),
                )
            })
            .collect();
        Self {
            facility: clean_line(&posts.facility.name, 60),
            attention: posts.attention.as_deref().map(|a| clean_line(a, 120)),
            heading,
            several: numbered,
            count: posts.items.len(),
            full: openness == Openness::Full,
            locked: openness == Openness::Locked,
            notice: openness == Openness::Notice,
            no_password: openness == Openness::NoPassword,
            unlockable: files.unlockable,
            calendar: files.meetings > 0,
            resend: job.resend_possible,
            receipts: posts.notes.iter().map(|n| clean_line(n, RECEIPT_MAX)).collect(),
            items,
            files: files.with_mail.iter().map(|f| f.name.clone()).collect(),
            office: Office::of(job),
            valid_until: kakehashi_core::clock::ja_date(posts.code_expires_at.in_japan().date()),
            valid_until_en: posts.code_expires_at.in_japan().strftime("%-d %b").to_string(),
        }
    }
}

impl ItemView {
    fn new(
        job: &DeliveryJob,
        facility: &FacilityId,
        item: &JobItem,
        number: Option<usize>,
        openness: Openness,
        left_out: bool,
    ) -> Self {
        let guard = NameGuard::new(&item.patient_name);
        let post = &item.post;
        let author = || format!("{} ({})", clean_line(&item.author, 80), post.channel.ja());
        let (title, author, lines, attachments) = match openness {
            Openness::Notice | Openness::NoPassword => (None, None, Vec::new(), Vec::new()),
            Openness::Locked => (
                Some(wording::open_title(item, &guard)),
                Some(guard.without(&author())),
                Vec::new(),
                Vec::new(),
            ),
            Openness::Full => {
                let title = clean_line(&wording::full_title(item), wording::TITLE_MAX);
                let body = clean(&post.body);
                let body = body.trim_matches('\n').lines().map(str::to_owned);
                let lines = body.chain(post.liaison_of(facility).map(LiaisonDeadline::ja)).collect();
                let attachments = appended::shown(item)
                    .map(|a| {
                        let name = clean_line(a.stored.name.as_deref().unwrap_or("名前のない添付"), 100);
                        if a.bytes.is_empty() {
                            format!("{name}(大きいため付いていません)")
                        } else {
                            name
                        }
                    })
                    .collect();
                (Some(title).filter(|t| !t.is_empty()), Some(author()), lines, attachments)
            }
        };
        let link = format!("{}/r/{}", clean_line(&job.network.public_url, 200), item.code.as_str());
        let shows_files = matches!(openness, Openness::Locked | Openness::Full);
        let too_large = left_out || appended::shown(item).any(|a| a.bytes.is_empty());
        let files_link = (shows_files && too_large && appended::shown(item).next().is_some())
            .then(|| format!("{link}/files"));
        let (request, request_en) = wording::request(item.asked);
        let urgency = (post.urgency != Urgency::Normal)
            .then(|| format!("{} {}", wording::urgency_mark(post.urgency), post.urgency.ja()));
        let asked = (item.asked != ReplyExpectation::None).then(|| item.asked.ja());
        let due = due(item).map(|d| d.to_ja());
        let acknowledged = wording::acknowledged(item);
        let status: Vec<String> = [
            urgency.clone(),
            asked.map(str::to_owned),
            due.as_ref().map(|d| format!("期限 {d}")),
            acknowledged.as_ref().map(|a| format!("了解 {a}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        Self {
            number,
            alias: wording::open_alias(item, &guard),
            title,
            author,
            at: wording::times(item),
            urgency,
            asked,
            status: (!status.is_empty()).then(|| status.join(" ・ ")),
            request,
            request_en,
            due,
            acknowledged,
            lines,
            attachments,
            files_link,
            code: item.code.spaced(),
            call_link: format!("{link}?want=call"),
            // Percent-encoded 了解 as subject and text: a telephone's mail program sends it with one tap.
            mailto: format!(
                "mailto:{}?subject=%E4%BA%86%E8%A7%A3&body=%E4%BA%86%E8%A7%A3",
                job.network.reply_address(&item.code)
            ),
            link,
        }
    }
}
