//! Fields of a form that carries the session's token. A form without the right token does nothing.

use crate::app::App;
use crate::error::PageError;
use crate::session::{Visitor, same};
use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};

/// Names and values in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, String)>);

impl Fields {
    /// The first value of a name, without blanks around it; none if empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim()).filter(|v| !v.is_empty())
    }

    /// All values of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    /// A text as a person wrote it: LF, no control characters, at most `limit` characters.
    pub(crate) fn text(&self, name: &str, limit: usize) -> String {
        let raw = self.0.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v);
        let clean: String = raw
            .replace("\r\n", "\n")
            .replace('\r', "\n")
            .chars()
            .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
            .take(limit)
            .collect();
        clean.trim().to_owned()
    }

    /// A text on one line.
    pub(crate) fn line(&self, name: &str, limit: usize) -> String {
        self.text(name, limit).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A form of somebody who is logged in, with the right token.
pub(crate) struct SignedForm(pub(crate) Fields);

impl FromRequest<App> for SignedForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, app).await?;
        let request = Request::from_parts(parts, body);
        let fields = GuestForm::from_request(request, app).await?.0;
        if !signed(&visitor, &fields) {
            return Err(PageError::StaleForm.into_response());
        }
        Ok(Self(fields))
    }
}

/// Whether the form's token is the session's.
pub(crate) fn signed(visitor: &Visitor, fields: &Fields) -> bool {
    fields.get("csrf").is_some_and(|token| same(token, &visitor.csrf))
}

/// A form whose token the handler checks itself.
pub(crate) struct GuestForm(pub(crate) Fields);

impl FromRequest<App> for GuestForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        match Form::<Vec<(String, String)>>::from_request(request, app).await {
            Ok(Form(fields)) => Ok(Self(Fields(fields))),
            Err(rejection) if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE => {
                Err(PageError::TooLarge.into_response())
            }
            Err(_) => Err(PageError::BadForm.into_response()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cleaned_and_bounded() {
        let fields = Fields(vec![
            ("a".into(), " x\r\ny\u{0}\u{8} ".into()),
            ("b".into(), "1".into()),
            ("b".into(), "2".into()),
        ]);
        assert_eq!(fields.text("a", 100), "x\ny");
        assert_eq!(fields.line("a", 100), "x y");
        assert_eq!(fields.text("a", 2), "x");
        assert_eq!(fields.all("b").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(fields.get("c"), None);
    }
}
