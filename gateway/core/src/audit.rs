//! 操作記録 (care-network.md 5 rows 6 and 7): one entry per act, append-only, each bound to the one
//! before by a hash, so that a changed, missing or added entry is noticed. An entry names ids and kinds
//! only; it must never hold a patient's name, number or words.

use crate::clock::UtcMicros;
use crate::commit::{Actor, DeliveryChange, Effect};
use crate::envelope::ContentHash;
use crate::sheet_order::SheetOrder;
use serde_json::{Value, json};

/// What the first entry of a chain follows.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One entry as it lies in the database. `actor` and `detail` stay the text that was hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// 1, 2, 3 … without gap within a network.
    pub seq: i64,
    /// When.
    pub at: UtcMicros,
    /// Who: an [`Actor`] as JSON.
    pub actor: String,
    /// What was done, snake_case.
    pub action: String,
    /// To which row: `post/01J…`.
    pub subject: String,
    /// Ids and kinds, a JSON object.
    pub detail: String,
    /// Hash of the entry before.
    pub prev_hash: String,
    /// Hash of this entry.
    pub hash: String,
}

impl AuditEntry {
    /// The entry that follows `(seq, hash)` of the last one, or that begins the chain.
    #[must_use]
    pub fn after(last: Option<(i64, &str)>, at: UtcMicros, actor: &Actor, said: Said) -> Self {
        let (last_seq, prev_hash) = last.unwrap_or((0, GENESIS));
        let seq = last_seq.saturating_add(1);
        let actor = actor_json(actor);
        let hash = chain(prev_hash, seq, at, &actor, &said.action, &said.subject, &said.detail);
        Self {
            seq,
            at,
            actor,
            action: said.action,
            subject: said.subject,
            detail: said.detail,
            prev_hash: prev_hash.to_owned(),
            hash,
        }
    }
}

/// The actor as it is hashed and stored.
#[must_use]
pub fn actor_json(actor: &Actor) -> String {
    // Written out by hand so that the stored text can never change with a library.
    match actor {
        Actor::Gateway => json!({"kind": "gateway"}),
        Actor::LoginUser { id } => json!({"kind": "login_user", "id": id.as_str()}),
        Actor::Facility { id } => json!({"kind": "facility", "id": id.as_str()}),
        Actor::Operator => json!({"kind": "operator"}),
    }
    .to_string()
}

/// Hash of one entry, SHA-256 in hexadecimal. Every field is preceded by its length, so that no two
/// different entries are the same bytes.
#[must_use]
pub fn chain(
    prev_hash: &str,
    seq: i64,
    at: UtcMicros,
    actor_json: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> String {
    let seq = seq.to_string();
    let at = at.as_micros().to_string();
    let mut bytes = Vec::new();
    for field in [prev_hash, &seq, &at, actor_json, action, subject, detail] {
        bytes.extend_from_slice(field.len().to_string().as_bytes());
        bytes.push(b':');
        bytes.extend_from_slice(field.as_bytes());
        bytes.push(b'\n');
    }
    ContentHash::of(&bytes).hex().to_owned()
}

/// Where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenAt {
    /// An entry is missing or was added.
    #[error(
        "entry {expected} is missing: {found} follows; restore the audit table from a backup and compare"
    )]
    Gap {
        /// The number that should be there.
        expected: i64,
        /// The number that is there.
        found: i64,
    },
    /// The entry does not follow the one before.
    #[error(
        "entry {seq} does not follow entry {}: one of them was replaced; compare with a backup",
        seq - 1
    )]
    Link {
        /// The entry.
        seq: i64,
    },
    /// The entry was changed after it was written.
    #[error("entry {seq} was changed after it was written; compare with a backup")]
    Content {
        /// The entry.
        seq: i64,
    },
}

/// Checks a whole chain from its first entry.
///
/// # Errors
/// The first place where it does not hold.
pub fn verify(entries: &[AuditEntry]) -> Result<(), BrokenAt> {
    verify_after(0, GENESIS, entries).map(|_| ())
}

/// Checks entries that follow entry `seq` with `hash`, for chains that are read in pages. Returns
/// number and hash of the last one.
///
/// # Errors
/// The first place where it does not hold.
pub fn verify_after(seq: i64, hash: &str, entries: &[AuditEntry]) -> Result<(i64, String), BrokenAt> {
    let (mut last_seq, mut last_hash) = (seq, hash.to_owned());
    for e in entries {
        let expected = last_seq.saturating_add(1);
        if e.seq != expected {
            return Err(BrokenAt::Gap { expected, found: e.seq });
        }
        if e.prev_hash != last_hash {
            return Err(BrokenAt::Link { seq: e.seq });
        }
        if chain(&e.prev_hash, e.seq, e.at, &e.actor, &e.action, &e.subject, &e.detail) != e.hash {
            return Err(BrokenAt::Content { seq: e.seq });
        }
        last_seq = e.seq;
        last_hash.clone_from(&e.hash);
    }
    Ok((last_seq, last_hash))
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// snake_case verb.
    pub action: String,
    /// Kind and id of the row.
    pub subject: String,
    /// A JSON object of ids and kinds.
    pub detail: String,
}

impl Said {
    /// An entry about a row. `detail` must not hold patient data.
    #[must_use]
    pub fn new(action: &str, kind: &str, id: &str, detail: &Value) -> Self {
        Self { action: action.to_owned(), subject: format!("{kind}/{id}"), detail: detail.to_string() }
    }
}

/// What the audit says of an effect; `None` for what is only a working state. Free text (notes, the
/// listener of a call, addresses of strangers) is left out, because it may name a patient: the row
/// that the entry names holds it.
#[must_use]
pub fn describe(effect: &Effect) -> Option<Said> {
    Some(match effect {
        Effect::Post { post, attachments } => Said::new(
            match post.kind {
                crate::post::PostKind::Topic => "open_topic",
                crate::post::PostKind::Reply => "reply",
                crate::post::PostKind::Correction => "correct",
            },
            "post",
            post.id.as_str(),
            &json!({
                "group": post.group_id, "topic": post.topic_id, "corrects": post.corrects,
                "version": post.version, "facility": post.facility_id, "channel": post.channel,
                "urgency": post.urgency, "intake": post.intake_id, "attachments": attachments.len(),
                "proxy": post.proxy.is_some(),
            }),
        ),
        Effect::Acknowledge(a) => Said::new(
            "acknowledge",
            "post",
            a.post_id.as_str(),
            &json!({
                "facility": a.facility_id, "staff": a.staff_id, "channel": a.channel,
                "identity_level": a.identity_level, "intake": a.intake_id, "delivery": a.delivery_id,
                "proxy": a.proxy.is_some(),
            }),
        ),
        Effect::WithdrawAcknowledgement { post_id, facility_id } => Said::new(
            "withdraw_acknowledgement",
            "post",
            post_id.as_str(),
            &json!({ "facility": facility_id }),
        ),
        Effect::Deliver(d) => Said::new(
            "plan_delivery",
            "delivery",
            d.id.as_str(),
            &json!({
                "post": d.post_id, "endpoint": d.endpoint_id, "facility": d.facility_id,
                "channel": d.channel, "mode": d.mode, "due_at": d.due_at.to_rfc3339(),
            }),
        ),
        Effect::TellAuthor(note) => Said::new(
            "plan_delivery",
            "delivery",
            note.delivery_id.as_str(),
            &json!({
                "post": note.post_id, "acknowledgement_of": note.facility_id,
                "due_at": note.due_at.to_rfc3339(),
            }),
        ),
        Effect::Notify { delivery_id, notice, channel, .. } => Said::new(
            "notify",
            "delivery",
            delivery_id.as_str(),
            &json!({ "notice": notice, "channel": channel }),
        ),
        Effect::OpenTriage { id, intake_id, envelope_index, reasons, candidates, quarantined } => Said::new(
            if *quarantined { "quarantine" } else { "open_triage" },
            "triage",
            id.as_str(),
            &json!({
                "intake": intake_id, "envelope": envelope_index, "candidates": candidates.len(),
                "reasons": reasons.iter().map(crate::decision::TriageReason::code).collect::<Vec<_>>(),
            }),
        ),
        Effect::CloseTriage { id, outcome, .. } => {
            Said::new("close_triage", "triage", id.as_str(), &json!({ "outcome": outcome }))
        }
        Effect::ReplayIntake { intake_id } => {
            Said::new("replay_intake", "intake", intake_id.as_str(), &json!({}))
        }
        Effect::OweAnswerAgain { intake_id } => {
            Said::new("owe_answer_again", "intake", intake_id.as_str(), &json!({}))
        }
        Effect::FinalDocument { intake_id, with_text, .. } => {
            Said::new("final_document", "intake", intake_id.as_str(), &json!({ "with_text": with_text }))
        }
        Effect::RecordReading { .. } | Effect::KeepAttachments { .. } => return None,
        Effect::FinishIntake { intake_id, state, decided } => Said::new(
            "finish_intake",
            "intake",
            intake_id.as_str(),
            &json!({
                "state": state,
                "rules": decided.iter().map(|d| d.rule.as_deref()).collect::<Vec<_>>(),
                "identity_levels": decided.iter().map(|d| d.identity_level).collect::<Vec<_>>(),
            }),
        ),
        Effect::TeachIdentifier { facility_id, patient_id, state, .. } => Said::new(
            "teach_identifier",
            "patient",
            patient_id.as_str(),
            &json!({ "facility": facility_id, "state": state }),
        ),
        Effect::OrderSheet(sheet) => Said::new(
            "order_sheet",
            "delivery",
            sheet.id.as_str(),
            &match &sheet.order {
                // The disclosure ledger: who gets how much of which group.
                SheetOrder::History { group_id, post_ids, part, parts, .. } => json!({
                    "sheet": "history", "endpoint": sheet.endpoint_id, "group": group_id,
                    "posts": post_ids.len(), "part": part, "parts": parts,
                }),
                order => json!({ "sheet": order.code(), "endpoint": sheet.endpoint_id }),
            },
        ),
        Effect::ChangeEndpoint { endpoint_id, change } => {
            Said::new(change.code(), "endpoint", endpoint_id.as_str(), &json!({}))
        }
        Effect::ReleaseCovered { delivery_id } => {
            Said::new("cover_returned", "delivery", delivery_id.as_str(), &json!({}))
        }
        Effect::LeaveGroup { group_id, facility_id } => {
            Said::new("leave_group", "group", group_id.as_str(), &json!({ "facility": facility_id }))
        }
        Effect::ReturnToGroup { group_id, facility_id } => {
            Said::new("return_to_group", "group", group_id.as_str(), &json!({ "facility": facility_id }))
        }
        Effect::BeginPause { pause, .. } => Said::new(
            "begin_pause",
            "pause",
            pause.id.as_str(),
            &json!({
                "facility": pause.facility_id, "from": pause.from.to_rfc3339(), "until": pause.until.to_rfc3339(),
                "substitute": pause.substitute.is_some(),
            }),
        ),
        Effect::EndPause { id, how, .. } => {
            Said::new("end_pause", "pause", id.as_str(), &json!({ "how": how }))
        }
        Effect::SetPaper { untouched_acknowledges, pages_a_day, .. } => Said::new(
            "set_paper",
            "network",
            "paper",
            &json!({ "untouched_acknowledges": untouched_acknowledges, "pages_a_day": pages_a_day }),
        ),
        Effect::TellInNext { .. } => return None,
        Effect::TurnPicture { attachment_id, .. } => {
            Said::new("turn_picture", "attachment", attachment_id.as_str(), &json!({}))
        }
        Effect::CheckSheet(check) => Said::new(
            "check_sheet",
            "intake",
            check.intake_id.as_str(),
            &json!({ "said": check.said, "decided": check.decided }),
        ),
        Effect::Report { job, state, .. } => Said::new("report", "job", job, &json!({ "state": state })),
        Effect::SuspendEndpoint { endpoint_id, why } => {
            Said::new("suspend_endpoint", "endpoint", endpoint_id.as_str(), &json!({ "why": why }))
        }
        Effect::ChangeDelivery { delivery_id, change } => Said::new(
            match change {
                DeliveryChange::Retry => "retry_delivery",
                DeliveryChange::Recall => "recall_delivery",
                DeliveryChange::Called { .. } => "finish_phone_task",
            },
            "delivery",
            delivery_id.as_str(),
            &json!({}),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Candidate, TriageReason};
    use crate::ids::{FacilityId, IntakeId, PatientId, TriageId};
    use proptest::prelude::*;

    fn entries(n: i64) -> Vec<AuditEntry> {
        let mut all: Vec<AuditEntry> = Vec::new();
        for i in 0..n {
            let last = all.last().map(|e| (e.seq, e.hash.clone()));
            let said = Said::new("acknowledge", "post", &i.to_string(), &json!({"facility": "F03"}));
            let last = last.as_ref().map(|(s, h)| (*s, h.as_str()));
            all.push(AuditEntry::after(last, UtcMicros::from_micros(i), &Actor::Gateway, said));
        }
        all
    }

    #[test]
    fn a_chain_holds_until_somebody_touches_it() {
        let good = entries(5);
        assert_eq!(verify(&good), Ok(()));
        assert_eq!(verify_after(2, &good[1].hash, &good[2..]).unwrap().0, 5);

        let mut changed = good.clone();
        changed[2].detail = "{}".into();
        assert_eq!(verify(&changed), Err(BrokenAt::Content { seq: 3 }));

        let mut missing = good.clone();
        missing.remove(2);
        assert_eq!(verify(&missing), Err(BrokenAt::Gap { expected: 3, found: 4 }));

        // Somebody replaces an entry and recomputes its hash: the next one does not follow.
        let mut forged = good;
        forged[2].subject = "post/other".into();
        let f = forged[2].clone();
        forged[2].hash = chain(&f.prev_hash, f.seq, f.at, &f.actor, &f.action, &f.subject, &f.detail);
        assert_eq!(verify(&forged), Err(BrokenAt::Link { seq: 4 }));
    }

    #[test]
    fn the_actor_is_written_as_serde_reads_it() {
        for actor in [
            Actor::Gateway,
            Actor::Operator,
            Actor::LoginUser { id: "U1".into() },
            Actor::Facility { id: "F\"1".into() },
        ] {
            assert_eq!(serde_json::from_str::<Actor>(&actor_json(&actor)).unwrap(), actor);
        }
    }

    #[test]
    fn entries_hold_no_words_about_a_patient() {
        let effect = Effect::OpenTriage {
            id: TriageId::from("T1"),
            intake_id: IntakeId::from("I1"),
            envelope_index: 0,
            reasons: vec![TriageReason::Rule { text: "山本千代の件".into() }, TriageReason::UnknownSender],
            candidates: vec![Candidate {
                patient_id: PatientId::from("P1"),
                group_id: None,
                post_id: None,
                reasons_for: vec!["名前が合う(山本 千代)".into()],
                reasons_against: vec![],
                blocked: None,
            }],
            quarantined: false,
        };
        let said = describe(&effect).unwrap();
        assert_eq!((said.action.as_str(), said.subject.as_str()), ("open_triage", "triage/T1"));
        assert!(!said.detail.contains("山本") && said.detail.contains("unknown_sender"), "{}", said.detail);

        let taught = Effect::TeachIdentifier {
            facility_id: FacilityId::from("F01"),
            identifier: "00412338".into(),
            patient_id: PatientId::from("P1"),
            state: crate::facts::IdentifierState::Confirmed,
        };
        assert!(!describe(&taught).unwrap().detail.contains("00412338"));
    }

    proptest! {
        #[test]
        fn fields_cannot_be_shifted(a in ".{0,12}", b in ".{0,12}", cut in 0_usize..12) {
            let joined = format!("{a}{b}");
            let cut = joined.char_indices().nth(cut).map_or(joined.len(), |(i, _)| i);
            let (c, d) = joined.split_at(cut);
            prop_assume!(c != a);
            let at = UtcMicros::from_micros(1);
            prop_assert_ne!(chain("", 1, at, "", &a, &b, ""), chain("", 1, at, "", c, d, ""));
        }
    }
}
