//! The loop of the paper: a FAX that the gateway sent is written upon, laid into a machine in all the
//! ways in which people do that, and found again by its code. Returned twice it counts once.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_core::envelope::MarkState;
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_fax::pages::{Page, PageLimits, read_pages};
use kakehashi_fax::sheet::{SheetReading, SheetSearch, read};
use kakehashi_tests::database::Database;
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7, receipt, send_mail};
use kakehashi_tests::office::Office;
use kakehashi_tests::{letters, paper};
use serde_json::Value;

const PHARMACY: &str = "0300000105";
const CARE_MANAGER: &str = "0300000104";
const GROUP: &str = "つばき01";

fn sheet_on(page: &Page) -> SheetReading {
    match read(page) {
        SheetSearch::Found(sheet) => *sheet,
        other => panic!("no sheet: {other:?}"),
    }
}

fn state(sheet: &SheetReading, name: &str) -> MarkState {
    sheet.marks.iter().find(|m| m.name == name).unwrap().state
}

fn replies(topics: &[Value], facility: &str) -> usize {
    topics[0]["replies"].as_array().unwrap().iter().filter(|r| r["post"]["facility_id"] == facility).count()
}

#[test]
fn a_sheet_comes_back_in_every_way() {
    let network = Network::new(&Database::Sqlite);
    let mut gateway = network.start("2026-06-09 10:19:50");
    let discharge = hl7("ja02_adt_a03_discharge_iso2022jp.hl7");
    Mllp::connect(gateway.mllp).unwrap().exchange(&discharge).unwrap().unwrap();
    let fax = network.relay.wait(PHARMACY, 1).remove(0).read();

    // As printed: nothing is ticked, and the code is the one in the job's own name.
    let clean = paper::reply_sheet(fax.pdf());
    let printed = sheet_on(&clean);
    let named = fax.message_id.split(['.', '@']).nth(1).and_then(ReplyCode::parse).unwrap();
    assert_eq!(printed.find.code, named);
    assert_eq!(printed.find.orientation, 0);
    assert!(printed.marks.iter().all(|m| m.state == MarkState::Empty), "{:?}", printed.marks);
    assert!(printed.handwriting.is_empty(), "{:?}", printed.handwriting);

    let mut written = clean.clone();
    paper::tick(&mut written, "acknowledge");
    paper::write(&mut written);
    let variants = [
        ("fine", written.clone(), 0),
        ("standard", paper::standard_resolution(&written), 0),
        ("fine, upside down", paper::upside_down(&written), 180),
        ("standard, upside down", paper::standard_resolution(&paper::upside_down(&written)), 180),
    ];
    for (name, page, orientation) in &variants {
        // Through the file that a machine would send.
        let pages = read_pages(&paper::tiff(std::slice::from_ref(page)), &PageLimits::default()).unwrap();
        let sheet = sheet_on(&pages.pages[0]);
        assert_eq!(sheet.find.code, named, "{name}");
        assert_eq!(sheet.find.orientation, *orientation, "{name}");
        assert_ne!(state(&sheet, "acknowledge"), MarkState::Empty, "{name}: ink in the box is never nothing");
        assert_eq!(state(&sheet, "absent"), MarkState::Empty, "{name}");
        assert!(!sheet.handwriting.is_empty(), "{name}");
    }

    // The worst of them comes back, and the provider delivers it twice.
    let (_, worst, _) = &variants[3];
    let mail = letters::fax(PHARMACY, 1, &paper::tiff(std::slice::from_ref(worst)));
    for _ in 0..2 {
        send_mail(&gateway, letters::PROVIDER, letters::FAX_INTAKE, &mail);
    }
    network.wait_topics("the pharmacy's sheet", GROUP, |topics| (replies(topics, "F05") > 0).then_some(()));
    network.settled();
    let topics = network.topics(GROUP);
    assert_eq!(replies(&topics, "F05"), 1, "delivered twice, shown once");
    assert_eq!(Office::log_in(&gateway).triage().len(), 1, "one sheet to confirm");

    // A cautious member lays the same paper in again: what the office confirms still counts once.
    network.fax(&gateway, PHARMACY, std::slice::from_ref(&written));
    network.settled();
    let mut office = Office::log_in(&gateway);
    for item in office.triage() {
        let (_, page) = office.get(&item);
        let csrf =
            kakehashi_tests::office::between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
        let form = [("csrf", csrf.as_str()), ("mark", "acknowledge")];
        let (status, text) = office.post(&format!("{item}/confirmation"), &form);
        assert!((300..400).contains(&status), "{status} {text}");
    }
    let topics = network.topics(GROUP);
    let pharmacy = receipt(&topics[0]["topic"], "F05");
    assert_eq!(pharmacy["acknowledgement"]["channel"], "fax");
    let receipts = topics[0]["topic"]["receipts"].as_array().unwrap();
    assert_eq!(receipts.iter().filter(|r| !r["acknowledgement"].is_null()).count(), 1);
    gateway.stop();
}

/// Message pages between two sheets, and a page without any code from a known number.
#[test]
fn pages_that_are_not_sheets() {
    let network = Network::new(&Database::Sqlite);
    let mut gateway = network.start("2026-06-09 10:19:50");
    let discharge = hl7("ja02_adt_a03_discharge_iso2022jp.hl7");
    Mllp::connect(gateway.mllp).unwrap().exchange(&discharge).unwrap().unwrap();
    let fax = network.relay.wait(CARE_MANAGER, 1).remove(0).read();

    let mut note = Page::white_a4(196.0);
    paper::write(&mut note);
    network.fax(&gateway, CARE_MANAGER, &[note.clone()]);
    network.settled();
    let topics = network.topics(GROUP);
    assert_eq!(replies(&topics, "F04"), 0, "a sheet without a code is never attached by itself");
    let waiting = Office::log_in(&gateway).triage().len();
    assert_eq!(waiting, 1);

    let mut sheet = paper::reply_sheet(fax.pdf());
    paper::write(&mut sheet);
    network.fax(&gateway, CARE_MANAGER, &[sheet, note.clone(), note]);
    network.wait_topics("sheet with two pages", GROUP, |topics| {
        let all = topics[0]["replies"].as_array()?;
        let reply = all.iter().find(|r| r["post"]["facility_id"] == "F04")?;
        let images = reply["attachments"].as_array()?.iter().filter(|a| a["role"] == "page_image");
        assert_eq!(images.count(), 3, "the pages that follow a sheet belong to it");
        Some(())
    });
    gateway.stop();
}
