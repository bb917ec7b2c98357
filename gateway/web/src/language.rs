//! Language and size of text for those who are not logged in: a cookie, else what the browser asks for.

use crate::locale::Lang;
use axum::http::{HeaderMap, header};
use kakehashi_core::vocabulary::Locale;

/// Cookie with the language.
pub(crate) const LANG_COOKIE: &str = "kakehashi_lang";
/// Cookie with the size of text.
pub(crate) const SIZE_COOKIE: &str = "kakehashi_size";

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// The language of a request without login.
pub(crate) fn lang(headers: &HeaderMap) -> Lang {
    let chosen = cookie(headers, LANG_COOKIE).and_then(Locale::from_code);
    let asked = || {
        let header = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        header.split(',').find_map(|part| {
            let tag = part.split(';').next()?.trim().to_ascii_lowercase();
            match tag.split('-').next() {
                Some("ja") => Some(Locale::Ja),
                Some("en") => Some(Locale::En),
                _ => None,
            }
        })
    };
    Lang(chosen.or_else(asked).unwrap_or(Locale::Ja))
}

/// Whether large print is wanted.
pub(crate) fn large(headers: &HeaderMap) -> bool {
    cookie(headers, SIZE_COOKIE) == Some("large")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (axum::http::HeaderName::from_static(k), v.parse().unwrap())).collect()
    }

    #[test]
    fn the_cookie_comes_before_the_browser_and_japanese_is_the_default() {
        assert_eq!(lang(&headers(&[])).0, Locale::Ja);
        assert_eq!(lang(&headers(&[("accept-language", "fr, en-GB;q=0.8")])).0, Locale::En);
        let both = headers(&[("accept-language", "en"), ("cookie", "a=b; kakehashi_lang=ja")]);
        assert_eq!(lang(&both).0, Locale::Ja);
        assert!(large(&headers(&[("cookie", "kakehashi_size=large")])));
    }
}
