//! What is printed beside a box, and what its name says.

use crate::sheet_geometry::tick_box;

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
