//! Photographs in a mail that show a sheet of ours: a 返信票 or a page of the notebook with a 貼付票, taken with a
//! telephone. They are looked at on their way into the store, upright and without position already, few and
//! bounded; the mail stays a mail. A mail with a code of its own keeps it, and two sheets are no code.

use kakehashi_core::envelope::{Attachment, Envelope, Sheet};
use kakehashi_core::port::{Part, PartFault, PartSink};
use kakehashi_core::vocabulary::Intent;
use kakehashi_fax::pages::{Ink, Page, PageLimits, read_pages};
use kakehashi_fax::sheet::{SheetReading, SheetSearch, read};

/// Photographs of one mail that are looked at.
const MOST_PHOTOS: usize = 6;

/// Keeps parts as the store does, and looks at photographs on the way.
pub(crate) struct SheetPhotos<'p> {
    inner: &'p mut dyn PartSink,
    looked_at: usize,
    found: Vec<SheetReading>,
    contradiction: bool,
}

impl<'p> SheetPhotos<'p> {
    pub(crate) fn over(inner: &'p mut dyn PartSink) -> Self {
        Self { inner, looked_at: 0, found: Vec::new(), contradiction: false }
    }

    /// Writes what was found into the Envelope.
    pub(crate) fn tell(self, envelope: &mut Envelope) {
        let machine = matches!(envelope.intent, Intent::Automatic | Intent::DeliveryReport);
        if machine || envelope.reply_code.is_some() || self.found.is_empty() {
            return;
        }
        let mut sheets: Vec<(&str, u16)> =
            self.found.iter().map(|r| (r.find.code.as_str(), r.find.first)).collect();
        sheets.sort_unstable();
        sheets.dedup();
        if sheets.len() > 1 || self.contradiction {
            envelope
                .warn("several_sheets", "photographs of several sheets in one mail; a person must part them");
            return;
        }
        let Some(first) = self.found.into_iter().next() else { return };
        envelope.reply_code = Some(first.find.code.as_str().to_owned());
        envelope.intent = Intent::Reply;
        envelope.warn("sheet_photographed", "a photograph of a sheet; it never acts alone");
        envelope.sheet = Some(Sheet {
            reply_code: envelope.reply_code.clone(),
            code_source: Some("qr".to_owned()),
            marks: first.marks,
            handwriting: first.handwriting,
            orientation: first.find.orientation,
            page_of: Some([u32::from(first.find.page), u32::from(first.find.page)]),
            // A photograph never acts alone: a person reads its marks.
            closes: Vec::new(),
        });
    }
}

impl PartSink for SheetPhotos<'_> {
    fn keep(&mut self, part: Part<'_>) -> Result<Attachment, PartFault> {
        let photo = matches!(part.media_type, "image/jpeg" | "image/png");
        if photo && self.looked_at < MOST_PHOTOS {
            self.looked_at += 1;
            let limits = PageLimits { pages: 1, ..PageLimits::default() };
            for page in read_pages(part.bytes, &limits).map(|p| p.pages).unwrap_or_default() {
                // By the brightness around each dot as photographs need it, then by one bar as scans do.
                let search = match read(&page) {
                    SheetSearch::Nothing => read(&by_one_bar(&page)),
                    search => search,
                };
                match search {
                    SheetSearch::Found(reading) => self.found.push(*reading),
                    SheetSearch::Contradiction => self.contradiction = true,
                    SheetSearch::Nothing => {}
                }
            }
        }
        self.inner.keep(part)
    }
}

/// Black is what is darker than half.
fn by_one_bar(page: &Page) -> Page {
    let Ink::Grey(grey) = &page.ink else { return page.clone() };
    let stride = page.width.div_ceil(8) as usize;
    let mut bits = vec![0_u8; stride * page.height as usize];
    for (row, line) in bits.chunks_mut(stride.max(1)).zip(grey.chunks(page.width.max(1) as usize)) {
        for (x, _) in line.iter().enumerate().filter(|(_, dot)| **dot < 128) {
            row[x / 8] |= 0x80 >> (x % 8);
        }
    }
    Page { ink: Ink::Bilevel(bits), ..page.clone() }
}
