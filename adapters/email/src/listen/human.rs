//! The line of a refusal that a person is to read: who gets a mail back sees what the server said. Beside the
//! protocol's own English words stands a Japanese sentence; in Latin letters unless the sender said SMTPUTF8, because
//! a reply is ASCII otherwise (RFC 6531 3.7.4.2). It never says anything of addresses or of the mail.

/// Writes a reply, the sentence for people in front of it if it is a refusal.
pub(super) fn write(line: &str, utf8: bool, out: &mut Vec<u8>) {
    if let Some(sentence) = sentence(line, utf8) {
        // The enhanced code stands on every line (RFC 2034 section 4).
        let (code, rest) = line.split_at_checked(3).unwrap_or((line, ""));
        let status = rest.trim_start().split(' ').next().unwrap_or("");
        out.extend_from_slice(format!("{code}-{status} {sentence}\r\n").as_bytes());
    }
    out.extend_from_slice(line.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// The Japanese sentence for a reply line, `None` for what refuses nothing.
fn sentence(line: &str, utf8: bool) -> Option<&'static str> {
    let code = line.get(..3)?;
    let status = line.get(4..)?.split(' ').next()?;
    let (kana, latin) = match (code, status) {
        ("550", "5.1.1") => (
            "この宛先はありません。宛先を確かめてください",
            "kono atesaki wa arimasen. atesaki o tashikamete kudasai",
        ),
        ("552", _) => (
            "メールが大きすぎます。添付を減らして送り直してください",
            "meeru ga ookisugimasu. tenpu o herashite okurinaoshite kudasai",
        ),
        ("550", "5.6.0" | "5.6.11") | ("500", "5.5.2") => (
            "メールの形が正しくないため受け取れません。メールの管理者に知らせてください",
            "meeru no katachi ga tadashikunai tame uketoremasen. meeru no kanrisha ni shirasete kudasai",
        ),
        ("554", "5.6.0") => ("このメールは受け取れません", "kono meeru wa uketoremasen"),
        ("553", _) => (
            "この宛先は読めない書き方です。宛先を確かめてください",
            "kono atesaki wa yomenai kakikata desu. atesaki o tashikamete kudasai",
        ),
        ("452", _) => (
            "宛先が多すぎます。残りはあとで送られます",
            "atesaki ga oosugimasu. nokori wa ato de okuraremasu",
        ),
        (c, _) if c.starts_with('4') => (
            "いまは受け取れません。あとで自動的に送り直されます",
            "ima wa uketoremasen. ato de jidouteki ni okurinaosaremasu",
        ),
        (c, _) if c.starts_with('5') => (
            "サーバーどうしのやりとりの誤りです。メールの管理者に知らせてください",
            "saabaa doushi no yaritori no ayamari desu. meeru no kanrisha ni shirasete kudasai",
        ),
        _ => return None,
    };
    Some(if utf8 { kana } else { latin })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_sentence_and_nothing_else_has() {
        for line in [
            "550 5.1.1 x",
            "552 5.3.4 x",
            "550 5.6.11 x",
            "554 5.6.0 x",
            "451 4.3.0 x",
            "421 4.4.2 x",
            "501 5.5.4 x",
        ] {
            assert!(sentence(line, false).unwrap().is_ascii(), "{line}");
            assert!(!sentence(line, true).unwrap().is_ascii(), "{line}");
        }
        let mut out = Vec::new();
        write("550 5.1.1 no such recipient here", true, &mut out);
        write("250 2.0.0 OK", true, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "550-5.1.1 この宛先はありません。宛先を確かめてください\r\n550 5.1.1 no such recipient here\r\n250 2.0.0 OK\r\n"
        );
        for line in ["250 2.0.0 OK", "354 go", "220 x", "", "5"] {
            assert_eq!(sentence(line, false), None, "{line}");
        }
    }
}
