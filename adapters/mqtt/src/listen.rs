//! Takes care notes from a broker: MQTT 3.1.1, clean session off, QoS 1, and PUBACK only after the desk
//! says that the intake is durable (architecture.md section 1). Confirmations go out in the order of
//! arrival (MQTT 3.1.1, 4.6). If the desk cannot take a message, the connection is dropped so that the
//! broker keeps it and sends it again. Topics and payloads never reach a log line.

mod session;

use crate::topic::{FilterFault, check_filter};
use kakehashi_core::clock::Clock;
use kakehashi_core::port::IntakeDesk;
use kakehashi_core::vocabulary::Authenticity;
use session::{End, Session};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How to reach the broker and what to take from it.
#[derive(Clone)]
pub struct MqttConfig {
    /// Broker.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The broker keeps our session under this name, so it must stay the same and be used once.
    pub client_id: String,
    /// User, if the broker asks for one.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// Topic filter: `kakehashi/<network>/care-notes/+`.
    pub topic: String,
    /// PEM file of the authority that signed the broker's certificate; absent: no TLS.
    pub ca: Option<PathBuf>,
    /// Largest message that becomes an ordinary intake, in bytes. A larger one is kept cut off at this size for
    /// triage; its memory is given back at once. A limit in the broker (`message_size_limit`) is better still.
    pub max_packet_bytes: usize,
    /// What a topic proves of its sender: [`Authenticity::ApiKey`] where the broker lets each facility
    /// publish only to its own topic, else [`Authenticity::Network`].
    pub topic_proves: Authenticity,
    /// First pause before connecting again; doubled up to [`Self::longest_pause`].
    pub first_pause: Duration,
    /// Longest pause before connecting again.
    pub longest_pause: Duration,
}

impl Default for MqttConfig {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 1883,
            client_id: "kakehashi".to_owned(),
            username: None,
            password: None,
            topic: "kakehashi/network/care-notes/+".to_owned(),
            ca: None,
            max_packet_bytes: 4 * 1024 * 1024,
            topic_proves: Authenticity::Network,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
        }
    }
}

impl std::fmt::Debug for MqttConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The password stays out.
        f.debug_struct("MqttConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("client_id", &self.client_id)
            .field("username", &self.username)
            .field("topic", &self.topic)
            .field("ca", &self.ca)
            .field("max_packet_bytes", &self.max_packet_bytes)
            .finish_non_exhaustive()
    }
}

impl MqttConfig {
    /// Checks what can be checked without a broker.
    ///
    /// # Errors
    /// [`FilterFault`] if the topic filter cannot be used.
    pub fn check(&self) -> Result<(), FilterFault> {
        check_filter(&self.topic)
    }
}

/// Takes messages until `shutdown`; connects again with growing pauses whenever the connection ends.
/// Returns when everything taken has been confirmed or given back.
pub async fn serve(
    config: MqttConfig,
    desk: Arc<dyn IntakeDesk>,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) {
    if let Err(fault) = config.check() {
        tracing::error!(%fault, "mqtt: topic filter cannot be used, nothing is taken");
        return;
    }
    let mut pause = config.first_pause;
    while !shutdown.is_cancelled() {
        let begun = Instant::now();
        match Session::new(&config, Arc::clone(&desk), Arc::clone(&clock)) {
            Ok(session) => {
                if session.run(&shutdown).await == End::Shutdown {
                    return;
                }
            }
            Err(fault) => tracing::error!(%fault, "mqtt: cannot connect"),
        }
        // A connection that held for a while was a good one. One that broke at once was not, even if it
        // stood: another client with our name would otherwise be fought for ever.
        if begun.elapsed() >= config.longest_pause {
            pause = config.first_pause;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => return,
        }
        pause = (pause * 2).min(config.longest_pause);
    }
}
