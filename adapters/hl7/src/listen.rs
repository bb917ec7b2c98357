//! The MLLP listener (hl7.md section 2): accepts hospital systems, hands every message in and answers
//! when it is durable. Answers leave in the order of the messages; handing in overlaps, so that
//! messages which wait together are committed together. Never reads a message's content.

pub mod folder;
pub mod later;
pub mod links;
pub mod memory;
pub mod session;

pub(crate) mod key;

use crate::acknowledgement::AnswerIds;
use crate::dial::Dial;
use crate::{InterfaceProfile, LISTENER};
use kakehashi_core::clock::Clock;
use kakehashi_core::link::LinkMemory;
use kakehashi_core::port::{IntakeDesk, Origin};
use kakehashi_core::vocabulary::Authenticity;
use kakehashi_wire::accept_loop::{self, Limits};
use kakehashi_wire::tls::{self, ServerConfig};
use session::Session;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// One listening interface.
#[derive(Clone)]
pub struct MllpConfig {
    /// Name under which intakes say where they came from.
    pub interface: String,
    /// What was agreed with the hospital.
    pub profile: InterfaceProfile,
    /// Largest message.
    pub max_frame_bytes: usize,
    /// Connections at once.
    pub max_connections: usize,
    /// Connections at once from one address.
    pub max_per_peer: usize,
    /// Messages of one connection that are being handed in at once.
    pub max_in_flight: usize,
    /// Seconds from the first byte of a frame to its last.
    pub frame_seconds: u64,
    /// Seconds from the last byte of a frame to its answer; later the connection is closed instead.
    pub answer_seconds: u64,
    /// Connections open now, counted for the office.
    pub open: Arc<AtomicU64>,
    /// TLS from the first byte, with client certificates if the configuration asks for them.
    pub tls: Option<Arc<ServerConfig>>,
    /// The sender's listener for application answers in enhanced mode; without it only the commit answer
    /// is given.
    pub answers_to: Option<Dial>,
    /// What must outlast the program: expected numbers and owed answers.
    pub memory: Arc<dyn LinkMemory>,
}

impl Default for MllpConfig {
    fn default() -> Self {
        Self {
            interface: "hl7".to_owned(),
            profile: InterfaceProfile::default(),
            max_frame_bytes: 32 * 1024 * 1024,
            max_connections: 256,
            max_per_peer: 64,
            max_in_flight: 64,
            frame_seconds: 60,
            answer_seconds: 3,
            open: Arc::default(),
            tls: None,
            answers_to: None,
            memory: Arc::new(memory::PassingMemory::default()),
        }
    }
}

impl std::fmt::Debug for MllpConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MllpConfig")
            .field("interface", &self.interface)
            .field("max_frame_bytes", &self.max_frame_bytes)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

/// What all sessions of a listener share.
pub struct Shared {
    /// Settings.
    pub config: MllpConfig,
    /// ①.
    pub desk: Arc<dyn IntakeDesk>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Control ids of answers.
    pub ids: AnswerIds,
    /// Sequence numbers, where the interface uses them.
    pub links: links::Links,
    /// Application answers as messages of their own, where the interface has a listener for them.
    pub later: Option<later::LaterAnswers>,
}

impl Shared {
    /// What sessions of this listener share; begins to deliver application answers that are owed.
    #[must_use]
    pub fn new(
        config: MllpConfig,
        desk: Arc<dyn IntakeDesk>,
        clock: Arc<dyn Clock>,
        shutdown: &CancellationToken,
    ) -> Self {
        let (interface, memory) = (config.interface.as_str(), &config.memory);
        let links = links::Links::new(interface, Arc::clone(memory));
        let later = config
            .answers_to
            .clone()
            .map(|dial| later::LaterAnswers::to(dial, interface, Arc::clone(memory), shutdown.clone()));
        Self { config, desk, clock, ids: AnswerIds::default(), links, later }
    }
}

/// Serves until `shutdown`, then lets open connections finish what they began.
pub async fn serve(
    listener: TcpListener,
    config: MllpConfig,
    desk: Arc<dyn IntakeDesk>,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) {
    let limits = Limits { max_connections: config.max_connections, max_per_peer: config.max_per_peer };
    let shared = Arc::new(Shared::new(config, desk, clock, &shutdown));
    let handler = move |stream, peer, shutdown| connection(Arc::clone(&shared), stream, peer, shutdown);
    accept_loop::serve(listener, limits, shutdown, handler).await;
}

async fn connection(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr, shutdown: CancellationToken) {
    let tls = shared.config.tls.clone();
    let _counted = Counted::new(&shared.config.open);
    let mut origin = Origin {
        listener: LISTENER.to_owned(),
        peer: Some(peer.ip().to_string()),
        interface: Some(shared.config.interface.clone()),
        authenticity: Some(Authenticity::Network),
        ..Origin::default()
    };
    match tls {
        None if !shared.config.profile.admits(None) => {
            tracing::warn!(peer = %peer.ip(), "mllp: the interface wants a client certificate, closed");
        }
        // Boxed, so that a silent connection takes what it needs and not what the largest kind would.
        None => Box::pin(Session::new(shared, origin).run(stream, shutdown)).await,
        Some(tls) => match Box::pin(tls::accept(&tls, stream)).await {
            Ok(stream) => {
                let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                let admitted = shared.config.profile.admits(shown.map(AsRef::as_ref));
                if shown.is_some() {
                    origin.authenticity = Some(Authenticity::ClientCertificate);
                }
                if !admitted {
                    tracing::warn!(peer = %peer.ip(), "mllp: the certificate is not one of this interface, closed");
                    return;
                }
                Box::pin(Session::new(shared, origin).run(stream, shutdown)).await;
            }
            Err(error) => {
                tracing::warn!(peer = %peer.ip(), %error, "mllp: no TLS could be agreed upon, closed")
            }
        },
    }
}

/// Counts a connection as long as it lives.
struct Counted(Arc<AtomicU64>);

impl Counted {
    fn new(open: &Arc<AtomicU64>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Longest wait for a write to a peer that does not read.
pub(crate) const WRITE_TIME: Duration = Duration::from_secs(10);
