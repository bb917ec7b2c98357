//! Sheets that go out and come back through real FAX calls: our TIFF, two T.30 machines with a noisy line
//! between them (`tests/fax_call`), print, pen, scan, and the same way back. What the calls did to the
//! pages is theirs; this only counts what was read.

use crate::marks::{self, Kind};
use crate::measure::{acts, bound, code_on};
use crate::returned;
use crate::rng::Rng;
use kakehashi_core::sheet_answer::closes_as;
use kakehashi_fax::pages::{Page, PageLimits, read_pages};
use kakehashi_fax::sheet::{SheetSearch, read};
use kakehashi_fax::tiff_out::{Coding, tiff};
use std::path::Path;
use std::process::Command;

/// What became of the calls.
#[derive(Default)]
struct Line {
    calls: usize,
    failed: usize,
    bad_rows: usize,
    with_bad_rows: usize,
}

/// Sends each of these sheets out and an answer back.
pub(crate) fn run(program: &Path, printed: &[Page], seed: u64, count: u64) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let sheets: Vec<_> = printed
        .iter()
        .filter_map(|page| Some((page, code_on(page)?)))
        .filter(|(_, code)| code.layout().boxes.iter().any(|b| acts(&b.id)))
        .collect();
    if sheets.is_empty() {
        return Err("no sheet with an answer that acts".to_owned());
    }
    let folder = std::env::temp_dir().join(format!("kakehashi-calls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let mut line = Line::default();
    let (mut lost, mut found, mut wrong, mut closed, mut false_answers) = (0, 0, 0, 0, 0);
    for _ in 0..count {
        let (page, code) = &sheets[rng.below(sheets.len())];
        let layout = code.layout();
        let answers: Vec<&str> = layout.boxes.iter().map(|b| b.id.as_str()).filter(|id| acts(id)).collect();
        let answer = answers[rng.below(answers.len())];
        let y_dpi = if rng.chance(0.5) { 98.0 } else { 196.0 };
        let Some(arrived) = call(program, &folder, page, &mut line, &mut rng)? else {
            lost += 1;
            continue;
        };
        let kind = if rng.chance(0.8) { Kind::Check } else { Kind::Circle };
        let scanned = returned(&arrived, y_dpi, false, 0.0, &mut rng, |paper, placed, rng| {
            for b in layout.boxes.iter().filter(|b| b.id == answer) {
                marks::draw(paper, kind, placed(b), false, rng);
            }
        });
        let Some(back) = call(program, &folder, &scanned, &mut line, &mut rng)? else {
            lost += 1;
            continue;
        };
        let SheetSearch::Found(reading) = read(&back) else { continue };
        if reading.find.code != code.code {
            wrong += 1;
            continue;
        }
        found += 1;
        let closes = closes_as(&reading.marks, reading.has_writing(&layout));
        if closes == [answer] {
            closed += 1;
        } else if !closes.is_empty() {
            false_answers += 1;
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
    let arrived = count as usize - lost;
    println!(
        "{} calls, {} of them failed and were dialled again, {} with damaged rows, {} damaged rows in all",
        line.calls, line.failed, line.with_bad_rows, line.bad_rows
    );
    println!(
        "{count} sheets out and back, {lost} of them never arrived; code found on {found} of {arrived}, wrong codes {wrong}, {}",
        bound(arrived - found, arrived)
    );
    println!(
        "closed {closed} ({:.1} %), closed wrongly {false_answers}",
        100.0 * closed as f64 / found.max(1) as f64
    );
    if wrong + false_answers > 0 { Err("a sheet was read wrongly".to_owned()) } else { Ok(()) }
}

/// One page through one call, dialled at most five times; `None` if it never arrived.
fn call(
    program: &Path,
    folder: &Path,
    page: &Page,
    line: &mut Line,
    rng: &mut Rng,
) -> Result<Option<Page>, String> {
    let (out, back) = (folder.join("sent.tif"), folder.join("received.tif"));
    let coding = if rng.chance(0.5) { Coding::Group4 } else { Coding::Group3 };
    std::fs::write(&out, tiff(std::slice::from_ref(page), coding)).map_err(|e| e.to_string())?;
    for _ in 0..5 {
        let noise = rng.range(-70.0, -56.0);
        let clicks = if rng.chance(0.6) { rng.below(60) } else { 0 };
        let ecm = u8::from(rng.chance(0.5));
        let _ = std::fs::remove_file(&back);
        let done = Command::new(program)
            .args([&out, &back])
            .args([noise.to_string(), clicks.to_string(), ecm.to_string(), rng.below(1 << 30).to_string()])
            .output()
            .map_err(|e| format!("{}: {e}", program.display()))?;
        line.calls += 1;
        if !done.status.success() {
            line.failed += 1;
            continue;
        }
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        let bad = said.split("bad_rows ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        let bad: usize = bad.unwrap_or(0);
        line.bad_rows += bad;
        line.with_bad_rows += usize::from(bad > 0);
        let bytes = std::fs::read(&back).map_err(|e| e.to_string())?;
        let pages = read_pages(&bytes, &PageLimits::default()).map_err(|e| e.to_string())?.pages;
        return Ok(pages.into_iter().next());
    }
    Ok(None)
}
