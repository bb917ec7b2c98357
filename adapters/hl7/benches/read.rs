//! How long an ADT of 1.5 KB takes to be judged, answered and read; printed, not asserted.

use kakehashi_core::clock::UtcMicros;
use kakehashi_core::port::{HashingSink, Origin, RawIntake};
use kakehashi_core::vocabulary::{Channel, Format};
use kakehashi_hl7::InterfaceProfile;
use kakehashi_hl7::acknowledgement::{AnswerCode, build, judge};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: u32 = 20_000;

fn main() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/corpus/hl7/synthetic-ja/ja01_adt_a01_admit_iso2022jp.hl7"
    );
    let mut bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => return eprintln!("{file}: {error}"),
    };
    while bytes.len() < 1500 {
        bytes.extend_from_slice(
            b"NK1|2|\x1b$B;3K\\\x1b(B^\x1b$B7C\x1b(B^^^^^L^I|DAU^\x1b$BL<\x1b(B^HL70063||^PRN^PH\r",
        );
    }
    let profile = InterfaceProfile::default();
    let now = UtcMicros::from_micros(1_781_000_000_000_000);
    let size = bytes.len();
    measure(&format!("judge and answer, {size} bytes"), || {
        let judgement = judge(black_box(&bytes), &profile);
        black_box(build(&judgement, AnswerCode::ApplicationAccept, "GW1", now));
    });
    let raw = RawIntake {
        channel: Channel::Hl7,
        format: Format::Hl7v2,
        dedup_key: String::new(),
        sender_message_id: None,
        bytes: bytes.into(),
        received_at: now,
        origin: Origin::default(),
    };
    measure(&format!("read, {size} bytes"), || {
        black_box(kakehashi_hl7::read::read(black_box(&raw), &mut HashingSink, Some(&profile)).is_ok());
    });
}

fn measure(what: &str, mut work: impl FnMut()) {
    let start = Instant::now();
    for _ in 0..ROUNDS {
        work();
    }
    println!("{what}: {:.1} µs", start.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS));
}
