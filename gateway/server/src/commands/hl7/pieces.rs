//! What of a file is sent, and how it is written: single messages, batches, recorded streams, files with the line
//! ends and the character set of another system. Pure; never drops a message silently.

use super::{CharsetArg, Framing};
use kakehashi_hl7::header::Header;
use kakehashi_hl7::message::Separators;
use kakehashi_hl7::send::encode::{encode, fit};
use kakehashi_hl7::{batch, charset};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What is sent, each piece with what it holds.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// Messages in it, each of which is answered.
    pub(super) count: usize,
    /// Of these the ones that ask for no answer at all.
    pub(super) silent: usize,
}

/// The pieces of a file, with what is said before they are sent.
pub(super) struct Prepared {
    pub(super) pieces: Vec<Piece>,
    pub(super) notes: Vec<String>,
}

pub(super) fn prepare(
    bytes: &[u8],
    framing: Framing,
    charset: Option<CharsetArg>,
    keep_line_ends: bool,
) -> Result<Prepared, String> {
    let mut notes = Vec::new();
    if charset::is_wide(bytes) && framing != Framing::Raw {
        return Err("UTF-16のファイルは送れません。UTF-8で保存してください / a UTF-16 file cannot be sent; save it as UTF-8".to_owned());
    }
    if framing == Framing::Raw {
        let frames = batch::deframe(bytes).map_or_else(|| vec![bytes.to_vec()], |d| d.frames);
        let count = frames.len().max(1);
        let silent = frames.iter().filter(|f| is_silent(f)).count();
        if charset.is_some() {
            notes.push(
                "--framing raw では文字コードを変えません / --charset does nothing with --framing raw"
                    .to_owned(),
            );
        }
        return Ok(Prepared { pieces: vec![Piece { bytes: bytes.to_vec(), count, silent }], notes });
    }
    // Of a recorded stream the frames, of anything else the file.
    let contents = match batch::deframe(bytes) {
        None => vec![bytes.to_vec()],
        Some(stream) => {
            if stream.fragments > 0 {
                notes.push(
                    "途中で切れた電文は送りません / a frame that breaks off in the file is not sent"
                        .to_owned(),
                );
            }
            stream.frames
        }
    };
    let (mut pieces, mut replaced) = (Vec::new(), BTreeSet::new());
    for content in &contents {
        let content = match keep_line_ends {
            true => Cow::Borrowed(content.as_slice()),
            false => with_carriage_returns(content),
        };
        if matches!(content, Cow::Owned(_)) && notes.iter().all(|n| !n.starts_with("行の終わり")) {
            notes.push("行の終わりをCRにして送ります / line ends are sent as CR".to_owned());
        }
        let split = batch::split(&content);
        let mut written = Vec::new();
        for message in &split.messages {
            written.push(rewrite(message, charset, &mut replaced)?);
        }
        let silent = written.iter().filter(|m| is_silent(m)).count();
        if framing == Framing::OneFrame {
            // A batch is answered as one, an empty one too.
            let silent = if split.has_batch_segments { 0 } else { silent };
            let count = written.len().max(1);
            if !split.has_batch_segments && written.is_empty() {
                continue;
            }
            pieces.push(Piece { bytes: put_back(&content, &split.messages, &written), count, silent });
            continue;
        }
        if split.has_batch_segments && !written.is_empty() {
            notes.push(
                "束の頭(FHS・BHS)は送らず、電文を1通ずつ送ります。束のまま送るには --framing one-frame / \
                 messages are sent one by one without the batch's headers; --framing one-frame sends it as a batch"
                    .to_owned(),
            );
        }
        pieces.extend(written.into_iter().map(|bytes| Piece {
            silent: usize::from(is_silent(&bytes)),
            bytes,
            count: 1,
        }));
    }
    if !replaced.is_empty() {
        let signs: String = replaced.iter().take(40).collect();
        notes.push(format!(
            "この文字コードにない文字を書き替えました: {signs} / signs that the character set lacks were written otherwise"
        ));
    }
    if pieces.is_empty() {
        return Err("ファイルにHL7の電文がありません。電文はMSHで始まります / \
                    no HL7 message in the file; a message begins with MSH"
            .to_owned());
    }
    Ok(Prepared { pieces, notes })
}

/// Segments end with CR. A file that has CR already keeps a lone LF, which is a line of a text.
fn with_carriage_returns(content: &[u8]) -> Cow<'_, [u8]> {
    if !content.contains(&b'\n') {
        return Cow::Borrowed(content);
    }
    let lone_is_end = !content.contains(&b'\r');
    let mut out = Vec::with_capacity(content.len());
    for byte in content {
        match byte {
            b'\n' if out.last() == Some(&b'\r') => {}
            b'\n' if lone_is_end => out.push(b'\r'),
            other => out.push(*other),
        }
    }
    if out == content { Cow::Borrowed(content) } else { Cow::Owned(out) }
}

/// The content with its messages as they are written now.
fn put_back(content: &[u8], messages: &[&[u8]], written: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len());
    let mut at = 0;
    for (message, written) in messages.iter().zip(written) {
        let start = message.as_ptr().addr() - content.as_ptr().addr();
        out.extend_from_slice(&content[at..start]);
        out.extend_from_slice(written);
        at = start + message.len();
    }
    out.extend_from_slice(&content[at..]);
    out
}

/// MSH-15 and 16 ask for no answer, or it is one.
fn is_silent(message: &[u8]) -> bool {
    let Some(header) = Header::find(message) else { return false };
    let [commit, application] = [15, 16].map(|field| header.text(field, 1).to_ascii_uppercase());
    header.message_type().kind == "ACK"
        || (commit == "NE" && matches!(application.as_str(), "NE" | ""))
        || (commit.is_empty() && application == "NE")
}

/// The message in another character set, which MSH-18 and MSH-20 then name; the signs that it lacks are noted.
fn rewrite(
    message: &[u8],
    charset: Option<CharsetArg>,
    replaced: &mut BTreeSet<char>,
) -> Result<Vec<u8>, String> {
    let Some(charset) = charset else { return Ok(message.to_vec()) };
    let header = Header::find(message).ok_or(
        "MSHが読めないため、文字コードを変えられません / a message has no usable MSH, so its characters cannot be changed",
    )?;
    let decoded =
        charset::decode(message, header.declared_charset().as_deref(), None).map_err(|e| e.to_string())?;
    let (encoding, name, scheme) = charset.parts();
    let text = decoded.text.replace("\r\n", "\r").replace('\n', "\r");
    let (first, rest) = text.split_once('\r').unwrap_or((&text, ""));
    let Separators { field, .. } = header.separators;
    let mut fields: Vec<&str> = first.split(field).collect();
    // Split fields count MSH-1 as none: MSH-18 is the eighteenth piece.
    if fields.len() < 20 {
        fields.resize(20, "");
    }
    fields[17] = name;
    fields[19] = scheme;
    let head = fields.join(&field.to_string());
    let whole = format!("{}\r{rest}", head.trim_end_matches(field));
    replaced.extend(fit(&whole, encoding).1.into_keys());
    Ok(encode(&whole, encoding))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kakehashi_hl7::framing::frame;

    const TWO: &[u8] =
        b"MSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5\rPID|1\rMSH|^~\\&|A|B|C|D|1||ADT^A03|2|P|2.5\rPID|1\r";

    fn counts(bytes: &[u8], framing: Framing) -> Vec<usize> {
        prepare(bytes, framing, None, false).unwrap().pieces.iter().map(|p| p.count).collect()
    }

    #[test]
    fn files_of_all_kinds_become_messages() {
        let batch = [b"FHS|^~\\&\rBHS|^~\\&\r", TWO, b"BTS|2\rFTS|1\r"].concat();
        let stream = [frame(b"MSH|^~\\&|A\r"), frame(b"MSH|^~\\&|B\r")].concat();
        assert_eq!(counts(TWO, Framing::Mllp), [1, 1]);
        assert_eq!(counts(TWO, Framing::OneFrame), [2]);
        assert_eq!(counts(&batch, Framing::Pipelined), [1, 1]);
        assert_eq!(counts(&batch, Framing::OneFrame), [2]);
        assert_eq!(counts(b"BHS|^~\\&\rBTS|0\r", Framing::OneFrame), [1]);
        assert_eq!(counts(&stream, Framing::Mllp), [1, 1]);
        assert_eq!(counts(&stream, Framing::Raw), [2]);
        assert_eq!(prepare(&stream, Framing::Raw, None, false).unwrap().pieces[0].bytes, stream);
        let Err(wide) = prepare(b"M\0S\0H\0|\0", Framing::Mllp, None, false) else { panic!("it is UTF-16") };
        assert!(wide.contains("UTF-16"));
        for framing in [Framing::Mllp, Framing::OneFrame, Framing::NoStart] {
            assert!(prepare(b"hello", framing, None, false).is_err());
        }
    }

    #[test]
    fn line_ends_of_an_editor_become_those_of_hl7() {
        let sent = |text: &[u8], keep: bool| prepare(text, Framing::Mllp, None, keep).unwrap();
        for ends in ["\n", "\r\n"] {
            let text = String::from_utf8_lossy(TWO).replace('\r', ends);
            let prepared = sent(text.as_bytes(), false);
            assert_eq!(prepared.pieces.iter().flat_map(|p| p.bytes.clone()).collect::<Vec<u8>>(), TWO);
            assert_eq!(prepared.notes.len(), 1, "{:?}", prepared.notes);
            let kept = sent(text.as_bytes(), true);
            assert_eq!(
                kept.pieces.iter().flat_map(|p| p.bytes.clone()).collect::<Vec<u8>>(),
                text.as_bytes()
            );
        }
        let mixed = b"MSH|^~\\&|A\rNTE|1||one\ntwo\r";
        assert_eq!(sent(mixed, false).pieces[0].bytes, mixed, "a line of a text");
    }

    #[test]
    fn what_asks_for_no_answer_is_not_waited_for() {
        let silent = |modes: &str| {
            let message = format!("MSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5|||{modes}\r");
            prepare(message.as_bytes(), Framing::Mllp, None, false).unwrap().pieces[0].silent
        };
        assert_eq!(["NE|NE", "NE|", "|NE", "ne|ne"].map(silent), [1, 1, 1, 1]);
        assert_eq!(["|", "AL|NE", "NE|AL", "ER|ER", "AL|AL"].map(silent), [0, 0, 0, 0, 0]);
        assert_eq!(
            prepare(b"MSH|^~\\&|A|B|C|D|1||ACK|1|P|2.5\r", Framing::Mllp, None, false).unwrap().pieces[0]
                .silent,
            1
        );
    }

    #[test]
    fn a_batch_is_written_in_another_set_too() {
        let batch = "BHS|^~\\&|A\nMSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5||||||UNICODE UTF-8\nPID|1||9||髙山①^千代\nBTS|1\n";
        let prepared =
            prepare(batch.as_bytes(), Framing::OneFrame, Some(CharsetArg::Iso2022Jp), false).unwrap();
        let text = String::from_utf8(prepared.pieces[0].bytes.clone()).unwrap();
        assert!(text.starts_with("BHS|^~\\&|A\rMSH|") && text.ends_with("\rBTS|1\r"), "{text:?}");
        assert!(text.contains("|~ISO IR87||ISO 2022-1994\rPID|1||9||\u{1b}$B"), "{text:?}");
        assert!(prepared.notes.iter().any(|n| n.contains('髙') && n.contains('①')), "{:?}", prepared.notes);
    }

    #[test]
    fn another_character_set_is_declared() {
        let message = "MSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5||||||UNICODE UTF-8\rPID|1||9||山本^千代\r";
        let jis = rewrite(message.as_bytes(), Some(CharsetArg::Iso2022Jp), &mut BTreeSet::new()).unwrap();
        assert!(jis.is_ascii());
        let header = Header::find(&jis).unwrap();
        assert_eq!(header.declared_charset().as_deref(), Some("~ISO IR87"));
        assert_eq!(header.field(20), b"ISO 2022-1994");
        let back = rewrite(&jis, Some(CharsetArg::Utf8), &mut BTreeSet::new()).unwrap();
        assert!(String::from_utf8(back).unwrap().contains("|UNICODE UTF-8\rPID|1||9||山本^千代"));
    }
}
