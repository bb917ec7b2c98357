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
}

/// The part below the cut line.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ReplySheet {
    pub(crate) code: String,
    pub(crate) qr_a: Vec<[usize; 3]>,
    pub(crate) qr_b: Vec<[usize; 3]>,
    pub(crate) about: String,
    pub(crate) about_when: String,
    pub(crate) hint: String,
    pub(crate) staff: Vec<String>,
    pub(crate) more_staff: bool,
    pub(crate) acknowledged: Option<String>,
    pub(crate) valid_until: String,
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
    pub(crate) appended: Vec<AppendedPage>,
    pub(crate) resend: bool,
    pub(crate) missing: bool,
    pub(crate) sheet: Option<ReplySheet>,
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

#[derive(Serialize)]
struct PlacedArea {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

impl From<place::Area> for PlacedArea {
    fn from(area: place::Area) -> Self {
        Self { x: area.x, y: area.y, width: area.width, height: area.height }
    }
}

#[derive(Serialize)]
struct Tick {
    x: f32,
    y: f32,
    ja: &'static str,
    en: &'static str,
}

/// Where everything lies, handed to the template so that page and reader share one set of numbers.
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
    box_size: f32,
    box_line: f32,
    label_offset: f32,
    label_points: f32,
    tick_boxes: Vec<Tick>,
    handwriting: PlacedArea,
    name: PlacedArea,
}

impl Geometry {
    pub(crate) fn of_reply_sheet() -> Self {
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
            box_size: place::BOX_SIZE,
            box_line: place::BOX_LINE,
            label_offset: place::LABEL_OFFSET,
            label_points: place::LABEL_POINTS,
            tick_boxes: place::TICK_BOXES
                .iter()
                .map(|b| Tick { x: b.x, y: b.y, ja: b.ja, en: b.en })
                .collect(),
            handwriting: place::HANDWRITING.into(),
            name: place::NAME.into(),
        }
    }
}
