//! Light pencil that the scan drops: how many sheets with nothing but pencil would be taken for untouched ones,
//! beside how many that really are.

use crate::marks::{self, Kind};
use crate::measure::bound;
use crate::rng::Rng;
use crate::{round_trip, some_code};
use kakehashi_core::sheet_answer::{closes_as, is_untouched};
use kakehashi_core::sheet_form::SheetForm;
use kakehashi_fax::sheet::geometry::LayoutBox;
use kakehashi_fax::sheet::{SheetSearch, read};

/// What is on a sheet.
#[derive(Clone, Copy, PartialEq)]
enum Drawn {
    Blank,
    /// A wish to be called, in pencil.
    Pencil,
    /// Three strokes of a pencil in the writing area.
    Note,
    /// The wish in pencil, and a dark tick at another box.
    Beside,
}

/// Sheets on which an untouched return acknowledges; of ten six with a mark in pencil, two blank, one with a note in
/// pencil, one with a mark in pencil beside a dark tick.
pub(crate) fn run(seed: u64, pages: u64, y_dpi: f32, held: bool) -> Result<(), String> {
    use Drawn::{Beside, Blank, Note, Pencil};
    let mut rng = Rng::new(seed);
    let mut all = [0; 4];
    let mut taken = [0; 4];
    let mut beside_closed = 0;
    for page in 0..pages {
        let staff = rng.below(6) as u8;
        let form = SheetForm::Reply { staff, untouched_acknowledges: true };
        let code = some_code(form, &mut rng);
        let layout = code.layout();
        let drawn = match page % 10 {
            0 | 5 => Blank,
            3 => Note,
            8 => Beside,
            _ => Pencil,
        };
        let scanned = round_trip(&code, &layout, y_dpi, held, &mut rng, |paper, placed, rng| {
            for b in &layout.boxes {
                match b.id.as_str() {
                    "call_back" if matches!(drawn, Pencil | Beside) => {
                        marks::draw(paper, Kind::Light, placed(b), held, rng);
                    }
                    "acknowledge" if drawn == Beside => {
                        marks::draw(paper, Kind::Check, placed(b), held, rng);
                    }
                    _ => {}
                }
            }
            if let (Note, Some(hand)) = (drawn, layout.hand) {
                let x = hand.x + 5.0 + rng.unit() * (hand.w - 35.0);
                let y = hand.y + 3.0 + rng.unit() * (hand.h - 12.0);
                for n in 0..3 {
                    let x = x + n as f32 * 6.0;
                    let stroke = LayoutBox { id: String::new(), label: String::new(), x, y, w: 5.0, h: 5.0 };
                    marks::draw(paper, Kind::Light, placed(&stroke), held, rng);
                }
            }
        })?;
        let SheetSearch::Found(reading) = read(&scanned) else { continue };
        let writing = reading.has_writing(&layout);
        all[drawn as usize] += 1;
        taken[drawn as usize] += usize::from(is_untouched(&reading.marks, writing));
        if drawn == Beside {
            beside_closed += usize::from(!closes_as(&reading.marks, writing).is_empty());
        }
    }
    let of = |drawn: Drawn| (taken[drawn as usize], all[drawn as usize]);
    let (blanks_taken, blanks) = of(Blank);
    println!("blank sheets: {blanks}, taken for untouched {blanks_taken}");
    for (drawn, what) in [(Pencil, "only a mark in pencil"), (Note, "only a note in pencil")] {
        let (taken, all) = of(drawn);
        println!("{what}, taken for untouched: {}", bound(taken, all));
    }
    println!(
        "pencil beside a dark tick, closed on the tick alone: {}",
        bound(beside_closed, all[Beside as usize])
    );
    Ok(())
}
