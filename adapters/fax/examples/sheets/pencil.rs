//! Light pencil that the scan drops: how many sheets with nothing but a pencil mark would be taken for
//! untouched ones, beside how many that really are.

use crate::marks::{self, Kind};
use crate::measure::bound;
use crate::rng::Rng;
use crate::{round_trip, some_code};
use kakehashi_core::sheet_answer::{closes_as, is_untouched};
use kakehashi_core::sheet_form::SheetForm;
use kakehashi_fax::sheet::{SheetSearch, read};

/// Sheets on which an untouched return acknowledges: every second one blank, the others with a wish to be
/// called in pencil; of the latter every second one with a dark tick at another box as well.
pub(crate) fn run(seed: u64, pages: u64, y_dpi: f32, held: bool) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let (mut blanks, mut blanks_taken) = (0, 0);
    let (mut pencils, mut pencils_taken, mut beside, mut beside_closed) = (0, 0, 0, 0);
    for page in 0..pages {
        let staff = rng.below(6) as u8;
        let form = SheetForm::Reply { staff, untouched_acknowledges: true };
        let code = some_code(form, &mut rng);
        let layout = code.layout();
        let (pencil, tick) = (page % 2 == 1, page % 4 == 3);
        let scanned = round_trip(&code, &layout, y_dpi, held, &mut rng, |paper, placed, rng| {
            for b in &layout.boxes {
                match b.id.as_str() {
                    "call_back" if pencil => marks::draw(paper, Kind::Light, placed(b), held, rng),
                    "acknowledge" if tick => marks::draw(paper, Kind::Check, placed(b), held, rng),
                    _ => {}
                }
            }
        })?;
        let SheetSearch::Found(reading) = read(&scanned) else { continue };
        let writing = reading.has_writing(&layout);
        let taken = usize::from(is_untouched(&reading.marks, writing));
        if tick {
            beside += 1;
            beside_closed += usize::from(!closes_as(&reading.marks, writing).is_empty());
        } else if pencil {
            pencils += 1;
            pencils_taken += taken;
        } else {
            blanks += 1;
            blanks_taken += taken;
        }
    }
    println!("blank sheets: {blanks}, taken for untouched {blanks_taken}");
    println!("only pencil, taken for untouched: {}", bound(pencils_taken, pencils));
    println!("pencil beside a dark tick, closed on the tick alone: {}", bound(beside_closed, beside));
    Ok(())
}
