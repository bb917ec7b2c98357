//! The footer that a facility's mail system puts below every mail (`mail_footer` of its endpoint): known word by
//! word, so it is taken off even where nothing marks it. It goes to the signature and nothing is lost; a
//! text that merely resembles it stays.

use crate::envelope::Envelope;
use crate::reply_words::is_only_acknowledgement;
use crate::text::fold::narrow;
use crate::vocabulary::{AttachmentRole, Intent};

/// Takes the known footer off the end of the text and reads what is left anew: 「了解」 above a footer is 了解.
/// `true` if the footer was there.
pub fn take_off(envelope: &mut Envelope, footer: &str) -> bool {
    let Some(body) = envelope.body.as_deref() else { return false };
    let Some(kept) = without(body, footer) else { return false };
    let taken = body.get(kept.len()..).unwrap_or("").trim().to_owned();
    let kept = kept.trim_end().to_owned();
    envelope.signature = Some(match envelope.signature.take() {
        Some(below) => format!("{taken}\n{below}"),
        None => taken,
    });
    let files = envelope.attachments.iter().any(|a| a.role == AttachmentRole::Document);
    if matches!(envelope.intent, Intent::Reply | Intent::Topic) && !files && is_only_acknowledgement(&kept) {
        envelope.intent = Intent::Acknowledgement;
    }
    envelope.body = Some(kept).filter(|b| !b.is_empty());
    true
}

/// The text above the footer, if the footer ends it. Blank lines and blanks do not matter.
fn without<'t>(body: &'t str, footer: &str) -> Option<&'t str> {
    let line = |l: &str| -> String { narrow(l).chars().filter(|c| !c.is_whitespace()).collect() };
    let mut wanted: Vec<String> = footer.lines().map(line).filter(|l| !l.is_empty()).collect();
    if wanted.is_empty() {
        return None;
    }
    let mut end = body.len();
    while let Some(last) = wanted.pop() {
        loop {
            let above = body.get(..end)?.trim_end_matches(['\n', '\r']);
            let start = above.rfind('\n').map_or(0, |at| at + 1);
            let found = line(above.get(start..)?);
            end = start;
            if found == last {
                break;
            }
            if !found.is_empty() || start == 0 {
                return None;
            }
        }
    }
    body.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::ContentHash;
    use crate::vocabulary::{Channel, Format};

    fn mail(body: &str) -> Envelope {
        let mut envelope = Envelope::empty(Channel::Email, Format::Rfc5322, ContentHash::of(body.as_bytes()));
        envelope.intent = Intent::Reply;
        envelope.body = Some(body.to_owned());
        envelope
    }

    const FOOTER: &str = "医療法人さくら会は禁煙です\n\n採用情報 https://sakura.example.jp/";

    #[test]
    fn the_known_footer_goes_and_nothing_else() {
        let mut got =
            mail("了解しました\n\n医療法人さくら会は禁煙です\n採用情報　https://sakura.example.jp/\n");
        assert!(take_off(&mut got, FOOTER));
        assert_eq!((got.body.as_deref(), got.intent), (Some("了解しました"), Intent::Acknowledgement));
        assert_eq!(
            got.signature.as_deref(),
            Some("医療法人さくら会は禁煙です\n採用情報　https://sakura.example.jp/")
        );
        let mut got = mail("26日は10時で\n医療法人さくら会は禁煙です\n採用情報 https://sakura.example.jp/");
        assert!(take_off(&mut got, FOOTER));
        assert_eq!((got.body.as_deref(), got.intent), (Some("26日は10時で"), Intent::Reply));
        for text in [
            "了解",
            "採用情報 https://sakura.example.jp/",
            "医療法人さくら会は禁煙です\n採用情報 https://sakura.example.jp/\nでした",
            "",
        ] {
            let mut got = mail(text);
            assert!(!take_off(&mut got, FOOTER), "{text}");
            assert_eq!(got.body.as_deref(), Some(text));
        }
        assert!(!take_off(&mut mail("了解"), " \n"));
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_lost(body in "(あ|い|\n| ){0,20}", footer in "(あ|い|\n| ){0,8}") {
            let mut got = mail(&body);
            take_off(&mut got, &footer);
            let count = |s: Option<&str>| s.unwrap_or("").chars().filter(|c| !c.is_whitespace()).count();
            proptest::prop_assert_eq!(
                count(got.body.as_deref()) + count(got.signature.as_deref()),
                count(Some(body.as_str()))
            );
        }
    }
}
