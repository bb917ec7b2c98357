//! Delivery reports: RFC 3464, and the free forms of qmail, exim, Domino, carriers and providers. Tells
//! what became of which recipient and which of our messages; it never concludes more than the report
//! says, and a mail that merely talks of a failure is not one.

use super::params;
use super::structure::message_ids;
use super::words::decode_header;
use kakehashi_core::envelope::{Report, ReportOutcome};
use kakehashi_core::mail::Mail;
use kakehashi_core::text::clean_line;

const MAX_SCANNED: usize = 200_000;

/// The report in a mail, if it is one.
pub(crate) fn read(mail: &Mail, mail_from: Option<&str>) -> Option<Report> {
    let by_standard = standard(mail);
    let mut report = match by_standard {
        Some(report) => report,
        None if from_a_mailer(mail, mail_from) => free_form(mail)?,
        None => return None,
    };
    if report.original.is_none() {
        report.original = original_message_id(mail);
    }
    Some(report)
}

/// RFC 3464: the `message/delivery-status` part. The first failed recipient counts, else the first.
fn standard(mail: &Mail) -> Option<Report> {
    let part = mail.parts.iter().find(|p| {
        matches!(p.media_type.as_str(), "message/delivery-status" | "message/global-delivery-status")
    })?;
    let text =
        String::from_utf8_lossy(&part.bytes[..part.bytes.len().min(MAX_SCANNED)]).replace("\r\n", "\n");
    let mut best: Option<Report> = None;
    for group in text.split("\n\n").take(500) {
        let fields = fields(group);
        let get = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let Some(action) = get("action") else { continue };
        let outcome = match action.trim().to_lowercase().split([' ', '(', ';']).next().unwrap_or("") {
            "failed" | "failure" => ReportOutcome::Failed,
            "delayed" => ReportOutcome::Delayed,
            "delivered" | "relayed" | "expanded" => ReportOutcome::Delivered,
            // An action that nobody defined: the class of the status tells.
            _ => match get("status").and_then(|s| s.trim().chars().next()) {
                Some('2') => ReportOutcome::Delivered,
                Some('4') => ReportOutcome::Delayed,
                _ => ReportOutcome::Failed,
            },
        };
        let recipient = get("original-recipient")
            .or_else(|| get("final-recipient"))
            .or_else(|| get("x-actual-recipient"))
            .map(address_of);
        let status = match (get("status"), get("diagnostic-code")) {
            (Some(status), Some(said)) => {
                Some(format!("{} {}", status.trim(), said.split_once(';').map_or(said, |s| s.1).trim()))
            }
            (Some(one), None) | (None, Some(one)) => Some(one.trim().to_owned()),
            (None, None) => None,
        };
        let report = Report {
            outcome,
            recipient: recipient.filter(|r| !r.is_empty()),
            original: None,
            status: status.map(|s| clean_line(&s, 300)),
        };
        let worse = outcome == ReportOutcome::Failed
            && best.as_ref().is_some_and(|b| b.outcome != ReportOutcome::Failed);
        if best.is_none() || worse {
            best = Some(report);
        }
    }
    best
}

/// Unfolded `name: value` lines, names lower-case.
fn fields(group: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    for line in group.lines().take(100) {
        if line.starts_with([' ', '\t']) {
            if let Some(last) = out.last_mut() {
                last.1.push(' ');
                last.1.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            out.push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    out
}

/// `rfc822; <a@b>` to `a@b`.
fn address_of(value: &str) -> String {
    let value = value.split_once(';').map_or(value, |v| v.1);
    clean_line(value.trim().trim_start_matches('<').trim_end_matches('>'), 320)
}

/// Whether a mail transfer program sent it.
fn from_a_mailer(mail: &Mail, mail_from: Option<&str>) -> bool {
    let return_path = mail.header("Return-Path").map(|v| v.trim().trim_matches(['<', '>']).to_lowercase());
    let null_path = mail_from == Some("")
        || return_path.as_deref().is_some_and(|p| p.is_empty() || p.starts_with("mailer-daemon"));
    let from = mail.from.as_ref();
    let local = from.map(|f| f.address.split('@').next().unwrap_or("").to_lowercase()).unwrap_or_default();
    let name = from.and_then(|f| f.name.as_deref()).unwrap_or("").to_lowercase();
    null_path
        || local.contains("mailer-daemon")
        || local.contains("postmaster")
        || name.contains("mail delivery")
        || mail.header("X-Failed-Recipients").is_some()
        || mail.subject.as_deref().is_some_and(|s| {
            ["メールエラー通知", "配信エラー", "送信エラー通知", "配信不能"].iter().any(|w| s.contains(w))
        })
}

fn free_form(mail: &Mail) -> Option<Report> {
    let subject = mail.subject.as_deref().unwrap_or("").to_lowercase();
    let text: String = mail.text.chars().take(MAX_SCANNED).collect();
    let own = before_copy(&text);
    let lower = own.to_lowercase();
    const FAILED: &[&str] = &[
        "undeliver",
        "could not be delivered",
        "couldn't be delivered",
        "was not delivered",
        "not able to deliver",
        "wasn't able to deliver",
        "unable to deliver",
        "delivery failed",
        "delivery failure",
        "delivery has failed",
        "mail delivery failed",
        "returned mail",
        "returned to sender",
        "failure notice",
        "message rejected",
        "was rejected by",
        "were rejected",
        "mail system error",
        "exceeded the local limit",
        "user unknown",
        "unknown user",
        "no such user",
        "mailbox full",
        "mailbox is full",
        "permanent error",
        "permanent fatal errors",
        "delivery status notification",
        "mail delivery error",
        "address not found",
        "recipient rejected",
        "送信できませんでした",
        "配信できませんでした",
        "届けられませんでした",
        "お届けできませんでした",
        "配送できませんでした",
        "配信に失敗しました",
        "配達できませんでした",
        "届きませんでした",
        "配信不能",
        "送信エラー",
        "配信エラー",
        "宛先不明",
        "メールボックスが一杯",
        "メールボックスがいっぱい",
        "エラーメール",
        "メールエラー",
        "存在しないため",
    ];
    const DELAYED: &[&str] = &[
        "has been delayed",
        "delivery is delayed",
        "delivery delayed",
        "will be retried",
        "will keep trying",
        "still being retried",
        "still trying",
        "warning: could not send",
        "warning: message",
        "not been delivered yet",
        "could not be delivered for",
        "遅延",
        "再送を試み",
        "配信が遅れ",
        "配送が遅れ",
        "まで再試行",
        "再送信を試み",
        "no action is required",
    ];
    let has = |words: &[&str]| words.iter().any(|w| subject.contains(w) || lower.contains(w));
    let outcome = if has(DELAYED) {
        ReportOutcome::Delayed
    } else if has(FAILED) || mail.header("X-Failed-Recipients").is_some() {
        ReportOutcome::Failed
    } else {
        return None;
    };
    let recipient = mail
        .header("X-Failed-Recipients")
        .and_then(|v| v.split(',').next())
        .map(|v| clean_line(v, 320))
        .filter(|v| v.contains('@'))
        .or_else(|| first_address(own, mail))
        .or_else(|| first_address(&subject, mail))
        .or_else(|| original_recipient(mail, &text));
    Some(Report { outcome, recipient, original: None, status: status_line(own) })
}

/// The part above the copy of the returned mail.
fn before_copy(text: &str) -> &str {
    const MARKS: &[&str] = &[
        "below this line is a copy",
        "this is a copy of",
        "original message follows",
        "message header follows",
        "unsent message below",
        "included is a copy",
        "---------------------------------------------------",
        "original message headers",
        "----- original message",
        "returned message",
        "元のメール",
        "以下、送信されたメール",
    ];
    let lower = text.to_ascii_lowercase();
    MARKS.iter().filter_map(|m| lower.find(m)).min().and_then(|at| text.get(..at)).unwrap_or(text)
}

/// The first address in a text that is neither ours nor the mailer's.
fn first_address(text: &str, mail: &Mail) -> Option<String> {
    let own: Vec<String> =
        mail.to.iter().chain(mail.from.as_ref()).map(|a| a.address.to_lowercase()).collect();
    text.split(|c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '<' | '>'
                    | '('
                    | ')'
                    | '"'
                    | '\''
                    | ','
                    | ';'
                    | '「'
                    | '」'
                    | '['
                    | ']'
                    | '、'
                    | '。'
                    | '：'
                    | '（'
                    | '）'
            )
    })
    .map(|word| {
        word.trim_matches([':', '.', '、', '。']).trim_start_matches("mailto:").trim_start_matches("To:")
    })
    .filter(|word| {
        word.len() <= 320
            && word.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty() && domain.contains('.') && !domain.contains('@')
            })
    })
    .find(|word| {
        let lower = word.to_lowercase();
        !own.contains(&lower) && !lower.starts_with("postmaster@") && !lower.starts_with("mailer-daemon@")
    })
    .map(str::to_owned)
}

/// `To` of the returned mail, where the report itself names nobody.
fn original_recipient(mail: &Mail, text: &str) -> Option<String> {
    returned_header(mail, text, "to").and_then(|to| {
        let start = to.rfind('<').map_or(0, |i| i + 1);
        let address = to[start..].trim_end_matches(['>', ' ']).trim();
        address.contains('@').then(|| clean_line(address, 320))
    })
}

/// The line that gives the reason: an enhanced status code or a reply code with its words.
fn status_line(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).take(300).collect();
    let best = lines
        .iter()
        .position(|l| enhanced(l) && has_reply_code(l))
        .or_else(|| lines.iter().position(|l| enhanced(l)))
        .or_else(|| lines.iter().position(|l| has_reply_code(l)));
    if let Some(at) = best {
        // A code alone on its line continues the line above.
        let bare = lines[at].chars().filter(|c| c.is_alphabetic()).count() < 6;
        let whole =
            if bare && at > 0 { format!("{} {}", lines[at - 1], lines[at]) } else { lines[at].to_owned() };
        return Some(clean_line(&whole, 300));
    }
    const REASONS: &[&str] = &[
        "一杯",
        "いっぱい",
        "quota",
        "exceeded",
        "rejected",
        "unknown",
        "not listed",
        "宛先不明",
        "存在しない",
        "見つかりません",
    ];
    let reason = |l: &&&str| REASONS.iter().any(|r| l.to_lowercase().contains(r));
    let plain = lines.iter().filter(|l| !l.contains('@')).find(reason);
    plain.or_else(|| lines.iter().find(reason)).map(|l| clean_line(l, 300))
}

/// Whether a line begins with or holds an SMTP reply code of refusal.
fn has_reply_code(line: &str) -> bool {
    line.split([' ', '-', '\'', ':', '(', '<', '>']).any(|word| {
        matches!(word.as_bytes(), [b'4' | b'5', b'0'..=b'7', b'0'..=b'9'])
            && line.chars().any(char::is_alphabetic)
    })
}

/// Whether a line holds `4.x.y` or `5.x.y` as a word.
fn enhanced(line: &str) -> bool {
    line.split(|c: char| !(c.is_ascii_digit() || c == '.')).any(|word| {
        let mut parts = word.trim_matches('.').split('.');
        matches!((parts.next(), parts.next(), parts.next(), parts.next()),
            (Some("4" | "5"), Some(a), Some(b), None) if (1..=3).contains(&a.len()) && (1..=3).contains(&b.len()))
    })
}

fn original_message_id(mail: &Mail) -> Option<String> {
    returned_header(mail, &mail.text, "message-id").and_then(|v| message_ids(&v).into_iter().next())
}

/// A header of the returned mail: in an enclosed part, else in the text below the mark.
fn returned_header(mail: &Mail, text: &str, name: &str) -> Option<String> {
    let enclosed = mail.parts.iter().filter(|p| {
        matches!(
            p.media_type.as_str(),
            "message/rfc822"
                | "text/rfc822-headers"
                | "message/rfc822-headers"
                | "message/global"
                | "message/global-headers"
        )
    });
    for part in enclosed {
        if let Some(value) = header_in(&part.bytes[..part.bytes.len().min(MAX_SCANNED)], name) {
            return Some(value);
        }
    }
    let below = &text[before_copy(text).len()..];
    header_in(below.as_bytes(), name).or_else(|| {
        // Some put the copy without a mark: the heading is found by its own Message-ID line.
        let lines: String = text
            .lines()
            .skip_while(|l| {
                !l.to_ascii_lowercase().starts_with("received:")
                    && !l.to_ascii_lowercase().starts_with("return-path:")
            })
            .collect::<Vec<_>>()
            .join("\n");
        header_in(lines.as_bytes(), name)
    })
}

fn header_in(bytes: &[u8], name: &str) -> Option<String> {
    let mut value: Option<Vec<u8>> = None;
    for line in bytes.split(|b| *b == b'\n') {
        if let Some(collected) = value.as_mut() {
            if line.first().is_some_and(|b| matches!(b, b' ' | b'\t')) {
                collected.extend_from_slice(line);
                continue;
            }
            break;
        }
        let colon = line.iter().position(|b| *b == b':');
        if let Some(at) = colon.filter(|at| line[..*at].trim_ascii().eq_ignore_ascii_case(name.as_bytes())) {
            value = Some(line[at + 1..].to_vec());
        }
    }
    value.map(|v| decode_header(&v).text).filter(|v| !v.is_empty())
}

/// Whether the mail's own type says that it is a delivery report even if its parts are damaged.
pub(crate) fn declared(mail: &Mail) -> bool {
    mail.header("Content-Type").is_some_and(|v| {
        params::value(v.as_bytes()) == "multipart/report"
            && params::parse(v.as_bytes())
                .get("report-type")
                .is_some_and(|t| t.eq_ignore_ascii_case("delivery-status"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::parse_mail;

    #[test]
    fn forms_of_reports() {
        let qmail = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: us@in.example\nSubject: failure notice\n\nHi. This is the qmail-send program.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<a@b.example>:\n550 Unknown user (#5.5.0)\n\n--- Below this line is a copy of the message.\n\nMessage-ID: <X.1@in.example>\nTo: a@b.example\n\nx\n";
        let report = read(&parse_mail(qmail.as_bytes()).unwrap(), None).unwrap();
        assert_eq!(report.outcome, ReportOutcome::Failed);
        assert_eq!(report.recipient.as_deref(), Some("a@b.example"));
        assert_eq!(report.original.as_deref(), Some("X.1@in.example"));
        let delayed = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nSubject: Warning: could not send message for past 4 hours\n\n<a@b.example>: deferred\n";
        assert_eq!(
            read(&parse_mail(delayed.as_bytes()).unwrap(), None).unwrap().outcome,
            ReportOutcome::Delayed
        );
        let exchange = "Return-Path: <>\nFrom: postmaster@st.example\nTo: us@in.example\nSubject: x\nContent-Type: text/plain; charset=utf-8\n\n次の受信者または配布リストへの配信に失敗しました:\n\nhinata@st.example\n入力したメール アドレスが見つかりませんでした。\n";
        let report = read(&parse_mail(exchange.as_bytes()).unwrap(), None).unwrap();
        assert_eq!(report.recipient.as_deref(), Some("hinata@st.example"));
        assert!(kakehashi_core::bounce::is_hard(report.status.as_deref().unwrap()), "{report:?}");
        let docomo = "Return-Path: <>\nFrom: MAILER-DAEMON@docomo.example\nTo: us@in.example\nSubject: Mail System Error - Returned Mail\n\nThis Message was undeliverable due to the following reason:\n\nThe following destination addresses were unknown (please check\nthe addresses and re-mail the message):\n\n<kaigo@docomo.example>: unknown user\n";
        let report = read(&parse_mail(docomo.as_bytes()).unwrap(), None).unwrap();
        assert!(kakehashi_core::bounce::is_hard(report.status.as_deref().unwrap()), "{report:?}");
        let late = "Return-Path: <>\nFrom: mailer-daemon@googlemail.example\nSubject: Delivery Status Notification (Delay)\nContent-Type: text/plain; charset=utf-8\n\n** メールの配信が遅れています **\n\n一時的な問題のため、hinata@st.example へのメールの配信が遅れています。46 時間後まで再試行し、配信に失敗した場合はお知らせします。\n";
        let report = read(&parse_mail(late.as_bytes()).unwrap(), None).unwrap();
        assert_eq!(
            (report.outcome, report.recipient.as_deref()),
            (ReportOutcome::Delayed, Some("hinata@st.example"))
        );
        let person =
            "From: nurse@b.example\nSubject: 届きません\n\nメールが送信できませんでしたと言われました\n";
        assert_eq!(read(&parse_mail(person.as_bytes()).unwrap(), None), None);
    }
}
