//! `kakehashi sheet evaluate`: how labelled crops of boxes are read, with the bounds that their number
//! allows. A crop shows one box and three tenths of its side around it. It changes no threshold: that
//! stays a decision of whoever reads the figures.

use super::fail;
use kakehashi_core::envelope::MarkState;
use kakehashi_fax::pages::{Ink, PageLimits, read_pages};
use kakehashi_fax::sheet::classifier::{BoxView, Class, Patch, judge};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Crops are small; more is no crop.
const MAX_CROP_BYTES: u64 = 4 << 20;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Tally {
    all: usize,
    marked: usize,
    empty: usize,
    unreadable: usize,
}

/// Prints one line a label. Status 1 if a crop that is no mark was read as one.
pub(crate) fn run(folder: &Path) -> ExitCode {
    let mut false_marks = 0;
    let mut no_marks = 0;
    let mut seen = 0;
    println!("label\tcrops\tmarked\tempty\tunsure\tunreadable");
    for class in Class::ALL {
        let files = match files(&folder.join(class.code())) {
            Ok(files) => files,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return fail(format!("{}: {error}", folder.display())),
        };
        let tally = tally(&files);
        let unsure = tally.all - tally.marked - tally.empty - tally.unreadable;
        println!(
            "{}\t{}\t{}\t{}\t{unsure}\t{}",
            class.code(),
            tally.all,
            tally.marked,
            tally.empty,
            tally.unreadable
        );
        seen += tally.all;
        if class != Class::Marked {
            no_marks += tally.all - tally.unreadable;
            false_marks += tally.marked;
        }
    }
    if seen == 0 {
        return fail(format!(
            "{}: no crops; expected folders named marked, corrected, empty, dirt, unsure",
            folder.display()
        ));
    }
    println!(
        "{false_marks} of {no_marks} that are no mark were read as marked; {}",
        bound(false_marks, no_marks)
    );
    if false_marks == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.flatten().map(|entry| entry.path()).filter(|p| p.is_file()).collect();
    files.sort();
    Ok(files)
}

fn tally(files: &[PathBuf]) -> Tally {
    let mut tally = Tally { all: files.len(), ..Tally::default() };
    for file in files {
        match crop(file).map(|patch| judge(&BoxView::of_crop(patch)).0) {
            Some(MarkState::Marked) => tally.marked += 1,
            Some(MarkState::Empty) => tally.empty += 1,
            Some(MarkState::Unsure) => {}
            None => tally.unreadable += 1,
        }
    }
    tally
}

fn crop(file: &Path) -> Option<Patch> {
    if std::fs::metadata(file).ok()?.len() > MAX_CROP_BYTES {
        return None;
    }
    let limits = PageLimits { picture_pixels: 4_000_000, ..PageLimits::default() };
    let page = read_pages(&std::fs::read(file).ok()?, &limits).ok()?.pages.into_iter().next()?;
    let Ink::Grey(grey) = &page.ink else { return None };
    Patch::from_grey(page.width as usize, page.height as usize, grey)
}

/// The true share lies below this with 95 %: the rule of three without a case, else Wilson's bound.
fn bound(cases: usize, all: usize) -> String {
    if all == 0 {
        return "nothing was counted".to_owned();
    }
    let (n, z) = (all as f64, 1.645_f64);
    let p = cases as f64 / n;
    let upper = if cases == 0 {
        3.0 / n
    } else {
        (p + z * z / (2.0 * n) + z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt()) / (1.0 + z * z / n)
    };
    format!("true share below {:.3} % (95 %)", upper.min(1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_are_counted_by_label() {
        let folder = tempfile::tempdir().unwrap();
        let label = folder.path().join("dirt");
        std::fs::create_dir_all(&label).unwrap();
        std::fs::write(label.join("1.png"), Patch::new([0; 1024]).to_png()).unwrap();
        std::fs::write(label.join("2.png"), b"no picture").unwrap();
        let tally = tally(&files(&label).unwrap());
        assert_eq!((tally.all, tally.unreadable, tally.marked), (2, 1, 0));
    }

    #[test]
    fn bounds_shrink_with_numbers() {
        assert!(bound(0, 300).contains("1.000 %"));
        assert!(bound(1, 300).contains("1.480 %"));
        assert_eq!(bound(0, 0), "nothing was counted");
    }
}
