//! A まとめ便 for the pharmacy with its sheets: the doctor writes what is not urgent, and the digest of 14:00 brings it.

use crate::gateway::Gateway;
use crate::network::{Network, receipt};
use crate::office::{Office, between};
use crate::paper;
use kakehashi_fax::pages::Page;

/// FAX number of the pharmacy.
pub const PHARMACY: &str = "0300000105";

/// The doctor writes something that is not urgent in a group, and asks the pharmacy to take note.
///
/// # Panics
/// The page refuses it.
pub fn post(doctor: &mut Office, group: &str, title: &str) {
    ask(doctor, group, title, "F05");
}

/// The same, asking another facility.
///
/// # Panics
/// The page refuses it.
pub fn ask(doctor: &mut Office, group: &str, title: &str, facility: &str) {
    let (_, page) = doctor.get(&format!("/groups/{group}"));
    let form = between(&page, &format!("action=\"/groups/{group}/posts\""), "</form>").unwrap_or_default();
    let field = |name: &str| between(form, &format!("name=\"{name}\" value=\""), "\"").unwrap_or_default();
    let fields = [
        ("csrf", field("csrf")),
        ("post_id", field("post_id")),
        ("title", title),
        ("body", "次回の訪問で様子を見ます。"),
        ("urgency", "normal"),
        ("expectation", "ack"),
        ("addressee", facility),
    ];
    let (status, text) = doctor.post_parts(&format!("/groups/{group}/posts"), &fields);
    assert!((300..400).contains(&status), "{status} {text}");
}

/// The office switches 「このまま返送＝了解」 on.
///
/// # Panics
/// The desk refuses it.
pub fn switch_untouched_on(office: &mut Office) {
    let (_, desk) = office.get("/fax");
    let token = between(&desk, "name=\"csrf\" value=\"", "\"").unwrap_or_default().to_owned();
    let on = [("csrf", token.as_str()), ("untouched", "yes"), ("pages_a_day", "60"), ("page_cost", "10")];
    let (status, text) = office.post("/fax/settings", &on);
    assert!((300..400).contains(&status), "{status} {text}");
}

/// Whether the pharmacy has acknowledged the topic.
///
/// # Panics
/// There is none of this title.
#[must_use]
pub fn acknowledged(network: &Network, group: &str, title: &str) -> bool {
    let topics = network.topics(group);
    let topic = topics.iter().find(|t| t["topic"]["post"]["title"] == title);
    let topic = topic.unwrap_or_else(|| panic!("no topic {title}"));
    !receipt(&topic["topic"], "F05")["acknowledgement"].is_null()
}

/// Posts with their groups in the digest of 14:00 of a day, and the pages that it came on. The gateway runs on.
///
/// # Panics
/// It does not come.
#[must_use]
pub fn digest(network: &Network, day: &str, posts: &[(&str, &str)], already: usize) -> (Gateway, Vec<Page>) {
    let mut gateway = network.start(&format!("{day} 13:20:00"));
    let mut doctor = Office::log_in_as(&gateway, "saeki", "sakurami-demo");
    for (group, title) in posts {
        post(&mut doctor, group, title);
    }
    gateway.stop();
    let gateway = network.start(&format!("{day} 13:59:55"));
    let fax = network.relay.wait(PHARMACY, already + 1).pop().unwrap_or_else(|| panic!("no digest"));
    let pages = paper::all_pages(fax.read().pdf());
    (gateway, pages)
}
