//! Loading posts with what belongs to them, for many at once: one statement per kind of row, never one
//! per post.

use crate::StoreError;
use crate::columns::{ATTACHMENT, POST, read_attachment, read_post};
use crate::database::Database;
use crate::value::{args, list};
use kakehashi_core::ids::{NetworkId, PostId};
use kakehashi_core::post::{Addressee, Post, StoredAttachment};
use kakehashi_core::vocabulary::ReplyExpectation;
use std::collections::HashMap;

/// These posts, in the order of their ids.
pub(crate) async fn by_ids<'a>(
    db: &Database,
    network: &NetworkId,
    ids: impl IntoIterator<Item = &'a PostId>,
) -> Result<Vec<Post>, StoreError> {
    let sql = format!(
        "SELECT {POST} FROM posts t WHERE t.network_id = $1 AND t.post_id {{in $2}} ORDER BY t.post_id"
    );
    complete(db, network, db.rows(sql, args![network, list(ids)]).await?).await
}

/// All posts of these topics, in the order of their ids.
pub(crate) async fn of_topics<'a>(
    db: &Database,
    network: &NetworkId,
    topics: impl IntoIterator<Item = &'a PostId>,
) -> Result<Vec<Post>, StoreError> {
    let sql = format!(
        "SELECT {POST} FROM posts t WHERE t.network_id = $1 AND t.topic_id {{in $2}} ORDER BY t.post_id"
    );
    complete(db, network, db.rows(sql, args![network, list(topics)]).await?).await
}

async fn complete(
    db: &Database,
    network: &NetworkId,
    rows: Vec<crate::row::Row>,
) -> Result<Vec<Post>, StoreError> {
    let mut posts: Vec<Post> =
        rows.iter().map(|row| read_post(&mut row.reader())).collect::<Result<_, _>>()?;
    if posts.is_empty() {
        return Ok(posts);
    }
    let rows = db
        .rows(
            "SELECT post_id, facility_id, expectation FROM post_addressees \
             WHERE network_id = $1 AND post_id {in $2} ORDER BY post_id, facility_id",
            args![network, list(posts.iter().map(|p| &p.id))],
        )
        .await?;
    let mut asked: HashMap<PostId, Vec<Addressee>> = HashMap::new();
    for row in &rows {
        let mut r = row.reader();
        let post: PostId = r.id()?;
        let addressee = Addressee {
            facility_id: r.id()?,
            expectation: r.code(("post_addressees", "expectation"), ReplyExpectation::from_code)?,
        };
        asked.entry(post).or_default().push(addressee);
    }
    for post in &mut posts {
        post.addressees = asked.remove(&post.id).unwrap_or_default();
    }
    Ok(posts)
}

/// Attachments of these posts, in their order.
pub(crate) async fn attachments<'a>(
    db: &Database,
    network: &NetworkId,
    posts: impl IntoIterator<Item = &'a PostId>,
) -> Result<HashMap<PostId, Vec<StoredAttachment>>, StoreError> {
    let sql = format!(
        "SELECT {ATTACHMENT} FROM attachments a \
         WHERE a.network_id = $1 AND a.post_id {{in $2}} ORDER BY a.post_id, a.position, a.attachment_id"
    );
    let mut all: HashMap<PostId, Vec<StoredAttachment>> = HashMap::new();
    for row in &db.rows(sql, args![network, list(posts)]).await? {
        let attachment = read_attachment(&mut row.reader())?;
        if let Some(post) = attachment.post_id.clone() {
            all.entry(post).or_default().push(attachment);
        }
    }
    Ok(all)
}
