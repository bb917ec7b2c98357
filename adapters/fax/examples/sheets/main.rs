//! Makes pages as members would send them back, trains the network that looks at boxes from them, and
//! measures how sheets are read. Everything is made by this program from numbers: no scan, no pen and no
//! person was used. See docs/paper.md for the recipe and the figures.
//!
//! ```text
//! cargo run -p kakehashi-fax --example sheets -- train FOLDER SEED PAGES ROUNDS
//! cargo run -p kakehashi-fax --example sheets -- boxes SEED PAGES MODE seen|held
//! cargo run -p kakehashi-fax --example sheets -- sheets SEED PAGES MODE seen|held
//! cargo run -p kakehashi-fax --example sheets -- crops FOLDER SEED PAGES MODE seen|held
//! ```

mod form;
mod learn;
mod machine;
mod marks;
mod measure;
mod paper;
mod rng;

use kakehashi_core::reply_code::{QrPlace, ReplyCode};
use kakehashi_core::sheet_form::{SheetCode, SheetForm};
use kakehashi_fax::pages::Page;
use kakehashi_fax::sheet::classifier::{BoxView, Class, views};
use kakehashi_fax::sheet::geometry::{Area, LayoutBox, SheetLayout};
use learn::Sample;
use machine::{Scanner, print, scan};
use marks::Kind;
use rng::Rng;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), String> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{text} is no number"));
    let begin = Instant::now();
    match words.as_slice() {
        ["train", folder, seed, pages, rounds] => {
            train(Path::new(folder), number(seed)?, number(pages)?, number(rounds)? as usize)?;
        }
        ["boxes", seed, pages, mode, part] => {
            measure::boxes(number(seed)?, number(pages)?, dpi(mode)?, *part == "held")?;
        }
        ["sheets", seed, pages, mode, part] => {
            measure::sheets(number(seed)?, number(pages)?, dpi(mode)?, *part == "held")?;
        }
        ["crops", folder, seed, pages, mode, part] => {
            crops(Path::new(folder), number(seed)?, number(pages)?, dpi(mode)?, *part == "held")?;
        }
        _ => return Err("train FOLDER SEED PAGES ROUNDS | boxes|sheets SEED PAGES standard|fine seen|held | crops FOLDER SEED PAGES MODE PART".to_owned()),
    }
    println!("{:.0} s", begin.elapsed().as_secs_f64());
    Ok(())
}

fn dpi(mode: &str) -> Result<f32, String> {
    match mode {
        "standard" => Ok(98.0),
        "fine" => Ok(196.0),
        other => Err(format!("{other}: standard or fine")),
    }
}

/// A code of the first layout; the form does not matter to a page with boxes of its own.
pub(crate) fn some_code(form: SheetForm, rng: &mut Rng) -> SheetCode {
    SheetCode { code: ReplyCode::from_random(rng.next()), form, page: 1, first: 1, place: QrPlace::A }
}

/// A page on its way: sent, printed, perhaps copied, written on by `write`, scanned.
pub(crate) fn round_trip(
    code: &SheetCode,
    layout: &SheetLayout,
    y_dpi: f32,
    held: bool,
    rng: &mut Rng,
    write: impl FnOnce(&mut paper::Paper, &dyn Fn(&LayoutBox) -> Area, &mut Rng),
) -> Result<Page, String> {
    let line = rng.range(0.5, 0.62);
    let ideal = form::draw(code, layout, line, rng)?;
    // Most services send fine; a machine may have been told otherwise.
    let out = Scanner::clean(if rng.chance(0.35) { 98.0 } else { 196.0 });
    let sent = scan(&ideal, &out, rng);
    let (scale, shift) = (rng.range(0.96, 1.005), (rng.normal() * 0.8, rng.normal() * 0.8));
    let mut lying = print(&sent, scale, shift, rng.chance(0.3));
    // Boxes lie where the printing put them.
    let mut places = vec![(scale, shift)];
    if rng.chance(0.1) {
        let flat = Scanner {
            halftone: machine::Halftone::Threshold,
            scale: (1.0, 1.0),
            degrees: 0.0,
            shift: (0.0, 0.0),
            lost_rows: 0,
            ..Scanner::some(196.0, held, rng)
        };
        let again = rng.range(0.98, 1.01);
        lying = print(&scan(&lying, &flat, rng), again, (0.0, 0.0), rng.chance(0.3));
        places.push((again, (0.0, 0.0)));
    }
    let placed = |b: &LayoutBox| {
        places.iter().fold(b.area(), |area, (scale, shift)| Area {
            x: (area.x - 105.0) * scale + 105.0 + shift.0,
            y: (area.y - 148.0) * scale + 148.0 + shift.1,
            width: area.width * scale,
            height: area.height * scale,
        })
    };
    write(&mut lying, &placed, rng);
    Ok(scan(&lying, &Scanner::some(y_dpi, held, rng), rng))
}

/// A box of a crowded page.
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    pub(crate) view: BoxView,
    /// A neighbour's mark reaches into it.
    pub(crate) disturbed: bool,
    /// Ink inside the frame less that of empty boxes of the same page.
    pub(crate) added: f32,
}

/// A page full of boxes, every box of a kind of its own: what was drawn and what is seen.
pub(crate) fn crowded_page(y_dpi: f32, held: bool, rng: &mut Rng) -> Result<Vec<Seen>, String> {
    let layout = form::crowded(rng);
    let code = some_code(SheetForm::First, rng);
    let kinds: Vec<Kind> = layout.boxes.iter().map(|_| Kind::ALL[rng.below(Kind::ALL.len())]).collect();
    let mut disturbed = vec![false; kinds.len()];
    let page = round_trip(&code, &layout, y_dpi, held, rng, |paper, placed, rng| {
        let blank: Vec<u64> = layout.boxes.iter().map(|b| paper.ink_in(placed(b))).collect();
        let mut own = Vec::new();
        for (at, (kind, b)) in kinds.iter().zip(&layout.boxes).enumerate() {
            disturbed[at] = paper.ink_in(placed(b)) > blank[at];
            marks::draw(paper, *kind, placed(b), held, rng);
            own.push(paper.ink_in(placed(b)));
        }
        for (at, b) in layout.boxes.iter().enumerate() {
            disturbed[at] |= paper.ink_in(placed(b)) > own[at];
        }
    })?;
    let views = views(&page, &layout).unwrap_or_default();
    let undisturbed = |n: usize| kinds[n] == Kind::Empty && !disturbed[n];
    let mut blanks: Vec<f32> =
        views.iter().enumerate().filter(|(n, _)| undisturbed(*n)).map(|(_, v)| v.ink).collect();
    blanks.sort_by(f32::total_cmp);
    let blank = blanks.get(blanks.len() / 2).copied().unwrap_or(0.0);
    Ok(kinds
        .into_iter()
        .zip(views)
        .zip(disturbed)
        .map(|((kind, view), disturbed)| Seen { kind, added: view.ink - blank, view, disturbed })
        .collect())
}

/// What the classifier shall say to a picture; `None` where the picture does not show what was drawn.
fn truth(seen: &Seen) -> Option<Class> {
    if seen.view.frame < 0.55 {
        return None;
    }
    let class = seen.kind.class();
    match seen.kind {
        Kind::Light if seen.added < 0.012 => None,
        Kind::Light if seen.added < 0.04 => Some(Class::Unsure),
        _ if seen.disturbed && matches!(class, Class::Marked | Class::Empty) => None,
        // Faint dirt that the scan dropped looks like nothing.
        _ if class == Class::Dirt && seen.added < 0.004 => None,
        _ => Some(class),
    }
}

fn train(folder: &Path, seed: u64, pages: u64, rounds: usize) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let mut samples = Vec::new();
    let begin = Instant::now();
    for page in 0..pages {
        let y_dpi = if page % 2 == 0 { 98.0 } else { 196.0 };
        for seen in crowded_page(y_dpi, false, &mut rng)? {
            if let Some(class) = truth(&seen) {
                samples.push(Sample { patch: seen.view.patch, class });
            }
        }
    }
    println!("{} pictures in {:.0} s", samples.len(), begin.elapsed().as_secs_f64());
    let network = learn::train(&samples, rounds, &mut rng);
    std::fs::create_dir_all(folder).map_err(|e| e.to_string())?;
    std::fs::write(folder.join("weights.bin"), network.pack()).map_err(|e| e.to_string())
}

/// Labelled crops as `kakehashi sheet evaluate` takes them.
fn crops(folder: &Path, seed: u64, pages: u64, y_dpi: f32, held: bool) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let mut number = 0;
    for _ in 0..pages {
        for Seen { kind, view, .. } in crowded_page(y_dpi, held, &mut rng)? {
            let label = folder.join(kind.class().code());
            std::fs::create_dir_all(&label).map_err(|e| e.to_string())?;
            let name = label.join(format!("{kind:?}-{number}.png"));
            std::fs::write(name, view.patch.to_png()).map_err(|e| e.to_string())?;
            number += 1;
        }
    }
    println!("{number} crops");
    Ok(())
}
