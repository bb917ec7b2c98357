//! `kakehashi sheet export`: boxes of the sheets that the office has confirmed, as labelled crops for
//! `sheet evaluate` and for training on real marks. The label is the person's, never the machine's: marked,
//! else empty where the machine saw nothing either, else unsure. A crop shows one box: no name, no text.

use super::{block_on, fail, open_beside};
use crate::box_crops;
use crate::cli::StoreArgs;
use kakehashi_core::envelope::MarkState;
use kakehashi_fax::sheet::classifier::Class;
use kakehashi_store::Store;
use kakehashi_store::view::CheckedSheet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// Sheets that are read from the database at once.
const BATCH: u32 = 100;

#[derive(Debug, Default, PartialEq, Eq)]
struct Written {
    sheets: usize,
    crops: usize,
    /// Sheets whose boxes are not found, as on a photograph without marks.
    without_boxes: usize,
}

/// Writes `FOLDER/LABEL/SHEET-BOX.png` and says how many.
pub(crate) fn run(folder: &Path, args: &StoreArgs) -> ExitCode {
    if let Err(fault) = prepare(folder) {
        return fail(fault);
    }
    block_on(async {
        let (store, network) = match open_beside(args).await {
            Ok(opened) => opened,
            Err(fault) => return fail(fault),
        };
        let office = store.office(&network);
        let mut written = Written::default();
        let mut last: Option<CheckedSheet> = None;
        loop {
            let after = last.as_ref().map(|l| (&l.intake_id, l.envelope_index));
            let sheets = match office.checked_sheets(after, BATCH).await {
                Ok(sheets) => sheets,
                Err(error) => return fail(error),
            };
            for sheet in &sheets {
                if let Err(fault) = write(folder, &store, sheet, &mut written).await {
                    return fail(fault);
                }
            }
            match sheets.into_iter().next_back() {
                Some(newest) => last = Some(newest),
                None => break,
            }
        }
        store.close().await;
        println!("sheets\tcrops\twithout boxes");
        println!("{}\t{}\t{}", written.sheets, written.crops, written.without_boxes);
        ExitCode::SUCCESS
    })
}

/// An older export would mix with this one, and its crops would count twice.
fn prepare(folder: &Path) -> Result<(), String> {
    let shown = folder.display();
    match fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(true) => return Err(format!("{shown} is not empty; give a folder that is empty or absent")),
        Ok(false) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(format!("{shown}: {error}")),
    }
    for class in [Class::Marked, Class::Empty, Class::Unsure] {
        fs::create_dir_all(folder.join(class.code())).map_err(|e| format!("{shown}: {e}"))?;
    }
    Ok(())
}

/// What the person said of a box.
fn label(sheet: &CheckedSheet, name: &str) -> Class {
    if sheet.decided.iter().any(|d| d == name) {
        return Class::Marked;
    }
    let read = sheet.marks.iter().find(|m| m.name == name).map(|m| m.state);
    // The person saw no mark where the machine saw something: dirt, a slip of the pen, a correction.
    if read == Some(MarkState::Empty) { Class::Empty } else { Class::Unsure }
}

async fn write(
    folder: &Path,
    store: &Store,
    sheet: &CheckedSheet,
    written: &mut Written,
) -> Result<(), String> {
    written.sheets += 1;
    let mut found = 0;
    for hash in &sheet.pictures {
        let Some(bytes) = store.blobs().get(hash).await.map_err(|e| e.to_string())? else { continue };
        let Ok(page) = box_crops::page_of(&bytes) else { continue };
        for (name, patch) in box_crops::of_page(&page) {
            let file = format!("{:06}-{name}.png", written.sheets);
            let path = folder.join(label(sheet, &name).code()).join(file);
            fs::write(&path, patch.to_png()).map_err(|e| format!("{}: {e}", path.display()))?;
            found += 1;
        }
    }
    written.crops += found;
    written.without_boxes += usize::from(found == 0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kakehashi_core::envelope::Mark;
    use kakehashi_core::ids::IntakeId;

    #[test]
    fn the_person_labels() {
        let mark = |name: &str, state| Mark { name: name.to_owned(), state, confidence: 1.0 };
        let sheet = CheckedSheet {
            intake_id: IntakeId::new("I1"),
            envelope_index: 0,
            marks: vec![
                mark("acknowledge", MarkState::Unsure),
                mark("absent", MarkState::Empty),
                mark("attend", MarkState::Marked),
                mark("call_back", MarkState::Empty),
            ],
            decided: vec!["acknowledge".to_owned(), "call_back".to_owned()],
            pictures: Vec::new(),
        };
        let labels: Vec<&str> = ["acknowledge", "absent", "attend", "call_back", "leave_group"]
            .into_iter()
            .map(|name| label(&sheet, name).code())
            .collect();
        assert_eq!(labels, ["marked", "empty", "unsure", "marked", "unsure"]);
    }

    #[test]
    fn an_export_never_mixes_with_another() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("crops");
        prepare(&target).unwrap();
        assert!(target.join("marked").is_dir());
        assert!(prepare(&target).unwrap_err().contains("not empty"));
    }
}
