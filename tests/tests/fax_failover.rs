//! S10, 15:30: a FAX provider takes every job and says nothing. The jobs become 送達不明, go out once more by
//! the second provider marked 再送の可能性, and the two papers that then lie on the member's desk count once.
//! The simulated providers know nothing of the gateway but the mails that it sends.

use kakehashi_tests::database::Database;
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7, receipt};
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::paper;

const PHARMACY: &str = "0300000105";
const GROUP: &str = "つばき01";

#[test]
fn a_silent_provider_is_replaced_and_duplicates_count_once() {
    let network = Network::new(&Database::Sqlite);
    let config = std::fs::read_to_string(network.config()).unwrap();
    let config = config.replace("report_within_seconds = 1800", "report_within_seconds = 2")
        + "\n[[fax.fallback]]\nname = \"second\"\naddress_pattern = \"{number}@second-fax.example\"\n\
           from = \"fax@in.kakehashi.example\"\nformat = \"tiff_g3_standard\"\nreport_within_seconds = 1800\n";
    std::fs::write(network.config(), config).unwrap();
    let mut gateway = network.start("2026-06-09 10:19:50");
    let discharge = hl7("ja02_adt_a03_discharge_iso2022jp.hl7");
    Mllp::connect(gateway.mllp).unwrap().exchange(&discharge).unwrap().unwrap();

    let caught = network.relay.wait(PHARMACY, 2);
    let domains: Vec<&str> = caught.iter().map(|c| c.to[0].split('@').nth(1).unwrap()).collect();
    assert_eq!(domains, ["fax.kakehashi.example", "second-fax.example"]);
    let (first, second) = (caught[0].read(), caught[1].read());
    assert_eq!(first.message_id, second.message_id, "the same job, so the same code");
    // The second provider takes no PDF.
    let tiff = &second.files[0];
    assert!(tiff.name.ends_with(".tif") && tiff.bytes.starts_with(b"II*\0"), "{}", tiff.name);

    // Both papers arrive after all; a cautious pharmacist ticks both and sends both back.
    let mut one = paper::reply_sheet(first.pdf());
    paper::tick(&mut one, "acknowledge");
    let read = kakehashi_fax::pages::read_pages(&tiff.bytes, &kakehashi_fax::pages::PageLimits::default());
    let mut other = read.unwrap().pages.pop().unwrap();
    paper::tick(&mut other, "acknowledge");
    for page in [one, other] {
        network.fax(&gateway, PHARMACY, std::slice::from_ref(&page));
        network.settled();
    }
    let mut office = Office::log_in(&gateway);
    // The office sees exactly the pages that left.
    let delivery = first.message_id.split(['.', '@']).next().unwrap();
    let (status, preview) = office.get_bytes(&format!("/deliveries/{delivery}/preview"));
    assert!(status == 200 && preview.starts_with(b"%PDF-"), "{status}");
    let shown = kakehashi_fax::sheet::find(&paper::reply_sheet(&preview)).unwrap();
    assert_eq!(shown.code, kakehashi_fax::sheet::find(&paper::reply_sheet(first.pdf())).unwrap().code);
    for item in office.triage() {
        let (_, page) = office.get(&item);
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
        let form = [("csrf", csrf.as_str()), ("mark", "acknowledge")];
        let (status, text) = office.post(&format!("{item}/confirmation"), &form);
        assert!((300..400).contains(&status), "{status} {text}");
    }
    let topics = network.topics(GROUP);
    assert_eq!(receipt(&topics[0]["topic"], "F05")["acknowledgement"]["channel"], "fax");
    let receipts = topics[0]["topic"]["receipts"].as_array().unwrap();
    assert_eq!(receipts.iter().filter(|r| !r["acknowledgement"].is_null()).count(), 1);
    assert_eq!(network.relay.to(PHARMACY).len(), 2, "never a third time by itself");
    gateway.stop();
}
