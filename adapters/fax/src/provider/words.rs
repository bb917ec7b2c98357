//! Where usual mails about FAXes put numbers and names: headers, subjects, lines with a label, in
//! Japanese and English. The number that was called must never be taken for the number that called.

use kakehashi_core::mail::Mail;
use kakehashi_core::text::fold::narrow;
use kakehashi_core::text::number::fold_number;

/// Text that is looked at; mails of machines are short.
pub(crate) const MOST_TEXT: usize = 20_000;

/// Labels of the caller number, longest first so that 発信元番号 is not read as 発信元.
const CALLER: &[&str] = &[
    "発信元FAX番号",
    "発信者FAX番号",
    "送信元FAX番号",
    "送信者FAX番号",
    "相手先FAX番号",
    "発信元ファックス番号",
    "発信元電話番号",
    "発信者電話番号",
    "発信電話番号",
    "発信元番号",
    "発信者番号",
    "発信番号",
    "送信元番号",
    "送信者番号",
    "相手先番号",
    "相手番号",
    "差出人番号",
    "発番号",
    "発信元",
    "発信者",
    "送信元",
    "送信者",
    "相手先",
    "相手機",
    "差出人",
    "発信",
    "相手",
    "caller number",
    "caller id",
    "callerid",
    "calling number",
    "sender number",
    "sender fax",
    "fax from",
    "from number",
    "remote number",
    "remote fax",
    "received from",
    "originating number",
    "ani",
    "from",
    "sender",
    "caller",
    "remote station",
];

/// Labels of what the far machine calls itself.
const MACHINE: &[&str] = &[
    "発信元ID",
    "発信者ID",
    "送信元ID",
    "相手先ID",
    "相手局ID",
    "相手先CSI",
    "相手先TSI",
    "発信元名",
    "TSI",
    "CSI",
    "RTI",
    "CSID",
    "remote id",
    "remote csid",
    "station id",
    "remote station id",
    "sender id",
];

/// Headers that hold the caller number, without `X-` and `Fax-`.
const CALLER_HEADERS: &[&str] = &[
    "callerid",
    "caller-id",
    "caller",
    "callernumber",
    "caller-number",
    "callingnumber",
    "calling-number",
    "from",
    "fromnumber",
    "from-number",
    "sender",
    "sendernumber",
    "ani",
    "clid",
    "cli",
    "remotenumber",
    "remote-number",
];

/// The caller number in one of the usual places.
pub(super) fn usual_number(mail: &Mail) -> Option<String> {
    from_headers(mail)
        .or_else(|| labelled_number(&mail.text))
        .or_else(|| from_subject(mail.subject.as_deref().unwrap_or("")))
        .or_else(|| number_before_kara(&mail.text))
        .or_else(|| from_address(mail))
        .filter(|number| !is_number_of_ours(mail, number))
}

/// `X-Fax-CallerID`, `X-CallerID`, … and never `X-Fax-DID`, which is the number that was called.
fn from_headers(mail: &Mail) -> Option<String> {
    mail.headers.iter().find_map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        let rest = name.strip_prefix("x-")?;
        let bare = ["fax-", "efax-", "ifax-", "facsimile-"].iter().find_map(|p| rest.strip_prefix(p));
        // `X-From` and `X-Sender` are about mail; they need the word FAX in front.
        let known = match bare {
            Some(bare) => CALLER_HEADERS.contains(&bare),
            None => CALLER_HEADERS.contains(&rest) && !matches!(rest, "from" | "sender"),
        };
        if known && !withheld(value) { fold_number(value) } else { None }
    })
}

fn labelled_number(text: &str) -> Option<String> {
    let value = labelled(text, CALLER)?;
    if withheld(&value) { None } else { first_number(&value) }
}

/// Numbers in a subject: after a word for the caller, in quotes, or the only one there is.
fn from_subject(subject: &str) -> Option<String> {
    let subject = narrow(subject);
    if withheld(&subject) {
        return None;
    }
    for word in ["発信元", "発信者", "送信元", "相手先", "差出人", "caller", "from"] {
        if let Some(at) = find_fold(&subject, word) {
            let after: String = subject[at..].chars().skip(word.chars().count()).take(40).collect();
            if let Some(number) = first_number(&after) {
                return Some(number);
            }
        }
    }
    // A number followed by 宛 is the one that was called.
    let mut numbers = numbers_in(&subject)
        .into_iter()
        .filter(|(_, after)| !after.trim_start().starts_with(['宛', 'へ']))
        .map(|(number, _)| number);
    let first = numbers.next()?;
    numbers.all(|other| other == first).then_some(first)
}

/// `045-000-0041 から 2 ページのファックスを…`
fn number_before_kara(text: &str) -> Option<String> {
    let head: String = narrow(&text.chars().take(2000).collect::<String>());
    numbers_in(&head)
        .into_iter()
        .find(|(_, after)| after.trim_start().starts_with("から"))
        .map(|(number, _)| number)
}

/// `FAX=+81300000011@…`, `0300000011@…`.
fn from_address(mail: &Mail) -> Option<String> {
    let local = local_part(&mail.from.as_ref()?.address).to_ascii_lowercase();
    let bare = local.strip_prefix("fax=").unwrap_or(&local);
    let bare = bare.split('/').next().unwrap_or(bare);
    let digits = bare.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-'));
    if digits && bare.len() >= 9 { fold_number(bare) } else { None }
}

pub(super) fn local_part(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(local, _)| local)
}

/// Whether this number is named as the one that was called (`X-Fax-DID`, 受信番号).
fn is_number_of_ours(mail: &Mail, number: &str) -> bool {
    let did = mail.headers.iter().any(|(name, value)| {
        let name = name.to_ascii_lowercase();
        (name.contains("did") || name.contains("called") || name.contains("fax-to"))
            && name.starts_with("x-")
            && fold_number(value).as_deref() == Some(number)
    });
    did || labelled(&mail.text, &["受信番号", "着信番号", "受信FAX番号", "お客様番号"])
        .and_then(|v| first_number(&v))
        .is_some_and(|n| n == number)
}

/// What the far machine calls itself.
pub(super) fn machine_id(mail: &Mail) -> Option<String> {
    let value = labelled(&mail.text, MACHINE)?;
    let line = kakehashi_core::text::clean_line(&value, 40);
    (!line.is_empty() && !withheld(&line)).then_some(line)
}

/// Whether the mail says that the number was withheld.
pub(super) fn says_withheld(mail: &Mail) -> bool {
    let value = labelled(&mail.text, CALLER).unwrap_or_default();
    withheld(&value)
        || withheld(mail.subject.as_deref().unwrap_or(""))
        || mail
            .headers
            .iter()
            .any(|(name, value)| name.to_ascii_lowercase().contains("caller") && withheld(value))
}

/// Words that stand where a number should be.
pub(crate) fn withheld(text: &str) -> bool {
    let folded = narrow(text).to_lowercase();
    [
        "非通知",
        "通知不可",
        "通知不能",
        "表示圏外",
        "公衆電話",
        "番号なし",
        "anonymous",
        "withheld",
        "not available",
        "unavailable",
        "private number",
        "unknown",
    ]
    .iter()
    .any(|word| folded.contains(word))
}

/// The value after a label: `label：value`, `label  value`, `label<TAB>value`, or on the next line. The
/// label must begin its line (after bullets and brackets).
pub(crate) fn labelled(text: &str, labels: &[&str]) -> Option<String> {
    let head: String = text.chars().take(MOST_TEXT).collect();
    let lines: Vec<String> = head.lines().map(narrow).collect();
    let labels: Vec<String> = labels.iter().map(|l| narrow(l).to_lowercase()).collect();
    for (index, line) in lines.iter().enumerate() {
        let line = line.trim_start_matches(|c: char| c.is_whitespace() || "・*-●○■□◆◇【[|".contains(c));
        let lower = line.to_lowercase();
        let Some(label) = labels.iter().find(|l| lower.starts_with(l.as_str())) else { continue };
        // Lower-casing may change lengths outside ASCII; count characters, not bytes.
        let rest: String = line.chars().skip(label.chars().count()).collect();
        let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || "】]".contains(c));
        let separated = rest.starts_with([':', '=', '|'])
            || rest.len() < line.chars().skip(label.chars().count()).map(char::len_utf8).sum();
        let value = rest.trim_start_matches(|c: char| c.is_whitespace() || ":=|".contains(c)).trim();
        if separated && !value.is_empty() {
            return Some(value.to_owned());
        }
        if value.is_empty()
            && let Some(next) = lines.get(index + 1)
            && !next.trim().is_empty()
        {
            return Some(next.trim().to_owned());
        }
    }
    None
}

/// The number in a text that looks like `pattern` with `{number}` in it; `*` stands for anything.
pub(super) fn by_pattern(text: &str, pattern: &str) -> Option<String> {
    let (before, after) = pattern.split_once("{number}")?;
    let (text, before, after) = (narrow(text), narrow(before), narrow(after));
    let mut rest = text.as_str();
    for piece in before.split('*').filter(|p| !p.is_empty()) {
        rest = &rest[rest.find(piece)? + piece.len()..];
    }
    let end = after.split('*').find(|p| !p.is_empty()).map_or(Some(rest.len()), |p| rest.find(p))?;
    Some(rest[..end].trim().to_owned())
}

pub(crate) fn first_number(text: &str) -> Option<String> {
    numbers_in(&narrow(text)).into_iter().next().map(|(number, _)| number)
}

/// Telephone numbers in a narrow text, each with the text that follows it. Runs with a date's or a
/// page's length are no numbers: 9 digits at least, 0 or + in front.
fn numbers_in(text: &str) -> Vec<(String, String)> {
    let chars: Vec<char> = text.chars().take(MOST_TEXT).collect();
    let mut found = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let starts = chars[i] == '0' || chars[i] == '+' || chars[i] == '(';
        let free =
            i == 0 || !(chars[i - 1].is_ascii_alphanumeric() || matches!(chars[i - 1], '-' | '.' | '/'));
        if !starts || !free {
            i += 1;
            continue;
        }
        let mut j = i;
        let mut digits = 0;
        while j < chars.len() && j - i < 24 {
            match chars[j] {
                c if c.is_ascii_digit() => digits += 1,
                '-' | '(' | ')' | '+' | '‐' | '−' | 'ー' | '–' => {}
                // One blank between groups, not before a new word.
                ' ' if chars.get(j + 1).is_some_and(char::is_ascii_digit) && digits < 10 => {}
                _ => break,
            }
            j += 1;
        }
        let written: String = chars[i..j].iter().collect();
        let number = fold_number(&written).filter(|n| n.starts_with(['0', '+']));
        if let Some(number) = number.filter(|_| (9..=13).contains(&digits)) {
            found.push((number, chars[j..].iter().take(12).collect()));
        }
        i = j.max(i + 1);
    }
    found
}

fn find_fold(text: &str, word: &str) -> Option<usize> {
    // ASCII case only, so that byte offsets stay those of the text.
    text.to_ascii_lowercase().find(&word.to_ascii_lowercase())
}
