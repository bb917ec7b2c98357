//! The intake log as the office and the command line list it: by key, never by offset.

use crate::StoreError;
use crate::database::Database;
use crate::value::args;
use crate::view::IntakeRow;
use kakehashi_core::ids::{IntakeId, NetworkId};
use kakehashi_core::vocabulary::{Channel, IntakeState};
use serde::Deserialize;

/// What reading found the channel to be: a FAX that a provider brings comes as a mail.
#[derive(Deserialize)]
struct Read {
    channel: Channel,
}

/// Intakes older than `before`, newest first.
pub(crate) async fn page(
    db: &Database,
    network: &NetworkId,
    before: Option<&IntakeId>,
    limit: u32,
) -> Result<Vec<IntakeRow>, StoreError> {
    let rows = db
        .rows(
            "SELECT i.intake_id, i.channel, i.received_at, i.sender_message_id, i.state, i.envelopes, \
                    (SELECT d.rule FROM intake_decisions d WHERE d.network_id = i.network_id \
                        AND d.intake_id = i.intake_id AND d.rule IS NOT NULL \
                        ORDER BY d.position LIMIT 1) \
             FROM intakes i \
             WHERE i.network_id = $1 AND (CAST($2 AS TEXT) IS NULL OR i.intake_id < $2) \
             ORDER BY i.intake_id DESC LIMIT $3",
            args![network, before.map(IntakeId::as_str), limit],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let mut r = row.reader();
            let mut listed = IntakeRow {
                id: r.id()?,
                channel: r.code(("intakes", "channel"), Channel::from_code)?,
                received_at: r.time()?,
                sender_message_id: r.opt_text()?,
                state: r.code(("intakes", "state"), IntakeState::from_code)?,
                rule: None,
            };
            let read: Option<Vec<Read>> = r.opt_json(("intakes", "envelopes"))?;
            if let Some(first) = read.as_ref().and_then(|all| all.first()) {
                listed.channel = first.channel;
            }
            listed.rule = r.opt_text()?;
            Ok(listed)
        })
        .collect()
}

/// Identities as their senders wrote them, oldest first.
pub(crate) async fn sender_message_ids(
    db: &Database,
    network: &NetworkId,
) -> Result<Vec<String>, StoreError> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let rows = db
            .rows(
                "SELECT intake_id, sender_message_id FROM intakes \
                 WHERE network_id = $1 AND intake_id > $2 AND sender_message_id IS NOT NULL \
                 ORDER BY intake_id LIMIT 10000",
                args![network, &after],
            )
            .await?;
        let Some(last) = rows.last() else { return Ok(all) };
        after = last.first_text()?;
        for row in &rows {
            let mut r = row.reader();
            r.text()?;
            all.push(r.text()?);
        }
    }
}
