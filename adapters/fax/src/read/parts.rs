//! The pages of one FAX, parted by the codes of the sheets among them: every sheet takes the pages that follow
//! it, up to the next sheet of another post, or of other lines of the same まとめ便. Pages before the first sheet stay alone, because nothing says
//! whose they are; and once a FAX was parted, the whole file goes with none of the parts, because it shows
//! everybody's pages.

use crate::sheet::SheetReading;
use kakehashi_core::envelope::{Attachment, Envelope, Mark, MarkState, Sheet};
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::sheet_answer::closes_as;
use kakehashi_core::vocabulary::Intent;

/// More posts than this in one FAX are no work of an office: a person parts them.
const MOST_PARTS: usize = 30;

/// What a page shows.
pub(super) enum Seen {
    /// A sheet.
    Sheet(Box<SheetReading>),
    /// Codes that disagree.
    Contradiction,
    /// No code of ours.
    Nothing,
}

/// One page with its picture.
pub(super) struct SeenPage {
    /// From 1, over all files of the FAX.
    pub(super) number: u32,
    /// What was written on it, straightened.
    pub(super) crops: Vec<Attachment>,
    pub(super) picture: Attachment,
    pub(super) seen: Seen,
    /// It is a photograph, or had to be laid flat like one.
    pub(super) photographed: bool,
}

/// What a sheet answers: its code, and on a まとめ便 of many posts its first line.
type Answered = (ReplyCode, u16);

fn answered(reading: &SheetReading) -> Answered {
    (reading.find.code.clone(), reading.find.first)
}

/// All of one FAX: the Envelope with its files, and the pages in order.
pub(super) struct Gathered {
    pub(super) envelope: Envelope,
    pub(super) pages: Vec<SeenPage>,
}

impl Gathered {
    /// One Envelope for each sheet, one for pages that belong to none. Copies of one sheet stay together.
    pub(super) fn envelopes(self) -> Vec<Envelope> {
        let mut sheets: Vec<Answered> = Vec::new();
        for page in &self.pages {
            if let Seen::Sheet(reading) = &page.seen
                && !sheets.contains(&answered(reading))
            {
                sheets.push(answered(reading));
            }
        }
        let count = sheets.len();
        if count < 2 {
            return vec![settled(self.envelope, self.pages)];
        }
        if count > MOST_PARTS {
            let mut envelope = self.envelope;
            envelope.intent = Intent::Topic;
            envelope.attachments.extend(self.pages.into_iter().map(|page| page.picture));
            envelope
                .warn("several_sheets", "sheets with different codes in one FAX; a person must part them");
            return vec![envelope];
        }
        let Self { mut envelope, pages } = self;
        envelope.attachments.clear();
        parted(pages)
            .into_iter()
            .map(|pages| {
                let mut own = envelope.clone();
                let numbers: Vec<String> = pages.iter().map(|page| page.number.to_string()).collect();
                own.warn(
                    "sheets_parted",
                    format!(
                        "pages {} of a FAX with {count} sheets; the whole file stays with the received message",
                        numbers.join(", ")
                    ),
                );
                settled(own, pages)
            })
            .collect()
    }
}

/// Pages by the sheet they belong to, in order of first appearance; a page whose codes disagree begins a part
/// without a code, since what follows it may be anybody's.
fn parted(pages: Vec<SeenPage>) -> Vec<Vec<SeenPage>> {
    let mut parts: Vec<(Option<Answered>, Vec<SeenPage>)> = Vec::new();
    let mut current: Option<Answered> = None;
    for page in pages {
        match &page.seen {
            Seen::Sheet(reading) => current = Some(answered(reading)),
            Seen::Contradiction => current = None,
            Seen::Nothing => {}
        }
        match parts.iter_mut().find(|(sheet, _)| *sheet == current) {
            Some((_, of_sheet)) => of_sheet.push(page),
            None => parts.push((current.clone(), vec![page])),
        }
    }
    parts.into_iter().map(|(_, pages)| pages).collect()
}

/// The Envelope of pages with at most one code among them.
fn settled(mut envelope: Envelope, pages: Vec<SeenPage>) -> Envelope {
    envelope.intent = Intent::Topic;
    let mut found: Vec<SheetReading> = Vec::new();
    let mut contradictions = Vec::new();
    let mut photographed = false;
    for page in pages {
        photographed |= page.photographed && matches!(page.seen, Seen::Sheet(_));
        envelope.attachments.extend(page.crops);
        envelope.attachments.push(page.picture);
        match page.seen {
            Seen::Sheet(reading) => found.push(*reading),
            Seen::Contradiction => contradictions.push(page.number),
            Seen::Nothing => {}
        }
    }
    for page in contradictions {
        envelope.warn("sheet_contradiction", format!("page {page}: the codes of the sheet disagree"));
    }
    let Some(first) = found.first() else { return envelope };
    let highest = found.iter().map(|r| u32::from(r.find.page)).max().unwrap_or(1);
    if envelope.warnings.iter().any(|w| w.code == "page_damaged") {
        envelope.warn("sheet_damaged", "a page with missing rows; the boxes must be looked at");
    }
    if photographed {
        envelope.warn("sheet_photographed", "a photograph, or laid flat to be read; it never acts alone");
    }
    let mut sheet = Sheet {
        reply_code: Some(first.find.code.as_str().to_owned()),
        code_source: Some("qr".to_owned()),
        marks: Vec::new(),
        handwriting: Vec::new(),
        orientation: first.find.orientation,
        // The QR tells the page; the highest page that came stands for the number of pages.
        page_of: Some([u32::from(first.find.page), highest]),
        closes: Vec::new(),
    };
    let layout = first.find.layout();
    let one = found.len() == 1;
    let writing = found.iter().any(|r| r.has_writing(&layout));
    for reading in found {
        if sheet.marks.is_empty() {
            sheet.marks = reading.marks;
        } else {
            merge(&mut sheet.marks, &reading.marks);
        }
        sheet.handwriting.extend(reading.handwriting);
    }
    // Two pages with one code may say two things; a person reads both.
    if one && !photographed && !envelope.warnings.iter().any(|w| w.code == "sheet_damaged") {
        sheet.closes = closes_as(&sheet.marks, writing).into_iter().map(str::to_owned).collect();
    }
    envelope.reply_code.clone_from(&sheet.reply_code);
    envelope.intent = Intent::Reply;
    envelope.sheet = Some(sheet);
    envelope
}

/// A box is empty only if it is empty on every copy of this sheet. Boxes that only the other page has stand
/// behind.
fn merge(marks: &mut Vec<Mark>, others: &[Mark]) {
    for mark in marks.iter_mut() {
        let Some(other) = others.iter().find(|o| o.name == mark.name) else { continue };
        if mark.state == MarkState::Empty && other.state != MarkState::Empty {
            mark.state = other.state;
            mark.confidence = other.confidence;
        } else if mark.state == other.state {
            mark.confidence = if mark.state == MarkState::Empty {
                mark.confidence.min(other.confidence)
            } else {
                mark.confidence.max(other.confidence)
            };
        }
    }
    let more: Vec<Mark> =
        others.iter().filter(|o| !marks.iter().any(|m| m.name == o.name)).cloned().collect();
    marks.extend(more);
}
