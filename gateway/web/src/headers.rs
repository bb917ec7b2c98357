//! The outermost layer: security headers on every answer, fault pages in the language of the request, and
//! a refusal of forms that another site sends (Fetch Metadata, besides the token in every form).

use crate::app::App;
use crate::error::{Fault, PageError};
use crate::language;
use crate::templates::{Page, render, render_page};
use crate::views::simple::FaultPage;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

/// Nothing but our own files; no inline script or style, no foreign frame.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

/// Refuses unsafe requests that a browser says come from elsewhere.
pub(crate) async fn same_site_only(request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !is_safe && is_foreign(request.headers()) {
        return PageError::StaleForm.into_response();
    }
    next.run(request).await
}

fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return !matches!(site, "same-origin" | "none");
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some("null"), _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, o)| o != host),
        _ => false,
    }
}

/// Fault pages and headers.
pub(crate) async fn finish(State(app): State<App>, request: Request, next: Next) -> Response {
    let lang = language::lang(request.headers());
    let large = language::large(request.headers());
    let mut response = next.run(request).await;
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        let status = response.status();
        let page = FaultPage {
            status: status.as_u16(),
            title: lang.t(fault.key),
            help: lang.t(&format!("{}_help", fault.key)),
            case: fault.case,
        };
        let body = render(lang, "fault", &page).unwrap_or_default();
        let html = render_page(&Page { large, ..Page::plain(lang.0, page.title, body) });
        response = (status, Html(html)).into_response();
    }
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "SAMEORIGIN");
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("permissions-policy"), "geolocation=(), microphone=(), payment=(), usb=()");
    set(header::CACHE_CONTROL, "no-store");
    if app.state.secure_cookies {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_other_sites_are_known() {
        let cases: [(&[(&'static str, &str)], bool); 6] = [
            (&[], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")], false),
            (&[("origin", "https://evil.example"), ("host", "127.0.0.1:8080")], true),
        ];
        for (pairs, expected) in cases {
            let headers =
                pairs.iter().map(|(k, v)| (HeaderName::from_static(k), v.parse().unwrap())).collect();
            assert_eq!(is_foreign(&headers), expected, "{pairs:?}");
        }
    }
}
