//! Sheets in wrong hands: copied and sent by another office, made up with a code that was never given out, and
//! found in a drawer a month later. None of them acts, though the trial is over and the marks are sure; the office
//! sees each, and the answers that go back tell nobody which of these it was.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

mod trial;

use kakehashi_tests::caught::Letter;
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::run;
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7};
use kakehashi_tests::office::Office;
use kakehashi_tests::paper;

const GROUP: &str = "つばき01";
const CARE_MANAGER: &str = "0300000104";
const PHARMACY: &str = "0300000105";

/// The words of a notice, without blanks, figures and whoever it is for.
fn words(fax: &Letter) -> String {
    let document = lopdf::Document::load_mem(fax.pdf()).unwrap();
    let pages: Vec<u32> = document.get_pages().keys().copied().collect();
    let text = document.extract_text(&pages).unwrap();
    text.chars().filter(|c| !c.is_whitespace() && !c.is_ascii_digit()).collect()
}

fn nothing_acted(network: &Network) {
    let topics = network.topics(GROUP);
    let topic = &topics[0];
    assert!(topic["replies"].as_array().unwrap().is_empty(), "{topic:#}");
    let receipts = topic["topic"]["receipts"].as_array().unwrap();
    assert!(receipts.iter().all(|r| r["acknowledgement"].is_null()), "{receipts:#?}");
}

#[test]
fn a_sheet_acts_for_its_own_reader_only() {
    let network = trial::over(&Database::Sqlite);
    let mut gateway = network.start("2026-06-09 10:19:50");
    let blank = Office::log_in(&gateway).triage().len();
    let discharge = hl7("ja02_adt_a03_discharge_iso2022jp.hl7");
    Mllp::connect(gateway.mllp).unwrap().exchange(&discharge).unwrap().unwrap();
    let fax = network.relay.wait(CARE_MANAGER, 1).remove(0).read();
    assert_eq!(network.relay.wait(PHARMACY, 1).len(), 1);
    let mut sheet = paper::reply_sheet(fax.pdf());
    paper::tick(&mut sheet, "acknowledge");

    // The pharmacy sends a copy of the care manager's sheet.
    network.fax(&gateway, PHARMACY, std::slice::from_ref(&sheet));
    network.settled();
    nothing_acted(&network);
    let mut office = Office::log_in(&gateway);
    assert_eq!(office.triage().len(), blank + 1, "the office calls");
    let copied = words(&network.relay.wait(PHARMACY, 2)[1].read());

    // Somebody makes a sheet with a well-formed code of his own.
    let samples = network.config().parent().unwrap().join("samples").display().to_string();
    assert!(run(&["sheet", "sample", &samples]).status.success());
    let mut forged = paper::reply_sheet(&std::fs::read(format!("{samples}/reply.pdf")).unwrap());
    paper::tick(&mut forged, "acknowledge");
    network.fax(&gateway, CARE_MANAGER, &[forged.clone()]);
    network.settled();
    nothing_acted(&network);
    let answer = words(&network.relay.wait(CARE_MANAGER, 2)[1].read());
    assert_eq!(answer, copied, "one answer for all causes");
    // Trying again and again is answered once a day.
    paper::write(&mut forged);
    network.fax(&gateway, CARE_MANAGER, &[forged]);
    network.settled();
    assert_eq!(network.relay.to(CARE_MANAGER).len(), 2);
    gateway.stop();

    // The right office, a month too late.
    let mut gateway = network.start("2026-07-10 10:00:00");
    let ticked = sheet.clone();
    network.fax(&gateway, CARE_MANAGER, &[sheet]);
    network.settled();
    nothing_acted(&network);
    assert!(Office::log_in(&gateway).triage().len() >= blank + 3, "an old sheet is looked at");
    gateway.stop();
    // It was the hands and the day that stopped it: in time and from its own number the same sheet acts alone.
    let mut gateway = network.start("2026-06-09 14:00:00");
    network.fax(&gateway, CARE_MANAGER, &[paper::standard_resolution(&ticked)]);
    network.settled();
    let topics = network.topics(GROUP);
    let receipt = kakehashi_tests::network::receipt(&topics[0]["topic"], "F04");
    assert_eq!(receipt["acknowledgement"]["channel"], "fax", "{receipt:#}");
    gateway.stop();
}
