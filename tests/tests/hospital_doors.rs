//! The other doors of a hospital, through the running program: a folder of files and an SS-MIX2 storage that
//! are watched across a restart, a FHIR document over HTTP, and what the office sees of all of it on the
//! pages: the interfaces, the message browser and what a replay does.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::Gateway;
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7};
use kakehashi_tests::office::{Office, agent, between};
use kakehashi_tests::wait;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const GROUP: &str = "つばき01";
const ADMISSION: &str = "ja01_adt_a01_admit_iso2022jp.hl7";
const DISCHARGE: &str = "ja02_adt_a03_discharge_iso2022jp.hl7";
const TRANSFER: &str = "ja07_adt_a02_transfer_iso2022jp.hl7";
const UNKNOWN: &str = "ja60_unknown_patient.hl7";
const LIMIT: Duration = Duration::from_secs(30);

/// Titles of the topics, oldest first, with how many replies and corrections each has.
fn topics(network: &Network) -> Vec<(String, usize, usize)> {
    let mut all: Vec<_> = network
        .topics(GROUP)
        .iter()
        .map(|t| {
            let count = |key: &str| t[key].as_array().map_or(0, Vec::len);
            let title = t["topic"]["post"]["title"].as_str().unwrap_or_default().to_owned();
            (title, count("replies"), count("corrections"))
        })
        .collect();
    all.reverse();
    all
}

fn until_topics(network: &Network, wanted: &[(&str, usize, usize)]) {
    let wanted: Vec<_> = wanted.iter().map(|(t, r, c)| ((*t).to_owned(), *r, *c)).collect();
    wait::until(&format!("{wanted:?}"), LIMIT, || (topics(network) == wanted).then_some(()));
    network.settled();
    assert_eq!(topics(network), wanted);
}

#[test]
fn a_folder_of_files_is_taken_once_across_a_restart() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let folder = network.folder("from-hospital");
        network.configure(&format!(
            "[[hl7_folder]]\npath = \"{}\"\nkind = \"files\"\nevery_seconds = 1\nstable_seconds = 1\n\
             [hl7_folder.interface]\nname = \"sakurami_ch\"\nfacility_name = \"桜見中央病院\"\n\
             [hl7_folder.interface.ward_names]\n\"5E\" = \"5階東\"\n",
            folder.display()
        ));
        std::fs::write(folder.join("0001.hl7"), hl7(ADMISSION)).unwrap();
        let mut gateway = network.start("2026-06-05 19:51:00");
        until_topics(&network, &[("入院のお知らせ", 0, 0)]);
        // The same message by the other door is the same happening.
        Mllp::connect(gateway.mllp).unwrap().exchange(&hl7(ADMISSION)).unwrap().unwrap();
        gateway.stop();

        std::fs::write(folder.join("0002.hl7"), hl7(TRANSFER)).unwrap();
        std::fs::write(folder.join("0003.hl7"), hl7(ADMISSION)).unwrap();
        std::fs::write(folder.join("readme.txt"), "これは電文ではありません").unwrap();
        let mut gateway = network.start("2026-06-06 12:00:00");
        until_topics(&network, &[("入院のお知らせ", 1, 0)]);
        let mut office = Office::log_in(&gateway);
        assert_eq!(intakes_of(&mut office, "type", "ADT^A01"), 1, "one intake of three copies");
        // Nothing was written into the hospital's folder.
        let mut names: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["0001.hl7", "0002.hl7", "0003.hl7", "readme.txt"]);
        gateway.stop();
    }
}

#[test]
fn an_ss_mix2_storage_corrects_what_it_told() {
    for database in Database::all() {
        corrects_what_it_told(&database);
    }
}

fn corrects_what_it_told(database: &Database) {
    println!("on {database:?}");
    let network = Network::new(database);
    let root = network.folder("ssmix2");
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus/hl7/synthetic-ja/ssmix2/standard_root/1390000001/004/123/00412338");
    network.configure(&format!(
        "[[hl7_folder]]\npath = \"{}\"\nkind = \"ssmix2\"\nevery_seconds = 1\nstable_seconds = 1\n\
         [hl7_folder.interface]\nname = \"sakurami_ch\"\nfacility_name = \"桜見中央病院\"\n",
        root.display()
    ));
    let patient = root.join("004/123/00412338");
    copy(&corpus.join("20260605"), &patient.join("20260605"));
    let mut gateway = network.start("2026-06-05 19:55:00");
    until_topics(&network, &[("入院のお知らせ", 0, 0)]);
    gateway.stop();

    // The discharge of the morning was replaced before anybody looked: only the valid one counts.
    copy(&corpus.join("20260609"), &patient.join("20260609"));
    let mut gateway = network.start("2026-06-10 11:05:00");
    until_topics(&network, &[("入院のお知らせ", 0, 0), ("退院のお知らせ", 0, 0)]);
    let mut office = Office::log_in(&gateway);
    assert!(office.triage().is_empty());
    // It is made invalid without a message that cancels: a person decides.
    let day = patient.join("20260609/ADT-52");
    for entry in std::fs::read_dir(&day).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some(stem) = name.strip_suffix("_1") {
            std::fs::rename(&path, day.join(format!("{stem}_0"))).unwrap();
        }
    }
    let items = wait::until("the withdrawn file in triage", LIMIT, || {
        let items = office.triage();
        (!items.is_empty()).then_some(items)
    });
    assert_eq!(items.len(), 1);
    until_topics(&network, &[("入院のお知らせ", 0, 0), ("退院のお知らせ", 0, 0)]);
    gateway.stop();
    // After a restart nothing of it is told again.
    let mut gateway = network.start("2026-06-10 12:00:00");
    std::thread::sleep(Duration::from_secs(3));
    network.settled();
    assert_eq!(Office::log_in(&gateway).triage().len(), 1);
    assert_eq!(topics(&network).len(), 2);
    gateway.stop();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A search in the message browser; the page.
fn search(office: &mut Office, fields: &[(&str, &str)]) -> String {
    let (status, page) = office.get("/interfaces/messages");
    assert_eq!(status, 200);
    let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
    let mut form = vec![("csrf", csrf.as_str())];
    form.extend_from_slice(fields);
    let (status, page) = office.post("/interfaces/messages", &form);
    assert_eq!(status, 200, "{page}");
    page
}

/// Addresses of the messages on a page.
fn found(page: &str) -> Vec<String> {
    let parts = page.split("href=\"/interfaces/messages/").skip(1);
    parts.filter_map(|p| p.split('"').next()).map(|id| format!("/interfaces/messages/{id}")).collect()
}

fn intakes_of(office: &mut Office, field: &str, value: &str) -> usize {
    found(&search(office, &[(field, value)])).len()
}

#[test]
fn the_office_finds_reads_and_replays_messages() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-09 10:19:50");
        for message in [ADMISSION, DISCHARGE, UNKNOWN] {
            Mllp::connect(gateway.mllp).unwrap().exchange(&hl7(message)).unwrap().unwrap();
        }
        until_topics(&network, &[("入院のお知らせ", 0, 0), ("退院のお知らせ", 0, 0)]);
        let mut office = Office::log_in(&gateway);
        let (status, page) = office.get("/interfaces");
        assert_eq!(status, 200);
        assert!(page.contains("sakurami_ch") && page.contains("桜見中央病院"), "{page}");

        for (fields, count) in [
            (&[("control_id", "2026060910200001")][..], 1),
            (&[("patient", "00412338")], 2),
            (&[("type", "adt^a03")], 2),
            (&[("type", "adt^a03"), ("patient", "00412338")], 1),
            (&[("type", "ADT"), ("patient", "00412338")], 2),
            (&[("interface", "sakurami_ch")], 3),
            (&[("from", "2026-06-09"), ("until", "2026-06-09")], 3),
            (&[("from", "2026-06-10")], 0),
            (&[("control_id", "nothing")], 0),
        ] {
            assert_eq!(found(&search(&mut office, fields)).len(), count, "{fields:?}");
        }
        // What is looked for never stands in an address.
        assert!(!search(&mut office, &[("patient", "00412338")]).contains("?patient="));
        a_message_is_read(&mut office);
        replays_change_nothing(&network, &mut office);
        gateway.stop();
    }
}

fn a_message_is_read(office: &mut Office) {
    let address = found(&search(office, &[("control_id", "2026060910200001")])).remove(0);
    let (status, page) = office.get(&address);
    assert_eq!(status, 200);
    for part in [
        // Raw text beside the tree with names of fields.
        "PID|0001||00412338",
        "PID-3",
        "患者番号",
        "PV1-45",
        "山本",
        // Envelope, decision with its rule, acknowledgement.
        "clinical_event",
        "退院の知らせは至急、ケアマネに返信を求める",
        "2026060910200001",
        "AA",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains('\u{fffd}'), "a character was lost");
}

/// Replaying every message of the morning, whatever became of it.
fn replays_change_nothing(network: &Network, office: &mut Office) {
    let before = (network.topics(GROUP), office.triage());
    for address in found(&search(office, &[("interface", "sakurami_ch")])) {
        let (_, page) = office.get(&address);
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
        let (status, text) = office.post(&format!("{address}/replay"), &[("csrf", &csrf)]);
        assert!((300..400).contains(&status), "{status} {text}");
    }
    network.settled();
    assert_eq!((network.topics(GROUP), office.triage()), before);
}

#[test]
fn a_fhir_document_becomes_the_same_kind_of_post() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        network.register("endpoints.csv", "F01,api,fhir-key-of-sakurami,verified,no,,,,,,,,");
        let mut gateway = network.start("2026-06-09 18:10:00");
        Mllp::connect(gateway.mllp).unwrap().exchange(&hl7(DISCHARGE)).unwrap().unwrap();
        until_topics(&network, &[("退院のお知らせ", 0, 0)]);
        let document = summary("体重 50kg で受診");
        assert_eq!(send(&gateway, "wrong-key", &document).0, 401);
        for _ in 0..2 {
            let (status, outcome) = send(&gateway, "fhir-key-of-sakurami", &document);
            assert_eq!(
                (status, outcome["resourceType"].as_str()),
                (201, Some("OperationOutcome")),
                "{outcome}"
            );
        }
        wait::until("the summary under the discharge", LIMIT, || {
            (topics(&network).iter().map(|t| t.1).sum::<usize>() == 1).then_some(())
        });
        network.settled();
        let topics = network.topics(GROUP);
        let reply = &topics[0]["replies"][0];
        assert_eq!(reply["post"]["title"], "退院時サマリー");
        assert_eq!(reply["post"]["document_kind"], "discharge_summary");
        assert!(reply["post"]["body"].as_str().unwrap().contains("体重 50kg で受診"), "{reply}");
        let files = reply["attachments"].as_array().unwrap();
        assert!(files.iter().any(|f| f["media_type"] == "application/pdf"), "{files:?}");
        // Somebody whom nobody has confirmed waits for the office, and no group sees it.
        let stranger = document.to_string().replace("00412338", "00999999");
        let stranger: Value = serde_json::from_str(&stranger).unwrap();
        assert_eq!(send(&gateway, "fhir-key-of-sakurami", &stranger).0, 201);
        network.settled();
        assert_eq!(Office::log_in(&gateway).triage().len(), 1);
        let broken = send(&gateway, "fhir-key-of-sakurami", &json!({"resourceType": "Patient"}));
        assert_eq!(broken.0, 422, "{}", broken.1);
        gateway.stop();
    }
}

fn send(gateway: &Gateway, key: &str, document: &Value) -> (u16, Value) {
    let mut answer = agent()
        .post(gateway.url("/api/v1/fhir/Bundle"))
        .header("Authorization", format!("Bearer {key}"))
        .header("Content-Type", "application/fhir+json")
        .send(document.to_string())
        .unwrap();
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string().unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// A 退院時サマリー as the national profile shapes it.
fn summary(advice: &str) -> Value {
    let section = |title: &str, code: &str, text: &str| {
        json!({"title": title, "code": {"coding": [{"code": code}]},
            "text": {"status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{text}</div>")}})
    };
    let name = |code: &str, family: &str, given: &str| {
        json!({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation",
            "valueCode": code}], "family": family, "given": [given]})
    };
    json!({
        "resourceType": "Bundle", "type": "document", "timestamp": "2026-06-09T18:05:00+09:00",
        "identifier": {"system": "http://jpfhir.jp/fhir/clins/bundle-identifier", "value": "1390000001^2026^431"},
        "entry": [
            {"fullUrl": "urn:uuid:c", "resource": {
                "resourceType": "Composition", "status": "final", "title": "退院時サマリー",
                "identifier": {"value": "SKR-DS-2026-000431"},
                "type": {"coding": [{"system": "http://jpfhir.jp/fhir/Common/CodeSystem/doc-typecodes", "code": "18842-5"}]},
                "date": "2026-06-09T18:00:00+09:00",
                "subject": {"reference": "urn:uuid:p"}, "encounter": {"reference": "urn:uuid:e"},
                "author": [{"reference": "urn:uuid:d"}], "custodian": {"reference": "urn:uuid:o"},
                "section": [{"code": {"coding": [{"code": "300"}]}, "section": [
                    section("退院時診断", "344", "うっ血性心不全"),
                    section("退院時方針指示", "424", advice)]}]}},
            {"fullUrl": "urn:uuid:p", "resource": {
                "resourceType": "Patient", "gender": "female", "birthDate": "1938-04-12",
                "identifier": [{"system": "urn:oid:1.2.392.100495.20.3.51.11390000001", "value": "00412338"}],
                "name": [name("IDE", "山本", "千代"), name("SYL", "ヤマモト", "チヨ")]}},
            {"fullUrl": "urn:uuid:e", "resource": {"resourceType": "Encounter",
                "period": {"start": "2026-06-05T19:40:00+09:00", "end": "2026-06-09T10:20:00+09:00"}}},
            {"fullUrl": "urn:uuid:d", "resource": {"resourceType": "Practitioner", "name": [{"family": "藤井", "given": ["貴"]}]}},
            {"fullUrl": "urn:uuid:o", "resource": {"resourceType": "Organization", "name": "桜見中央病院"}},
            {"resource": {"resourceType": "Binary", "contentType": "application/pdf", "data": "JVBERi0xLjQK"}}
        ]
    })
}
