//! The line with which a mail program introduces a quote: `On …, … wrote:`, 「…さんは書きました」. Only where it
//! names a time, an address or a verb of writing; a sentence of the writer must never be taken for one.

use super::Kind;
use kakehashi_core::text::fold::lower;
use kakehashi_core::text::start_of;

pub(super) fn trailing_attribution(lines: &[&str], kinds: &[Kind]) -> Option<usize> {
    let at = kinds.iter().position(|k| *k == Kind::Attribution)?;
    // Only where it names a time or an address: 「記録は木下さんが書きました」 is no heading of a quote.
    let line = lines[at].trim();
    let exact = begins_with_date(line)
        || line.contains('@')
        || line.ends_with([':', '：', ')', '）'])
        || line.is_ascii();
    if !exact {
        return None;
    }
    // Only with something before and something after it; a lone sentence may look like one.
    let before = kinds[..at].contains(&Kind::Own);
    let after = lines[at + 1..].iter().any(|l| !l.trim().is_empty());
    (before && after).then_some(at)
}

pub(super) fn starts_attribution(line: &str) -> bool {
    let lower = lower(line.to_owned());
    ["on ", "le ", "am ", "el ", "il ", "em ", "op ", "den ", "dnia "].iter().any(|w| lower.starts_with(w))
        || begins_with_date(line)
        || line.contains('@')
}

/// `On …, … wrote:`, `2026年11月24日(火) 10:00 … <…>:`, `…さんは書きました`, `…のメール:`.
pub(super) fn is_attribution(line: &str) -> bool {
    let line = line.trim().trim_start_matches('*').trim();
    if line.chars().count() > 300 {
        return false;
    }
    // `---- On …, … wrote ----` is how some web mailers draw it.
    let drawn = line.starts_with("---") && line.ends_with("---");
    let bare = line.trim_end_matches([' ', '*', '_']).trim_matches(['-', ' ']);
    let ends_open = drawn || bare.ends_with([':', '：']);
    let mut word = bare.trim_end_matches([':', '：']).trim_end();
    // `11月24日 10:12 連携さんは書きました。`; without a date it is a sentence of the writer.
    if begins_with_date(bare) && bare.contains(':') {
        word = word.trim_end_matches('。');
    }
    // Nearly every line of a mail ends here.
    if !ends_open && !word.ends_with("書きました") {
        return false;
    }
    let said = lower(word.to_owned());
    let verb = [
        "wrote",
        "writes",
        "schrieb",
        "a écrit",
        "escribió",
        "ha scritto",
        "escreveu",
        "schreef",
        "skrev",
        "napisał(a)",
        "写道",
    ]
    .iter()
    .any(|v| said.ends_with(v));
    if ends_open && verb {
        return true;
    }
    let bare_lower = lower(bare.to_owned());
    if bare_lower.starts_with("am ") && bare_lower.contains(" schrieb ") && ends_open {
        return true;
    }
    if [
        "は書きました",
        "が書きました",
        "さんからのメール",
        "のメッセージ",
        "のメール",
        "が送信",
        "wrote",
        "からのメッセージ",
    ]
    .iter()
    .any(|v| word.ends_with(v) || paren_after(word, v))
        && (ends_open || word.ends_with("書きました"))
        && (begins_with_date(bare)
            || bare.contains(['@', '<', '('])
            || word.contains("さん")
            || word.contains("書きました"))
    {
        return true;
    }
    ends_open && begins_with_date(bare) && bare.contains('@')
}

/// `…さんは書きました (2026/11/24 21:15)`.
fn paren_after(line: &str, verb: &str) -> bool {
    line.rfind(verb).is_some_and(|at| {
        let rest = line[at + verb.len()..].trim();
        rest.starts_with(['(', '（']) && rest.ends_with([')', '）'])
    })
}

fn begins_with_date(line: &str) -> bool {
    let start = start_of(line, 24);
    let digits = start.bytes().take_while(u8::is_ascii_digit).count();
    (digits == 4 && start[4..].starts_with(['年', '/', '-', '.']))
        || (matches!(digits, 1 | 2) && start[digits..].starts_with(['/', '月', '.']))
        || start.starts_with("令和")
}
