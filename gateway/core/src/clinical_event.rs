//! Trigger event → what happens to the timeline (hl7.md 7.2, 8.1, 9, 10): the one table that the
//! decision follows and `docs/hl7.md` prints. It never looks at a message beyond its type and trigger,
//! and no row lets a machine change who a patient is.

use std::fmt::Write as _;

/// What a message of some trigger event leads to, if its patient is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A topic of its own.
    Topic,
    /// A post under the topic of the stay or document it belongs to; a topic if there is none.
    UnderTopic,
    /// A new version of the earlier post of the same happening.
    Correction,
    /// A new version of the earlier post, and nothing where nobody has seen one.
    CorrectionIfSeen,
    /// Only recorded, unless an allergy, the doctor, name, birth date or a death are told that somebody must
    /// know of.
    Update,
    /// 仕分け待ち for the office with every record concerned side by side. Never applied by itself.
    OfficeTask,
    /// Only recorded, under this word.
    Record(&'static str),
    /// Read into plain words and recorded; a routing rule may post it.
    Readable,
}

impl Outcome {
    /// In words, Japanese and English.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Topic => ("新しい話題として投稿", "new topic"),
            Self::UnderTopic => ("同じ入退院・文書の話題の下に投稿", "post under the topic it belongs to"),
            Self::Correction => ("前の投稿の訂正（新しい版）", "new version of the earlier post"),
            Self::CorrectionIfSeen => {
                ("前の投稿があれば訂正、なければ記録だけ", "new version of an earlier post, else recorded")
            }
            Self::Update => (
                "記録だけ。アレルギーと担当医が変わったときは投稿、名前・生年月日の食い違いと死亡は事務局へ",
                "recorded; a changed allergy or doctor is posted, contradicting name or birth date and a death go to the office",
            ),
            Self::OfficeTask => (
                "事務局の仕分け待ち（両方の記録を並べる）。機械は台帳を変えない",
                "office task, records side by side, never applied by itself",
            ),
            Self::Record(_) => ("記録だけ", "recorded only"),
            Self::Readable => {
                ("読みやすい形にして記録。ルールで投稿にできる", "readable and recorded; a rule may post it")
            }
        }
    }
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// MSH-9.1.
    pub kind: &'static str,
    /// MSH-9.2; empty for every trigger of the type that has no row of its own.
    pub triggers: &'static [&'static str],
    /// What it is, Japanese.
    pub ja: &'static str,
    /// What it is, English.
    pub en: &'static str,
    /// What happens.
    pub outcome: Outcome,
}

const fn row(
    kind: &'static str,
    triggers: &'static [&'static str],
    ja: &'static str,
    en: &'static str,
    outcome: Outcome,
) -> Row {
    Row { kind, triggers, ja, en, outcome }
}

use Outcome::{Correction, CorrectionIfSeen, OfficeTask, Readable, Record, Topic, UnderTopic, Update};

/// The table.
pub const TABLE: &[Row] = &[
    row("ADT", &["A01", "A06"], "入院", "admission", Topic),
    row("ADT", &["A02"], "転棟", "transfer", UnderTopic),
    row(
        "ADT",
        &["A03", "A07"],
        "退院（死亡退院は事務局へ）",
        "discharge (a death goes to the office)",
        Topic,
    ),
    row("ADT", &["A04"], "外来受付", "outpatient registration", Record("outpatient_registration")),
    row("ADT", &["A05", "A14"], "入院予定", "planned admission", Topic),
    row("ADT", &["A08", "A28", "A31"], "患者情報の更新", "patient data updated", Update),
    row("ADT", &["A09", "A21"], "外泊・外出", "leave", UnderTopic),
    row("ADT", &["A10", "A22"], "帰院", "return from leave", UnderTopic),
    row("ADT", &["A11"], "入院の取消", "admission cancelled", Correction),
    row("ADT", &["A12"], "転棟の取消", "transfer cancelled", Correction),
    row(
        "ADT",
        &["A13"],
        "退院の取消。事務局が病院に電話で確かめる",
        "discharge cancelled; the office calls the hospital",
        Correction,
    ),
    row(
        "ADT",
        &["A15", "A26"],
        "転棟予定とその取消",
        "planned transfer and its cancellation",
        Record("planned_transfer"),
    ),
    row("ADT", &["A16"], "退院予定", "planned discharge", Topic),
    row("ADT", &["A25"], "退院予定の取消", "planned discharge cancelled", Correction),
    row("ADT", &["A27", "A38"], "入院予定の取消", "planned admission cancelled", Correction),
    row("ADT", &["A32", "A33", "A52", "A53"], "外泊・帰院の取消", "leave or return cancelled", Correction),
    row(
        "ADT",
        &["A18", "A30", "A34", "A36", "A39", "A40", "A42"],
        "患者番号の統合",
        "patient records merged",
        OfficeTask,
    ),
    row(
        "ADT",
        &["A43", "A44", "A46", "A47", "A48", "A49", "A50", "A51"],
        "患者番号の変更・付替え",
        "patient number changed or moved",
        OfficeTask,
    ),
    row("ADT", &["A23", "A29"], "患者記録の削除", "patient record deleted", OfficeTask),
    row("ADT", &["A24", "A37"], "患者記録の関連付けと解除", "patient records linked or unlinked", OfficeTask),
    row(
        "ADT",
        &["A35", "A41", "A45"],
        "会計・受診の付替え",
        "account or visit moved",
        Record("account_change"),
    ),
    row("ADT", &["A54"], "担当医の変更", "doctor changed", Update),
    row("ADT", &["A55"], "担当医の変更の取消", "change of doctor cancelled", CorrectionIfSeen),
    row("ADT", &["A61", "A62"], "相談医の変更", "consulting doctor changed", Record("attending_doctor")),
    row("ADT", &["A60"], "アレルギー情報", "allergies", Topic),
    row("ADT", &[], "その他のADT", "any other ADT", Readable),
    row(
        "MDM",
        &["T01", "T05"],
        "文書・追記ができた知らせ（本文なし）",
        "document or addendum announced",
        Record("document_notice"),
    ),
    row("MDM", &["T02"], "文書", "document", UnderTopic),
    row(
        "MDM",
        &["T03"],
        "文書の状態の変更（本文なし）",
        "document status changed",
        Record("document_status"),
    ),
    row(
        "MDM",
        &["T04"],
        "文書の状態の変更（本文つき。同じ本文なら何もしない）",
        "status changed with content; nothing if the content is the same",
        Correction,
    ),
    row("MDM", &["T06"], "追記", "addendum", UnderTopic),
    row(
        "MDM",
        &["T07", "T09"],
        "書直し・差替えの知らせ（本文なし）",
        "edit or replacement announced",
        CorrectionIfSeen,
    ),
    row("MDM", &["T08", "T10"], "書直し・差替え", "edited or replaced", Correction),
    row(
        "MDM",
        &["T11"],
        "文書の取消。TXA-19 CA・OB、OBX-11 D・W も同じ",
        "document cancelled; also by TXA-19 CA or OB, OBX-11 D or W",
        CorrectionIfSeen,
    ),
    row("MDM", &[], "その他の文書", "any other document", UnderTopic),
    row(
        "ORU",
        &["R01", "R30", "R31", "R32"],
        "検査結果・バイタル（C・D・W は前の投稿の訂正、P・R は事務局へ）",
        "results (C, D and W correct the earlier post, P and R wait for the office)",
        Topic,
    ),
    row("ORU", &[], "その他の結果", "any other result", Topic),
    row("OUL", &[], "検体検査結果", "laboratory results", Topic),
    row("REF", &["I12"], "診療情報提供書", "referral", Topic),
    row("REF", &["I13"], "診療情報提供書の訂正", "referral modified", Correction),
    row("REF", &["I14"], "診療情報提供書の取消", "referral cancelled", Correction),
    row("REF", &["I15"], "紹介の状況の問合せ", "referral status asked for", Readable),
    row("RRI", &["I15"], "紹介の状況", "referral status", Readable),
    row("RRI", &[], "診療情報提供書の返書", "answer to a referral", Topic),
    row("RDE", &[], "処方", "prescription as information", Topic),
    row("OMP", &[], "処方", "prescription as information", Topic),
    row("SIU", &["S12"], "外来予約", "appointment", Topic),
    row(
        "SIU",
        &["S13", "S14", "S18", "S19", "S20", "S21", "S22"],
        "外来予約の変更",
        "appointment changed",
        Correction,
    ),
    row("SIU", &["S15", "S16", "S17"], "外来予約の取消", "appointment cancelled", Correction),
    row("SIU", &["S26"], "予約日に来院なし", "patient did not come", Correction),
    row("SIU", &["S23", "S24", "S25", "S27"], "予約枠", "schedule slots", Record("schedule_slots")),
    row("SIU", &[], "その他の予約", "any other appointment", Readable),
    row("RDS", &[], "調剤・払出し", "dispensed drugs", Readable),
    row("RAS", &[], "投薬の実施", "administered drugs", Readable),
    row("ORM", &[], "依頼・指示", "order", Readable),
    row("OMG", &[], "検査・処置の依頼", "clinical order", Readable),
    row("OML", &[], "検体検査の依頼", "laboratory order", Readable),
    row("OMD", &[], "食事の指示", "diet order", Readable),
    row("OMI", &[], "画像検査の依頼", "imaging order", Readable),
    row("PPR", &[], "病名・問題", "problems", Readable),
    row("VXU", &[], "予防接種の記録", "vaccination record", Readable),
    row("ACK", &[], "こちらが送ったものへの応答", "answer to something we sent", Record("delivery_report")),
];

/// What happens to a message of this type and trigger. What has no row is readable and recorded.
#[must_use]
pub fn outcome(kind: &str, trigger: &str) -> Outcome {
    find(kind, trigger).map_or(Readable, |row| row.outcome)
}

/// Whether a discharge disposition (PV1-36) tells a death: 20 to 29 and 40 to 42 of HL7 table 0112, or its words.
#[must_use]
pub fn tells_death(disposition: &str) -> bool {
    let told = disposition.trim();
    let code = Some(told).filter(|t| t.len() == 2).and_then(|t| t.parse::<u8>().ok());
    matches!(code, Some(20..=29 | 40..=42))
        || ["死亡", "死去", "逝去"].iter().any(|word| told.contains(word))
        || ["exp", "expired", "died", "dead", "deceased"].iter().any(|word| told.eq_ignore_ascii_case(word))
}

/// The row of a message of this type and trigger.
#[must_use]
pub fn find(kind: &str, trigger: &str) -> Option<&'static Row> {
    let of_kind = || TABLE.iter().filter(|row| row.kind == kind);
    of_kind()
        .find(|row| row.triggers.contains(&trigger))
        .or_else(|| of_kind().find(|row| row.triggers.is_empty()))
}

/// The table as `docs/hl7.md` shows it.
#[must_use]
pub fn markdown() -> String {
    let mut out =
        String::from("| 電文 / message | できごと / event | タイムライン / what happens |\n|---|---|---|\n");
    for row in TABLE {
        let triggers =
            if row.triggers.is_empty() { "（その他）".to_owned() } else { row.triggers.join(" ") };
        let (ja, en) = row.outcome.words();
        // Writing into a String cannot fail.
        let _ = writeln!(out, "| {} {triggers} | {} / {} | {ja} / {en} |", row.kind, row.ja, row.en);
    }
    out.push_str("| その他の正しい電文 / anything else valid | | ");
    let (ja, en) = Readable.words();
    let _ = writeln!(out, "{ja} / {en} |");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_one_row() {
        for (at, row) in TABLE.iter().enumerate() {
            for trigger in row.triggers {
                assert_eq!(find(row.kind, trigger).unwrap(), row, "{} {trigger} is in two rows", row.kind);
            }
            let general = TABLE.iter().filter(|r| r.kind == row.kind && r.triggers.is_empty()).count();
            assert!(general <= 1, "{} at {at}", row.kind);
        }
        assert_eq!(outcome("ADT", "A40"), OfficeTask);
        assert_eq!(outcome("ADT", "A99"), Readable);
        assert_eq!(outcome("QQQ", "Q01"), Readable);
    }

    #[test]
    fn deaths_are_seen_in_all_the_ways_they_are_coded() {
        for told in ["20", " 21 ", "29", "40", "41", "42", "死亡", "死亡退院（病理解剖なし）", "Expired"]
        {
            assert!(tells_death(told), "{told}");
        }
        for told in ["", "01", "02", "2", "020", "30", "43", "自宅", "experimental"] {
            assert!(!tells_death(told), "{told}");
        }
    }

    #[test]
    fn the_document_shows_this_table() {
        let document = include_str!("../../../docs/hl7.md");
        assert!(document.contains(&markdown()), "docs/hl7.md must hold:\n{}", markdown());
    }
}
