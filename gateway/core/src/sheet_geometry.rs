//! Where everything lies on a reply sheet (返信票), in millimetres from the top left of an upright A4
//! page (fax-loop.md section 4). The page that is printed and the page that is read use these numbers
//! and no others. A change here makes sheets that are already on somebody's desk unreadable, so a new
//! layout must get a new format mark in the QR.

use serde::{Deserialize, Serialize};

/// Width of the page.
pub const PAGE_WIDTH: f32 = 210.0;
/// Height of the page.
pub const PAGE_HEIGHT: f32 = 297.0;

/// A rectangle: left, top, width, height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl Area {
    /// Right edge.
    #[must_use]
    pub const fn right(self) -> f32 {
        self.x + self.width
    }

    /// Bottom edge.
    #[must_use]
    pub const fn bottom(self) -> f32 {
        self.y + self.height
    }
}

/// First line of the message area; nothing is printed above it but the sender line of the machine.
pub const MESSAGE_TOP: f32 = 12.0;
/// Last line of the message area.
pub const MESSAGE_BOTTOM: f32 = 144.0;
/// The dashed line: what lies above may be cut off and kept.
pub const CUT_LINE_Y: f32 = 146.0;

/// Side of the solid square registration marks.
pub const MARK_SIZE: f32 = 6.0;
/// White that must surround each mark.
pub const MARK_QUIET: f32 = 4.0;
/// Centres of the four marks: top left, top right, bottom left, bottom right. The places are symmetric
/// under a turn by 180°; which way is up is told by the letter in the QR.
pub const MARK_CENTRES: [(f32, f32); 4] = [(16.0, 157.0), (194.0, 157.0), (16.0, 277.0), (194.0, 277.0)];

/// Modules of a side of the QR: version 1, level Q, alphanumeric, 16 signs.
pub const QR_MODULES: usize = 21;
/// QR with the letter A.
pub const QR_A: Area = Area { x: 26.0, y: 154.0, width: 24.0, height: 24.0 };
/// QR with the letter B.
pub const QR_B: Area = Area { x: 160.0, y: 256.0, width: 24.0, height: 24.0 };

/// The code for people, 14 pt, centred under QR A (`XXXXX-XXXXX`).
pub const CODE_TEXT: Area = Area { x: 18.0, y: 180.0, width: 40.0, height: 7.0 };
/// Size of that text in points.
pub const CODE_TEXT_POINTS: f32 = 14.0;

/// Side of a tick box, measured on the centre line of its frame.
pub const BOX_SIZE: f32 = 7.0;
/// Width of the frame's line.
pub const BOX_LINE: f32 = 0.5;
/// From the left edge of a box to its label.
pub const LABEL_OFFSET: f32 = 10.0;
/// Size of a label in points.
pub const LABEL_POINTS: f32 = 13.0;

/// One tick box. `x` and `y` are the top left corner of the frame's centre line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TickBox {
    /// Stable name: the `name` of a mark in an Envelope.
    pub name: &'static str,
    /// What is printed beside it.
    pub ja: &'static str,
    /// The same in English.
    pub en: &'static str,
    /// Left.
    pub x: f32,
    /// Top.
    pub y: f32,
}

impl TickBox {
    /// The box as an area.
    #[must_use]
    pub const fn area(&self) -> Area {
        Area { x: self.x, y: self.y, width: BOX_SIZE, height: BOX_SIZE }
    }
}

/// All boxes, first column from the top, then second column.
pub const TICK_BOXES: [TickBox; 6] = [
    TickBox { name: "acknowledge", ja: "了解", en: "Acknowledged", x: 62.0, y: 155.0 },
    TickBox { name: "call_back", ja: "電話ください", en: "Please call", x: 62.0, y: 169.0 },
    TickBox { name: "wrong_recipient", ja: "宛先違い", en: "Wrong recipient", x: 62.0, y: 183.0 },
    TickBox { name: "attend", ja: "出席", en: "Will attend", x: 126.0, y: 155.0 },
    TickBox { name: "absent", ja: "欠席", en: "Will not attend", x: 126.0, y: 169.0 },
    TickBox { name: "question", ja: "質問あり", en: "Question", x: 126.0, y: 183.0 },
];

/// The box of this name.
#[must_use]
pub fn tick_box(name: &str) -> Option<&'static TickBox> {
    TICK_BOXES.iter().find(|b| b.name == name)
}

/// Where people write.
pub const HANDWRITING: Area = Area { x: 24.0, y: 204.0, width: 162.0, height: 46.0 };
/// Where they write their name.
pub const NAME: Area = Area { x: 40.0, y: 256.0, width: 100.0, height: 14.0 };

/// One box of a layout: `x` and `y` are the top left corner of the frame's centre line, all in
/// millimetres of the upright page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayoutBox {
    /// Stable name: the `name` of a mark in an Envelope.
    pub id: String,
    /// What is printed beside it.
    pub label: String,
    /// Left.
    pub x: f32,
    /// Top.
    pub y: f32,
    /// Width.
    pub w: f32,
    /// Height.
    pub h: f32,
}

impl LayoutBox {
    /// The box as an area.
    #[must_use]
    pub const fn area(&self) -> Area {
        Area { x: self.x, y: self.y, width: self.w, height: self.h }
    }
}

/// A writing area in millimetres of the upright page.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LayoutArea {
    /// Left.
    pub x: f32,
    /// Top.
    pub y: f32,
    /// Width.
    pub w: f32,
    /// Height.
    pub h: f32,
}

impl LayoutArea {
    /// As an area.
    #[must_use]
    pub const fn area(self) -> Area {
        Area { x: self.x, y: self.y, width: self.w, height: self.h }
    }
}

impl From<Area> for LayoutArea {
    fn from(area: Area) -> Self {
        Self { x: area.x, y: area.y, w: area.width, h: area.height }
    }
}

/// What can be read on one kind of sheet: its boxes and writing areas. Marks and codes lie at the same
/// places on every kind. Its JSON is what `kakehashi sheet sample` writes beside a page and
/// `kakehashi sheet read` takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SheetLayout {
    /// Name of the kind: `reply`, `digest`, …
    pub kind: String,
    /// Width and height of the page.
    pub page_mm: [f32; 2],
    /// The signs that the codes of this very page carry; empty for a layout as such.
    #[serde(default)]
    pub tokens: Vec<String>,
    /// All boxes in printed order.
    pub boxes: Vec<LayoutBox>,
    /// Where people write; none on sheets that only ask.
    #[serde(default)]
    pub hand: Option<LayoutArea>,
    /// Where they write their name.
    #[serde(default)]
    pub name: Option<LayoutArea>,
}

impl SheetLayout {
    /// The reply sheet (返信票), which is also the sheet of a digest.
    #[must_use]
    pub fn reply_sheet() -> Self {
        let boxes = TICK_BOXES.iter().map(|b| LayoutBox {
            id: b.name.to_owned(),
            label: b.ja.to_owned(),
            x: b.x,
            y: b.y,
            w: BOX_SIZE,
            h: BOX_SIZE,
        });
        Self {
            kind: "reply".to_owned(),
            page_mm: [PAGE_WIDTH, PAGE_HEIGHT],
            tokens: Vec::new(),
            boxes: boxes.collect(),
            hand: Some(HANDWRITING.into()),
            name: Some(NAME.into()),
        }
    }

    /// Whether a reader can work with it: everything on the page, at most 400 boxes of 3 to 30 mm.
    #[must_use]
    pub fn is_sane(&self) -> bool {
        let on_page = |x: f32, y: f32, w: f32, h: f32| {
            [x, y, w, h].iter().all(|v| v.is_finite() && *v >= 0.0)
                && x + w <= PAGE_WIDTH + 1.0
                && y + h <= PAGE_HEIGHT + 1.0
        };
        let sized = |v: f32| (3.0..=30.0).contains(&v);
        self.boxes.len() <= 400
            && self.boxes.iter().all(|b| on_page(b.x, b.y, b.w, b.h) && sized(b.w) && sized(b.h))
            && [self.hand, self.name].into_iter().flatten().all(|a| on_page(a.x, a.y, a.w, a.h))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_codes_are_symmetric_under_a_half_turn() {
        let (cx, cy) = (105.0, 217.0);
        for (x, y) in MARK_CENTRES {
            let turned = (2.0 * cx - x, 2.0 * cy - y);
            assert!(MARK_CENTRES.contains(&turned), "{turned:?}");
        }
        assert_eq!(2.0 * cx - QR_A.x, QR_B.right());
        assert_eq!(2.0 * cy - QR_A.y, QR_B.bottom());
    }

    #[test]
    fn nothing_lies_in_the_white_of_a_mark() {
        let mut areas = vec![QR_A, QR_B, HANDWRITING, NAME];
        areas.extend(TICK_BOXES.iter().map(TickBox::area));
        for (x, y) in MARK_CENTRES {
            let reach = MARK_SIZE / 2.0 + MARK_QUIET;
            for area in &areas {
                let apart = area.x >= x + reach
                    || area.right() <= x - reach
                    || area.y >= y + reach
                    || area.bottom() <= y - reach;
                assert!(apart, "{area:?} at mark {x} {y}");
            }
        }
    }
}
