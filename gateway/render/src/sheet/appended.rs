//! Which attachments are printed as pages behind the text, and what is said about the others. PDFs and
//! pictures are tried before they are used, with bounds on pages and pixels, so that a damaged or
//! monstrous file costs its own pages and never the delivery.

use kakehashi_core::job::{JobAttachment, JobItem};
use kakehashi_core::vocabulary::AttachmentRole;
use serde::Serialize;
use std::io::Cursor;
use typst::foundations::Bytes;

/// Most pages appended to one delivery.
pub(crate) const PAGES_MAX: usize = 20;
/// Largest picture in pixels: an A4 page at 600 dpi has 35 million.
const PIXELS_MAX: u64 = 40_000_000;
/// Largest file that is opened for printing.
const BYTES_MAX: usize = 32 << 20;

/// What a delivery can carry beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// Paper: pages of PDFs and pictures are printed.
    Fax,
    /// An encrypted mail: pictures are printed, PDFs go beside it.
    Enclosure,
    /// Paper whose pictures could not be set: all attachments are only named.
    NamesOnly,
    /// Paper that shows the alias instead of the name: a page could show the name, so all are only named.
    AliasOnly,
}

/// One appended page.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AppendedPage {
    /// Index into the files.
    pub(crate) file: usize,
    /// `pdf`, `png` or `jpg`.
    pub(crate) format: &'static str,
    /// Page within the file, from 1.
    pub(crate) page: usize,
    /// Above the page: attachment number, page of pages, name.
    pub(crate) caption: String,
    /// A rendering of a signed document: stamped 写し.
    pub(crate) copy: bool,
}

/// One line of the list of attachments.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Listed {
    /// `1`, in a digest `2-1`.
    pub(crate) number: String,
    /// File name.
    pub(crate) name: String,
    /// Where it is to be found.
    pub(crate) note: String,
}

/// Collects the appended pages of one delivery.
pub(crate) struct Appendix {
    carrier: Carrier,
    pub(crate) files: Vec<Bytes>,
    pub(crate) pages: Vec<AppendedPage>,
}

/// The number of an attachment in lists, captions and file names.
pub(crate) fn attachment_number(item_number: Option<usize>, at: usize) -> String {
    item_number.map_or_else(|| (at + 1).to_string(), |n| format!("{n}-{}", at + 1))
}

/// The attachments that readers see, in order: pictures inside a mail's text nor withheld files are among them, and the
/// received file only where no page was made of it.
pub(crate) fn shown(item: &JobItem) -> impl Iterator<Item = &JobAttachment> {
    let has_pages = item.attachments.iter().any(|a| a.stored.role == AttachmentRole::PageImage);
    item.attachments.iter().filter(move |a| match a.stored.role {
        AttachmentRole::Document | AttachmentRole::PageImage => true,
        AttachmentRole::Inline | AttachmentRole::Quarantined => false,
        AttachmentRole::Source => !has_pages,
    })
}

/// Whether the bytes begin like a PDF.
fn is_pdf(bytes: &[u8]) -> bool {
    bytes.get(..1024.min(bytes.len())).is_some_and(|head| head.windows(5).any(|w| w == b"%PDF-"))
}

impl Appendix {
    pub(crate) const fn new(carrier: Carrier) -> Self {
        Self { carrier, files: Vec::new(), pages: Vec::new() }
    }

    /// Takes the pages of one attachment and says where it is to be found.
    pub(crate) fn take(
        &mut self,
        attachment: &JobAttachment,
        number: String,
        name: String,
        copy: bool,
    ) -> Listed {
        let note = self.place(attachment, &number, &name, copy);
        Listed { number, name, note }
    }

    fn place(&mut self, attachment: &JobAttachment, number: &str, name: &str, copy: bool) -> String {
        let elsewhere = "事務局がお預かりしています。お電話ください。";
        let bytes = &attachment.bytes;
        if bytes.is_empty() || bytes.len() > BYTES_MAX {
            return format!("(大きいため載せていません。{elsewhere})");
        }
        let (format, count) = match (self.carrier, is_pdf(bytes)) {
            (Carrier::Enclosure, true) if opens_as_pdf(bytes) => {
                return "(別のPDFとして同じメールに添付)".to_owned();
            }
            (Carrier::Enclosure, true) => return format!("(開けないPDFです。{elsewhere})"),
            (Carrier::AliasOnly, _) => {
                return format!("(お名前が見えることがあるため載せていません。{elsewhere})");
            }
            (Carrier::NamesOnly, _) => return format!("(印刷できませんでした。{elsewhere})"),
            (Carrier::Fax, true) => match pdf_pages(bytes) {
                Some(count) => ("pdf", count),
                None => return format!("(開けないPDFです。{elsewhere})"),
            },
            (Carrier::Fax | Carrier::Enclosure, false) => match picture(bytes) {
                Some(format) => (format, 1),
                None => return format!("(ここには載せられない形式です。{elsewhere})"),
            },
        };
        let room = PAGES_MAX.saturating_sub(self.pages.len()).min(count);
        if room == 0 {
            return format!("({count}頁。頁数が多いため載せていません。{elsewhere})");
        }
        let file = self.files.len();
        self.files.push(Bytes::new(bytes.clone()));
        for page in 1..=room {
            let caption = format!("添付 {number} ({page}/{count}頁) {name}");
            self.pages.push(AppendedPage { file, format, page, caption, copy });
        }
        if room < count {
            format!("({count}頁のうち{room}頁をうしろに印刷。残りは{elsewhere})")
        } else {
            format!("({count}頁、うしろに印刷)")
        }
    }
}

/// Whether the bytes are a PDF that opens without a password and has pages.
pub(crate) fn opens_as_pdf(bytes: &[u8]) -> bool {
    bytes.len() <= BYTES_MAX && is_pdf(bytes) && pdf_pages(bytes).is_some()
}

/// Number of pages, if the PDF opens without a password and has pages. A truncated PDF opens with none.
fn pdf_pages(bytes: &[u8]) -> Option<usize> {
    Some(crate::locked_pdf::open(bytes).ok()?.get_pages().len()).filter(|n| *n > 0)
}

/// The format of a picture that can be set.
fn picture(bytes: &[u8]) -> Option<&'static str> {
    let reader = image::ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let format = match reader.format()? {
        image::ImageFormat::Png => "png",
        image::ImageFormat::Jpeg => "jpg",
        _ => return None,
    };
    let (width, height) = reader.into_dimensions().ok()?;
    (width > 0 && height > 0 && u64::from(width) * u64::from(height) <= PIXELS_MAX).then_some(format)
}
