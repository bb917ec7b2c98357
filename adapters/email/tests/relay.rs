//! The outlet against our own listener and against relays that fail at every step of the dialogue.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::clock::{FixedClock, SystemClock, UtcMicros};
use kakehashi_core::ids::IntakeId;
use kakehashi_core::port::{
    BoxFuture, FindingLevel, IntakeAnswer, IntakeDesk, MailCarrier, Outcome, Outlet as _, RawIntake,
    RecipientAnswer, SendFault,
};
use kakehashi_core::rendered::RenderedMail;
use kakehashi_email::listen::{SmtpConfig, serve};
use kakehashi_email::read::parse_mail;
use kakehashi_email::send::{EmailOutlet, RelayConfig, RelayTls, SenderConfig};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[derive(Default)]
struct Desk(Mutex<Vec<RawIntake>>);

impl IntakeDesk for Desk {
    fn hand_in(&self, intake: RawIntake) -> BoxFuture<'_, IntakeAnswer> {
        Box::pin(async move {
            self.0.lock().unwrap().push(intake);
            IntakeAnswer::Accepted(IntakeId::new("01ARZ3NDEKTSV4RRFFQ69G5FAV"))
        })
    }

    fn accepts_recipient<'a>(&'a self, address: &'a str) -> BoxFuture<'a, RecipientAnswer> {
        Box::pin(async move {
            if address.starts_with("no") { RecipientAnswer::NotOurs } else { RecipientAnswer::Ours }
        })
    }
}

fn mail(to: &str) -> RenderedMail {
    RenderedMail {
        to: to.to_owned(),
        to_name: None,
        reply_to: Some("reply+ABCDE12345@in.example".to_owned()),
        subject: "つばき01 退院".to_owned(),
        text: "本文\n.\n終わり".to_owned(),
        html: None,
        message_id: "x.1@in.example".to_owned(),
        references: Vec::new(),
        attachments: Vec::new(),
        on_page: Vec::new(),
        return_path: Some("bounce+01jzzzzzzzzzzzzzzzzzzzzzzz@in.example".to_owned()),
        list_id: Some("deliveries.in.example".to_owned()),
        open_content: false,
    }
}

fn outlet(port: u16, tls: RelayTls, root: Option<Vec<u8>>) -> EmailOutlet {
    outlet_of(vec![relay("localhost", port, tls, root)])
}

fn relay(host: &str, port: u16, tls: RelayTls, root: Option<Vec<u8>>) -> RelayConfig {
    RelayConfig {
        host: host.to_owned(),
        port,
        tls,
        credentials: None,
        hostname: "in.example".to_owned(),
        pool_size: 2,
        max_connections: 4,
        mails_per_minute: None,
        root_certificate: root,
    }
}

fn outlet_of(relays: Vec<RelayConfig>) -> EmailOutlet {
    let sender = SenderConfig {
        from_address: "office@in.example".to_owned(),
        from_name: Some("事務局".to_owned()),
        return_path: None,
    };
    EmailOutlet::new(
        sender,
        relays,
        None,
        Arc::new(FixedClock::at(UtcMicros::from_micros(1_780_000_000_000_000))),
    )
    .unwrap()
}

async fn bind() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

const DEADLINE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn delivered_over_tls_and_plain_with_a_pool() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let server =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
    let (listener, port) = bind().await;
    let desk = Arc::new(Desk::default());
    let shutdown = CancellationToken::new();
    let config = SmtpConfig {
        hostname: "in.example".to_owned(),
        tls: Some(Arc::new(server)),
        ..SmtpConfig::default()
    };
    let serving = tokio::spawn(serve(
        listener,
        config,
        Arc::clone(&desk) as Arc<dyn IntakeDesk>,
        Arc::new(SystemClock),
        shutdown.clone(),
    ));

    for (tls, root) in [(RelayTls::Plain, None), (RelayTls::Required, Some(made.cert.pem().into_bytes()))] {
        let outlet = outlet(port, tls, root);
        for _ in 0..3 {
            let carrier: &dyn MailCarrier = &outlet;
            let outcome = carrier.submit(&mail("nurse@b.example"), DEADLINE).await;
            assert!(
                matches!(&outcome, Outcome::Delivered(said) if said.starts_with("250 2.0.0 accepted as")),
                "{outcome:?}"
            );
        }
        let refused = outlet.submit(&mail("nobody@b.example"), DEADLINE).await;
        assert!(
            matches!(&refused, Outcome::Failed(SendFault::RefusedForGood(said)) if said.contains("5.1.1")),
            "{refused:?}"
        );
        assert_eq!(outlet.check().await[0].level, FindingLevel::Good);
    }
    // A certificate that nobody vouches for is no reason to send unencrypted.
    let distrusted = outlet(port, RelayTls::Required, None).submit(&mail("nurse@b.example"), DEADLINE).await;
    assert!(matches!(distrusted, Outcome::RetryAfter { cause: SendFault::Tls(_), .. }), "{distrusted:?}");

    shutdown.cancel();
    serving.await.unwrap();
    let taken = desk.0.lock().unwrap();
    assert_eq!(taken.len(), 6);
    let read = parse_mail(&taken[0].bytes.whole().unwrap()).unwrap();
    assert_eq!((read.subject.as_deref(), read.text.as_str()), (Some("つばき01 退院"), "本文\n.\n終わり"));
    assert_eq!(taken[0].sender_message_id.as_deref(), Some("x.1@in.example"));
    assert_eq!(taken[0].dedup_key, taken[5].dedup_key);
}

/// A relay that answers with these lines, one per command, the greeting first and the answer to the
/// message last; an empty line closes, `…` says nothing.
async fn scripted(lines: &'static [&'static str]) -> u16 {
    let (listener, port) = bind().await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut commands = BufReader::new(read).lines();
        let mut in_data = false;
        for line in lines {
            match *line {
                "" => return,
                "…" => std::future::pending::<()>().await,
                said => write.write_all(format!("{said}\r\n").as_bytes()).await.unwrap(),
            }
            loop {
                match commands.next_line().await {
                    Ok(Some(command)) if in_data && command != "." => {}
                    Ok(Some(_)) => break,
                    _ => return,
                }
            }
            in_data = line.starts_with("354");
        }
    });
    port
}

#[tokio::test]
async fn every_step_has_its_outcome() {
    const OK: &str = "250 OK";
    let retry = |o: &Outcome| matches!(o, Outcome::RetryAfter { cause: SendFault::RefusedForNow(_), .. });
    let gone = |o: &Outcome| matches!(o, Outcome::RetryAfter { cause: SendFault::Unreachable(_), .. });
    let failed = |o: &Outcome| matches!(o, Outcome::Failed(SendFault::RefusedForGood(_)));
    let late = |o: &Outcome| matches!(o, Outcome::RetryAfter { cause: SendFault::TimedOut(_), .. });
    let unknown_late = |o: &Outcome| matches!(o, Outcome::Unknown(SendFault::TimedOut(_)));
    let unknown_gone = |o: &Outcome| matches!(o, Outcome::Unknown(SendFault::Unreachable(_)));
    type Check<'a> = &'a dyn Fn(&Outcome) -> bool;
    let cases: [(&'static [&'static str], Check<'_>); 12] = [
        (&["421 busy"], &retry),
        (&["554 no"], &retry),
        (&["…"], &late),
        (&["220 hi", OK, "451 later"], &retry),
        (&["220 hi", OK, OK, "550 5.1.1 unknown"], &failed),
        (&["220 hi", OK, OK, "450 greylisted"], &retry),
        (&["220 hi", OK, OK, OK, ""], &gone),
        (&["220 hi", OK, OK, OK, "…"], &late),
        (&["220 hi", OK, OK, OK, "354 go", "554 spam"], &failed),
        (&["220 hi", OK, OK, OK, "354 go", "452 full"], &retry),
        (&["220 hi", OK, OK, OK, "354 go", ""], &unknown_gone),
        (&["220 hi", OK, OK, OK, "354 go", "…"], &unknown_late),
    ];
    for (lines, check) in cases {
        let port = scripted(lines).await;
        let outcome = outlet(port, RelayTls::Plain, None)
            .submit(&mail("nurse@b.example"), Duration::from_millis(700))
            .await;
        assert!(check(&outcome), "{lines:?}: {outcome:?}");
    }
    // Nobody listens.
    let (listener, port) = bind().await;
    drop(listener);
    let outcome = outlet(port, RelayTls::Plain, None).submit(&mail("nurse@b.example"), DEADLINE).await;
    assert!(gone(&outcome), "{outcome:?}");
    assert_eq!(outlet(port, RelayTls::Plain, None).check().await[0].level, FindingLevel::Broken);
    // A relay without STARTTLS gets nothing where encryption is required.
    let port = scripted(&["220 hi", OK]).await;
    let outcome = outlet(port, RelayTls::Required, None).submit(&mail("nurse@b.example"), DEADLINE).await;
    assert!(matches!(outcome, Outcome::RetryAfter { cause: SendFault::Tls(_), .. }), "{outcome:?}");
    // An address that is none never reaches a relay.
    let outcome = outlet(port, RelayTls::Plain, None).submit(&mail("no address"), DEADLINE).await;
    assert!(matches!(outcome, Outcome::Failed(SendFault::Unsendable(_))));
}

#[tokio::test]
async fn the_second_relay_gets_only_what_the_first_never_saw() {
    const OK: &str = "250 OK";
    let (nobody, away) = bind().await;
    drop(nobody);
    let second = scripted(&["220 hi", OK, OK, OK, "354 go", "250 by the second"]).await;
    let plain = |port| relay("localhost", port, RelayTls::Plain, None);
    let outcome =
        outlet_of(vec![plain(away), plain(second)]).submit(&mail("nurse@b.example"), DEADLINE).await;
    assert!(matches!(&outcome, Outcome::Delivered(said) if said.contains("by the second")), "{outcome:?}");
    // Greylisted by the first: it has seen the mail, so nobody else is asked.
    let first = scripted(&["220 hi", OK, OK, "450 greylisted"]).await;
    let second = scripted(&["220 hi", OK, OK, OK, "354 go", "250 by the second"]).await;
    let outcome =
        outlet_of(vec![plain(first), plain(second)]).submit(&mail("nurse@b.example"), DEADLINE).await;
    assert!(
        matches!(&outcome, Outcome::RetryAfter { cause: SendFault::RefusedForNow(said), .. } if said.contains("greylisted")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn full_text_never_leaves_this_machine_unencrypted() {
    const OK: &str = "250 OK";
    let script: &[&str] = &["220 hi", OK, OK, OK, "354 go", "250 taken"];
    let open = RenderedMail { open_content: true, ..mail("nurse@b.example") };
    // A name that is not this machine's, as far as anybody can tell by it.
    let far = |port| outlet_of(vec![relay("0.0.0.0", port, RelayTls::Plain, None)]);
    let outcome = far(scripted(script).await).submit(&open, DEADLINE).await;
    assert!(
        matches!(&outcome, Outcome::Failed(SendFault::Tls(why)) if why.contains("mode C")),
        "{outcome:?}"
    );
    let outcome = far(scripted(script).await).submit(&mail("nurse@b.example"), DEADLINE).await;
    assert!(matches!(&outcome, Outcome::Delivered(_)), "{outcome:?}");
    let outcome = outlet(scripted(script).await, RelayTls::Plain, None).submit(&open, DEADLINE).await;
    assert!(matches!(&outcome, Outcome::Delivered(_)), "{outcome:?}");
}
