//! Paper: the pages of a FAX with the reply sheet (返信票) as the last one, the same pages without it for
//! an encrypted mail, and the one-page notice (care-network.md 6.4, fax-loop.md 3 and 4). The patient's
//! name stands above the cut line only; the part that is sent back knows the alias and the code.

pub(crate) mod appended;
mod qr;
mod values;

use crate::fault::RenderFault;
use crate::name_guard::NameGuard;
use crate::paper::{Paper, Sheet, Template};
use crate::printable::Printable;
use crate::wording;
use appended::{Appendix, Carrier, attachment_number};
use kakehashi_core::job::{DeliveryJob, JobItem, JobPosts};
use kakehashi_core::reply_code::QrPlace;
use kakehashi_core::vocabulary::{DeliveryMode, ReplyExpectation};
use typst::foundations::{Array, Dict, IntoValue as _, Value};
use values::{Delivery, Geometry, Item, NoticePage, ReplySheet, Word};

/// Most names of a roster on a sheet: they must fit into one line under the name field.
const STAFF_MAX: usize = 6;
/// Most signs of all those names together.
const STAFF_SIGNS_MAX: usize = 36;

/// Finished pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperPages {
    /// All pages as one PDF.
    pub pdf: Vec<u8>,
    /// How many.
    pub pages: u32,
}

/// The pages of a FAX; the last one carries the reply sheet.
pub(crate) fn fax(paper: &Paper, job: &DeliveryJob, posts: &JobPosts) -> Result<PaperPages, RenderFault> {
    let made = deliver(paper, job, posts, Carrier::Fax);
    match made {
        Err(RenderFault::Sheet(_)) => deliver(paper, job, posts, Carrier::NamesOnly),
        made => made,
    }
}

/// The pages of an encrypted mail, not yet encrypted.
pub(crate) fn enclosure(
    paper: &Paper,
    job: &DeliveryJob,
    posts: &JobPosts,
) -> Result<PaperPages, RenderFault> {
    let plan = Plan::new(paper, job, posts, Carrier::Enclosure);
    match plan.set(None).and_then(|sheet| finish(&sheet)) {
        Err(RenderFault::Sheet(_)) => {
            let plan = Plan::new(paper, job, posts, Carrier::NamesOnly);
            finish(&plan.set(None)?)
        }
        made => made,
    }
}

/// The one page of a notice.
pub(crate) fn notice(
    paper: &Paper,
    job: &DeliveryJob,
    to: &str,
    words: &crate::mail::notice::NoticeWords,
) -> Result<PaperPages, RenderFault> {
    let mut printable = Printable::new(paper);
    let network = &job.network;
    let page = NoticePage {
        document_title: words.title.to_owned(),
        to: printable.line(to, 40),
        office: printable.line(&network.office_name, 40),
        phone: printable.line(&network.office_phone, 24),
        hours: printable.line(&network.office_hours, 30),
        sent_at: job.due_at.to_ja(),
        title: words.title.to_owned(),
        lines: words.ja.iter().map(|l| (*l).to_owned()).collect(),
        lines_en: words.en.iter().map(|l| (*l).to_owned()).collect(),
    };
    let mut inputs = Dict::new();
    inputs.insert("data".into(), to_value(&page)?);
    finish(&paper.set(Template::Notice, inputs)?)
}

fn deliver(
    paper: &Paper,
    job: &DeliveryJob,
    posts: &JobPosts,
    carrier: Carrier,
) -> Result<PaperPages, RenderFault> {
    let plan = Plan::new(paper, job, posts, carrier);
    // The QR names the page it stands on, which only the finished layout tells. The first guess is
    // right for everything but long texts.
    let guess = if plan.delivery.appended.is_empty() { 1 } else { plan.delivery.appended.len() + 2 };
    let mut sheet = plan.set(Some(guess))?;
    if sheet.pages() != guess {
        sheet = plan.set(Some(sheet.pages()))?;
    }
    finish(&sheet)
}

fn finish(sheet: &Sheet) -> Result<PaperPages, RenderFault> {
    Ok(PaperPages { pdf: sheet.pdf()?, pages: u32::try_from(sheet.pages()).unwrap_or(u32::MAX) })
}

fn to_value(value: &impl serde::Serialize) -> Result<Value, RenderFault> {
    let json = serde_json::to_value(value).map_err(RenderFault::SheetValues)?;
    serde_json::from_value(json).map_err(RenderFault::SheetValues)
}

/// Everything that one delivery prints, before its page count is known.
struct Plan<'a> {
    paper: &'a Paper,
    posts: &'a JobPosts,
    delivery: Delivery,
    sheet: ReplySheet,
    files: Array,
}

impl<'a> Plan<'a> {
    fn new(paper: &'a Paper, job: &DeliveryJob, posts: &'a JobPosts, carrier: Carrier) -> Self {
        let mut printable = Printable::new(paper);
        let mut appendix = Appendix::new(carrier);
        let numbered = posts.items.len() > 1 || job.mode == DeliveryMode::Digest;
        let items: Vec<Item> = posts
            .items
            .iter()
            .enumerate()
            .map(|(at, item)| print_item(item, numbered.then_some(at + 1), &mut printable, &mut appendix))
            .collect();
        let heading = (job.mode == DeliveryMode::Digest).then(|| format!("まとめ便 {}", job.due_at.to_ja()));
        let sheet = reply_sheet(job, posts, &mut printable);
        let network = &job.network;
        let delivery = Delivery {
            document_title: heading.clone().unwrap_or_else(|| "お知らせ".to_owned()),
            to: printable.line(&posts.facility.name, 30),
            office: printable.line(&network.office_name, 30),
            phone: printable.line(&network.office_phone, 20),
            hours: printable.line(&network.office_hours, 20),
            gateway_fax: printable.line(&network.gateway_fax, 20),
            sent_at: job.due_at.to_ja(),
            heading,
            items,
            appended: appendix.pages,
            resend: job.resend_possible,
            missing: printable.missing,
            sheet: None,
        };
        let files = appendix.files.into_iter().map(Value::Bytes).collect();
        Self { paper, posts, delivery, sheet, files }
    }

    /// Sets the pages, with the reply sheet on this page if one is wanted.
    fn set(&self, sheet_page: Option<usize>) -> Result<Sheet, RenderFault> {
        let mut delivery = self.delivery.clone();
        let mut inputs = Dict::new();
        if let Some(page) = sheet_page {
            let page = u16::try_from(page).unwrap_or(u16::MAX);
            let mut sheet = self.sheet.clone();
            sheet.qr_a = qr::runs(&self.posts.code, page, QrPlace::A)?;
            sheet.qr_b = qr::runs(&self.posts.code, page, QrPlace::B)?;
            delivery.sheet = Some(sheet);
            inputs.insert("geometry".into(), to_value(&Geometry::of_reply_sheet())?);
        }
        inputs.insert("data".into(), to_value(&delivery)?);
        inputs.insert("files".into(), self.files.clone().into_value());
        self.paper.set(Template::Delivery, inputs)
    }
}

fn print_item(
    item: &JobItem,
    number: Option<usize>,
    printable: &mut Printable<'_>,
    appendix: &mut Appendix,
) -> Item {
    let post = &item.post;
    let (lines, cut) = printable.lines(&post.body);
    let title = printable.line(&wording::full_title(item), wording::TITLE_MAX);
    let attachments = appended::shown(item)
        .enumerate()
        .map(|(at, attachment)| {
            let name = printable.line(attachment.stored.name.as_deref().unwrap_or("名前のない添付"), 60);
            appendix.take(attachment, attachment_number(number, at), name)
        })
        .collect();
    Item {
        number,
        alias: printable.line(&item.group_alias, 20),
        patient: printable.line(&item.patient_name, 24),
        short_title: printable.line(&wording::full_title(item), 24),
        title,
        author: printable.line(&item.author, 60),
        channel: post.channel.ja(),
        at: wording::times(item),
        urgency: Word {
            code: post.urgency.code(),
            mark: wording::urgency_mark(post.urgency),
            ja: post.urgency.ja(),
            en: post.urgency.en(),
        },
        asked: Word { code: item.asked.code(), mark: "", ja: item.asked.ja(), en: item.asked.en() },
        due: due(item).map(|d| d.to_ja()),
        due_en: due(item).map(|d| d.to_en()),
        acknowledged: wording::acknowledged(item),
        lines,
        cut,
        attachments,
        code: number.map(|_| item.code.spaced()),
    }
}

/// The time by which this member is asked; those who only share have none.
pub(crate) fn due(item: &JobItem) -> Option<kakehashi_core::clock::UtcMicros> {
    item.post.due_at.filter(|_| item.asked != ReplyExpectation::None)
}

fn reply_sheet(job: &DeliveryJob, posts: &JobPosts, printable: &mut Printable<'_>) -> ReplySheet {
    let (about, about_when, acknowledged, hint) = match posts.items.as_slice() {
        [item] if job.mode == DeliveryMode::Instant => {
            let guard = NameGuard::new(&item.patient_name);
            let alias = wording::open_alias(item, &guard);
            let about = format!("{alias} ・ {}", wording::open_title(item, &guard));
            (about, item.post.posted_at.to_ja(), wording::acknowledged(item), String::new())
        }
        items => {
            let word = match job.mode {
                DeliveryMode::Digest => "まとめ便",
                DeliveryMode::Instant => "お知らせ",
            };
            let hint = "了解=全件。1件だけなら番号も書く".to_owned();
            (format!("{word} ・ {}件", items.len()), job.due_at.to_ja(), None, hint)
        }
    };
    let mut staff: Vec<String> = Vec::new();
    let mut signs = 0;
    for name in &posts.staff_names {
        let name = printable.line(name, 16);
        signs += name.chars().count();
        if staff.len() >= STAFF_MAX || signs > STAFF_SIGNS_MAX {
            break;
        }
        staff.push(name);
    }
    ReplySheet {
        code: posts.code.spaced(),
        qr_a: Vec::new(),
        qr_b: Vec::new(),
        about: printable.line(&about, 44),
        about_when,
        hint,
        more_staff: staff.len() < posts.staff_names.len(),
        staff,
        acknowledged,
        valid_until: kakehashi_core::clock::ja_date(posts.code_expires_at.in_japan().date()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use kakehashi_core::job::JobContent;
    use kakehashi_core::vocabulary::Channel;

    #[test]
    fn the_part_that_travels_back_knows_no_name() {
        let paper = Paper::new().unwrap();
        for (name, mut job) in samples::all(Channel::Fax) {
            let JobContent::Posts(posts) = &mut job.content else { continue };
            for item in &mut posts.items {
                item.post.title = item.post.title.take().map(|t| format!("{} {t}", item.patient_name));
                item.group_alias = format!("{}の会", item.patient_name);
            }
            let job = job.clone();
            let JobContent::Posts(posts) = &job.content else { continue };
            let plan = Plan::new(&paper, &job, posts, Carrier::Fax);
            let below = format!("{:?} {}", plan.sheet, plan.delivery.document_title);
            for part in ["山本", "千代", "佐々木", "髙﨑", "𠮷子"] {
                assert!(!below.contains(part), "{name}: {below}");
            }
        }
    }
}
