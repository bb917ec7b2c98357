//! The FAX desk on real paper: a document that came in two calls and upside down is turned, joined and placed as
//! one post; 貼付票 go out for the notebook at home, and its page comes back by FAX and as a mailed photograph
//! into the right group, where a person marks 家族記入.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_fax::pages::{Page, PageLimits, read_pages};
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::Gateway;
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7, send_mail};
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::{letters, paper};

const GROUP: &str = "つばき01";
const CARE_MANAGER: &str = "0300000104";
const PHARMACY: &str = "0300000105";
const NURSES: &str = "hinata@st.example";

fn csrf(page: &str) -> String {
    between(page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned()
}

fn send(office: &mut Office, at: &str, path: &str, fields: &[(&str, &str)]) {
    let (_, page) = office.get(at);
    let token = csrf(&page);
    let mut all = vec![("csrf", token.as_str())];
    all.extend(fields);
    let (status, text) = office.post(path, &all);
    assert!((300..400).contains(&status), "{path}: {status} {text}");
}

/// A page of handwriting, all of it in the upper half.
fn written() -> Page {
    let mut page = Page::white_a4(98.0);
    for n in 0..8_u8 {
        let y = 20.0 + 6.0 * f32::from(n);
        page.draw_line_mm(&[(30.0, y), (90.0, y + 2.0), (120.0, y)], 1.2);
    }
    page
}

/// Share of the ink of a picture that lies in its upper half.
fn upper_ink(png: &[u8]) -> f32 {
    let pages = read_pages(png, &PageLimits::default()).unwrap().pages;
    let page = &pages[0];
    let rows = |from: u32, to: u32| {
        (from..to).map(|y| (0..page.width).filter(|x| page.is_black(*x, y)).count()).sum::<usize>()
    };
    let (upper, lower) = (rows(0, page.height / 2), rows(page.height / 2, page.height));
    upper as f32 / (upper + lower).max(1) as f32
}

#[test]
fn pages_are_turned_and_joined_into_one_post() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-12 14:10:05");
        network.fax(&gateway, PHARMACY, &[paper::upside_down(&written())]);
        network.settled();
        network.fax(&gateway, PHARMACY, &[written()]);
        network.settled();
        let mut office = Office::log_in(&gateway);
        let items = office.triage();
        assert_eq!(items.len(), 2);
        let (_, page) = office.get(&items[0]);
        let picture = between(&page, "name=\"page\" value=\"", "\"").unwrap().to_owned();
        let (_, before) = office.get_bytes(&format!("/attachments/{picture}"));
        assert!(upper_ink(&before) < 0.1, "it came upside down");
        let turn = format!("{}/turn", items[0]);
        send(&mut office, &items[0], &turn, &[("page", picture.as_str()), ("degrees", "180")]);
        let (_, after) = office.get_bytes(&format!("/attachments/{picture}"));
        assert!(upper_ink(&after) > 0.9, "for good");

        // The second call brought the second page.
        let other = items[1].rsplit('/').next().unwrap().to_owned();
        assert!(page.contains(&format!("name=\"join\" value=\"{other}\"")), "{page}");
        let placement = format!("{}/placement", items[0]);
        let fields = [("group_id", "G01"), ("reason", "電話で薬局に確認"), ("join", other.as_str())];
        send(&mut office, &items[0], &placement, &fields);
        assert!(office.triage().is_empty(), "both are placed");
        network.wait_topics("one post of both calls", GROUP, |topics| {
            assert!(topics.len() <= 1);
            let topic = &topics.first()?["topic"];
            let images = topic["attachments"].as_array()?.iter().filter(|a| a["role"] == "page_image");
            (images.count() == 2).then_some(())
        });
        gateway.stop();
    }
}

/// Orders slips of the group's topics for the care manager's digest of 16:00.
fn slips(network: &Network, gateway: &Gateway) -> Vec<u8> {
    let mut office = Office::log_in(gateway);
    let (_, page) = office.get("/groups/G01");
    let form = between(&page, "action=\"/groups/G01/paste-slips\"", "</form>").unwrap();
    let option = form.split("<option").find(|o| o.contains(CARE_MANAGER)).unwrap();
    let endpoint = between(option, "value=\"", "\"").unwrap().to_owned();
    let before = network.relay.to(CARE_MANAGER).len();
    send(&mut office, "/groups/G01", "/groups/G01/paste-slips", &[("endpoint_id", endpoint.as_str())]);
    network.relay.wait(CARE_MANAGER, before + 1)[before].read().pdf().to_vec()
}

#[test]
fn a_page_of_the_notebook_finds_its_group() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-09 10:19:50");
        let discharge = hl7("ja02_adt_a03_discharge_iso2022jp.hl7");
        Mllp::connect(gateway.mllp).unwrap().exchange(&discharge).unwrap().unwrap();
        assert_eq!(network.relay.wait(CARE_MANAGER, 1).len(), 1);
        gateway.stop();
        let mut gateway = network.start("2026-06-09 15:59:50");
        let pdf = slips(&network, &gateway);
        let page = Page::from_pdf(&pdf, 0).unwrap();

        // Whoever visits next brings the page back: another member than the one that got the slips.
        network.fax(&gateway, PHARMACY, std::slice::from_ref(&page));
        let post = network.wait_topics("the page in its group", GROUP, |topics| {
            let mut all = topics.iter().map(|t| &t["topic"]);
            let topic = all.find(|t| t["post"]["channel"] == "notebook")?;
            assert_eq!(topic["post"]["facility_id"], "F05");
            let images = topic["attachments"].as_array()?.iter().filter(|a| a["role"] == "page_image");
            assert_eq!(images.count(), 1, "one post with its image");
            Some(topic["post"]["id"].as_str()?.to_owned())
        });
        let path = format!("/groups/G01/topics/{post}");
        let mut office = Office::log_in(&gateway);
        let (_, shown) = office.get(&path);
        let form = between(&shown, "/relatives\"", "</form>").unwrap();
        let key = between(form, "name=\"post_id\" value=\"", "\"").unwrap().to_owned();
        let fields = [("post_id", key.as_str()), ("relative", "山本 恵")];
        send(&mut office, &path, &format!("{path}/posts/{post}/relatives"), &fields);
        network.wait_topics("家族記入", GROUP, |topics| {
            let topic = topics.iter().find(|t| t["topic"]["post"]["id"] == post.as_str())?;
            let reply = topic["replies"].as_array()?.first()?;
            reply["post"]["body"].as_str()?.contains("家族記入(山本 恵様)").then_some(())
        });

        // And as a photograph in a mail, from a member that mails.
        send_mail(
            &gateway,
            NURSES,
            "intake@in.kakehashi.example",
            &letters::photograph(NURSES, &page.to_png()),
        );
        network.settled();
        let waiting = office.triage();
        assert!(waiting.is_empty(), "{}", office.get(waiting.first().unwrap_or(&String::new())).1);
        network.wait_topics("the photograph in its group", GROUP, |topics| {
            let pages = topics.iter().map(|t| &t["topic"]["post"]).filter(|p| p["channel"] == "notebook");
            pages.map(|p| p["facility_id"].clone()).any(|f| f == "F03").then_some(())
        });

        // A stranger's photograph of the same page opens nothing.
        network.fax(&gateway, "0311112222", &[paper::upside_down(&page)]);
        network.settled();
        let pages = network.topics(GROUP);
        let count = pages.iter().filter(|t| t["topic"]["post"]["channel"] == "notebook").count();
        assert_eq!(count, 2);
        gateway.stop();
    }
}

/// The words of a FAX without blanks.
fn words(pdf: &[u8]) -> String {
    let document = lopdf::Document::load_mem(pdf).unwrap();
    let pages: Vec<u32> = document.get_pages().keys().copied().collect();
    document.extract_text(&pages).unwrap().split_whitespace().collect()
}

#[test]
fn a_history_leaves_behind_its_cover_only() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-09 10:19:50");
        let discharge = hl7("ja02_adt_a03_discharge_iso2022jp.hl7");
        Mllp::connect(gateway.mllp).unwrap().exchange(&discharge).unwrap().unwrap();
        assert_eq!(network.relay.wait(CARE_MANAGER, 1).len(), 1);
        gateway.stop();
        let mut gateway = network.start("2026-06-09 15:59:50");
        let mut office = Office::log_in(&gateway);
        let (_, page) = office.get("/groups/G01");
        let form = between(&page, "action=\"/groups/G01/history\"", "</form>").unwrap();
        let option = form.split("<option").find(|o| o.contains(CARE_MANAGER)).unwrap();
        let endpoint = between(option, "value=\"", "\"").unwrap().to_owned();
        let without_call = [
            ("endpoint_id", endpoint.as_str()),
            ("from", "2026-06-01"),
            ("until", "2026-06-09"),
            ("reason", "担当者会議の準備"),
        ];
        let token = csrf(&page);
        let mut fields = vec![("csrf", token.as_str())];
        fields.extend(without_call);
        let (status, _) = office.post("/groups/G01/history", &fields);
        assert_eq!(status, 422, "nobody was called");
        fields.push(("listener", "高梨"));
        let (status, text) = office.post("/groups/G01/history", &fields);
        assert!((300..400).contains(&status), "{status} {text}");

        let cover = network.relay.wait(CARE_MANAGER, 2)[1].read();
        assert!(!words(cover.pdf()).contains("退院"), "nothing about the patient yet");
        let mut sheet = paper::reply_sheet(cover.pdf());
        paper::tick(&mut sheet, "send_body");
        network.fax(&gateway, CARE_MANAGER, &[sheet]);
        network.settled();
        // A sure tick lets it go by itself; otherwise the office presses one key.
        for item in office.triage() {
            send(&mut office, &item, &format!("{item}/request"), &[]);
        }
        let copy = network.relay.wait(CARE_MANAGER, 3)[2].read();
        let text = words(copy.pdf());
        assert!(text.contains("ご依頼の履歴の写し") && text.contains("退院"), "{text}");
        gateway.stop();
    }
}
