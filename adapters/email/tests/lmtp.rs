//! LMTP (RFC 2033) and XCLIENT in memory: one answer for each recipient, and a client's address only from
//! relays that may name it.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::clock::{FixedClock, UtcMicros};
use kakehashi_core::ids::IntakeId;
use kakehashi_core::port::{BoxFuture, IntakeAnswer, IntakeDesk, RawIntake, RecipientAnswer};
use kakehashi_email::listen::{Protocol, SmtpConfig, run_session};
use std::sync::Mutex;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

#[derive(Default)]
struct Desk {
    taken: Mutex<Vec<RawIntake>>,
    away: bool,
}

impl IntakeDesk for Desk {
    fn hand_in(&self, intake: RawIntake) -> BoxFuture<'_, IntakeAnswer> {
        Box::pin(async move {
            if self.away {
                return IntakeAnswer::TryLater("away".to_owned());
            }
            self.taken.lock().unwrap().push(intake);
            IntakeAnswer::Accepted(IntakeId::new("01ARZ3NDEKTSV4RRFFQ69G5FAV"))
        })
    }

    fn accepts_recipient<'a>(&'a self, address: &'a str) -> BoxFuture<'a, RecipientAnswer> {
        Box::pin(async move {
            if address.ends_with("@in.example") { RecipientAnswer::Ours } else { RecipientAnswer::NotOurs }
        })
    }
}

async fn play(desk: &Desk, protocol: Protocol, xclient: &[&str], input: &str) -> Vec<String> {
    let config = SmtpConfig {
        hostname: "in.example".to_owned(),
        protocol,
        xclient_peers: xclient.iter().map(|ip| ip.parse().unwrap()).collect(),
        max_message_bytes: 2_000,
        idle: Duration::from_millis(300),
        ..SmtpConfig::default()
    };
    let (mut client, server) = tokio::io::duplex(256 * 1024);
    let clock = FixedClock::at(UtcMicros::from_micros(1));
    let peer = Some("127.0.0.1".parse().unwrap());
    let session = run_session(server, peer, &config, desk, &clock, CancellationToken::new());
    let talk = async {
        client.write_all(input.as_bytes()).await.unwrap();
        let mut out = Vec::new();
        let _ = client.read_to_end(&mut out).await;
        String::from_utf8(out).unwrap()
    };
    let (_, out) = tokio::join!(session, talk);
    // Without the sentences for people.
    let lines = out.trim_end().split("\r\n");
    lines.filter(|l| !l.starts_with(['4', '5']) || l.as_bytes()[3] == b' ').map(str::to_owned).collect()
}

/// Replies after greeting and hello.
fn rest(lines: &[String], of_hello: usize) -> Vec<&str> {
    lines[1 + of_hello..].iter().map(|l| l.split(' ').next().unwrap()).collect()
}

const TWO: &str = "MAIL FROM:<n@b.example>\r\nRCPT TO:<intake@in.example>\r\nRCPT TO:<x@else.example>\r\n\
                   RCPT TO:<g-1@in.example>\r\nDATA\r\n";

#[tokio::test]
async fn every_accepted_recipient_has_its_answer() {
    let desk = Desk::default();
    let input = format!("LHLO mx\r\n{TWO}Message-ID: <1@b>\r\n\r\ntext\r\n.\r\nQUIT\r\n");
    let lines = play(&desk, Protocol::Lmtp, &[], &input).await;
    assert_eq!(lines[0], "220 in.example LMTP kakehashi");
    assert_eq!(rest(&lines, 6), ["250", "250", "550", "250", "354", "250", "250", "221"], "{lines:?}");
    {
        let taken = desk.taken.lock().unwrap();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].origin.listener, "lmtp");
        assert_eq!(taken[0].origin.rcpt_to, ["intake@in.example", "g-1@in.example"]);
        assert_eq!(taken[0].origin.helo.as_deref(), Some("mx"));
    }
    // The same recipient twice was accepted twice, so it is answered twice.
    let twice = "LHLO mx\r\nMAIL FROM:<>\r\nRCPT TO:<intake@in.example>\r\nRCPT TO:<intake@in.example>\r\n\
                 DATA\r\nx\r\n.\r\nQUIT\r\n";
    let lines = play(&desk, Protocol::Lmtp, &[], twice).await;
    assert_eq!(rest(&lines, 6), ["250", "250", "250", "354", "250", "250", "221"]);
}

#[tokio::test]
async fn refusals_are_told_to_each() {
    let away = Desk { away: true, ..Desk::default() };
    let lines = play(&away, Protocol::Lmtp, &[], &format!("LHLO mx\r\n{TWO}x\r\n.\r\nQUIT\r\n")).await;
    assert_eq!(rest(&lines, 6), ["250", "250", "550", "250", "354", "451", "451", "221"]);
    let desk = Desk::default();
    let long = "x\r\n".repeat(1_000);
    let lines = play(&desk, Protocol::Lmtp, &[], &format!("LHLO mx\r\n{TWO}\r\n{long}.\r\nQUIT\r\n")).await;
    assert_eq!(rest(&lines, 6), ["250", "250", "550", "250", "354", "552", "552", "221"]);
    // No recipient, no data; the wrong hello is refused on both.
    let none = "EHLO mx\r\nLHLO mx\r\nMAIL FROM:<>\r\nDATA\r\nQUIT\r\n";
    let lines = play(&desk, Protocol::Lmtp, &[], none).await;
    assert_eq!(lines[1].split(' ').next(), Some("500"));
    assert_eq!(lines[lines.len() - 2].split(' ').next(), Some("554"));
    assert!(desk.taken.lock().unwrap().is_empty());
    assert!(play(&desk, Protocol::Smtp, &[], "LHLO mx\r\nQUIT\r\n").await[1].starts_with("500"));
}

#[tokio::test]
async fn a_relay_of_ours_names_its_client() {
    let mail = "MAIL FROM:<n@b.example>\r\nRCPT TO:<intake@in.example>\r\nDATA\r\nx\r\n.\r\n";
    let input = format!(
        "EHLO relay\r\nXCLIENT NAME=mail.b.example ADDR=203.0.113.9 HELO=mail.b.example\r\nEHLO relay\r\n\
         {mail}XCLIENT ADDR=IPV6:2001:db8::7\r\nEHLO relay\r\n{mail}QUIT\r\n"
    );
    let desk = Desk::default();
    let lines = play(&desk, Protocol::Smtp, &["127.0.0.1"], &input).await;
    assert!(lines.iter().any(|l| l.starts_with("250 XCLIENT ")), "{lines:?}");
    assert_eq!(lines.iter().filter(|l| l.starts_with("220 ")).count(), 3);
    {
        let taken = desk.taken.lock().unwrap();
        let seen: Vec<_> =
            taken.iter().map(|t| (t.origin.peer.as_deref(), t.origin.helo.as_deref())).collect();
        assert_eq!(
            seen,
            [(Some("203.0.113.9"), Some("mail.b.example")), (Some("2001:db8::7"), Some("mail.b.example")),]
        );
    }
    // Everybody else stays who they are.
    let desk = Desk::default();
    let input = format!("EHLO evil\r\nXCLIENT ADDR=203.0.113.9\r\n{mail}QUIT\r\n");
    let lines = play(&desk, Protocol::Smtp, &["10.0.0.5"], &input).await;
    assert!(
        lines.iter().any(|l| l.starts_with("550 5.7.0")) && !lines.iter().any(|l| l.contains("XCLIENT NAME"))
    );
    assert_eq!(desk.taken.lock().unwrap()[0].origin.peer.as_deref(), Some("127.0.0.1"));
}
