//! The closed world in which typst sets a sheet: six built-in templates, three built-in fonts, and the
//! values of one job. It has no files, no packages, no network and no clock, so that nothing a sender
//! writes can reach beyond the page (fax-loop.md section 3). Text comes in as values, never as markup.

use crate::fault::RenderFault;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Dict, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _, World};
use typst_layout::PagedDocument;
use typst_pdf::PdfOptions;

static REGULAR: &[u8] = include_bytes!("../../../assets/fonts/BIZUDPGothic-Regular.ttf");
static BOLD: &[u8] = include_bytes!("../../../assets/fonts/BIZUDPGothic-Bold.ttf");
/// Kanji of names that the two above cannot draw, such as 𠮷.
static RARE: &[u8] = include_bytes!("../../../assets/fonts/KakehashiRareKanji-Regular.otf");

const COMMON: &str = include_str!("../../../templates/fax/common.typ");
const FOOT: &str = include_str!("../../../templates/fax/foot.typ");
const SHEET: &str = include_str!("../../../templates/fax/sheet.typ");
const PASTE_SLIP: &str = include_str!("../../../templates/fax/paste_slip.typ");
const DELIVERY: &str = include_str!("../../../templates/fax/delivery.typ");
const NOTICE: &str = include_str!("../../../templates/fax/notice.typ");

/// Results of earlier sheets that typst may still use; older ones are dropped, because they hold text
/// of posts. Two are enough for the second pass over the same sheet.
const REMEMBERED_SHEETS: usize = 2;

/// The page to set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Template {
    /// Posts for a member.
    Delivery,
    /// A sheet that carries no post.
    Sheet,
    /// Slips for the notebook.
    PasteSlip,
    /// A notice without content.
    Notice,
}

/// Fonts and templates, read once.
pub(crate) struct Paper {
    fonts: Vec<Font>,
    book: LazyHash<FontBook>,
    sources: Vec<Source>,
    delivery: FileId,
    sheet: FileId,
    paste_slip: FileId,
    notice: FileId,
}

/// One finished document.
pub(crate) struct Sheet {
    document: PagedDocument,
}

impl Paper {
    /// Reads fonts and templates.
    pub(crate) fn new() -> Result<Self, RenderFault> {
        let mut fonts = Vec::new();
        for bytes in [REGULAR, BOLD, RARE] {
            fonts.push(Font::new(Bytes::new(bytes), 0).ok_or(RenderFault::Font)?);
        }
        let book = LazyHash::new(FontBook::from_fonts(&fonts));
        let source = |name: &str, text: &str| -> Result<Source, RenderFault> {
            let path = VirtualPath::new(name).map_err(|e| RenderFault::Sheet(format!("{name}: {e:?}")))?;
            let id = RootedPath::new(VirtualRoot::Project, path).intern();
            Ok(Source::new(id, text.to_owned()))
        };
        let delivery = source("/delivery.typ", DELIVERY)?;
        let sheet = source("/sheet.typ", SHEET)?;
        let paste_slip = source("/paste_slip.typ", PASTE_SLIP)?;
        let notice = source("/notice.typ", NOTICE)?;
        Ok(Self {
            fonts,
            book,
            delivery: delivery.id(),
            sheet: sheet.id(),
            paste_slip: paste_slip.id(),
            notice: notice.id(),
            sources: vec![
                delivery,
                sheet,
                paste_slip,
                notice,
                source("/common.typ", COMMON)?,
                source("/foot.typ", FOOT)?,
            ],
        })
    }

    /// Whether this character can be drawn, upright and bold.
    pub(crate) fn draws(&self, c: char) -> bool {
        let has = |font: &Font| font.info().coverage.contains(u32::from(c));
        let Some((rare, main)) = self.fonts.split_last() else { return false };
        main.iter().all(has) || has(rare)
    }

    /// Sets one sheet.
    ///
    /// # Errors
    /// The first complaint of typst. With appended pages in `inputs` it may come from a damaged picture:
    /// the caller tries again without them.
    pub(crate) fn set(&self, template: Template, inputs: Dict) -> Result<Sheet, RenderFault> {
        let library = LazyHash::new(Library::builder().with_inputs(inputs).build());
        let main = match template {
            Template::Delivery => self.delivery,
            Template::Sheet => self.sheet,
            Template::PasteSlip => self.paste_slip,
            Template::Notice => self.notice,
        };
        let compiled = typst::compile::<PagedDocument>(&Desk { paper: self, library, main });
        typst::comemo::evict(REMEMBERED_SHEETS);
        let document = compiled.output.map_err(|errors| complaint(&errors))?;
        Ok(Sheet { document })
    }
}

impl Sheet {
    /// Number of pages.
    pub(crate) fn pages(&self) -> usize {
        self.document.pages().len()
    }

    /// The document as PDF, fonts cut down to what is used.
    ///
    /// # Errors
    /// As [`Paper::set`].
    pub(crate) fn pdf(&self) -> Result<Vec<u8>, RenderFault> {
        let options = PdfOptions {
            tagged: false,
            creator: Smart::Custom(Some("kakehashi".into())),
            ..PdfOptions::default()
        };
        typst_pdf::pdf(&self.document, &options).map_err(|errors| complaint(&errors))
    }
}

fn complaint(errors: &[SourceDiagnostic]) -> RenderFault {
    RenderFault::Sheet(errors.first().map_or_else(|| "no reason given".to_owned(), |e| e.message.to_string()))
}

/// One compilation.
struct Desk<'a> {
    paper: &'a Paper,
    library: LazyHash<Library>,
    main: FileId,
}

impl World for Desk<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.paper.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        self.paper.sources.iter().find(|s| s.id() == id).cloned().ok_or(FileError::AccessDenied)
    }

    fn file(&self, _: FileId) -> FileResult<Bytes> {
        Err(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.paper.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
