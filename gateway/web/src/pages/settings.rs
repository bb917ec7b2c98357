//! Language and size of text.

use crate::app::App;
use crate::error::PageError;
use crate::forms::SignedForm;
use crate::language::{LANG_COOKIE, SIZE_COOKIE};
use crate::session::{Frame, Visitor, cookie};
use crate::views::Choice;
use crate::views::simple::SettingsPage;
use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use kakehashi_core::vocabulary::Locale;
use serde::Deserialize;

/// Whether it was just saved.
#[derive(Deserialize)]
pub(crate) struct Asked {
    saved: Option<String>,
}

/// The form.
pub(crate) async fn form(
    State(app): State<App>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let lang = visitor.lang;
    let choice =
        |value: &str, key: &str, chosen: bool| Choice { value: value.to_owned(), word: lang.t(key), chosen };
    let page = SettingsPage {
        csrf: visitor.csrf.clone(),
        saved: asked.saved.is_some(),
        languages: vec![
            choice("ja", "settings.ja", lang.0 == Locale::Ja),
            choice("en", "settings.en", lang.0 == Locale::En),
        ],
        sizes: vec![
            choice("normal", "settings.size_normal", !visitor.large),
            choice("large", "settings.size_large", visitor.large),
        ],
        facility: visitor.user.facility_name.clone(),
        login_name: visitor.user.login_name.clone(),
        name: visitor.user.display_name.clone(),
        role: lang.pick(visitor.user.role.ja(), visitor.user.role.en()).to_owned(),
    };
    let frame = Frame { current: "/settings", title: &lang.t("settings.title"), live: None };
    visitor.page(&app, frame, "settings", &page).await
}

/// Saves both.
pub(crate) async fn save(
    State(app): State<App>,
    visitor: Visitor,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let locale = fields.get("locale").and_then(Locale::from_code).ok_or(PageError::BadForm)?;
    let size = if fields.get("size") == Some("large") { "large" } else { "normal" };
    app.store().accounts(&app.state.network).set_locale(&visitor.user.id, locale).await?;
    let secure = app.state.secure_cookies;
    let cookies = AppendHeaders([
        (SET_COOKIE, cookie(LANG_COOKIE, locale.code(), 31_536_000, secure)),
        (SET_COOKIE, cookie(SIZE_COOKIE, size, 31_536_000, secure)),
    ]);
    Ok((cookies, Redirect::to("/settings?saved=1")).into_response())
}
