//! What lies where on each kind of sheet, in millimetres. A layout never changes once it was printed.

use super::{
    BIG_BOX, BOX, DIGEST_LINES_MAX, DIGEST_STAFF_MAX, LINE_BOX, REPLY_STAFF_MAX, SheetForm, box_words,
};
use crate::sheet_geometry::{Area, LayoutBox, PAGE_HEIGHT, PAGE_WIDTH, SheetLayout};

impl SheetForm {
    /// What lies where. The lines of a まとめ便 are numbered from 1.
    #[must_use]
    pub fn layout(self) -> SheetLayout {
        self.layout_from(1)
    }

    /// What lies where, with the lines of a まとめ便 numbered from `first`.
    #[must_use]
    pub fn layout_from(self, first: u16) -> SheetLayout {
        if self == Self::First {
            return SheetLayout::reply_sheet();
        }
        let mut draft = Draft::default();
        match self {
            Self::First | Self::PasteSlip => {}
            Self::Reply { staff, .. } => draft.reply(staff),
            Self::Digest { lines, staff, .. } => draft.digest(lines, staff, first),
            Self::Contact => draft.contact(),
            Self::FirstPreference => draft.preference(),
            Self::Preference => {
                draft.preference();
                draft.put("pause", 146.0, 167.5);
                draft.put("resume", 104.0, 179.5);
            }
            Self::Verification => {
                draft.sized("confirm_number", 62.0, 154.5, BIG_BOX);
                draft.put("wrong_recipient", 62.0, 173.0);
                draft.write(LARGE_HAND, LARGE_NAME);
            }
            Self::Cover => {
                draft.sized("send_body", 62.0, 154.5, BIG_BOX);
                draft.put("wrong_recipient", 62.0, 173.0);
                draft.write(LARGE_HAND, LARGE_NAME);
            }
            Self::StaffChange { staff } => draft.staff_change(staff),
        }
        SheetLayout {
            kind: self.kind().to_owned(),
            page_mm: [PAGE_WIDTH, PAGE_HEIGHT],
            tokens: Vec::new(),
            boxes: draft.boxes,
            hand: draft.hand.map(Into::into),
            name: draft.name.map(Into::into),
        }
    }
}

const LARGE_HAND: Area = Area { x: 24.0, y: 204.0, width: 162.0, height: 46.0 };
const LARGE_NAME: Area = Area { x: 40.0, y: 256.0, width: 100.0, height: 14.0 };

#[derive(Default)]
struct Draft {
    boxes: Vec<LayoutBox>,
    hand: Option<Area>,
    name: Option<Area>,
}

impl Draft {
    fn sized(&mut self, id: &str, x: f32, y: f32, side: f32) {
        let label = box_words(id).map_or_else(|| id.to_owned(), |w| w.ja.to_owned());
        self.boxes.push(LayoutBox { id: id.to_owned(), label, x, y, w: side, h: side });
    }

    fn put(&mut self, id: &str, x: f32, y: f32) {
        self.sized(id, x, y, BOX);
    }

    fn write(&mut self, hand: Area, name: Area) {
        (self.hand, self.name) = (Some(hand), Some(name));
    }

    fn reply(&mut self, staff: u8) {
        self.sized("acknowledge", 62.0, 154.5, BIG_BOX);
        self.put("attend", 112.0, 155.5);
        self.put("absent", 150.0, 155.5);
        self.put("call_back", 62.0, 174.0);
        self.put("call_back_morning", 112.0, 174.0);
        self.put("call_back_afternoon", 150.0, 174.0);
        for n in 0..staff.min(REPLY_STAFF_MAX) {
            self.put(&format!("staff_{}", n + 1), 24.0 + 32.4 * f32::from(n), 194.0);
        }
        self.put("wrong_recipient", 24.0, 250.0);
        self.put("leave_group", 64.0, 250.0);
        self.put("see_receipts", 104.0, 250.0);
        self.put("prefer_digest", 24.0, 264.0);
        self.put("prefer_instant", 64.0, 264.0);
        self.write(
            Area { x: 24.0, y: 209.0, width: 162.0, height: 37.0 },
            Area { x: 118.0, y: 264.0, width: 36.0, height: 13.0 },
        );
    }

    fn digest(&mut self, lines: u8, staff: u8, first: u16) {
        self.sized("acknowledge_all", 62.0, 154.5, BIG_BOX);
        self.put("wrong_recipient", 146.0, 155.5);
        for n in 0..staff.min(DIGEST_STAFF_MAX) {
            let (column, row) = (f32::from(n % 3), f32::from(n / 3));
            self.put(&format!("staff_{}", n + 1), 62.0 + 42.0 * column, 169.5 + 11.5 * row);
        }
        for n in 0..lines.clamp(1, DIGEST_LINES_MAX) {
            let y = 194.0 + 10.5 * f32::from(n);
            let number = first.saturating_add(u16::from(n));
            self.sized(&format!("acknowledge_{number}"), 147.0, y, LINE_BOX);
            self.sized(&format!("call_back_{number}"), 170.0, y, LINE_BOX);
        }
        self.hand = Some(Area { x: 24.0, y: 260.0, width: 130.0, height: 20.0 });
    }

    fn contact(&mut self) {
        self.put("urgency_normal", 62.0, 155.5);
        self.put("urgency_urgent", 104.0, 155.5);
        self.put("expect_none", 62.0, 167.5);
        self.put("expect_ack", 104.0, 167.5);
        self.put("expect_reply", 146.0, 167.5);
        self.put("expect_call", 62.0, 179.5);
        self.put("pages_follow", 104.0, 179.5);
        self.write(Area { x: 24.0, y: 209.0, width: 162.0, height: 43.0 }, LARGE_NAME);
    }

    fn preference(&mut self) {
        self.put("instant_emergency", 62.0, 155.5);
        self.put("instant_urgent", 104.0, 155.5);
        self.put("instant_all", 146.0, 155.5);
        self.put("night_ok", 62.0, 167.5);
        self.put("night_no", 104.0, 167.5);
        self.put("unchanged", 62.0, 179.5);
        self.put("wrong_recipient", 146.0, 179.5);
        for (n, id) in DIGEST_TIMES.iter().enumerate() {
            let (column, row) = ((n % 5) as f32, (n / 5) as f32);
            self.put(id, 24.0 + 32.4 * column, 197.5 + 11.5 * row);
        }
        self.write(Area { x: 24.0, y: 226.0, width: 162.0, height: 27.0 }, LARGE_NAME);
    }

    fn staff_change(&mut self, staff: u8) {
        self.put("no_change", 62.0, 155.5);
        self.put("wrong_recipient", 146.0, 155.5);
        for n in 0..staff.min(DIGEST_STAFF_MAX) {
            self.sized(&format!("leaves_{}", n + 1), 88.0, 194.0 + 10.5 * f32::from(n), LINE_BOX);
        }
        self.write(
            Area { x: 24.0, y: 260.0, width: 130.0, height: 20.0 },
            Area { x: 84.0, y: 169.0, width: 96.0, height: 17.0 },
        );
    }
}

/// Boxes of a 設定票 for the times of its まとめ便; other times are written.
const DIGEST_TIMES: [&str; 10] = [
    "digest_0830",
    "digest_0900",
    "digest_0930",
    "digest_1100",
    "digest_1300",
    "digest_1400",
    "digest_1500",
    "digest_1600",
    "digest_1700",
    "digest_none",
];
