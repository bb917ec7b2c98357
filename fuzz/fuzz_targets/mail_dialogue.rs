#![no_main]
//! A dialogue over SMTP or LMTP, as the first byte says, cut where the second says: the replies are the same whole and in
//! pieces, and as many mails are taken as were answered with yes.
use kakehashi_core::clock::{FixedClock, UtcMicros};
use kakehashi_core::ids::IntakeId;
use kakehashi_core::port::{BoxFuture, IntakeAnswer, IntakeDesk, RawIntake, RecipientAnswer};
use kakehashi_email::listen::{Protocol, SmtpConfig, run_session};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

/// Takes everything for its own domain.
#[derive(Default)]
struct Desk(AtomicUsize);

impl IntakeDesk for Desk {
    fn hand_in(&self, _: RawIntake) -> BoxFuture<'_, IntakeAnswer> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(IntakeAnswer::Accepted(IntakeId::new("01ARZ3NDEKTSV4RRFFQ69G5FAV"))))
    }

    fn accepts_recipient<'a>(&'a self, address: &'a str) -> BoxFuture<'a, RecipientAnswer> {
        let ours = address.ends_with("@in.example");
        Box::pin(std::future::ready(if ours { RecipientAnswer::Ours } else { RecipientAnswer::NotOurs }))
    }
}

/// What is answered, and how many mails are taken.
async fn play(protocol: Protocol, bytes: &[u8], piece: usize) -> (Vec<u8>, usize) {
    let desk = Desk::default();
    let config = SmtpConfig {
        hostname: "in.example".to_owned(),
        protocol,
        max_message_bytes: 4_000,
        max_header_bytes: 2_000,
        max_line_bytes: 500,
        max_command_bytes: 512,
        idle: Duration::from_secs(20),
        ..SmtpConfig::default()
    };
    let (mut client, server) = tokio::io::duplex(1 << 20);
    let clock = FixedClock::at(UtcMicros::from_micros(1));
    let talk = async {
        for piece in bytes.chunks(piece) {
            // It may have hung up already.
            if client.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let _ = client.shutdown().await;
        let mut replies = Vec::new();
        let _ = client.read_to_end(&mut replies).await;
        replies
    };
    let session = run_session(server, None, &config, &desk, &clock, CancellationToken::new());
    let (_, replies) = tokio::join!(session, talk);
    (replies, desk.0.load(Ordering::Relaxed))
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [kind, piece, dialogue @ ..] = bytes else { return };
    let protocol = || if kind % 2 == 0 { Protocol::Smtp } else { Protocol::Lmtp };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
    runtime.block_on(async {
        let whole = play(protocol(), dialogue, dialogue.len().max(1)).await;
        let cut = play(protocol(), dialogue, usize::from(*piece).max(1)).await;
        assert!(whole == cut, "cut elsewhere, answered otherwise");
    });
});
