//! Signs that an unknown mail is a received FAX. No sign decides alone: people write about FAXes, put
//! their FAX number into signatures and attach PDFs, and machines send scans that never were a FAX.

use super::words::{self, labelled};
use crate::pages;
use kakehashi_core::mail::Mail;
use kakehashi_core::text::fold::narrow;

/// From this weight on a mail is taken for a FAX, with a doubt.
pub(super) const ENOUGH: i32 = 5;

/// Labels that machines write and people do not.
const MACHINE_LABELS: &[&[&str]] = &[
    &[
        "受信枚数",
        "受信ページ数",
        "ページ数",
        "受信文書の数",
        "枚数",
        "pages",
        "number of pages",
        "page count",
    ],
    &[
        "受信日時",
        "受信時刻",
        "着信日時",
        "受信日",
        "received",
        "received at",
        "date received",
        "time received",
    ],
    &[
        "発信元番号",
        "発信者番号",
        "発信元",
        "発信者",
        "送信元",
        "相手先",
        "caller id",
        "caller number",
        "from number",
        "sender fax",
    ],
    &["受信番号", "着信番号", "管理番号", "ジョブ番号", "job id", "did"],
    &["発信元ID", "TSI", "CSI", "RTI", "CSID", "remote id", "station id"],
];

/// Weighs a mail whose parts at `parts` may hold pages.
pub(super) fn weigh(mail: &Mail, parts: &[usize]) -> i32 {
    let subject = narrow(mail.subject.as_deref().unwrap_or("")).to_lowercase();
    let head: String = narrow(&mail.text.chars().take(2000).collect::<String>()).to_lowercase();
    let mut weight = 0;

    let tiff =
        parts.iter().any(|i| matches!(pages::kind(&mail.parts[*i].bytes), Some(pages::FileKind::Tiff)));
    weight += if tiff { 2 } else { 1 };
    if parts.iter().any(|i| named_by_machine(mail.parts[*i].name.as_deref().unwrap_or(""))) {
        weight += 1;
    }

    if has_fax_word(&subject) {
        weight += 2;
        if ["受信", "転送", "着信", "届き", "message", "received", "receive", "incoming", "from"]
            .iter()
            .any(|w| subject.contains(w))
        {
            weight += 1;
        }
    }
    let received = [
        "faxを受信",
        "ファックスを受信",
        "ファクスを受信",
        "faxが届",
        "ファックスが届",
        "received a fax",
        "fax received",
        "new fax",
        "fax message",
    ];
    let sentence = head.lines().any(|line| has_fax_word(line) && line.contains("受信しました"));
    if sentence || received.iter().any(|w| head.contains(w)) {
        weight += 1;
    }
    let labels = MACHINE_LABELS.iter().filter(|group| labelled(&mail.text, group).is_some()).count();
    weight += labels.min(2) as i32;

    if let Some(from) = &mail.from {
        let name = narrow(from.name.as_deref().unwrap_or("")).to_lowercase();
        if from.address.to_lowercase().contains("fax") || has_fax_word(&name) {
            weight += 1;
        }
    }
    for (name, value) in &mail.headers {
        let name = name.to_ascii_lowercase();
        if name.starts_with("x-fax") {
            weight += 2;
            break;
        }
        if name == "x-mailer" && has_fax_word(&narrow(value).to_lowercase()) {
            weight += 1;
        }
    }

    // A person answers or forwards, or the mail is about what we sent.
    let answered =
        ["re:", "fw:", "fwd:", "返信:", "転送:"].iter().any(|p| subject.trim_start().starts_with(p));
    if answered || !mail.in_reply_to.is_empty() {
        weight -= 4;
    }
    if ["送信結果", "送信が", "送信完了", "送信失敗", "transmission report", "delivery report"]
        .iter()
        .any(|w| subject.contains(w))
    {
        weight -= 5;
    }
    // Machines are brief.
    if mail.text.chars().count() > 1500 {
        weight -= 2;
    }
    weight
}

/// FAX in its forms, not inside another word except a service's name (netfax, cloudfax).
pub(crate) fn has_fax_word(text: &str) -> bool {
    ["fax", "ファックス", "ファクス", "ファクシミリ", "facsimile"].iter().any(|word| text.contains(word))
}

/// Eight digits in a row (a date, a counter) or the word itself.
fn named_by_machine(name: &str) -> bool {
    let lower = narrow(name).to_lowercase();
    let mut run = 0;
    let mut longest = 0;
    for c in lower.chars() {
        run = if c.is_ascii_digit() { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest >= 8 || has_fax_word(&lower)
}

/// When the FAX arrived by the provider's account, as RFC 3339 in Japanese time.
pub(crate) fn received_at(mail: &Mail) -> Option<kakehashi_core::clock::UtcMicros> {
    let label =
        ["受信日時", "着信日時", "受信時刻", "読み取り日時", "received at", "date received", "received"];
    let value = labelled(&mail.text, &label).or_else(|| {
        let head: String = mail.text.chars().take(words::MOST_TEXT).collect();
        head.lines().find(|l| l.contains("受信しました") && l.contains("20")).map(str::to_owned)
    })?;
    read_time(&narrow(&value))
}

/// `2026年11月24日 17時41分`, `2026/11/24 10:03`, `2026.11.24 10:04:58`, `2026-11-24 09:14:18 JST`.
fn read_time(text: &str) -> Option<kakehashi_core::clock::UtcMicros> {
    let mut groups: Vec<(String, usize)> = Vec::new();
    let mut gap = 0;
    for c in text.chars().take(200) {
        if c.is_ascii_digit() {
            match groups.last_mut() {
                Some((digits, _)) if gap == 0 => digits.push(c),
                _ => groups.push((c.to_string(), gap)),
            }
            gap = 0;
        } else {
            gap += 1;
        }
    }
    let start = groups.iter().position(|(d, _)| d.len() == 4 && d.starts_with("20"))?;
    let rest = groups.get(start..start + 5)?;
    if rest[1..].iter().any(|(digits, gap)| digits.len() > 2 || *gap > 6) {
        return None;
    }
    let seconds =
        groups.get(start + 5).filter(|(d, gap)| d.len() == 2 && *gap == 1).map_or("00", |(d, _)| d.as_str());
    let [year, month, day, hour, minute] = [0, 1, 2, 3, 4].map(|i| rest[i].0.as_str());
    kakehashi_core::clock::UtcMicros::from_rfc3339(&format!(
        "{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute:0>2}:{seconds}+09:00"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_machines_write_them() {
        for (written, expected) in [
            ("2026年11月24日 17時41分", "2026-11-24T17:41:00"),
            ("2026/11/24 10:03", "2026-11-24T10:03:00"),
            ("2026.11.24 10:04:58 (+0900)", "2026-11-24T10:04:58"),
            ("045-000-0041 から 2 ページ 2026-11-24 09:14:18 JST に", "2026-11-24T09:14:18"),
        ] {
            let at = read_time(written).unwrap();
            assert_eq!(at.in_japan().to_string(), expected, "{written}");
        }
        assert_eq!(read_time("2026年11月"), None);
    }
}
