//! How long the mails of the corpora take to be read, and what a mail of 50 MB costs in memory; printed,
//! not asserted. The public corpus is measured where it lies beside the repository. `-- corpus` leaves the big mail
//! out.

use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_email::read::{envelope, parse_mail};
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

const ROUNDS: u32 = 200;

fn main() {
    if !std::env::args().any(|a| a == "corpus") {
        big_mail();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["tests/corpus/email/synthetic-ja", "../shared/corpus/email/public"];
    for folder in folders {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else {
            println!("{folder}: not there, not measured");
            continue;
        };
        let mut micros: Vec<(f64, usize)> = entries
            .filter_map(|e| Some(e.ok()?.path()))
            .filter(|p| p.extension().is_some_and(|e| e == "eml"))
            .filter_map(|p| std::fs::read(p).ok())
            .map(|bytes| (measure(&bytes), bytes.len()))
            .collect();
        micros.sort_by(|a, b| a.0.total_cmp(&b.0));
        if let (Some(median), Some(most)) = (micros.get(micros.len() / 2), micros.last()) {
            println!(
                "{folder}: {} mails, median {:.1} µs ({} bytes), slowest {:.1} µs ({} bytes)",
                micros.len(),
                median.0,
                median.1,
                most.0,
                most.1
            );
        }
    }
}

/// Microseconds for one mail, structure and meaning.
fn measure(bytes: &[u8]) -> f64 {
    let start = Instant::now();
    for _ in 0..ROUNDS {
        if let Ok(mail) = parse_mail(black_box(bytes)) {
            let _ = black_box(envelope(&mail, &Origin::default(), &mut HashingSink));
        }
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS)
}

/// A mail just under the limit with one attachment: the most memory above what the mail itself takes.
fn big_mail() {
    let mut bytes = b"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nsee file\r\n--x\r\nContent-Type: application/octet-stream; name=scan.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n".to_vec();
    let line = [b'Q'; 76];
    while bytes.len() < 49 * 1024 * 1024 {
        bytes.extend_from_slice(&line);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"--x--\r\n");
    bytes.shrink_to_fit();
    let before = status("VmRSS:");
    let start = Instant::now();
    if let Ok(mail) = parse_mail(&bytes) {
        let _ = black_box(envelope(&mail, &Origin::default(), &mut HashingSink));
    }
    let spent = start.elapsed();
    match (before, status("VmHWM:")) {
        (Some(before), Some(most)) => println!(
            "a mail of {} MB: {:.0} ms, at most {} MB more than the mail itself",
            bytes.len() / 1_000_000,
            spent.as_secs_f64() * 1e3,
            most.saturating_sub(before) / 1_000
        ),
        _ => println!("memory is not told on this system"),
    }
}

/// A line of this process's status in kB.
fn status(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|l| l.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
