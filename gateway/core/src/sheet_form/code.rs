//! The signs in the QR codes of a sheet.

use super::{DIGEST_LINES_MAX, DIGEST_SHEETS_MAX, SheetForm};
use crate::reply_code::{QrPlace, ReplyCode};
use crate::sheet_geometry::SheetLayout;

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
