//! Mails that carry the password of a file sent in another mail (PPAP). Only recognised, so that the
//! office sees both together; the password stays where it is in the text.

use kakehashi_core::text::any_of::AnyOf;
use kakehashi_core::text::fold::{lower, narrow};
use std::sync::LazyLock;

const MAX_CHARS: usize = 2_000;

/// Whether a mail says what the password of a file is.
pub(crate) fn is_told(subject: Option<&str>, body: &str) -> bool {
    if body.chars().count() > MAX_CHARS {
        return false;
    }
    let text = narrow(body);
    let subject = narrow(subject.unwrap_or(""));
    let all = lower(format!("{subject}\n{text}"));
    if !WORD.is_in(&all) || !ABOUT_FILE.is_in(&all) {
        return false;
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let lower = lower((*line).to_owned());
        if !WORD.is_in(&lower) {
            return ["pw:", "pw=", "pass:", "pass="].iter().any(|p| lower.starts_with(p)) && told(&line[3..]);
        }
        let after = line.rsplit_once([':', '=', '→', '」', '】']).map(|(_, v)| v.trim());
        match after {
            Some("") | None => {
                // On a line of its own below, framed or not.
                let below = lines[at + 1..].iter().find(|l| !l.is_empty());
                below.is_some_and(|l| told(l)) || line.rsplit_once("は").is_some_and(|(_, v)| told(v))
            }
            Some(value) => told(value),
        }
    })
}

static WORD: LazyLock<AnyOf> =
    LazyLock::new(|| AnyOf::new(&["パスワード", "password", "暗証番号", "解凍キー"]));
static ABOUT_FILE: LazyLock<AnyOf> = LazyLock::new(|| {
    AnyOf::new(&["添付", "ファイル", "zip", "解凍", "先ほど", "先程", "先のメール", "attach", "archive"])
});

/// Something that can be a password: one word of printable ASCII with a digit or mixed signs.
fn told(value: &str) -> bool {
    let value = value.trim().trim_end_matches('。').trim_end_matches("です").trim_end_matches("になります");
    let value = value.trim().trim_matches(['「', '」', '【', '】', '[', ']', '"', '\'', ':', '=', '。', ' ']);
    (4..=64).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_graphic())
        && !value.contains("//")
        && !value.contains('@')
        && value.bytes().any(|b| !b.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_mere_mentions() {
        for body in [
            "先ほどのメールの添付ファイルのパスワードは下記の通りです。\n\nパスワード：Xy3kQ9",
            "添付ファイルの解凍パスワードをお知らせします。\n[Password] = 8hTz!q",
            "先程のzipのパスワードは\n\n  kY82-mm\n\nです。",
            "添付のパスワードはKaigo2026です。",
        ] {
            assert!(is_told(None, body), "{body}");
        }
        assert!(is_told(Some("【パスワード通知】資料"), "ファイルのパスワード:abc123"));
        for body in [
            "添付ファイルをお送りします。\nパスワードは別メールにてご連絡いたします。",
            "パスワードを忘れました。添付が開けません。",
            "了解しました",
            "",
        ] {
            assert!(!is_told(None, body), "{body}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total(subject in ".*", body in "(パスワード|添付|[:は→pw= ]|[a-z0-9]{0,6}|\n|あ){0,30}") {
            let _ = is_told(Some(&subject), &body);
        }
    }
}
