//! One connection to the broker. Each has its own client, so that a confirmation can never be sent on
//! a later connection, where the same packet id may name another message.

use super::MqttConfig;
use crate::tls::{AuthorityFault, client_config};
use crate::topic::endpoint_address;
use kakehashi_core::care_note::{CareNote, CareNoteLimits};
use kakehashi_core::clock::{Clock, UtcMicros};
use kakehashi_core::port::{IntakeAnswer, IntakeDesk, Origin, RawIntake, Refusal};
use kakehashi_core::raw_bytes::RawBytes;
use kakehashi_core::vocabulary::{Channel, Format};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Outgoing, Packet, Publish, QoS,
    TlsConfiguration, Transport,
};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Messages at the desk at one time, so that group commit has something to group.
const AT_THE_DESK: usize = 32;
/// Waiting messages and bytes beyond which nothing more is taken from the socket.
const WAITING: usize = 512;
const WAITING_BYTES: usize = 64 * 1024 * 1024;
/// Confirmations that fit between us and the socket.
const CONFIRMATIONS: usize = 1_024;
/// The largest packet of the protocol. Nothing smaller may be refused while reading: the broker would send
/// the same packet after every new connection, and nothing behind it would ever arrive.
const PROTOCOL_BYTES: usize = 268_435_460;
/// Time for what was taken to become durable when the connection is to end.
const DRAIN: Duration = Duration::from_secs(10);

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// As asked.
    Shutdown,
    /// The desk cannot take messages now.
    TryLater,
    /// It broke or never stood.
    Broken,
}

/// A message that was taken and is not yet confirmed, in order of arrival.
struct Open {
    number: u64,
    publish: Publish,
    /// `None` while it waits or is at the desk.
    settled: Option<bool>,
}

type Polled = (EventLoop, Result<Event, ConnectionError>);

/// One connection.
pub(super) struct Session {
    config: MqttConfig,
    desk: Arc<dyn IntakeDesk>,
    clock: Arc<dyn Clock>,
    client: AsyncClient,
    polling: Option<Pin<Box<dyn Future<Output = Polled> + Send>>>,
    idle: Option<EventLoop>,
    open: VecDeque<Open>,
    waiting: VecDeque<(u64, RawIntake)>,
    waiting_bytes: usize,
    next: u64,
    desk_tasks: JoinSet<(u64, bool)>,
}

impl Session {
    /// Prepares a connection; nothing is sent yet.
    pub(super) fn new(
        config: &MqttConfig,
        desk: Arc<dyn IntakeDesk>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AuthorityFault> {
        let mut options = MqttOptions::new(config.client_id.clone(), config.host.clone(), config.port);
        options.set_clean_session(false);
        options.set_manual_acks(true);
        options.set_keep_alive(Duration::from_secs(30));
        options.set_max_packet_size(PROTOCOL_BYTES, 16 * 1024);
        if let Some(username) = &config.username {
            options.set_credentials(username.clone(), config.password.clone().unwrap_or_default());
        }
        if let Some(ca) = &config.ca {
            let tls = client_config(ca)?;
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(Arc::new(tls))));
        }
        let (client, events) = AsyncClient::new(options, CONFIRMATIONS);
        Ok(Self {
            config: config.clone(),
            desk,
            clock,
            client,
            polling: None,
            idle: Some(events),
            open: VecDeque::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            next: 0,
            desk_tasks: JoinSet::new(),
        })
    }

    /// Takes messages until the connection ends.
    pub(super) async fn run(mut self, shutdown: &CancellationToken) -> End {
        loop {
            let read = self.waiting.len() < WAITING && self.waiting_bytes < WAITING_BYTES;
            if read {
                self.start_polling();
            }
            let settled = tokio::select! {
                () = shutdown.cancelled() => {
                    self.close().await;
                    return End::Shutdown;
                }
                event = next(&mut self.polling), if read => match self.take(event) {
                    Ok(()) => true,
                    Err(end) => return end,
                },
                Some(done) = self.desk_tasks.join_next(), if !self.desk_tasks.is_empty() => {
                    match done {
                        Ok((number, settled)) => self.settle(number, settled),
                        // The desk panicked: an answer that never comes counts as "try later".
                        Err(_) => false,
                    }
                }
            };
            if !settled {
                self.close().await;
                return End::TryLater;
            }
            self.confirm();
            self.fill_desk();
        }
    }

    fn start_polling(&mut self) {
        if let Some(mut events) = self.idle.take() {
            // The poll is never dropped half way: a packet could be lost between socket and us.
            self.polling = Some(Box::pin(async move {
                let result = events.poll().await;
                (events, result)
            }));
        }
    }

    /// Handles one event of the connection.
    fn take(&mut self, polled: Polled) -> Result<(), End> {
        let (events, result) = polled;
        self.polling = None;
        self.idle = Some(events);
        match result {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                tracing::info!("mqtt: connected");
                // Subscribing again to the same filter changes nothing in a kept session.
                if self.client.try_subscribe(self.config.topic.clone(), QoS::AtLeastOnce).is_err() {
                    return Err(End::Broken);
                }
                Ok(())
            }
            Ok(Event::Incoming(Packet::SubAck(answer))) => {
                if answer.return_codes.contains(&rumqttc::SubscribeReasonCode::Failure) {
                    tracing::error!("mqtt: the broker refuses the topic filter; check its access list");
                    return Err(End::Broken);
                }
                Ok(())
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                self.arrive(publish);
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(fault) => {
                tracing::warn!(%fault, "mqtt: connection ended");
                Err(End::Broken)
            }
        }
    }

    fn arrive(&mut self, publish: Publish) {
        let intake = intake(&publish, &self.config, self.clock.now());
        let number = self.next;
        self.next += 1;
        self.waiting_bytes += intake.bytes.len();
        self.waiting.push_back((number, intake));
        // The payload lives in the intake; the confirmation needs the packet id alone.
        let publish = Publish { payload: Default::default(), topic: String::new(), ..publish };
        self.open.push_back(Open { number, publish, settled: None });
    }

    fn fill_desk(&mut self) {
        while self.desk_tasks.len() < AT_THE_DESK {
            let Some((number, intake)) = self.waiting.pop_front() else { return };
            self.waiting_bytes -= intake.bytes.len();
            let desk = Arc::clone(&self.desk);
            self.desk_tasks.spawn(async move { (number, hand_in(desk.as_ref(), intake).await) });
        }
    }

    /// Notes what the desk said; `false` if the message must come again.
    fn settle(&mut self, number: u64, settled: bool) -> bool {
        if let Some(open) = self.open.iter_mut().find(|open| open.number == number) {
            open.settled = Some(settled);
        }
        settled
    }

    /// Confirms in order of arrival, as far as everything before is durable.
    fn confirm(&mut self) {
        while let Some(first) = self.open.front() {
            // A full channel is emptied by the next poll; the message stays first until then.
            if first.settled != Some(true) || self.client.try_ack(&first.publish).is_err() {
                return;
            }
            self.open.pop_front();
        }
    }

    /// Lets what was handed in become durable and be confirmed, then leaves. What only waits is given back:
    /// the broker sends it again.
    async fn close(&mut self) {
        self.waiting.clear();
        let drained = tokio::time::timeout(DRAIN, self.drain()).await;
        if drained.is_err() {
            tracing::warn!("mqtt: some messages were not durable in time; the broker sends them again");
        }
        self.desk_tasks.abort_all();
    }

    async fn drain(&mut self) {
        let mut asked = false;
        loop {
            self.confirm();
            if self.desk_tasks.is_empty() && !asked {
                asked = true;
                if self.client.try_disconnect().is_err() {
                    return;
                }
            }
            self.start_polling();
            tokio::select! {
                (events, result) = next(&mut self.polling) => {
                    self.polling = None;
                    self.idle = Some(events);
                    match result {
                        // Confirmations stand before it in the same channel, so they are out.
                        Ok(Event::Outgoing(Outgoing::Disconnect)) | Err(_) => return,
                        // Messages that still arrive are not taken: the broker sends them again.
                        Ok(_) => {}
                    }
                }
                Some(done) = self.desk_tasks.join_next(), if !self.desk_tasks.is_empty() => {
                    if let Ok((number, settled)) = done {
                        self.settle(number, settled);
                    }
                }
            }
        }
    }
}

/// The next event; never comes if nothing is being polled.
async fn next(polling: &mut Option<Pin<Box<dyn Future<Output = Polled> + Send>>>) -> Polled {
    match polling {
        Some(polling) => polling.as_mut().await,
        None => std::future::pending().await,
    }
}

/// A raw intake of one message.
fn intake(publish: &Publish, config: &MqttConfig, received_at: UtcMicros) -> RawIntake {
    let payload: &[u8] = &publish.payload;
    let address = endpoint_address(&publish.topic);
    let kept = &payload[..payload.len().min(config.max_packet_bytes)];
    if kept.len() < payload.len() {
        let (size_bytes, limit_bytes) = (payload.len(), config.max_packet_bytes);
        tracing::warn!(
            size_bytes,
            limit_bytes,
            "mqtt: a message is too large and is kept cut off for triage"
        );
    }
    // Only its identity is looked at here; reading is ② and may find more. A message that was cut off is no
    // care note any more and is known by its whole content.
    let note = CareNote::parse(kept, &CareNoteLimits::default()).ok();
    let note_id = note.as_ref().and_then(|note| note.note_id.as_deref());
    let dedup_key = CareNote::dedup_key(address.unwrap_or("-"), None, note_id, payload);
    RawIntake {
        channel: Channel::Mqtt,
        format: Format::Json,
        dedup_key,
        sender_message_id: note_id.map(str::to_owned),
        bytes: kept.into(),
        received_at,
        origin: Origin {
            listener: "mqtt".to_owned(),
            interface: address.map(str::to_owned),
            rcpt_to: note
                .as_ref()
                .and_then(CareNote::group_address)
                .map(str::to_ascii_lowercase)
                .into_iter()
                .collect(),
            authenticity: Some(config.topic_proves),
            ..Origin::default()
        },
    }
}

/// Whether the message is settled and may be confirmed.
async fn hand_in(desk: &dyn IntakeDesk, intake: RawIntake) -> bool {
    let kept = intake.clone();
    match desk.hand_in(intake).await {
        IntakeAnswer::Accepted(_) | IntakeAnswer::Duplicate(_) => true,
        IntakeAnswer::TryLater(reason) => {
            tracing::warn!(reason, "mqtt: not durable, the broker keeps the message");
            false
        }
        IntakeAnswer::Refused(refusal) => keep_refused(desk, kept, &refusal).await,
    }
}

/// MQTT 3.1.1 has no negative answer: a refused message is handed in once more in a form that the desk
/// takes, so that its bytes wait in triage, and is confirmed so that it does not come for ever.
async fn keep_refused(desk: &dyn IntakeDesk, mut intake: RawIntake, refusal: &Refusal) -> bool {
    let hash = intake.bytes.content_hash().clone();
    if let Refusal::TooLarge { limit_bytes } = refusal {
        let limit = usize::try_from(*limit_bytes).unwrap_or(usize::MAX).min(intake.bytes.len());
        intake.bytes = intake.bytes.held().map_or_else(RawBytes::default, |held| held[..limit].into());
    }
    intake.dedup_key = format!("care_note:refused:{hash}");
    match desk.hand_in(intake).await {
        IntakeAnswer::Accepted(_) | IntakeAnswer::Duplicate(_) => true,
        IntakeAnswer::TryLater(_) => false,
        IntakeAnswer::Refused(_) => {
            tracing::error!(content_hash = %hash, ?refusal, "mqtt: refused twice, the message is not kept");
            true
        }
    }
}
