//! Scenario S4 of care-network.md 8.5: a pharmacy faxes its own form, without any code of ours. No machine
//! attaches it anywhere and nobody gets it; a person places it and asks the doctor, with the time at which it came,
//! and what leaves then is its image: no dose as text. The doctor's answer on the web comes back to the pharmacy as a
//! FAX with a sheet in its next digest; the nurses alone are asked to weigh. What belongs on the telephone
//! (疑義照会) goes back at once.

use kakehashi_fax::pages::Page;
use kakehashi_tests::database::Database;
use kakehashi_tests::network::{Network, receipt, send_mail};
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::{digests, letters, paper};

const PHARMACY: &str = "0300000105";
const CARE_MANAGER: &str = "0300000104";
const NURSES: &str = "hinata@st.example";
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
        let left = |to: &str| network.relay.to(to).len();
        assert_eq!((left(NURSES), left(CARE_MANAGER), left(PHARMACY)), (0, 0, 0), "and nothing leaves");

        let mut office = Office::log_in(&gateway);
        let items = office.triage();
        assert_eq!(items.len(), 1);
        let (_, page) = office.get(&items[0]);
        assert!(page.contains("あおぞら薬局桜見店"), "{page}");
        assert_eq!(page.matches("<div class=\"viewer").count(), 2, "both pages are seen");
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
        // 返信希望 to the clinic: whom nobody names is not asked, and a facility outside the group cannot be.
        let placed = |asked: &'static str| {
            let reason = "電話で薬局に確認";
            [
                ("csrf", csrf.as_str()),
                ("group_id", "G01"),
                ("reason", reason),
                ("expectation", "reply"),
                ("addressee", asked),
            ]
        };
        let placement = format!("{}/placement", items[0]);
        for nobody in ["", "F09"] {
            let (status, again) = office.post(&placement, &placed(nobody));
            assert_eq!(status, 200, "{again}");
            assert!(again.contains("お願いする施設を選んでください"), "{again}");
            assert!(again.contains("value=\"電話で薬局に確認\""), "what was typed is kept: {again}");
        }
        let (status, text) = office.post(&placement, &placed("F02"));
        assert!((300..400).contains(&status), "{status} {text}");
        let topic = network.wait_topics("the form on the thread", GROUP, |topics| {
            let topic = &topics.first()?["topic"];
            assert_eq!(topic["post"]["facility_id"], "F05");
            assert_eq!(topic["post"]["channel"], "fax");
            let images = topic["attachments"].as_array()?.iter().filter(|a| a["role"] == "page_image");
            assert_eq!(images.count(), 2);
            assert_eq!(topic["post"]["body"], "", "the image is the authority: no dose as text");
            assert_eq!(topic["post"]["expectation"], "reply");
            assert_eq!(receipt(topic, "F02")["asked"], "reply");
            assert_eq!(receipt(topic, "F03")["asked"], "none", "the nurses share");
            // From FAX to post: both times are kept.
            let (came, placed) = (&topic["post"]["received_at"], &topic["post"]["posted_at"]);
            assert!(came.as_i64()? < placed.as_i64()?, "{came} {placed}");
            Some(topic["post"]["id"].as_str()?.to_owned())
        });
        let (_, desk) = office.get("/fax");
        assert!(desk.contains("あおぞら薬局桜見店") && desk.contains("/attachments/"), "{desk}");

        gateway.stop();

        // Monday morning.
        let mut gateway = network.start("2026-06-15 09:20:00");
        let mut doctor = Office::log_in_as(&gateway, "saeki", "sakurami-demo");
        let action = format!("/groups/G01/topics/{topic}/replies");
        let (_, page) = doctor.get(&format!("/groups/G01/topics/{topic}"));
        let form = between(&page, &format!("action=\"{action}\""), "</form>").unwrap();
        let field = |name: &str| between(form, &format!("name=\"{name}\" value=\""), "\"").unwrap();
        assert!(page.contains("14:10"), "the time at which the FAX came: {page}");
        let fields = [
            ("csrf", field("csrf")),
            ("post_id", field("post_id")),
            ("body", "朝1回へ変更します。6/16訪問時に処方。"),
        ];
        let (status, text) = doctor.post_parts(&action, &fields);
        assert!((300..400).contains(&status), "{status} {text}");
        digests::ask(&mut doctor, "G01", "浮腫: 体重測定のお願い", "F03");
        assert!(network.relay.to(PHARMACY).is_empty(), "an answer that is not urgent waits for the digest");
        gateway.stop();

        let mut gateway = network.start("2026-06-15 09:29:55");
        let fax = network.relay.wait(PHARMACY, 1).remove(0).read();
        assert!(kakehashi_fax::sheet::find(&paper::reply_sheet(fax.pdf())).is_some(), "with a 返信票");
        gateway.stop();
        // The nurses are asked in their own digest of 13:00.
        let before = network.relay.to(NURSES).len();
        let mut gateway = network.start("2026-06-15 12:59:55");
        let mail = network.relay.wait(NURSES, before + 1).pop().unwrap().read();
        assert!(mail.subject.contains("まとめ便 13:00"), "{}", mail.subject);
        assert!(mail.in_the_open().contains("了解希望"), "{}", mail.in_the_open());
        assert!(!mail.in_the_open().contains("山本"), "no name outside the encrypted part");
        gateway.stop();
    }
}

#[test]
fn a_doubt_about_a_prescription_goes_back_to_the_telephone() {
    let network = Network::new(&Database::Sqlite);
    network.register("endpoints.csv", "F05,email,kusuri@aozora.example,verified,no,,,,,,,,");
    let mut gateway = network.start("2026-06-12 14:10:05");
    let words = "処方内容に疑義あり、調剤前です。アムロジピン5mgの用量を確認したい。";
    let to = "g-7k2m9q@in.kakehashi.example";
    let mail = letters::plain("kusuri@aozora.example", to, "処方の確認", "", words);
    send_mail(&gateway, "kusuri@aozora.example", to, &mail);
    network.settled();
    assert!(network.topics(GROUP).is_empty(), "no channel for it");
    let answer = network.relay.wait("kusuri@aozora.example", 1).remove(0).read();
    assert!(answer.text.contains("電話"), "{}", answer.text);
    assert!(!answer.in_the_open().contains("アムロジピン"), "{}", answer.text);
    let mut office = Office::log_in(&gateway);
    let items = office.triage();
    assert_eq!(items.len(), 1, "電話依頼: somebody sees to it that the call happens");
    let (_, task) = office.get(&items[0]);
    assert!(task.contains("電話依頼") && !task.contains(&format!("{}/return", items[0])), "{task}");
    // The same on paper: a person sees it and sends it back with these words.
    let mut form = Page::white_a4(98.0);
    paper::write(&mut form);
    network.fax(&gateway, PHARMACY, &[form]);
    network.settled();
    let on_paper = office.triage().into_iter().find(|i| !items.contains(i)).unwrap();
    let (_, page) = office.get(&on_paper);
    let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
    let fields = [("csrf", csrf.as_str()), ("notice", "phone_please")];
    let (status, text) = office.post(&format!("{on_paper}/return"), &fields);
    assert!((300..400).contains(&status), "{status} {text}");
    let fax = network.relay.wait(PHARMACY, 1).remove(0).read();
    let document = lopdf::Document::load_mem(fax.pdf()).unwrap();
    let text: String = document.extract_text(&[1]).unwrap().split_whitespace().collect();
    assert!(text.contains("電話でお願い"), "{text}");
    assert_eq!(office.triage().len(), 2, "both wait for their call");
    for task in [&items[0], &on_paper] {
        let (_, page) = office.get(task);
        assert!(page.contains("電話依頼"), "{page}");
        let call = format!("{task}/call");
        let (status, again) = office.post(&call, &[("csrf", csrf.as_str()), ("listener", "")]);
        assert_eq!(status, 200, "who answered is noted: {again}");
        let (status, text) = office.post(&call, &[("csrf", csrf.as_str()), ("listener", "三浦")]);
        assert!((300..400).contains(&status), "{status} {text}");
        assert!(office.get(task).1.contains("☎ 三浦"), "and shown");
    }
    assert!(office.triage().is_empty());
    assert_eq!(network.relay.to("kusuri@aozora.example").len(), 1, "told once");
    gateway.stop();
}
