//! A delivery as it would leave now: the mail with what stands in its header, its HTML and its text, the
//! pages of a FAX, or the words of a call. Rendered by the deliverer's own renderer from the same value, for
//! the office only. The page is walled in: no script, no form, nothing loaded from anywhere.

use crate::app::App;
use crate::error::PageError;
use crate::locale::Lang;
use crate::pages::attachments::{PDF_POLICY, disposition};
use crate::rights::Office;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use handlebars::html_escape;
use kakehashi_core::ids::DeliveryId;
use kakehashi_core::rendered::{RenderedContent, RenderedMail};
use std::fmt::Write as _;
use std::sync::Arc;

/// What a mail's own inline styles need, and nothing else.
const POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'";
/// As the deliverer has it.
const ATTACHMENT_LIMIT_BYTES: u64 = 15 * 1024 * 1024;

/// The preview.
pub(crate) async fn page(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let worker = app.state.store.worker(&app.state.network);
    let job = worker.preview(&DeliveryId::new(id), ATTACHMENT_LIMIT_BYTES).await?;
    let job = job.ok_or(PageError::NotFound)?;
    let render = Arc::clone(&app.state.rendering);
    let rendered =
        tokio::task::spawn_blocking(move || render(&job)).await.map_err(|e| PageError::internal(&e))?;
    let lang = office.visitor.lang;
    let shown = match rendered {
        Ok(RenderedContent::Fax(fax)) => {
            let name = disposition("inline", "preview.pdf");
            return Ok((headers("application/pdf", PDF_POLICY, Some(name)), fax.pdf).into_response());
        }
        Ok(RenderedContent::Email(mail)) => mail_page(lang, &mail),
        Ok(RenderedContent::Phone { number, script }) => {
            format!("<p>☎ {}</p><pre>{}</pre>", html_escape(&number), html_escape(&script))
        }
        Ok(RenderedContent::Hl7(hospital)) => hospital.notes.iter().fold(String::new(), |all, note| {
            format!("{all}<h2>{}</h2><pre>{}</pre>", html_escape(&note.title), html_escape(&note.text))
        }),
        Err(why) => format!(
            "<p style=\"padding:16px\">{}: {}</p>",
            lang.pick("このままでは送れません", "Cannot be sent"),
            html_escape(&why)
        ),
    };
    let whole = format!(
        "<!doctype html><html lang=\"ja\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{}</title></head>\
         <body style=\"margin:0;font-family:sans-serif\">{shown}</body></html>",
        lang.pick("送る内容", "What leaves")
    );
    Ok((headers("text/html; charset=utf-8", POLICY, None), whole).into_response())
}

/// Nothing of it is kept by a browser.
fn headers(media_type: &'static str, policy: &'static str, name: Option<HeaderValue>) -> HeaderMap {
    let mut all = HeaderMap::new();
    all.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    all.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    all.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Some(name) = name {
        all.insert(header::CONTENT_DISPOSITION, name);
    }
    all
}

fn mail_page(lang: Lang, mail: &RenderedMail) -> String {
    let mut rows = String::new();
    let files: Vec<String> = mail
        .attachments
        .iter()
        .map(|f| format!("{} ({} KB)", f.name, f.bytes.len().div_ceil(1024)))
        .collect();
    for (word, value) in [
        (lang.pick("宛先", "To"), format!("{} <{}>", mail.to_name.as_deref().unwrap_or(""), mail.to)),
        (lang.pick("件名", "Subject"), mail.subject.clone()),
        (lang.pick("返信先", "Reply-To"), mail.reply_to.clone().unwrap_or_default()),
        ("Message-ID", mail.message_id.clone()),
        ("References", mail.references.join(" ")),
        ("Return-Path", mail.return_path.clone().unwrap_or_default()),
        ("List-Id", mail.list_id.clone().unwrap_or_default()),
        (lang.pick("添付", "Files"), files.join(", ")),
    ] {
        if !value.is_empty() {
            // Writing into a String cannot fail.
            let _ = write!(rows, "<dt><b>{word}</b></dt><dd>{}</dd>", html_escape(&value));
        }
    }
    let heading = lang.pick("文字だけで読む人に届く本文", "As those see it who read plain text");
    format!(
        "<dl style=\"margin:0;padding:12px 16px;border-bottom:2px solid #888;font-size:15px;\
         overflow-wrap:anywhere\">{rows}</dl>{}\
         <h2 style=\"border-top:2px solid #888;padding:16px 16px 0;font-size:15px\">{heading}</h2>\
         <pre style=\"white-space:pre-wrap;padding:0 16px 16px\">{}</pre>",
        mail.html.as_deref().unwrap_or(""),
        html_escape(&mail.text)
    )
}
