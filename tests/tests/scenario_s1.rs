//! Scenario S1 of care-network.md 8.2: an admission on a Friday evening, the care manager's FAX although
//! the office is closed, the digests of Saturday, Monday and next Friday, and the sheet that comes back.
//! 送達 is what a machine said, 了解 what a person confirmed: they are never merged.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_core::reply_code::ReplyCode;
use kakehashi_fax::pages::Page;
use kakehashi_fax::sheet::{SheetSearch, read};
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::Gateway;
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7, receipt};
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::paper;
use serde_json::Value;

const GROUP: &str = "つばき01";
const CARE_MANAGER: &str = "0300000104";
const PHARMACY: &str = "0300000105";
const HELPERS: &str = "0300000106";
const DENTIST: &str = "0300000108";
const NURSES: &str = "hinata@st.example";

/// Seconds since 1970 of a time of day in June 2026, 日本時間.
fn june(day: i64, hour: i64, minute: i64) -> i64 {
    // 2026-06-01T00:00:00+09:00
    1_780_239_600 + ((day - 1) * 24 + hour) * 3600 + minute * 60
}

#[test]
fn admission_and_the_clock() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        friday_evening(&network);
        let code = saturday(&network);
        monday(&network);
        next_friday(&network, &code);
    }
}

fn admitted(topics: &[Value]) -> Option<Value> {
    topics.iter().map(|t| t["topic"].clone()).find(|p| p["post"]["title"] == "入院のお知らせ")
}

fn friday_evening(network: &Network) {
    let mut gateway = network.start("2026-06-05 19:51:00");
    let message = hl7("ja01_adt_a01_admit_iso2022jp.hl7");
    let mut hospital = Mllp::connect(gateway.mllp).unwrap();
    let first = hospital.exchange(&message).unwrap().unwrap();
    assert!(first.contains("\rMSA|AA|2026060519520001"), "{first}");
    let header: Vec<&str> = first.split('\r').next().unwrap().split('|').collect();
    assert_eq!(header[2..6], ["GW", "CARENET", "HIS", "SAKURAMI_CH"], "{first}");
    let second = hospital.exchange(&message).unwrap().unwrap();
    let msa = |a: &str| a.split('\r').find(|s| s.starts_with("MSA|")).map(str::to_owned);
    assert_eq!(msa(&second), msa(&first), "the answer to the second copy");

    let fax = network.relay.wait(CARE_MANAGER, 1).remove(0).read();
    network.settled();
    let topics = network.topics(GROUP);
    assert_eq!(topics.len(), 1, "one topic of two copies: {topics:#?}");
    let post = admitted(&topics).unwrap();
    assert_eq!(post["post"]["urgency"], "urgent");
    assert_eq!(post["post"]["channel"], "hl7");
    let body = post["post"]["body"].as_str().unwrap();
    for part in ["山本千代様", "桜見中央病院", "5階東", "6月5日19:40", "入院されました", "入院時情報提供書"]
    {
        assert!(body.contains(part), "{part}: {body}");
    }
    // The care manager is asked, the others share, and nobody of the hospital gets its own news.
    for (facility, asked) in [
        ("F02", "none"),
        ("F03", "none"),
        ("F04", "reply"),
        ("F05", "none"),
        ("F06", "none"),
        ("F08", "none"),
    ] {
        assert_eq!(receipt(&post, facility)["asked"], asked, "{facility}");
    }
    assert!(post["receipts"].as_array().unwrap().iter().all(|r| r["facility_id"] != "F01"));

    the_clock_of_the_care_manager(&post, fax.pdf());
    a_sheet_with_a_code(fax.pdf());
    // Handed off is not yet delivered; the far machine's word makes it so, and neither is 了解.
    let way = &receipt(&post, "F04")["deliveries"][0];
    assert_eq!(
        (&way["channel"], &way["mode"], &way["state"]),
        (&"fax".into(), &"instant".into(), &"handed_off".into())
    );
    network.report_arrival(&gateway, &fax, CARE_MANAGER);
    network.wait_topics("送達 at F04", GROUP, |topics| {
        let post = admitted(topics)?;
        let receipt = receipt(&post, "F04");
        assert_eq!(receipt["acknowledgement"], Value::Null, "送達 is not 了解");
        (receipt["deliveries"][0]["state"] == "delivered").then_some(())
    });

    // Urgent reaches nurses (not yet their quiet hours) and pharmacy at once, helpers by telephone.
    assert!(network.relay.wait(NURSES, 1)[0].read().subject.contains("つばき01"));
    assert_eq!(network.relay.wait(PHARMACY, 1).len(), 1);
    let helpers = receipt(&post, "F06")["deliveries"].as_array().unwrap();
    let by = |channel: &str| helpers.iter().find(|d| d["channel"] == channel).unwrap();
    assert_eq!(by("phone_memo")["mode"], "instant");
    assert_eq!(by("fax")["mode"], "digest");
    assert_eq!(by("fax")["due_at"], june(6, 8, 0) * 1_000_000);
    let dentist = &receipt(&post, "F08")["deliveries"][0];
    assert_eq!((&dentist["mode"], &dentist["state"]), (&"digest".into(), &"held".into()));
    assert_eq!(dentist["due_at"], june(12, 15, 0) * 1_000_000);
    for nobody in [HELPERS, DENTIST, "0300000101"] {
        assert!(network.relay.to(nobody).is_empty(), "{nobody} got something");
    }
    gateway.stop();
}

/// 連携期限 by rule, version and F04's own hours: on the post, and as the last line of its FAX alone.
fn the_clock_of_the_care_manager(post: &Value, pdf: &[u8]) {
    let liaison = post["post"]["liaison"].as_array().unwrap();
    assert_eq!(liaison.len(), 2, "{liaison:?}");
    for (row, what, until) in [
        (0, "admission_answer", serde_json::json!(["2026-06-08"])),
        (1, "admission_information", serde_json::json!(["2026-06-06", "2026-06-07"])),
    ] {
        let found = &liaison[row];
        assert_eq!((&found["facility_id"], &found["what"]), (&"F04".into(), &what.into()));
        assert_eq!(found["until"], until);
        assert_eq!((&found["because"], &found["rule"]), (&"after_hours".into(), &"2024-04".into()));
    }
    let document = lopdf::Document::load_mem(pdf).unwrap();
    let pages: Vec<u32> = document.get_pages().keys().copied().collect();
    let text: String = document.extract_text(&pages).unwrap().split_whitespace().collect();
    let line =
        "(Ⅰ)6/6(土)まで※営業時間後の入院のため翌日を含む(Ⅱ)6/7(日)まで。末日の扱いは保険者に確認ください";
    assert!(text.contains(line), "{text}");
}

/// The last page is the reply sheet; the printed code can be read from its picture.
fn a_sheet_with_a_code(pdf: &[u8]) -> ReplyCode {
    match read(&paper::reply_sheet(pdf)) {
        SheetSearch::Found(sheet) => sheet.find.code,
        other => panic!("no sheet: {other:?}"),
    }
}

/// Saturday: the helpers' digest at 8:00, the care manager's sheet at 10:15. Returns the code of the sheet.
fn saturday(network: &Network) -> ReplyCode {
    let mut gateway = network.start("2026-06-06 07:59:55");
    let digest = network.relay.wait(HELPERS, 1).remove(0).read();
    assert!(digest.written_at >= june(6, 8, 0), "the digest of 8:00 left at {}", digest.written_at);
    a_sheet_with_a_code(digest.pdf());
    gateway.stop();

    let mut gateway = network.start("2026-06-06 10:15:00");
    let fax = network.relay.to(CARE_MANAGER).remove(0).read();
    let code = a_sheet_with_a_code(fax.pdf());
    let mut sheet = paper::reply_sheet(fax.pdf());
    paper::tick(&mut sheet, "acknowledge");
    paper::write(&mut sheet);
    network.fax(&gateway, CARE_MANAGER, &[sheet, Page::white_a4(196.0)]);
    let post = network.wait_topics("the sheet on the thread", GROUP, |topics| {
        let reply = topics[0]["replies"].as_array()?.first()?;
        assert_eq!(reply["post"]["facility_id"], "F04");
        assert_eq!(reply["post"]["channel"], "fax");
        let images = reply["attachments"].as_array()?.iter().filter(|a| a["role"] == "page_image").count();
        assert_eq!(images, 1, "the blank page is not shown: {reply:#}");
        admitted(topics)
    });
    let care_manager = receipt(&post, "F04");
    assert!(!care_manager["replied_at"].is_null(), "{care_manager:#}");
    assert_eq!(care_manager["acknowledgement"], Value::Null, "no machine turns ink into 了解");
    assert_eq!(care_manager["deliveries"][0]["state"], "delivered");

    // The office confirms the tick; then both facts stand side by side with their own times.
    let mut office = Office::log_in(&gateway);
    let items = office.triage();
    assert_eq!(items.len(), 1, "one sheet to confirm");
    let (status, page) = office.get(&items[0]);
    assert_eq!(status, 200);
    assert!(page.contains("/confirmation"), "no confirmation of the sheet: {page}");
    let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
    let form = [("csrf", csrf.as_str()), ("mark", "acknowledge"), ("staff_id", "kinoshita")];
    let (status, text) = office.post(&format!("{}/confirmation", items[0]), &form);
    assert!((300..400).contains(&status), "{status} {text}");
    assert!(office.triage().is_empty());
    let post = network.wait_topics("了解 at F04", GROUP, |topics| {
        let post = admitted(topics)?;
        (!receipt(&post, "F04")["acknowledgement"].is_null()).then_some(post)
    });
    let care_manager = receipt(&post, "F04");
    let acknowledgement = &care_manager["acknowledgement"];
    assert_eq!(acknowledgement["channel"], "fax");
    assert_eq!(care_manager["acknowledged_by"], "木下 昌平");
    let delivered_at = care_manager["deliveries"][0]["state_at"].as_i64().unwrap();
    let acknowledged_at = acknowledgement["acknowledged_at"].as_i64().unwrap();
    assert!(delivered_at < june(5, 20, 0) * 1_000_000 && acknowledged_at > june(6, 10, 14) * 1_000_000);

    // The doctor writes; the care manager's next digest is on Monday, the nurses' at 13:00 today.
    let topic = post["post"]["id"].as_str().unwrap();
    let mut doctor = Office::log_in_as(&gateway, "saeki", "sakurami-demo");
    let (_, page) = doctor.get(&format!("/groups/G01/topics/{topic}"));
    let form = between(&page, &format!("action=\"/groups/G01/topics/{topic}/replies\""), "</form>").unwrap();
    let field = |name: &str| between(form, &format!("name=\"{name}\" value=\""), "\"").unwrap();
    let fields =
        [("csrf", field("csrf")), ("post_id", field("post_id")), ("body", "入院先へ薬の一覧を送りました。")];
    let (status, text) = doctor.post_parts(&format!("/groups/G01/topics/{topic}/replies"), &fields);
    assert!((300..400).contains(&status), "{status} {text}");
    network.wait_topics("the doctor's digests", GROUP, |topics| {
        let reply = topics[0]["replies"].as_array()?.iter().find(|r| r["post"]["facility_id"] == "F02")?;
        assert_eq!(receipt(reply, "F04")["deliveries"][0]["due_at"], june(8, 9, 0) * 1_000_000);
        assert_eq!(receipt(reply, "F03")["deliveries"][0]["due_at"], june(6, 13, 0) * 1_000_000);
        Some(())
    });
    gateway.stop();
    code
}

fn monday(network: &Network) {
    let before = network.relay.to(CARE_MANAGER).len();
    assert_eq!(before, 1, "nothing went to the care manager on the weekend");
    let mut gateway = network.start("2026-06-08 08:59:55");
    let digest = network.relay.wait(CARE_MANAGER, before + 1).remove(before).read();
    assert!(digest.written_at >= june(8, 9, 0), "the digest of 9:00 left at {}", digest.written_at);
    // The nurses' digest was due while nothing ran: it goes out late, not never.
    assert!(network.relay.wait(NURSES, 2)[1].read().subject.contains("まとめ便"));
    gateway.stop();
}

/// The dentist's one digest a week: everything on one sheet, and only now.
fn next_friday(network: &Network, code_of_the_care_manager: &ReplyCode) {
    assert!(network.relay.to(DENTIST).is_empty());
    let mut gateway = network.start("2026-06-12 14:59:55");
    let digest = network.relay.wait(DENTIST, 1).remove(0).read();
    assert!(digest.written_at >= june(12, 15, 0), "the digest of 15:00 left at {}", digest.written_at);
    let code = a_sheet_with_a_code(digest.pdf());
    assert_ne!(&code, code_of_the_care_manager);
    let post = admitted(&network.topics(GROUP)).unwrap();
    assert_eq!(receipt(&post, "F08")["deliveries"].as_array().unwrap().len(), 1);
    one_delivery_for_all(network, &gateway);
    gateway.stop();
}

/// Admission, the care manager's sheet and the doctor's reply went to the dentist as one FAX.
fn one_delivery_for_all(network: &Network, gateway: &Gateway) {
    let digest = network.relay.to(DENTIST).remove(0).read();
    network.report_arrival(gateway, &digest, DENTIST);
    network.wait_topics("送達 of the digest at F08", GROUP, |topics| {
        let topic = &topics[0];
        let replies = topic["replies"].as_array()?;
        let posts: Vec<&Value> = std::iter::once(&topic["topic"]).chain(replies).collect();
        assert_eq!(posts.len(), 3);
        let ways: Vec<&Value> = posts.iter().map(|p| &receipt(p, "F08")["deliveries"][0]).collect();
        assert!(ways.iter().all(|w| w["delivery_id"] == ways[0]["delivery_id"]), "{ways:#?}");
        ways.iter().all(|w| w["state"] == "delivered").then_some(())
    });
    assert_eq!(network.relay.to(DENTIST).len(), 1);
}
