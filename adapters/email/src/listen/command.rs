//! SMTP command lines (RFC 5321 section 4.1). Total: a line is a command or the reply that refuses it.
//! Paths are taken leniently, because keitai addresses break the grammar, but never with control
//! characters, blanks or angle brackets inside.

/// A command as understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Ehlo {
        /// The name that the client gives itself.
        name: String,
    },
    Helo {
        /// The name that the client gives itself.
        name: String,
    },
    /// EHLO of LMTP (RFC 2033 section 4.1).
    Lhlo {
        /// The name that the client gives itself.
        name: String,
    },
    /// What a relay in front of us knows of its client.
    Xclient {
        /// Attributes in capitals with decoded values; `None` where the relay does not know.
        attributes: Vec<(String, Option<String>)>,
    },
    Mail {
        /// Empty for the null path.
        from: String,
        /// SIZE, if announced.
        size: Option<u64>,
        smtp_utf8: bool,
    },
    Rcpt {
        to: String,
    },
    Data,
    Rset,
    Noop,
    Quit,
    StartTls,
    Vrfy,
    Help,
}

/// Why a line is no command; each is one reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadCommand {
    /// 500.
    Unknown,
    /// 500, and the end of it: a web client was led here, and what follows is not its words.
    OtherProtocol,
    /// 501.
    Syntax,
    /// 502: known and not offered.
    NotOffered,
    /// 555: a parameter that we do not know.
    Parameter,
}

/// Reads one line without its CRLF.
pub(crate) fn parse(line: &[u8]) -> Result<Command, BadCommand> {
    let Ok(text) = std::str::from_utf8(line) else { return Err(BadCommand::Syntax) };
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(BadCommand::Syntax);
    }
    let text = text.trim_end();
    let (verb, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let rest = rest.trim();
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" | "HELO" | "LHLO" if rest.is_empty() => Err(BadCommand::Syntax),
        "EHLO" => Ok(Command::Ehlo { name: name(rest) }),
        "HELO" => Ok(Command::Helo { name: name(rest) }),
        "LHLO" => Ok(Command::Lhlo { name: name(rest) }),
        "XCLIENT" => xclient(rest),
        "MAIL" => mail(rest),
        "RCPT" => rcpt(rest),
        "DATA" if rest.is_empty() => Ok(Command::Data),
        "RSET" if rest.is_empty() => Ok(Command::Rset),
        "QUIT" if rest.is_empty() => Ok(Command::Quit),
        "STARTTLS" if rest.is_empty() => Ok(Command::StartTls),
        "DATA" | "RSET" | "QUIT" | "STARTTLS" => Err(BadCommand::Syntax),
        "NOOP" => Ok(Command::Noop),
        "VRFY" => Ok(Command::Vrfy),
        "HELP" => Ok(Command::Help),
        "EXPN" | "TURN" | "ETRN" | "BDAT" | "AUTH" | "XFORWARD" => Err(BadCommand::NotOffered),
        _ if rest.ends_with("HTTP/1.1") || rest.ends_with("HTTP/1.0") || rest.ends_with("HTTP/2.0") => {
            Err(BadCommand::OtherProtocol)
        }
        _ => Err(BadCommand::Unknown),
    }
}

fn name(rest: &str) -> String {
    rest.chars().take_while(|c| !c.is_whitespace()).take(255).collect()
}

/// `NAME=value …` with values in xtext (RFC 3461 section 4), as Postfix sends them.
fn xclient(rest: &str) -> Result<Command, BadCommand> {
    let mut attributes = Vec::new();
    for word in rest.split_ascii_whitespace() {
        let (name, value) = word.split_once('=').ok_or(BadCommand::Syntax)?;
        let name = name.to_ascii_uppercase();
        if !matches!(
            name.as_str(),
            "NAME" | "ADDR" | "PORT" | "PROTO" | "HELO" | "LOGIN" | "DESTADDR" | "DESTPORT"
        ) {
            return Err(BadCommand::Syntax);
        }
        let value = xtext(value).ok_or(BadCommand::Syntax)?;
        let known = !value.is_empty()
            && !value.eq_ignore_ascii_case("[UNAVAILABLE]")
            && !value.eq_ignore_ascii_case("[TEMPUNAVAIL]");
        attributes.push((name, known.then_some(value)));
    }
    if attributes.is_empty() { Err(BadCommand::Syntax) } else { Ok(Command::Xclient { attributes }) }
}

fn xtext(value: &str) -> Option<String> {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'+' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    let text = String::from_utf8(out).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

fn mail(rest: &str) -> Result<Command, BadCommand> {
    let (path, params) = path(rest, "FROM:")?;
    let (mut size, mut smtp_utf8) = (None, false);
    for param in params.split_ascii_whitespace() {
        let (name, value) = param.split_once('=').unwrap_or((param, ""));
        match name.to_ascii_uppercase().as_str() {
            "SIZE" => size = Some(value.parse::<u64>().map_err(|_| BadCommand::Syntax)?),
            "BODY" if value.eq_ignore_ascii_case("7BIT") || value.eq_ignore_ascii_case("8BITMIME") => {}
            "BODY" => return Err(BadCommand::Syntax),
            "SMTPUTF8" if value.is_empty() => smtp_utf8 = true,
            _ => return Err(BadCommand::Parameter),
        }
    }
    if !path.is_ascii() && !smtp_utf8 {
        return Err(BadCommand::Syntax);
    }
    Ok(Command::Mail { from: path, size, smtp_utf8 })
}

fn rcpt(rest: &str) -> Result<Command, BadCommand> {
    let (path, params) = path(rest, "TO:")?;
    if !params.is_empty() {
        return Err(BadCommand::Parameter);
    }
    if path.is_empty() {
        return Err(BadCommand::Syntax);
    }
    Ok(Command::Rcpt { to: path })
}

/// `FROM:<address> params`, a blank after the colon forgiven; a source route is dropped as RFC 5321
/// appendix C says.
fn path<'a>(rest: &'a str, word: &str) -> Result<(String, &'a str), BadCommand> {
    let start = rest.get(..word.len()).filter(|w| w.eq_ignore_ascii_case(word)).ok_or(BadCommand::Syntax)?;
    let after = rest[start.len()..].trim_start();
    let inner = after.strip_prefix('<').ok_or(BadCommand::Syntax)?;
    let mut quoted = false;
    let mut escaped = false;
    let mut end = None;
    for (i, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => {
                end = Some(i);
                break;
            }
            '<' | ' ' | '\t' if !quoted => return Err(BadCommand::Syntax),
            _ => {}
        }
    }
    let end = end.ok_or(BadCommand::Syntax)?;
    let params = &inner[end + 1..];
    if !params.is_empty() && !params.starts_with([' ', '\t']) {
        return Err(BadCommand::Syntax);
    }
    let mut address = &inner[..end];
    if address.starts_with('@') {
        address = address.split_once(':').ok_or(BadCommand::Syntax)?.1;
    }
    if address.len() > 320 {
        return Err(BadCommand::Syntax);
    }
    let whole = address.is_empty()
        || address.eq_ignore_ascii_case("postmaster")
        || address.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if whole { Ok((address.to_owned(), params.trim())) } else { Err(BadCommand::Syntax) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let mail = |from: &str, size| Ok(Command::Mail { from: from.to_owned(), size, smtp_utf8: false });
        assert_eq!(parse(b"MAIL FROM:<a@b>"), mail("a@b", None));
        assert_eq!(
            parse(b"mail from: <kaigo..musume.@docomo.example> SIZE=12 BODY=8BITMIME"),
            mail("kaigo..musume.@docomo.example", Some(12))
        );
        assert_eq!(parse(b"MAIL FROM:<>"), mail("", None));
        assert_eq!(parse(b"RCPT TO:<@x,@y:a@b>"), Ok(Command::Rcpt { to: "a@b".to_owned() }));
        assert_eq!(parse(b"RCPT TO:<\"a b>\"@c>"), Ok(Command::Rcpt { to: "\"a b>\"@c".to_owned() }));
        assert_eq!(
            parse("MAIL FROM:<あ@b> SMTPUTF8".as_bytes()),
            Ok(Command::Mail { from: "あ@b".to_owned(), size: None, smtp_utf8: true })
        );
        assert_eq!(
            parse(b"XCLIENT ADDR=IPv6:2001:db8::7 NAME=[UNAVAILABLE] helo=a+2Db"),
            Ok(Command::Xclient {
                attributes: vec![
                    ("ADDR".to_owned(), Some("IPv6:2001:db8::7".to_owned())),
                    ("NAME".to_owned(), None),
                    ("HELO".to_owned(), Some("a-b".to_owned())),
                ]
            })
        );
        assert_eq!(parse(b"LHLO mx.example"), Ok(Command::Lhlo { name: "mx.example".to_owned() }));
        for (line, bad) in [
            (&b"XCLIENT"[..], BadCommand::Syntax),
            (b"XCLIENT ADDR", BadCommand::Syntax),
            (b"XCLIENT ADDR=+0", BadCommand::Syntax),
            (b"XCLIENT HELO=a+0Ab", BadCommand::Syntax),
            (b"XCLIENT SHELL=x", BadCommand::Syntax),
            (b"MAIL FROM:a@b", BadCommand::Syntax),
            (b"MAIL FROM:<a@b> SIZE=x", BadCommand::Syntax),
            (b"MAIL FROM:<a@b> RET=FULL", BadCommand::Parameter),
            (b"RCPT TO:<>", BadCommand::Syntax),
            (b"RCPT TO:<a b@c>", BadCommand::Syntax),
            (b"RCPT TO:<a@b>x", BadCommand::Syntax),
            (b"BDAT 5 LAST", BadCommand::NotOffered),
            (b"GET / HTTP/1.1", BadCommand::OtherProtocol),
            (b"POST", BadCommand::Unknown),
            (b"NOOP \0", BadCommand::Syntax),
            (b"EHLO", BadCommand::Syntax),
            (b"", BadCommand::Unknown),
        ] {
            assert_eq!(parse(line), Err(bad), "{}", String::from_utf8_lossy(line));
        }
    }

    proptest::proptest! {
        #[test]
        fn total(line: Vec<u8>, like in "(MAIL FROM:|RCPT TO:|XCLIENT ADDR=|LHLO )[<>@:a \"\\\\=]{0,12}") {
            let _ = parse(&line);
            let _ = parse(like.as_bytes());
        }
    }
}
