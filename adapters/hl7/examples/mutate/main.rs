//! The fuzz targets of this adapter on a stable toolchain: files of a corpus are mutated byte by byte, as long
//! as wanted, and every input is tried by the same body that cargo-fuzz runs. It looks for panics and for
//! inputs that take long; it measures nothing.
//!
//! `cargo run -p kakehashi-hl7 --example mutate -- TARGET|all SECONDS FOLDER…`. An input that fails is written to
//! the temporary folder.

#[path = "../../../../fuzz/bodies/cda.rs"]
mod cda;
#[path = "../../../../fuzz/bodies/charset.rs"]
mod charset;
#[path = "../../../../fuzz/bodies/escape.rs"]
mod escape;
#[path = "../../../../fuzz/bodies/fhir.rs"]
mod fhir;
#[path = "../../../../fuzz/bodies/framing.rs"]
mod framing;
#[path = "../../../../fuzz/bodies/parse.rs"]
mod parse;

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Largest input; larger ones only make the search slow.
const MAX_BYTES: usize = 64 * 1024;
/// Longer than this is told.
const SLOW: Duration = Duration::from_secs(2);
/// What delimits, escapes and announces in the formats that are read.
const TOKENS: &[&[u8]] = &[
    b"|",
    b"^",
    b"~",
    b"&",
    b"\\",
    b"\r",
    b"\n",
    b"\r\n",
    b"\x0b",
    b"\x1c\r",
    b"\x1b$B",
    b"\x1b(B",
    b"\x1b$(D",
    b"\x1b(I",
    b"\x1b(J",
    b"\\X0D\\",
    b"\\.br\\",
    b"\\M2442\\",
    b"\\C2842\\",
    b"MSH|^~\\&|",
    b"PID|",
    b"OBX|1|ED|",
    b"^Base64^",
    b"\"\"",
    b"\xef\xbb\xbf",
    b"\xfe\xff",
    b"\0",
    b"\xff",
    b"<",
    b"</",
    b"<!DOCTYPE",
    b"{\\rtf1",
    b"{",
    b"[",
    b"\":",
    b"\\u0000",
    b"20260609102000",
    b"99999999999999999999",
    b"-1",
    b"FHS|",
    b"BHS|",
    b"BTS|9",
];

type Body = fn(&[u8], &mut Dice);

const TARGETS: &[(&str, Body)] = &[
    ("framing", |bytes, _| framing::run(bytes)),
    ("charset", |bytes, dice| {
        let labels = ["", "~ISO IR87", "UNICODE UTF-8", "ISO IR14~ISO IR87", "8859/1", "no such set"];
        charset::run(labels[dice.below(labels.len())], bytes);
    }),
    ("parse", |bytes, _| parse::run(bytes)),
    ("escape", |bytes, dice| {
        let odd = [b'|', b'!', b'x', 0, 0xe3][dice.below(5)];
        escape::run(odd, *b"^~\\&#", &String::from_utf8_lossy(bytes));
    }),
    ("cda", |bytes, _| cda::run(bytes)),
    ("fhir", |bytes, _| fhir::run(bytes)),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, seconds, folders @ ..] = arguments.as_slice() else {
        eprintln!("usage: mutate TARGET|all SECONDS FOLDER…");
        return ExitCode::from(2);
    };
    let Ok(seconds) = seconds.parse() else { return ExitCode::from(2) };
    let mut seeds = Vec::new();
    for folder in folders {
        collect(Path::new(folder), &mut seeds);
    }
    if seeds.is_empty() {
        eprintln!("no files to begin with");
        return ExitCode::from(2);
    }
    let mut failed = false;
    for (name, body) in TARGETS.iter().filter(|(name, _)| target == "all" || target == name) {
        failed |= !search(name, *body, &seeds, Duration::from_secs(seconds));
    }
    ExitCode::from(u8::from(failed))
}

fn collect(path: &Path, seeds: &mut Vec<Vec<u8>>) {
    if path.is_file() {
        let bytes = std::fs::read(path).unwrap_or_default();
        seeds.push(bytes.into_iter().take(MAX_BYTES).collect());
        return;
    }
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        collect(&entry.path(), seeds);
    }
}

/// Tries mutated files until the time is over; whether nothing was found.
fn search(name: &str, body: Body, seeds: &[Vec<u8>], time: Duration) -> bool {
    let (begun, mut dice, mut tried, mut good) = (Instant::now(), Dice::new(), 0_u64, true);
    while begun.elapsed() < time {
        let input = mutated(seeds, &mut dice);
        let (mut sound, mut took) = attempt(body, &input, &mut dice);
        tried += 1;
        if sound && took >= SLOW {
            // On a busy machine everything is slow now and then; what is slow by itself is slow again.
            (sound, took) = attempt(body, &input, &mut dice);
        }
        if sound && took < SLOW {
            continue;
        }
        good = false;
        let file = std::env::temp_dir().join(format!("mutate-{name}-{tried}.bin"));
        // The finding is told even where it cannot be kept.
        let kept = std::fs::write(&file, &input).is_ok();
        println!(
            "{name}: {} after {took:?}, kept: {kept} {}",
            if sound { "slow" } else { "panic" },
            file.display()
        );
    }
    println!("{name}: {tried} inputs in {} s", begun.elapsed().as_secs());
    good
}

/// Whether the body ended well, and how long it took.
fn attempt(body: Body, input: &[u8], dice: &mut Dice) -> (bool, Duration) {
    let begun = Instant::now();
    let sound = catch_unwind(AssertUnwindSafe(|| body(input, dice))).is_ok();
    (sound, begun.elapsed())
}

fn mutated(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seeds[dice.below(seeds.len())].clone();
    for _ in 0..=dice.below(12) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 if at < bytes.len() => bytes[at] = dice.byte(),
            2 => {
                let end = (at + dice.below(64)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let end = (at + dice.below(256)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = dice.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            4 => {
                let other = &seeds[dice.below(seeds.len())];
                let from = dice.below(other.len() + 1);
                let piece = other[from..(from + dice.below(512)).min(other.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            5 => bytes.truncate(at),
            _ => {
                let token = TOKENS[dice.below(TOKENS.len())];
                bytes.splice(at..at, token.iter().copied());
            }
        }
    }
    bytes.truncate(MAX_BYTES);
    bytes
}

/// A generator that needs no crate: xorshift.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        // Each process hashes with keys of its own, which is chance enough for a search.
        Self(RandomState::new().build_hasher().finish() | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 24) as u8
    }
}
