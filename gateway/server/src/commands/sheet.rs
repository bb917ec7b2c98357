//! `kakehashi sheet`: every kind of sheet as a page with its layout, what a returned page says, and how
//! well labelled crops of boxes are read. For testing the loop of the paper from outside; it opens no
//! database and sends nothing.

use super::fail;
use kakehashi_core::envelope::MarkState;
use kakehashi_core::sheet_answer::closes_as;
use kakehashi_core::sheet_geometry::SheetLayout;
use kakehashi_fax::pages::{Page, PageLimits, visit_pages};
use kakehashi_fax::sheet::{SheetSearch, read_with};
use kakehashi_render::Renderer;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// A layout file has some kilobytes.
const MAX_LAYOUT_BYTES: u64 = 1 << 20;

#[derive(Serialize)]
struct SampleFile<'a> {
    #[serde(flatten)]
    layout: &'a SheetLayout,
    /// Page of the PDF that carries the sheet, from 1.
    page: u32,
}

/// Writes `KIND.pdf` and `KIND.json` for every kind.
pub(crate) fn sample(folder: &Path) -> ExitCode {
    match write_samples(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fail(fault),
    }
}

fn write_samples(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    for sheet in Renderer::new()?.sample_sheets()? {
        let kind = &sheet.layout.kind;
        std::fs::write(folder.join(format!("{kind}.pdf")), &sheet.pdf)?;
        let text = serde_json::to_vec_pretty(&SampleFile { layout: &sheet.layout, page: sheet.page })?;
        std::fs::write(folder.join(format!("{kind}.json")), text)?;
        println!("{kind}.pdf {kind}.json");
    }
    Ok(())
}

/// Prints one JSON line a page: what is on it and what it would do without a person.
pub(crate) fn read(file: &Path, layout: &Path) -> ExitCode {
    let layout = match load_layout(layout) {
        Ok(layout) => layout,
        Err(fault) => return fail(format!("{}: {fault}", layout.display())),
    };
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => return fail(format!("{}: {error}", file.display())),
    };
    let mut out = std::io::stdout().lock();
    let mut number = 0;
    let outcome = visit_pages(&bytes, &PageLimits::default(), &mut |page| {
        number += 1;
        // The reader of our output may have gone (`| head`): nothing more to say then.
        let _ = writeln!(out, "{}", line(number, &page, &layout));
    });
    match outcome {
        Ok(warnings) => {
            for warning in warnings {
                eprintln!("kakehashi: {}: {}", warning.code, warning.detail);
            }
            ExitCode::SUCCESS
        }
        Err(refusal) => {
            eprintln!("kakehashi: {}: {refusal}", file.display());
            ExitCode::from(3)
        }
    }
}

fn load_layout(path: &Path) -> Result<SheetLayout, String> {
    let size = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if size > MAX_LAYOUT_BYTES {
        return Err(format!("{size} bytes are no layout"));
    }
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let layout: SheetLayout = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
    if layout.is_sane() { Ok(layout) } else { Err("boxes or areas lie outside the page".to_owned()) }
}

fn line(number: u32, page: &Page, layout: &SheetLayout) -> Value {
    let reading = match read_with(page, layout) {
        SheetSearch::Found(reading) => Some(*reading),
        SheetSearch::Contradiction | SheetSearch::Nothing => None,
    };
    let Some(reading) = reading else {
        let boxes: Map<String, Value> = layout
            .boxes
            .iter()
            .map(|b| (b.id.clone(), json!({"state": MarkState::Unsure, "confidence": 0.0})))
            .collect();
        return json!({"page": number, "codes": [], "boxes": boxes, "writing": false, "closes": null});
    };
    let boxes: Map<String, Value> = reading
        .marks
        .iter()
        .map(|m| (m.name.clone(), json!({"state": m.state, "confidence": m.confidence})))
        .collect();
    let writing = reading.has_writing(layout);
    let closes = closes_as(&reading.marks, writing);
    json!({
        "page": number,
        "codes": reading.find.codes(),
        "boxes": boxes,
        "writing": writing,
        "closes": if closes.is_empty() { Value::Null } else { json!(closes.join("+")) },
    })
}
