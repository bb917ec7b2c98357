//! Text in ISO 2022 as hospitals write it: closed before every separator, left open at every separator, or closed
//! late. What can be read is read the same, and what is sound is not touched.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use encoding_rs::EUC_JP;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{HashingSink, Origin, RawIntake};
use kakehashi_core::vocabulary::{Channel, Format};
use kakehashi_hl7::InterfaceProfile;
use kakehashi_hl7::acknowledgement::{AnswerCode, judge};
use kakehashi_hl7::charset::decode;
use kakehashi_hl7::charset::iso2022::{decode as read, is_truncated};
use kakehashi_hl7::charset::mend::mend;
use proptest::prelude::*;
use std::borrow::Cow;

const ISO: Option<&str> = Some("~ISO IR87");

/// One piece of text in two bytes, without escapes.
fn pairs(text: &str) -> Vec<u8> {
    let (euc, _, unmappable) = EUC_JP.encode(text);
    assert!(!unmappable && euc.iter().all(|b| *b >= 0xa1), "{text}");
    euc.iter().map(|b| b & 0x7f).collect()
}

/// How a sender writes a message whose text is `text`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Habit {
    /// As the standard says.
    Closes,
    /// Text in two bytes begins with an escape, and nothing ends it but ASCII inside the same value.
    NeverCloses,
    /// Separators are written in whatever set is selected; the escape to ASCII comes before ASCII only.
    ClosesLate,
}

fn is_sign(c: char) -> bool {
    matches!(c, '|' | '^' | '~' | '&' | '\r')
}

fn written(text: &str, habit: Habit) -> Vec<u8> {
    let mut out = Vec::new();
    let mut two_byte = false;
    for c in text.chars() {
        if is_sign(c) {
            match habit {
                Habit::Closes if two_byte => out.extend(b"\x1b(B"),
                Habit::Closes | Habit::NeverCloses | Habit::ClosesLate => {}
            }
            // Every habit ends at a segment's end, and a late closer goes on in its set elsewhere.
            two_byte &= habit == Habit::ClosesLate && c != '\r';
            out.push(u8::try_from(c).unwrap());
        } else if c.is_ascii() {
            if two_byte {
                out.extend(b"\x1b(B");
            }
            two_byte = false;
            out.push(u8::try_from(c).unwrap());
        } else {
            if !two_byte {
                out.extend(b"\x1b$B");
            }
            two_byte = true;
            out.extend(pairs(&c.to_string()));
        }
    }
    out
}

const MESSAGE: &str = "MSH|^~\\&|HIS|桜見中央病院|GW|CARENET|20260610150000||MDM^T02^MDM_T02|42|P|2.5||||||~ISO IR87\r\
PID|0001||00412338^^^^PI||山本^千代^^^^^L^I~ヤマモト^チヨ^^^^^L^P||19380412|F|||^^^^100-0000^JPN^H^東京都桜見区\r\
PV1|0001|I|５階東^512^2||||D0211^藤井^貴^^^^^^^L^^^^^I|||外科\r\
TXA|1|11488-4^連絡票^LN|FT|20260610150000|D0211^佐々木^勇^^^^^^^L\r\
OBX|1|TX|11488-4^連絡票^LN||γ－ＧＴＰ高値、浣腸を施行。腹部膨満、浸出液の滲出あり。薬剤師へ連絡してください||||||F\r";

#[test]
fn a_message_reads_the_same_whatever_the_sender_closes() {
    for habit in [Habit::Closes, Habit::NeverCloses, Habit::ClosesLate] {
        let bytes = written(MESSAGE, habit);
        for declared in
            [ISO, None, Some("ASCII"), Some("UNICODE UTF-8"), Some("ISO IR14~ISO IR87"), Some("8859/1")]
        {
            let decoded = decode(&bytes, declared, None).unwrap();
            assert_eq!(decoded.text, MESSAGE, "{habit:?} {declared:?}");
            assert!(!decoded.damaged && !decoded.truncated, "{habit:?}");
            assert_eq!(decoded.left_open, habit != Habit::Closes, "{habit:?}");
            assert_eq!(decoded.realigned.is_empty(), habit != Habit::ClosesLate, "{habit:?}");
        }
    }
}

#[test]
fn what_is_sound_is_not_touched() {
    for text in ["本剤|服^梨~入&勇|渕^溪|γ", "藤澤^渕上||髙橋^山"] {
        let bytes = written(text, Habit::Closes);
        assert_eq!(mend(&bytes).bytes, Cow::Borrowed(bytes.as_slice()), "{text}");
    }
    assert_eq!(mend(b"\x1b(I^_;^\x1b(B|").bytes, Cow::Borrowed(b"\x1b(I^_;^\x1b(B|".as_slice()));
}

#[test]
fn other_sets_that_are_left_open() {
    let cases: &[(&[u8], &str)] = &[
        (b"\x1b(I;;7|\x1b(IBV|F", "ｻｻｷ|ﾂﾖ|F"),
        (b"\x1b(I\x4c\x5e|1", "ﾌﾞ|1"),
        (b"\x1b(IAV^\x1b(IBV^^L", "ﾁﾖ^ﾂﾖ^^L"),
        (b"\x1b$B;3\x1b(IAV|F|1", "山ﾁﾖ|F|1"),
        (b"\x1b$(DlA|F", "\u{9b86}|F"),
        (b"\x1b$B;3K\\\\.br\\\x1b$B@iBe|F", "山本\\.br\\千代|F"),
    ];
    for (bytes, expected) in cases {
        let mended = mend(bytes);
        let got = read(&mended.bytes);
        if !expected.contains('\u{9b86}') {
            assert_eq!(got.text, *expected, "{bytes:?}");
        }
        assert!(!got.damaged && got.text.ends_with(&expected[expected.len() - 1..]), "{bytes:?} {got:?}");
    }
}

#[test]
fn a_text_that_is_cut_stays_cut() {
    let mut bytes = written("OBX|1|TX|||内服薬の処方が変わってください", Habit::Closes);
    let mended = mend(&bytes);
    assert!(!read(&mended.bytes).truncated);
    bytes.pop();
    assert!(is_truncated(&mend(&bytes).bytes));
    assert!(read(&mend(&bytes).bytes).truncated);
}

/// Text of fields as hospitals write it, with the signs whose bytes look like separators.
fn values() -> impl Strategy<Value = String> {
    let word = proptest::sample::select(vec![
        "山本",
        "梨本",
        "高梨",
        "佐々木勇",
        "薬剤師",
        "服薬",
        "入院",
        "退院",
        "東京都桜見区",
        "看護サマリー",
        "ヤマモト",
        "チヨ",
        "ください",
        "渕上",
        "浣腸",
        "血漿",
        "ＣＲＰ",
        "５階東",
        "①",
        "、",
        "",
    ]);
    let code = proptest::sample::select(vec![
        "",
        "F",
        "LN",
        "19380412",
        "D0211",
        "L",
        "20260610150000",
        "11488-4",
        "PI",
    ]);
    let value = prop_oneof![word.prop_map(str::to_owned), code.prop_map(str::to_owned)];
    let sign = proptest::sample::select(vec!["|", "^", "~", "|", "^"]);
    proptest::collection::vec((value, sign), 1..24).prop_map(|parts| {
        let mut text: String = parts.into_iter().map(|(value, sign)| value + sign).collect();
        text.push_str("|F\r");
        text
    })
}

proptest! {
    #[test]
    fn whatever_is_left_open_at_a_separator_is_read(text in values()) {
        for habit in [Habit::Closes, Habit::NeverCloses] {
            let text = format!("MSH|^~\\&|HIS\rNTE|1||{text}");
            let bytes = written(&text, habit);
            prop_assert_eq!(&read(&mend(&bytes).bytes).text, &text, "{:?}", habit);
        }
    }

    #[test]
    fn mending_is_total_and_settles(bytes in proptest::collection::vec(prop_oneof![
        Just(b"\x1b$B".to_vec()), Just(b"\x1b(B".to_vec()), Just(b"\x1b(I".to_vec()), Just(b"\x1b$(D".to_vec()),
        Just(b"^".to_vec()), Just(b"|".to_vec()), Just(b"\r".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..6), proptest::collection::vec(0x21u8..0x7f, 0..9),
    ], 0..30)) {
        let bytes = bytes.concat();
        let mended = mend(&bytes).bytes.into_owned();
        // Without escapes both hold the same bytes: nothing is invented and nothing lost.
        let visible = |b: &[u8]| b.iter().filter(|b| **b > 0x7f || **b < 0x20).copied().filter(|b| *b != 0x1b).collect::<Vec<_>>();
        prop_assert_eq!(visible(&bytes), visible(&mended));
        prop_assert!(mended.len() >= bytes.len() || bytes.contains(&0x1b));
    }
}

fn envelope(bytes: &[u8]) -> Envelope {
    let raw = RawIntake {
        channel: Channel::Hl7,
        format: Format::Hl7v2,
        dedup_key: String::new(),
        sender_message_id: None,
        bytes: bytes.into(),
        received_at: UtcMicros::from_micros(0),
        origin: Origin::default(),
    };
    kakehashi_hl7::read::read(&raw, &mut HashingSink, None).unwrap().remove(0)
}

fn warned(envelope: &Envelope, code: &str) -> bool {
    envelope.warnings.iter().any(|w| w.code == code)
}

#[test]
fn what_is_left_open_is_accepted_and_only_a_repair_of_the_name_finds_nobody() {
    let waits = kakehashi_core::decide::doubt::PAGES_UNREADABLE;
    for habit in [Habit::Closes, Habit::NeverCloses, Habit::ClosesLate] {
        let bytes = written(MESSAGE, habit);
        assert_eq!(judge(&bytes, &InterfaceProfile::default()).answer(), Some(AnswerCode::ApplicationAccept));
        let envelope = envelope(&bytes);
        let names: Vec<_> = envelope.patient.names.iter().map(|n| n.text.as_str()).collect();
        let known: &[&str] = if habit == Habit::ClosesLate { &[] } else { &["山本 千代"] };
        assert_eq!(names, known, "{habit:?}");
        assert_eq!(warned(&envelope, "charset_left_open"), habit != Habit::Closes, "{habit:?}");
        assert_eq!(warned(&envelope, "name_unreadable"), habit == Habit::ClosesLate, "{habit:?}");
        assert!(!warned(&envelope, waits), "{habit:?}");
        assert_eq!(envelope.sender.facility.as_deref(), Some("桜見中央病院"), "{habit:?}");
        assert!(envelope.body.unwrap().contains("γ－ＧＴＰ高値、浣腸を施行。"), "{habit:?}");
    }
}

#[test]
fn a_header_in_cp932_is_split_outside_its_characters() {
    let text = "MSH|^~\\&|表示ソフト|サポート病院|GW|C|20260609||ADT^A08|77|P|2.5\rPID|1||7^^^^PI||本表^ソ\r";
    let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode(text);
    assert_eq!(judge(&bytes, &InterfaceProfile::default()).answer(), Some(AnswerCode::ApplicationAccept));
    let envelope = envelope(&bytes);
    assert_eq!(envelope.event.unwrap().control_id.as_deref(), Some("77"));
    assert_eq!(envelope.sender.facility.as_deref(), Some("サポート病院"));
}

#[test]
fn a_post_never_shows_what_nobody_can_read() {
    let text = |body: &[u8]| {
        [
            b"MSH|^~\\&|A|B|C|D|20260609||MDM^T02|7|P|2.5||||||~ISO IR87\rPID|1||7\rOBX|1|TX|1||".as_slice(),
            body,
            b"||||||F\r",
        ]
        .concat()
    };
    let waits = kakehashi_core::decide::doubt::PAGES_UNREADABLE;
    assert!(!warned(&envelope(&text(b"\x1b$B;3K\\\x1b(B")), waits));
    // A pair that stands for nothing, and bytes that are of no set.
    for body in [b"\x1b$B)!;3\x1b(B".as_slice(), b"\xff\xfd\x81\xff"] {
        let envelope = envelope(&text(body));
        assert!(warned(&envelope, waits), "{body:?}: {:?}", envelope.warnings);
    }
}
