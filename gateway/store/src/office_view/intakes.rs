//! One intake as the office sees it: what came, what was read, what was decided and what came of it.

use crate::StoreError;
use crate::database::Database;
use crate::store::Parts;
use crate::value::args;
use crate::view::IntakeView;
use kakehashi_core::ids::{IntakeId, NetworkId};
use kakehashi_core::vocabulary::{Channel, Format, IntakeState};

pub(super) async fn one(
    db: &Database,
    network: &NetworkId,
    id: &IntakeId,
) -> Result<Option<IntakeView>, StoreError> {
    let row = db
        .row(
            "SELECT intake_id, channel, format, received_at, size_bytes, content_hash, sender_message_id, \
                    origin, state, envelopes, decided \
             FROM intakes WHERE network_id = $1 AND intake_id = $2",
            args![network, id],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut r = row.reader();
    let mut view = IntakeView {
        id: r.id()?,
        channel: r.code(("intakes", "channel"), Channel::from_code)?,
        format: r.code(("intakes", "format"), Format::from_code)?,
        received_at: r.time()?,
        size_bytes: r.size()?,
        content_hash: r.hash(("intakes", "content_hash"))?,
        sender_message_id: r.opt_text()?,
        origin: r.json(("intakes", "origin"))?,
        state: r.code(("intakes", "state"), IntakeState::from_code)?,
        envelopes: r.opt_json(("intakes", "envelopes"))?.unwrap_or_default(),
        decided: r.opt_json(("intakes", "decided"))?.unwrap_or_default(),
        posts: Vec::new(),
        triage: Vec::new(),
    };
    let posts = db
        .rows(
            "SELECT group_id, post_id FROM posts WHERE network_id = $1 AND intake_id = $2 ORDER BY post_id",
            args![network, id],
        )
        .await?;
    for row in &posts {
        let mut r = row.reader();
        view.posts.push((r.id()?, r.id()?));
    }
    let items = db
        .rows(
            "SELECT triage_id FROM triage_items WHERE network_id = $1 AND intake_id = $2 \
             ORDER BY envelope_index",
            args![network, id],
        )
        .await?;
    for row in &items {
        view.triage.push(row.reader().id()?);
    }
    Ok(Some(view))
}

pub(super) async fn bytes(
    parts: &Parts,
    network: &NetworkId,
    id: &IntakeId,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = parts
        .db
        .row(
            "SELECT intake_id, raw, content_hash FROM intakes WHERE network_id = $1 AND intake_id = $2",
            args![network, id],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut r = row.reader();
    r.text()?;
    match r.opt_bytes()? {
        Some(bytes) => Ok(Some(bytes)),
        None => {
            let hash = r.hash(("intakes", "content_hash"))?;
            parts.blobs.must_get(&hash, "intakes", id.as_str()).await.map(Some)
        }
    }
}
