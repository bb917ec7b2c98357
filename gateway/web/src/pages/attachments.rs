//! Attachments: safe kinds are shown, everything else is only saved. A file never runs in our name: its
//! kind is told by its bytes, never sniffed, and it may load nothing.

use crate::app::App;
use crate::error::PageError;
use crate::rights::Reader;
use crate::session::Frame;
use crate::upload::kind_of;
use crate::views::simple::ZoomPage;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kakehashi_core::ids::AttachmentId;
use kakehashi_core::post::StoredAttachment;
use serde::Deserialize;
use std::sync::Arc;

/// Pages of one file that can be asked for.
const MAX_PAGE: usize = 500;
/// A picture may load nothing and run nothing.
const PICTURE_POLICY: &str = "default-src 'none'; sandbox";
/// Browsers show PDFs in a viewer of their own, which a sandbox would forbid.
pub(crate) const PDF_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'";

/// The file.
pub(crate) async fn file(reader: Reader, Path(id): Path<String>) -> Result<Response, PageError> {
    let (stored, bytes) = reader.attachment(&AttachmentId::new(id)).await?;
    Ok(answer(&stored, bytes))
}

fn answer(stored: &StoredAttachment, bytes: Vec<u8>) -> Response {
    // Both the recorded kind and the bytes must say so.
    let shown = kind_of(&bytes).filter(|kind| *kind == stored.media_type);
    let (media_type, policy, way) = match shown {
        Some("application/pdf") => ("application/pdf", PDF_POLICY, "inline"),
        Some(picture) => (picture, PICTURE_POLICY, "inline"),
        None => ("application/octet-stream", PICTURE_POLICY, "attachment"),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::CONTENT_DISPOSITION, disposition(way, stored.name.as_deref().unwrap_or("attachment"))),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=300")),
    ];
    (headers, bytes).into_response()
}

/// A disposition with the name in UTF-8 (RFC 6266); every sign that is not plain is percent-encoded, so a
/// name can add nothing to the header.
pub(crate) fn disposition(way: &str, name: &str) -> HeaderValue {
    let mut encoded = String::with_capacity(name.len() * 3);
    for byte in name.bytes().take(600) {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    HeaderValue::from_str(&format!("{way}; filename*=UTF-8''{encoded}"))
        .unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

/// One page of a PDF as picture: `/attachments/ID/pages/2.png`.
pub(crate) async fn page_image(
    State(app): State<App>,
    reader: Reader,
    Path((id, page)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let page = page
        .strip_suffix(".png")
        .and_then(|n| n.parse::<usize>().ok())
        .filter(|n| (1..=MAX_PAGE).contains(n))
        .ok_or(PageError::NotFound)?;
    let (stored, bytes) = reader.attachment(&AttachmentId::new(id)).await?;
    if kind_of(&bytes) != Some("application/pdf") || stored.media_type != "application/pdf" {
        return Err(PageError::NotFound);
    }
    let permit = app.drawing.acquire().await.map_err(|e| PageError::internal(&e))?;
    let images = Arc::clone(&app.state.page_images);
    let drawn = tokio::task::spawn_blocking(move || images.pdf_page_png(&bytes, page)).await;
    drop(permit);
    match drawn {
        Ok(Ok(png)) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("image/png")),
                (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PICTURE_POLICY)),
                (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=300")),
            ];
            Ok((headers, png).into_response())
        }
        Ok(Err(cause)) => {
            tracing::info!(attachment = %stored.id, page, cause, "a page of a PDF cannot be drawn");
            Err(PageError::NotFound)
        }
        Err(error) => Err(PageError::internal(&error)),
    }
}

/// How a picture is looked at.
#[derive(Deserialize)]
pub(crate) struct Asked {
    page: Option<usize>,
    turn: Option<u16>,
    larger: Option<u8>,
    /// The page from which one came.
    from: Option<String>,
}

/// The page to go back to: as the address says, else as the browser says; only pages that hold pictures.
fn came_from(asked: Option<&str>, headers: &HeaderMap) -> String {
    let referer = || {
        let text = headers.get(header::REFERER)?.to_str().ok()?;
        let rest = text.split_once("://")?.1;
        rest.find('/').map(|at| &rest[at..])
    };
    let is_ours = |path: &str| {
        ["/groups/", "/triage/", "/intakes/"].iter().any(|p| path.starts_with(p))
            && path.len() < 200
            && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_".contains(&b))
    };
    asked
        .or_else(referer)
        .map(|p| p.split('?').next().unwrap_or(p))
        .filter(|p| is_ours(p))
        .unwrap_or("/")
        .to_owned()
}

/// A picture or PDF page alone, turned and enlarged by links.
pub(crate) async fn zoom(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let (stored, bytes) = reader.attachment(&AttachmentId::new(id)).await?;
    let kind = kind_of(&bytes).filter(|kind| *kind == stored.media_type).ok_or(PageError::NotFound)?;
    let is_pdf = kind == "application/pdf";
    let path = format!("/attachments/{}", stored.id);
    let turn = asked.turn.filter(|t| matches!(t, 90 | 180 | 270)).unwrap_or(0);
    let larger = asked.larger == Some(1);
    let last =
        stored.pages.and_then(|p| usize::try_from(p).ok()).unwrap_or(if is_pdf { MAX_PAGE } else { 1 });
    let page = asked.page.unwrap_or(1).clamp(1, last.max(1));
    let lang = reader.visitor.lang;
    let back = came_from(asked.from.as_deref(), &headers);
    let link = |page: usize, turn: u16, larger: bool| {
        format!("{path}/zoom?page={page}&turn={turn}&larger={}&from={back}", u8::from(larger))
    };
    let view = ZoomPage {
        src: if is_pdf { format!("{path}/pages/{page}.png") } else { path.clone() },
        alt: stored.name.clone().unwrap_or_else(|| lang.t("zoom.title")),
        file: path.clone(),
        class: format!("turn-{turn}{}", if larger { " larger" } else { "" }),
        turn_href: link(page, (turn + 90) % 360, larger),
        larger_href: link(page, turn, !larger),
        is_larger: larger,
        page: is_pdf.then(|| lang.tf("zoom.page", &[&page.to_string()])),
        previous: (is_pdf && page > 1).then(|| link(page - 1, turn, larger)),
        next: (is_pdf && page < last && stored.pages.is_some()).then(|| link(page + 1, turn, larger)),
        back: back.clone(),
    };
    let frame = Frame { current: "", title: &lang.t("zoom.title"), live: None };
    reader.visitor.page(&app, frame, "zoom", &view).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use kakehashi_core::envelope::ContentHash;
    use kakehashi_core::vocabulary::AttachmentRole;

    fn stored(media_type: &str, name: &str) -> StoredAttachment {
        StoredAttachment {
            id: AttachmentId::new("a"),
            intake_id: None,
            post_id: None,
            position: 0,
            role: AttachmentRole::Document,
            name: Some(name.to_owned()),
            media_type: media_type.to_owned(),
            size_bytes: 1,
            content_hash: ContentHash::of(b""),
            pages: None,
        }
    }

    #[test]
    fn only_safe_kinds_are_shown_and_only_if_the_bytes_agree() {
        let way = |media_type: &str, bytes: &[u8]| {
            let response = answer(&stored(media_type, "x"), bytes.to_vec());
            let header = |name| response.headers()[name].to_str().unwrap().to_owned();
            (header(header::CONTENT_TYPE), header(header::CONTENT_DISPOSITION).starts_with("inline"))
        };
        assert_eq!(way("image/png", b"\x89PNG\r\n\x1a\n"), ("image/png".into(), true));
        assert_eq!(way("application/pdf", b"%PDF-1.4"), ("application/pdf".into(), true));
        assert_eq!(way("image/png", b"<script>"), ("application/octet-stream".into(), false));
        assert_eq!(way("text/html", b"<script>"), ("application/octet-stream".into(), false));
        assert_eq!(way("image/svg+xml", b"<svg/>"), ("application/octet-stream".into(), false));
    }

    #[test]
    fn one_goes_back_to_pages_of_ours_only() {
        let from = |referer: &str| {
            let headers = [(header::REFERER, referer.parse().unwrap())].into_iter().collect();
            came_from(None, &headers)
        };
        assert_eq!(from("http://127.0.0.1:8080/groups/G01/topics/T1?x=1"), "/groups/G01/topics/T1");
        assert_eq!(from("http://127.0.0.1:8080/attachments/A/zoom"), "/");
        assert_eq!(came_from(Some("//evil.example/groups/"), &HeaderMap::new()), "/");
        assert_eq!(came_from(Some("/triage/X1"), &HeaderMap::new()), "/triage/X1");
    }

    #[test]
    fn a_name_adds_nothing_to_the_header() {
        let value = disposition("attachment", "a\"; x=\r\nSet-Cookie: y=1; 看護.pdf");
        let text = value.to_str().unwrap();
        assert!(!text.contains('"') && !text.contains('\n') && text.matches(';').count() == 1, "{text}");
    }
}
