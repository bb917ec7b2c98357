//! Counts of what was read rightly and wrongly, with 95 % bounds.

use crate::marks::{self, Kind};
use crate::paper::{Paper, Pen};
use crate::rng::Rng;
use crate::{Seen, any_kind, crowded_page, returned, round_trip, some_code};
use kakehashi_core::envelope::MarkState;
use kakehashi_core::sheet_answer::closes_as;
use kakehashi_core::sheet_form::{SheetCode, SheetForm};
use kakehashi_fax::pages::Page;
use kakehashi_fax::sheet::classifier::{BoxView, Class, MARKED_LEAD, judge, opinion, views};
use kakehashi_fax::sheet::geometry::{Area, LayoutBox};
use kakehashi_fax::sheet::{SheetReading, SheetSearch, SheetSource, read};
use std::collections::BTreeMap;
use std::time::Instant;

#[derive(Default)]
struct Count {
    all: usize,
    marked: usize,
    empty: usize,
    leads: Vec<f32>,
    empties: Vec<f32>,
    untouched: Vec<f32>,
}

/// Pages full of boxes, every box of its own kind.
pub(crate) fn boxes(seed: u64, pages: u64, y_dpi: f32, held: bool) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let mut counts: BTreeMap<Kind, Count> = BTreeMap::new();
    let mut lost = 0;
    // Struck out, but the scan shows only the tick.
    let (mut dropped, mut dropped_marked) = (0, 0);
    for _ in 0..pages {
        let seen = crowded_page(y_dpi, held, &mut rng, any_kind)?;
        lost += usize::from(seen.is_empty());
        for Seen { kind, view, shown, .. } in seen {
            if !shown {
                dropped += 1;
                dropped_marked += usize::from(judge(&view).0 == MarkState::Marked);
                continue;
            }
            let count = counts.entry(kind).or_default();
            let said = opinion(&view);
            count.all += 1;
            match judge(&view).0 {
                MarkState::Marked => count.marked += 1,
                MarkState::Empty => count.empty += 1,
                MarkState::Unsure => {}
            }
            if view.frame >= 0.6 && view.weakest >= 0.6 {
                count.leads.push(said.marked);
                count.empties.push(said.empty);
                count.untouched.push(said.untouched);
            }
        }
    }
    println!(
        "{pages} pages, {lost} without a code; kind, boxes, marked, empty, highest leads of marked and empty"
    );
    bars(&counts);
    let (mut no_tick, mut false_ticks) = (0, 0);
    for (kind, count) in &mut counts {
        count.leads.sort_by(|a, b| b.total_cmp(a));
        count.empties.sort_by(|a, b| b.total_cmp(a));
        let top = |list: &[f32]| list.iter().take(4).map(|l| format!("{l:.1}")).collect::<Vec<_>>().join(" ");
        println!(
            "{kind:?}\t{}\t{:.1} %\t{:.1} %\t[{}]\t[{}]",
            count.all,
            100.0 * count.marked as f64 / count.all as f64,
            100.0 * count.empty as f64 / count.all as f64,
            top(&count.leads),
            top(&count.empties)
        );
        if kind.is_no_tick() {
            no_tick += count.all;
            false_ticks += count.marked;
        }
    }
    println!(
        "struck out, but the scan dropped the line: {dropped} more boxes, {dropped_marked} read as marked"
    );
    println!("no tick: {no_tick} boxes, {false_ticks} read as marked, {}", bound(false_ticks, no_tick));
    Ok(())
}

fn marked(count: &Count) -> &Vec<f32> {
    &count.leads
}

fn untouched(count: &Count) -> &Vec<f32> {
    &count.untouched
}

/// What other bars would have let through: for setting them on pages that nothing was trained on.
fn bars(counts: &BTreeMap<Kind, Count>) {
    let share = |leads: &dyn Fn(&Count) -> &Vec<f32>, bar: f32, kinds: &dyn Fn(Kind) -> bool| {
        let some = counts.iter().filter(|(kind, _)| kinds(**kind)).map(|(_, count)| count);
        some.fold((0, 0), |(over, all), count| {
            (over + leads(count).iter().filter(|l| **l >= bar).count(), all + count.all)
        })
    };
    let percent = |(over, all): (usize, usize)| 100.0 * over as f64 / all.max(1) as f64;
    let ticks = |kind: Kind| matches!(kind, Kind::Check | Kind::Circle | Kind::Felt);
    for bar in [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5, 8.0] {
        println!(
            "bar {bar}: marked: {} false, ticks {:.1} %; untouched: empty {:.1} %, dirt {:.1} %, ticks {:.2} %, pencil {:.2} %, other hands {:.2} %",
            share(&marked, bar, &Kind::is_no_tick).0,
            percent(share(&marked, bar, &ticks)),
            percent(share(&untouched, bar, &|k| k == Kind::Empty)),
            percent(share(&untouched, bar, &|k| k.class() == Class::Dirt)),
            percent(share(&untouched, bar, &ticks)),
            percent(share(&untouched, bar, &|k| k == Kind::Light)),
            percent(share(&untouched, bar, &|k| matches!(k.class(), Class::Unsure | Class::Corrected))),
        );
    }
}

/// Real sheets with one answer on each: how many close without a person, and as what.
pub(crate) fn sheets(seed: u64, pages: u64, y_dpi: f32, held: bool, printed: &[Page]) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let (mut causes, mut doubts): (BTreeMap<String, usize>, BTreeMap<String, usize>) = Default::default();
    let printed: Vec<(&Page, SheetCode)> = printed
        .iter()
        .filter_map(|page| Some((page, code_on(page)?)))
        .filter(|(_, code)| code.layout().boxes.iter().any(|b| acts(&b.id)))
        .collect();
    let (mut found, mut wrong, mut closed, mut false_answers, mut guided) = (0, 0, 0, 0, 0);
    let (mut written, mut written_closed, mut answered, mut empty_told) = (0, 0, 0, 0);
    let mut micros = Vec::new();
    let (mut ticks, mut blanks, mut untouched, mut frames) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..pages {
        let staff = rng.below(6) as u8;
        let form = match rng.below(10) {
            0..=6 => SheetForm::Reply { staff, untouched_acknowledges: false },
            _ => SheetForm::Digest { lines: 1 + rng.below(6) as u8, staff, untouched_acknowledges: false },
        };
        let sent = (!printed.is_empty()).then(|| &printed[rng.below(printed.len())]);
        let code = match sent {
            Some((_, code)) => code.clone(),
            None => some_code(form, &mut rng),
        };
        let layout = code.layout();
        let answers: Vec<&str> = layout.boxes.iter().map(|b| b.id.as_str()).filter(|id| acts(id)).collect();
        let answer = if rng.chance(0.7) { answers[0] } else { answers[rng.below(answers.len())] };
        let kind = match rng.below(100) {
            0..=69 => Kind::Check,
            70..=84 => Kind::Circle,
            85..=94 => Kind::Felt,
            95..=97 => Kind::Light,
            _ => Kind::Filled,
        };
        let writes = rng.chance(0.15);
        let write = |paper: &mut Paper, placed: &dyn Fn(&LayoutBox) -> Area, rng: &mut Rng| {
            for b in layout.boxes.iter().filter(|b| b.id == answer) {
                marks::draw(paper, kind, placed(b), held, rng);
            }
            if let (true, Some(hand)) = (writes, layout.hand) {
                let pen = Pen { width: 0.5, black: 1.0, gaps: 0.0, taper: 0.0 };
                for n in 0..4 {
                    let x = hand.x + 12.0 + 9.0 * n as f32;
                    let y = hand.y + 4.0;
                    paper.stroke(&[(x, y), (x - 1.0, y + 5.0), (x + 2.0, y + 9.0)], pen, false, rng);
                    paper.stroke(&[(x - 2.0, y + 4.0), (x + 5.0, y + 3.0)], pen, false, rng);
                }
            }
        };
        let page = match sent {
            Some((page, _)) => returned(page, y_dpi, held, 0.0, &mut rng, write),
            None => round_trip(&code, &layout, y_dpi, held, &mut rng, write)?,
        };
        let page = if rng.chance(0.2) { page.turned(180) } else { page };
        let begin = Instant::now();
        let outcome = read(&page);
        micros.push(begin.elapsed().as_micros());
        written += usize::from(writes);
        let seen = views(&page, &layout).unwrap_or_default();
        for (b, view) in layout.boxes.iter().zip(&seen) {
            let said = opinion(view);
            if b.id == answer {
                ticks.push(said.marked);
            } else {
                blanks.push(said.empty);
                untouched.push(said.untouched);
                frames.push(view.weakest);
            }
        }
        let SheetSearch::Found(reading) = outcome else {
            *causes.entry("no code".to_owned()).or_default() += 1;
            continue;
        };
        if reading.find.code != code.code {
            wrong += 1;
            continue;
        }
        found += 1;
        guided += usize::from(reading.find.source == SheetSource::Guided);
        let writing = reading.has_writing(&layout);
        let closes = closes_as(&reading.marks, writing);
        if closes.is_empty() {
            let mark = reading.marks.iter().find(|m| m.name == answer);
            empty_told += usize::from(mark.is_some_and(|m| m.state == MarkState::Empty));
        }
        if writes {
            written_closed += usize::from(!closes.is_empty());
            continue;
        }
        answered += 1;
        if closes == [answer] {
            closed += 1;
        } else if closes.is_empty() {
            *causes.entry(cause(&reading, answer, kind, writing)).or_default() += 1;
            let at = layout.boxes.iter().position(|b| b.id == answer);
            if let Some(view) = at.and_then(|at| seen.get(at)) {
                *doubts.entry(format!("{kind:?}: {}", doubt(view))).or_default() += 1;
            }
        } else {
            false_answers += 1;
        }
    }
    micros.sort_unstable();
    let part = |share: usize| micros.get(micros.len() * share / 100).map_or(0, |m| m / 1000);
    println!(
        "{pages} sheets: code found on {found}, wrong codes {wrong}, {}",
        bound(pages as usize - found, pages as usize)
    );
    println!("by marks {guided}; reading takes {} ms (median), {} ms (95 %)", part(50), part(95));
    println!(
        "one answer, nothing written: {answered}, closed {closed} ({:.1} %), closed wrongly {false_answers}",
        100.0 * closed as f64 / answered.max(1) as f64
    );
    for (title, table) in [("open", causes), ("answers of open sheets", doubts)] {
        let mut table: Vec<_> = table.into_iter().collect();
        table.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        for (cause, count) in table.iter().take(14) {
            println!("  {title}: {count} × {cause}");
        }
    }
    println!(
        "written on: {written}, closed all the same {written_closed}; answers read as empty {empty_told}, all of them left to a person"
    );
    println!("leads of marked at the answer: {}", quantiles(ticks));
    println!("leads of empty elsewhere: {}", quantiles(blanks));
    println!("leads of untouched elsewhere: {}", quantiles(untouched));
    println!("weakest side of frames elsewhere: {}", quantiles(frames));
    Ok(())
}

/// Why a sheet with one answer did not close.
fn cause(reading: &SheetReading, answer: &str, kind: Kind, writing: bool) -> String {
    let others = reading.marks.iter().filter(|m| m.name != answer && m.state != MarkState::Empty).count();
    let answer = reading.marks.iter().find(|m| m.name == answer).map_or(MarkState::Unsure, |m| m.state);
    let ticked = if answer == MarkState::Marked { String::new() } else { format!("{kind:?} {answer:?}, ") };
    let others = match others {
        0 => "",
        1 => "one other box, ",
        2 => "two other boxes, ",
        _ => "many other boxes, ",
    };
    format!("{ticked}{others}{}", if writing { "writing seen" } else { "" })
}

/// What is wrong with the picture of an answer that was not taken.
fn doubt(view: &BoxView) -> String {
    let said = opinion(view);
    match judge(view).0 {
        MarkState::Marked => "sure, but something else is not".to_owned(),
        MarkState::Empty => "looks empty".to_owned(),
        MarkState::Unsure if view.frame.min(view.weakest) < 0.6 => "frame lost".to_owned(),
        MarkState::Unsure if said.marked < 0.0 => format!("looks {}", said.class.code()),
        MarkState::Unsure if said.marked < MARKED_LEAD => format!("lead of {}", said.marked.floor()),
        MarkState::Unsure => "does not stay when moved".to_owned(),
    }
}

/// The code of a page that was just printed.
pub(crate) fn code_on(page: &Page) -> Option<SheetCode> {
    let find = kakehashi_fax::sheet::find(page)?;
    SheetCode::parse(find.codes().first()?)
}

/// Values at some shares of all, lowest first.
fn quantiles(mut values: Vec<f32>) -> String {
    values.sort_by(f32::total_cmp);
    let at = |share: f32| values.get((values.len() as f32 * share) as usize).copied().unwrap_or(f32::NAN);
    [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5]
        .map(|s| format!("{:.1} %: {:.2}", s * 100.0, at(s)))
        .join(", ")
}

pub(crate) fn acts(id: &str) -> bool {
    let mark =
        kakehashi_core::envelope::Mark { name: id.to_owned(), state: MarkState::Marked, confidence: 1.0 };
    !closes_as(&[mark], false).is_empty()
}

/// The true share lies below this with 95 %: 3/n without a case, else Wilson's upper bound.
pub(crate) fn bound(cases: usize, all: usize) -> String {
    let n = all.max(1) as f64;
    let upper = if cases == 0 {
        3.0 / n
    } else {
        let (p, z) = (cases as f64 / n, 1.645_f64);
        (p + z * z / (2.0 * n) + z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt()) / (1.0 + z * z / n)
    };
    format!("{cases} of {all}: below {:.3} % with 95 %", upper * 100.0)
}
