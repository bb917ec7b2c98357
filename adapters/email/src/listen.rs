//! The SMTP and LMTP listener (RFC 5321, RFC 2033): takes mails for our own addresses and answers 250 only after the desk
//! has made them durable. It never relays, never reads what a mail says and never keeps anything.

mod command;
mod config;
mod data;
mod human;
pub(crate) mod identity;
pub(crate) mod large;
mod session;

pub use config::{Protocol, SmtpConfig};
pub use session::{Ended, run_session};

use kakehashi_core::clock::Clock;
use kakehashi_core::port::IntakeDesk;
use kakehashi_wire::accept_loop::{self, Limits};
use kakehashi_wire::crowd::Crowd;
use kakehashi_wire::segments;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves until `shutdown`; sessions that are in a message finish it, idle ones are told 421.
pub async fn serve(
    listener: TcpListener,
    mut config: SmtpConfig,
    desk: Arc<dyn IntakeDesk>,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) {
    let limits = Limits { max_connections: config.max_connections, max_per_peer: config.max_per_peer };
    // Relays often run on the same host.
    segments::as_over_ethernet(&listener);
    let crowd = Crowd::default();
    config.crowd = crowd.clone();
    let config = Arc::new(config);
    accept_loop::serve_in(listener, limits, &crowd, shutdown, move |stream, peer, shutdown| {
        let (config, desk, clock) = (Arc::clone(&config), Arc::clone(&desk), Arc::clone(&clock));
        async move {
            let ended =
                run_session(stream, Some(peer.ip()), &config, desk.as_ref(), clock.as_ref(), shutdown).await;
            tracing::debug!(peer = %peer.ip(), ?ended, "smtp.session: ended");
        }
    })
    .await;
}
