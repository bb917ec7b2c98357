//! The files of one item behind its reply code, without login: those that are too large for a mail. What may
//! be seen is what the mail itself would carry, because it is rendered by the deliverer's own renderer in the
//! endpoint's content mode: locked PDFs in mode B, files as they are in mode C, nothing in mode A.

use crate::app::App;
use crate::error::PageError;
use crate::pages::attachments::disposition;
use crate::pages::code::{Opened, gone, open};
use crate::session::Guest;
use crate::views::simple::{CodeFileLine, CodeFilesPage};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kakehashi_core::job::{DeliveryJob, JobContent};
use kakehashi_core::rendered::{RenderedContent, RenderedFile};
use std::sync::Arc;

/// Larger files are held by the office.
const FILE_BYTES: u64 = 64 * 1024 * 1024;
/// A file that is saved, never shown: it is another's and may be anything.
const POLICY: &str = "default-src 'none'; sandbox";

/// The list.
pub(crate) async fn list(
    State(app): State<App>,
    guest: Guest,
    Path(code): Path<String>,
) -> Result<Response, PageError> {
    let Some(opened) = open(&app, &guest, &code).await? else { return gone(&app, &guest).await };
    let files = files(&app, &opened).await?;
    let network = app.network().await?;
    let lang = guest.lang;
    let page = CodeFilesPage {
        office: network.office_name.clone(),
        back: format!("/r/{}", opened.code),
        files: files
            .iter()
            .enumerate()
            .map(|(at, file)| CodeFileLine {
                href: format!("/r/{}/files/{at}", opened.code),
                name: file.name.clone(),
                size: format!("{} KB", file.bytes.len().div_ceil(1024)),
            })
            .collect(),
        until: lang.tf("code.until", &[&lang.at(opened.page.entry.expires_at)]),
        hurry: lang.tf("code.hurry", &[&network.office_phone, &network.office_hours]),
    };
    guest.page(&lang.t("code.files"), "code_files", &page)
}

/// One file.
pub(crate) async fn file(
    State(app): State<App>,
    guest: Guest,
    Path((code, at)): Path<(String, usize)>,
) -> Result<Response, PageError> {
    let Some(opened) = open(&app, &guest, &code).await? else { return gone(&app, &guest).await };
    let file = files(&app, &opened).await?.into_iter().nth(at).ok_or(PageError::NotFound)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CONTENT_DISPOSITION, disposition("attachment", &file.name));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok((headers, file.bytes).into_response())
}

/// The files of the item that the code opens, as its mail has or would have them.
async fn files(app: &App, opened: &Opened) -> Result<Vec<RenderedFile>, PageError> {
    let worker = app.state.store.worker(&app.state.network);
    let Some(mut job) = worker.preview(&opened.page.entry.delivery_id, FILE_BYTES).await? else {
        return Ok(Vec::new());
    };
    if !only_item(&mut job, opened) {
        return Ok(Vec::new());
    }
    let _permit = app.drawing.acquire().await.map_err(|e| PageError::internal(&e))?;
    let render = Arc::clone(&app.state.rendering);
    let rendered =
        tokio::task::spawn_blocking(move || render(&job)).await.map_err(|e| PageError::internal(&e))?;
    match rendered {
        Ok(RenderedContent::Email(mut mail)) => {
            mail.attachments.append(&mut mail.on_page);
            Ok(mail.attachments)
        }
        // A FAX carried its pages; what cannot be rendered has no files.
        Ok(_) | Err(_) => Ok(Vec::new()),
    }
}

/// Leaves only the item of the code; false if the delivery does not carry it any more.
fn only_item(job: &mut DeliveryJob, opened: &Opened) -> bool {
    match &mut job.content {
        JobContent::Posts(posts) => {
            posts.items.retain(|item| item.post.id == opened.post.id);
            !posts.items.is_empty()
        }
        JobContent::Sheet(_) | JobContent::Notice { .. } => false,
    }
}
