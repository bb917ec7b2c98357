//! `kakehashi hl7 send`: messages to any MLLP listener, in every framing that hospitals use, with each answer
//! in words. A tool for trying an interface: it resends only when told to and keeps nothing.

use super::{block_on, fail};
use clap::{Subcommand, ValueEnum};
use kakehashi_hl7::client::Connection;
use kakehashi_hl7::framing::frame;
use kakehashi_hl7::header::Header;
use kakehashi_hl7::send::answer::{Answer, read_answer};
use kakehashi_hl7::send::encode::encode;
use kakehashi_hl7::send::profile::OutboxEncoding;
use kakehashi_hl7::{batch, charset};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Larger files are refused, as every listener would.
const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

#[derive(Debug, Subcommand)]
pub(crate) enum Hl7Command {
    /// Send the messages of a file to an MLLP listener and print the answers in words
    Send {
        /// One message, several, a batch (FHS, BHS) or a recorded MLLP stream; `-` reads standard input
        file: PathBuf,
        /// HOST:PORT of the listener
        #[arg(long)]
        to: String,
        /// How the messages travel
        #[arg(long, value_enum, default_value_t = Framing::Mllp)]
        framing: Framing,
        /// Write them in this character set and say so in MSH-18; absent: byte for byte as in the file
        #[arg(long, value_enum)]
        charset: Option<CharsetArg>,
        /// Send everything so many times, with the same control ids: resends
        #[arg(long, default_value_t = 1)]
        repeat: u32,
        /// Seconds to wait for an answer
        #[arg(long, default_value_t = 30)]
        timeout: u64,
        /// TLS, trusting the authority in this PEM file
        #[arg(long)]
        tls_authority: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Framing {
    /// Each message in a frame, the next after the answer
    Mllp,
    /// Each message in a frame, all written before the first answer
    Pipelined,
    /// The whole file in one frame: several messages, or a batch with its headers
    OneFrame,
    /// The bytes of the file and nothing else
    Raw,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CharsetArg {
    /// ~ISO IR87
    Iso2022Jp,
    /// UNICODE UTF-8
    Utf8,
    /// Shift_JIS, MSH-18 empty
    ShiftJis,
}

impl CharsetArg {
    const fn parts(self) -> (OutboxEncoding, &'static str, &'static str) {
        match self {
            Self::Iso2022Jp => (OutboxEncoding::Iso2022Jp, "~ISO IR87", "ISO 2022-1994"),
            Self::Utf8 => (OutboxEncoding::Utf8, "UNICODE UTF-8", ""),
            Self::ShiftJis => (OutboxEncoding::ShiftJis, "", ""),
        }
    }
}

pub(crate) fn run(command: &Hl7Command) -> ExitCode {
    let Hl7Command::Send { file, to, framing, charset, repeat, timeout, tls_authority } = command;
    let messages = match load(file).and_then(|bytes| prepare(&bytes, *framing, *charset)) {
        Ok(messages) => messages,
        Err(fault) => return fail(fault),
    };
    let wait = Duration::from_secs((*timeout).clamp(1, 3600));
    block_on(async {
        let sent = match tls_authority {
            None => match connect(to).await {
                Ok(stream) => send(stream, &messages, *framing, *repeat, wait).await,
                Err(fault) => Err(fault),
            },
            Some(authority) => match secure(to, authority).await {
                Ok(stream) => send(stream, &messages, *framing, *repeat, wait).await,
                Err(fault) => Err(fault),
            },
        };
        match sent {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(fault) => fail(fault),
        }
    })
}

fn load(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|f| f.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
    };
    read.map_err(|e| format!("{}: {e}", path.display()))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("{}: more than {MAX_FILE_BYTES} bytes", path.display()));
    }
    Ok(bytes)
}

/// What is sent, each piece with what it holds.
struct Piece {
    bytes: Vec<u8>,
    /// Messages in it, each of which is answered.
    count: usize,
}

fn prepare(bytes: &[u8], framing: Framing, charset: Option<CharsetArg>) -> Result<Vec<Piece>, String> {
    if framing == Framing::Raw {
        let frames = batch::deframe(bytes).map_or(1, |d| d.frames.len().max(1));
        return Ok(vec![Piece { bytes: bytes.to_vec(), count: frames }]);
    }
    // Of a recorded stream the frames, of anything else the file.
    let contents = batch::deframe(bytes).map_or_else(|| vec![bytes.to_vec()], |d| d.frames);
    let mut pieces = Vec::new();
    for content in &contents {
        let split = batch::split(content);
        if framing == Framing::OneFrame {
            // A batch without messages is answered too.
            let count = split.messages.len().max(1);
            let bytes = if split.has_batch_segments || count > 1 {
                content.clone()
            } else {
                rewrite(content, charset)?
            };
            pieces.push(Piece { bytes, count });
            continue;
        }
        for message in split.messages {
            pieces.push(Piece { bytes: rewrite(message, charset)?, count: 1 });
        }
    }
    if pieces.is_empty() {
        return Err("no HL7 message in the file; a message begins with MSH".to_owned());
    }
    Ok(pieces)
}

/// The message in another character set, which MSH-18 and MSH-20 then name.
fn rewrite(message: &[u8], charset: Option<CharsetArg>) -> Result<Vec<u8>, String> {
    let Some(charset) = charset else { return Ok(message.to_vec()) };
    let header =
        Header::find(message).ok_or("a message has no usable MSH, so its characters cannot be changed")?;
    let decoded =
        charset::decode(message, header.declared_charset().as_deref(), None).map_err(|e| e.to_string())?;
    let (encoding, name, scheme) = charset.parts();
    let text = decoded.text.replace("\r\n", "\r").replace('\n', "\r");
    let (first, rest) = text.split_once('\r').unwrap_or((&text, ""));
    let mut fields: Vec<&str> = first.split(header.separators.field).collect();
    // Split fields count MSH-1 as none: MSH-18 is the eighteenth piece.
    if fields.len() < 20 {
        fields.resize(20, "");
    }
    fields[17] = name;
    fields[19] = scheme;
    let head = fields.join(&header.separators.field.to_string());
    let head = head.trim_end_matches(header.separators.field);
    Ok(encode(&format!("{head}\r{rest}"), encoding))
}

async fn connect(to: &str) -> Result<TcpStream, String> {
    tokio::time::timeout(Duration::from_secs(10), TcpStream::connect(to))
        .await
        .map_err(|_| format!("{to}: no connection within 10 s"))?
        .map_err(|e| format!("{to}: {e}"))
}

async fn secure(to: &str, authority: &Path) -> Result<impl AsyncRead + AsyncWrite + Unpin, String> {
    let config = kakehashi_wire::tls::client_config(authority, None).map_err(|e| e.to_string())?;
    let host = to.rsplit_once(':').map_or(to, |(host, _)| host).trim_matches(['[', ']']);
    let stream = connect(to).await?;
    kakehashi_wire::tls::connect(&config, host, stream).await.map_err(|e| format!("{to}: TLS: {e}"))
}

/// Sends everything; whether every answer was a yes.
async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    pieces: &[Piece],
    framing: Framing,
    repeat: u32,
    wait: Duration,
) -> Result<bool, String> {
    let mut connection = Connection::new(stream);
    let mut all_taken = true;
    for _ in 0..repeat.max(1) {
        if framing == Framing::Pipelined {
            let everything: Vec<u8> = pieces.iter().flat_map(|p| frame(&p.bytes)).collect();
            connection.write(&everything).await.map_err(|e| e.to_string())?;
        }
        for piece in pieces {
            match framing {
                Framing::Pipelined => {}
                Framing::Raw => connection.write(&piece.bytes).await.map_err(|e| e.to_string())?,
                Framing::Mllp | Framing::OneFrame => {
                    connection.write(&frame(&piece.bytes)).await.map_err(|e| e.to_string())?;
                }
            }
            let mut open = piece.count;
            while open > 0 {
                match connection.next_answer(wait).await {
                    Ok(bytes) => {
                        let (answered, taken) = show(&bytes);
                        all_taken &= taken;
                        open = open.saturating_sub(answered);
                    }
                    // MSH-15 and 16 may ask for silence, so it is told and is no fault of the tool.
                    Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                        say(&format!("答えなし / no answer within {} s", wait.as_secs()));
                        all_taken = false;
                        break;
                    }
                    Err(error) => {
                        return Err(format!(
                            "the connection ended without an answer ({error}); nothing says that the message is stored, so send it again"
                        ));
                    }
                }
            }
        }
    }
    Ok(all_taken)
}

/// Prints one answer; how many messages it answers (a batch answer several) and whether all say yes.
fn show(bytes: &[u8]) -> (usize, bool) {
    let split = batch::split(bytes);
    if split.has_batch_segments && split.messages.is_empty() {
        say("空の束への答え / the answer to an empty batch");
        return (1, true);
    }
    let whole = [bytes];
    let answers = if split.messages.len() > 1 { split.messages.as_slice() } else { &whole[..] };
    let mut all = true;
    for answer in answers {
        match read_answer(answer) {
            Some(answer) => {
                all &= matches!(answer.code.as_str(), "AA" | "CA");
                say(&words(&answer));
            }
            None => {
                all = false;
                say(&format!("ACKではない答え / not an acknowledgement: {} bytes", answer.len()));
            }
        }
    }
    (answers.len(), all)
}

/// `2026060910200001 → AA 保存されました / stored`
fn words(answer: &Answer) -> String {
    let meaning = match answer.code.as_str() {
        "AA" => "保存されました / stored",
        "CA" => "受け取られました / accepted",
        "AE" => "保存されましたが、内容に誤りがあります / stored, but the content has a fault",
        "CE" => "今は受け取れません / cannot be accepted now",
        "AR" | "CR" => "断られました / rejected",
        _ => "知らない答えです / unknown answer",
    };
    let fault: Vec<&str> = [&answer.error, &answer.place].into_iter().filter_map(|f| f.as_deref()).collect();
    let error = if fault.is_empty() { String::new() } else { format!(" [{}]", fault.join(" ")) };
    let text = answer.text.as_deref().map(|t| format!(" {t}")).unwrap_or_default();
    format!("{} → {} {meaning}{error}{text}", answer.control_id, answer.code)
}

/// Whoever reads our output may have gone: never a fault.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] =
        b"MSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5\rPID|1\rMSH|^~\\&|A|B|C|D|1||ADT^A03|2|P|2.5\rPID|1\r";

    fn counts(bytes: &[u8], framing: Framing) -> Vec<usize> {
        prepare(bytes, framing, None).unwrap().iter().map(|p| p.count).collect()
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
        assert_eq!(prepare(&stream, Framing::Raw, None).unwrap()[0].bytes, stream);
        assert!(prepare(b"hello", Framing::Mllp, None).is_err());
    }

    #[test]
    fn another_character_set_is_declared() {
        let message = "MSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5||||||UNICODE UTF-8\rPID|1||9||山本^千代\r";
        let jis = rewrite(message.as_bytes(), Some(CharsetArg::Iso2022Jp)).unwrap();
        assert!(jis.is_ascii());
        let header = Header::find(&jis).unwrap();
        assert_eq!(header.declared_charset().as_deref(), Some("~ISO IR87"));
        assert_eq!(header.field(20), b"ISO 2022-1994");
        let back = rewrite(&jis, Some(CharsetArg::Utf8)).unwrap();
        assert!(String::from_utf8(back).unwrap().contains("|UNICODE UTF-8\rPID|1||9||山本^千代"));
    }

    #[test]
    fn answers_are_told_in_words() {
        let answer =
            read_answer(b"MSH|^~\\&|H\rMSA|AE|7\rERR||PID^1|101^x^HL70357|E||||no patient\r").unwrap();
        assert_eq!(
            words(&answer),
            "7 → AE 保存されましたが、内容に誤りがあります / stored, but the content has a fault [101 PID] no patient"
        );
    }
}
