//! The values that a template of `templates/fax` receives. Field names are the names that the templates
//! use; everything is text that is ready to print, so that a template never computes.

use super::appended::{AppendedPage, Listed};
use kakehashi_core::sheet_geometry as place;
use serde::Serialize;

/// A word with its code and shape.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Word {
    pub(crate) code: &'static str,
    pub(crate) mark: &'static str,
    pub(crate) ja: &'static str,
    pub(crate) en: &'static str,
}

/// One post.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Item {
    pub(crate) number: Option<usize>,
    pub(crate) alias: String,
    pub(crate) patient: String,
    pub(crate) title: String,
    pub(crate) short_title: String,
    pub(crate) author: String,
    pub(crate) channel: &'static str,
    pub(crate) at: String,
    pub(crate) urgency: Word,
    pub(crate) asked: Word,
    pub(crate) due: Option<String>,
    pub(crate) due_en: Option<String>,
    pub(crate) acknowledged: Option<String>,
    pub(crate) lines: Vec<String>,
    pub(crate) cut: bool,
    pub(crate) attachments: Vec<Listed>,
    pub(crate) code: Option<String>,
    /// A rendering of a signed document: stamped 写し.
    pub(crate) copy: bool,
}

/// The part below the cut line: `foot.typ`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Foot {
    pub(crate) code: String,
    /// Whether the part above may be cut off and kept.
    pub(crate) cut: bool,
    pub(crate) qr_a: Vec<[usize; 3]>,
    pub(crate) qr_b: Vec<[usize; 3]>,
    pub(crate) boxes: Vec<FootBox>,
    pub(crate) frames: Vec<PlacedArea>,
    pub(crate) texts: Vec<FootText>,
    pub(crate) lines: Vec<FootLine>,
    pub(crate) cells: Vec<Cell>,
    /// The items that this sheet answers, from and until (exclusive), and how many no sheet answers.
    pub(crate) from: usize,
    pub(crate) until: usize,
    pub(crate) beyond: usize,
}

/// A box with its label; `room` is the label's width in mm.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FootBox {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) side: f32,
    pub(crate) ja: String,
    pub(crate) en: &'static str,
    pub(crate) points: f32,
    pub(crate) room: f32,
}

/// One line of text at its place.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FootText {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) points: f32,
    pub(crate) bold: bool,
    pub(crate) right: bool,
    pub(crate) ja: String,
    pub(crate) en: String,
}

/// A post's line on the sheet of a まとめ便.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FootLine {
    pub(crate) y: f32,
    pub(crate) number: usize,
    pub(crate) alias: String,
    pub(crate) title: String,
}

/// A square to write in that no machine reads.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cell {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

/// `sheet.typ`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SheetPage {
    pub(crate) document_title: String,
    pub(crate) to: String,
    pub(crate) office: String,
    pub(crate) phone: String,
    pub(crate) hours: String,
    pub(crate) sent_at: String,
    pub(crate) code: Option<String>,
    pub(crate) title: String,
    pub(crate) title_en: String,
    pub(crate) lead: Vec<String>,
    pub(crate) lead_en: Vec<String>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) table: Option<Table>,
    pub(crate) closing: Vec<String>,
    pub(crate) ruled: Option<Ruled>,
    pub(crate) missing: bool,
    pub(crate) sheet: Option<Foot>,
}

/// A label and its value.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Fact {
    pub(crate) label: String,
    pub(crate) value: String,
    /// It stays on its line, smaller or cut; else it may take several.
    pub(crate) one_line: bool,
}

/// Rows under a head; widths are shares.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Table {
    pub(crate) widths: Vec<f32>,
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// Ruled space to write in above the cut line, in mm.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Ruled {
    pub(crate) y: f32,
    pub(crate) height: f32,
    pub(crate) rows: usize,
}

/// `paste_slip.typ`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SlipPages {
    pub(crate) document_title: String,
    pub(crate) phone: String,
    pub(crate) hours: String,
    pub(crate) gateway_fax: String,
    pub(crate) slips: Vec<SlipValues>,
}

/// One slip.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SlipValues {
    pub(crate) number: u16,
    pub(crate) alias: String,
    pub(crate) author: String,
    pub(crate) at: String,
    pub(crate) lines: Vec<String>,
    pub(crate) qr: Vec<[usize; 3]>,
    pub(crate) code: String,
}

/// `delivery.typ`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Delivery {
    pub(crate) document_title: String,
    pub(crate) to: String,
    pub(crate) office: String,
    pub(crate) phone: String,
    pub(crate) hours: String,
    pub(crate) gateway_fax: String,
    pub(crate) sent_at: String,
    pub(crate) heading: Option<String>,
    pub(crate) items: Vec<Item>,
    /// Receipts of what this facility asked for.
    pub(crate) receipts: Vec<String>,
    pub(crate) appended: Vec<AppendedPage>,
    pub(crate) resend: bool,
    pub(crate) missing: bool,
    pub(crate) code: Option<String>,
    pub(crate) sheets: Vec<Foot>,
}

/// `notice.typ`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NoticePage {
    pub(crate) document_title: String,
    pub(crate) to: String,
    pub(crate) office: String,
    pub(crate) phone: String,
    pub(crate) hours: String,
    pub(crate) sent_at: String,
    pub(crate) title: String,
    pub(crate) lines: Vec<String>,
    pub(crate) lines_en: Vec<String>,
}

/// A rectangle in mm.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PlacedArea {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

/// Where marks and codes lie, handed to the template so that page and reader share one set of numbers.
#[derive(Serialize)]
pub(crate) struct Geometry {
    page_width: f32,
    cut_line: f32,
    marks: [(f32, f32); 4],
    mark_size: f32,
    qr_modules: usize,
    qr_a: PlacedArea,
    qr_b: PlacedArea,
    code_text: PlacedArea,
    code_points: f32,
    frame: f32,
}

impl Geometry {
    pub(crate) fn of_sheets() -> Self {
        Self {
            page_width: place::PAGE_WIDTH,
            cut_line: place::CUT_LINE_Y,
            marks: place::MARK_CENTRES,
            mark_size: place::MARK_SIZE,
            qr_modules: place::QR_MODULES,
            qr_a: place::QR_A.into(),
            qr_b: place::QR_B.into(),
            code_text: place::CODE_TEXT.into(),
            code_points: place::CODE_TEXT_POINTS,
            frame: kakehashi_core::sheet_form::FRAME,
        }
    }
}
