//! `kakehashi inspect`: what the readers make of files. It opens no network and no database; without a
//! configuration it knows the usual shapes and puts its doubts into `warnings`.

use super::fail;
use crate::config::Config;
use crate::gateway;
use crate::readers::{Readers, sniff};
use kakehashi_core::clock::{Clock as _, SystemClock};
use kakehashi_core::envelope::{ContentHash, Envelope};
use kakehashi_core::port::{HashingSink, Origin, RawIntake, ReadFault, Reader as _};
use kakehashi_core::unreadable::{Unreadable, UnreadableCode};
use serde::Serialize;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Larger files are refused, as every listener would.
const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

#[derive(Serialize)]
struct ReadLine<'a> {
    file: &'a str,
    #[serde(flatten)]
    envelope: &'a Envelope,
}

#[derive(Serialize)]
struct UnreadableLine<'a> {
    file: &'a str,
    content_hash: &'a ContentHash,
    unreadable: &'a Unreadable,
}

pub(crate) fn run(files: &[PathBuf], config: Option<&Path>) -> ExitCode {
    let readers = match config.map(Config::load).transpose() {
        Ok(config) => config.map_or_else(Readers::default, |c| gateway::readers(&c)),
        Err(error) => return fail(error),
    };
    let mut all_read = true;
    let mut out = std::io::stdout().lock();
    for path in files {
        let shown = path.display().to_string();
        let bytes = match load(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                eprintln!("kakehashi: {shown}: {error}");
                return ExitCode::from(2);
            }
        };
        let hash = ContentHash::of(&bytes);
        let read = read_file(&readers, bytes, &shown);
        let written = match &read {
            Ok(envelopes) => envelopes
                .iter()
                .try_for_each(|envelope| write_line(&mut out, &ReadLine { file: &shown, envelope })),
            Err(unreadable) => {
                all_read = false;
                write_line(&mut out, &UnreadableLine { file: &shown, content_hash: &hash, unreadable })
            }
        };
        if written.is_err() {
            // The reader of our output has gone (`| head`): nothing more to say.
            return ExitCode::SUCCESS;
        }
    }
    if all_read { ExitCode::SUCCESS } else { ExitCode::from(3) }
}

/// Reads a file as the gateway would read the same bytes from a listener.
pub(crate) fn read_file(readers: &Readers, bytes: Vec<u8>, name: &str) -> Result<Vec<Envelope>, Unreadable> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Unreadable::new(UnreadableCode::TooLarge, format!("more than {MAX_FILE_BYTES} bytes")));
    }
    let (channel, format) = sniff(&bytes, name);
    let raw = RawIntake {
        channel,
        format,
        dedup_key: String::new(),
        sender_message_id: None,
        bytes: bytes.into(),
        received_at: SystemClock.now(),
        origin: Origin::default(),
    };
    let read =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| readers.read(&raw, &mut HashingSink)));
    match read {
        Ok(Ok(envelopes)) => Ok(envelopes),
        Ok(Err(ReadFault::Unreadable(unreadable))) => Err(unreadable),
        Ok(Err(ReadFault::Part(fault))) => Err(Unreadable::new(UnreadableCode::TooLarge, fault.0)),
        Err(_) => Err(Unreadable::new(UnreadableCode::Damaged, "the reader failed on these bytes")),
    }
}

fn load(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than the limit tells that there is more, without reading all of it.
    std::fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn write_line(out: &mut impl std::io::Write, line: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, line).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    out.flush()
}
