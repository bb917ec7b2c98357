//! Mails as the outside world writes them: a member's answer with signature and quote, an absence
//! notice, pages as a FAX provider forwards them, its report about a job. Plain text made here, without
//! any of the program's own code.

use crate::caught::Letter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Address from which the FAX provider writes.
pub const PROVIDER: &str = "receiver@fax.kakehashi.example";
/// Where the FAX provider delivers what it received.
pub const FAX_INTAKE: &str = "fax@in.kakehashi.example";

/// A word of a header in Japanese (RFC 2047).
fn encoded(text: &str) -> String {
    // One encoded word may be 75 signs long, which 12 Japanese characters never exceed.
    let characters: Vec<char> = text.chars().collect();
    let words = characters.chunks(12).map(|part| {
        let part: String = part.iter().collect();
        format!("=?UTF-8?B?{}?=", STANDARD.encode(part))
    });
    words.collect::<Vec<_>>().join("\r\n ")
}

fn folded(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let lines: Vec<String> =
        text.as_bytes().chunks(76).map(|l| String::from_utf8_lossy(l).into_owned()).collect();
    lines.join("\r\n")
}

fn fresh_id(from: &str) -> String {
    format!("{:032x}@{}", rand::random::<u128>(), from.rsplit('@').next().unwrap_or("example"))
}

/// A mail of plain text. `headers` are further lines, each with its line end.
#[must_use]
pub fn plain(from: &str, to: &str, subject: &str, headers: &str, text: &str) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: {}\r\nMessage-ID: <{}>\r\n{headers}MIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
        encoded(subject),
        fresh_id(from),
        folded(text.replace('\n', "\r\n").as_bytes())
    )
    .into_bytes()
}

/// A member's answer, signed, with the mail quoted below as mail clients do.
#[must_use]
pub fn answer(to: &Letter, from: &str, words: &str, signature: &str) -> Vec<u8> {
    let quoted: String = to.text.lines().map(|l| format!("> {l}\n")).collect();
    let text =
        format!("{words}\n\n-- \n{signature}\n\n2026年6月9日(火) 10:21 架け橋 <{}>:\n{quoted}", to.answer_to);
    let headers = format!("In-Reply-To: <{0}>\r\nReferences: <{0}>\r\n", to.message_id);
    plain(from, &to.answer_to, &format!("Re: {}", to.subject), &headers, &text)
}

/// What a mailer answers by itself while its owner is away (RFC 3834).
#[must_use]
pub fn absence(to: &Letter, from: &str) -> Vec<u8> {
    let headers = format!(
        "In-Reply-To: <{}>\r\nAuto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n",
        to.message_id
    );
    let text = "ただいま不在にしております。了解しましたら、改めてご連絡いたします。\n";
    plain(from, &to.answer_to, &format!("自動応答: {}", to.subject), &headers, text)
}

/// Pages as the FAX provider forwards them.
#[must_use]
pub fn fax(number: &str, pages: usize, tiff: &[u8]) -> Vec<u8> {
    fax_file(number, pages, "image/tiff", tiff)
}

/// A photograph that a member mails without a word.
#[must_use]
pub fn photograph(from: &str, png: &[u8]) -> Vec<u8> {
    let boundary = "=_photograph";
    format!(
        "From: {from}\r\nTo: intake@in.kakehashi.example\r\nSubject: photo\r\nMessage-ID: <{}>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n\
         --{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n.\r\n\
         --{boundary}\r\nContent-Type: image/png; name=\"page.png\"\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"page.png\"\r\n\r\n{}\r\n--{boundary}--\r\n",
        fresh_id(from),
        folded(png)
    )
    .into_bytes()
}

/// A file of pages of another kind, as some machines and providers send it.
#[must_use]
pub fn fax_file(number: &str, pages: usize, media_type: &str, file: &[u8]) -> Vec<u8> {
    let ending = media_type.rsplit('/').next().unwrap_or("tif");
    let boundary = "=_kakehashi_pages";
    format!(
        "From: {PROVIDER}\r\nTo: {FAX_INTAKE}\r\nSubject: {}\r\nMessage-ID: <{}>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n\
         --{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n\
         --{boundary}\r\nContent-Type: {media_type}; name=\"fax.{ending}\"\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"fax.{ending}\"\r\n\r\n{}\r\n--{boundary}--\r\n",
        encoded(&format!("FAX受信 {number} {pages}枚")),
        fresh_id(PROVIDER),
        folded(format!("FAXを受信しました。\r\n発信元番号：{number}\r\n枚数：{pages}枚\r\n").as_bytes()),
        folded(file)
    )
    .into_bytes()
}

/// The provider's report that the far machine took all pages of a job.
#[must_use]
pub fn fax_report(job: &Letter, number: &str) -> Vec<u8> {
    let headers = format!("In-Reply-To: <{}>\r\nAuto-Submitted: auto-replied\r\n", job.message_id);
    let text = format!(
        "宛先FAX番号：{number}\n件名　　　　：{}\n受付番号　　：{}\n送信結果　　：成功\n通信時間　　：42秒\n",
        job.subject, job.message_id
    );
    plain(PROVIDER, FAX_INTAKE, &format!("FAX送信成功しました ({number})"), &headers, &text)
}
