//! The part of a sheet that is read, filled from its form: which words stand beside which box, which
//! sentences tell what to do. Places come from `kakehashi_core::sheet_form` and are never chosen here.
//! The patient's name never comes in: callers hand over guarded text only.

use super::qr;
use super::values::{Cell, Foot, FootBox, FootLine, FootText, PlacedArea};
use crate::fault::RenderFault;
use crate::printable::Printable;
use kakehashi_core::reply_code::{QrPlace, ReplyCode};
use kakehashi_core::sheet_form::{BOX, BOX_QUIET, SheetCode, SheetForm, box_words, staff_of};
use kakehashi_core::sheet_geometry::{Area, MARK_CENTRES, MARK_QUIET, MARK_SIZE, QR_A, QR_B, SheetLayout};

/// Longest name beside a box, in characters.
const NAME_MAX: usize = 12;
/// Right end of what is printed.
const RIGHT: f32 = 190.0;

/// Everything that a foot says besides its boxes.
#[derive(Debug, Clone)]
pub(crate) struct FootPlan {
    /// The kind of sheet.
    pub(crate) form: SheetForm,
    /// Number of its first line.
    pub(crate) first: u16,
    /// Names of the roster, printable.
    pub(crate) staff: Vec<String>,
    /// The facility has more people than boxes.
    pub(crate) staff_beyond: bool,
    /// FAX number of the gateway, printable.
    pub(crate) gateway_fax: String,
    /// Telephone of the office, printable.
    pub(crate) phone: String,
    /// Facility to which it goes, printable.
    pub(crate) to: String,
    /// What it answers: alias and guarded title.
    pub(crate) about: String,
    /// When that was.
    pub(crate) about_when: String,
    /// `了解 4/6`.
    pub(crate) acknowledged: Option<String>,
    /// Day until which the code works.
    pub(crate) valid_until: String,
    /// Alias and guarded title of each line of a まとめ便.
    pub(crate) lines: Vec<(String, String)>,
}

/// The names that get a box, shortened to what fits beside it.
pub(crate) fn staff_boxes(names: &[String], most: u8, printable: &mut Printable<'_>) -> Vec<String> {
    names.iter().take(usize::from(most)).map(|n| printable.line(n, NAME_MAX)).collect()
}

impl FootPlan {
    /// The foot of this code on this page.
    ///
    /// # Errors
    /// If the QR cannot be made.
    pub(crate) fn foot(&self, code: &ReplyCode, page: u16) -> Result<Foot, RenderFault> {
        let place = |place| SheetCode { code: code.clone(), form: self.form, page, first: self.first, place };
        let layout = self.form.layout_from(self.first);
        Ok(Foot {
            code: code.spaced(),
            cut: !matches!(self.form, SheetForm::Contact | SheetForm::StaffChange { .. }),
            qr_a: qr::runs(&place(QrPlace::A).text())?,
            qr_b: qr::runs(&place(QrPlace::B).text())?,
            boxes: self.boxes(&layout),
            frames: [layout.hand, layout.name].into_iter().flatten().map(|a| a.area().into()).collect(),
            texts: self.texts(&layout),
            lines: self.lines(),
            cells: self.cells(),
            from: usize::from(self.first - 1),
            until: usize::from(self.first - 1) + self.lines.len().max(1),
            beyond: 0,
        })
    }

    /// What can be read on this page, with the names of the roster as labels.
    pub(crate) fn layout(&self, code: &ReplyCode, page: u16) -> SheetLayout {
        let place = QrPlace::A;
        let code = SheetCode { code: code.clone(), form: self.form, page, first: self.first, place };
        let mut layout = code.layout();
        for b in &mut layout.boxes {
            let name = staff_of(&b.id).and_then(|n| self.staff.get(usize::from(n).checked_sub(1)?));
            if let Some(name) = name {
                b.label.clone_from(name);
            }
        }
        layout
    }

    fn boxes(&self, layout: &SheetLayout) -> Vec<FootBox> {
        layout
            .boxes
            .iter()
            .map(|b| {
                let words = box_words(&b.id);
                let name = staff_of(&b.id).and_then(|n| self.staff.get(usize::from(n).checked_sub(1)?));
                let (ja, en) = match (name, words) {
                    (Some(name), _) => (name.clone(), ""),
                    (None, Some(words)) if words.ja == words.en => (words.ja.to_owned(), ""),
                    // In the narrow lines of a まとめ便 English would be too small to read; the head of the sheet has it.
                    (None, Some(words)) if b.w < BOX => (words.ja.to_owned(), ""),
                    (None, Some(words)) => (words.ja.to_owned(), words.en),
                    (None, None) => (String::new(), ""),
                };
                let points = if b.w > BOX {
                    18.0
                } else if name.is_some() {
                    11.0
                } else {
                    12.0
                };
                FootBox { x: b.x, y: b.y, side: b.w, ja, en, points, room: room(layout, b.area()) }
            })
            .collect()
    }

    fn lines(&self) -> Vec<FootLine> {
        let number = |at: usize| usize::from(self.first) + at;
        self.lines
            .iter()
            .enumerate()
            .map(|(at, (alias, title))| FootLine {
                y: 194.0 + 10.5 * at as f32,
                number: number(at),
                alias: alias.clone(),
                title: title.clone(),
            })
            .collect()
    }

    /// Squares in which single signs or dates are written.
    fn cells(&self) -> Vec<Cell> {
        let square = |x: f32, y: f32, width: f32, height: f32| Cell { x, y, width, height };
        match self.form {
            SheetForm::Contact => (0..8).map(|n| square(62.0 + 11.0 * n as f32, 192.5, 11.0, 11.0)).collect(),
            SheetForm::StaffChange { staff } => {
                (0..staff).map(|n| square(124.0, 193.5 + 10.5 * f32::from(n), 62.0, 8.5)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn texts(&self, layout: &SheetLayout) -> Vec<FootText> {
        let text = |x: f32, y: f32, width: f32, points: f32, ja: &str, en: &str| FootText {
            x,
            y,
            width,
            points,
            bold: false,
            right: false,
            ja: ja.to_owned(),
            en: en.to_owned(),
        };
        let bold = |t: FootText| FootText { bold: true, ..t };
        let right = |t: FootText| FootText { right: true, ..t };
        let fax = &self.gateway_fax;
        let mut all = vec![
            bold(text(62.0, 148.1, 124.0, 10.5, &self.headline(), "")),
            bold(text(24.0, 284.9, 92.0, 9.0, &format!("返信先 FAX {fax}"), "")),
            right(text(86.0, 284.9, 100.0, 8.5, &self.bottom(), "")),
        ];
        let hand_words = |y: f32, ja: &str, en: &str| text(24.0, y, 118.0, 8.5, ja, en);
        let name_words = |y: f32| {
            [bold(text(24.0, y, 15.0, 10.0, "お名前", "")), text(24.0, y + 5.0, 15.0, 7.0, "Your name", "")]
        };
        let large_name = layout.name.filter(|n| n.w > 90.0 && n.x < 50.0).map(|n| name_words(n.y + 2.2));
        all.extend(large_name.into_iter().flatten());
        match self.form {
            SheetForm::Reply { untouched_acknowledges, .. } => {
                let (ja, en) = if untouched_acknowledges {
                    (
                        // The sentence that makes an act of doing nothing is never the smallest on the page.
                        "何も書かずに返送されても「了解」です。書くときは黒いペンで。",
                        "Untouched acknowledges.",
                    )
                } else {
                    (
                        "読んだら「了解」に✓を。返すときはこの紙だけで結構です。",
                        "Tick 了解 when you have read it.",
                    )
                };
                let todo = text(62.0, 167.9, 124.0, 8.5, ja, en);
                all.push(if untouched_acknowledges { bold(todo) } else { todo });
                all.extend(self.about(186.4));
                all.push(hand_words(
                    205.2,
                    "ご返信・ご質問は枠の中に、太いペンで",
                    "Write your answer inside the frame",
                ));
                all.push(bold(text(104.0, 265.6, 13.0, 8.5, "お名前", "")));
                all.push(text(104.0, 270.0, 13.0, 6.5, "上にない方", ""));
                all.push(text(104.0, 273.2, 13.0, 6.5, "Your name", ""));
            }
            SheetForm::Digest { untouched_acknowledges, .. } => {
                if untouched_acknowledges {
                    all.push(bold(text(103.0, 154.0, 40.0, 8.5, "何も書かずに返送で", "")));
                    all.push(bold(text(103.0, 157.6, 40.0, 8.5, "全部「了解」です。", "")));
                    all.push(text(103.0, 161.2, 40.0, 8.0, "書くときは黒いペンで", ""));
                    all.push(text(103.0, 164.4, 40.0, 6.0, "Untouched acknowledges all", ""));
                } else {
                    all.push(text(103.0, 156.4, 40.0, 8.5, "1件だけのときは下の番号の枠に✓", ""));
                    all.push(text(103.0, 160.8, 40.0, 6.5, "or tick single lines below", ""));
                }
                let ja = if self.staff_beyond {
                    "ご返信は番号を添えて枠の中に。上にない方はお名前も"
                } else {
                    "ご返信は番号を添えて枠の中に。お名前も"
                };
                all.push(hand_words(256.4, ja, "Write the number, your answer and name"));
            }
            SheetForm::Contact => {
                all.push(bold(text(24.0, 195.0, 36.0, 10.5, "グループ呼称", "")));
                all.push(text(24.0, 199.6, 36.0, 7.0, "Group alias, e.g. つばき01", ""));
                all.push(text(152.5, 194.0, 35.0, 7.5, "患者さんのお名前は", ""));
                all.push(text(152.5, 197.8, 35.0, 7.5, "書かないでください", ""));
                all.push(hand_words(205.2, "続きは枠の中に、太いペンで", "Continue inside the frame"));
            }
            SheetForm::FirstPreference | SheetForm::Preference => {
                all.push(bold(text(
                    24.0,
                    191.6,
                    162.0,
                    9.5,
                    "まとめ便の時刻(いくつでも)",
                    "Times of the digest",
                )));
                all.push(hand_words(
                    222.0,
                    "ほかの時刻・休み時間帯・休止(どなたが いつから いつまで 代理)",
                    "Other wishes, leave",
                ));
            }
            SheetForm::Verification => {
                all.push(hand_words(200.4, "ご連絡があれば枠の中に", "Anything you want to tell us"));
                all.push(text(
                    62.0,
                    184.0,
                    124.0,
                    8.0,
                    "宛先違いのときは、ほかの頁を読まずに破棄してください。",
                    "If this is not for you, tick and return.",
                ));
            }
            SheetForm::Cover => {
                all.push(hand_words(200.4, "ご連絡があれば枠の中に", "Anything you want to tell us"));
                all.push(text(
                    62.0,
                    184.0,
                    124.0,
                    8.0,
                    "この紙が戻るまで、本文はお送りしません。",
                    "Nothing else leaves before this page is back.",
                ));
            }
            SheetForm::StaffChange { staff } => {
                all.push(text(
                    62.0,
                    166.0,
                    124.0,
                    7.8,
                    "退職・異動の方の□に✓と最終日、加わる方は下の枠に",
                    "Tick who leaves, write who joins",
                ));
                all.push(bold(text(62.0, 173.0, 21.0, 9.5, "施設管理者", "")));
                all.push(text(62.0, 177.6, 21.0, 7.0, "お名前・印", ""));
                for (at, name) in self.staff.iter().take(usize::from(staff)).enumerate() {
                    let y = 195.2 + 10.5 * at as f32;
                    all.push(bold(text(24.0, y, 60.0, 11.5, name, "")));
                    all.push(text(126.0, y + 0.6, 58.0, 9.0, "最終日　　　　月　　　　日　引継ぎ先", ""));
                }
                let ja = if self.staff_beyond {
                    "上にない方の退職・異動と、新しく加わる方(お名前・職種・いつから)"
                } else {
                    "新しく加わる方: お名前・職種・いつから"
                };
                all.push(hand_words(256.4, ja, "Who joins: name, profession, from when"));
            }
            SheetForm::First | SheetForm::PasteSlip => {}
        }
        all
    }

    fn headline(&self) -> String {
        let (name, todo) = match self.form {
            SheetForm::Contact => ("連絡票", "✓を付け、書いて、この紙を"),
            SheetForm::FirstPreference | SheetForm::Preference => {
                ("設定票", "変えたい所に✓を付けて、この紙を")
            }
            SheetForm::Verification => ("番号確認票", "✓を付けて、この紙を"),
            SheetForm::Cover => ("表紙", "✓を付けて、この紙を"),
            SheetForm::StaffChange { .. } => ("異動届", "✓を付け、書いて、この紙を"),
            SheetForm::First | SheetForm::Reply { .. } | SheetForm::Digest { .. } | SheetForm::PasteSlip => {
                ("返信票", "✓を付けて、この紙だけを")
            }
        };
        format!("{name} {todo} FAX {} へ", self.gateway_fax)
    }

    fn bottom(&self) -> String {
        let mut words = format!("お問い合わせ 電話 {}", self.phone);
        if let Some(acknowledged) = &self.acknowledged {
            words.push_str(&format!("　了解 {acknowledged}"));
        }
        words.push_str(&format!("　{} まで有効", self.valid_until));
        words
    }

    /// What the sheet answers.
    fn about(&self, y: f32) -> [FootText; 2] {
        let text = |x, width, points, bold, right, ja: String| FootText {
            x,
            y,
            width,
            points,
            bold,
            right,
            ja,
            en: String::new(),
        };
        [
            text(62.0, 92.0, 9.5, true, false, format!("{} {}", self.to, self.about)),
            text(156.0, 30.0, 8.5, false, true, self.about_when.clone()),
        ]
    }
}

/// Millimetres to the right of a box in which its label may stand.
fn room(layout: &SheetLayout, of: Area) -> f32 {
    let gap = 2.4;
    let start = of.right() + gap;
    let same_height = |a: &Area| a.y < of.bottom() + 0.5 && of.y < a.bottom() + 0.5;
    let boxes = layout.boxes.iter().map(|b| {
        let a = b.area();
        Area { x: a.x - BOX_QUIET, ..a }
    });
    let hands = [layout.hand, layout.name].into_iter().flatten().map(|a| a.area());
    let reach = MARK_SIZE / 2.0 + MARK_QUIET;
    let marks = MARK_CENTRES.iter().map(|(x, y)| Area {
        x: x - reach,
        y: y - reach,
        width: 2.0 * reach,
        height: 2.0 * reach,
    });
    let codes =
        [QR_A, QR_B].into_iter().map(|a| Area { x: a.x - 4.0, y: a.y - 1.0, height: a.height + 2.0, ..a });
    // The words for the name stand left of its area.
    let end = boxes
        .chain(hands)
        .chain(marks)
        .chain(codes)
        .filter(|a| a.x > of.x && same_height(a))
        .map(|a| a.x)
        .fold(RIGHT, f32::min);
    (end - start - 0.6).max(6.0)
}

impl From<Area> for PlacedArea {
    fn from(area: Area) -> Self {
        Self { x: area.x, y: area.y, width: area.width, height: area.height }
    }
}
