//! Login and logout. One answer for a wrong name and a wrong password, the same work for both, and a
//! pause after too many failures from one address for one name.

use crate::app::App;
use crate::error::PageError;
use crate::forms::{GuestForm, SignedForm};
use crate::language;
use crate::session::{Guest, SESSION_SECONDS, cookie, no_session_cookie, session_cookie, session_token};
use crate::views::simple::LoginPage;
use crate::{password, random};
use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use kakehashi_core::vocabulary::Locale;
use serde::Deserialize;

/// What the address of the form may say.
#[derive(Deserialize)]
pub(crate) struct Asked {
    next: Option<String>,
    lang: Option<String>,
}

/// The form.
pub(crate) async fn form(mut guest: Guest, Query(asked): Query<Asked>) -> Result<Response, PageError> {
    let chosen = asked.lang.as_deref().and_then(Locale::from_code);
    if let Some(locale) = chosen {
        guest.lang.0 = locale;
    }
    let page = LoginPage {
        csrf: guest.token.clone(),
        next: safe_next(asked.next.as_deref()).to_owned(),
        ..LoginPage::default()
    };
    let answer = guest.page(&guest.lang.t("login.title"), "login", &page)?;
    let keep =
        chosen.map(|l| (SET_COOKIE, cookie(language::LANG_COOKIE, l.code(), 31_536_000, guest.secure)));
    Ok((AppendHeaders(keep), answer).into_response())
}

/// Checks name and password and opens a session.
pub(crate) async fn log_in(
    State(app): State<App>,
    guest: Guest,
    GuestForm(fields): GuestForm,
) -> Result<Response, PageError> {
    let name = fields.line("login_name", 100);
    let next = safe_next(fields.get("next")).to_owned();
    let lang = guest.lang;
    let again = |status: StatusCode, problem: &str, help: Option<&str>| {
        let page = LoginPage {
            csrf: guest.token.clone(),
            next: next.clone(),
            login_name: name.clone(),
            problem: Some(lang.t(problem)),
            help: help.map(|h| lang.t(h)),
        };
        guest.page(&lang.t("login.title"), "login", &page).map(|r| (status, r).into_response())
    };
    if !guest.signed(fields.get("csrf")) {
        return again(StatusCode::FORBIDDEN, "login.expired", None);
    }
    let now = app.now();
    let key = format!("{} {}", guest.peer, name.to_lowercase());
    if app.logins.exhausted(&key, now) {
        return again(StatusCode::TOO_MANY_REQUESTS, "login.too_many", None);
    }
    let accounts = app.store().accounts(&app.state.network);
    let user = accounts.by_login_name(&name).await?;
    let hash = user.as_ref().map(|u| u.password_hash.clone());
    let typed = fields.0.iter().find(|(n, _)| n == "password").map(|(_, v)| v.clone()).unwrap_or_default();
    let fits = tokio::task::spawn_blocking(move || password::fits(&typed, hash.as_deref()))
        .await
        .map_err(|e| PageError::internal(&e))?;
    let Some(user) = user.filter(|_| fits) else {
        app.logins.failed(&key, now);
        return again(StatusCode::UNAUTHORIZED, "login.wrong", Some("login.wrong_help"));
    };
    app.logins.succeeded(&key);
    let token = random::token();
    accounts.open_session(&user.id, &token, &random::token(), now, now.plus_seconds(SESSION_SECONDS)).await?;
    let secure = app.state.secure_cookies;
    let cookies = AppendHeaders([
        (SET_COOKIE, session_cookie(&token, secure)),
        (SET_COOKIE, cookie(language::LANG_COOKIE, user.locale.code(), 31_536_000, secure)),
    ]);
    let next = if next.is_empty() { "/".to_owned() } else { next };
    Ok((cookies, Redirect::to(&next)).into_response())
}

/// Ends the session.
pub(crate) async fn log_out(
    State(app): State<App>,
    headers: HeaderMap,
    SignedForm(_): SignedForm,
) -> Result<Response, PageError> {
    if let Some(token) = session_token(&headers) {
        app.store().accounts(&app.state.network).close_session(token).await?;
    }
    let cookie = AppendHeaders([(SET_COOKIE, no_session_cookie(app.state.secure_cookies))]);
    Ok((cookie, Redirect::to("/login")).into_response())
}

/// A path of ours, or nothing: never another site.
fn safe_next(next: Option<&str>) -> &str {
    next.filter(|n| {
        n.starts_with('/') && !n.starts_with("//") && !n.contains(['\\', '\r', '\n']) && n.len() < 300
    })
    .unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::safe_next;

    #[test]
    fn one_is_never_sent_elsewhere_after_login() {
        assert_eq!(safe_next(Some("/groups/G01")), "/groups/G01");
        for bad in
            ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nb"]
        {
            assert_eq!(safe_next(Some(bad)), "", "{bad}");
        }
    }
}
