//! Posts and 了解. A post is inserted once and never changed; an answer closes what was asked of its
//! facility. One clinical event opens one topic, whoever reads its copies.

use super::{Applied, Applying};
use crate::StoreError;
use crate::row::json_text;
use crate::upsert::Upsert;
use crate::value::args;
use kakehashi_core::facts::IdentifierState;
use kakehashi_core::ids::{AttachmentId, FacilityId, GroupId, PatientId, PostId};
use kakehashi_core::post::{Acknowledgement, Post, PostKind};
use kakehashi_core::vocabulary::{GroupState, ReplyExpectation};

const INSERT_POST: &str = "INSERT INTO posts (network_id, post_id, group_id, topic_id, kind, corrects, \
    version, facility_id, staff_id, author_name, proxy, channel, urgency, expectation, due_at, title, body, \
    quoted, signature, document_kind, occurred_at, received_at, posted_at, intake_id, event_key, decided_by, \
    liaison) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
    $22, $23, $24, $25, $26, $27) ON CONFLICT DO NOTHING";

impl Applying<'_> {
    pub(super) async fn post(
        &mut self,
        post: &Post,
        attachments: &[AttachmentId],
    ) -> Result<Applied, StoreError> {
        let n = self.network;
        let known = self
            .tx
            .row("SELECT 1 FROM posts WHERE network_id = $1 AND post_id = $2", args![n, &post.id])
            .await?;
        if known.is_some() {
            return Ok(Applied::Repeated);
        }
        self.must_be_open(&post.group_id).await?;
        let liaison = (!post.liaison.is_empty()).then(|| json_text(&post.liaison)).transpose()?;
        let inserted = self
            .tx
            .run(
                INSERT_POST,
                args![
                    n,
                    &post.id,
                    &post.group_id,
                    &post.topic_id,
                    post.kind.code(),
                    &post.corrects,
                    post.version,
                    &post.facility_id,
                    &post.staff_id,
                    &post.author_name,
                    &post.proxy,
                    post.channel.code(),
                    post.urgency.code(),
                    post.expectation.code(),
                    post.due_at,
                    &post.title,
                    &post.body,
                    &post.quoted,
                    &post.signature,
                    &post.document_kind,
                    post.occurred_at,
                    post.received_at,
                    post.posted_at,
                    &post.intake_id,
                    &post.event_key,
                    &post.decided_by,
                    liaison,
                ],
            )
            .await?;
        if inserted == 0 {
            return Err(StoreError::Conflict { what: "this event or version was posted meanwhile" });
        }
        self.close_asks(post).await?;
        for addressee in post.addressees.iter().filter(|a| a.expectation != ReplyExpectation::None) {
            self.tx
                .run(
                    "INSERT INTO post_addressees \
                     (network_id, post_id, facility_id, group_id, topic_id, expectation) \
                     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                    args![
                        n,
                        &post.id,
                        &addressee.facility_id,
                        &post.group_id,
                        &post.topic_id,
                        addressee.expectation.code(),
                    ],
                )
                .await?;
        }
        for (position, attachment) in (0_i64..).zip(attachments) {
            let moved = self
                .tx
                .run(
                    "UPDATE attachments SET post_id = $3, position = $4 \
                     WHERE network_id = $1 AND attachment_id = $2 AND post_id IS NULL",
                    args![n, attachment, &post.id, position],
                )
                .await?;
            if moved == 0 {
                return Err(StoreError::Conflict { what: "an attachment is shown at another post" });
            }
        }
        self.wake_group(post.group_id.clone());
        Ok(Applied::Changed)
    }

    /// A group can be frozen between decision and commit; nothing may appear in it then.
    async fn must_be_open(&mut self, group: &GroupId) -> Result<(), StoreError> {
        let row = self
            .tx
            .row(
                "SELECT state FROM patient_groups WHERE network_id = $1 AND group_id = $2",
                args![self.network, group],
            )
            .await?;
        match row {
            Some(row) if row.first_text()? == GroupState::Open.code() => Ok(()),
            _ => Err(StoreError::Conflict { what: "the group is not open" }),
        }
    }

    /// A reply answers what was asked of its facility in the topic. A correction that asks again
    /// replaces what its predecessor still asked.
    async fn close_asks(&mut self, post: &Post) -> Result<(), StoreError> {
        if post.kind == PostKind::Reply {
            self.tx
                .run(
                    "UPDATE post_addressees SET answered_at = $4, answered_by = 'reply' \
                     WHERE network_id = $1 AND topic_id = $2 AND facility_id = $3 AND answered_at IS NULL",
                    args![self.network, &post.topic_id, &post.facility_id, post.posted_at],
                )
                .await?;
        }
        if let (PostKind::Correction, Some(corrected), false) =
            (post.kind, &post.corrects, post.addressees.is_empty())
        {
            self.tx
                .run(
                    "UPDATE post_addressees SET answered_at = $3, answered_by = 'superseded' \
                     WHERE network_id = $1 AND post_id = $2 AND answered_at IS NULL",
                    args![self.network, corrected, post.posted_at],
                )
                .await?;
        }
        Ok(())
    }

    pub(super) async fn acknowledge(&mut self, k: &Acknowledgement) -> Result<Applied, StoreError> {
        let n = self.network;
        let person = match (&k.staff_id, &k.person_name) {
            (Some(staff), _) => staff.as_str().to_owned(),
            (None, Some(name)) => kakehashi_core::text::fold::fold_name(name),
            (None, None) => String::new(),
        };
        let changed = self
            .tx
            .run(
                "INSERT INTO acknowledgements (network_id, post_id, facility_id, person, staff_id, person_name, \
                     channel, acknowledged_at, identity_level, intake_id, delivery_id, proxy) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
                 ON CONFLICT (network_id, post_id, facility_id, person) DO UPDATE SET \
                     withdrawn_at = NULL, channel = excluded.channel, \
                     acknowledged_at = excluded.acknowledged_at, identity_level = excluded.identity_level, \
                     intake_id = excluded.intake_id, delivery_id = excluded.delivery_id, proxy = excluded.proxy \
                 WHERE acknowledgements.withdrawn_at IS NOT NULL",
                args![
                    n,
                    &k.post_id,
                    &k.facility_id,
                    person,
                    &k.staff_id,
                    &k.person_name,
                    k.channel.code(),
                    k.acknowledged_at,
                    k.identity_level.code(),
                    &k.intake_id,
                    &k.delivery_id,
                    &k.proxy,
                ],
            )
            .await?;
        if changed == 0 {
            return Ok(Applied::Repeated);
        }
        self.tx
            .run(
                "UPDATE post_addressees SET answered_at = $4, answered_by = 'ack' \
                 WHERE network_id = $1 AND post_id = $2 AND facility_id = $3 \
                   AND expectation = 'ack' AND answered_at IS NULL",
                args![n, &k.post_id, &k.facility_id, k.acknowledged_at],
            )
            .await?;
        self.wake_group_of(&k.post_id).await?;
        Ok(Applied::Changed)
    }

    pub(super) async fn withdraw(
        &mut self,
        post: &PostId,
        facility: &FacilityId,
    ) -> Result<Applied, StoreError> {
        let n = self.network;
        let changed = self
            .tx
            .run(
                "UPDATE acknowledgements SET withdrawn_at = $4 \
                 WHERE network_id = $1 AND post_id = $2 AND facility_id = $3 AND withdrawn_at IS NULL",
                args![n, post, facility, self.at()],
            )
            .await?;
        if changed > 0 {
            self.tx
                .run(
                    "UPDATE post_addressees SET answered_at = NULL, answered_by = NULL \
                     WHERE network_id = $1 AND post_id = $2 AND facility_id = $3 AND answered_by = 'ack'",
                    args![n, post, facility],
                )
                .await?;
            self.wake_group_of(post).await?;
        }
        Ok(Applied::of(changed))
    }

    async fn wake_group_of(&mut self, post: &PostId) -> Result<(), StoreError> {
        let row = self
            .tx
            .row(
                "SELECT group_id FROM posts WHERE network_id = $1 AND post_id = $2",
                args![self.network, post],
            )
            .await?;
        if let Some(row) = row {
            self.wake_group(row.reader().id()?);
        }
        Ok(())
    }

    pub(super) async fn teach_identifier(
        &mut self,
        facility: &FacilityId,
        identifier: &str,
        patient: &PatientId,
        state: IdentifierState,
    ) -> Result<Applied, StoreError> {
        Upsert::new("patient_identifiers", "network_id, facility_id, identifier", "patient_id, state")
            .run(&mut self.tx, args![self.network, facility, identifier, patient, state.code()])
            .await
            .map(Applied::of)
    }
}
