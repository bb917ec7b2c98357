//! Scenario S2 of care-network.md 8.3: a discharge to seven facilities, each on the channel that it has.
//! Answers come back by mail and paper, once each however often they arrive; the hospital cancels and
//! corrects; the day after, everything is sent once more and nothing changes.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_fax::sheet::{SheetSearch, read};
use kakehashi_tests::caught::Letter;
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::Gateway;
use kakehashi_tests::letters;
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7, receipt, send_mail};
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::paper;
use serde_json::Value;

const GROUP: &str = "つばき01";
const NURSES: &str = "hinata@st.example";
const CARE_MANAGER: &str = "0300000104";
const PHARMACY: &str = "0300000105";
const HELPERS: &str = "0300000106";
const DENTIST: &str = "0300000108";
/// As printed in the demo's directory: agreed with the nurses on paper.
const PASSWORD: &str = "himawari-0303";

const CONFERENCE: &str = "担当者会議";
const DISCHARGE: &str = "ja02_adt_a03_discharge_iso2022jp.hl7";
const SUMMARY: &str = "ja11_mdm_t02_nursing_summary_pdf_iso2022jp.hl7";
const CANCEL: &str = "ja06_adt_a13_cancel_discharge_iso2022jp.hl7";

#[test]
fn discharge_to_seven_facilities() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut log = Log::default();
        let care_manager = tuesday_morning(&network, &mut log);
        tuesday_noon(&network);
        tuesday_afternoon(&network, &mut log, &care_manager);
        wednesday(&network, &mut log);
        everything_again(&network, &log);
    }
}

/// What came in, to be sent once more at the end.
#[derive(Default)]
struct Log {
    hl7: Vec<Vec<u8>>,
    mails: Vec<(String, String, Vec<u8>)>,
}

impl Log {
    /// Over MLLP twice; both times the same answer.
    fn exchange(&mut self, gateway: &Gateway, message: Vec<u8>, control_id: &str) {
        for _ in 0..2 {
            let answer = Mllp::connect(gateway.mllp).unwrap().exchange(&message).unwrap().unwrap();
            assert!(answer.contains(&format!("MSA|AA|{control_id}")), "{answer}");
        }
        self.hl7.push(message);
    }

    /// Over SMTP twice.
    fn mail(&mut self, gateway: &Gateway, from: &str, to: &str, mail: Vec<u8>) {
        for _ in 0..2 {
            send_mail(gateway, from, to, &mail);
        }
        self.mails.push((from.to_owned(), to.to_owned(), mail));
    }

    fn fax(&mut self, gateway: &Gateway, number: &str, pages: &[kakehashi_fax::pages::Page]) {
        let mail = letters::fax(number, pages.len(), &paper::tiff(pages));
        self.mail(gateway, letters::PROVIDER, letters::FAX_INTAKE, mail);
    }
}

/// The one discharge topic; the conference that the care manager calls is another.
fn discharge(topics: &[Value]) -> &Value {
    let of_the_discharge = |t: &&Value| t["topic"]["post"]["title"] != CONFERENCE;
    let found: Vec<&Value> = topics.iter().filter(of_the_discharge).collect();
    assert_eq!(found.len(), 1, "one topic: {topics:#?}");
    assert_eq!(found[0]["topic"]["post"]["title"], "退院のお知らせ");
    found[0]
}

fn replies_of<'v>(topic: &'v Value, facility: &str) -> Vec<&'v Value> {
    topic["replies"].as_array().unwrap().iter().filter(|r| r["post"]["facility_id"] == facility).collect()
}

/// 了解 or reply given, and asked, as the office counts them.
fn answered(topic: &Value, asked: &str) -> (usize, usize) {
    let receipts = topic["topic"]["receipts"].as_array().unwrap();
    let of = receipts.iter().filter(|r| r["asked"] == asked);
    let given = |r: &&Value| match asked {
        "ack" => !r["acknowledgement"].is_null(),
        _ => !r["replied_at"].is_null(),
    };
    (of.clone().filter(given).count(), of.count())
}

/// Returns the care manager's FAX, which is answered after noon.
fn tuesday_morning(network: &Network, log: &mut Log) -> Letter {
    let mut gateway = network.start("2026-06-09 10:19:50");
    log.exchange(&gateway, hl7(DISCHARGE), "2026060910200001");
    log.exchange(&gateway, hl7(SUMMARY), "2026060910310001");

    let mail = network.relay.wait(NURSES, 1).remove(0).read();
    the_nurses_mail(&mail);
    let care_manager = network.relay.wait(CARE_MANAGER, 1).remove(0).read();
    let pharmacy = network.relay.wait(PHARMACY, 1).remove(0).read();
    network.settled();
    what_each_facility_got(network);
    for (job, number) in [(&care_manager, CARE_MANAGER), (&pharmacy, PHARMACY)] {
        network.report_arrival(&gateway, job, number);
    }

    the_nurses_acknowledge(network, &gateway, log, &mail);
    the_pharmacy_answers(network, &gateway, log, &pharmacy);
    a_code_from_a_foreign_number(network, &gateway, &pharmacy);
    gateway.stop();
    care_manager
}

fn the_nurses_mail(mail: &Letter) {
    assert_eq!(mail.subject, "【至急・了解希望】つばき01 退院のお知らせ");
    let open = mail.in_the_open();
    for name in ["山本", "千代", "ヤマモト", "00412338", "1938"] {
        assert!(!open.contains(name), "{name} can be read on the way:\n{open}");
    }
    assert!(mail.answer_to.starts_with("reply+"), "{}", mail.answer_to);
    assert!(!mail.files.is_empty());
    let content = opened(&mail.files[0].bytes);
    for part in ["山本千代様", "6月9日10:20", "退院されました"] {
        assert!(content.contains(part), "{part}: {content}");
    }
}

/// The text of a PDF that opens with the agreed password and with nothing else.
fn opened(pdf: &[u8]) -> String {
    use lopdf::{Document, LoadOptions};
    assert!(Document::load_mem_with_options(pdf, LoadOptions::with_password("another one")).is_err());
    let document = Document::load_mem_with_options(pdf, LoadOptions::with_password(PASSWORD)).unwrap();
    let pages: Vec<u32> = document.get_pages().keys().copied().collect();
    document.extract_text(&pages).unwrap().split_whitespace().collect()
}

fn what_each_facility_got(network: &Network) {
    let topics = network.topics(GROUP);
    let topic = discharge(&topics);
    let post = &topic["topic"];
    assert_eq!(post["post"]["urgency"], "urgent");
    let summary = replies_of(topic, "F01");
    assert_eq!(summary.len(), 1, "the nursing summary lies under the discharge");
    assert_eq!(summary[0]["post"]["title"], "看護サマリー");
    assert_eq!(summary[0]["attachments"][0]["media_type"], "application/pdf");

    /// Facility, what is asked of it, and its deliveries as channel and mode.
    type Wanted<'w> = (&'w str, &'w str, &'w [(&'w str, &'w str)]);
    let wanted: [Wanted<'_>; 7] = [
        ("F02", "none", &[]),
        ("F03", "ack", &[("email", "instant")]),
        ("F04", "reply", &[("fax", "instant")]),
        ("F05", "ack", &[("fax", "instant")]),
        ("F06", "none", &[("fax", "digest"), ("phone_memo", "instant")]),
        ("F07", "none", &[]),
        ("F08", "none", &[("fax", "digest")]),
    ];
    for (facility, asked, ways) in wanted {
        let receipt = receipt(post, facility);
        assert_eq!(receipt["asked"], asked, "{facility}");
        let mut found: Vec<(&str, &str)> = receipt["deliveries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| (d["channel"].as_str().unwrap(), d["mode"].as_str().unwrap()))
            .collect();
        found.sort_unstable();
        assert_eq!(found, ways, "{facility}");
    }
    // 2026-06-09T16:00 and Friday 2026-06-12T15:00, 日本時間.
    assert_eq!(post["post"]["due_at"], 1_780_988_400_000_000_i64);
    let dentist = &receipt(post, "F08")["deliveries"][0];
    assert_eq!((&dentist["due_at"], &dentist["state"]), (&1_781_244_000_000_000_i64.into(), &"held".into()));
    for nobody in [HELPERS, DENTIST, "0300000101"] {
        assert!(network.relay.to(nobody).is_empty(), "{nobody} got something at once");
    }
}

fn the_nurses_acknowledge(network: &Network, gateway: &Gateway, log: &mut Log, mail: &Letter) {
    log.mail(gateway, NURSES, &mail.answer_to, letters::absence(mail, NURSES));
    network.settled();
    let topics = network.topics(GROUP);
    let nurses = receipt(&discharge(&topics)["topic"], "F03");
    assert_eq!(nurses["acknowledgement"], Value::Null, "an absence notice is no 了解");
    assert!(replies_of(discharge(&topics), "F03").is_empty(), "an absence notice is no reply");
    assert_eq!(network.relay.to(NURSES).len(), 1, "a machine was answered");

    let signature = "訪問看護ステーションひなた\n所長 大塚 千尋\nTEL 03-0000-0103";
    log.mail(gateway, NURSES, &mail.answer_to, letters::answer(mail, NURSES, "了解", signature));
    network.wait_topics("了解 of the nurses", GROUP, |topics| {
        let topic = discharge(topics);
        let nurses = receipt(&topic["topic"], "F03");
        assert!(replies_of(topic, "F03").is_empty(), "了解 is not a reply");
        let given = &nurses["acknowledgement"];
        (!given.is_null()).then(|| {
            assert_eq!(given["channel"], "email");
            assert_eq!(nurses["acknowledged_by"], "大塚 千尋");
            assert_eq!(nurses["deliveries"][0]["state"], "delivered");
        })
    });
}

fn the_pharmacy_answers(network: &Network, gateway: &Gateway, log: &mut Log, fax: &Letter) {
    let mut sheet = paper::reply_sheet(fax.pdf());
    paper::tick(&mut sheet, "acknowledge");
    paper::write(&mut sheet);
    log.fax(gateway, PHARMACY, &[sheet]);
    network.wait_topics("the pharmacy's sheet", GROUP, |topics| {
        let topic = discharge(topics);
        let replies = replies_of(topic, "F05");
        let reply = replies.first()?;
        assert!(reply["attachments"].as_array()?.iter().any(|a| a["role"] == "page_image"));
        assert_eq!(
            receipt(&topic["topic"], "F05")["acknowledgement"],
            Value::Null,
            "before the office has looked"
        );
        Some(())
    });
    confirm(gateway, &[("mark", "acknowledge"), ("staff_id", "miura")]);
    network.wait_topics("了解 of the pharmacy", GROUP, |topics| {
        let topic = discharge(topics);
        let pharmacy = receipt(&topic["topic"], "F05");
        let given = &pharmacy["acknowledgement"];
        (!given.is_null()).then(|| {
            assert_eq!(given["channel"], "fax");
            assert_eq!(pharmacy["acknowledged_by"], "三浦 健");
            assert!(given["proxy"].is_null() || given["proxy"] == "渡部 晶", "{given}");
            assert_eq!(replies_of(topic, "F05").len(), 1, "the same sheet twice is one reply");
        })
    });
}

/// 13:20: the care manager's handwriting calls a conference. Her sheet is the reply that was asked of her at once;
/// the office reads it and makes it a topic of its own, which asks three kinds of facilities until noon of the
/// next day. They get it now, because it is due before their second digest.
fn tuesday_afternoon(network: &Network, log: &mut Log, fax: &Letter) {
    let mut gateway = network.start("2026-06-09 13:20:00");
    let mut sheet = paper::reply_sheet(fax.pdf());
    paper::write(&mut sheet);
    log.fax(&gateway, CARE_MANAGER, &[sheet]);
    network.wait_topics("the care manager's sheet", GROUP, |topics| {
        let topic = discharge(topics);
        (!receipt(&topic["topic"], "F04")["replied_at"].is_null()).then_some(())
    });
    let topics = network.topics(GROUP);
    let topic = discharge(&topics);
    let shared =
        topic["topic"]["receipts"].as_array().unwrap().iter().filter(|r| r["asked"] == "none").count();
    assert_eq!(shared, 4, "the others share");
    assert_eq!((answered(topic, "ack"), answered(topic, "reply")), ((2, 2), (1, 1)), "at 14:00");

    let before = network.relay.to(PHARMACY).len();
    let form = [
        ("group_id", "G01"),
        ("reason", "返信票の手書きを読みました"),
        ("heading", CONFERENCE),
        ("transcript", "6/10(水)16時 ご自宅で担当者会議。訪看・薬局・デイは出欠を返信ください"),
        ("expectation", "reply"),
        ("facility_type", "home_nursing_station"),
        ("facility_type", "pharmacy"),
        ("facility_type", "day_service"),
        ("due", "2026-06-09T13:00"),
    ];
    let refused = decide(&gateway, "placement", &form, 200);
    assert!(
        refused.contains("期限は今より後") && refused.contains("訪看・薬局・デイは"),
        "what was typed stays"
    );
    let mut form = form;
    form[8].1 = "2026-06-10T12:00";
    // The group has no such home: a question to nobody is refused.
    let to_nobody: Vec<(&str, &str)> = form
        .into_iter()
        .filter(|(name, _)| *name != "facility_type")
        .chain([("facility_type", "nursing_home")])
        .collect();
    assert!(decide(&gateway, "placement", &to_nobody, 200).contains("お願いする施設を選んでください"));
    decide(&gateway, "placement", &form, 303);
    assert!(Office::log_in(&gateway).triage().is_empty());

    network.wait_topics("the conference", GROUP, |topics| {
        let conference = topics.iter().find(|t| t["topic"]["post"]["title"] == CONFERENCE)?;
        let post = &conference["topic"];
        assert_eq!(post["post"]["due_at"], 1_781_060_400_000_000_i64, "6/10 12:00");
        assert_eq!(post["post"]["facility_id"], "F04");
        assert!(post["post"]["body"].as_str()?.contains("転記"));
        assert!(post["attachments"].as_array()?.iter().any(|a| a["role"] == "page_image"));
        for (facility, ways) in [("F03", ["email"].as_slice()), ("F05", &["fax"]), ("F07", &[])] {
            let receipt = receipt(post, facility);
            assert_eq!(receipt["asked"], "reply", "{facility}");
            let deliveries = receipt["deliveries"].as_array()?;
            let found: Vec<&str> = deliveries.iter().filter_map(|d| d["channel"].as_str()).collect();
            assert_eq!(found, ways, "{facility}");
            assert!(deliveries.iter().all(|d| d["mode"] == "instant"), "{facility}: {deliveries:?}");
        }
        for facility in ["F02", "F06", "F08"] {
            assert_eq!(receipt(post, facility)["asked"], "none", "{facility}");
        }
        Some(())
    });
    let fax = network.relay.wait(PHARMACY, before + 1).remove(before).read();
    assert!(matches!(read(&paper::reply_sheet(fax.pdf())), SheetSearch::Found(_)), "it can be answered");
    gateway.stop();
}

/// The one item in triage is a sheet; one form confirms it.
fn confirm(gateway: &Gateway, fields: &[(&str, &str)]) {
    decide(gateway, "confirmation", fields, 303);
    assert!(Office::log_in(gateway).triage().is_empty());
}

/// Sends one form of the one item in triage, and returns the page that answers.
fn decide(gateway: &Gateway, form_of: &str, fields: &[(&str, &str)], wanted: u16) -> String {
    let mut office = Office::log_in(gateway);
    let items = office.triage();
    assert_eq!(items.len(), 1, "the sheet waits once for the office: {items:?}");
    let (_, page) = office.get(&items[0]);
    let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
    let mut form = vec![("csrf", csrf.as_str())];
    form.extend_from_slice(fields);
    let (status, text) = office.post(&format!("{}/{form_of}", items[0]), &form);
    assert_eq!(status, wanted, "{text}");
    text
}

/// Somebody else's machine sends the pharmacy's sheet: nothing on the thread, an item for the office.
fn a_code_from_a_foreign_number(network: &Network, gateway: &Gateway, fax: &Letter) {
    let before = discharge(&network.topics(GROUP))["replies"].as_array().unwrap().len();
    network.fax(gateway, "0300000777", &[paper::reply_sheet(fax.pdf())]);
    network.settled();
    let topics = network.topics(GROUP);
    assert_eq!(discharge(&topics)["replies"].as_array().unwrap().len(), before);
    let mut office = Office::log_in(gateway);
    let items = office.triage();
    assert_eq!(items.len(), 1, "{items:?}");
    let (_, page) = office.get(&items[0]);
    assert!(page.contains("0300000777") || page.contains("03-0000-0777"), "{page}");
    assert!(!page.contains("/confirmation"), "a foreign sheet must not be offered for confirmation");
    let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
    let form = [("csrf", csrf.as_str()), ("reason", "番号ちがい。電話で確認済み")];
    let (status, text) = office.post(&format!("{}/discard", items[0]), &form);
    assert!((300..400).contains(&status), "{status} {text}");
}

/// The nurses' digest of 13:00 holds the summary, locked.
fn tuesday_noon(network: &Network) {
    let mut gateway = network.start("2026-06-09 12:59:56");
    let digest = network.relay.wait(NURSES, 2).remove(1).read();
    assert!(digest.subject.starts_with("【まとめ便 13:00】"), "{}", digest.subject);
    let open = digest.in_the_open();
    assert!(!open.contains("山本") && !open.contains("00412338"), "{open}");
    assert!(digest.files.len() >= 2, "content and the summary");
    for file in &digest.files {
        opened(&file.bytes);
    }
    gateway.stop();
}

/// F01 cancels by mistake and discharges again. Both correct the same topic.
fn wednesday(network: &Network, log: &mut Log) {
    let mut gateway = network.start("2026-06-10 10:45:05");
    log.exchange(&gateway, hl7(CANCEL), "2026061010450001");
    network.wait_topics("the first correction", GROUP, |topics| {
        let corrections = discharge(topics)["corrections"].as_array()?;
        let first = &corrections.first()?["post"];
        assert_eq!(first["body"].as_str()?, "退院の取消が届きました。病院に確認中です。");
        assert_eq!(first["kind"], "correction");
        assert_eq!(first["urgency"], "urgent");
        Some(())
    });
    // Somebody may already act on the discharge: the office is asked to call the hospital, once.
    let mut office = Office::log_in(&gateway);
    let items = office.triage();
    assert_eq!(items.len(), 1, "{items:?}");
    assert!(office.get(&items[0]).1.contains("送信元に電話で確かめてください"));
    gateway.stop();

    let mut gateway = network.start("2026-06-10 11:02:10");
    let again = String::from_utf8(hl7(DISCHARGE)).unwrap();
    let again = again.replacen("|20260609102000.000|", "|20260610110200.000|", 1);
    let again = again
        .replace("2026060910200001", "2026061011020001")
        .replace("EVN||20260609102000", "EVN||20260610110200");
    log.exchange(&gateway, again.into_bytes(), "2026061011020001");
    network.wait_topics("the second correction", GROUP, |topics| two_corrections(discharge(topics)));
    gateway.stop();
}

fn two_corrections(topic: &Value) -> Option<()> {
    let corrections = topic["corrections"].as_array()?;
    assert!(corrections.len() <= 2, "{corrections:#?}");
    let second = &corrections.get(1)?["post"];
    assert!(second["body"].as_str()?.contains("退院されました"), "{second:#}");
    assert_eq!(second["corrects"], corrections[0]["post"]["id"]);
    Some(())
}

/// All messages twice once more, in their order: nothing changes.
fn everything_again(network: &Network, log: &Log) {
    let mut gateway = network.start("2026-06-10 11:30:00");
    network.settled();
    let before = network.topics(GROUP);
    let count = |topics: &[Value]| -> Vec<usize> {
        let topic = discharge(topics);
        let of = |key: &str| topic[key].as_array().unwrap().len();
        vec![of("corrections"), of("replies"), answered(topic, "ack").0, answered(topic, "reply").0]
    };
    let waiting = Office::log_in(&gateway).triage().len();
    for _ in 0..2 {
        for message in &log.hl7 {
            let answer = Mllp::connect(gateway.mllp).unwrap().exchange(message).unwrap().unwrap();
            assert!(answer.contains("MSA|AA|"), "{answer}");
        }
        for (from, to, mail) in &log.mails {
            send_mail(&gateway, from, to, mail);
        }
    }
    network.settled();
    let after = network.topics(GROUP);
    assert_eq!(count(&after), count(&before), "a replay changes nothing");
    assert_eq!(answered(discharge(&after), "ack"), (2, 2));
    assert_eq!(two_corrections(discharge(&after)), Some(()));
    assert_eq!(Office::log_in(&gateway).triage().len(), waiting, "a replay brings nothing new to triage");
    // The sheet's code is read, whatever became of it.
    let fax = network.relay.to(PHARMACY).remove(0).read();
    assert!(matches!(read(&paper::reply_sheet(fax.pdf())), SheetSearch::Found(_)));
    gateway.stop();
}
