//! What would have left the gateway, as its receiver holds it: a mail with its files, or a FAX job with
//! the PDF of its pages. Read by a foreign mail reader, so that our own one cannot flatter us.

use mail_parser::{MessageParser, MimeHeaders as _};
use std::path::Path;

/// Something that was handed over, byte for byte.
#[derive(Debug, Clone)]
pub struct Caught {
    /// Envelope recipients.
    pub to: Vec<String>,
    /// The mail.
    pub bytes: Vec<u8>,
}

/// A caught mail, read.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML, if there is any.
    pub html: Option<String>,
    /// Where an answer goes: Reply-To, else From.
    pub answer_to: String,
    /// Without brackets.
    pub message_id: String,
    /// When it was written, seconds since 1970.
    pub written_at: i64,
    /// Attached files.
    pub files: Vec<File>,
}

/// An attached file.
#[derive(Debug, Clone)]
pub struct File {
    /// Name.
    pub name: String,
    /// Bytes.
    pub bytes: Vec<u8>,
}

impl Caught {
    /// Whether it went to this mail address, or to this FAX number at the provider.
    #[must_use]
    pub fn is_to(&self, recipient: &str) -> bool {
        self.to.iter().any(|to| to == recipient || to.split('@').next() == Some(recipient))
    }

    /// Reads the mail.
    ///
    /// # Panics
    /// It is no mail.
    #[must_use]
    pub fn read(&self) -> Letter {
        let mail = MessageParser::default().parse(&self.bytes).unwrap_or_else(|| panic!("not a mail"));
        let first = |address: Option<&mail_parser::Address<'_>>| {
            address.and_then(|a| a.first()).and_then(|a| a.address()).map(str::to_owned)
        };
        let files = mail.attachments().map(|part| File {
            name: part.attachment_name().unwrap_or_default().to_owned(),
            bytes: part.contents().to_vec(),
        });
        Letter {
            subject: mail.subject().unwrap_or_default().to_owned(),
            text: mail.body_text(0).unwrap_or_default().into_owned(),
            html: mail.body_html(0).map(std::borrow::Cow::into_owned),
            answer_to: first(mail.reply_to()).or_else(|| first(mail.from())).unwrap_or_default(),
            message_id: mail.message_id().unwrap_or_default().to_owned(),
            written_at: mail.date().map_or(0, mail_parser::DateTime::to_timestamp),
            files: files.collect(),
        }
    }
}

impl Letter {
    /// The pages of a FAX job.
    ///
    /// # Panics
    /// There is no PDF.
    #[must_use]
    pub fn pdf(&self) -> &[u8] {
        let found = self.files.iter().find(|f| f.bytes.starts_with(b"%PDF-"));
        found.map(|f| f.bytes.as_slice()).unwrap_or_else(|| panic!("no PDF in {}", self.subject))
    }

    /// Everything that anybody on the way can read: subject, text, HTML, names of files.
    #[must_use]
    pub fn in_the_open(&self) -> String {
        let names: Vec<&str> = self.files.iter().map(|f| f.name.as_str()).collect();
        [&self.subject, &self.text, self.html.as_deref().unwrap_or(""), &names.join(" ")].join("\n")
    }
}

/// Mails and FAX jobs that the catcher of a demo has kept, oldest first; notes for the hospital lie beside them.
#[must_use]
pub fn of_demo(data_dir: &Path) -> Vec<(String, Caught)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(data_dir.join("caught")).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        // An entry that is being written is found at the next look.
        let Ok(entry) =
            serde_json::from_slice::<serde_json::Value>(&std::fs::read(&path).unwrap_or_default())
        else {
            continue;
        };
        let to =
            entry["rcpt_to"].as_array().into_iter().flatten().filter_map(|t| t.as_str().map(str::to_owned));
        let to: Vec<String> = to.collect();
        if to.is_empty() {
            continue;
        }
        if let (Some(id), Ok(bytes)) = (entry["id"].as_str(), std::fs::read(path.with_extension("eml"))) {
            found.push((id.to_owned(), Caught { to, bytes }));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}
