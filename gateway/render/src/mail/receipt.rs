//! 控え and 担当終了の確認 as mails (care-network.md 6.4): what was done, how it is taken back by an answer, and until
//! when. They name no patient and carry nothing of a timeline, so they read the same in every content mode.

use super::view::Office;
use super::{MailTemplates, message_id};
use crate::fault::RenderFault;
use kakehashi_core::job::{DeliveryJob, JobSheet, bounce_address};
use kakehashi_core::receipt::Receipt;
use kakehashi_core::rendered::RenderedMail;
use kakehashi_core::text::clean_line;
use serde::Serialize;

/// `receipt.txt.hbs` and `receipt.html.hbs`.
#[derive(Serialize)]
struct ReceiptView {
    facility: String,
    title: String,
    title_en: String,
    ja: Vec<String>,
    en: Vec<String>,
    word: Option<String>,
    mailto: Option<String>,
    office: Office,
}

/// The receipt of an act.
pub(crate) fn receipt(
    templates: &MailTemplates,
    job: &DeliveryJob,
    ordered: &JobSheet,
    receipt: &Receipt,
) -> Result<RenderedMail, RenderFault> {
    let words = receipt.words(job.due_at, true);
    write(
        templates,
        job,
        ordered,
        ReceiptView {
            title: words.title.to_owned(),
            title_en: words.title_en.to_owned(),
            ja: words.ja,
            en: words.en,
            ..view(job, ordered, words.undo)
        },
    )
}

/// Whether the facility really leaves a group: nothing happens without an answer.
pub(crate) fn leave_confirmation(
    templates: &MailTemplates,
    job: &DeliveryJob,
    ordered: &JobSheet,
    alias: &str,
) -> Result<RenderedMail, RenderFault> {
    let alias = clean_line(alias, 40);
    let until = ordered.code_expires_at;
    write(
        templates,
        job,
        ordered,
        ReceiptView {
            title: format!("[{alias}] 担当終了の確認"),
            title_en: "Do you leave this group?".to_owned(),
            ja: vec![
                format!("{alias} の担当終了の申出がありました。まだ終了していません。"),
                "施設管理者の方がお確かめのうえ、よろしければ「了解」とだけ返信してください。そのときに終了します。".to_owned(),
                format!("お心当たりがなければ、返信は要りません。{} を過ぎると、この申出はなくなります。", until.to_ja()),
            ],
            en: vec![
                format!("Somebody at your facility asked to leave {alias}. Nothing has changed yet."),
                "If the facility's manager agrees, answer with \"OK\" and nothing else. Without an answer it lapses.".to_owned(),
            ],
            ..view(job, ordered, Some("了解"))
        },
    )
}

fn view(job: &DeliveryJob, ordered: &JobSheet, word: Option<&str>) -> ReceiptView {
    let mailto = word.map(|w| {
        let coded: String = w.bytes().map(|b| format!("%{b:02X}")).collect();
        format!("mailto:{}?subject={coded}&body={coded}", job.network.reply_address(&ordered.code))
    });
    ReceiptView {
        facility: clean_line(&ordered.facility.name, 60),
        title: String::new(),
        title_en: String::new(),
        ja: Vec::new(),
        en: Vec::new(),
        word: word.map(str::to_owned),
        mailto,
        office: Office::of(job),
    }
}

fn write(
    templates: &MailTemplates,
    job: &DeliveryJob,
    ordered: &JobSheet,
    view: ReceiptView,
) -> Result<RenderedMail, RenderFault> {
    let (text, html) = templates.write("receipt", &view)?;
    Ok(RenderedMail {
        to: clean_line(&ordered.endpoint.address, 320),
        to_name: Some(view.facility).filter(|n| !n.is_empty()),
        reply_to: Some(job.network.reply_address(&ordered.code)),
        subject: format!("{} / {}", view.title, view.title_en),
        text,
        html: Some(html),
        message_id: message_id(job, Some(&ordered.code)),
        return_path: Some(bounce_address(&job.id, &job.network.mail_domain)),
        list_id: Some(job.network.list_id()),
        ..RenderedMail::default()
    })
}
