//! The invented network of care-network.md 8.1 as an office would run it: directory files imported, a
//! configuration of its own, `kakehashi serve`, and a relay of the test in place of mail and FAX
//! provider. Stopped and started at any time of any day on the same data.

use crate::caught::Letter;
use crate::database::Database;
use crate::gateway::{Gateway, run, run_at, serve_at};
use crate::letters;
use crate::relay::Relay;
use crate::smtp::Smtp;
use crate::wait;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// A network that is ready to be served.
pub struct Network {
    folder: TempDir,
    /// Takes all that leaves.
    pub relay: Relay,
}

impl Network {
    /// Makes one: example directory, imported the day before the scenarios begin.
    ///
    /// # Panics
    /// The program refuses its own example.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        let network = Self {
            folder: TempDir::new().unwrap_or_else(|e| panic!("no folder: {e}")),
            relay: Relay::start(),
        };
        let database = match database {
            Database::Sqlite => String::new(),
            Database::Postgres(url) => format!("[database]\nurl = \"{url}\"\n"),
        };
        let text = format!(
            "network = \"sakurami\"\ndata_dir = \"{}\"\n{database}\
             [http]\nlisten = \"127.0.0.1:0\"\nsecure_cookies = false\n\
             [smtp]\nlisten = \"127.0.0.1:0\"\nhostname = \"in.kakehashi.example\"\n\
             [[mllp]]\nlisten = \"127.0.0.1:0\"\n[mllp.interface]\nname = \"sakurami_ch\"\n\
             facility_name = \"桜見中央病院\"\n[mllp.interface.ward_names]\n\"5E\" = \"5階東\"\n\
             [mail]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"intake@in.kakehashi.example\"\nfrom_name = \"架け橋\"\n\
             [fax.send]\naddress_pattern = \"{{number}}@fax.kakehashi.example\"\nfrom = \"{}\"\nreport_within_seconds = 1800\n\
             [[fax.providers]]\nname = \"provider\"\nfrom = [\"{}\"]\n",
            network.folder.path().join("data").display(),
            network.relay.port(),
            letters::FAX_INTAKE,
            letters::PROVIDER,
        );
        let written = std::fs::write(network.config(), text);
        written.unwrap_or_else(|e| panic!("configuration: {e}"));
        let directory = network.folder.path().join("directory").display().to_string();
        let config = network.config().display().to_string();
        for arguments in [
            vec!["directory", "example", &directory],
            vec!["directory", "import", &directory, "--config", &config],
        ] {
            let output = run_at("2026-06-04 09:00:00", &arguments);
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        network
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("kakehashi.toml")
    }

    /// Adds to the configuration; takes effect at the next start.
    ///
    /// # Panics
    /// The file cannot be written.
    pub fn configure(&self, more: &str) {
        let text = std::fs::read_to_string(self.config()).unwrap_or_default() + more;
        std::fs::write(self.config(), text).unwrap_or_else(|e| panic!("configuration: {e}"));
    }

    /// Adds a line to a file of the directory and imports it again.
    ///
    /// # Panics
    /// The program refuses it.
    pub fn register(&self, file: &str, line: &str) {
        let directory = self.folder.path().join("directory");
        let path = directory.join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_default() + line + "\n";
        std::fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (directory, config) = (directory.display().to_string(), self.config().display().to_string());
        let output = run_at("2026-06-04 09:30:00", &["directory", "import", &directory, "--config", &config]);
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A folder of the test beside the program's own.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        folder
    }

    /// Starts it with a clock that shows this time (日本時間).
    #[must_use]
    pub fn start(&self, japan_time: &str) -> Gateway {
        serve_at(&self.config(), japan_time)
    }

    /// Topics of a group as `kakehashi timeline --json` prints them, newest first.
    ///
    /// # Panics
    /// The command fails.
    #[must_use]
    pub fn topics(&self, group: &str) -> Vec<Value> {
        let config = self.config().display().to_string();
        let output = run(&["timeline", group, "--json", "--config", &config]);
        assert!(output.status.success(), "timeline: {}", String::from_utf8_lossy(&output.stderr));
        let timeline: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("not JSON: {e}"));
        timeline["topics"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until the group's topics are as wanted, and returns what was wanted.
    ///
    /// # Panics
    /// They are not within half a minute; prints them.
    pub fn wait_topics<T>(
        &self,
        what: &str,
        group: &str,
        mut wanted: impl FnMut(&[Value]) -> Option<T>,
    ) -> T {
        let mut last = Vec::new();
        let end = std::time::Instant::now() + Duration::from_secs(30);
        loop {
            let topics = self.topics(group);
            if let Some(found) = wanted(&topics) {
                return found;
            }
            last.clone_from(&topics);
            let text = || serde_json::to_string_pretty(&last).unwrap_or_default();
            assert!(std::time::Instant::now() < end, "waited in vain for {what}: {}", text());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until every intake is settled.
    ///
    /// # Panics
    /// One is not within half a minute.
    pub fn settled(&self) {
        let config = self.config().display().to_string();
        wait::until("every intake to be settled", Duration::from_secs(30), || {
            let output = run(&["intake", "list", "--config", &config]);
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let waits = text.lines().any(|l| l.split('\t').nth(3) == Some("accepted"));
            (output.status.success() && !waits).then_some(())
        });
    }

    /// The FAX provider's report that a job arrived.
    pub fn report_arrival(&self, gateway: &Gateway, job: &Letter, number: &str) {
        send_mail(gateway, letters::PROVIDER, letters::FAX_INTAKE, &letters::fax_report(job, number));
    }

    /// A file of one page that came as a FAX and is no TIFF.
    pub fn fax_file(&self, gateway: &Gateway, number: &str, media_type: &str, file: &[u8]) {
        let mail = letters::fax_file(number, 1, media_type, file);
        send_mail(gateway, letters::PROVIDER, letters::FAX_INTAKE, &mail);
    }

    /// A member's machine faxes pages; the provider forwards them.
    pub fn fax(&self, gateway: &Gateway, number: &str, pages: &[kakehashi_fax::pages::Page]) {
        let mail = letters::fax(number, pages.len(), &crate::paper::tiff(pages));
        send_mail(gateway, letters::PROVIDER, letters::FAX_INTAKE, &mail);
    }
}

/// Hands a mail to the gateway.
///
/// # Panics
/// It is not taken.
pub fn send_mail(gateway: &Gateway, from: &str, to: &str, mail: &[u8]) {
    let reply = Smtp::connect(gateway.smtp).and_then(|mut s| s.mail(from, to, mail));
    let reply = reply.unwrap_or_else(|e| panic!("SMTP: {e}"));
    assert!(reply.starts_with("250"), "mail from {from} to {to}: {reply}");
}

/// A message of the project's own HL7 corpus.
///
/// # Panics
/// There is none of this name.
#[must_use]
pub fn hl7(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/hl7/synthetic-ja").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The receipt of a facility at a post.
///
/// # Panics
/// There is none.
#[must_use]
pub fn receipt<'v>(post: &'v Value, facility: &str) -> &'v Value {
    let found = post["receipts"].as_array().into_iter().flatten().find(|r| r["facility_id"] == facility);
    found.unwrap_or_else(|| panic!("no receipt of {facility}: {post:#}"))
}
