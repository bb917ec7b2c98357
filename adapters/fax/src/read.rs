//! A received FAX to an Envelope: the file byte for byte, one picture a page, the reply sheet if there
//! is one. Sheets of several posts in one FAX become an Envelope each, with the pages that follow each. A
//! FAX that came by mail is stored as that mail, so `content_hash` is that of the mail's raw bytes while
//! `format` names the file of pages in it; both together find the page again. Nothing is dropped: a file
//! that cannot be read is still an Envelope, with the file and the reason.

use crate::pages::{self, FileKind, PageLimits};
use crate::provider::{Recognised, signs};
use crate::sheet::{self, SheetSearch};
use kakehashi_core::envelope::Envelope;
use kakehashi_core::mail::Mail;
use kakehashi_core::port::{Origin, Part, PartSink, RawIntake, ReadFault, Reader};
use kakehashi_core::unreadable::Unreadable;
use kakehashi_core::vocabulary::{AttachmentRole, Authenticity, Channel, Format};
use parts::{Gathered, Seen, SeenPage};

/// What bare bytes are, if they are a file of pages.
#[must_use]
pub fn looks_like_page_file(bytes: &[u8]) -> Option<Format> {
    match pages::kind(bytes)? {
        FileKind::Tiff => Some(Format::Tiff),
        FileKind::Pdf => Some(Format::Pdf),
        FileKind::Photo => None,
    }
}

/// Reads a FAX that came by mail. One Envelope, or one for each sheet of another post.
///
/// # Errors
/// [`ReadFault::Part`] if a part could not be kept: try again.
pub fn read_mail(
    mail: &Mail,
    origin: &Origin,
    recognised: &Recognised,
    parts: &mut dyn PartSink,
) -> Result<Vec<Envelope>, ReadFault> {
    let files: Vec<PageFile<'_>> = recognised
        .parts
        .iter()
        .filter_map(|i| mail.parts.get(*i))
        .map(|p| PageFile { name: p.name.as_deref(), declared: &p.media_type, bytes: &p.bytes })
        .collect();
    let format = files.iter().find_map(|f| looks_like_page_file(f.bytes)).unwrap_or_else(|| {
        if files.iter().any(|f| f.declared == "application/pdf") { Format::Pdf } else { Format::Tiff }
    });
    let mut envelope = Envelope::empty(Channel::Fax, format, mail.content_hash.clone());
    envelope.message_id.clone_from(&mail.message_id);
    envelope.in_reply_to.clone_from(&mail.in_reply_to);
    envelope.sender.address = mail.from.as_ref().map(|f| f.address.clone());
    envelope.sender.number.clone_from(&recognised.number);
    envelope.sender.application.clone_from(&recognised.provider);
    envelope.sender.authenticity = origin.authenticity.unwrap_or(Authenticity::None);
    envelope.sent_at = mail.date;
    envelope.occurred_at = signs::received_at(mail);
    envelope.warnings.extend(mail.warnings.iter().cloned());
    envelope.warnings.extend(recognised.warnings.iter().cloned());
    let (mut gathered, refusals) = gather(envelope, &files, parts)?;
    for refusal in refusals {
        gathered.envelope.warn("pages_unreadable", refusal.detail);
    }
    Ok(gathered.envelopes())
}

/// Reads a bare TIFF, PDF or photograph of a page. One Envelope, or one for each sheet of another post.
///
/// # Errors
/// [`ReadFault::Unreadable`] if not one page could be read, [`ReadFault::Part`] if a part could not be
/// kept.
pub fn read_file(raw: &RawIntake, parts: &mut dyn PartSink) -> Result<Vec<Envelope>, ReadFault> {
    let bytes = raw.bytes.whole()?;
    let format = looks_like_page_file(&bytes).unwrap_or(raw.format);
    let mut envelope = Envelope::empty(Channel::Fax, format, raw.bytes.content_hash().clone());
    envelope.message_id.clone_from(&raw.sender_message_id);
    envelope.sender.authenticity = raw.origin.authenticity.unwrap_or(Authenticity::None);
    let file = PageFile { name: None, declared: "", bytes: &bytes };
    let (gathered, refusals) = gather(envelope, &[file], parts)?;
    match refusals.into_iter().next() {
        Some(refusal) => Err(ReadFault::Unreadable(refusal)),
        None => Ok(gathered.envelopes()),
    }
}

/// [`read_file`] as a port, for bare page files.
#[derive(Debug, Clone, Copy, Default)]
pub struct FaxReader;

impl Reader for FaxReader {
    fn read(&self, raw: &RawIntake, parts: &mut dyn PartSink) -> Result<Vec<Envelope>, ReadFault> {
        read_file(raw, parts)
    }
}

/// Pages of a FAX of which writing is cut out; an intake has room for some hundred parts.
const MOST_CROPPED: usize = 60;

struct PageFile<'a> {
    name: Option<&'a str>,
    declared: &'a str,
    bytes: &'a [u8],
}

/// Files, pages and sheets of one FAX, and the files that could not be read.
fn gather(
    mut envelope: Envelope,
    files: &[PageFile<'_>],
    parts: &mut dyn PartSink,
) -> Result<(Gathered, Vec<Unreadable>), ReadFault> {
    let limits = PageLimits::default();
    let mut refusals = Vec::new();
    let mut pictures: Vec<Vec<u8>> = Vec::new();
    let mut seen: Vec<(Seen, bool)> = Vec::new();
    let mut blanks: Vec<u32> = Vec::new();
    for file in files {
        let before = pictures.len();
        let photo = matches!(pages::kind(file.bytes), Some(FileKind::Photo));
        // One limit over all files of a mail.
        let left = PageLimits { pages: limits.pages.saturating_sub(before), ..limits.clone() };
        let outcome = pages::visit_pages(file.bytes, &left, &mut |page| {
            let number = pictures.len() as u32 + 1;
            if is_blank(&page) {
                blanks.push(number);
            }
            let (found, turn) = look(&page, number);
            let photographed =
                photo || matches!(&found, Seen::Sheet(reading) if reading.find.was_laid_flat());
            seen.push((found, photographed));
            let upright = if turn == 0 { page.to_png() } else { page.turned(turn).to_png() };
            pictures.push(upright);
        });
        match outcome {
            Ok(warnings) => envelope.warnings.extend(warnings),
            Err(refusal) => refusals.push(refusal),
        }
        let media_type = match pages::kind(file.bytes) {
            Some(kind) => kind.media_type(file.bytes),
            None if file.declared.is_empty() => "application/octet-stream",
            None => file.declared,
        };
        let count = (pictures.len() - before) as u32;
        envelope.attachments.push(parts.keep(Part {
            name: file.name,
            media_type,
            pages: (count > 0).then_some(count),
            role: AttachmentRole::Source,
            bytes: file.bytes,
        })?);
    }
    // The back of a sheet and a page laid in the wrong way: nothing to look at. If nothing else came, the
    // blank page is the message.
    let drop_blanks = blanks.len() < pictures.len();
    let mut pages = Vec::with_capacity(pictures.len());
    for ((index, picture), (seen, photographed)) in pictures.iter().enumerate().zip(seen) {
        if drop_blanks && blanks.contains(&(index as u32 + 1)) {
            envelope
                .warn("page_blank", format!("page {}: nothing on it; left in the received file", index + 1));
            continue;
        }
        let mut crops = Vec::new();
        if let Seen::Sheet(reading) = &seen
            && index < MOST_CROPPED
        {
            for (at, crop) in reading.crops.iter().enumerate() {
                crops.push(parts.keep(Part {
                    name: Some(&format!("handwriting-{}-{}.png", index + 1, at + 1)),
                    media_type: "image/png",
                    pages: None,
                    // Shown with the post; whoever gets the pages by FAX has it on them.
                    role: AttachmentRole::Inline,
                    bytes: crop,
                })?);
            }
        }
        let picture = parts.keep(Part {
            name: Some(&format!("page-{}.png", index + 1)),
            media_type: "image/png",
            pages: None,
            role: AttachmentRole::PageImage,
            bytes: picture,
        })?;
        pages.push(SeenPage { number: index as u32 + 1, crops, picture, seen, photographed });
    }
    Ok((Gathered { envelope, pages }, refusals))
}

/// Looks at a page; also gives the turn that makes it stand upright.
fn look(page: &pages::Page, number: u32) -> (Seen, u16) {
    match sheet::read(page) {
        SheetSearch::Found(mut reading) => {
            for area in &mut reading.handwriting {
                area.page = number;
            }
            let turn = reading.find.orientation;
            (Seen::Sheet(reading), turn)
        }
        SheetSearch::Contradiction => (Seen::Contradiction, 0),
        SheetSearch::Nothing => (Seen::Nothing, 0),
    }
}

/// Whether nothing is on a page but what machines leave: the sender's line at the top, dust and a black
/// edge. A damaged page is never blank, since what is missing may have been on it.
fn is_blank(page: &pages::Page) -> bool {
    if page.damaged || page.width < 100 || page.height < 100 {
        return false;
    }
    let page = page.to_bilevel();
    let edge = |dpi: f32, mm: f32| (dpi / 25.4 * mm) as u32;
    let (left, top, bottom) = (edge(page.x_dpi, 8.0), edge(page.y_dpi, 9.0), edge(page.y_dpi, 6.0));
    // A few specks are dust; two short strokes of a pen are already more.
    let inside = f64::from(page.width) * f64::from(page.height);
    let most = (inside * 0.000_08) as u32;
    let mut dots = 0;
    for y in top..page.height.saturating_sub(bottom) {
        dots += (left..page.width.saturating_sub(left)).filter(|x| page.is_black(*x, y)).count() as u32;
        if dots > most {
            return false;
        }
    }
    true
}

mod parts;
#[cfg(test)]
mod tests;
