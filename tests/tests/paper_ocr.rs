//! 下書き(OCR): a program reads a picture only when somebody at the desk asks, what it says stays in that person's
//! form, and it becomes a 転記 only after the person says that it was compared with the picture.

use kakehashi_core::ocr::PictureOf;
use kakehashi_fax::pages::Page;
use kakehashi_ocr::OcrProfile;
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::run;
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7};
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::paper;
use std::os::unix::fs::PermissionsExt as _;

const PHARMACY: &str = "0300000105";
const CARE_MANAGER: &str = "0300000104";
const GROUP: &str = "つばき01";

/// Stands in for Tesseract: reads the same on every picture, and notes that it was asked.
const PROGRAM: &str = "#!/bin/sh
[ \"$1\" = --list-langs ] && { echo 'List of available languages (1):'; echo jpn; exit 0; }
echo \"$*\" >> \"$0.asked\"
cat > /dev/null
echo '担当 者 会議 6/10 16 時 <出欠>'
";

#[test]
fn a_draft_stays_a_draft_until_a_person_compared_it() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let program = network.folder("ocr").join("reader");
        std::fs::write(&program, PROGRAM).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let asked = || std::fs::read_to_string(program.with_extension("asked")).unwrap_or_default();

        let mut form = Page::white_a4(98.0);
        paper::write(&mut form);
        // Off, as every gateway begins.
        let mut gateway = network.start("2026-06-12 14:10:05");
        network.fax(&gateway, PHARMACY, &[form.clone()]);
        network.settled();
        let mut office = Office::log_in(&gateway);
        let item = office.triage().remove(0);
        let (_, page) = office.get(&item);
        assert!(!page.contains("OCR"), "{page}");
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
        assert_eq!(office.post(&format!("{item}/draft"), &[("csrf", &csrf)]).0, 404);
        gateway.stop();

        network.configure(&format!("\n[ocr]\nengine = \"tesseract\"\nprogram = {program:?}\n"));
        let config = network.config().display().to_string();
        let doctor = run(&["doctor", "--config", &config]);
        let doctor = String::from_utf8(doctor.stdout).unwrap();
        assert!(doctor.contains("○ ocr"), "{doctor}");
        let mut gateway = network.start("2026-06-12 14:20:00");
        network.fax(&gateway, CARE_MANAGER, &[form]);
        network.settled();
        let mut office = Office::log_in(&gateway);
        assert_eq!(office.triage().len(), 2);
        assert_eq!(asked(), "", "nothing is read on the way in");
        let (_, page) = office.get(&item);
        assert!(page.contains("下書き(OCR)を読み取る"), "{page}");
        assert_eq!(asked(), "", "nor by looking at it");

        let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
        let typed = [
            ("csrf", csrf.as_str()),
            ("group_id", "G01"),
            ("heading", "薬局から"),
            ("transcript", "読めた所"),
            ("reason", ""),
        ];
        let (status, page) = office.post(&format!("{item}/draft"), &typed);
        assert_eq!(status, 200, "{page}");
        assert_eq!(asked().lines().count(), 1);
        let field = between(&page, "<textarea name=\"transcript\"", "</textarea>").unwrap();
        assert!(field.ends_with(">読めた所\n担当者会議6/10 16時&lt;出欠&gt;"), "{field}");
        assert!(page.contains("下書き(OCR)・未確認") && page.contains("value=\"薬局から\""), "{page}");
        assert!(network.topics(GROUP).is_empty());
        assert_eq!(office.get(&item).1.matches("担当者会議6/10").count(), 0, "kept nowhere");

        let place = |office: &mut Office, more: &[(&str, &str)]| {
            let text = "読めた所\n担当者会議 6/10 16時 出欠";
            let mut fields = vec![
                ("csrf", csrf.as_str()),
                ("group_id", "G01"),
                ("heading", "薬局から"),
                ("transcript", text),
                ("drafted", "yes"),
                ("reason", "電話で確認"),
            ];
            fields.extend(more);
            office.post(&format!("{item}/placement"), &fields)
        };
        let (status, page) = place(&mut office, &[]);
        assert_eq!(status, 200, "a draft is placed nowhere");
        assert!(page.contains("下書き(OCR)のままでは置けません"), "{page}");
        assert!(page.contains("担当者会議 6/10 16時 出欠") && page.contains("name=\"drafted\""), "{page}");
        assert!(network.topics(GROUP).is_empty());
        let (status, page) = place(&mut office, &[("compared", "yes")]);
        assert!((300..400).contains(&status), "{status} {page}");
        let topics = network.topics(GROUP);
        let body = topics[0]["topic"]["post"]["body"].as_str().unwrap();
        assert!(body.contains("機械の下書き(OCR)を人が画像と読み合わせた転記"), "{body}");
        assert!(body.ends_with("読めた所\n担当者会議 6/10 16時 出欠"), "{body}");
        assert_eq!(asked().lines().count(), 1, "saving asks nobody again");
        gateway.stop();
    }
}

/// The real program, where this machine has it: print of a FAX page comes back as words.
#[test]
fn tesseract_reads_the_print_of_a_fax() {
    let listed = std::process::Command::new("tesseract").arg("--list-langs").output();
    let has_japanese = listed.is_ok_and(|o| String::from_utf8_lossy(&o.stdout).lines().any(|l| l == "jpn"));
    if !has_japanese {
        println!("tesseract with jpn is not installed: nothing is tried");
        return;
    }
    let network = Network::new(&Database::Sqlite);
    let mut gateway = network.start("2026-06-09 10:19:50");
    let discharge = hl7("ja02_adt_a03_discharge_iso2022jp.hl7");
    Mllp::connect(gateway.mllp).unwrap().exchange(&discharge).unwrap().unwrap();
    let fax = network.relay.wait(PHARMACY, 1).remove(0).read();
    gateway.stop();
    let page = paper::all_pages(fax.pdf()).remove(0);
    let profile = OcrProfile {
        engine: kakehashi_ocr::EngineName::Tesseract,
        program: "tesseract".into(),
        language: "jpn".to_owned(),
        data_folder: None,
        seconds: 120,
        max_picture_bytes: 4 << 20,
        max_chars: 4000,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let draft = runtime.block_on(profile.engine().draft(page.to_png(), PictureOf::Page)).unwrap();
    assert!(draft.contains("退院") && draft.contains("薬局"), "{draft}");
}
