//! The kinds of paper that leave and come back: which boxes and writing areas each kind has, and the two
//! signs in its QR that tell the kind (fax-loop.md section 4, care-network.md 6.4). Marks and codes lie
//! at the same places on every kind, so a reader finds the code first and learns from it what else is on
//! the page. A layout never changes once it was printed: a new one gets a new sign.

use crate::reply_code::{QrPlace, ReplyCode};
use crate::sheet_geometry::{Area, LayoutBox, PAGE_HEIGHT, PAGE_WIDTH, SheetLayout, tick_box};

/// Most names of a roster with a box of their own on a reply sheet.
pub const REPLY_STAFF_MAX: u8 = 5;
/// Most names with a box on the sheet of a まとめ便 and most lines of a 異動届.
pub const DIGEST_STAFF_MAX: u8 = 6;
/// Most posts on one sheet of a まとめ便; more posts get further sheets.
pub const DIGEST_LINES_MAX: u8 = 6;
/// Most sheets of one まとめ便: their number shares the page's three digits in the QR.
pub const DIGEST_SHEETS_MAX: u16 = 9;

/// Side of a box, on the centre line of its frame.
pub const BOX: f32 = 8.0;
/// Side of the box for the answer that is wanted most.
pub const BIG_BOX: f32 = 10.0;
/// Side of a box in a line of a まとめ便.
pub const LINE_BOX: f32 = 7.5;
/// Width of a frame's line.
pub const FRAME: f32 = 0.6;
/// White that stays around every box, so that a label or another box is never taken for ink.
pub const BOX_QUIET: f32 = 2.6;

/// A kind of sheet, with all that its printed boxes depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SheetForm {
    /// The first layout of the 返信票; sheets of it are still on desks and in drawers.
    First,
    /// 返信票 of one post.
    Reply {
        /// Boxes with names, at most [`REPLY_STAFF_MAX`].
        staff: u8,
        /// 「このまま返送＝了解」 is printed on it: sent back untouched it is a 了解.
        untouched_acknowledges: bool,
    },
    /// 返信票 of a まとめ便.
    Digest {
        /// Posts on this sheet, 1 to [`DIGEST_LINES_MAX`].
        lines: u8,
        /// Boxes with names, at most [`DIGEST_STAFF_MAX`].
        staff: u8,
        /// As in [`Self::Reply`], for all posts of this sheet.
        untouched_acknowledges: bool,
    },
    /// 連絡票: a blank sheet for a new topic.
    Contact,
    /// The first layout of the 設定票, without boxes for 休止 and 再開; copies of it are still in drawers.
    FirstPreference,
    /// 設定票.
    Preference,
    /// 番号確認票.
    Verification,
    /// 表紙 that goes alone (事前送付).
    Cover,
    /// 異動届.
    StaffChange {
        /// Lines with names, at most [`DIGEST_STAFF_MAX`].
        staff: u8,
    },
    /// 貼付票 for the notebook: two slips a page, no marks.
    PasteSlip,
}

/// The signs of QR alphanumeric mode that count (ISO/IEC 18004 table 5), in its order.
const SIGNS: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

impl SheetForm {
    /// The two signs at the front of the QR.
    #[must_use]
    pub fn mark(self) -> String {
        let sign = |n: u8| char::from(SIGNS[usize::from(n).min(SIGNS.len() - 1)]);
        match self {
            Self::First => "K1".to_owned(),
            Self::Reply { staff, untouched_acknowledges } => {
                let letter = if untouched_acknowledges { 'Q' } else { 'R' };
                format!("{letter}{}", sign(staff.min(REPLY_STAFF_MAX)))
            }
            Self::Digest { lines, staff, untouched_acknowledges } => {
                let letter = if untouched_acknowledges { 'E' } else { 'D' };
                let lines = lines.clamp(1, DIGEST_LINES_MAX) - 1;
                format!("{letter}{}", sign(lines * (DIGEST_STAFF_MAX + 1) + staff.min(DIGEST_STAFF_MAX)))
            }
            Self::Contact => "C1".to_owned(),
            Self::FirstPreference => "S1".to_owned(),
            Self::Preference => "S2".to_owned(),
            Self::Verification => "V1".to_owned(),
            Self::Cover => "F1".to_owned(),
            Self::StaffChange { staff } => format!("N{}", sign(staff.min(DIGEST_STAFF_MAX))),
            Self::PasteSlip => "P1".to_owned(),
        }
    }

    /// The kind that these two signs name.
    #[must_use]
    pub fn from_mark(mark: &str) -> Option<Self> {
        let &[letter, sign] = mark.as_bytes() else { return None };
        let number = u8::try_from(SIGNS.iter().position(|s| *s == sign)?).ok()?;
        match (letter, number) {
            (b'K', 1) => Some(Self::First),
            (b'R' | b'Q', staff) if staff <= REPLY_STAFF_MAX => {
                Some(Self::Reply { staff, untouched_acknowledges: letter == b'Q' })
            }
            (b'D' | b'E', n) if n < DIGEST_LINES_MAX * (DIGEST_STAFF_MAX + 1) => Some(Self::Digest {
                lines: n / (DIGEST_STAFF_MAX + 1) + 1,
                staff: n % (DIGEST_STAFF_MAX + 1),
                untouched_acknowledges: letter == b'E',
            }),
            (b'C', 1) => Some(Self::Contact),
            (b'S', 1) => Some(Self::FirstPreference),
            (b'S', 2) => Some(Self::Preference),
            (b'V', 1) => Some(Self::Verification),
            (b'F', 1) => Some(Self::Cover),
            (b'N', staff) if staff <= DIGEST_STAFF_MAX => Some(Self::StaffChange { staff }),
            (b'P', 1) => Some(Self::PasteSlip),
            _ => None,
        }
    }

    /// Name of the kind in file names, JSON and the audit.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::First | Self::Reply { .. } => "reply",
            Self::Digest { .. } => "digest",
            Self::Contact => "contact",
            Self::FirstPreference | Self::Preference => "preference",
            Self::Verification => "verification",
            Self::Cover => "cover",
            Self::StaffChange { .. } => "staff_change",
            Self::PasteSlip => "paste_slip",
        }
    }

    /// Whether a sheet of this kind that came back untouched is a 了解.
    #[must_use]
    pub const fn untouched_acknowledges(self) -> bool {
        matches!(
            self,
            Self::Reply { untouched_acknowledges: true, .. }
                | Self::Digest { untouched_acknowledges: true, .. }
        )
    }

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

/// What is printed beside a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoxWords {
    /// Japanese.
    pub ja: &'static str,
    /// English.
    pub en: &'static str,
}

const WORDS: &[(&str, &str, &str)] = &[
    ("acknowledge", "了解", "Acknowledged"),
    ("acknowledge_all", "全部了解", "All acknowledged"),
    ("attend", "出席", "Will attend"),
    ("absent", "欠席", "Will not attend"),
    ("call_back", "電話ください", "Please call"),
    ("call_back_morning", "午前に", "in the morning"),
    ("call_back_afternoon", "午後に", "in the afternoon"),
    ("wrong_recipient", "宛先違い", "Wrong recipient"),
    ("leave_group", "担当終了", "No longer in charge"),
    ("see_receipts", "了解状況希望", "Who has read it?"),
    ("prefer_digest", "まとめ便で", "Send as digest"),
    ("prefer_instant", "すぐ送って", "Send at once"),
    ("confirm_number", "この番号で受け取りました", "Received at this number"),
    ("send_body", "受け取りました 本文を送ってください", "Received, please send the pages"),
    ("urgency_normal", "通常", "Normal"),
    ("urgency_urgent", "至急(今日中)", "Urgent, today"),
    ("expect_none", "返信不要", "No reply needed"),
    ("expect_ack", "了解希望", "Please acknowledge"),
    ("expect_reply", "返信希望", "Please reply"),
    ("expect_call", "電話希望", "Please call"),
    ("pages_follow", "続きの頁あり", "More pages follow"),
    ("instant_emergency", "緊急だけ即時", "Emergencies at once"),
    ("instant_urgent", "至急から即時", "Urgent at once"),
    ("instant_all", "すべて即時", "Everything at once"),
    ("night_ok", "夜間可", "Night allowed"),
    ("night_no", "夜間は不可", "Not at night"),
    ("unchanged", "今のまま", "As it is"),
    ("pause", "休止", "Leave, see below"),
    ("resume", "再開", "Leave is over"),
    ("no_change", "変更なし", "No change"),
    ("question", "質問あり", "Question"),
    ("digest_0830", "8:30", "8:30"),
    ("digest_0900", "9:00", "9:00"),
    ("digest_0930", "9:30", "9:30"),
    ("digest_1100", "11:00", "11:00"),
    ("digest_1300", "13:00", "13:00"),
    ("digest_1400", "14:00", "14:00"),
    ("digest_1500", "15:00", "15:00"),
    ("digest_1600", "16:00", "16:00"),
    ("digest_1700", "17:00", "17:00"),
    ("digest_none", "まとめ便なし", "No digest"),
];

/// The words beside a box; boxes of lines have those of their kind, boxes of names have none.
#[must_use]
pub fn box_words(id: &str) -> Option<BoxWords> {
    let of = |name: &str| WORDS.iter().find(|(id, ..)| *id == name).map(|(_, ja, en)| BoxWords { ja, en });
    of(id).or_else(|| match id.rsplit_once('_')? {
        ("acknowledge", number) if is_number(number) => of("acknowledge"),
        ("call_back", number) if is_number(number) => Some(BoxWords { ja: "電話", en: "Please call" }),
        ("leaves", number) if is_number(number) => Some(BoxWords { ja: "退職・異動", en: "Leaves" }),
        _ => tick_box(id).map(|b| BoxWords { ja: b.ja, en: b.en }),
    })
}

/// The number of the line that a box of a まとめ便 belongs to: 3 for `acknowledge_3`.
#[must_use]
pub fn line_of(id: &str) -> Option<u16> {
    let (kind, number) = id.rsplit_once('_')?;
    if !matches!(kind, "acknowledge" | "call_back") || !is_number(number) {
        return None;
    }
    number.parse().ok()
}

/// The number of the name that a box belongs to: 2 for `staff_2`.
#[must_use]
pub fn staff_of(id: &str) -> Option<u8> {
    id.strip_prefix("staff_").filter(|n| is_number(n))?.parse().ok()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit())
}

/// What a QR of ours says: the code, the kind of sheet, the page and the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetCode {
    /// The code.
    pub code: ReplyCode,
    /// The kind of sheet.
    pub form: SheetForm,
    /// The page of the FAX on which it stands.
    pub page: u16,
    /// Number of the first line of a まとめ便 on this sheet, else 1; for a 貼付票 the slip's number.
    pub first: u16,
    /// Which of the two.
    pub place: QrPlace,
}

impl SheetCode {
    /// The 16 signs of the QR: kind, code, three digits, letter of the place. The digits are the page; on
    /// a まとめ便 the hundreds count its sheets.
    #[must_use]
    pub fn text(&self) -> String {
        let number = match self.form {
            SheetForm::Digest { .. } => {
                let sheet =
                    (self.first.saturating_sub(1) / u16::from(DIGEST_LINES_MAX)).min(DIGEST_SHEETS_MAX);
                sheet * 100 + self.page.min(99)
            }
            SheetForm::PasteSlip => self.first.min(999),
            _ => self.page.min(999),
        };
        format!("{}{}{number:03}{}", self.form.mark(), self.code.as_str(), self.place.letter())
    }

    /// Reads the text of a QR; `None` if it is not one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 16 || !text.is_ascii() {
            return None;
        }
        let form = SheetForm::from_mark(text.get(..2)?)?;
        let code = ReplyCode::parse(text.get(2..12)?)?;
        let digits = text.get(12..15)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let number: u16 = digits.parse().ok()?;
        let place = QrPlace::from_letter(*text.as_bytes().last()?)?;
        let (page, first) = match form {
            SheetForm::Digest { .. } => (number % 100, number / 100 * u16::from(DIGEST_LINES_MAX) + 1),
            SheetForm::PasteSlip => (1, number),
            _ => (number, 1),
        };
        Some(Self { code, form, page, first, place })
    }

    /// What lies where on this very page.
    #[must_use]
    pub fn layout(&self) -> SheetLayout {
        let mut layout = self.form.layout_from(self.first);
        let other = |place| Self { place, ..self.clone() }.text();
        layout.tokens = vec![other(QrPlace::A), other(QrPlace::B)];
        layout
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet_geometry::{MARK_CENTRES, MARK_QUIET, MARK_SIZE, QR_A, QR_B};
    use proptest::prelude::*;

    fn all() -> Vec<SheetForm> {
        let mut all = vec![
            SheetForm::First,
            SheetForm::Contact,
            SheetForm::FirstPreference,
            SheetForm::Preference,
            SheetForm::Verification,
            SheetForm::Cover,
            SheetForm::PasteSlip,
        ];
        for untouched_acknowledges in [false, true] {
            all.extend((0..=REPLY_STAFF_MAX).map(|staff| SheetForm::Reply { staff, untouched_acknowledges }));
            for lines in 1..=DIGEST_LINES_MAX {
                all.extend((0..=DIGEST_STAFF_MAX).map(|staff| SheetForm::Digest {
                    lines,
                    staff,
                    untouched_acknowledges,
                }));
            }
        }
        all.extend((0..=DIGEST_STAFF_MAX).map(|staff| SheetForm::StaffChange { staff }));
        all
    }

    #[test]
    fn every_kind_has_a_mark_of_its_own() {
        let mut marks: Vec<String> = all().into_iter().map(SheetForm::mark).collect();
        for form in all() {
            assert_eq!(SheetForm::from_mark(&form.mark()), Some(form));
        }
        let count = marks.len();
        marks.sort();
        marks.dedup();
        assert_eq!(marks.len(), count);
        for wrong in ["K2", "R6", "Z1", "", "K", "K1A", "C2", "D:"] {
            assert_eq!(SheetForm::from_mark(wrong), None, "{wrong}");
        }
    }

    fn apart(a: Area, b: Area, gap: f32) -> bool {
        a.x >= b.right() + gap - 0.01
            || b.x >= a.right() + gap - 0.01
            || a.y >= b.bottom() + gap - 0.01
            || b.y >= a.bottom() + gap - 0.01
    }

    #[test]
    fn nothing_lies_too_near_to_anything() {
        for form in all() {
            let layout = form.layout();
            assert!(layout.is_sane(), "{form:?}");
            let boxes: Vec<(String, Area)> = layout.boxes.iter().map(|b| (b.id.clone(), b.area())).collect();
            let areas: Vec<Area> =
                [layout.hand, layout.name].into_iter().flatten().map(|a| a.area()).collect();
            for (at, (id, area)) in boxes.iter().enumerate() {
                for (other, second) in &boxes[at + 1..] {
                    assert!(id != other && apart(*area, *second, BOX_QUIET), "{form:?}: {id} and {other}");
                }
                for second in &areas {
                    assert!(apart(*area, *second, BOX_QUIET), "{form:?}: {id} and a writing area");
                }
            }
            let all = boxes.iter().map(|(_, a)| *a).chain(areas);
            for area in all {
                assert!(area.y > 150.0 && area.bottom() < 285.0, "{form:?}: {area:?}");
                for qr in [QR_A, QR_B] {
                    assert!(apart(area, qr, 2.0), "{form:?}: {area:?} at a QR");
                }
                for (x, y) in MARK_CENTRES {
                    let reach = MARK_SIZE / 2.0 + MARK_QUIET;
                    let mark = Area { x: x - reach, y: y - reach, width: 2.0 * reach, height: 2.0 * reach };
                    assert!(apart(area, mark, 0.0), "{form:?}: {area:?} at a mark");
                }
            }
        }
    }

    #[test]
    fn a_sheet_from_the_drawer_keeps_its_places() {
        let places = |form: SheetForm| form.layout().boxes;
        let (old, new) = (places(SheetForm::FirstPreference), places(SheetForm::Preference));
        assert_eq!(old[..], new[..old.len()]);
        let added: Vec<&str> = new[old.len()..].iter().map(|b| b.id.as_str()).collect();
        assert_eq!(added, ["pause", "resume"]);
    }

    #[test]
    fn boxes_have_words() {
        for form in all() {
            for b in form.layout().boxes {
                assert!(box_words(&b.id).is_some() || staff_of(&b.id).is_some(), "{}", b.id);
            }
        }
        assert_eq!(line_of("acknowledge_12"), Some(12));
        assert_eq!(line_of("call_back_morning"), None);
        assert_eq!(staff_of("staff_3"), Some(3));
    }

    #[test]
    fn sheets_of_a_digest_are_told_apart() {
        let form = SheetForm::Digest { lines: 4, staff: 2, untouched_acknowledges: false };
        let code = SheetCode { code: ReplyCode::from_random(7), form, page: 12, first: 7, place: QrPlace::A };
        assert_eq!(SheetCode::parse(&code.text()), Some(code.clone()));
        let layout = code.layout();
        assert!(layout.boxes.iter().any(|b| b.id == "acknowledge_10"));
        assert!(!layout.boxes.iter().any(|b| b.id == "acknowledge_1"));
        assert_eq!(layout.tokens[1].chars().last(), Some('B'));
    }

    proptest! {
        #[test]
        fn reading_is_total(text in "\\PC{0,20}|[A-Z0-9 $%*+./:-]{16}") {
            if let Some(read) = SheetCode::parse(&text) {
                prop_assert!(read.layout().is_sane());
            }
            let _ = SheetForm::from_mark(&text);
            let _ = (line_of(&text), staff_of(&text), box_words(&text));
        }

        #[test]
        fn every_code_survives(random: u64, at in 0_usize..100, page in 1_u16..100) {
            let forms = all();
            let form = forms[at % forms.len()];
            let first = if form == SheetForm::PasteSlip { page } else { 1 };
            let page = if form == SheetForm::PasteSlip { 1 } else { page };
            let code = SheetCode { code: ReplyCode::from_random(random), form, page, first, place: QrPlace::B };
            let text = code.text();
            prop_assert_eq!(text.len(), 16);
            prop_assert_eq!(SheetCode::parse(&text), Some(code));
        }
    }
}
