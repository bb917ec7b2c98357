//! The dialogue with the relay over lettre's connection, with a small pool. It is led command by
//! command, because only so is it known whether a fault came before the message was handed over (try
//! again) or after (it may have arrived). Never falls back to an unencrypted connection where
//! encryption is required.

use super::message::Built;
use super::pace::Pace;
use kakehashi_core::port::{Outcome, SendFault};
use kakehashi_core::text::clean_line;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How the connection to the relay is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RelayTls {
    /// STARTTLS or no mail.
    #[default]
    Required,
    /// TLS from the first byte (port 465).
    Implicit,
    /// STARTTLS if offered.
    Opportunistic,
    /// Never; for a relay on the same machine.
    Plain,
}

/// Where and how mails leave.
#[derive(Clone)]
pub struct RelayConfig {
    /// Host name or address of the relay.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Encryption.
    pub tls: RelayTls,
    /// User name and password.
    pub credentials: Option<(String, String)>,
    /// Our name in EHLO.
    pub hostname: String,
    /// Connections kept open between mails.
    pub pool_size: usize,
    /// Connections at once, at least 1.
    pub max_connections: usize,
    /// Most mails a minute; no limit if absent.
    pub mails_per_minute: Option<u32>,
    /// A root certificate in PEM beside those of the system.
    pub root_certificate: Option<Vec<u8>>,
}

impl std::fmt::Debug for RelayConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The password stays out of logs.
        f.debug_struct("RelayConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("user", &self.credentials.as_ref().map(|c| &c.0))
            .finish_non_exhaustive()
    }
}

/// A connection unused for longer is closed by most relays.
const IDLE: Duration = Duration::from_secs(50);

/// A relay that could not be reached is left alone for so long where there is another one.
const DOWN: Duration = Duration::from_secs(60);

/// What an attempt at one relay came to.
pub(super) enum Tried {
    /// The relay did not get to see the mail: another one may be asked.
    NotBegun(SendFault),
    /// The relay cannot be reached in the way that this mail needs.
    Withheld(SendFault),
    /// Final for this attempt.
    Ended(Outcome),
}

pub(super) struct Relay {
    config: RelayConfig,
    pace: Pace,
    down_until: Mutex<Option<Instant>>,
    tls: Option<TlsParameters>,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl Relay {
    pub(super) fn new(config: RelayConfig) -> Result<Self, SendFault> {
        let tls = match config.tls {
            RelayTls::Plain => None,
            RelayTls::Required | RelayTls::Implicit | RelayTls::Opportunistic => {
                let mut builder = TlsParameters::builder(config.host.clone());
                if let Some(pem) = &config.root_certificate {
                    builder =
                        builder.add_root_certificate(Certificate::from_pem(pem).map_err(|e| tls_fault(&e))?);
                }
                Some(builder.build().map_err(|e| tls_fault(&e))?)
            }
        };
        let pace = Pace::new(config.max_connections, config.mails_per_minute);
        Ok(Self { config, pace, down_until: Mutex::new(None), tls, idle: Mutex::new(Vec::new()) })
    }

    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.config.host, self.config.port)
    }

    pub(super) fn is_local(&self) -> bool {
        matches!(self.config.host.as_str(), "localhost" | "127.0.0.1" | "::1")
    }

    /// Connects, says hello and leaves. True if the connection was encrypted.
    pub(super) async fn check(&self, within: Duration) -> Result<bool, SendFault> {
        let until = Instant::now() + within;
        let mut connection = self.connect(until).await?;
        let encrypted = connection.is_encrypted();
        let _ = timeout_at(until, connection.quit()).await;
        Ok(encrypted)
    }

    /// Whether it was away a moment ago.
    pub(super) fn is_down(&self) -> bool {
        let until = *self.down_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn mark(&self, down: bool) {
        let until = down.then(|| Instant::now() + DOWN);
        *self.down_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// One attempt. `connect_within` bounds how long a connection may take to come about.
    pub(super) async fn send(&self, message: &Built, connect_within: Duration, until: Instant) -> Tried {
        let retry = |cause| Tried::Ended(Outcome::RetryAfter { wait: None, cause });
        // Half a minute is for the dialogue itself.
        let latest = until.checked_sub(Duration::from_secs(30)).unwrap_or(until).max(Instant::now());
        let _place = match self.pace.turn(latest).await {
            Ok(place) => place,
            Err(wait) => {
                let cause = SendFault::RefusedForNow("our own limit for this relay".to_owned());
                return Tried::Ended(Outcome::RetryAfter { wait: Some(wait), cause });
            }
        };
        let mut connection = match self.pooled(until).await {
            Some(connection) => connection,
            None => match self.connect(until.min(Instant::now() + connect_within)).await {
                Ok(connection) => connection,
                // Whatever the relay or the network says before our mail is named, says nothing of it.
                Err(cause) => {
                    self.mark(true);
                    return Tried::NotBegun(cause);
                }
            },
        };
        self.mark(false);
        if message.open_content && !connection.is_encrypted() && !self.is_local() {
            self.give_back(connection);
            return Tried::Withheld(SendFault::Tls(
                "content mode C leaves over verified TLS only, and this relay was reached without; \
                 set tls = \"starttls\" or \"implicit\" for it, or choose mode B for this endpoint"
                    .to_owned(),
            ));
        }
        match timeout_at(until, open(&mut connection, message)).await {
            Ok(Ok(())) => {}
            Ok(Err(Refused::Rule(fault))) => {
                self.give_up(connection, until).await;
                return Tried::Ended(Outcome::Failed(fault));
            }
            Ok(Err(Refused::Error(error))) => {
                self.give_up(connection, until).await;
                return Tried::Ended(before_message(&error));
            }
            Err(_) => return retry(SendFault::TimedOut("before the message was handed over".to_owned())),
        }
        Tried::Ended(match timeout_at(until, connection.message(&message.bytes)).await {
            Ok(Ok(response)) => {
                let evidence = words(&response);
                self.give_back(connection);
                Outcome::Delivered(evidence)
            }
            Ok(Err(error)) => {
                self.give_up(connection, until).await;
                if error.is_permanent() || error.is_transient() {
                    before_message(&error)
                } else {
                    Outcome::Unknown(SendFault::Unreachable(format!(
                        "connection lost after the message was sent: {}",
                        said(&error)
                    )))
                }
            }
            Err(_) => {
                Outcome::Unknown(SendFault::TimedOut("no answer after the message was sent".to_owned()))
            }
        })
    }

    async fn connect(&self, until: Instant) -> Result<AsyncSmtpConnection, SendFault> {
        let hello = ClientId::Domain(self.config.hostname.clone());
        let wait = until.saturating_duration_since(Instant::now());
        let implicit = (self.config.tls == RelayTls::Implicit).then(|| self.tls.clone()).flatten();
        let connecting = async {
            let address = (self.config.host.as_str(), self.config.port);
            let mut connection =
                AsyncSmtpConnection::connect_tokio1(address, Some(wait), &hello, implicit, None)
                    .await
                    .map_err(|e| connect_fault(&e))?;
            if let Some(tls) = self.tls.clone() {
                match self.config.tls {
                    RelayTls::Required if !connection.can_starttls() => {
                        connection.abort().await;
                        return Err(SendFault::Tls("the relay does not offer STARTTLS".to_owned()));
                    }
                    RelayTls::Required | RelayTls::Opportunistic if connection.can_starttls() => {
                        connection.starttls(tls, &hello).await.map_err(|e| tls_fault(&e))?;
                    }
                    _ => {}
                }
            }
            if let Some((user, password)) = &self.config.credentials {
                let credentials = Credentials::new(user.clone(), password.clone());
                connection
                    .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                    .await
                    .map_err(|e| SendFault::RefusedForNow(format!("login at the relay: {}", said(&e))))?;
            }
            Ok(connection)
        };
        timeout_at(until, connecting)
            .await
            .unwrap_or_else(|_| Err(SendFault::TimedOut("connecting to the relay".to_owned())))
    }

    async fn pooled(&self, until: Instant) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, since) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if since.elapsed() < IDLE && timeout_at(until, connection.test_connected()).await.unwrap_or(false)
            {
                return Some(connection);
            }
        }
    }

    fn give_back(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !connection.has_broken() && idle.len() < self.config.pool_size {
            idle.push((connection, Instant::now()));
        }
    }

    async fn give_up(&self, mut connection: AsyncSmtpConnection, until: Instant) {
        let end = until.min(Instant::now() + Duration::from_secs(5));
        let _ = timeout_at(end, connection.abort()).await;
    }
}

enum Refused {
    /// The relay lacks what this mail needs.
    Rule(SendFault),
    Error(Error),
}

/// MAIL, RCPT and DATA.
async fn open(connection: &mut AsyncSmtpConnection, message: &Built) -> Result<(), Refused> {
    let envelope = &message.envelope;
    let mut parameters = Vec::new();
    let plain = |a: &lettre::Address| a.to_string().is_ascii();
    if !envelope.to().iter().chain(envelope.from()).all(plain) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            let fault = SendFault::Unsendable("the relay cannot take addresses outside ASCII".to_owned());
            return Err(Refused::Rule(fault));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !message.bytes.is_ascii() {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    connection.command(Mail::new(envelope.from().cloned(), parameters)).await.map_err(Refused::Error)?;
    for to in envelope.to() {
        connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(Refused::Error)?;
    }
    connection.command(Data).await.map_err(Refused::Error)?;
    Ok(())
}

/// An error that leaves no doubt that the mail was not taken.
fn before_message(error: &Error) -> Outcome {
    if error.is_permanent() {
        Outcome::Failed(SendFault::RefusedForGood(said(error)))
    } else if error.is_transient() {
        Outcome::RetryAfter { wait: None, cause: SendFault::RefusedForNow(said(error)) }
    } else {
        Outcome::RetryAfter { wait: None, cause: connect_fault(error) }
    }
}

fn connect_fault(error: &Error) -> SendFault {
    if error.is_tls() || names_certificate(error) {
        tls_fault(error)
    } else if error.is_transient() || error.is_permanent() {
        SendFault::RefusedForNow(said(error))
    } else if error.is_timeout() {
        SendFault::TimedOut(said(error))
    } else {
        SendFault::Unreachable(said(error))
    }
}

/// A failed handshake reaches us as an I/O error with the reason inside.
fn names_certificate(error: &Error) -> bool {
    let text = said(error).to_lowercase();
    text.contains("certificate") || text.contains("handshake")
}

fn tls_fault(error: &Error) -> SendFault {
    SendFault::Tls(said(error))
}

/// The far side's words with their cause, one bounded line.
fn said(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    clean_line(&text, 300)
}

fn words(response: &Response) -> String {
    clean_line(&format!("{} {}", response.code(), response.first_line().unwrap_or("")), 300)
}
