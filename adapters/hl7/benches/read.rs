//! How long an ADT of 1.5 KB takes to be judged, answered and read, and how fast and in how much memory a
//! document of 5 MB is read; printed, not asserted. One SHA-256 over the same bytes is the yardstick.

use base64::Engine as _;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::port::{HashingSink, Origin, RawIntake};
use kakehashi_core::vocabulary::{Channel, Format};
use kakehashi_hl7::InterfaceProfile;
use kakehashi_hl7::acknowledgement::{AnswerCode, build, judge};
use std::hint::black_box;
use std::time::Instant;

/// Bytes of the file inside of the document.
const FILE_BYTES: usize = 5_000_000;

fn main() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpus/hl7/synthetic-ja/");
    let read = |name: &str| match std::fs::read(format!("{corpus}{name}")) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            eprintln!("{corpus}{name}: {error}");
            None
        }
    };
    // `cargo bench -p kakehashi-hl7 -- adt` leaves the document out, for profiles of the small message.
    let only_adt = std::env::args().any(|word| word == "adt");
    // The document comes first: its peak must not hide behind what the loops leave.
    if !only_adt && let Some(small) = read("ja86_big_ed.hl7") {
        document(&small);
    }
    if let Some(small) = read("ja01_adt_a01_admit_iso2022jp.hl7") {
        admission(small);
    }
}

fn admission(mut bytes: Vec<u8>) {
    while bytes.len() < 1500 {
        bytes.extend_from_slice(
            b"NK1|2|\x1b$B;3K\\\x1b(B^\x1b$B7C\x1b(B^^^^^L^I|DAU^\x1b$BL<\x1b(B^HL70063||^PRN^PH\r",
        );
    }
    let profile = InterfaceProfile::default();
    let size = bytes.len();
    let judging = micros(20_000, || {
        let judgement = judge(black_box(&bytes), &profile);
        black_box(build(&judgement, AnswerCode::ApplicationAccept, "GW1", now()));
    });
    println!("ADT of {size} bytes: judged and answered in {judging:.1} µs");
    let hashing = micros(20_000, || {
        black_box(ContentHash::of(black_box(&bytes)));
    });
    let raw = intake(bytes);
    let reading = micros(20_000, || {
        black_box(kakehashi_hl7::read::read(black_box(&raw), &mut HashingSink, Some(&profile)).is_ok());
    });
    println!("ADT of {size} bytes: read in {reading:.1} µs ({:.1} times its SHA-256)", reading / hashing);
}

fn document(small: &[u8]) {
    let Some(at) = small.windows(7).position(|w| w == b"Base64^").map(|at| at + 7) else { return };
    let Some(end) = small[at..].iter().position(|b| *b == b'|').map(|end| at + end) else { return };
    let mut pdf = b"%PDF-1.4\n".to_vec();
    pdf.extend((pdf.len()..FILE_BYTES).map(|at| u8::try_from(at * 31 % 251).unwrap_or(0)));
    let data = base64::engine::general_purpose::STANDARD.encode(&pdf);
    let raw = intake([&small[..at], data.as_bytes(), &small[end..]].concat());
    drop((pdf, data));
    let size = raw.bytes.len();
    let profile = InterfaceProfile::default();
    let once = || kakehashi_hl7::read::read(black_box(&raw), &mut HashingSink, Some(&profile)).is_ok();
    // Resets the high-water mark of the process, where the system has one.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = kib("VmRSS:");
    black_box(once());
    if let (Some(before), Some(peak)) = (before, kib("VmHWM:")) {
        let more = peak.saturating_sub(before) as f64 * 1024.0;
        println!(
            "document of {size} bytes: peak {:.1} MB beside its bytes, {:.2} times its size with them",
            more / 1e6,
            1.0 + more / size as f64
        );
    }
    let Ok(bytes) = raw.bytes.whole() else { return };
    let judging = micros(50, || {
        black_box(judge(black_box(&bytes), &profile).answer());
    });
    let hashing = micros(50, || {
        black_box(ContentHash::of(black_box(&bytes)));
    });
    let reading = micros(50, || {
        black_box(once());
    });
    let speed = |micros: f64| size as f64 / micros;
    println!("document of {size} bytes: judged at {:.0} MB/s", speed(judging));
    println!(
        "document of {size} bytes: read at {:.0} MB/s ({:.1} times its SHA-256 at {:.0} MB/s)",
        speed(reading),
        reading / hashing,
        speed(hashing)
    );
}

fn intake(bytes: Vec<u8>) -> RawIntake {
    RawIntake {
        channel: Channel::Hl7,
        format: Format::Hl7v2,
        dedup_key: String::new(),
        sender_message_id: None,
        bytes: bytes.into(),
        received_at: now(),
        origin: Origin::default(),
    }
}

const fn now() -> UtcMicros {
    UtcMicros::from_micros(1_781_000_000_000_000)
}

/// A line of the process status, in KiB.
fn kib(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find(|line| line.starts_with(name))?.split_whitespace().nth(1)?.parse().ok()
}

/// Microseconds of one round, the best of five runs: other programs only make it slower.
fn micros(rounds: u32, mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..rounds / 5 {
            work();
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds / 5));
    }
    best
}
