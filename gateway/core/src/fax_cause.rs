//! Why a FAX did not arrive, from the words of a provider's report, and what follows: each cause has its own
//! remedy and its own plan of repetition (care-network.md 4.1 and 6.1, 7: never repeated faxes, then a
//! phone task). Only a definite failure is repeated; silence never is here.

use crate::text::fold::narrow;

/// Why a FAX did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaxCause {
    /// 話し中.
    Busy,
    /// 応答なし.
    NoAnswer,
    /// 用紙切れ, memory full, cover open: the machine answered and could not print.
    PaperOut,
    /// 番号違い: nobody has this number, or a person answered.
    WrongNumber,
    /// The line broke while pages were sent.
    LineFault,
    /// Anything else.
    Other,
}

const WORDS: &[(FaxCause, &[&str])] = &[
    (
        FaxCause::WrongNumber,
        &[
            "使われておりません",
            "使われていません",
            "欠番",
            "番号違い",
            "番号間違い",
            "番号が違",
            "存在しない番号",
            "faxではありません",
            "人が応答",
            "音声応答",
            "wrong number",
            "invalid number",
            "not in service",
            "unallocated",
            "not a fax",
            "no fax",
            "voice",
            "human answer",
        ],
    ),
    (
        FaxCause::PaperOut,
        &[
            "用紙切れ",
            "用紙なし",
            "紙切れ",
            "紙なし",
            "紙づまり",
            "紙詰",
            "メモリ",
            "カバー",
            "受信不可",
            "out of paper",
            "paper",
            "memory full",
        ],
    ),
    (FaxCause::Busy, &["話し中", "話中", "通話中", "busy"]),
    (
        FaxCause::NoAnswer,
        &[
            "応答なし",
            "応答がありません",
            "無応答",
            "不応答",
            "呼出",
            "no answer",
            "no response",
            "timeout",
            "timed out",
        ],
    ),
    (
        FaxCause::LineFault,
        &[
            "通信エラー",
            "通信異常",
            "回線",
            "切断",
            "中断",
            "line",
            "disconnect",
            "transmission error",
            "comm",
        ],
    ),
];

/// The cause that a report's words name.
#[must_use]
pub fn cause(words: &str) -> FaxCause {
    let words: String = narrow(words).to_lowercase().chars().take(500).collect();
    WORDS
        .iter()
        .find(|(_, all)| all.iter().any(|w| words.contains(w)))
        .map_or(FaxCause::Other, |(cause, _)| *cause)
}

impl FaxCause {
    /// Seconds until the next call after `attempt` calls (from 1); `None`: no call by a machine helps.
    #[must_use]
    pub const fn again_after(self, attempt: u32) -> Option<i64> {
        match (self, attempt) {
            // Somebody else's pages are going through; twenty minutes are a long FAX.
            (Self::Busy, 1) => Some(5 * 60),
            (Self::Busy, 2) => Some(15 * 60),
            (Self::Busy, 3) => Some(45 * 60),
            // Switched off, or night: one more call, later.
            (Self::NoAnswer, 1) => Some(30 * 60),
            (Self::NoAnswer, 2) => Some(90 * 60),
            // Somebody must fill in paper first.
            (Self::PaperOut, 1) => Some(60 * 60),
            (Self::LineFault, 1) => Some(10 * 60),
            (Self::LineFault, 2) => Some(30 * 60),
            (
                Self::Busy
                | Self::NoAnswer
                | Self::PaperOut
                | Self::LineFault
                | Self::WrongNumber
                | Self::Other,
                _,
            ) => None,
        }
    }

    /// Whether some pages may lie there already, so that a repetition is marked 再送の可能性.
    #[must_use]
    pub const fn may_have_printed(self) -> bool {
        matches!(self, Self::PaperOut | Self::LineFault)
    }

    /// The cause in a word, Japanese.
    #[must_use]
    pub const fn ja(self) -> &'static str {
        match self {
            Self::Busy => "話し中",
            Self::NoAnswer => "応答なし",
            Self::PaperOut => "相手機の用紙切れなど",
            Self::WrongNumber => "番号違い",
            Self::LineFault => "通信が途切れました",
            Self::Other => "理由は下のとおりです",
        }
    }

    /// The same in English.
    #[must_use]
    pub const fn en(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::NoAnswer => "no answer",
            Self::PaperOut => "out of paper or the like",
            Self::WrongNumber => "wrong number",
            Self::LineFault => "the line broke",
            Self::Other => "see the words below",
        }
    }

    /// What a person does, Japanese.
    #[must_use]
    pub const fn remedy_ja(self) -> &'static str {
        match self {
            Self::Busy => "相手が空くころに「もう一度送る」か、電話で内容を伝えてください。",
            Self::NoAnswer => "施設へ電話し、FAXの電源と営業時間を確かめてください。急ぐ内容は電話で。",
            Self::PaperOut => "施設へ電話し、用紙を補充してもらってから「もう一度送る」を押してください。",
            Self::WrongNumber => {
                "番号は止めました。登録の書類と施設への電話で番号を確かめ、二人で直してください。"
            }
            Self::LineFault => "「もう一度送る」で続けられます。何度も途切れるときは別のサービスか電話で。",
            Self::Other => "下の言葉をサービスに問い合わせるか、電話で内容を伝えてください。",
        }
    }

    /// The same in English.
    #[must_use]
    pub const fn remedy_en(self) -> &'static str {
        match self {
            Self::Busy => "Send it again when the line is likely to be free, or tell them by phone.",
            Self::NoAnswer => {
                "Call the facility: is the machine on, are they open? Tell urgent things by phone."
            }
            Self::PaperOut => "Call the facility, let them fill in paper, then send it again.",
            Self::WrongNumber => {
                "The number was stopped. Compare it with the source document and by phone; two persons correct it."
            }
            Self::LineFault => {
                "Send it again. If the line breaks repeatedly use another provider or the phone."
            }
            Self::Other => "Ask the provider about the words below, or tell them by phone.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_and_plans() {
        for (words, expected) in [
            ("送信失敗(話中)", FaxCause::Busy),
            ("Busy", FaxCause::Busy),
            ("応答なし", FaxCause::NoAnswer),
            ("相手先の用紙切れ", FaxCause::PaperOut),
            ("おかけになった番号は現在使われておりません", FaxCause::WrongNumber),
            ("ＦＡＸではありません", FaxCause::WrongNumber),
            ("通信エラー", FaxCause::LineFault),
            ("E-9999", FaxCause::Other),
            ("", FaxCause::Other),
        ] {
            assert_eq!(cause(words), expected, "{words}");
        }
        assert_eq!(FaxCause::WrongNumber.again_after(1), None);
        assert_eq!(FaxCause::Busy.again_after(4), None, "never endless");
        assert!(FaxCause::PaperOut.may_have_printed() && !FaxCause::Busy.may_have_printed());
    }

    proptest::proptest! {
        #[test]
        fn total(words in ".*", attempt: u32) {
            let cause = cause(&words);
            if let Some(seconds) = cause.again_after(attempt) {
                proptest::prop_assert!(seconds > 0 && attempt < 4);
            }
        }
    }
}
