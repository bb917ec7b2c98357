//! Sheets that a person has read, with what the machine had read and the pictures of their pages: the real
//! marks with which the reading is checked. Nothing here names a patient.

use crate::StoreError;
use crate::database::Database;
use crate::value::args;
use crate::view::CheckedSheet;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::ids::{IntakeId, NetworkId};
use kakehashi_core::vocabulary::AttachmentRole;

/// In order of intakes, behind `after`.
pub(super) async fn list(
    db: &Database,
    network: &NetworkId,
    after: Option<(&IntakeId, u32)>,
    limit: u32,
) -> Result<Vec<CheckedSheet>, StoreError> {
    let (intake, index) = match after {
        Some((intake, index)) => (intake.as_str().to_owned(), i64::from(index)),
        None => (String::new(), -1),
    };
    let rows = db
        .rows(
            "SELECT c.intake_id, c.envelope_index, c.marks, c.decided, i.envelopes FROM sheet_checks c \
             JOIN intakes i ON i.network_id = c.network_id AND i.intake_id = c.intake_id \
             WHERE c.network_id = $1 AND (c.intake_id > $2 OR (c.intake_id = $2 AND c.envelope_index > $3)) \
             ORDER BY c.intake_id, c.envelope_index LIMIT $4",
            args![network, intake, index, limit],
        )
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut r = row.reader();
        let mut sheet = CheckedSheet {
            intake_id: r.id()?,
            envelope_index: r.count()?,
            marks: r.json(("sheet_checks", "marks"))?,
            decided: r.json(("sheet_checks", "decided"))?,
            pictures: Vec::new(),
        };
        let envelopes: Vec<Envelope> = r.opt_json(("intakes", "envelopes"))?.unwrap_or_default();
        // As they were read, whichever way the office has turned them since.
        let own = envelopes.get(sheet.envelope_index as usize);
        let pages = own.into_iter().flat_map(|e| &e.attachments);
        let pages = pages.filter(|a| a.role == AttachmentRole::PageImage);
        sheet.pictures = pages.map(|a| a.content_hash.clone()).collect();
        found.push(sheet);
    }
    Ok(found)
}
