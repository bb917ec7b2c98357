//! Scenario S1 of care-network.md 8.2, steps 5 and 6: the care manager answers the admission by FAX with a page
//! of 入院時情報, it is forwarded to the hospital's 地域連携室, which acknowledges by FAX, and the care manager's
//! next digest brings the 受領確認書 with 送達 and 了解 as two times.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_fax::pages::Page;
use kakehashi_tests::caught::Letter;
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::{Gateway, run_at};
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7};
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::{paper, wait};
use std::time::Duration;

const GROUP: &str = "つばき01";
const CARE_MANAGER: &str = "0300000104";
const HOSPITAL: &str = "0300000101";

/// The hospital of this network reads paper, not HL7.
fn hospital_by_fax(network: &Network) {
    let folder = network.config().parent().unwrap().join("directory");
    let file = folder.join("endpoints.csv");
    let text = std::fs::read_to_string(&file).unwrap();
    let changed = text
        .replace("F01,hl7,sakurami_ch,verified,yes", "F01,hl7,sakurami_ch,verified,no")
        .replace("F01,fax,0300000101,verified,no", "F01,fax,0300000101,verified,yes");
    assert_ne!(text, changed);
    std::fs::write(&file, changed).unwrap();
    let (folder, config) = (folder.display().to_string(), network.config().display().to_string());
    let output = run_at("2026-06-04 09:10:00", &["directory", "import", &folder, "--config", &config]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The words on all pages of a FAX, without blanks.
fn words(fax: &Letter) -> String {
    let document = lopdf::Document::load_mem(fax.pdf()).unwrap();
    let pages: Vec<u32> = document.get_pages().keys().copied().collect();
    document.extract_text(&pages).unwrap().split_whitespace().collect()
}

/// The office confirms the 了解 of the one sheet that waits.
fn confirm(gateway: &Gateway, person: &str) {
    let mut office = Office::log_in(gateway);
    let items = office.triage();
    assert_eq!(items.len(), 1, "one sheet to confirm");
    let (_, page) = office.get(&items[0]);
    let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
    let form = [("csrf", csrf.as_str()), ("mark", "acknowledge"), ("staff_id", person)];
    let (status, text) = office.post(&format!("{}/confirmation", items[0]), &form);
    assert!((300..400).contains(&status), "{status} {text}");
}

#[test]
fn a_document_by_fax_gets_its_evidence_with_the_next_digest() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        hospital_by_fax(&network);
        let mut gateway = network.start("2026-06-05 19:51:00");
        let admission = hl7("ja01_adt_a01_admit_iso2022jp.hl7");
        Mllp::connect(gateway.mllp).unwrap().exchange(&admission).unwrap().unwrap();
        let fax = network.relay.wait(CARE_MANAGER, 1).remove(0).read();
        network.report_arrival(&gateway, &fax, CARE_MANAGER);
        gateway.stop();

        // Saturday: the sheet comes back with a page of 入院時情報, and goes on to the hospital.
        let mut gateway = network.start("2026-06-06 10:15:00");
        let mut sheet = paper::reply_sheet(fax.pdf());
        paper::tick(&mut sheet, "acknowledge");
        let mut document = Page::white_a4(196.0);
        paper::write(&mut document);
        network.fax(&gateway, CARE_MANAGER, &[sheet, document]);
        let forwarded = network.relay.wait(HOSPITAL, 1).remove(0).read();
        assert!(kakehashi_fax::pages::pdf_page_count(forwarded.pdf()).unwrap() >= 3, "with its pages");
        network.report_arrival(&gateway, &forwarded, HOSPITAL);
        network.settled();
        confirm(&gateway, "kinoshita");
        gateway.stop();

        // Monday, before the digest: the liaison office acknowledges with its own sheet.
        let mut gateway = network.start("2026-06-08 08:50:00");
        let mut sheet = paper::reply_sheet(forwarded.pdf());
        paper::tick(&mut sheet, "acknowledge");
        network.fax(&gateway, HOSPITAL, &[sheet]);
        network.settled();
        confirm(&gateway, "kobayashi");
        let before = network.relay.to(CARE_MANAGER).len();
        gateway.stop();

        let mut gateway = network.start("2026-06-08 08:59:55");
        let text =
            wait::until("a 受領確認書 with the digest of Monday", Duration::from_secs(40), || {
                let since = network.relay.to(CARE_MANAGER).into_iter().skip(before);
                since.map(|fax| words(&fax.read())).find(|text| text.contains("受領確認書"))
            });
        for part in ["桜見中央病院FAX送達6/6(土)10:15", "6/8(月)8:50小林佳奈"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let topics = network.topics(GROUP);
        let reply =
            topics[0]["replies"].as_array().unwrap().iter().find(|r| r["post"]["facility_id"] == "F04");
        assert!(reply.is_some());
        gateway.stop();
    }
}
