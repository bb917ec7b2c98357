//! The ways by which mail comes in, put together from their sections: SMTP, LMTP, mailboxes, and the
//! check of who sent what came. Wiring only.

use super::{StartFault, read_secret, tls};
use crate::config::{Config, ImapSection, RelayTls};
use kakehashi_core::clock::Clock;
use kakehashi_core::port::{Finding, IntakeDesk, SenderCheck};
use kakehashi_email::imap::{ImapConfig, ImapTls, Taken};
use kakehashi_email::listen::{Protocol, SmtpConfig};
use kakehashi_email::proof::{Dns, ProofConfig, SenderProver};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Sockets that are bound already.
pub(super) struct MailSockets {
    pub(super) smtp: Option<TcpListener>,
    pub(super) lmtp: Option<TcpListener>,
}

/// Starts what is configured.
pub(super) fn start(
    config: &Config,
    sockets: MailSockets,
    desk: &Arc<dyn IntakeDesk>,
    clock: &Arc<dyn Clock>,
    shutdown: &CancellationToken,
    listeners: &TaskTracker,
) -> Result<(), StartFault> {
    let bounds = || SmtpConfig {
        max_message_bytes: usize::try_from(config.intake.max_message_bytes).unwrap_or(usize::MAX),
        max_connections: config.intake.max_connections,
        max_per_peer: config.intake.max_per_peer,
        ..SmtpConfig::default()
    };
    let serve = |listener, settings| {
        let (desk, clock) = (Arc::clone(desk), Arc::clone(clock));
        listeners.spawn(kakehashi_email::listen::serve(listener, settings, desk, clock, shutdown.clone()));
    };
    if let (Some(section), Some(listener)) = (&config.smtp, sockets.smtp) {
        let xclient_peers = if section.xclient { section.trusted_relays.clone() } else { Vec::new() };
        let hostname = section.hostname.clone();
        let tls = tls(section.tls.as_ref())?;
        serve(listener, SmtpConfig { hostname, xclient_peers, tls, ..bounds() });
    }
    if let (Some(section), Some(listener)) = (&config.lmtp, sockets.lmtp) {
        let hostname = section.hostname.clone();
        serve(listener, SmtpConfig { hostname, protocol: Protocol::Lmtp, ..bounds() });
    }
    for section in &config.imap {
        let (desk, clock) = (Arc::clone(desk), Arc::clone(clock));
        let settings = imap(config, section)?;
        listeners.spawn(kakehashi_email::imap::serve(settings, desk, clock, shutdown.clone()));
    }
    Ok(())
}

fn imap(config: &Config, section: &ImapSection) -> Result<ImapConfig, StartFault> {
    Ok(ImapConfig {
        host: section.host.clone(),
        port: section.port,
        tls: match section.tls {
            RelayTls::None => ImapTls::Plain,
            RelayTls::Implicit => ImapTls::Implicit,
            RelayTls::Starttls => ImapTls::Starttls,
        },
        ca: section.ca.clone(),
        username: section.username.clone(),
        password: read_secret(&section.password_file)?.expose().to_owned(),
        folder: section.folder.clone(),
        purpose: section.recipient.clone(),
        taken: section.done_folder.clone().map_or(Taken::Mark, Taken::Move),
        max_message_bytes: usize::try_from(config.intake.max_message_bytes).unwrap_or(usize::MAX),
        poll: Duration::from_secs(section.poll_seconds.clamp(5, 29 * 60)),
    })
}

/// For `doctor`: every mailbox.
pub(crate) async fn check_mailboxes(config: &Config) -> Result<Vec<Finding>, StartFault> {
    let mut findings = Vec::with_capacity(config.imap.len());
    for section in &config.imap {
        findings.push(kakehashi_email::imap::check(&imap(config, section)?).await);
    }
    Ok(findings)
}

/// The check of senders, if its section is there.
pub(crate) fn sender_check(config: &Config) -> Result<Option<Arc<dyn SenderCheck>>, StartFault> {
    let Some(section) = &config.sender_proof else { return Ok(None) };
    let defaults = ProofConfig::default();
    let settings = ProofConfig {
        hostname: config.smtp.as_ref().map_or(defaults.hostname, |s| s.hostname.clone()),
        trusted_relays: config.smtp.as_ref().map(|s| s.trusted_relays.clone()).unwrap_or_default(),
        authserv_ids: section.authserv_ids.clone(),
        trusted_sealers: section.trusted_sealers.clone(),
        within: section.seconds.map_or(Duration::from_secs(5), |s| Duration::from_secs(s.clamp(1, 30))),
    };
    let dns = section.dns_server.map_or(Dns::System, Dns::Server);
    let prover = SenderProver::new(settings, dns).map_err(StartFault::Resolver)?;
    Ok(Some(Arc::new(prover)))
}
