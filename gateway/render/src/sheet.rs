//! Paper: the pages of a FAX with the reply sheet (返信票) as the last one, the same pages without it for
//! an encrypted mail, and the one-page notice (care-network.md 6.4, fax-loop.md 3 and 4). The patient's
//! name stands above the cut line only; the part that is sent back knows the alias and the code.

pub(crate) mod appended;
mod foot;
mod order;
mod qr;
mod values;

use crate::fault::RenderFault;
use crate::name_guard::NameGuard;
use crate::paper::{Paper, Sheet, Template};
use crate::printable::Printable;
use crate::wording;
use appended::{Appendix, Carrier, attachment_number};
use foot::{FootPlan, staff_boxes};
use kakehashi_core::job::{DeliveryJob, JobItem, JobPosts};
use kakehashi_core::sheet_form::{
    DIGEST_LINES_MAX, DIGEST_SHEETS_MAX, DIGEST_STAFF_MAX, REPLY_STAFF_MAX, SheetForm,
};
use kakehashi_core::vocabulary::{Channel, ContentMode, DeliveryMode, ReplyExpectation};
pub(crate) use order::{layout_of_order, sheet};
use typst::foundations::{Array, Dict, IntoValue as _, Value};
use values::{Delivery, Geometry, Item, NoticePage, Word};

/// Kinds of documents that bear a signature or seal: their pages are renderings and say so (care-network.md
/// section 3, rows 5 and 6, and section 5, row 12).
const SIGNED_KINDS: [&str; 4] = ["referral_letter", "discharge_summary", "nursing_order", "doctor_opinion"];

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
    let feet = plan.feet.len();
    let guess = match plan.delivery.appended.len() {
        0 if feet == 1 => 1,
        appended => appended + 1 + feet,
    };
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
    feet: Vec<FootPlan>,
    files: Array,
}

impl<'a> Plan<'a> {
    fn new(paper: &'a Paper, job: &DeliveryJob, posts: &'a JobPosts, carrier: Carrier) -> Self {
        let mut printable = Printable::new(paper);
        // Alias instead of name where the endpoint agreed to notices only: nothing that may show the name.
        let guarded = posts.endpoint.channel == Channel::Fax
            && posts.endpoint.settings.content_mode == ContentMode::NoticeOnly;
        let mut appendix = Appendix::new(if guarded { Carrier::AliasOnly } else { carrier });
        let numbered = posts.items.len() > 1 || job.mode == DeliveryMode::Digest;
        let items: Vec<Item> = posts
            .items
            .iter()
            .enumerate()
            .map(|(at, item)| {
                let number = numbered.then_some(at + 1);
                let mut shown = match guarded {
                    true => print_item(&without_name(item), number, &mut printable, &mut appendix),
                    false => print_item(item, number, &mut printable, &mut appendix),
                };
                for deadline in item.post.liaison_of(&posts.facility.id) {
                    shown.lines.push(printable.line(&deadline.ja(), wording::DEADLINE_MAX));
                }
                shown
            })
            .collect();
        let heading = (job.mode == DeliveryMode::Digest).then(|| format!("まとめ便 {}", job.due_at.to_ja()));
        let feet = feet(job, posts, &mut printable);
        let network = &job.network;
        let delivery = Delivery {
            document_title: heading.clone().unwrap_or_else(|| "お知らせ".to_owned()),
            to: printable.line(&posts.facility.name, 60),
            office: printable.line(&network.office_name, 40),
            phone: printable.line(&network.office_phone, 24),
            hours: printable.line(&network.office_hours, 30),
            gateway_fax: printable.line(&network.gateway_fax, 20),
            sent_at: job.due_at.to_ja(),
            heading,
            receipts: posts.attention.iter().chain(&posts.notes).map(|n| printable.line(n, 120)).collect(),
            items,
            appended: appendix.pages,
            resend: job.resend_possible,
            missing: printable.missing,
            code: None,
            sheets: Vec::new(),
        };
        let files = appendix.files.into_iter().map(Value::Bytes).collect();
        Self { paper, posts, delivery, feet, files }
    }

    /// Sets the pages; with `pages` as their number if the reply sheets are wanted, which come last.
    fn set(&self, pages: Option<usize>) -> Result<Sheet, RenderFault> {
        let mut delivery = self.delivery.clone();
        let mut inputs = Dict::new();
        if let Some(pages) = pages {
            let before = pages.saturating_sub(self.feet.len());
            let answered = self.feet.iter().map(|f| f.lines.len()).sum::<usize>().max(1);
            for (at, plan) in self.feet.iter().enumerate() {
                let page = u16::try_from(before + at + 1).unwrap_or(u16::MAX);
                let mut foot = plan.foot(&self.posts.code, page)?;
                if at + 1 == self.feet.len() {
                    foot.beyond = self.posts.items.len().saturating_sub(answered);
                }
                foot.until = foot.until.min(self.posts.items.len());
                delivery.sheets.push(foot);
            }
            delivery.code = Some(self.posts.code.spaced());
            inputs.insert("geometry".into(), to_value(&Geometry::of_sheets())?);
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
    let signed = post.document_kind.as_deref().is_some_and(|kind| SIGNED_KINDS.contains(&kind));
    let title = printable.line(&wording::full_title(item), wording::TITLE_MAX);
    let attachments = appended::shown(item)
        .enumerate()
        .map(|(at, attachment)| {
            let name = printable.line(attachment.stored.name.as_deref().unwrap_or("名前のない添付"), 60);
            appendix.take(attachment, attachment_number(number, at), name, signed)
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
        copy: signed && !item.attachments.is_empty(),
    }
}

/// The time by which this member is asked; those who only share have none.
pub(crate) fn due(item: &JobItem) -> Option<kakehashi_core::clock::UtcMicros> {
    item.post.due_at.filter(|_| item.asked != ReplyExpectation::None)
}

/// What can be read on the last page of a delivery of posts.
pub(crate) fn layout_of_posts(
    paper: &Paper,
    job: &DeliveryJob,
    posts: &JobPosts,
    page: u16,
) -> Option<kakehashi_core::sheet_geometry::SheetLayout> {
    feet(job, posts, &mut Printable::new(paper)).last().map(|plan| plan.layout(&posts.code, page))
}

/// The item as it may lie on a desk that many pass: alias, and the name taken out of every text.
fn without_name(item: &JobItem) -> JobItem {
    let guard = NameGuard::new(&item.patient_name);
    let mut item = item.clone();
    item.group_alias = wording::open_alias(&item, &guard);
    item.patient_name.clear();
    item.author = guard.without(&item.author);
    item.topic_title = item.topic_title.map(|t| guard.without(&t));
    item.post.title = item.post.title.map(|t| guard.without(&t));
    item.post.body = guard.without(&item.post.body);
    for attachment in &mut item.attachments {
        attachment.stored.name = attachment.stored.name.take().map(|n| guard.without(&n));
    }
    item
}

/// The reply sheets: one for a single post, one for every six posts of a まとめ便.
fn feet(job: &DeliveryJob, posts: &JobPosts, printable: &mut Printable<'_>) -> Vec<FootPlan> {
    let network = &job.network;
    let single = match posts.items.as_slice() {
        [item] if job.mode == DeliveryMode::Instant => Some(item),
        _ => None,
    };
    let (about, about_when, acknowledged) = match single {
        Some(item) => {
            let guard = NameGuard::new(&item.patient_name);
            let alias = wording::open_alias(item, &guard);
            let about = format!("{alias} ・ {}", wording::open_title(item, &guard));
            (about, item.post.posted_at.to_ja(), wording::acknowledged(item))
        }
        None => (format!("まとめ便 ・ {}件", posts.items.len()), job.due_at.to_ja(), None),
    };
    let most = if single.is_some() { REPLY_STAFF_MAX } else { DIGEST_STAFF_MAX };
    let staff = staff_boxes(&posts.staff_names, most, printable);
    let names = u8::try_from(staff.len()).unwrap_or(most);
    let untouched_acknowledges = posts.untouched_acknowledges;
    let plan = FootPlan {
        form: SheetForm::Reply { staff: names, untouched_acknowledges },
        first: 1,
        staff_beyond: posts.staff_names.len() > staff.len(),
        staff,
        gateway_fax: printable.line(&network.gateway_fax, 20),
        phone: printable.line(&network.office_phone, 20),
        // The long name stands above; here what it is about must be read.
        to: printable.line(&posts.facility.short_name, 12),
        about: printable.line(&about, 32),
        about_when,
        acknowledged,
        valid_until: kakehashi_core::clock::ja_date(posts.code_expires_at.in_japan().date()),
        lines: Vec::new(),
    };
    if single.is_some() {
        return vec![plan];
    }
    let chunks = posts.items.chunks(usize::from(DIGEST_LINES_MAX)).take(usize::from(DIGEST_SHEETS_MAX) + 1);
    (0_u16..)
        .zip(chunks)
        .map(|(sheet, items)| {
            let lines = items.iter().map(|item| line(item, printable)).collect::<Vec<_>>();
            let count = u8::try_from(lines.len()).unwrap_or(DIGEST_LINES_MAX);
            FootPlan {
                form: SheetForm::Digest { lines: count, staff: names, untouched_acknowledges },
                first: sheet * u16::from(DIGEST_LINES_MAX) + 1,
                lines,
                ..plan.clone()
            }
        })
        .collect()
}

/// Alias and title of one line of a まとめ便, without the patient's name.
fn line(item: &JobItem, printable: &mut Printable<'_>) -> (String, String) {
    let guard = NameGuard::new(&item.patient_name);
    let alias = printable.line(&wording::open_alias(item, &guard), 20);
    let mut title = wording::open_title(item, &guard);
    if item.asked != ReplyExpectation::None {
        title = format!("{title} ({})", item.asked.ja());
    }
    (alias, printable.line(&title, 40))
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
            let below = format!("{:?} {}", plan.feet, plan.delivery.document_title);
            for part in ["山本", "千代", "佐々木", "髙﨑", "𠮷子"] {
                assert!(!below.contains(part), "{name}: {below}");
            }
        }
    }
}
