//! Pictures of boxes kept in a file: drawing them takes longer than looking at them, and the same ones serve
//! several networks. Nothing but numbers of this program is in such a file, and none is kept in the repository.

use crate::learn::Sample;
use crate::marks::Kind;
use crate::rng::Rng;
use crate::{Seen, any_kind, crowded_page, dpi, truth};
use kakehashi_fax::sheet::classifier::{
    BoxView, Class, Network, PLACES, Patch, SIDE, Trace, lead, lead_of_both,
};
use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::Path;
use std::rc::Rc;

const CELLS: usize = SIDE * SIDE;
/// Of one box: kind, whether disturbed, whether a strike is shown, four numbers, its picture and the usual one.
const RECORD: usize = 3 + 4 * 4 + 2 * CELLS;

/// Draws pages and keeps their boxes. `mixed` is what training takes: all ways of scanning, many empty boxes.
pub(crate) fn draw(file: &Path, seed: u64, pages: u64, mode: &str, held: bool) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let mut out = BufWriter::new(File::create(file).map_err(|e| e.to_string())?);
    let mut count = 0;
    for page in 0..pages {
        let seen = if mode == "mixed" {
            mixed_page(page, held, &mut rng)?
        } else {
            crowded_page(dpi(mode)?, held, &mut rng, any_kind)?
        };
        count += seen.len();
        for seen in seen {
            out.write_all(&record(&seen)).map_err(|e| e.to_string())?;
        }
    }
    println!("{count} pictures of {pages} pages");
    out.flush().map_err(|e| e.to_string())
}

/// A page for training; what is usual on it is taken from some of its boxes.
fn mixed_page(page: u64, held: bool, rng: &mut Rng) -> Result<Vec<Seen>, String> {
    let y_dpi = match page % 20 {
        0..=8 => 98.0,
        9..=15 => 196.0,
        16 | 17 => 200.0,
        18 => 300.0,
        _ => 391.0,
    };
    // Most boxes of a real sheet are empty, and then all of them show the machine alike.
    let empty = if rng.chance(0.4) { rng.range(0.4, 0.9) } else { 0.0 };
    let kind = |rng: &mut Rng| match () {
        () if rng.chance(empty) => Kind::Empty,
        // What came nearest to a tick so far.
        () if rng.chance(0.15) => [Kind::Strike1, Kind::Strike2, Kind::Stain, Kind::Dot][rng.below(4)],
        () => any_kind(rng),
    };
    let mut seen = crowded_page(y_dpi, held, rng, kind)?;
    // Sheets have few boxes or many; of a crop nothing else is known.
    let alone = rng.chance(0.08);
    let count = 2 + rng.below(20);
    let some: Vec<&Patch> =
        (0..count.min(seen.len())).map(|_| &seen[rng.below(seen.len())].view.patch).collect();
    let usual = Patch::common(some);
    for seen in &mut seen {
        seen.view.usual = match &usual {
            Some(usual) if !alone => usual.clone(),
            _ => seen.view.patch.clone(),
        };
    }
    Ok(seen)
}

fn record(seen: &Seen) -> Vec<u8> {
    let kind = Kind::ALL.into_iter().position(|k| k == seen.kind).unwrap_or(0);
    let mut out = Vec::with_capacity(RECORD);
    out.extend([kind as u8, u8::from(seen.disturbed), u8::from(seen.shown)]);
    for value in [seen.added, seen.view.frame, seen.view.weakest, seen.view.ink] {
        out.extend(value.to_le_bytes());
    }
    out.extend(seen.view.patch.cells());
    out.extend(seen.view.usual.cells());
    out
}

/// Hands over the boxes of a file one after another.
pub(crate) fn each(file: &Path, mut take: impl FnMut(Seen)) -> Result<(), String> {
    let name = file.display();
    let mut from = BufReader::new(File::open(file).map_err(|e| format!("{name}: {e}"))?);
    let mut bytes = vec![0; RECORD];
    loop {
        match from.read_exact(&mut bytes) {
            Ok(()) => take(parse(&bytes).ok_or_else(|| format!("{name}: no pictures"))?),
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(e) => return Err(format!("{name}: {e}")),
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Seen> {
    let number = |n: usize| Some(f32::from_le_bytes(bytes.get(3 + 4 * n..7 + 4 * n)?.try_into().ok()?));
    let picture = |n: usize| {
        let from = 19 + n * CELLS;
        Some(Patch::new(bytes.get(from..from + CELLS)?.try_into().ok()?))
    };
    let view = BoxView {
        patch: picture(0)?,
        usual: picture(1)?,
        frame: number(1)?,
        weakest: number(2)?,
        ink: number(3)?,
    };
    let kind = *Kind::ALL.get(usize::from(*bytes.first()?))?;
    Some(Seen { kind, view, disturbed: *bytes.get(1)? == 1, shown: *bytes.get(2)? == 1, added: number(0)? })
}

/// What of the files can be learnt from.
pub(crate) fn samples(files: &[&str]) -> Result<Vec<Sample>, String> {
    let mut samples: Vec<Sample> = Vec::new();
    for file in files {
        each(Path::new(file), |seen| {
            if let Some(class) = truth(&seen) {
                let same =
                    samples.last().filter(|last| *last.usual == seen.view.usual).map(|s| s.usual.clone());
                let usual = same.unwrap_or_else(|| Rc::new(seen.view.usual));
                samples.push(Sample { patch: seen.view.patch, usual, class });
            }
        })?;
    }
    Ok(samples)
}

/// Weights as `train` writes them.
pub(crate) fn network(name: &str) -> Result<Network, String> {
    let bytes = std::fs::read(name).map_err(|e| format!("{name}: {e}"))?;
    Network::unpack(&bytes).ok_or_else(|| format!("{name}: no weights"))
}

/// One line a box: what was drawn, whether disturbed and whether its strike is shown, how well its frame was found, and what every given network says in every place.
/// For finding out how to put them together.
pub(crate) fn leads(file: &Path, weights: &[&str]) -> Result<(), String> {
    let networks = weights.iter().map(|name| network(name)).collect::<Result<Vec<_>, _>>()?;
    let mut trace = Trace::default();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut failed = None;
    each(file, |seen| {
        let Seen { kind, view, disturbed, added, shown } = seen;
        let frame = view.frame.min(view.weakest);
        let (ink, disturbed, shown) = (view.ink, u8::from(disturbed), u8::from(shown));
        let mut line = format!("{kind:?}\t{disturbed}\t{shown}\t{added:.3}\t{ink:.3}\t{frame:.2}");
        for (x, y) in PLACES {
            let (patch, usual) = (view.patch.moved(x, y), view.usual.moved(x, y));
            for network in &networks {
                network.run(&patch, &usual, &mut trace);
                let marked = lead(&trace.scores, Class::Marked);
                line += &format!(
                    "\t{marked:.2}\t{:.2}\t{:.2}",
                    lead_of_both(&trace.scores),
                    lead(&trace.scores, Class::Empty)
                );
            }
        }
        if let Err(e) = writeln!(out, "{line}") {
            failed = Some(e.to_string());
        }
    })?;
    failed.map_or(Ok(()), Err)
}
