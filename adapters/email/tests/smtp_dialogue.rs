//! SMTP sessions in memory: bytes in, exact reply lines out. Every limit is crossed once, and the same
//! bytes cut anywhere give the same replies.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::clock::{FixedClock, UtcMicros};
use kakehashi_core::ids::IntakeId;
use kakehashi_core::port::{BoxFuture, IntakeAnswer, IntakeDesk, RawIntake, RecipientAnswer, Refusal};
use kakehashi_email::listen::{Ended, SmtpConfig, run_session};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

#[derive(Default)]
struct Desk {
    taken: Mutex<Vec<RawIntake>>,
    answer: Mutex<Option<IntakeAnswer>>,
}

fn id() -> IntakeId {
    IntakeId::new("01ARZ3NDEKTSV4RRFFQ69G5FAV")
}

impl IntakeDesk for Desk {
    fn hand_in(&self, intake: RawIntake) -> BoxFuture<'_, IntakeAnswer> {
        Box::pin(async move {
            self.taken.lock().unwrap().push(intake);
            self.answer.lock().unwrap().clone().unwrap_or(IntakeAnswer::Accepted(id()))
        })
    }

    fn accepts_recipient<'a>(&'a self, address: &'a str) -> BoxFuture<'a, RecipientAnswer> {
        Box::pin(async move {
            match address {
                a if a.starts_with("later@") => RecipientAnswer::TryLater,
                a if a.ends_with("@in.example") => RecipientAnswer::Ours,
                _ => RecipientAnswer::NotOurs,
            }
        })
    }
}

fn config() -> SmtpConfig {
    SmtpConfig {
        hostname: "in.example".to_owned(),
        max_message_bytes: 2_000,
        max_header_bytes: 1_000,
        max_line_bytes: 500,
        max_recipients: 3,
        max_errors: 5,
        max_command_bytes: 512,
        idle: Duration::from_millis(400),
        ..SmtpConfig::default()
    }
}

/// Plays `input`, cut as given, and returns what the server wrote and how the session ended.
async fn play_cut(desk: &Desk, config: &SmtpConfig, pieces: &[&[u8]]) -> (String, Ended) {
    let (mut client, server) = tokio::io::duplex(256 * 1024);
    let clock = FixedClock::at(UtcMicros::from_micros(1));
    let session = run_session(server, None, config, desk, &clock, CancellationToken::new());
    let talk = async {
        for piece in pieces {
            if client.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let mut out = Vec::new();
        let _ = client.read_to_end(&mut out).await;
        String::from_utf8(out).unwrap()
    };
    let (ended, out) = tokio::join!(session, talk);
    (out, ended)
}

/// The replies without the sentences for people.
async fn play(desk: &Desk, input: &str) -> Vec<String> {
    let (out, _) = play_cut(desk, &config(), &[input.as_bytes()]).await;
    assert!(out.ends_with("\r\n"));
    let lines = out.trim_end().split("\r\n");
    lines.filter(|l| !l.starts_with(['4', '5']) || l.as_bytes()[3] == b' ').map(str::to_owned).collect()
}

const HELLO: &str = "EHLO client.example\r\n";
const START: &str = "MAIL FROM:<n@b.example>\r\nRCPT TO:<office@in.example>\r\nDATA\r\n";

/// Replies after greeting and EHLO.
async fn after_hello(desk: &Desk, input: &str) -> Vec<String> {
    let lines = play(desk, &format!("{HELLO}{input}")).await;
    assert_eq!(
        &lines[..7],
        [
            "220 in.example ESMTP kakehashi",
            "250-in.example",
            "250-SIZE 2000",
            "250-8BITMIME",
            "250-SMTPUTF8",
            "250-PIPELINING",
            "250 ENHANCEDSTATUSCODES"
        ]
    );
    lines[7..].to_vec()
}

#[tokio::test]
async fn a_mail_is_taken_after_the_desk_took_it() {
    let desk = Desk::default();
    let replies =
        after_hello(&desk, &format!("{START}Message-ID: <1@b.example>\r\n\r\n..text\r\n.\r\nQUIT\r\n")).await;
    assert_eq!(
        replies,
        [
            "250 2.1.0 sender OK",
            "250 2.1.5 recipient OK",
            "354 end with <CR><LF>.<CR><LF>",
            "250 2.0.0 accepted as 01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "221 2.0.0 in.example closing",
        ]
    );
    let taken = desk.taken.lock().unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(&*taken[0].bytes.whole().unwrap(), b"Message-ID: <1@b.example>\r\n\r\n.text\r\n");
    assert_eq!(taken[0].sender_message_id.as_deref(), Some("1@b.example"));
    assert_eq!(taken[0].origin.mail_from.as_deref(), Some("n@b.example"));
    assert_eq!(taken[0].origin.rcpt_to, ["office@in.example"]);
    assert_eq!(taken[0].origin.listener, "smtp");
    assert!(taken[0].dedup_key.starts_with("smtp:") && taken[0].dedup_key.len() <= 200);
}

#[tokio::test]
async fn what_the_desk_says_is_what_the_sender_hears() {
    for (answer, reply) in [
        (IntakeAnswer::Duplicate(id()), "250 2.0.0 accepted as 01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        (IntakeAnswer::TryLater("db down".to_owned()), "451 4.3.0 not stored, try again later"),
        (
            IntakeAnswer::Refused(Refusal::TooLarge { limit_bytes: 7 }),
            "552 5.3.4 message is larger than 7 bytes",
        ),
        (IntakeAnswer::Refused(Refusal::Unacceptable("no\r\n250 x".to_owned())), "554 5.6.0 no250 x"),
    ] {
        let desk = Desk { answer: Mutex::new(Some(answer)), ..Desk::default() };
        let replies = after_hello(&desk, &format!("{START}a\r\n.\r\nNOOP\r\nQUIT\r\n")).await;
        assert_eq!(replies[3..5], [reply, "250 2.0.0 OK"]);
    }
}

#[tokio::test]
async fn recipients_are_asked_for() {
    let desk = Desk::default();
    let rcpt = |a: &str| format!("RCPT TO:<{a}>\r\n");
    let input = format!(
        "MAIL FROM:<>\r\n{}{}{}{}{}{}DATA\r\na\r\n.\r\nQUIT\r\n",
        rcpt("x@other.example"),
        rcpt("later@in.example"),
        rcpt("a@in.example"),
        rcpt("b@in.example"),
        rcpt("c@in.example"),
        rcpt("d@in.example")
    );
    assert_eq!(
        after_hello(&desk, &input).await[1..8],
        [
            "550 5.1.1 no such recipient here",
            "451 4.3.0 recipient cannot be checked now, try again later",
            "250 2.1.5 recipient OK",
            "250 2.1.5 recipient OK",
            "250 2.1.5 recipient OK",
            "452 4.5.3 too many recipients",
            "354 end with <CR><LF>.<CR><LF>",
        ]
    );
    let taken = desk.taken.lock().unwrap();
    assert_eq!(taken[0].origin.mail_from.as_deref(), Some(""));
    assert_eq!(taken[0].origin.rcpt_to.len(), 3);
}

#[tokio::test]
async fn ten_thousand_recipients_leave_the_mail_to_those_that_fit() {
    let desk = Desk::default();
    let many: String = (0..10_000).map(|i| format!("RCPT TO:<a{i}@in.example>\r\n")).collect();
    let input = format!("MAIL FROM:<a@b>\r\n{many}DATA\r\nx\r\n.\r\nQUIT\r\n");
    let input = format!("{HELLO}{input}");
    // Written and read at once, as nobody can hold ten thousand answers back.
    let (client, server) = tokio::io::duplex(16 * 1024);
    let (mut from_server, mut to_server) = tokio::io::split(client);
    let (clock, config) = (FixedClock::at(UtcMicros::from_micros(1)), config());
    let mut out = String::new();
    let (ended, written, read) = tokio::join!(
        run_session(server, None, &config, &desk, &clock, CancellationToken::new()),
        to_server.write_all(input.as_bytes()),
        from_server.read_to_string(&mut out),
    );
    assert_eq!(ended, Ended::Quit);
    assert!(written.is_ok() && read.is_ok());
    assert_eq!(out.matches("452 4.5.3").count(), 9_997);
    assert_eq!(desk.taken.lock().unwrap()[0].origin.rcpt_to.len(), 3);
}

#[tokio::test]
async fn order_and_syntax() {
    let desk = Desk::default();
    assert_eq!(play(&desk, "MAIL FROM:<a@b>\r\nQUIT\r\n").await[1], "503 5.5.1 EHLO first");
    assert_eq!(play(&desk, "HELO x\r\nQUIT\r\n").await[1], "250 in.example");
    let replies = after_hello(
        &desk,
        "DATA\r\nRCPT TO:<a@in.example>\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\nDATA\r\nQUIT\r\n",
    )
    .await;
    assert_eq!(
        replies[..5],
        [
            "503 5.5.1 MAIL and RCPT first",
            "503 5.5.1 MAIL first",
            "250 2.1.0 sender OK",
            "503 5.5.1 a sender is given already",
            "554 5.5.1 no valid recipients"
        ]
    );
    let replies = after_hello(
        &desk,
        "MAIL FROM:<a@b> SIZE=2001\r\nMAIL FROM:<a@b> X=1\r\nSTARTTLS\r\nVRFY a\r\nRSET\r\nQUIT\r\n",
    )
    .await;
    assert_eq!(
        replies[..5],
        [
            "552 5.3.4 message is larger than 2000 bytes",
            "555 5.5.4 parameter not known",
            "502 5.5.1 command not offered",
            "252 2.5.2 cannot verify, send the message to try",
            "250 2.0.0 reset"
        ]
    );
    let replies = after_hello(&desk, "NOOP\nNOOP\r\r\nHELLO\r\nQUIT\r\n").await;
    assert_eq!(
        replies[..3],
        ["500 5.5.2 lines end in CR LF", "500 5.5.2 lines end in CR LF", "500 5.5.1 unknown command"]
    );
}

#[tokio::test]
async fn smuggling_is_refused_and_the_session_stays_in_step() {
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r"] {
        let desk = Desk::default();
        let smuggled = format!(
            "{START}a{end}MAIL FROM:<evil@b>\r\nRCPT TO:<office@in.example>\r\nDATA\r\nevil\r\n.\r\nNOOP\r\nQUIT\r\n"
        );
        let replies = after_hello(&desk, &smuggled).await;
        assert_eq!(
            replies[3..],
            [
                "550 5.6.11 bare CR or LF in the message; lines end in CR LF",
                "250 2.0.0 OK",
                "221 2.0.0 in.example closing"
            ],
            "{end:?}"
        );
        assert!(desk.taken.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn limits_of_a_message_keep_the_session_in_step() {
    let long_line = format!("{}\r\n", "x".repeat(600));
    let large = format!("h: 1\r\n\r\n{}", "0123456789\r\n".repeat(300));
    let header = "h: 12345678\r\n".repeat(100);
    for (message, reply) in [
        (long_line, "550 5.6.0 a line of the message is too long"),
        (large, "552 5.3.4 message is larger than 2000 bytes"),
        (header, "552 5.3.4 the message header is too large"),
    ] {
        let desk = Desk::default();
        let replies = after_hello(&desk, &format!("{START}{message}.\r\nNOOP\r\nQUIT\r\n")).await;
        assert_eq!(replies[3..5], [reply, "250 2.0.0 OK"]);
        assert!(desk.taken.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn long_commands_and_many_errors_end() {
    let desk = Desk::default();
    let replies = after_hello(&desk, &format!("NOOP {}\r\nNOOP\r\nQUIT\r\n", "x".repeat(5_000))).await;
    assert_eq!(replies[..2], ["500 5.5.2 line too long", "250 2.0.0 OK"]);
    let (out, ended) = play_cut(&desk, &config(), &["BAD\r\n".repeat(50).as_bytes()]).await;
    assert_eq!(ended, Ended::TooManyErrors);
    assert_eq!(out.matches("500 ").count(), 5);
    assert!(out.ends_with("421 4.7.0 too many errors, closing\r\n"));
}

#[tokio::test]
async fn silence_and_shutdown_are_told() {
    let desk = Desk::default();
    let (out, ended) = play_cut(&desk, &config(), &[b"EHLO x\r\n"]).await;
    assert_eq!(ended, Ended::TooSlow);
    assert!(out.ends_with("421 4.4.2 timeout, closing\r\n"));

    let (mut client, server) = tokio::io::duplex(4_096);
    let shutdown = CancellationToken::new();
    let (clock, config) = (FixedClock::at(UtcMicros::from_micros(1)), config());
    let session = run_session(server, None, &config, &desk, &clock, shutdown.clone());
    let talk = async {
        client.write_all(format!("{HELLO}{START}a\r\n").as_bytes()).await.unwrap();
        let mut seen = String::new();
        while !seen.contains("354 ") {
            let mut part = [0; 1_024];
            let n = client.read(&mut part).await.unwrap();
            seen.push_str(&String::from_utf8_lossy(&part[..n]));
        }
        shutdown.cancel();
        // The message in progress is finished and taken, then the session ends.
        client.write_all(b"b\r\n.\r\n").await.unwrap();
        let mut rest = String::new();
        client.read_to_string(&mut rest).await.unwrap();
        rest
    };
    let (ended, rest) = tokio::join!(session, talk);
    assert_eq!(ended, Ended::Shutdown);
    assert_eq!(
        rest,
        "250 2.0.0 accepted as 01ARZ3NDEKTSV4RRFFQ69G5FAV\r\n421-4.3.2 ima wa uketoremasen. ato de jidouteki ni okurinaosaremasu\r\n421 4.3.2 service is shutting down, try again later\r\n"
    );
}

/// A page of a web site can make a browser post a form here; its body must not be taken for commands.
#[tokio::test]
async fn a_web_client_is_shown_out() {
    let desk = Desk::default();
    let posted = format!("POST / HTTP/1.1\r\nHost: x\r\n\r\n{HELLO}{START}a\r\n.\r\nQUIT\r\n");
    let (out, ended) = play_cut(&desk, &config(), &[posted.as_bytes()]).await;
    assert_eq!(ended, Ended::TooManyErrors);
    assert!(!out.contains("250 ") && desk.taken.lock().unwrap().is_empty(), "{out}");
}

#[tokio::test]
async fn a_refusal_says_it_to_people_too() {
    let desk = Desk::default();
    let refused = "MAIL FROM:<a@b>\r\nRCPT TO:<x@else.example>\r\nRSET\r\nMAIL FROM:<a@b> SMTPUTF8\r\nRCPT TO:<x@else.example>\r\nQUIT\r\n";
    let (out, _) = play_cut(&desk, &config(), &[format!("{HELLO}{refused}").as_bytes()]).await;
    let said: Vec<&str> = out.lines().filter(|l| l.starts_with("550")).collect();
    assert_eq!(
        said,
        [
            "550-5.1.1 kono atesaki wa arimasen. atesaki o tashikamete kudasai",
            "550 5.1.1 no such recipient here",
            "550-5.1.1 この宛先はありません。宛先を確かめてください",
            "550 5.1.1 no such recipient here",
        ]
    );
    // What refuses nothing has one line.
    assert_eq!(out.lines().filter(|l| l.starts_with("250 2.")).count(), 3);
}

#[tokio::test]
async fn utf8_addresses_need_to_be_announced() {
    let desk = Desk::default();
    let replies = after_hello(&desk, "MAIL FROM:<a@b>\r\nRCPT TO:<あ@in.example>\r\nRSET\r\nMAIL FROM:<い@b> SMTPUTF8\r\nRCPT TO:<あ@in.example>\r\nQUIT\r\n").await;
    assert_eq!(replies[1], "553 5.6.7 SMTPUTF8 was not announced");
    assert_eq!(replies[3..5], ["250 2.1.0 sender OK", "250 2.1.5 recipient OK"]);
}

#[tokio::test]
async fn the_same_mail_again_has_the_same_key() {
    let desk = Desk::default();
    let mail = |trace: &str| format!("{START}{trace}Message-ID: <1@b>\r\nFrom: n@b\r\n\r\nx\r\n.\r\n");
    after_hello(&desk, &format!("{}{}QUIT\r\n", mail("Received: a\r\n"), mail("Received: b\r\n by c\r\n")))
        .await;
    let taken = desk.taken.lock().unwrap();
    assert_eq!(taken[0].dedup_key, taken[1].dedup_key);
    assert_ne!(taken[0].bytes.content_hash(), taken[1].bytes.content_hash());
}

fn tls() -> (Arc<rustls::ServerConfig>, Arc<rustls::ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(vec!["in.example".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}

#[tokio::test]
async fn starttls_encrypts_and_starts_over() {
    let (server_tls, client_tls) = tls();
    let config = SmtpConfig { tls: Some(server_tls), idle: Duration::from_secs(5), ..config() };
    let desk = Desk::default();
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let clock = FixedClock::at(UtcMicros::from_micros(1));
    let session = run_session(server, None, &config, &desk, &clock, CancellationToken::new());
    let talk = async {
        client.write_all(format!("{HELLO}STARTTLS\r\n").as_bytes()).await.unwrap();
        let mut plain = String::new();
        while !plain.contains("220 2.0.0") {
            let mut part = [0; 1_024];
            let n = client.read(&mut part).await.unwrap();
            plain.push_str(&String::from_utf8_lossy(&part[..n]));
        }
        assert!(plain.contains("250 STARTTLS\r\n"));
        let name = rustls::pki_types::ServerName::try_from("in.example").unwrap();
        let mut encrypted = tokio_rustls::TlsConnector::from(client_tls).connect(name, client).await.unwrap();
        encrypted
            .write_all(format!("MAIL FROM:<a@b>\r\n{HELLO}{START}a\r\n.\r\nQUIT\r\n").as_bytes())
            .await
            .unwrap();
        let mut out = String::new();
        let _ = encrypted.read_to_string(&mut out).await;
        out
    };
    let (ended, out) = tokio::join!(session, talk);
    assert_eq!(ended, Ended::Quit);
    // What was said before does not count, and STARTTLS is offered once.
    assert!(out.contains("\r\n503 5.5.1 EHLO first\r\n") && !out.contains("STARTTLS"), "{out}");
    assert!(out.contains("250 2.0.0 accepted as"));
    assert_eq!(desk.taken.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn commands_sent_with_starttls_are_never_acted_upon() {
    let (server_tls, _) = tls();
    let config = SmtpConfig { tls: Some(server_tls), ..config() };
    let desk = Desk::default();
    let input = format!("{HELLO}STARTTLS\r\n{START}a\r\n.\r\n");
    let (out, ended) = play_cut(&desk, &config, &[input.as_bytes()]).await;
    assert_eq!(ended, Ended::Tls);
    assert!(out.ends_with("501 5.5.1 commands sent before the TLS handshake\r\n"));
    assert!(desk.taken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn in_a_crowd_the_slow_give_their_place_away() {
    let config = || SmtpConfig {
        idle: Duration::from_secs(20),
        patience_in_crowd: Duration::from_millis(200),
        max_message_bytes: 100_000,
        ..config()
    };
    // In the order of the dialogue: nothing said, kept alive by NOOP, a mail that drips.
    let slow = |start: &str, drop: &'static str, times: usize| {
        let start = start.to_owned();
        async move {
            let config = config();
            config.crowd.tell(1, 10);
            let (mut client, server) = tokio::io::duplex(256 * 1024);
            let desk = Desk::default();
            let clock = FixedClock::at(UtcMicros::from_micros(1));
            let session = run_session(server, None, &config, &desk, &clock, CancellationToken::new());
            let talk = async {
                client.write_all(start.as_bytes()).await.unwrap();
                for _ in 0..times {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    if client.write_all(drop.as_bytes()).await.is_err() {
                        break;
                    }
                }
                let mut out = Vec::new();
                let _ = client.read_to_end(&mut out).await;
                String::from_utf8(out).unwrap()
            };
            tokio::join!(session, talk)
        }
    };
    let data = format!("{HELLO}{START}");
    for (start, drop) in [("", ""), (HELLO, "NOOP\r\n"), (&data, "x")] {
        let (ended, out) = slow(start, drop, 40).await;
        assert_eq!(ended, Ended::Crowded, "{start}{drop}: {out}");
        assert!(
            out.ends_with("421 4.3.2 many are waiting and this session is slow, try again later\r\n"),
            "{out}"
        );
    }
    // One that gets on is served to its end, however long that takes.
    let line: &'static str = Box::leak(format!("{}\r\n", "x".repeat(400)).repeat(3).into_boxed_str());
    let (ended, out) = slow(&data, line, 10).await;
    assert_eq!(ended, Ended::Crowded, "the end of the mail never came: {out}");
    let whole = format!("{line}.\r\nQUIT\r\n");
    let (ended, out) = slow(&data, Box::leak(whole.into_boxed_str()), 1).await;
    assert_eq!(ended, Ended::Quit, "{out}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    /// Bytes cut anywhere, with well-formed and broken lines, give the same replies.
    #[test]
    fn cut_anywhere(lines in proptest::collection::vec("EHLO x\r\n|MAIL FROM:<a@b>\r\n|RCPT TO:<a@in\\.example>\r\n|DATA\r\n|a\r\n|\\.\r\n|\\.\\.\r\n|\n|\r|NOOP\r\n|RSET\r\n|[ -~]{0,9}\r\n", 0..20), cuts in proptest::collection::vec(1_usize..40, 0..12)) {
        let input = format!("{}QUIT\r\n.\r\nQUIT\r\n", lines.concat());
        let mut pieces: Vec<&[u8]> = Vec::new();
        let mut rest = input.as_bytes();
        for cut in cuts {
            let at = cut.min(rest.len());
            pieces.push(&rest[..at]);
            rest = &rest[at..];
        }
        pieces.push(rest);
        let config = SmtpConfig { idle: Duration::from_millis(50), max_errors: 1_000, ..config() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (whole, ended) = runtime.block_on(play_cut(&Desk::default(), &config, &[input.as_bytes()]));
        let (cut, cut_ended) = runtime.block_on(play_cut(&Desk::default(), &config, &pieces));
        proptest::prop_assert_eq!(whole, cut);
        proptest::prop_assert_eq!(ended, cut_ended);
    }

    #[test]
    fn noise_never_hangs(noise: Vec<u8>) {
        let config = SmtpConfig { idle: Duration::from_millis(20), ..config() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _ = runtime.block_on(play_cut(&Desk::default(), &config, &[&noise]));
    }
}
