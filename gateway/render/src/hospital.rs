//! What a hospital's own system receives of a post: heading, text and files, with the patient as the
//! hospital itself writes it (hl7.md 14). Plain text for screens that show nothing else; how it becomes an
//! HL7 message is the outlet's affair. Never another institution's number of the patient, and nothing that
//! differs between two attempts: a resend must be the same message.

use crate::fault::RenderFault;
use kakehashi_core::job::{DeliveryJob, JobItem, JobPosts, JobReceipt, control_id};
use kakehashi_core::post::PostKind;
use kakehashi_core::rendered::{HospitalNote, NoteKind, RenderedFile, RenderedHl7};
use kakehashi_core::text::{clean, clean_line};
use kakehashi_core::vocabulary::{AttachmentRole, ReplyExpectation};

/// Longest text, in characters; the group's timeline has all of it.
const TEXT_CHARS: usize = 20_000;

/// The notes of a delivery.
pub(crate) fn notes(job: &DeliveryJob, posts: &JobPosts) -> Result<RenderedHl7, RenderFault> {
    let notes = posts.items.iter().enumerate().map(|(position, item)| note(job, posts, position, item));
    Ok(RenderedHl7 {
        interface: posts.endpoint.address.clone(),
        notes: notes.collect::<Result<_, RenderFault>>()?,
    })
}

fn note(
    job: &DeliveryJob,
    posts: &JobPosts,
    position: usize,
    item: &JobItem,
) -> Result<HospitalNote, RenderFault> {
    let patient = item.hospital.clone().ok_or(RenderFault::NoHospitalNumber)?;
    let kind = match (&item.receipt, item.post.kind) {
        (Some(_), _) => NoteKind::Acknowledgement,
        (None, PostKind::Topic) => NoteKind::Topic,
        (None, PostKind::Reply) => NoteKind::Reply,
        (None, PostKind::Correction) if item.post.withdraws() => NoteKind::Withdrawal,
        (None, PostKind::Correction) => NoteKind::Correction,
    };
    let (author, written_at, document_id) = match &item.receipt {
        Some(receipt) => (giver(receipt), receipt.acknowledged_at, format!("CN-ACK-{}", job.id)),
        None => (
            clean_line(&item.author, 120),
            item.post.occurred_at.unwrap_or(item.post.posted_at),
            format!("CN-POST-{}", item.post.id),
        ),
    };
    Ok(HospitalNote {
        control_id: control_id(&job.id, position),
        kind,
        patient,
        document_id,
        replaces: item
            .post
            .corrects
            .as_ref()
            .filter(|_| item.receipt.is_none())
            .map(|p| format!("CN-POST-{p}")),
        first: item
            .hospital
            .as_ref()
            .and_then(|h| h.first_version.as_ref())
            .filter(|_| item.receipt.is_none())
            .map(|p| format!("CN-POST-{p}")),
        title: title(kind, item),
        text: text(job, posts, kind, &author, item),
        author,
        written_at,
        files: if item.receipt.is_some() { Vec::new() } else { files(item) },
    })
}

fn giver(receipt: &JobReceipt) -> String {
    let person = receipt.person.as_deref().map(|p| format!(" {p}")).unwrap_or_default();
    clean_line(&format!("{}{person}", receipt.facility_name), 120)
}

fn title(kind: NoteKind, item: &JobItem) -> String {
    let topic = item.topic_title.as_ref().or(item.post.title.as_ref());
    let topic = topic.map(|t| clean_line(t, 80)).filter(|t| !t.is_empty());
    match (kind, topic) {
        (NoteKind::Topic, Some(topic)) => topic,
        (_, Some(topic)) => format!("{}: {topic}", kind.ja()),
        (_, None) => kind.ja().to_owned(),
    }
}

fn text(job: &DeliveryJob, posts: &JobPosts, kind: NoteKind, author: &str, item: &JobItem) -> String {
    let mut lines = vec![format!("【{}】 {author}", title(kind, item))];
    match &item.receipt {
        Some(receipt) => {
            lines.push(format!("{} に了解 ({})", receipt.acknowledged_at.to_ja(), receipt.channel.ja()));
        }
        None => {
            lines.push(item.post.posted_at.to_ja());
            if item.asked != ReplyExpectation::None {
                let due = item.post.due_at.map(|d| format!(" 期限 {}", d.to_ja())).unwrap_or_default();
                lines.push(format!("{}{due}", item.asked.ja()));
            }
            lines.push(String::new());
            let body: String = clean(&item.post.body).chars().take(TEXT_CHARS).collect();
            lines.extend(body.trim_end().lines().map(str::to_owned));
            for (name, sent) in item.attachments.iter().filter_map(named) {
                lines.push(format!("添付: {name}{}", if sent { "" } else { " (大きいため送れません)" }));
            }
            lines.push(String::new());
            lines.push(format!(
                "返信コード {} ({}まで) FAX {}",
                item.code.as_str(),
                posts.code_expires_at.to_ja(),
                clean_line(&job.network.gateway_fax, 40),
            ));
        }
    }
    lines.push(format!(
        "{} {}",
        clean_line(&job.network.office_name, 60),
        clean_line(&job.network.office_phone, 40)
    ));
    lines.join("\n")
}

/// Name of an attachment that a reader would miss, and whether its bytes go along.
fn named(attachment: &kakehashi_core::job::JobAttachment) -> Option<(String, bool)> {
    let stored = &attachment.stored;
    let shown = stored.role != AttachmentRole::Source;
    let name = stored.name.clone().unwrap_or_else(|| stored.media_type.clone());
    shown.then(|| (clean_line(&name, 80), !attachment.bytes.is_empty()))
}

fn files(item: &JobItem) -> Vec<RenderedFile> {
    item.attachments
        .iter()
        .filter(|a| !a.bytes.is_empty())
        .filter_map(|a| {
            let (name, _) = named(a)?;
            Some(RenderedFile { name, media_type: a.stored.media_type.clone(), bytes: a.bytes.clone() })
        })
        .collect()
}
