//! Settings of the SMTP listener with the limits that hold where nobody sets others. Every limit has one
//! reply in the session; none can be switched off.

use kakehashi_wire::crowd::Crowd;
use kakehashi_wire::tls::ServerConfig;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protocol {
    /// SMTP (RFC 5321).
    #[default]
    Smtp,
    /// LMTP (RFC 2033): one answer for each recipient.
    Lmtp,
}

/// Settings of the listener.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// Our name in greeting and EHLO.
    pub hostname: String,
    /// What is spoken.
    pub protocol: Protocol,
    /// Relays of our own that may say by XCLIENT for whom they speak. Nobody else may.
    pub xclient_peers: Vec<IpAddr>,
    /// Largest message.
    pub max_message_bytes: usize,
    /// Most recipients of one message.
    pub max_recipients: usize,
    /// Longest text line. RFC 5321 asks for 1000; real mailers send longer ones.
    pub max_line_bytes: usize,
    /// Largest header of a message.
    pub max_header_bytes: usize,
    /// Longest command line.
    pub max_command_bytes: usize,
    /// Errors in one session before it is ended with 421.
    pub max_errors: u32,
    /// Sessions at once.
    pub max_connections: usize,
    /// Sessions at once from one address.
    pub max_per_peer: usize,
    /// Longest silence.
    pub idle: Duration,
    /// Longest session.
    pub total: Duration,
    /// STARTTLS, if configured.
    pub tls: Option<Arc<ServerConfig>>,
    /// How full the listener is; it says so itself.
    pub crowd: Crowd,
    /// Where places are short, a session gets something done so often or gives its place to others.
    pub patience_in_crowd: Duration,
}

impl Default for SmtpConfig {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            protocol: Protocol::Smtp,
            xclient_peers: Vec::new(),
            max_message_bytes: 64 * 1024 * 1024,
            max_recipients: 100,
            max_line_bytes: 64 * 1024,
            max_header_bytes: 512 * 1024,
            max_command_bytes: 2_048,
            max_errors: 20,
            max_connections: 1_000,
            max_per_peer: 50,
            idle: Duration::from_secs(60),
            total: Duration::from_secs(600),
            tls: None,
            crowd: Crowd::default(),
            patience_in_crowd: Duration::from_secs(10),
        }
    }
}
