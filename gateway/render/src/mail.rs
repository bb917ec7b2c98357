//! E-mail in the three content modes of care-network.md 6.3: A notice only, B alias and encrypted PDF
//! (the default), C full text. In A and B no patient's name stands outside the encrypted files: not in
//! subject, text, HTML, links or file names. Without an agreed password B says less, never more.

mod ics;
pub(crate) mod notice;
pub(crate) mod receipt;
pub(crate) mod status;
mod view;

use crate::fault::RenderFault;
use crate::locked_pdf;
use crate::paper::Paper;
use crate::sheet;
use crate::sheet::appended::{attachment_number, opens_as_pdf, shown};
use crate::wording;
use handlebars::Handlebars;
use kakehashi_core::job::{DeliveryJob, JobPosts, bounce_address};
use kakehashi_core::rendered::{RenderedFile, RenderedMail};
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::text::clean_line;
use kakehashi_core::vocabulary::{ContentMode, DeliveryMode};
use view::{Files, MailView, NoticeView};

const DELIVERY_TEXT: &str = include_str!("../../../templates/mail/delivery.txt.hbs");
const DELIVERY_HTML: &str = include_str!("../../../templates/mail/delivery.html.hbs");
const NOTICE_TEXT: &str = include_str!("../../../templates/mail/notice.txt.hbs");
const NOTICE_HTML: &str = include_str!("../../../templates/mail/notice.html.hbs");
const RECEIPT_TEXT: &str = include_str!("../../../templates/mail/receipt.txt.hbs");
const RECEIPT_HTML: &str = include_str!("../../../templates/mail/receipt.html.hbs");
const STATUS_TEXT: &str = include_str!("../../../templates/mail/status.txt.hbs");
const STATUS_HTML: &str = include_str!("../../../templates/mail/status.html.hbs");

/// Mail templates, parsed once.
pub(crate) struct MailTemplates {
    text: Handlebars<'static>,
    html: Handlebars<'static>,
}

/// What a mail may say, once the agreement and the password are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Openness {
    /// That there is something.
    Notice,
    /// That there is something, because no password is agreed.
    NoPassword,
    /// Alias and what is asked; the content is locked.
    Locked,
    /// Everything.
    Full,
}

impl MailTemplates {
    /// Parses the templates.
    pub(crate) fn new() -> Result<Self, RenderFault> {
        let fault = |e: handlebars::TemplateError| RenderFault::MailTemplate(Box::new(e));
        let mut text = Handlebars::new();
        text.set_strict_mode(true);
        text.register_escape_fn(handlebars::no_escape);
        text.register_template_string("delivery", DELIVERY_TEXT).map_err(fault)?;
        text.register_template_string("notice", NOTICE_TEXT).map_err(fault)?;
        text.register_template_string("receipt", RECEIPT_TEXT).map_err(fault)?;
        text.register_template_string("status", STATUS_TEXT).map_err(fault)?;
        let mut html = Handlebars::new();
        html.set_strict_mode(true);
        html.register_template_string("delivery", DELIVERY_HTML).map_err(fault)?;
        html.register_template_string("notice", NOTICE_HTML).map_err(fault)?;
        html.register_template_string("receipt", RECEIPT_HTML).map_err(fault)?;
        html.register_template_string("status", STATUS_HTML).map_err(fault)?;
        Ok(Self { text, html })
    }

    fn write(&self, name: &str, view: &impl serde::Serialize) -> Result<(String, String), RenderFault> {
        let fault = |e: handlebars::RenderError| RenderFault::Mail(Box::new(e));
        let text = self.text.render(name, view).map_err(fault)?;
        let html = self.html.render(name, view).map_err(fault)?;
        Ok((text, html))
    }
}

/// The mail of a delivery.
pub(crate) fn deliver(
    templates: &MailTemplates,
    paper: &Paper,
    job: &DeliveryJob,
    posts: &JobPosts,
) -> Result<RenderedMail, RenderFault> {
    let settings = &posts.endpoint.settings;
    let password = settings.pdf_password.as_deref().map(str::trim).filter(|p| !p.is_empty());
    let openness = match (settings.content_mode, password) {
        (ContentMode::NoticeOnly, _) => Openness::Notice,
        (ContentMode::EncryptedPdf, None) => Openness::NoPassword,
        (ContentMode::EncryptedPdf, Some(_)) => Openness::Locked,
        (ContentMode::FullText, _) => Openness::Full,
    };
    let (mut attachments, unlockable) = match (openness, password) {
        (Openness::Notice | Openness::NoPassword, _) | (Openness::Locked, None) => (Vec::new(), false),
        (Openness::Locked, Some(password)) => locked_files(paper, job, posts, password)?,
        (Openness::Full, _) => (open_files(posts), false),
    };
    let on_page = over_limit(&mut attachments);
    let code = answering_code(job, posts);
    let meetings = match openness {
        Openness::Notice | Openness::NoPassword => Vec::new(),
        Openness::Locked | Openness::Full => ics::files(job, &posts.items),
    };
    let files = Files { with_mail: &attachments, on_page: &on_page, unlockable, meetings: meetings.len() };
    let view = MailView::new(job, posts, openness, &files);
    let (text, html) = templates.write("delivery", &view)?;
    attachments.extend(meetings);
    let titled = settings.content_mode != ContentMode::NoticeOnly;
    Ok(RenderedMail {
        to: clean_line(&posts.endpoint.address, 320),
        to_name: Some(clean_line(&posts.facility.name, 60)).filter(|n| !n.is_empty()),
        reply_to: Some(job.network.reply_address(code)),
        subject: wording::subject(job, posts, titled),
        text,
        html: Some(html),
        message_id: message_id(job, Some(code)),
        references: references(posts),
        attachments,
        on_page,
        return_path: Some(bounce_address(&job.id, &job.network.mail_domain)),
        list_id: Some(job.network.list_id()),
        open_content: openness == Openness::Full,
    })
}

/// Files of one mail together, before they grow by a third on the wire: what receiving servers commonly take.
const FILES_BYTES: usize = 10 * 1024 * 1024;

/// Takes the largest files out until the rest fits; they are fetched from the page behind the reply code.
fn over_limit(files: &mut Vec<RenderedFile>) -> Vec<RenderedFile> {
    let mut taken = Vec::new();
    while files.iter().map(|f| f.bytes.len()).sum::<usize>() > FILES_BYTES {
        let largest = files.iter().enumerate().max_by_key(|(_, f)| f.bytes.len()).map(|(at, _)| at);
        let Some(at) = largest else { break };
        taken.push(files.remove(at));
    }
    taken
}

/// A notice to an address that may be in no directory.
pub(crate) fn notify(
    templates: &MailTemplates,
    job: &DeliveryJob,
    address: &str,
    words: &notice::NoticeWords,
) -> Result<RenderedMail, RenderFault> {
    let (text, html) = templates.write("notice", &NoticeView::new(job, words))?;
    Ok(RenderedMail {
        to: clean_line(address, 320),
        to_name: None,
        reply_to: None,
        subject: words.title.to_owned(),
        text,
        html: Some(html),
        message_id: message_id(job, None),
        return_path: Some(bounce_address(&job.id, &job.network.mail_domain)),
        ..RenderedMail::default()
    })
}

/// The code that an answer to the whole mail or sheet carries: of the one post, or of the digest.
fn answering_code<'a>(job: &DeliveryJob, posts: &'a JobPosts) -> &'a ReplyCode {
    match posts.items.as_slice() {
        [item] if job.mode == DeliveryMode::Instant => &item.code,
        _ => &posts.code,
    }
}

/// Message-ID of the mail that carries this job.
pub(crate) fn message_id(job: &DeliveryJob, code: Option<&ReplyCode>) -> String {
    kakehashi_core::job::message_id(&job.id, code, &job.network.mail_domain)
}

fn references(posts: &JobPosts) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for reference in posts.items.iter().flat_map(|i| &i.references) {
        let reference: String = clean_line(reference, 500).chars().filter(|c| !c.is_whitespace()).collect();
        if !reference.is_empty() && !all.contains(&reference) {
            all.push(reference);
        }
    }
    all
}

/// The content as one locked PDF, and each attached PDF locked. Tells whether one could not be locked.
fn locked_files(
    paper: &Paper,
    job: &DeliveryJob,
    posts: &JobPosts,
    password: &str,
) -> Result<(Vec<RenderedFile>, bool), RenderFault> {
    let locked =
        |name: String, bytes: Vec<u8>| RenderedFile { name, media_type: "application/pdf".into(), bytes };
    let numbered = posts.items.len() > 1 || job.mode == DeliveryMode::Digest;
    let code = answering_code(job, posts).spaced();
    let content = sheet::enclosure(paper, job, posts)?;
    let mut files = vec![locked(format!("{code}_本文.pdf"), locked_pdf::lock(&content.pdf, password)?)];
    let mut unlockable = false;
    for (item_at, item) in posts.items.iter().enumerate() {
        for (at, attachment) in shown(item).enumerate() {
            if !opens_as_pdf(&attachment.bytes) {
                continue;
            }
            let number = attachment_number(numbered.then_some(item_at + 1), at);
            match locked_pdf::lock(&attachment.bytes, password) {
                Ok(bytes) => files.push(locked(format!("{code}_添付{number}.pdf"), bytes)),
                Err(_) => unlockable = true,
            }
        }
    }
    Ok((files, unlockable))
}

/// Attachments as they came, under names that no mailer can misread.
fn open_files(posts: &JobPosts) -> Vec<RenderedFile> {
    let mut files = Vec::new();
    for attachment in posts.items.iter().flat_map(shown) {
        if attachment.bytes.is_empty() {
            continue;
        }
        let name = clean_line(attachment.stored.name.as_deref().unwrap_or(""), 100);
        let name: String = name
            .chars()
            .map(|c| if matches!(c, '/' | '\\' | ':' | '"' | '<' | '>' | '|') { '_' } else { c })
            .collect();
        let name = if name.is_empty() { format!("添付{}", files.len() + 1) } else { name };
        let media_type = &attachment.stored.media_type;
        let media_type = if is_media_type(media_type) { media_type } else { "application/octet-stream" };
        files.push(RenderedFile { name, media_type: media_type.to_owned(), bytes: attachment.bytes.clone() });
    }
    files
}

fn is_media_type(text: &str) -> bool {
    let token = |t: &str| {
        !t.is_empty()
            && t.len() <= 100
            && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    text.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub))
}
