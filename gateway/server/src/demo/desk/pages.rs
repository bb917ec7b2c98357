//! The desk's pages, in the look of all others. Everything a sender wrote is escaped by the templates.

use super::Item;
use handlebars::Handlebars;
use kakehashi_core::sheet_form::box_words;
use kakehashi_core::sheet_geometry::{LayoutBox, PAGE_HEIGHT, PAGE_WIDTH};
use serde::Serialize;
use std::sync::LazyLock;

static TEMPLATES: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    for (name, text) in [
        ("layout", include_str!("../../../../../templates/demo/layout.hbs")),
        ("list", include_str!("../../../../../templates/demo/list.hbs")),
        ("item", include_str!("../../../../../templates/demo/item.hbs")),
        ("fault", include_str!("../../../../../templates/demo/fault.hbs")),
    ] {
        #[expect(clippy::expect_used, reason = "the templates are part of the program; a test renders each")]
        registry.register_template_string(name, text).expect("a template that is part of the program parses");
    }
    registry
});

#[derive(Serialize)]
struct ListPage<'a> {
    items: Vec<ListRow<'a>>,
}

#[derive(Serialize)]
struct ListRow<'a> {
    id: &'a str,
    fax: bool,
    hl7: bool,
    receiver: &'a str,
    to: String,
    at: String,
    subject: &'a str,
    attachments: usize,
}

#[derive(Serialize)]
struct ItemPage<'a> {
    id: &'a str,
    fax: bool,
    receiver: &'a str,
    to: String,
    at: String,
    from: &'a str,
    subject: &'a str,
    text: &'a str,
    answer_to: Option<String>,
    attachments: Vec<AttachmentRow>,
    pages: Vec<PageRow>,
    last_page: usize,
    boxes: Vec<BoxRow<'a>>,
}

#[derive(Serialize)]
struct AttachmentRow {
    index: usize,
    name: String,
    kilobytes: usize,
}

#[derive(Serialize)]
struct PageRow {
    index: usize,
    number: usize,
    last: bool,
}

/// A tick box in percent of the page, so that it can be clicked where it is printed.
#[derive(Serialize)]
struct BoxRow<'a> {
    name: &'a str,
    ja: &'a str,
    en: &'static str,
    left: f32,
    top: f32,
    width: f32,
    height: f32,
}

fn recipient(item: &Item) -> String {
    item.caught
        .fax_number()
        .map_or_else(|| item.caught.recipient().to_owned(), |number| format!("FAX {number}"))
}

/// All caught items.
pub(super) fn list(items: &[Item]) -> String {
    let rows = items.iter().map(|item| ListRow {
        id: &item.caught.id,
        fax: item.caught.fax_number().is_some(),
        hl7: item.caught.interface.is_some(),
        receiver: &item.receiver,
        to: recipient(item),
        at: item.caught.caught_at.to_ja(),
        subject: item.mail.subject.as_deref().unwrap_or(""),
        attachments: item.mail.parts.len(),
    });
    render("list", &ListPage { items: rows.collect() })
}

/// One caught item: a mail to answer, or pages to send back.
pub(super) fn item(item: &Item, page_count: usize, printed: &[LayoutBox]) -> String {
    let percent = |part: f32, whole: f32| part * 100.0 / whole;
    let attachments = item.mail.parts.iter().enumerate().map(|(index, part)| AttachmentRow {
        index,
        name: part.name.clone().unwrap_or_else(|| part.media_type.clone()),
        kilobytes: part.bytes.len().div_ceil(1024),
    });
    let boxes = printed.iter().map(|tick| {
        let area = tick.area();
        BoxRow {
            name: &tick.id,
            ja: &tick.label,
            en: box_words(&tick.id).map_or("", |words| words.en),
            left: percent(area.x, PAGE_WIDTH),
            top: percent(area.y, PAGE_HEIGHT),
            width: percent(area.width, PAGE_WIDTH),
            height: percent(area.height, PAGE_HEIGHT),
        }
    });
    let pages =
        (0..page_count).map(|index| PageRow { index, number: index + 1, last: index + 1 == page_count });
    let page = ItemPage {
        id: &item.caught.id,
        fax: item.caught.fax_number().is_some(),
        receiver: &item.receiver,
        to: recipient(item),
        at: item.caught.caught_at.to_ja(),
        from: item.mail.from.as_ref().map_or("", |f| f.address.as_str()),
        subject: item.mail.subject.as_deref().unwrap_or(""),
        text: &item.mail.text,
        answer_to: super::answer_to(&item.mail),
        attachments: attachments.collect(),
        pages: pages.collect(),
        last_page: page_count.saturating_sub(1),
        boxes: boxes.collect(),
    };
    render("item", &page)
}

/// Something did not work.
pub(super) fn fault(words: &str) -> String {
    render("fault", &serde_json::json!({ "words": words }))
}

fn render(name: &str, context: &impl Serialize) -> String {
    TEMPLATES.render(name, context).unwrap_or_else(|error| {
        tracing::error!(%error, template = name, "demo.desk: template failed");
        "このページは表示できません / this page cannot be shown".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::catcher::Caught;
    use kakehashi_core::clock::UtcMicros;

    #[test]
    fn what_a_sender_wrote_is_shown_and_never_run() {
        let hostile = "From: a@b.example\r\nTo: c@d.example\r\nSubject: <script>alert(1)</script>\r\n\r\n<img src=x onerror=alert(1)>\r\n";
        let item = Item {
            caught: Caught {
                id: "01HZZZZZZZZZZZZZZZZZZZZZZZ".to_owned(),
                caught_at: UtcMicros::from_micros(0),
                mail_from: None,
                rcpt_to: vec!["0300000104@fax.kakehashi.example".to_owned()],
                interface: None,
            },
            mail: kakehashi_email::read::parse_mail(hostile.as_bytes()).unwrap(),
            receiver: "<script>".to_owned(),
        };
        for html in [list(std::slice::from_ref(&item)), super::item(&item, 2, &[]), fault("<script>")] {
            assert!(!html.contains("<script>") && !html.contains("<img src=x"), "{html}");
            assert!(html.contains("</html>"), "{html}");
        }
        assert!(super::item(&item, 2, &[]).contains("0300000104"));
    }
}
