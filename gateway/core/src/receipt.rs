//! The receipt of an act that a member asked for in a word (care-network.md 6.1, 6): what holds now, how it is taken
//! back, and until when. Loaded when it leaves, so that it never says what is no longer so; no patient and no
//! staff of another facility stand in it.

use crate::clock::UtcMicros;
use crate::directory::EndpointSettings;
use crate::ids::{ChangeId, GroupId};
use crate::paper_request;
use crate::pause::{Pause, PauseEnd};
use serde::{Deserialize, Serialize};

/// What a receipt is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReceiptOf {
    /// 設定変更.
    Settings {
        /// The change.
        id: ChangeId,
    },
    /// 休止.
    Pause {
        /// The pause.
        id: ChangeId,
    },
    /// 担当終了.
    Leave {
        /// The group.
        group_id: GroupId,
    },
}

/// How long an act can be taken back by the member, in seconds (care-network.md 6.2).
pub const UNDO_SECONDS: i64 = 24 * 3600;

/// What a receipt shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// How the endpoint receives now.
    Settings {
        /// In force.
        settings: Box<EndpointSettings>,
        /// The change was taken back.
        undone: bool,
        /// When it was made.
        made_at: UtcMicros,
    },
    /// A pause.
    Pause {
        /// Which.
        pause: Box<Pause>,
        /// How it ended, if it has.
        ended: Option<PauseEnd>,
    },
    /// 担当終了.
    Leave {
        /// グループ呼称.
        alias: String,
        /// When the facility's membership ended; none if it stands again.
        left_at: Option<UtcMicros>,
    },
}

/// One receipt in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptWords {
    /// Heading, Japanese.
    pub title: &'static str,
    /// Heading, English.
    pub title_en: &'static str,
    /// What holds.
    pub ja: Vec<String>,
    /// The same in English.
    pub en: Vec<String>,
    /// The word that takes it back in an answer, if one does.
    pub undo: Option<&'static str>,
}

impl Receipt {
    /// Its words at `now`; on paper nothing is undone by an answer.
    #[must_use]
    pub fn words(&self, now: UtcMicros, by_mail: bool) -> ReceiptWords {
        match self {
            Self::Settings { settings, undone, made_at } => {
                let undoable = by_mail && !undone && now.seconds_since(*made_at) < UNDO_SECONDS;
                let did = if *undone {
                    "受け取り方を元に戻しました。"
                } else {
                    "受け取り方を変えました。"
                };
                let until = made_at.plus_seconds(UNDO_SECONDS);
                let mut ja =
                    vec![did.to_owned(), format!("いまの受け取り方: {}", paper_request::words(settings))];
                let mut en = vec![
                    (if *undone {
                        "How you receive is as it was before."
                    } else {
                        "How you receive was changed."
                    })
                    .to_owned(),
                ];
                if undoable {
                    ja.push(format!(
                        "{} までは、このメールに「取消」とだけ返信すると元に戻ります。",
                        until.to_ja()
                    ));
                    en.push(format!(
                        "Until {} an answer that says only \"undo\" takes it back.",
                        until.to_en()
                    ));
                }
                ReceiptWords {
                    title: "設定変更の控え",
                    title_en: "Receipt: settings",
                    ja,
                    en,
                    undo: undoable.then_some("取消"),
                }
            }
            Self::Pause { pause, ended: None } => {
                let mut ja = vec![format!("{} の休止を承りました。", pause.days())];
                let mut en = vec![format!("Your leave is noted: {}.", pause.days())];
                if let Some(person) = pause.person() {
                    ja.push(format!("休止: {person} 様"));
                }
                match &pause.substitute {
                    Some(by) => {
                        ja.push(format!("代理: {} 様。ご用件は代理の方あてにお届けします。", by.name()));
                        en.push("Your substitute is addressed meanwhile.".to_owned());
                    }
                    None => {
                        ja.push(
                            "代理の方はありません。緊急のお知らせだけは、休止中もこちらへ届きます。"
                                .to_owned(),
                        );
                        en.push("No substitute: emergencies still come here.".to_owned());
                    }
                }
                if pause.person().is_none() {
                    ja.push("ほかのお知らせは、再開の日にまとめてお届けします。".to_owned());
                    en.push("Everything else waits for your return and comes in one digest.".to_owned());
                }
                ja.push("期間が過ぎると、何もなさらなくても再開します。".to_owned());
                if by_mail {
                    ja.push("早く戻るときや取り消すときは「再開」とだけ返信してください。".to_owned());
                    en.push(
                        "It ends by itself. An answer that says only \"resume\" ends or undoes it."
                            .to_owned(),
                    );
                } else {
                    ja.push("早く戻るときや取り消すときは、設定票の「再開」に✓を付けて返送するか、事務局へお電話ください。".to_owned());
                    en.push(
                        "It ends by itself; a preference sheet or a call to the office ends or undoes it."
                            .to_owned(),
                    );
                }
                ReceiptWords {
                    title: "休止の控え",
                    title_en: "Receipt: leave",
                    ja,
                    en,
                    undo: by_mail.then_some("再開"),
                }
            }
            Self::Pause { pause, ended: Some(_) } => {
                let mut ja = vec![format!("{} の休止を終え、再開しました。", pause.days())];
                let mut en = vec!["The leave has ended.".to_owned()];
                // A person's leave held nothing back.
                if pause.person().is_none() {
                    ja.push("お預かりしていたものは、次の便でお届けします。".to_owned());
                    en.push("What waited comes with the next delivery.".to_owned());
                }
                ReceiptWords { title: "再開の控え", title_en: "Receipt: resumed", ja, en, undo: None }
            }
            Self::Leave { alias, left_at: Some(left_at) } => {
                let until = left_at.plus_seconds(UNDO_SECONDS);
                let undoable = by_mail && now < until;
                let mut ja = vec![
                    format!("{} に {alias} の担当を終了しました。", left_at.to_ja()),
                    "このグループのお知らせは、もうお届けしません。".to_owned(),
                ];
                let mut en = vec![format!("You have left {alias}; nothing more of it comes to you.")];
                if undoable {
                    ja.push(format!(
                        "{} までは、このメールに「取消」とだけ返信すると担当に戻ります。",
                        until.to_ja()
                    ));
                    en.push(format!(
                        "Until {} an answer that says only \"undo\" takes it back.",
                        until.to_en()
                    ));
                }
                ja.push("そのあとに戻るときは、事務局からご招待します。".to_owned());
                ReceiptWords {
                    title: "担当終了の控え",
                    title_en: "Receipt: left the group",
                    ja,
                    en,
                    undo: undoable.then_some("取消"),
                }
            }
            Self::Leave { alias, left_at: None } => ReceiptWords {
                title: "担当継続の控え",
                title_en: "Receipt: still a member",
                ja: vec![format!("{alias} の担当は続いています。")],
                en: vec![format!("You are a member of {alias}.")],
                undo: None,
            },
        }
    }
}

/// Whether a whole answer takes an act back: 取消, 元に戻す, 再開, undo.
#[must_use]
pub fn takes_back(text: &str) -> bool {
    const WORDS: [&str; 22] = [
        "取消",
        "取消し",
        "取り消し",
        "取り消す",
        "取り消します",
        "取り消してください",
        "取消してください",
        "取消をお願いします",
        "取消お願いします",
        "元に戻す",
        "元に戻して",
        "元に戻してください",
        "元に戻します",
        "再開",
        "再開します",
        "再開してください",
        "再開をお願いします",
        "再開お願いします",
        "undo",
        "resume",
        "cancel",
        "やっぱり取消",
    ];
    if text.chars().count() > 300 {
        return false;
    }
    let folded = crate::text::fold::narrow(text).to_lowercase();
    let mut lines = folded
        .lines()
        .map(|l| l.trim().trim_matches(['「', '」', '[', ']', '【', '】', '。', '.', '!', ' ']))
        .filter(|l| !l.is_empty() && !crate::reply_words::is_courtesy_line(l));
    match (lines.next(), lines.next()) {
        (Some(line), None) => WORDS.contains(&line),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_word_takes_back() {
        for text in [
            "取消",
            "「取消」",
            "お世話になっております。\n再開します。\nよろしくお願いします",
            "Undo",
            "元に戻してください",
        ] {
            assert!(takes_back(text), "{text}");
        }
        for text in [
            "",
            "了解",
            "取消ではありません",
            "明日の入浴は取消です",
            "再開\n発熱しています",
            "再開はいつですか",
        ] {
            assert!(!takes_back(text), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total(text in ".*", like in "[取消再開元に戻すundo。「」 \n]{0,20}") {
            let _ = takes_back(&text);
            let _ = takes_back(&like);
        }
    }
}
