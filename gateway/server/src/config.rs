//! Configuration: one struct per section, every key documented in `kakehashi config example`. Unknown
//! keys and bad values are errors that name line and remedy; secrets are redacted in Debug and may be
//! read from files.

mod sections;

pub(crate) use sections::{
    DatabaseSection, FaxSection, FolderSection, HttpSection, ImapSection, IntakeSection, LmtpSection,
    MailSection, MllpSection, MqttSection, RelayTls, RulesSection, Secret, SenderProofSection, SmtpSection,
    TlsFiles,
};

use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The example that `kakehashi config example` prints; parsed by a test, so it cannot go stale.
pub(crate) const EXAMPLE: &str = include_str!("config/example.toml");

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Id of the network that this gateway serves.
    pub(crate) network: String,
    /// Folder for the embedded database and blobs.
    #[serde(default = "default_data_dir")]
    pub(crate) data_dir: PathBuf,
    #[serde(default)]
    pub(crate) database: DatabaseSection,
    #[serde(default)]
    pub(crate) intake: IntakeSection,
    #[serde(default)]
    pub(crate) http: HttpSection,
    pub(crate) smtp: Option<SmtpSection>,
    pub(crate) lmtp: Option<LmtpSection>,
    /// One for each folder of a mailbox.
    #[serde(default)]
    pub(crate) imap: Vec<ImapSection>,
    /// Absent: nobody is checked.
    pub(crate) sender_proof: Option<SenderProofSection>,
    /// One listener per hospital interface, or one for several on the same port.
    #[serde(default)]
    pub(crate) mllp: Vec<MllpSection>,
    /// Folders in which hospitals put HL7 files, or SS-MIX2 storages.
    #[serde(default)]
    pub(crate) hl7_folder: Vec<FolderSection>,
    pub(crate) mqtt: Option<MqttSection>,
    pub(crate) mail: MailSection,
    pub(crate) fax: FaxSection,
    /// Absent: nothing is read for a draft.
    pub(crate) ocr: Option<kakehashi_ocr::OcrProfile>,
    #[serde(default)]
    pub(crate) rules: RulesSection,
    /// Logs as JSON lines.
    #[serde(default)]
    pub(crate) log_json: bool,
}

fn default_data_dir() -> PathBuf {
    PathBuf::from("kakehashi-data")
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: cannot be read ({detail}); `kakehashi config example > {path}` makes one")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        detail: String,
    },
    /// A key or value is wrong.
    #[error("{path}, line {line}: {reason}; {remedy}")]
    Wrong {
        /// The file.
        path: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
        /// What to do.
        remedy: String,
    },
}

impl Config {
    /// Reads and checks a file.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError::Unreadable {
            path: path.display().to_string(),
            detail: e.to_string(),
        })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads and checks a text; `path` is for the messages.
    pub(crate) fn parse(text: &str, path: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let line =
                error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            let reason = error.message().trim().to_owned();
            let remedy = remedy(&reason);
            ConfigError::Wrong { path: path.to_owned(), line, reason, remedy }
        })?;
        config.check(text, path)?;
        Ok(config)
    }

    /// What the types cannot say.
    fn check(&self, text: &str, path: &str) -> Result<(), ConfigError> {
        let wrong = |key: &str, reason: String, remedy: &str| ConfigError::Wrong {
            path: path.to_owned(),
            line: line_of(text, key),
            reason,
            remedy: remedy.to_owned(),
        };
        let listens = std::iter::once(&self.http.listen)
            .chain(self.smtp.iter().map(|s| &s.listen))
            .chain(self.lmtp.iter().map(|s| &s.listen))
            .chain(self.mllp.iter().map(|m| &m.listen));
        for listen in listens {
            if listen.parse::<std::net::SocketAddr>().is_err() {
                return Err(wrong(
                    listen,
                    format!("{listen:?} is not an address to listen on"),
                    "write it as ADDRESS:PORT, for example \"127.0.0.1:8080\" or \"[::]:8080\"",
                ));
            }
        }
        for section in &self.hl7_folder {
            let since = section.since.as_deref().unwrap_or("2000-01-01");
            if since.parse::<jiff::civil::Date>().is_err() {
                return Err(wrong(
                    since,
                    format!("{since:?} is not a day"),
                    "write it as YYYY-MM-DD, for example \"2026-06-01\"",
                ));
            }
            let twin = self.hl7_folder.iter().filter(|f| f.path == section.path).count() > 1;
            if twin {
                let path = section.path.display().to_string();
                return Err(wrong(
                    &path,
                    format!("{path} is watched twice"),
                    "keep one [[hl7_folder]] for it",
                ));
            }
        }
        for section in &self.mllp {
            if let Some((key, reason, remedy)) = section.fault() {
                return Err(wrong(key, reason, remedy));
            }
            let faults = section.outgoing.as_ref().map(kakehashi_hl7::OutboxProfile::faults);
            if let Some(fault) = faults.into_iter().flatten().next() {
                let reason = format!("mllp.outgoing of {}: {}", section.interface.name, fault.reason);
                return Err(wrong(&fault.key, reason, fault.remedy));
            }
            let same = self.mllp.iter().filter(|m| m.interface.name == section.interface.name);
            if section.outgoing.is_some() && same.filter(|m| m.outgoing.is_some()).count() > 1 {
                return Err(wrong(
                    &section.interface.name,
                    format!("the interface {:?} has two [mllp.outgoing]", section.interface.name),
                    "keep one; notes for an interface leave in one order through one inbox",
                ));
            }
        }
        if let Some(smtp) = self.smtp.as_ref().filter(|s| s.xclient && s.trusted_relays.is_empty()) {
            return Err(wrong(
                "xclient",
                format!("xclient is on for {}, but no relay is trusted with it", smtp.listen),
                "name the relays in trusted_relays, or leave xclient out",
            ));
        }
        if let Some(imap) = self.imap.iter().find(|i| i.done_folder.as_ref() == Some(&i.folder)) {
            return Err(wrong(
                "done_folder",
                format!("done_folder is the watched folder {:?} itself", imap.folder),
                "give another folder, or leave done_folder out so that mails are only marked",
            ));
        }
        if let Some(fault) = self.ocr.as_ref().and_then(kakehashi_ocr::OcrProfile::fault) {
            return Err(wrong(fault.key, format!("ocr.{}: {}", fault.key, fault.reason), fault.remedy));
        }
        if !self.fax.send.address_pattern.contains("{number}") {
            return Err(wrong(
                "address_pattern",
                "address_pattern does not say where the number goes".to_owned(),
                "write {number} where the provider wants it, for example \"{number}@fax.example\"",
            ));
        }
        Ok(())
    }

    /// URL of the database: as configured, else SQLite in the data folder.
    pub(crate) fn database_url(&self) -> String {
        self.database.url.as_ref().map_or_else(
            || format!("sqlite:{}", self.data_dir.join("kakehashi.db").display()),
            |secret| secret.expose().to_owned(),
        )
    }
}

fn line_of(text: &str, part: &str) -> usize {
    text.find(part).map_or(1, |at| 1 + text[..at].matches('\n').count())
}

/// A remedy for a message of the TOML reader: for an unknown key the nearest known one.
fn remedy(reason: &str) -> String {
    let mut quoted = reason.split('`').skip(1).step_by(2);
    if reason.starts_with("unknown field") {
        let wrong = quoted.next().unwrap_or_default();
        let nearest = quoted
            .map(|known| (distance(wrong, known), known))
            .min_by_key(|(distance, _)| *distance)
            .filter(|(distance, _)| *distance <= 3);
        return nearest.map_or_else(
            || "remove it; `kakehashi config example` shows every key".to_owned(),
            |(_, known)| format!("did you mean `{known}`?"),
        );
    }
    if reason.starts_with("missing field") {
        return "add it; `kakehashi config example` shows every key with its meaning".to_owned();
    }
    "see `kakehashi config example` for the form of this value".to_owned()
}

/// Edit distance of short words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_configuration() {
        let config = Config::parse(EXAMPLE, "example").unwrap();
        assert_eq!(config.network, "sakurami");
        assert!(config.smtp.is_some());
        assert_eq!(config.mllp.len(), 1);
    }

    #[test]
    fn mistakes_are_named_with_line_and_remedy() {
        let text = EXAMPLE.replace("[http]\nlisten", "[http]\nlissen");
        let error = Config::parse(&text, "k.toml").unwrap_err().to_string();
        assert!(error.contains("did you mean `listen`"), "{error}");
        let line = 1 + text[..text.find("lissen").unwrap()].matches('\n').count();
        assert!(error.contains(&format!("line {line}")), "{error}");

        let text = EXAMPLE.replace("127.0.0.1:8080", "everywhere");
        let error = Config::parse(&text, "k.toml").unwrap_err().to_string();
        assert!(error.contains("ADDRESS:PORT"), "{error}");
    }

    #[test]
    fn an_inbox_that_cannot_work_explains_itself() {
        let text = EXAMPLE.replace("# [mllp.outgoing]", "[mllp.outgoing]\naddress = \"sakurami\"");
        let error = Config::parse(&text, "k.toml").unwrap_err().to_string();
        assert!(error.contains("sakurami_ch") && error.contains("HOST:PORT"), "{error}");
    }

    #[test]
    fn certificates_that_nobody_asks_for_are_a_mistake() {
        let bound = EXAMPLE.replace("# client_certificates = []", "client_certificates = [\"ab:cd\"]");
        assert_ne!(bound, EXAMPLE);
        let error = Config::parse(&bound, "k.toml").unwrap_err().to_string();
        assert!(error.contains("client_ca") && error.contains("sakurami_ch"), "{error}");
        let asked = bound.replace(
            "# [mllp.tls]\n# certificate = \"mllp.pem\"\n# key = \"mllp.key\"\n# client_ca",
            "[mllp.tls]\ncertificate = \"mllp.pem\"\nkey = \"mllp.key\"\nclient_ca",
        );
        assert_ne!(asked, bound);
        Config::parse(&asked, "k.toml").unwrap();
    }

    #[test]
    fn an_engine_is_off_until_it_is_named_and_its_keys_are_known() {
        assert!(Config::parse(EXAMPLE, "example").unwrap().ocr.is_none(), "off by default");
        let on = EXAMPLE.replace("# [ocr]", "[ocr]").replace("# engine =", "engine =");
        let ocr = Config::parse(&on, "k.toml").unwrap().ocr.unwrap();
        assert_eq!((ocr.program.to_str(), ocr.language.as_str()), (Some("tesseract"), "jpn"));
        let shown = on.replace("# language = \"jpn\"", "langage = \"jpn\"");
        let error = Config::parse(&shown, "k.toml").unwrap_err().to_string();
        assert!(error.contains("did you mean `language`"), "{error}");
        let wrong = on.replace("# language = \"jpn\"", "language = \"--psm\"");
        let error = Config::parse(&wrong, "k.toml").unwrap_err().to_string();
        assert!(error.contains("ocr.language") && error.contains("jpn+eng"), "{error}");
    }

    #[test]
    fn secrets_are_not_printed() {
        let config = Config::parse(EXAMPLE, "example").unwrap();
        assert!(!format!("{config:?}").contains("postgres://"));
    }
}
