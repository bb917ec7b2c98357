//! Long transmissions: how much memory and time two hundred pages of one FAX take, and what becomes of ten
//! thousand.

use crate::marks::{self, Kind};
use crate::rng::Rng;
use crate::{returned, some_code};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::port::{HashingSink, Origin, RawIntake};
use kakehashi_core::sheet_form::SheetForm;
use kakehashi_core::vocabulary::{Channel, Format};
use kakehashi_fax::read_file;
use kakehashi_fax::tiff_out::{Coding, tiff};
use std::time::Instant;

/// Reads a FAX of `count` pages, sheets and pages without a sheet in turn.
pub(crate) fn run(count: usize) -> Result<(), String> {
    let mut rng = Rng::new(4);
    let mut kinds = Vec::new();
    for n in 0..4 {
        let code = some_code(SheetForm::Reply { staff: 2, untouched_acknowledges: false }, &mut rng);
        let mut layout = code.layout();
        let sent = crate::printed_page(&code, &layout, &mut rng)?;
        layout.boxes.truncate(1);
        let page = returned(&sent, 196.0, false, 0.0, &mut rng, |paper, placed, rng| {
            for b in &layout.boxes {
                marks::draw(paper, Kind::Check, placed(b), false, rng);
            }
        });
        // Every other page has no code: the slowest to look at.
        kinds.push(if n % 2 == 0 { page } else { without_codes(page) });
    }
    // The directories of ten thousand pages share their strips, so the file stays small.
    let file = chained(&tiff(&kinds, Coding::Group4), count)?;
    drop(kinds);
    let before = peak();
    println!("{count} pages, {} KB; {before} MB before", file.len() / 1024);
    let begin = Instant::now();
    let raw = RawIntake {
        channel: Channel::Fax,
        format: Format::Tiff,
        dedup_key: String::new(),
        sender_message_id: None,
        bytes: file.into(),
        received_at: UtcMicros::from_micros(0),
        origin: Origin::default(),
    };
    let envelopes = read_file(&raw, &mut HashingSink).map_err(|e| e.to_string())?;
    let pages: usize = envelopes.iter().map(|e| e.attachments.len()).sum();
    println!(
        "{} envelopes with {pages} pictures and files in {:.1} s, at most {} MB",
        envelopes.len(),
        begin.elapsed().as_secs_f64(),
        peak()
    );
    Ok(())
}

/// White where the codes and the upper marks were.
fn without_codes(mut page: kakehashi_fax::pages::Page) -> kakehashi_fax::pages::Page {
    let (width, height) = (page.width as usize, page.height as usize);
    if let kakehashi_fax::pages::Ink::Bilevel(bits) = &mut page.ink {
        let stride = width.div_ceil(8);
        bits[height * 2 / 5 * stride..].fill(0);
    }
    page
}

/// The pages of a TIFF over and over: every directory is written anew, the strips stay where they are.
fn chained(tiff: &[u8], count: usize) -> Result<Vec<u8>, String> {
    let long =
        |at: usize| tiff.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize);
    let mut directories = Vec::new();
    let mut at = long(4).unwrap_or(0);
    while at != 0 {
        let entries = tiff.get(at..at + 2).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])));
        let end = at + 2 + 12 * entries.ok_or("no directory")?;
        directories.push(tiff.get(at..end).ok_or("no directory")?.to_vec());
        at = long(end).ok_or("no next directory")?;
    }
    let mut out = tiff.to_vec();
    out.resize(out.len().next_multiple_of(2), 0);
    let first = out.len() as u32;
    out[4..8].copy_from_slice(&first.to_le_bytes());
    for n in 0..count {
        let directory = &directories[n % directories.len()];
        out.extend_from_slice(directory);
        let next = if n + 1 < count { out.len() as u32 + 4 } else { 0 };
        out.extend_from_slice(&next.to_le_bytes());
    }
    Ok(out)
}

/// Most memory that this process has had, in MB.
fn peak() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("VmHWM"))?.to_owned();
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .unwrap_or(0)
        / 1024
}
