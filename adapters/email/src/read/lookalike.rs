//! Senders that are made to look like somebody else: a display name that shows another address, letters of another
//! script in an address. Only told to whoever looks at the mail: an address that is not registered acts in no way,
//! however it looks, and a foreign script alone is no forgery.

use kakehashi_core::mail::MailAddress;
use kakehashi_core::text::fold::narrow;

/// Code of the warning.
pub(crate) const WARNING: &str = "sender_misleading";

/// What is misleading about a sender.
pub(crate) fn doubt(from: &MailAddress) -> Option<&'static str> {
    let shown = from.name.as_deref().map(narrow).unwrap_or_default().to_lowercase();
    let own = from.address.to_lowercase();
    let other = shown
        .split(|c: char| {
            c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '"' | '\'' | ',' | '「' | '」' | ':')
        })
        .any(|word| is_address(word) && word != own);
    if other {
        return Some("the name that is shown holds another address than the sender's");
    }
    if from.address.chars().any(looks_latin) {
        return Some("the address holds letters of another script that look like Latin ones");
    }
    let domain = own.rsplit('@').next().unwrap_or("");
    if domain.split('.').any(|label| label.starts_with("xn--")) {
        return Some("the domain is written in other letters than it shows (xn--)");
    }
    None
}

fn is_address(word: &str) -> bool {
    word.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.contains('.')
            && domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
    })
}

/// Greek, Cyrillic, full-width and mathematical letters, and signs that nobody sees.
const fn looks_latin(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{52f}' | '\u{ff21}'..='\u{ff5a}' | '\u{1d400}'..='\u{1d7ff}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn misleads(name: Option<&str>, address: &str) -> bool {
        doubt(&MailAddress { name: name.map(str::to_owned), address: address.to_owned() }).is_some()
    }

    #[test]
    fn made_to_look_like_somebody_else() {
        assert!(misleads(Some("otsuka@sakura.example.jp"), "evil@x.example"));
        assert!(misleads(Some("大塚 <otsuka@sakura.example.jp>"), "evil@x.example"));
        assert!(misleads(None, "otsuka@s\u{430}kura.example.jp"));
        assert!(misleads(None, "ｏtsuka@sakura.example.jp"));
        assert!(misleads(None, "otsuka@xn--skura-5ve.example"));
        for (name, address) in [
            (Some("大塚 りつ子"), "otsuka@sakura.example.jp"),
            (Some("Otsuka@Sakura.example.jp"), "otsuka@sakura.example.jp"),
            (Some("大塚@さくら訪看"), "otsuka@sakura.example.jp"),
            (Some("夜勤@"), "otsuka@sakura.example.jp"),
            (None, "kaigo..musume.@docomo.example"),
            (None, "大塚@sakura.example.jp"),
        ] {
            assert!(!misleads(name, address), "{name:?} {address}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total(name in ".*", address in ".*") {
            let _ = misleads(Some(&name), &address);
        }
    }
}
