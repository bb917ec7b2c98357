//! Scenario S4 of care-network.md 8.5: a pharmacy faxes its own form, without any code of ours. No machine
//! attaches it anywhere; a person places it, and the doctor's answer on the web comes back to the pharmacy
//! as a FAX with a sheet in its next digest.

use kakehashi_fax::pages::Page;
use kakehashi_tests::database::Database;
use kakehashi_tests::network::Network;
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::paper;

const PHARMACY: &str = "0300000105";
const GROUP: &str = "つばき01";

#[test]
fn an_own_form_is_placed_by_a_person_and_answered_by_fax() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-12 14:10:05");
        let mut form = Page::white_a4(98.0);
        paper::write(&mut form);
        let mut second = Page::white_a4(98.0);
        paper::write(&mut second);
        network.fax(&gateway, PHARMACY, &[form, second]);
        network.settled();
        assert!(network.topics(GROUP).is_empty(), "nothing is guessed");

        let mut office = Office::log_in(&gateway);
        let items = office.triage();
        assert_eq!(items.len(), 1);
        let (_, page) = office.get(&items[0]);
        assert!(page.contains("あおぞら薬局桜見店"), "{page}");
        assert_eq!(page.matches("<div class=\"viewer").count(), 2, "both pages are seen");
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
        let fields = [("csrf", csrf.as_str()), ("group_id", "G01"), ("reason", "電話で薬局に確認")];
        let (status, text) = office.post(&format!("{}/placement", items[0]), &fields);
        assert!((300..400).contains(&status), "{status} {text}");
        let topic = network.wait_topics("the form on the thread", GROUP, |topics| {
            let topic = &topics.first()?["topic"];
            assert_eq!(topic["post"]["facility_id"], "F05");
            assert_eq!(topic["post"]["channel"], "fax");
            let images = topic["attachments"].as_array()?.iter().filter(|a| a["role"] == "page_image");
            assert_eq!(images.count(), 2);
            Some(topic["post"]["id"].as_str()?.to_owned())
        });
        let (_, desk) = office.get("/fax");
        assert!(desk.contains("あおぞら薬局桜見店") && desk.contains("/attachments/"), "{desk}");

        let mut doctor = Office::log_in_as(&gateway, "saeki", "sakurami-demo");
        let action = format!("/groups/G01/topics/{topic}/replies");
        let (_, page) = doctor.get(&format!("/groups/G01/topics/{topic}"));
        let form = between(&page, &format!("action=\"{action}\""), "</form>").unwrap();
        let field = |name: &str| between(form, &format!("name=\"{name}\" value=\""), "\"").unwrap();
        let fields =
            [("csrf", field("csrf")), ("post_id", field("post_id")), ("body", "朝1回へ変更します。")];
        let (status, text) = doctor.post_parts(&action, &fields);
        assert!((300..400).contains(&status), "{status} {text}");
        assert!(network.relay.to(PHARMACY).is_empty(), "an answer that is not urgent waits for the digest");
        gateway.stop();

        let mut gateway = network.start("2026-06-15 09:29:55");
        let fax = network.relay.wait(PHARMACY, 1).remove(0).read();
        assert!(kakehashi_fax::sheet::find(&paper::reply_sheet(fax.pdf())).is_some(), "with a 返信票");
        gateway.stop();
    }
}
