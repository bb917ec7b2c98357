//! `kakehashi hl7 send`: messages to any MLLP listener, in every framing that hospitals use, with each answer
//! in words. A tool for trying an interface: it resends only when told to and keeps nothing.

mod pieces;

use super::{block_on, fail};
use clap::{Args, Subcommand, ValueEnum};
use kakehashi_hl7::batch;
use kakehashi_hl7::client::Connection;
use kakehashi_hl7::framing::{CR, FS, VT, frame};
use kakehashi_hl7::send::answer::{Answer, read_answer};
use kakehashi_hl7::send::profile::OutboxEncoding;
use pieces::{Piece, prepare};
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
        /// Send line ends as they stand in the file; else LF and CR LF become CR, which HL7 wants
        #[arg(long)]
        keep_line_ends: bool,
        #[command(flatten)]
        tls: TlsArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TlsArgs {
    /// TLS, trusting the authority in this PEM file
    #[arg(long)]
    tls_authority: Option<PathBuf>,
    /// The name in the listener's certificate, where it is not that of --to
    #[arg(long, requires = "tls_authority")]
    tls_name: Option<String>,
    /// Client certificate to show, PEM
    #[arg(long, requires = "tls_authority", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Framing {
    /// Each message in a frame, the next after the answer
    Mllp,
    /// Each message in a frame, all written before the first answer
    Pipelined,
    /// The whole file in one frame: several messages, or a batch with its headers
    OneFrame,
    /// Each message without its start block (0B)
    NoStart,
    /// Each message without its end block (1C 0D): it ends with the connection, and nobody answers it
    NoEnd,
    /// Each message without the carriage return (0D) behind its end block
    NoReturn,
    /// The bytes of the file and nothing else
    Raw,
}

impl Framing {
    /// The bytes that travel; pipelined ones are joined by the caller.
    fn wrap(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Mllp | Self::Pipelined | Self::OneFrame => frame(message),
            Self::NoStart => [message, &[FS, CR]].concat(),
            Self::NoEnd => [&[VT], message].concat(),
            Self::NoReturn => [&[VT], message, &[FS]].concat(),
            Self::Raw => message.to_vec(),
        }
    }
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
    let Hl7Command::Send { file, to, framing, charset, repeat, timeout, keep_line_ends, tls } = command;
    let prepared = load(file).and_then(|bytes| prepare(&bytes, *framing, *charset, *keep_line_ends));
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(fault) => return fail(fault),
    };
    for note in &prepared.notes {
        say(note);
    }
    let wait = Duration::from_secs((*timeout).clamp(1, 3600));
    block_on(async {
        let sent = match &tls.tls_authority {
            None => match connect(to).await {
                Ok(stream) => send(stream, &prepared.pieces, *framing, *repeat, wait).await,
                Err(fault) => Err(fault),
            },
            Some(authority) => match secure(to, authority, tls).await {
                Ok(stream) => send(stream, &prepared.pieces, *framing, *repeat, wait).await,
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
    let path = path.display();
    read.map_err(|e| format!("{path}: 読めません / cannot be read: {e}"))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let most = MAX_FILE_BYTES / (1024 * 1024);
        return Err(format!("{path}: {most} MiBを超えています / it is larger than {most} MiB"));
    }
    Ok(bytes)
}

async fn connect(to: &str) -> Result<TcpStream, String> {
    let told = |fault: String| format!("{to}: つながりません / cannot connect: {fault}");
    if !to.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
        return Err(format!(
            "{to}: --to はホスト:ポートで書きます / --to is HOST:PORT, such as 127.0.0.1:2575"
        ));
    }
    tokio::time::timeout(Duration::from_secs(10), TcpStream::connect(to))
        .await
        .map_err(|_| told("10秒待ちました / waited for 10 s".to_owned()))?
        .map_err(|e| told(e.to_string()))
}

async fn secure(
    to: &str,
    authority: &Path,
    tls: &TlsArgs,
) -> Result<impl AsyncRead + AsyncWrite + Unpin, String> {
    let own = tls.tls_certificate.as_deref().zip(tls.tls_key.as_deref());
    let config = kakehashi_wire::tls::client_config(authority, own).map_err(|e| e.to_string())?;
    let host = to.rsplit_once(':').map_or(to, |(host, _)| host).trim_matches(['[', ']']);
    let name = tls.tls_name.as_deref().unwrap_or(host);
    let stream = connect(to).await?;
    kakehashi_wire::tls::connect(&config, name, stream).await.map_err(|e| {
        format!(
            "{to}: TLSの接続ができません。相手の証明書の認証局と名前、相手がTLSで待っているかを確かめてください / \
             no TLS connection; check the authority and name of its certificate, and whether it listens with TLS: {e}"
        )
    })
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
            let everything: Vec<u8> = pieces.iter().flat_map(|p| framing.wrap(&p.bytes)).collect();
            connection.write(&everything).await.map_err(broken)?;
        }
        for piece in pieces {
            if framing != Framing::Pipelined {
                connection.write(&framing.wrap(&piece.bytes)).await.map_err(broken)?;
            }
            for _ in 0..piece.silent {
                say("答えを求めない電文です / a message that asks for no answer");
            }
            let mut open = piece.count.saturating_sub(piece.silent);
            while open > 0 {
                match connection.next_answer(wait).await {
                    Ok(bytes) => {
                        let (answered, taken) = show(&bytes);
                        all_taken &= taken;
                        open = open.saturating_sub(answered);
                    }
                    // MSH-15 and 16 may ask for an answer to errors only, so it is told and is no fault of the tool.
                    Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                        let seconds = wait.as_secs();
                        let ended = framing != Framing::NoEnd
                            && (framing != Framing::Raw || piece.bytes.contains(&FS));
                        say(&match ended {
                            true => format!("{seconds}秒待って答えなし / no answer within {seconds} s"),
                            false => format!(
                                "{seconds}秒待って答えなし。終わりの印(1C)がないので相手はまだ続きを待っています / \
                                 no answer within {seconds} s; without an end block (1C) the listener still waits for more"
                            ),
                        });
                        all_taken = false;
                        break;
                    }
                    Err(error) => return Err(broken(error)),
                }
            }
        }
    }
    Ok(all_taken)
}

fn broken(error: std::io::Error) -> String {
    let text = error.to_string();
    // TLS 1.3 tells the client of a missing certificate only after the handshake.
    if text.contains("CertificateRequired") {
        return "相手はクライアント証明書を求めています。--tls-certificate と --tls-key を指定してください / \
                the listener wants a client certificate; give --tls-certificate and --tls-key"
            .to_owned();
    }
    format!(
        "答えのないまま接続が切れました。保存されたとは限らないので、同じ電文をもう一度送ってください。相手がTLSや決まった証明書・アドレスだけを受けることもあります / \
         the connection ended without an answer; nothing says that the message is stored, so send it again. \
         The listener may also take TLS, certain certificates or certain addresses only ({text})"
    )
}

/// Prints one answer; how many messages it answers (a batch answer several) and whether all say yes.
fn show(bytes: &[u8]) -> (usize, bool) {
    let split = batch::split(bytes);
    if split.has_batch_segments && split.messages.is_empty() {
        say("空の束への答え / the answer to an empty batch");
        return (1, true);
    }
    if let Some(comment) = trailer_comment(bytes) {
        say(&format!("束について / of the batch: {comment}"));
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

/// BTS-2 of a batch of answers.
fn trailer_comment(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|b| matches!(b, b'\r' | b'\n')).find(|line| line.starts_with(b"BTS"))?;
    let comment = line.split(|b| line.get(3) == Some(b)).nth(2).filter(|c| !c.is_empty())?;
    Some(String::from_utf8_lossy(comment).chars().filter(|c| !c.is_control()).take(200).collect())
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
