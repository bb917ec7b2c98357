//! The kinds of paper that leave and come back: which boxes and writing areas each kind has, and the two
//! signs in its QR that tell the kind (fax-loop.md section 4, care-network.md 6.4). Marks and codes lie
//! at the same places on every kind, so a reader finds the code first and learns from it what else is on
//! the page. A layout never changes once it was printed: a new one gets a new sign.

mod code;
mod layout;
mod words;

pub use code::SheetCode;
pub use words::{BoxWords, box_words, line_of, staff_of};

use crate::directory::StaffMember;
use crate::ids::StaffId;

/// Most names of a roster with a box of their own on a reply sheet.
pub const REPLY_STAFF_MAX: u8 = 5;
/// Most names with a box on the sheet of a まとめ便 and most lines of a 異動届.
pub const DIGEST_STAFF_MAX: u8 = 6;
/// Most posts on one sheet of a まとめ便; more posts get further sheets.
pub const DIGEST_LINES_MAX: u8 = 6;
/// Most sheets of one まとめ便: their number shares the page's three digits in the QR.
pub const DIGEST_SHEETS_MAX: u16 = 9;

/// A roster in the order in which it is printed: of a facility with more people than boxes those who usually answer
/// (most first in `answered`) stand in front, filled up from the roster. Among themselves both keep the order of
/// the roster, so that a hand finds its box where it was.
#[must_use]
pub fn usual_answerers_first(people: Vec<StaffMember>, answered: &[StaffId]) -> Vec<StaffMember> {
    let on_roster = |id: &&StaffId| people.iter().any(|p| &p.id == *id);
    let usual: Vec<&StaffId> = answered.iter().filter(on_roster).take(usize::from(REPLY_STAFF_MAX)).collect();
    let filled = people.iter().map(|p| &p.id).filter(|id| !usual.contains(id));
    let boxed: Vec<StaffId> =
        usual.iter().copied().chain(filled).take(usize::from(REPLY_STAFF_MAX)).cloned().collect();
    let (mut front, back): (Vec<_>, Vec<_>) = people.into_iter().partition(|p| boxed.contains(&p.id));
    front.extend(back);
    front
}

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
}

#[cfg(test)]
mod tests;
