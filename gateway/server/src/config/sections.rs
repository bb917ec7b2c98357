//! The sections of the configuration file. Values only; what they mean for an adapter is said where the
//! gateway is put together.

use kakehashi_fax::http::HttpFaxProfile;
use kakehashi_fax::provider::FaxProviderProfile;
use kakehashi_fax::send::FaxSendProfile;
use kakehashi_fax::spool::SpoolProfile;
use kakehashi_hl7::listen::folder::FolderKind;
use kakehashi_hl7::{InterfaceProfile, OutboxProfile};
use serde::Deserialize;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// A value that is never printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// The value itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Wraps a value.
    pub(crate) const fn new(value: String) -> Self {
        Self(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// `[database]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DatabaseSection {
    /// `postgres://…` or `sqlite:…`; absent: SQLite in the data folder.
    pub(crate) url: Option<Secret>,
    /// Connections of the pool.
    pub(crate) max_connections: u32,
}

impl Default for DatabaseSection {
    fn default() -> Self {
        Self { url: None, max_connections: 8 }
    }
}

/// `[intake]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IntakeSection {
    /// Largest message on any channel.
    pub(crate) max_message_bytes: u64,
    /// Connections per listener.
    pub(crate) max_connections: usize,
    /// Connections from one address.
    pub(crate) max_per_peer: usize,
}

impl Default for IntakeSection {
    fn default() -> Self {
        Self { max_message_bytes: 64 * 1024 * 1024, max_connections: 1000, max_per_peer: 50 }
    }
}

/// `[http]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpSection {
    /// Address to listen on.
    pub(crate) listen: String,
    /// Whether cookies are sent over TLS only; behind a TLS proxy: true.
    pub(crate) secure_cookies: bool,
}

impl Default for HttpSection {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8080".to_owned(), secure_cookies: true }
    }
}

/// Certificate and key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsFiles {
    /// PEM chain.
    pub(crate) certificate: PathBuf,
    /// PEM key.
    pub(crate) key: PathBuf,
    /// PEM authority whose certificates peers must show.
    pub(crate) client_ca: Option<PathBuf>,
}

/// `[smtp]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmtpSection {
    /// Address to listen on.
    pub(crate) listen: String,
    /// Name in the greeting.
    pub(crate) hostname: String,
    /// For STARTTLS.
    pub(crate) tls: Option<TlsFiles>,
    /// Relays of our own in front of this listener: never the sender themselves.
    #[serde(default)]
    pub(crate) trusted_relays: Vec<IpAddr>,
    /// Whether those may say by XCLIENT for whom they speak.
    #[serde(default)]
    pub(crate) xclient: bool,
}

/// `[lmtp]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LmtpSection {
    /// Address to listen on.
    pub(crate) listen: String,
    /// Name in the greeting.
    pub(crate) hostname: String,
}

/// `[[imap]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImapSection {
    /// Server, as its certificate has it.
    pub(crate) host: String,
    /// Its port.
    #[serde(default = "default_imap_port")]
    pub(crate) port: u16,
    /// `implicit`, `starttls`, or `none` on the same machine.
    #[serde(default = "default_imap_tls")]
    pub(crate) tls: RelayTls,
    /// PEM authority beside those of the system.
    pub(crate) ca: Option<PathBuf>,
    /// Login name.
    pub(crate) username: String,
    /// File that holds the password.
    pub(crate) password_file: PathBuf,
    /// Folder that is watched.
    #[serde(default = "default_imap_folder")]
    pub(crate) folder: String,
    /// Our address that counts as recipient where the header names none.
    pub(crate) recipient: String,
    /// Folder for mails that were taken; absent: they stay and are marked.
    pub(crate) done_folder: Option<String>,
    /// Longest time between two looks.
    #[serde(default = "default_imap_poll")]
    pub(crate) poll_seconds: u64,
}

const fn default_imap_port() -> u16 {
    993
}

const fn default_imap_tls() -> RelayTls {
    RelayTls::Implicit
}

fn default_imap_folder() -> String {
    "INBOX".to_owned()
}

const fn default_imap_poll() -> u64 {
    300
}

/// `[sender_proof]`: SPF, DKIM, DMARC and ARC of what comes in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SenderProofSection {
    /// DNS server; absent: the system's.
    pub(crate) dns_server: Option<SocketAddr>,
    /// Names under which trusted relays write Authentication-Results.
    pub(crate) authserv_ids: Vec<String>,
    /// Domains whose ARC seal is believed.
    pub(crate) trusted_sealers: Vec<String>,
    /// Longest time for one mail.
    pub(crate) seconds: Option<u64>,
}

/// `[[mllp]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MllpSection {
    /// Address to listen on.
    pub(crate) listen: String,
    /// TLS from the first byte.
    pub(crate) tls: Option<TlsFiles>,
    /// The interface of the hospital.
    pub(crate) interface: InterfaceProfile,
    /// Its inbox, where it has one.
    pub(crate) outgoing: Option<OutboxProfile>,
}

impl MllpSection {
    /// What cannot work: the key, why, and what to do.
    pub(crate) fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let interface = &self.interface;
        let asks_certificate = self.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        if !interface.client_certificates.is_empty() && !asks_certificate {
            return Some((
                "client_certificates",
                format!(
                    "the interface {:?} admits only certain client certificates, but its listener asks for none, \
                     so that every connection would be closed",
                    interface.name
                ),
                "set client_ca in [mllp.tls] to the authority that signed them, or leave client_certificates out",
            ));
        }
        let files = interface.application_answers_tls.as_ref();
        if files.is_some() && interface.application_answers_to.is_none() {
            return Some((
                "application_answers_tls",
                format!("the interface {:?} has TLS for application answers but no listener", interface.name),
                "set application_answers_to to HOST:PORT, or leave application_answers_tls out",
            ));
        }
        if files.is_some_and(|f| f.certificate.is_some() != f.key.is_some()) {
            return Some((
                "application_answers_tls",
                "a certificate and its key come together".to_owned(),
                "give certificate and key, or neither",
            ));
        }
        None
    }
}

/// `[[hl7_folder]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FolderSection {
    /// The folder, or the root of a storage.
    pub(crate) path: PathBuf,
    /// What it holds.
    #[serde(default)]
    pub(crate) kind: FolderKind,
    /// Seconds between two looks.
    #[serde(default = "ten")]
    pub(crate) every_seconds: u64,
    /// Seconds without a change after which a file without a last CR is complete.
    #[serde(default = "ten")]
    pub(crate) stable_seconds: u64,
    /// Nothing before this day, `YYYY-MM-DD`.
    pub(crate) since: Option<String>,
    /// The interface of the hospital.
    pub(crate) interface: InterfaceProfile,
}

const fn ten() -> u64 {
    10
}

/// `[mqtt]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MqttSection {
    /// Broker.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// Client id; the broker keeps our session under it.
    pub(crate) client_id: String,
    /// User, if any.
    pub(crate) username: Option<String>,
    /// Password, if any.
    pub(crate) password: Option<Secret>,
    /// Topic filter, last level is the facility's endpoint address.
    pub(crate) topic: String,
    /// PEM authority of the broker's certificate; absent: no TLS.
    pub(crate) ca: Option<PathBuf>,
    /// Whether the broker lets each login publish to its own topic only; then a topic proves its facility.
    #[serde(default)]
    pub(crate) topics_bound_to_logins: bool,
}

/// TLS towards a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RelayTls {
    /// None: loopback only.
    None,
    /// STARTTLS, refused without.
    Starttls,
    /// From the first byte.
    Implicit,
}

/// `[mail]`: the relay that takes our mails.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailSection {
    /// Relay.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// TLS.
    pub(crate) tls: RelayTls,
    /// User, if any.
    pub(crate) username: Option<String>,
    /// Password, if any.
    pub(crate) password: Option<Secret>,
    /// File that holds the password.
    pub(crate) password_file: Option<PathBuf>,
    /// From address.
    pub(crate) from: String,
    /// From name.
    pub(crate) from_name: String,
    /// Connections at once to a relay.
    #[serde(default = "default_relay_connections")]
    pub(crate) max_connections: usize,
    /// Most mails a minute to a relay; absent: no limit.
    pub(crate) mails_per_minute: Option<u32>,
    /// Asked when the first cannot be reached.
    pub(crate) second_relay: Option<SecondRelaySection>,
    /// Signs what leaves.
    pub(crate) dkim: Option<DkimSection>,
}

const fn default_relay_connections() -> usize {
    8
}

/// `[mail.second_relay]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecondRelaySection {
    /// Relay.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// TLS.
    pub(crate) tls: RelayTls,
    /// User, if any.
    pub(crate) username: Option<String>,
    /// File that holds the password.
    pub(crate) password_file: Option<PathBuf>,
}

/// `[mail.dkim]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DkimSection {
    /// Domain of the From address.
    pub(crate) domain: String,
    /// Selector in the DNS.
    pub(crate) selector: String,
    /// Private key in PEM.
    pub(crate) key_file: PathBuf,
}

/// `[fax]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaxSection {
    /// How jobs reach the mail-to-FAX provider.
    pub(crate) send: FaxSendProfile,
    /// Further providers, in the order in which they take over.
    #[serde(default)]
    pub(crate) fallback: Vec<FaxSendProfile>,
    /// Providers that take jobs over HTTP.
    #[serde(default)]
    pub(crate) http: Vec<HttpFaxProfile>,
    /// A folder that a local FAX server empties.
    #[serde(default)]
    pub(crate) spool: Option<SpoolProfile>,
    /// How received FAX mails look.
    #[serde(default)]
    pub(crate) providers: Vec<FaxProviderProfile>,
}

/// `[rules]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RulesSection {
    /// Rule file; absent: the built-in policy. Reloaded when it changes.
    pub(crate) file: Option<PathBuf>,
}
