//! The words of a notice (care-network.md 5 row 5): the same for every wrong, expired or foreign code,
//! so that nobody learns from them whether a patient, a group or a code exists.

use kakehashi_core::decision::Notice;

/// A notice in both languages.
pub(crate) struct NoticeWords {
    /// Subject and heading.
    pub(crate) title: &'static str,
    /// Japanese lines.
    pub(crate) ja: &'static [&'static str],
    /// English lines.
    pub(crate) en: &'static [&'static str],
}

/// The words for a notice.
pub(crate) const fn words(notice: Notice) -> NoticeWords {
    match notice {
        Notice::Uniform => NoticeWords {
            title: "お受け取りできませんでした",
            ja: &[
                "お送りいただいたものは、お受け取りできませんでした。どなたにも届いていません。",
                "くわしいことはここではお伝えできません。お手数ですが、事務局へお電話ください。",
            ],
            en: &[
                "We could not accept what you sent. It has reached nobody.",
                "We cannot give details here. Please telephone the office.",
            ],
        },
        Notice::PhonePlease => NoticeWords {
            title: "お電話でお願いします",
            ja: &[
                "お送りいただいたご用件は、お電話でお願いします。まだどなたにも届いていません。",
                "お急ぎのときは、先方へ直接お電話ください。ご不明の点は事務局がうけたまわります。",
            ],
            en: &[
                "Please telephone about this matter. It has reached nobody yet.",
                "If it is urgent, call the other party directly. The office answers questions.",
            ],
        },
        Notice::FilesWithheld => NoticeWords {
            title: "添付ファイルの一部をお届けしていません",
            ja: &[
                "お送りいただいた添付のうち、プログラムやマクロを含むファイル(.exe、.xlsm、マクロ入りの Office ファイルなど)は隔離し、どなたにもお届けしていません。本文はお受け取りしました。",
                "PDF、またはマクロのない形式(.docx、.xlsx など)で送り直してください。ご不明の点は事務局へお電話ください。",
            ],
            en: &[
                "Attached files with programs or macros (.exe, .xlsm, Office files with macros) were put into quarantine and have reached nobody. The text of your mail was accepted.",
                "Please send them again as PDF or without macros (.docx, .xlsx). The office answers questions by telephone.",
            ],
        },
        Notice::PhotoUnsupported => NoticeWords {
            title: "写真の形式が未対応です",
            ja: &[
                "お送りいただいた写真の形式(一部のHEIC・AVIF)は未対応のため、どなたにもお届けしていません。本文はお受け取りしました。",
                "JPEG で送り直してください。iPhone では「設定」→「カメラ」→「フォーマット」→「互換性優先」で JPEG になります。",
            ],
            en: &[
                "Photographs in this form (some HEIC, AVIF) are not supported and have reached nobody. The text of your mail was accepted.",
                "Please send them again as JPEG. On an iPhone: Settings, Camera, Formats, Most Compatible.",
            ],
        },
        Notice::TooLarge => NoticeWords {
            title: "大きすぎてお受け取りできませんでした",
            ja: &[
                "お送りいただいたものは大きすぎて、お受け取りできませんでした。どなたにも届いていません。",
                "いくつかに分けて送り直していただくか、事務局へお電話ください。",
            ],
            en: &[
                "What you sent is too large to be accepted. It has reached nobody.",
                "Please send it again in smaller parts, or telephone the office.",
            ],
        },
    }
}
