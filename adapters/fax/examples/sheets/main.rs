//! Makes pages as members would send them back, trains the network that looks at boxes from them, and
//! measures how sheets are read. Everything is made by this program from numbers: no scan, no pen and no
//! person was used. See docs/paper.md for the recipe and the figures.
//!
//! ```text
//! cargo run -p kakehashi-fax --example sheets -- pictures FILE SEED PAGES MODE|mixed seen|held
//! cargo run -p kakehashi-fax --example sheets -- train WEIGHTS SEED ROUNDS PICTURES…
//! cargo run -p kakehashi-fax --example sheets -- train-on FROM WEIGHTS SEED ROUNDS PICTURES…
//! cargo run -p kakehashi-fax --example sheets -- boxes SEED PAGES MODE seen|held
//! cargo run -p kakehashi-fax --example sheets -- sheets SEED PAGES MODE seen|held [FOLDER]
//! cargo run -p kakehashi-fax --example sheets -- leads PICTURES WEIGHTS…
//! cargo run -p kakehashi-fax --example sheets -- pencil SEED PAGES MODE seen|held
//! cargo run -p kakehashi-fax --example sheets -- long PAGES
//! cargo run -p kakehashi-fax --example sheets -- calls PROGRAM FOLDER SEED COUNT
//! cargo run -p kakehashi-fax --example sheets -- crops FOLDER SEED PAGES MODE seen|held
//! ```

mod calls;
mod form;
mod hands;
mod learn;
mod long;
mod machine;
mod machines;
mod marks;
mod measure;
mod notes;
mod paper;
mod pencil;
mod photo;
mod pictures;
mod rng;
mod steps;
mod strikes;
mod vary;

use kakehashi_core::reply_code::{QrPlace, ReplyCode};
use kakehashi_core::sheet_form::{SheetCode, SheetForm};
use kakehashi_fax::pages::{Page, PageLimits, read_pages};
use kakehashi_fax::sheet::classifier::{BoxView, Class, Network, views};
use kakehashi_fax::sheet::geometry::{Area, LayoutBox, SheetLayout};
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
        ["pictures", file, seed, pages, mode, part] => {
            pictures::draw(Path::new(file), number(seed)?, number(pages)?, mode, *part == "held")?;
        }
        ["train", file, seed, rounds, pictures @ ..] => {
            train(Path::new(file), number(seed)?, number(rounds)? as usize, None, pictures)?;
        }
        ["train-on", from, file, seed, rounds, pictures @ ..] => {
            let from = pictures::network(from)?;
            train(Path::new(file), number(seed)?, number(rounds)? as usize, Some(from), pictures)?;
        }
        ["leads", pictures, weights @ ..] => {
            pictures::leads(Path::new(pictures), weights)?;
        }
        ["boxes", seed, pages, mode, part] => {
            measure::boxes(number(seed)?, number(pages)?, dpi(mode)?, *part == "held")?;
        }
        ["sheets", seed, pages, mode, part] => {
            measure::sheets(number(seed)?, number(pages)?, dpi(mode)?, *part == "held", &[])?;
        }
        ["sheets", seed, pages, mode, part, folder] => {
            let printed = printed_sheets(Path::new(folder))?;
            measure::sheets(number(seed)?, number(pages)?, dpi(mode)?, *part == "held", &printed)?;
        }
        ["calls", program, folder, seed, count] => {
            let printed = printed_sheets(Path::new(folder))?;
            calls::run(Path::new(program), &printed, number(seed)?, number(count)?)?;
        }
        ["pencil", seed, pages, mode, part] => {
            pencil::run(number(seed)?, number(pages)?, dpi(mode)?, *part == "held")?;
        }
        ["long", pages] => long::run(number(pages)? as usize)?,
        ["crops", folder, seed, pages, mode, part] => {
            crops(Path::new(folder), number(seed)?, number(pages)?, dpi(mode)?, *part == "held")?;
        }
        _ => return Err("pictures FILE SEED PAGES standard|fine|mixed seen|held | train WEIGHTS SEED ROUNDS PICTURES… | train-on FROM WEIGHTS SEED ROUNDS PICTURES… | leads PICTURES WEIGHTS… | boxes|pencil|sheets SEED PAGES standard|fine seen|held | crops FOLDER SEED PAGES MODE PART".to_owned()),
    }
    println!("{:.0} s", begin.elapsed().as_secs_f64());
    Ok(())
}

fn dpi(mode: &str) -> Result<f32, String> {
    match mode {
        "standard" => Ok(98.0),
        "fine" => Ok(196.0),
        "200" => Ok(200.0),
        "300" => Ok(300.0),
        "photo" => Ok(0.0),
        other => Err(format!("{other}: standard, fine, 200, 300 or photo")),
    }
}

/// The first pages of all PDFs of a folder, as `kakehashi sheet sample` writes them.
fn printed_sheets(folder: &Path) -> Result<Vec<Page>, String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files: Vec<_> = entries.flatten().map(|e| e.path()).collect();
    files.sort();
    files
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "pdf"))
        .map(|file| {
            let bytes = std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
            Page::from_pdf(&bytes, 0).map_err(|e| format!("{}: {e}", file.display()))
        })
        .collect()
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
    // A page without a message is one of which only the boxes are looked at.
    let from_mm = if code.form == SheetForm::First { 135.0 } else { 0.0 };
    let line = rng.range(0.5, 0.62);
    let ideal = form::draw(code, layout, line, rng)?;
    // Most services send fine; a machine may have been told otherwise.
    let out = Scanner { from_mm, ..Scanner::clean(if rng.chance(0.35) { 98.0 } else { 196.0 }) };
    let sent = scan(&ideal, &out, rng);
    Ok(returned(&sent, y_dpi, held, from_mm, rng, write))
}

/// A sheet as it leaves, in 204×196.
pub(crate) fn printed_page(code: &SheetCode, layout: &SheetLayout, rng: &mut Rng) -> Result<Page, String> {
    Ok(scan(&form::draw(code, layout, 0.6, rng)?, &Scanner::clean(196.0), rng))
}

/// What becomes of a page that was sent: printed, perhaps copied, written on by `write`, scanned.
pub(crate) fn returned(
    sent: &Page,
    y_dpi: f32,
    held: bool,
    from_mm: f32,
    rng: &mut Rng,
    write: impl FnOnce(&mut paper::Paper, &dyn Fn(&LayoutBox) -> Area, &mut Rng),
) -> Page {
    let (scale, shift) = (rng.range(0.96, 1.005), (rng.normal() * 0.8, rng.normal() * 0.8));
    let mut lying = print(sent, scale, shift, rng.chance(0.3), from_mm);
    // Boxes lie where the printing put them.
    let mut places = vec![(scale, shift)];
    if rng.chance(0.1) {
        let flat = Scanner {
            halftone: machine::Halftone::Threshold,
            scale: (1.0, 1.0),
            degrees: 0.0,
            shift: (0.0, 0.0),
            lost_rows: 0,
            gap: 0,
            sway: (0.0, 100.0),
            from_mm,
            ..Scanner::some(196.0, held, rng)
        };
        let again = rng.range(0.98, 1.01);
        lying = print(&scan(&lying, &flat, rng), again, (0.0, 0.0), rng.chance(0.3), from_mm);
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
    match y_dpi {
        // A photograph has no lines.
        0.0 => photo::photograph(&lying, rng)
            .ok()
            .and_then(|jpeg| read_pages(&jpeg, &PageLimits::default()).ok()?.pages.pop())
            .unwrap_or_else(|| Page::white_a4(98.0)),
        _ => scan(&lying, &Scanner { from_mm, ..Scanner::some(y_dpi, held, rng) }, rng),
    }
}

/// A box of a crowded page.
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    pub(crate) view: BoxView,
    /// A neighbour's mark reaches into it.
    pub(crate) disturbed: bool,
    /// Ink inside the frame less that of empty boxes of the same page.
    pub(crate) added: f32,
    /// Whether the scan shows that it was struck out, where it was.
    pub(crate) shown: bool,
}

/// Less of the places of a strike than this and the scan has dropped it.
const SHOWN: f32 = 0.3;

/// Every kind as often as any other.
pub(crate) fn any_kind(rng: &mut Rng) -> Kind {
    Kind::ALL[rng.below(Kind::ALL.len())]
}

/// A page full of boxes, every box of a kind of its own: what was drawn and what is seen.
pub(crate) fn crowded_page(
    y_dpi: f32,
    held: bool,
    rng: &mut Rng,
    kind: impl Fn(&mut Rng) -> Kind,
) -> Result<Vec<Seen>, String> {
    let layout = form::crowded(rng);
    let code = some_code(SheetForm::First, rng);
    let kinds: Vec<Kind> = layout.boxes.iter().map(|_| kind(rng)).collect();
    let mut disturbed = vec![false; kinds.len()];
    let mut struck = Vec::new();
    let page = round_trip(&code, &layout, y_dpi, held, rng, |paper, placed, rng| {
        let blank: Vec<u64> = layout.boxes.iter().map(|b| paper.ink_in(placed(b))).collect();
        let mut own = Vec::new();
        for (at, (kind, b)) in kinds.iter().zip(&layout.boxes).enumerate() {
            disturbed[at] = paper.ink_in(placed(b)) > blank[at];
            let area = placed(b);
            let places = marks::draw(paper, *kind, area, held, rng);
            let side = |(x, y): (f32, f32)| ((x - area.x) / area.width, (y - area.y) / area.height);
            struck.push(places.into_iter().map(side).collect::<Vec<_>>());
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
        .zip(struck)
        .map(|(((kind, view), disturbed), struck)| Seen {
            kind,
            added: view.ink - blank,
            // What is measured has to show its strike in the box itself; pictures for training stay as they were drawn.
            shown: !kind.is_struck() || strikes::shown(&struck, &view, held) >= SHOWN,
            view,
            disturbed,
        })
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
        // A neighbour's stroke that reaches in.
        Kind::Empty if seen.disturbed && seen.added >= 0.01 => Some(Class::Unsure),
        _ if seen.disturbed && matches!(class, Class::Marked | Class::Empty) => None,
        _ if !seen.shown => None,
        // What a grey pen drew and the scan dropped shows nothing.
        _ if seen.added < 0.01 && matches!(class, Class::Marked | Class::Corrected) => None,
        // Faint dirt that the scan dropped looks like nothing.
        _ if class == Class::Dirt && seen.added < 0.004 => None,
        _ => Some(class),
    }
}

fn train(
    file: &Path,
    seed: u64,
    rounds: usize,
    from: Option<Network>,
    pictures: &[&str],
) -> Result<(), String> {
    let begin = Instant::now();
    let samples = pictures::samples(pictures)?;
    println!("{} pictures in {:.0} s", samples.len(), begin.elapsed().as_secs_f64());
    learn::train(&samples, rounds, &mut Rng::new(seed), from, |network| {
        std::fs::write(file, network.pack()).map_err(|e| format!("{}: {e}", file.display()))
    })
}

/// Labelled crops as `kakehashi sheet evaluate` takes them.
fn crops(folder: &Path, seed: u64, pages: u64, y_dpi: f32, held: bool) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let mut number = 0;
    for _ in 0..pages {
        for Seen { kind, view, .. } in crowded_page(y_dpi, held, &mut rng, any_kind)? {
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
