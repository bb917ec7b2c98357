//! Whole MLLP conversations over memory: what is stored, what is answered, in which order, and what
//! closes a connection.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use kakehashi_core::clock::{FixedClock, UtcMicros};
use kakehashi_core::ids::IntakeId;
use kakehashi_core::port::{
    BoxFuture, IntakeAnswer, IntakeDesk, Origin, RawIntake, RecipientAnswer, Refusal,
};
use kakehashi_hl7::framing::{Decoder, FrameEvent, frame};
use kakehashi_hl7::listen::session::Session;
use kakehashi_hl7::listen::{MllpConfig, Shared};
use kakehashi_hl7::{FRAGMENT_LISTENER, InterfaceProfile, LISTENER, client};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_util::sync::CancellationToken;

#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Takes,
    Fails,
    Refuses,
    /// The first message waits longer than all others.
    SlowFirst,
    /// Never answers.
    Hangs,
    Panics,
}

struct Desk {
    mood: Mood,
    taken: Mutex<Vec<RawIntake>>,
    keys: Mutex<BTreeSet<String>>,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

impl Desk {
    fn new(mood: Mood) -> Arc<Self> {
        Arc::new(Self {
            mood,
            taken: Mutex::default(),
            keys: Mutex::default(),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
        })
    }

    fn messages(&self) -> Vec<RawIntake> {
        self.taken.lock().unwrap().iter().filter(|i| i.origin.listener == LISTENER).cloned().collect()
    }

    fn fragments(&self) -> usize {
        self.taken.lock().unwrap().iter().filter(|i| i.origin.listener == FRAGMENT_LISTENER).count()
    }
}

impl IntakeDesk for Desk {
    fn hand_in(&self, intake: RawIntake) -> BoxFuture<'_, IntakeAnswer> {
        Box::pin(async move {
            let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_open.fetch_max(open, Ordering::SeqCst);
            let first = self.taken.lock().unwrap().is_empty();
            let id = IntakeId::new("01J00000000000000000000000");
            let fresh = self.keys.lock().unwrap().insert(intake.dedup_key.clone());
            assert!(intake.dedup_key.len() <= 200);
            self.taken.lock().unwrap().push(intake);
            let wait = if self.mood == Mood::SlowFirst && first { 200 } else { 5 };
            tokio::time::sleep(Duration::from_millis(wait)).await;
            self.open.fetch_sub(1, Ordering::SeqCst);
            match self.mood {
                Mood::Takes | Mood::SlowFirst if fresh => IntakeAnswer::Accepted(id),
                Mood::Takes | Mood::SlowFirst => IntakeAnswer::Duplicate(id),
                Mood::Fails => IntakeAnswer::TryLater("the store is down".to_owned()),
                Mood::Refuses => IntakeAnswer::Refused(Refusal::Unacceptable("no".to_owned())),
                Mood::Hangs => std::future::pending().await,
                Mood::Panics => panic!("on purpose"),
            }
        })
    }

    fn accepts_recipient<'a>(&'a self, _: &'a str) -> BoxFuture<'a, RecipientAnswer> {
        Box::pin(async { RecipientAnswer::NotOurs })
    }
}

fn connect(desk: &Arc<Desk>, config: MllpConfig) -> DuplexStream {
    connect_until(desk, config, CancellationToken::new())
}

fn connect_until(desk: &Arc<Desk>, config: MllpConfig, shutdown: CancellationToken) -> DuplexStream {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let clock = FixedClock::at(UtcMicros::from_rfc3339("2026-06-09T10:20:01+09:00").unwrap());
    let desk: Arc<dyn IntakeDesk> = Arc::clone(desk) as _;
    let shared = Arc::new(Shared::new(config, desk, Arc::new(clock), &shutdown));
    let origin =
        Origin { listener: LISTENER.to_owned(), interface: Some("hl7".to_owned()), ..Origin::default() };
    tokio::spawn(Session::new(shared, origin).run(far, shutdown));
    near
}

/// Sends pieces, closes our side, and returns the answers until the session closes.
async fn talk(desk: &Arc<Desk>, config: MllpConfig, pieces: &[&[u8]]) -> Vec<String> {
    let mut stream = connect(desk, config);
    for piece in pieces {
        if stream.write_all(piece).await.is_err() {
            break;
        }
    }
    let _ = stream.shutdown().await;
    answers(stream).await
}

async fn answers(mut stream: DuplexStream) -> Vec<String> {
    let mut bytes = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    let mut events = Vec::new();
    Decoder::new(1 << 20, false).feed(&bytes, &mut events);
    let text = |event| match event {
        FrameEvent::Frame { bytes, .. } => String::from_utf8(bytes).unwrap(),
        FrameEvent::CommitBlock(true) => "commit".to_owned(),
        other => panic!("{other:?}"),
    };
    events.into_iter().map(text).collect()
}

fn msa(answer: &str) -> (String, String) {
    let line = answer.split('\r').find(|l| l.starts_with("MSA")).unwrap();
    let mut fields = line.split('|').skip(1);
    (fields.next().unwrap().to_owned(), fields.next().unwrap().to_owned())
}

fn message(id: &str) -> Vec<u8> {
    format!("MSH|^~\\&|HIS|S|GW|C|20260609||ADT^A03^ADT_A03|{id}|P|2.5\rPID|1||1\r").into_bytes()
}

fn corpus(file: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/hl7/synthetic-ja");
    std::fs::read(folder.join(file)).unwrap()
}

#[tokio::test]
async fn recorded_streams_are_answered_in_order() {
    let one = "2026061120000001";
    let two = "2026061120000002";
    let cases: &[(&str, &[&str], usize)] = &[
        ("ml01_two_good_frames.mllp", &[one, two], 0),
        ("ml02_no_vt.mllp", &[one], 0),
        ("ml03_no_fs_cr_then_close.mllp", &[], 1),
        ("ml04_fs_without_cr.mllp", &[one, two], 0),
        ("ml05_two_messages_in_one_frame.mllp", &[one, two], 0),
        ("ml06_empty_frame.mllp", &[one], 0),
        ("ml07_vt_inside_frame.mllp", &[two], 1),
        ("ml08_bom_inside_frame_utf8.mllp", &["2026061120000003"], 0),
        ("ml09_garbage_between_frames.mllp", &[one, two], 0),
        ("ml10_mllp_r2_ack_bytes.mllp", &[one], 0),
        ("ml11_fs_cr_split_reads.mllp", &[one], 0),
        ("ml12_http_request_on_port.mllp", &[], 0),
        ("ml13_tls_client_hello_on_plain_port.mllp", &[], 0),
    ];
    for (file, ids, fragments) in cases {
        let bytes = corpus(file);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        for pieces in [vec![bytes.as_slice()], single] {
            let desk = Desk::new(Mood::Takes);
            let got = talk(&desk, MllpConfig::default(), &pieces).await;
            let wanted: Vec<_> = ids.iter().map(|id| ("AA".to_owned(), (*id).to_owned())).collect();
            assert_eq!(got.iter().map(|a| msa(a)).collect::<Vec<_>>(), wanted, "{file}");
            assert_eq!(desk.messages().len(), ids.len(), "{file}");
            assert_eq!(desk.fragments(), *fragments, "{file}");
        }
    }
}

#[tokio::test]
async fn the_first_message_as_the_hospital_sent_it() {
    let desk = Desk::new(Mood::Takes);
    let sent = corpus("ja02_adt_a03_discharge_iso2022jp.hl7");
    let stream = connect(&desk, MllpConfig::default());
    let answer = client::exchange(stream, &sent, Duration::from_secs(5)).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(
        answer.starts_with("MSH|^~\\&|GW|CARENET|HIS|SAKURAMI_CH|20260609102001||ACK^A03^ACK|GW"),
        "{answer}"
    );
    assert!(answer.ends_with("|P|2.5\rMSA|AA|2026060910200001\r"), "{answer}");
    let intake = &desk.messages()[0];
    assert_eq!(&*intake.bytes.whole().unwrap(), &sent[..]);
    assert_eq!(intake.sender_message_id.as_deref(), Some("2026060910200001"));
    assert!(intake.dedup_key.starts_with("hl7:hl7|HIS|SAKURAMI_CH|2026060910200001|"));
}

#[tokio::test]
async fn pipelined_messages_overlap_and_keep_their_order() {
    let desk = Desk::new(Mood::SlowFirst);
    let ids: Vec<String> = (0..100).map(|n| format!("P{n:03}")).collect();
    let stream: Vec<u8> = ids.iter().flat_map(|id| frame(&message(id))).collect();
    let got = talk(&desk, MllpConfig::default(), &[&stream]).await;
    assert_eq!(got.iter().map(|a| msa(a).1).collect::<Vec<_>>(), ids);
    let most = desk.most_open.load(Ordering::SeqCst);
    assert!((8..=66).contains(&most), "{most} at once");
}

#[tokio::test]
async fn the_same_message_twice_has_the_same_answer() {
    let desk = Desk::new(Mood::Takes);
    let twice = [frame(&message("7")), frame(&message("7"))].concat();
    let got = talk(&desk, MllpConfig::default(), &[&twice]).await;
    assert_eq!(msa(&got[0]), msa(&got[1]));
    assert_eq!(desk.keys.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_answered() {
    for mood in [Mood::Fails, Mood::Panics, Mood::Hangs] {
        let desk = Desk::new(mood);
        let config = MllpConfig { answer_seconds: 1, ..MllpConfig::default() };
        let mut stream = connect(&desk, config);
        stream.write_all(&frame(&message("1"))).await.unwrap();
        // Our side stays open: the session must close by itself.
        assert!(answers(stream).await.is_empty());
    }
    let desk = Desk::new(Mood::Refuses);
    let got = talk(&desk, MllpConfig::default(), &[&frame(&message("1"))]).await;
    assert_eq!(msa(&got[0]), ("AR".to_owned(), "1".to_owned()));
}

#[tokio::test]
async fn faults_of_content_are_stored_and_told() {
    let desk = Desk::new(Mood::Takes);
    let stream: Vec<u8> = [
        "ja74_missing_pid.hl7",
        "ja83_ed_invalid_base64.hl7",
        "ja79_processing_id_test.hl7",
        "ja89_enhanced_ne_ne.hl7",
        "ja88_enhanced_al_ne_seq.hl7",
    ]
    .iter()
    .flat_map(|file| frame(&corpus(file)))
    .collect();
    let got = talk(&desk, MllpConfig::default(), &[&stream]).await;
    let codes: Vec<String> = got.iter().map(|a| msa(a).0).collect();
    assert_eq!(codes, ["AE", "AE", "AR", "CA"]);
    assert!(got[0].contains("ERR||PID^1|100^Segment sequence error^HL70357|E"), "{}", got[0]);
    assert!(got[2].contains("ERR||MSH^1^11|202^Unsupported processing id^HL70357|E"), "{}", got[2]);
    assert!(got.iter().all(|answer| answer.is_ascii()));
    assert_eq!(desk.messages().len(), 5);
}

#[tokio::test]
async fn three_messages_without_header_end_the_conversation() {
    let desk = Desk::new(Mood::Takes);
    let junk = frame(&corpus("ja78_not_hl7.hl7"));
    let mut stream = connect(&desk, MllpConfig::default());
    stream.write_all(&[junk.as_slice(); 3].concat()).await.unwrap();
    let got = answers(stream).await;
    assert_eq!(got.iter().map(|a| msa(a)).collect::<Vec<_>>(), vec![("AR".to_owned(), String::new()); 3]);
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_and_the_next_one_taken() {
    let desk = Desk::new(Mood::Takes);
    let config = MllpConfig { max_frame_bytes: 10_000, ..MllpConfig::default() };
    let mut big = message("9");
    big.extend(b"NTE|1||");
    big.resize(200_000, b'a');
    let framed = [frame(&message("8")), frame(&big), frame(&message("10"))].concat();
    let mut stream = connect(&desk, config);
    let (mut from, mut to) = tokio::io::split(&mut stream);
    let (_, got) = tokio::join!(
        async {
            let _ = to.write_all(&framed).await;
            let _ = to.shutdown().await;
        },
        async {
            let mut bytes = Vec::new();
            let _ = from.read_to_end(&mut bytes).await;
            bytes
        }
    );
    let text = String::from_utf8(got).unwrap();
    assert!(
        text.contains("MSA|AA|8\r") && text.contains("MSA|AR|9\r") && text.contains("MSA|AA|10\r"),
        "{text}"
    );
    assert_eq!(desk.messages().len(), 2);
}

#[tokio::test]
async fn a_slow_frame_is_given_up() {
    let desk = Desk::new(Mood::Takes);
    let config = MllpConfig { frame_seconds: 1, ..MllpConfig::default() };
    let mut stream = connect(&desk, config);
    stream.write_all(b"\x0bMSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\r").await.unwrap();
    assert!(answers(stream).await.is_empty());
    assert_eq!((desk.messages().len(), desk.fragments()), (0, 1));
}

#[tokio::test]
async fn shutdown_ends_idle_connections_and_lets_messages_finish() {
    let desk = Desk::new(Mood::SlowFirst);
    let shutdown = CancellationToken::new();
    let mut stream = connect_until(&desk, MllpConfig::default(), shutdown.clone());
    stream.write_all(&frame(&message("1"))).await.unwrap();
    while desk.messages().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    shutdown.cancel();
    assert_eq!(answers(stream).await.len(), 1);
}

#[tokio::test]
async fn the_commit_block_comes_before_the_answer() {
    let desk = Desk::new(Mood::Takes);
    let mut config = MllpConfig::default();
    config.profile.commit_block = true;
    let got = talk(&desk, config, &[&frame(&message("1"))]).await;
    assert_eq!(got[0], "commit");
    assert_eq!(msa(&got[1]).0, "AA");
}

#[tokio::test]
async fn five_megabytes_are_one_message() {
    let desk = Desk::new(Mood::Takes);
    let mut big = message("B");
    big.extend(b"OBX|1|ED|x||^AP^PDF^Base64^");
    big.resize(big.len() + 6_700_000, b'A');
    big.push(b'\r');
    let stream = connect(&desk, MllpConfig::default());
    let answer = client::exchange(stream, &big, Duration::from_secs(10)).await.unwrap();
    assert_eq!(msa(std::str::from_utf8(&answer).unwrap()).0, "AA");
    assert_eq!(desk.messages()[0].bytes.len(), big.len());
}

#[tokio::test]
async fn a_real_listener_serves_and_stops() {
    let desk = Desk::new(Mood::Takes);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let clock = Arc::new(kakehashi_core::clock::SystemClock);
    let asked: Arc<dyn IntakeDesk> = Arc::clone(&desk) as _;
    let serving = tokio::spawn(kakehashi_hl7::listen::serve(
        listener,
        MllpConfig { interface: "sakurami_ch".to_owned(), ..MllpConfig::default() },
        asked,
        clock,
        shutdown.clone(),
    ));
    let mut connection = client::Connection::new(tokio::net::TcpStream::connect(address).await.unwrap());
    for id in ["1", "2"] {
        let answer = connection.exchange(&message(id), Duration::from_secs(5)).await.unwrap();
        assert_eq!(msa(std::str::from_utf8(&answer).unwrap()), ("AA".to_owned(), id.to_owned()));
    }
    let origin = &desk.messages()[0].origin;
    assert_eq!(origin.interface.as_deref(), Some("sakurami_ch"));
    assert_eq!(origin.peer.as_deref(), Some("127.0.0.1"));
    // The connection is still open and idle: it does not hold up the end.
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_batch_is_answered_by_a_batch() {
    let desk = Desk::new(Mood::Takes);
    let batch = [
        b"FHS|^~\\&|HIS|S|GW|C\rBHS|^~\\&|HIS|S|GW|C|2026||||B7\r".as_slice(),
        &message("1"),
        b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|2|P|2.5\r",
        b"BTS|2\rFTS|1\r",
    ]
    .concat();
    let got = talk(&desk, MllpConfig::default(), &[&frame(&batch), &frame(&message("3"))]).await;
    assert_eq!(got.len(), 2, "{got:?}");
    let lines: Vec<&str> = got[0].trim_end().split('\r').collect();
    assert!(lines[0].starts_with("FHS|^~\\&|GW|C|HIS|S|") && lines[1].contains("|B7"), "{got:?}");
    assert!(got[0].contains("MSA|AA|1\r") && got[0].contains("MSA|AE|2\r"), "{got:?}");
    assert!(got[0].ends_with("BTS|2\rFTS|1\r"), "{got:?}");
    assert!(got[1].contains("MSA|AA|3\r"));
    assert_eq!(desk.messages().len(), 3);
}

#[tokio::test]
async fn an_empty_batch_is_answered_and_a_wrong_count_is_told() {
    let desk = Desk::new(Mood::Takes);
    let empty = b"FHS|^~\\&|HIS|S|GW|C|2026||||F9\rBHS|^~\\&|HIS|S|GW|C|2026||||B9\rBTS|0\rFTS|1\r";
    let cut = [b"BHS|^~\\&|HIS|S|GW|C|2026||||B1\r".as_slice(), &message("1"), b"BTS|3\r"].concat();
    let got = talk(&desk, MllpConfig::default(), &[&frame(empty), &frame(&cut), &frame(&message("2"))]).await;
    assert_eq!(got.len(), 3, "{got:?}");
    assert!(got[0].starts_with("FHS|^~\\&|GW|C|HIS|S|") && got[0].contains("|F9\r"), "{got:?}");
    assert!(got[0].contains("|B9\r") && got[0].ends_with("\rBTS|0\rFTS|1\r"), "{got:?}");
    assert!(got[1].ends_with("\rBTS|1|BTS-1 counted 3 messages and 1 came\r"), "{got:?}");
    assert!(got[2].contains("MSA|AA|2\r"), "{got:?}");
    assert_eq!(desk.messages().len(), 2);
}

#[tokio::test]
async fn a_refusal_says_what_to_mend() {
    let desk = Desk::new(Mood::Takes);
    let config = MllpConfig { max_frame_bytes: 400, ..MllpConfig::default() };
    let long = [message("1"), vec![b'x'; 500]].concat();
    let eventless = b"MSH|^~\\&|A|B|C|D|2026||ADT|2|P|2.5\rEVN||2026\rPID|1||7\r";
    let test = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|3|T|2.4\rPID|1||7\r";
    let got = talk(&desk, config, &[&frame(&long), &frame(eventless), &frame(test)]).await;
    assert!(got[0].contains("MSA|AR|1\r") && got[0].contains("(at most 400 bytes)"), "{got:?}");
    assert!(got[1].contains("MSA|AE|2\rERR||MSH^1^9|101^"), "{got:?}");
    assert!(got[1].contains("neither MSH-9.2 nor EVN-1"), "{got:?}");
    assert!(
        got[2].contains("MSA|AR|3|This interface does not take") && got[2].contains("(it takes P)"),
        "{got:?}"
    );
    assert!(got[2].contains("ERR|MSH^1^11^202&"), "{got:?}");
}

#[tokio::test]
async fn numbers_out_of_turn_are_refused_where_the_interface_uses_them() {
    let numbered = |id: &str, number: &str| {
        frame(format!("MSH|^~\\&|A|B|C|D|2026||ADT^A01|{id}|P|2.5|{number}\rPID|1||7\r").as_bytes())
    };
    let frames = [numbered("1", "5"), numbered("2", "7"), numbered("3", "6"), numbered("3", "6")].concat();
    let desk = Desk::new(Mood::Takes);
    let profile = InterfaceProfile { sequence_numbers: true, ..InterfaceProfile::default() };
    let config = MllpConfig { profile, ..MllpConfig::default() };
    let got = talk(&desk, config, &[&frames]).await.concat();
    for answer in ["MSA|AA|1||6\r", "MSA|AR|2||6\r", "MSA|AA|3||7\r"] {
        assert!(got.contains(answer), "{answer}: {got}");
    }
    assert_eq!(desk.messages().len(), 3);
    // Where it is not agreed, a number is no reason to refuse anything.
    let desk = Desk::new(Mood::Takes);
    let got = talk(&desk, MllpConfig::default(), &[&frames]).await.concat();
    assert!(!got.contains("|AR|"), "{got}");
}

#[tokio::test]
async fn both_answers_of_enhanced_mode_are_given() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap().to_string();
    let desk = Desk::new(Mood::Takes);
    let answers_to = Some(kakehashi_hl7::dial::Dial::new(&target, None).unwrap());
    let config = MllpConfig { answers_to, ..MllpConfig::default() };
    let sound = frame(b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5|||AL|AL\rPID|1||7\r");
    let quiet = frame(b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|2|P|2.5|||AL|ER\rPID|1||7\r");
    let faulty = frame(b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|3|P|2.5|||AL|ER\r");
    let mut stream = connect(&desk, config);
    stream.write_all(&[sound, quiet, faulty].concat()).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    let mut later = Vec::new();
    let mut decoder = Decoder::new(10_000, false);
    let mut chunk = [0; 4096];
    while later.len() < 2 {
        let taken = far.read(&mut chunk).await.unwrap();
        assert!(taken > 0);
        let mut events = Vec::new();
        decoder.feed(&chunk[..taken], &mut events);
        for event in events {
            let FrameEvent::Frame { bytes, .. } = event else { continue };
            later.push(String::from_utf8(bytes).unwrap());
            far.write_all(&frame(b"MSH|^~\\&|C|D|A|B|2026||ACK|9|P|2.5\rMSA|CA|x\r")).await.unwrap();
        }
    }
    assert!(later[0].contains("MSA|AA|1\r") && later[0].contains("|P|2.5|||AL|NE\r"), "{later:?}");
    assert!(later[1].contains("MSA|AE|3\r") && later[1].contains("\rERR|"), "{later:?}");
    stream.shutdown().await.unwrap();
    let commits = answers(stream).await.concat();
    for id in ["MSA|CA|1\r", "MSA|CA|2\r", "MSA|CA|3\r"] {
        assert!(commits.contains(id), "{commits}");
    }
}
