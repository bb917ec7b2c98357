//! Who looks: the session of a cookie, or a guest with a token for forms. The cookie holds 256 random
//! bits and nothing else; the store knows only its hash.

use crate::app::App;
use crate::error::PageError;
use crate::language;
use crate::locale::Lang;
use crate::templates::{NavLink, Page, Signature, render, render_page};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use kakehashi_core::vocabulary::Role;
use kakehashi_store::view::LoginUser;
use serde::Serialize;
use std::net::SocketAddr;

/// Cookie of the session.
const SESSION_COOKIE: &str = "kakehashi_session";
/// Cookie of a guest's forms.
const GUEST_COOKIE: &str = "kakehashi_guest";
/// A session ends after a working day.
pub(crate) const SESSION_SECONDS: i64 = 12 * 3600;

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) user: LoginUser,
    pub(crate) csrf: String,
    pub(crate) lang: Lang,
    pub(crate) large: bool,
    pub(crate) expires_at: kakehashi_core::clock::UtcMicros,
    /// The page's own request for fresh parts: nobody has looked.
    pub(crate) is_refresh: bool,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let to_login = || {
            let next = if parts.method == Method::GET { encode(parts.uri.path()) } else { String::new() };
            Redirect::to(&format!("/login?next={next}")).into_response()
        };
        let token =
            language::cookie(&parts.headers, SESSION_COOKIE).filter(|t| is_token(t)).ok_or_else(to_login)?;
        let accounts = app.store().accounts(&app.state.network);
        let session =
            accounts.session(token, app.now()).await.map_err(|e| PageError::from(e).into_response())?;
        let session = session.ok_or_else(to_login)?;
        let visitor = Self {
            lang: Lang(session.login_user.locale),
            user: session.login_user,
            csrf: session.csrf_token,
            large: language::large(&parts.headers),
            expires_at: session.expires_at,
            is_refresh: parts.headers.contains_key("x-live"),
        };
        parts.extensions.insert(visitor.clone());
        Ok(visitor)
    }
}

/// What a page needs of its frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    /// Path of the navigation entry that is current.
    pub(crate) current: &'a str,
    /// Title.
    pub(crate) title: &'a str,
    /// What live updates concern it.
    pub(crate) live: Option<&'a str>,
}

impl Visitor {
    pub(crate) fn is_office(&self) -> bool {
        self.user.role == Role::Office
    }

    /// Renders a page with navigation and counts.
    pub(crate) async fn page<T: Serialize>(
        &self,
        app: &App,
        frame: Frame<'_>,
        template: &'static str,
        page: &T,
    ) -> Result<Response, PageError> {
        let body = render(self.lang, template, page)?;
        let mut nav = vec![("/", "nav.groups", None)];
        if self.is_office() {
            let office = app.store().office(&app.state.network);
            let count = |n: u32| Some(n).filter(|n| *n > 0);
            nav.push(("/triage", "nav.triage", count(office.triage_count().await?)));
            nav.push(("/outbox", "nav.outbox", count(office.outbox_count().await?)));
            nav.push(("/fax", "nav.fax", None));
            nav.push(("/intakes", "nav.intakes", None));
            nav.push(("/interfaces", "nav.interfaces", None));
            nav.push(("/facilities", "nav.facilities", None));
            nav.push(("/rules", "nav.rules", None));
            nav.push(("/audit", "nav.audit", None));
        }
        nav.push(("/settings", "nav.settings", None));
        let nav = nav
            .into_iter()
            .map(|(href, key, count)| NavLink {
                href: href.to_owned(),
                label: self.lang.t(key),
                current: href == frame.current,
                count,
            })
            .collect();
        let html = render_page(&Page {
            locale: self.lang.0,
            title: frame.title.to_owned(),
            nav,
            signature: Some(Signature {
                facility: self.user.facility_name.clone(),
                name: self.user.display_name.clone(),
                csrf: self.csrf.clone(),
            }),
            body,
            large: self.large,
            live: frame.live.map(str::to_owned),
        });
        Ok(Html(html).into_response())
    }
}

/// Somebody without login.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    pub(crate) lang: Lang,
    pub(crate) large: bool,
    /// Token of the forms shown to this browser.
    pub(crate) token: String,
    /// Set if the browser had none yet.
    pub(crate) fresh: bool,
    /// Address of the peer, for counting failures.
    pub(crate) peer: String,
    pub(crate) secure: bool,
}

impl FromRequestParts<App> for Guest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let known = language::cookie(&parts.headers, GUEST_COOKIE).filter(|t| is_token(t)).map(str::to_owned);
        let fresh = known.is_none();
        Ok(Self {
            lang: language::lang(&parts.headers),
            large: language::large(&parts.headers),
            token: known.unwrap_or_else(crate::random::token),
            fresh,
            peer: peer(parts),
            secure: app.state.secure_cookies,
        })
    }
}

impl Guest {
    /// Whether the token of a form is this browser's.
    pub(crate) fn signed(&self, token: Option<&str>) -> bool {
        !self.fresh && token.is_some_and(|t| same(t, &self.token))
    }

    /// Renders a page without navigation.
    pub(crate) fn page<T: Serialize>(
        &self,
        title: &str,
        template: &'static str,
        page: &T,
    ) -> Result<Response, PageError> {
        let body = render(self.lang, template, page)?;
        let html = render_page(&Page { large: self.large, ..Page::plain(self.lang.0, title, body) });
        let cookie =
            self.fresh.then(|| (SET_COOKIE, cookie(GUEST_COOKIE, &self.token, 24 * 3600, self.secure)));
        Ok((AppendHeaders(cookie), Html(html)).into_response())
    }
}

/// Address of the peer without port; one name for all if the server does not tell.
pub(crate) fn peer(parts: &Parts) -> String {
    parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or_else(|| "unknown".to_owned(), |c| c.0.ip().to_string())
}

/// The session's token of a request, for logout.
pub(crate) fn session_token(headers: &HeaderMap) -> Option<&str> {
    language::cookie(headers, SESSION_COOKIE)
}

/// Cookie that opens a session.
pub(crate) fn session_cookie(token: &str, secure: bool) -> HeaderValue {
    cookie(SESSION_COOKIE, token, SESSION_SECONDS, secure)
}

/// Cookie that ends it.
pub(crate) fn no_session_cookie(secure: bool) -> HeaderValue {
    cookie(SESSION_COOKIE, "", 0, secure)
}

/// A cookie for this site only, unreadable for scripts. `value` is ours: hexadecimal or a code.
pub(crate) fn cookie(name: &str, value: &str, seconds: i64, secure: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    HeaderValue::from_str(&format!(
        "{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    ))
    .unwrap_or_else(|_| HeaderValue::from_static("kakehashi_invalid=; Max-Age=0"))
}

/// Compares without telling how far two texts are alike.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0_u8, |acc, (x, y)| acc | (x ^ y)) == 0
}

fn is_token(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A path as a query value.
fn encode(path: &str) -> String {
    path.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"/-_.".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}
