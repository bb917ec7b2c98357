//! Reports of FAX providers on jobs of ours: they come as mails whose subject and labelled lines say
//! success or failure and the number (care-network.md 4.1). Success means that the far machine took
//! all pages, never that anybody read them. Whether the sender may report on a job is decided elsewhere.

use crate::provider::{FaxProviderProfile, first_number, labelled, profile_of, signs, withheld};
use kakehashi_core::envelope::{Envelope, Report, ReportOutcome};
use kakehashi_core::mail::Mail;
use kakehashi_core::port::Origin;
use kakehashi_core::text::clean_line;
use kakehashi_core::text::fold::narrow;
use kakehashi_core::vocabulary::{Authenticity, Channel, Format, Intent};

const FAILED: &[&str] = &[
    "失敗",
    "エラー",
    "話中",
    "応答なし",
    "無応答",
    "不在",
    "不達",
    "未達",
    "未送信",
    "中止",
    "中断",
    "キャンセル",
    "取消",
    "できません",
    "できなかった",
    "ませんでした",
    "送れません",
    "送信不可",
    "拒否",
    "ng",
    "busy",
    "no answer",
    "fail",
    "error",
    "not delivered",
    "not be sent",
    "not sent",
    "could not",
    "cannot",
    "unable",
    "undelivered",
    "unsuccessful",
    "cancel",
    "rejected",
    "aborted",
];
const DELAYED: &[&str] = &[
    "再送中",
    "リダイヤル中",
    "再送待ち",
    "送信待ち",
    "送信中",
    "送信予約",
    "受け付けました",
    "受付完了",
    "retrying",
    "queued",
    "pending",
    "in progress",
    "accepted for",
];
const DELIVERED: &[&str] = &[
    "成功",
    "正常",
    "完了",
    "送信しました",
    "送信済",
    "送達",
    "届きました",
    "ok",
    "success",
    "delivered",
    "completed",
    "complete",
    "sent",
];

const RESULT: &[&str] = &[
    "送信結果",
    "通信結果",
    "配信結果",
    "結果",
    "ステータス",
    "状態",
    "result",
    "status",
    "transmission result",
    "delivery status",
    "outcome",
];
const NUMBER: &[&str] = &[
    "宛先FAX番号",
    "宛先ファックス番号",
    "送信先FAX番号",
    "送信先番号",
    "相手先FAX番号",
    "相手先番号",
    "宛先番号",
    "宛先",
    "送信先",
    "FAX番号",
    "ファックス番号",
    "相手先",
    "destination",
    "recipient",
    "fax number",
    "to number",
    "dialed number",
    "to",
];
const SUBJECT_OF_JOB: &[&str] = &[
    "件名",
    "文書名",
    "ドキュメント名",
    "ファイル名",
    "タイトル",
    "subject",
    "document",
    "file name",
    "filename",
    "job name",
];
const JOB: &[&str] = &[
    "受付番号",
    "ジョブ番号",
    "ジョブID",
    "管理番号",
    "送信ID",
    "job id",
    "job number",
    "transaction id",
    "reference",
];
const PAGES: &[&str] = &["送信枚数", "送信ページ数", "枚数", "ページ数", "pages sent", "pages"];

/// What a mail says of a FAX that we sent; `None` if it is no such report. `original` is the
/// Message-ID of our job mail where the report gives it (thread headers, quoted subject or file name),
/// else the mark in brackets of the quoted subject, else the provider's own job number.
#[must_use]
pub fn read_report(mail: &Mail, profiles: &[FaxProviderProfile]) -> Option<Report> {
    let subject = narrow(mail.subject.as_deref().unwrap_or("")).to_lowercase();
    if is_from_a_person(&subject)
        || mail
            .parts
            .iter()
            .any(|p| crate::looks_like_page_file(&p.bytes) == Some(Format::Tiff) && subject.contains("受信"))
    {
        return None;
    }
    let configured = profile_of(mail, &Origin::default(), profiles).is_some();
    let result = labelled(&mail.text, RESULT);
    let number = labelled(&mail.text, NUMBER).and_then(|v| first_number(&v)).or_else(|| {
        let subject = mail.subject.as_deref().unwrap_or("");
        if withheld(subject) { None } else { first_number(subject) }
    });
    let text: String = narrow(&mail.text.chars().take(4000).collect::<String>()).to_lowercase();
    let about_fax = signs::has_fax_word(&subject) || signs::has_fax_word(&text);
    let about_sending =
        ["送信", "配信", "送達", "transmission", "sent", "send", "deliver", "outbound", "outgoing"]
            .iter()
            .any(|w| subject.contains(w) || result.is_some() && text.contains(w));
    if subject.contains("受信") && !subject.contains("送信") || !(about_fax || configured) || !about_sending
    {
        return None;
    }
    let outcome = outcome(&subject, result.as_deref(), labelled(&mail.text, PAGES).as_deref())?;
    let original = original(mail);
    // Labelled lines or a machine's header: one subject alone may come from anybody's keyboard.
    let machine = mail.header("Auto-Submitted").is_some_and(|v| !v.trim().eq_ignore_ascii_case("no"))
        || mail.header("Precedence").is_some()
        || mail.header("X-Auto-Response-Suppress").is_some();
    let evidence = [result.is_some(), number.is_some(), original.is_some(), machine, configured];
    if evidence.iter().filter(|e| **e).count() < 2 {
        return None;
    }
    let status =
        result.or_else(|| mail.subject.clone()).map(|s| clean_line(&s, 120)).filter(|s| !s.is_empty());
    Some(Report { outcome, recipient: number, original, status })
}

/// The Envelope of a report.
#[must_use]
pub fn envelope(mail: &Mail, origin: &Origin, report: Report, profiles: &[FaxProviderProfile]) -> Envelope {
    let mut envelope = Envelope::empty(Channel::Fax, Format::Rfc5322, mail.content_hash.clone());
    envelope.message_id.clone_from(&mail.message_id);
    envelope.in_reply_to.clone_from(&mail.in_reply_to);
    envelope.intent = Intent::DeliveryReport;
    envelope.sender.address = mail.from.as_ref().map(|f| f.address.clone());
    envelope.sender.authenticity = origin.authenticity.unwrap_or(Authenticity::None);
    envelope.sent_at = mail.date;
    envelope.warnings.extend(mail.warnings.iter().cloned());
    match profile_of(mail, origin, profiles) {
        Some(profile) => envelope.sender.application = Some(profile.name.clone()),
        None => envelope.warn(
            "report_guessed",
            "taken for a FAX report by its words; no configured provider sends from this address",
        ),
    }
    if report.original.is_none() {
        envelope.warn("report_without_job", "the report does not name the job");
    }
    envelope.report = Some(report);
    envelope
}

fn is_from_a_person(subject: &str) -> bool {
    ["re:", "fw:", "fwd:", "返信:", "転送:"].iter().any(|p| subject.trim_start().starts_with(p))
}

/// The result line decides, then the subject; a failure in either, or pages that are missing, is a
/// failure: a page sent twice is better than one that nobody misses.
fn outcome(subject: &str, result: Option<&str>, pages: Option<&str>) -> Option<ReportOutcome> {
    let by_result = result.and_then(|r| classify(&narrow(r).to_lowercase()));
    let by_subject = classify(subject);
    let missing = pages.and_then(pages_missing).unwrap_or(false);
    match (by_result, by_subject) {
        (Some(ReportOutcome::Failed), _) | (_, Some(ReportOutcome::Failed)) => Some(ReportOutcome::Failed),
        (Some(ReportOutcome::Delayed), _) | (None, Some(ReportOutcome::Delayed)) => {
            Some(ReportOutcome::Delayed)
        }
        (Some(ReportOutcome::Delivered), _) | (None, Some(ReportOutcome::Delivered)) => {
            Some(if missing { ReportOutcome::Failed } else { ReportOutcome::Delivered })
        }
        (None, None) => None,
    }
}

fn classify(text: &str) -> Option<ReportOutcome> {
    // Words of failure that deny one: `正常終了（エラーなし）`, `失敗: 0件`.
    let mut text = text.replace("no error", "").replace("without error", "");
    for word in ["エラー", "失敗", "errors", "error", "failed"] {
        for none in ["なし", "無し", "0", ":0", ": 0", " 0", "=0"] {
            text = text.replace(&format!("{word}{none}"), "");
        }
    }
    let text = text.as_str();
    let has = |words: &[&str]| words.iter().any(|w| contains_word(text, w));
    if has(FAILED) {
        Some(ReportOutcome::Failed)
    } else if has(DELAYED) {
        Some(ReportOutcome::Delayed)
    } else if has(DELIVERED) {
        Some(ReportOutcome::Delivered)
    } else {
        None
    }
}

/// ASCII words stand alone (`ok` is not in `book`, but `fail` is in `failed`); Japanese ones need not.
fn contains_word(text: &str, word: &str) -> bool {
    let short = word.is_ascii() && word.len() <= 3;
    text.match_indices(word).any(|(at, _)| {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let before = letter(text[..at].chars().next_back());
        let after = letter(text[at + word.len()..].chars().next());
        !word.is_ascii() || !(before || short && after)
    })
}

/// `0／2枚`: fewer sent than there are.
fn pages_missing(value: &str) -> Option<bool> {
    let narrow = narrow(value);
    let (sent, all) = narrow.split_once(['/', '⁄', '∕'])?;
    let number =
        |t: &str| t.chars().filter(char::is_ascii_digit).take(5).collect::<String>().parse::<u32>().ok();
    Some(number(sent)? < number(all)?)
}

fn original(mail: &Mail) -> Option<String> {
    if let Some(id) = mail.in_reply_to.first() {
        return Some(id.clone());
    }
    let quoted = labelled(&mail.text, SUBJECT_OF_JOB);
    let subject = mail.subject.clone().unwrap_or_default();
    for text in quoted.iter().chain([&subject]) {
        if let Some(mark) = bracketed(text) {
            return Some(mark);
        }
    }
    if let Some(id) = job_file(&mail.text) {
        return Some(id);
    }
    labelled(&mail.text, JOB).map(|v| clean_line(&v, 60)).filter(|v| !v.is_empty() && !v.contains(' '))
}

/// `[01J…@fax.example]`, `<…@…>`, `[post-00333]`: one word in brackets with a digit in it.
fn bracketed(text: &str) -> Option<String> {
    let narrow = narrow(text);
    for (open, close) in [('[', ']'), ('<', '>')] {
        let mut rest = narrow.as_str();
        while let Some(at) = rest.find(open) {
            rest = &rest[at + 1..];
            let Some(end) = rest.find(close) else { break };
            let word = &rest[..end];
            let plain = word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '+' | '='));
            if plain && (4..=200).contains(&word.len()) && word.chars().any(|c| c.is_ascii_digit()) {
                return Some(word.to_owned());
            }
        }
    }
    None
}

/// The id in a quoted file name of ours, `fax-<delivery id>.pdf`.
fn job_file(text: &str) -> Option<String> {
    let head: String = text.chars().take(4000).collect();
    let at = head.find("fax-")?;
    let id: String = head[at + 4..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .take(80)
        .collect();
    let after = &head[at + 4 + id.len()..];
    (after.starts_with(".pdf") && id.len() >= 4).then_some(id)
}

#[cfg(test)]
mod tests;
