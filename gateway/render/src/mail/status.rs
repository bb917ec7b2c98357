//! 了解状況 as a mail (care-network.md 6.4): which facilities have taken note of a post. It shows facilities and
//! times, no person and no device, and never names the patient; the title of the post, which its sender may
//! have written freely, stands in it only where full text is agreed.

use super::view::Office;
use super::{MailTemplates, message_id};
use crate::fault::RenderFault;
use crate::name_guard::NameGuard;
use crate::wording::TITLE_MAX;
use kakehashi_core::job::{DeliveryJob, JobSheet, bounce_address};
use kakehashi_core::rendered::RenderedMail;
use kakehashi_core::sheet_order::{ReceiptLine, ReceiptTable};
use kakehashi_core::text::clean_line;
use kakehashi_core::vocabulary::{ContentMode, ReplyExpectation};
use serde::Serialize;

/// Most members in a list; nobody reads on, and no group is so large.
const LINES_MAX: usize = 60;

/// `status.txt.hbs` and `status.html.hbs`.
#[derive(Serialize)]
struct StatusView {
    facility: String,
    alias: String,
    title: Option<String>,
    author: Option<String>,
    at: String,
    now: String,
    given: usize,
    asked: usize,
    lines: Vec<LineView>,
    more: Option<usize>,
    office: Office,
}

#[derive(Serialize)]
struct LineView {
    facility: String,
    asked: &'static str,
    state: String,
    state_en: &'static str,
}

/// The mail.
pub(crate) fn status(
    templates: &MailTemplates,
    job: &DeliveryJob,
    ordered: &JobSheet,
    table: &ReceiptTable,
) -> Result<RenderedMail, RenderFault> {
    let guard = NameGuard::new(&table.patient_name);
    let open = |text: &str, most: usize| clean_line(&guard.without(text), most);
    let mode = ordered.endpoint.settings.content_mode;
    let alias = open(&table.group_alias, 40);
    let asked: Vec<&ReceiptLine> = table.lines.iter().filter(|l| is_asked(l)).collect();
    let left_out = table.lines.len().saturating_sub(LINES_MAX);
    let view = StatusView {
        facility: clean_line(&ordered.facility.name, 60),
        title: (mode == ContentMode::FullText).then(|| clean_line(&table.title, TITLE_MAX)),
        author: (mode != ContentMode::NoticeOnly).then(|| open(&table.author, 80)),
        at: table.posted_at.to_ja(),
        now: job.due_at.to_ja(),
        given: asked.iter().filter(|l| l.acknowledged.is_some() || l.replied_at.is_some()).count(),
        asked: asked.len(),
        lines: table
            .lines
            .iter()
            .take(LINES_MAX)
            .map(|line| of_line(line, &open(&line.facility, 60)))
            .collect(),
        more: (left_out > 0).then_some(left_out),
        office: Office::of(job),
        alias: alias.clone(),
    };
    let (text, html) = templates.write("status", &view)?;
    Ok(RenderedMail {
        to: clean_line(&ordered.endpoint.address, 320),
        to_name: Some(clean_line(&ordered.facility.name, 60)).filter(|n| !n.is_empty()),
        reply_to: Some(job.network.reply_address(&ordered.code)),
        subject: format!("[{alias}] 了解状況 / Who has acknowledged"),
        text,
        html: Some(html),
        message_id: message_id(job, Some(&ordered.code)),
        return_path: Some(bounce_address(&job.id, &job.network.mail_domain)),
        list_id: Some(job.network.list_id()),
        open_content: mode == ContentMode::FullText,
        ..RenderedMail::default()
    })
}

fn is_asked(line: &ReceiptLine) -> bool {
    line.asked != ReplyExpectation::None
}

fn of_line(line: &ReceiptLine, facility: &str) -> LineView {
    let (state, state_en) = match (&line.acknowledged, line.replied_at) {
        (Some((at, _)), _) => (format!("了解 {}", at.to_ja()), "acknowledged"),
        (None, Some(at)) => (format!("返信 {}", at.to_ja()), "replied"),
        (None, None) if is_asked(line) => ("まだ".to_owned(), "not yet"),
        (None, None) => ("(共有のみ)".to_owned(), "shared only"),
    };
    LineView { facility: facility.to_owned(), asked: line.asked.ja(), state, state_en }
}
