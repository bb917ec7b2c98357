//! The page that tells software makers how to send a care note.

use crate::error::PageError;
use crate::session::Guest;
use crate::views::simple::{ApiAnswer, ApiPage};
use axum::response::Response;

const EXAMPLE: &str = r#"{
  "note_id": "2026-06-11-0042",
  "group": "つばき01",
  "title": "バイタル",
  "body": "血圧 158/92、脈 96、SpO₂ 94 %。むくみが少しあります。",
  "urgency": "normal",
  "reply_expectation": "none",
  "occurred_at": "2026-06-11T10:05:00+09:00",
  "staff_name": "岡本 亮",
  "application": "記録ソフト 5.2",
  "attachments": [
    { "name": "photo.jpg", "media_type": "image/jpeg", "data": "/9j/4AAQSkZJRg…" }
  ]
}"#;

/// The page.
pub(crate) async fn page(guest: Guest) -> Result<Response, PageError> {
    let lang = guest.lang;
    let answers = [
        ("201", "api.201"),
        ("401", "api.401"),
        ("409", "api.409"),
        ("413", "api.413"),
        ("422", "api.422"),
        ("503", "api.503"),
    ];
    let page = ApiPage {
        example: EXAMPLE.to_owned(),
        answers: answers
            .into_iter()
            .map(|(code, key)| ApiAnswer { code, meaning: lang.t(key), act: lang.t(&format!("{key}_do")) })
            .collect(),
    };
    guest.page(&lang.t("api.title"), "api_docs", &page)
}

#[cfg(test)]
mod tests {
    use super::EXAMPLE;
    use kakehashi_core::care_note::{CareNote, CareNoteLimits};

    #[test]
    fn the_example_is_a_care_note() {
        let example = EXAMPLE.replace('…', "Q=="); // the picture is cut short on the page
        CareNote::parse(example.as_bytes(), &CareNoteLimits::default()).unwrap();
    }
}
