//! SMTP and LMTP dialogues made at random of what has meaning in them: commands, ends of lines and of data, NUL,
//! halves of everything. Each is played whole and cut at random places: no panic, an end in bounded time, the same
//! replies, as many mails taken as were answered with yes. Runs two seconds; `KAKEHASHI_MUTATE_SECONDS=600 cargo
//! test -p kakehashi-email --test dialogue_mutation -- --nocapture` searches longer, `KAKEHASHI_MUTATE_SEED` elsewhere.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::clock::{FixedClock, UtcMicros};
use kakehashi_core::ids::IntakeId;
use kakehashi_core::port::{BoxFuture, IntakeAnswer, IntakeDesk, RawIntake, RecipientAnswer, Refusal};
use kakehashi_email::listen::{Protocol, SmtpConfig, run_session};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

const PIECES: &[&[u8]] = &[
    b"EHLO a.example\r\n",
    b"HELO a\r\n",
    b"LHLO a.example\r\n",
    b"MAIL FROM:<n@b.example>\r\n",
    b"MAIL FROM:<> SIZE=40\r\n",
    b"MAIL FROM:<n@b> SIZE=99999999999999999999\r\n",
    b"MAIL FROM:<a..b@docomo.example> BODY=8BITMIME\r\n",
    b"RCPT TO:<intake@in.example>\r\n",
    b"RCPT TO:<g-1@in.example>\r\n",
    b"RCPT TO:<x@else.example>\r\n",
    b"RCPT TO:<later@in.example>\r\n",
    b"DATA\r\n",
    b"BDAT 5 LAST\r\nabcde",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"VRFY a\r\n",
    b"STARTTLS\r\n",
    b"AUTH PLAIN AAAA\r\n",
    b"XCLIENT ADDR=203.0.113.9 HELO=x\r\n",
    b"XCLIENT ADDR=IPV6:::1 NAME=+0A\r\n",
    b"QUIT\r\n",
    b"Message-ID: <1@b>\r\nFrom: n@b.example\r\nSubject: x\r\n\r\n",
    "了解しました\r\n".as_bytes(),
    b"\x1b$BN;2r\x1b(B\r\n",
    b"\r\n.\r\n",
    b".\r\n",
    b"..\r\n",
    b"\n.\n",
    b"\n.\r\n",
    b"\r.\r",
    b"\r\n.\n",
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b".",
    b" ",
    b"<",
    b">",
    b"\xff\xfe",
    b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

/// A whole mail that should be taken, so that every search comes past the end of the data.
const MAIL: &[u8] = b"MAIL FROM:<n@b.example>\r\nRCPT TO:<intake@in.example>\r\nDATA\r\nMessage-ID: <1@b>\r\n\r\ntext\r\n.\r\n";

/// xorshift64*: enough to go astray with, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % (end.max(1) as u64)).unwrap_or(0)
    }
}

/// Takes, refuses and is away in turn, the same turns for the same dialogue.
#[derive(Default)]
struct Desk {
    taken: Mutex<Vec<Vec<u8>>>,
    turn: AtomicU64,
}

impl IntakeDesk for Desk {
    fn hand_in(&self, intake: RawIntake) -> BoxFuture<'_, IntakeAnswer> {
        Box::pin(async move {
            match self.turn.fetch_add(1, Ordering::Relaxed) % 7 {
                5 => return IntakeAnswer::TryLater("away".to_owned()),
                6 => return IntakeAnswer::Refused(Refusal::TooLarge { limit_bytes: 1 }),
                _ => {}
            }
            self.taken.lock().unwrap().push(intake.bytes.whole().unwrap().to_vec());
            IntakeAnswer::Accepted(IntakeId::new("01ARZ3NDEKTSV4RRFFQ69G5FAV"))
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

async fn play(protocol: Protocol, pieces: &[&[u8]]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let desk = Desk::default();
    let config = SmtpConfig {
        hostname: "in.example".to_owned(),
        protocol,
        xclient_peers: vec!["127.0.0.1".parse().unwrap()],
        max_message_bytes: 4_000,
        max_header_bytes: 2_000,
        max_line_bytes: 500,
        max_recipients: 5,
        max_errors: 8,
        max_command_bytes: 512,
        // The client closes when it has said all, so nobody waits so long.
        idle: Duration::from_secs(20),
        ..SmtpConfig::default()
    };
    let (mut client, server) = tokio::io::duplex(1 << 20);
    let clock = FixedClock::at(UtcMicros::from_micros(1));
    let peer = Some("127.0.0.1".parse().unwrap());
    let session = run_session(server, peer, &config, &desk, &clock, CancellationToken::new());
    let talk = async {
        for piece in pieces {
            // It may have hung up already.
            if client.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let _ = client.shutdown().await;
        let mut out = Vec::new();
        let _ = client.read_to_end(&mut out).await;
        out
    };
    let (_, out) = tokio::join!(session, talk);
    let taken = desk.taken.into_inner().unwrap();
    (out, taken)
}

fn dialogue(dice: &mut Dice, lmtp: bool) -> Vec<u8> {
    let mut all: Vec<u8> = Vec::new();
    if dice.below(4) > 0 {
        all.extend_from_slice(if lmtp { b"LHLO a\r\n" } else { b"EHLO a\r\n" });
    }
    for _ in 0..dice.below(40) {
        if dice.below(5) == 0 {
            all.extend_from_slice(MAIL);
        }
        let piece = PIECES[dice.below(PIECES.len())];
        let times = if dice.below(30) == 0 { 60 } else { 1 };
        for _ in 0..times {
            all.extend_from_slice(piece);
        }
    }
    for _ in 0..dice.below(4) {
        if all.is_empty() {
            break;
        }
        let at = dice.below(all.len());
        match dice.below(3) {
            0 => all[at] = (dice.roll() & 0xff) as u8,
            1 => drop(all.drain(at..(at + dice.below(20)).min(all.len()))),
            _ => all.truncate(at.max(1)),
        }
    }
    all
}

#[tokio::test]
async fn random_dialogues_end_well() {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let end = Instant::now() + Duration::from_secs(number("KAKEHASHI_MUTATE_SECONDS").unwrap_or(2));
    let mut dice = Dice(number("KAKEHASHI_MUTATE_SEED").unwrap_or(0x6b61_6b65) | 1);
    let (mut count, mut mails) = (0_u64, 0_u64);
    while Instant::now() < end {
        let lmtp = dice.below(2) == 0;
        let protocol = || if lmtp { Protocol::Lmtp } else { Protocol::Smtp };
        let input = dialogue(&mut dice, lmtp);
        let shown = || String::from_utf8_lossy(&input).into_owned();
        let whole = tokio::time::timeout(Duration::from_secs(15), play(protocol(), &[&input])).await;
        let (replies, taken) = whole.unwrap_or_else(|_| panic!("no end: {:?}", shown()));
        let text = String::from_utf8(replies).unwrap();
        // Nothing but whole reply lines (RFC 5321 section 4.2), whatever came in.
        for line in text.split_terminator("\r\n") {
            let code = line.get(..3).unwrap_or("");
            let mark = line.get(3..4).unwrap_or(" ");
            let whole = code.bytes().all(|b| b.is_ascii_digit()) && matches!(mark, " " | "-");
            assert!(
                whole && line.len() <= 512 && !line.contains(['\r', '\n', '\0']),
                "{line:?}: {:?}",
                shown()
            );
        }
        // A mail that was taken was announced by DATA and is free of what ends it.
        let begun = text.split("\r\n").filter(|l| l.starts_with("354")).count();
        assert!(taken.len() <= begun, "{} taken, {begun} begun: {:?}", taken.len(), shown());
        let said = text.split("\r\n").filter(|l| l.contains("01ARZ3NDEKTSV4RRFFQ69G5FAV")).count();
        assert!(taken.len() <= said, "{} taken, {said} told: {text} {:?}", taken.len(), shown());
        let mut pieces: Vec<&[u8]> = Vec::new();
        let mut rest = input.as_slice();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(1 + dice.below(rest.len().min(60)));
            pieces.push(piece);
            rest = after;
        }
        let cut = tokio::time::timeout(Duration::from_secs(15), play(protocol(), &pieces)).await;
        let (cut_replies, cut_taken) = cut.unwrap_or_else(|_| panic!("no end when cut: {:?}", shown()));
        assert_eq!(String::from_utf8(cut_replies).unwrap(), text, "cut elsewhere: {:?}", shown());
        assert_eq!(cut_taken, taken, "cut elsewhere: {:?}", shown());
        count += 1;
        mails += taken.len() as u64;
    }
    assert!(mails > 0, "no dialogue came to its mail");
    println!("{count} dialogues, each played twice; {mails} mails taken");
}
