//! `kakehashi send`: a mail, an HL7 message or a care note to any gateway, by the real protocol, so that
//! nothing else need be installed to try one.

use super::{block_on, fail};
use crate::demo::samples::Sample;
use clap::{Args, Subcommand};
use kakehashi_core::clock::{Clock as _, SystemClock};
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// A mail
    Mail {
        /// SMTP listener
        #[arg(long, default_value = "127.0.0.1:2525")]
        smtp: SocketAddr,
        /// Sender
        #[arg(long)]
        from: String,
        /// Recipient
        #[arg(long)]
        to: String,
        /// Subject
        #[arg(long, default_value = "")]
        subject: String,
        /// Text
        #[arg(long, default_value = "")]
        body: String,
        /// Files to attach
        #[arg(long)]
        attach: Vec<PathBuf>,
    },
    /// A mail as it lies in a file, byte for byte
    Eml {
        /// SMTP listener
        #[arg(long, default_value = "127.0.0.1:2525")]
        smtp: SocketAddr,
        /// Envelope sender
        #[arg(long)]
        from: String,
        /// Envelope recipient
        #[arg(long)]
        to: String,
        /// The file
        file: PathBuf,
    },
    /// An HL7 message over MLLP
    Hl7 {
        /// MLLP listener
        #[arg(long, default_value = "127.0.0.1:2575")]
        mllp: SocketAddr,
        /// A message of the demo's hospital, with the present time
        #[arg(long, value_enum, conflicts_with = "file", required_unless_present = "file")]
        sample: Option<Sample>,
        /// A message as it lies in a file, without framing
        file: Option<PathBuf>,
    },
    /// A care note over HTTP
    Note {
        /// Address of the API
        #[arg(long, default_value = "http://127.0.0.1:8080")]
        url: String,
        /// API key of the facility
        #[arg(long)]
        key: String,
        /// グループ呼称
        #[arg(long)]
        group: String,
        /// Title
        #[arg(long)]
        title: Option<String>,
        /// Text
        #[arg(long)]
        body: String,
        /// normal, urgent or emergency
        #[arg(long)]
        urgency: Option<String>,
    },
}

pub(crate) fn run(args: &SendArgs) -> ExitCode {
    match &args.what {
        What::Mail { smtp, from, to, subject, body, attach } => match mail(from, to, subject, body, attach) {
            Ok(bytes) => block_on(print_submitted(*smtp, from, to, &bytes)),
            Err(fault) => fail(fault),
        },
        What::Eml { smtp, from, to, file } => match std::fs::read(file) {
            Ok(bytes) => block_on(print_submitted(*smtp, from, to, &bytes)),
            Err(error) => fail(format!("{}: {error}", file.display())),
        },
        What::Hl7 { mllp, sample, file } => match hl7_bytes(*sample, file.as_deref()) {
            Ok(message) => block_on(print_exchange(*mllp, &message)),
            Err(fault) => fail(fault),
        },
        What::Note { url, key, group, title, body, urgency } => {
            note(url, key, group, title.as_deref(), body, urgency.as_deref())
        }
    }
}

/// Builds a mail with a fresh Message-ID.
fn mail(from: &str, to: &str, subject: &str, body: &str, attach: &[PathBuf]) -> Result<Vec<u8>, String> {
    let from: Mailbox = from.parse().map_err(|e| format!("--from {from}: {e}"))?;
    let to: Mailbox = to.parse().map_err(|e| format!("--to {to}: {e}"))?;
    let domain = from.email.domain().to_owned();
    let builder = Message::builder()
        .from(from)
        .to(to)
        .subject(subject)
        .message_id(Some(format!("<{:032x}@{domain}>", rand::random::<u128>())));
    let text = SinglePart::plain(body.to_owned());
    let message = if attach.is_empty() {
        builder.singlepart(text)
    } else {
        let mut parts = MultiPart::mixed().singlepart(text);
        for path in attach {
            let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            parts = parts.singlepart(Attachment::new(name).body(bytes, media_type(path)));
        }
        builder.multipart(parts)
    };
    message.map(|m| m.formatted()).map_err(|e| e.to_string())
}

fn media_type(path: &Path) -> ContentType {
    let known = match path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("pdf") => "application/pdf",
        Some("tif" | "tiff") => "image/tiff",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    };
    ContentType::parse(known).unwrap_or(ContentType::TEXT_PLAIN)
}

/// Submits a mail as it is. Returns the server's last reply.
pub(crate) async fn submit(smtp: SocketAddr, from: &str, to: &str, bytes: &[u8]) -> Result<String, String> {
    let from = from.parse().map_err(|e| format!("{from}: {e}"))?;
    let to = to.parse().map_err(|e| format!("{to}: {e}"))?;
    let envelope = lettre::address::Envelope::new(Some(from), vec![to]).map_err(|e| e.to_string())?;
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(smtp.ip().to_string())
        .port(smtp.port())
        .timeout(Some(Duration::from_secs(30)))
        .build();
    let response = transport.send_raw(&envelope, bytes).await.map_err(|e| e.to_string())?;
    let words: Vec<&str> = response.message().collect();
    Ok(format!("{} {}", response.code(), words.join(" ")))
}

async fn print_submitted(smtp: SocketAddr, from: &str, to: &str, bytes: &[u8]) -> ExitCode {
    match submit(smtp, from, to, bytes).await {
        Ok(reply) => {
            println!("{reply}");
            ExitCode::SUCCESS
        }
        Err(fault) => fail(fault),
    }
}

fn hl7_bytes(sample: Option<Sample>, file: Option<&Path>) -> Result<Vec<u8>, String> {
    match (sample, file) {
        (Some(sample), _) => Ok(sample.message(SystemClock.now())),
        (None, Some(path)) => std::fs::read(path).map_err(|e| format!("{}: {e}", path.display())),
        (None, None) => Err("give --sample or a file".to_owned()),
    }
}

/// Sends one message over MLLP and returns the answer.
pub(crate) async fn exchange(mllp: SocketAddr, message: &[u8]) -> Result<Vec<u8>, String> {
    let stream = tokio::net::TcpStream::connect(mllp).await.map_err(|e| format!("{mllp}: {e}"))?;
    kakehashi_hl7::client::exchange(stream, message, Duration::from_secs(30)).await.map_err(|e| e.to_string())
}

async fn print_exchange(mllp: SocketAddr, message: &[u8]) -> ExitCode {
    match exchange(mllp, message).await {
        Ok(answer) => {
            let text = String::from_utf8_lossy(&answer).replace('\r', "\n");
            println!("{}", text.trim_end());
            let taken = text.lines().any(|l| l.starts_with("MSA|AA") || l.starts_with("MSA|CA"));
            if taken { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(fault) => fail(fault),
    }
}

fn note(
    url: &str,
    key: &str,
    group: &str,
    title: Option<&str>,
    body: &str,
    urgency: Option<&str>,
) -> ExitCode {
    let mut note = serde_json::json!({
        "note_id": format!("{:032x}", rand::random::<u128>()),
        "group": group,
        "body": body,
    });
    for (name, value) in [("title", title), ("urgency", urgency)] {
        if let Some(value) = value {
            note[name] = value.into();
        }
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into();
    let sent = agent
        .post(format!("{}/api/v1/care-notes", url.trim_end_matches('/')))
        .header("Authorization", format!("Bearer {key}"))
        .header("Content-Type", "application/json")
        .send(note.to_string());
    match sent {
        Ok(mut response) => {
            let text = response.body_mut().read_to_string().unwrap_or_default();
            println!("{} {text}", response.status());
            if response.status().is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => fail(error),
    }
}
