//! Damages files of pages in many ways and reads what is left, as a fuzzer without a special compiler: bits,
//! bytes, numbers, cut and repeated stretches, parts of one file in another. Tells what panicked, what took
//! longest and what took most pages; status 1 if anything panicked.
//!
//! ```text
//! cargo run --release -p kakehashi-fax --example hammer -- SECONDS SEED FOLDER…
//! ```

use kakehashi_fax::pages::{PageLimits, visit_pages};
use kakehashi_fax::sheet::read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn main() -> Result<(), String> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [seconds, seed, folders @ ..] = args.as_slice() else {
        return Err("hammer SECONDS SEED FOLDER…".to_owned());
    };
    let seconds: u64 = seconds.parse().map_err(|_| format!("{seconds} is no number"))?;
    let mut random = Random(seed.parse::<u64>().map_err(|_| format!("{seed} is no number"))? | 1);
    let mut files = Vec::new();
    for folder in folders {
        collect(Path::new(folder), &mut files)?;
    }
    if files.is_empty() {
        return Err("no files".to_owned());
    }
    println!("{} files", files.len());
    // A panic is told below, with the bytes that caused it.
    std::panic::set_hook(Box::new(|_| {}));
    let begin = Instant::now();
    let (mut count, mut pages, mut refused, mut panics) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut slowest = (Duration::ZERO, String::new());
    while begin.elapsed().as_secs() < seconds {
        let (name, whole) = &files[random.below(files.len())];
        let other = &files[random.below(files.len())].1;
        let bytes = damage(whole, other, &mut random);
        let start = Instant::now();
        let limits = PageLimits { pages: 3, ..PageLimits::default() };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            visit_pages(&bytes, &limits, &mut |page| {
                pages += 1;
                let _ = read(&page);
            })
        }));
        count += 1;
        match outcome {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => refused += 1,
            Err(_) => {
                panics += 1;
                let kept = std::env::temp_dir().join(format!("kakehashi-hammer-{count}.bin"));
                std::fs::write(&kept, &bytes).map_err(|e| e.to_string())?;
                println!("panic: {} ({})", kept.display(), name.display());
            }
        }
        if start.elapsed() > slowest.0 {
            slowest = (start.elapsed(), name.display().to_string());
        }
    }
    println!(
        "{count} damaged files, {refused} refused, {pages} pages read, {panics} panics; slowest {:.1} s ({})",
        slowest.0.as_secs_f64(),
        slowest.1
    );
    if panics > 0 { Err(format!("{panics} panics")) } else { Ok(()) }
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) -> Result<(), String> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(|e| format!("{}: {e}", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files)?;
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.len() < 4 << 20
        {
            files.push((path, bytes));
        }
    }
    Ok(())
}

/// One to eight wounds.
fn damage(whole: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..1 + random.below(8) {
        if bytes.is_empty() {
            break;
        }
        // Directories lie at the ends of a file.
        let at = match random.below(4) {
            0 => random.below(bytes.len().min(256)),
            1 => bytes.len() - 1 - random.below(bytes.len().min(512)),
            _ => random.below(bytes.len()),
        };
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => {
                let value =
                    [0_u32, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff, 65_536][random.below(7)];
                let value = if random.below(2) == 0 { value.to_le_bytes() } else { value.to_be_bytes() };
                for (slot, byte) in bytes[at..].iter_mut().zip(value) {
                    *slot = byte;
                }
            }
            3 => bytes.truncate(at),
            4 => {
                let end = (at + random.below(4096)).min(bytes.len());
                bytes.drain(at..end);
            }
            5 => {
                let end = (at + random.below(4096)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            6 if !other.is_empty() => {
                let from = random.below(other.len());
                let end = (from + random.below(4096)).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
            _ => {
                let end = (at + random.below(64)).min(bytes.len());
                for byte in &mut bytes[at..end] {
                    *byte = random.next() as u8;
                }
            }
        }
    }
    bytes
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}
