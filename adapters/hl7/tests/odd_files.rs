//! Files inside of messages, as hospitals put them there on bad days: in text fields, in old character sets, in MIME packages, taken back, or
//! such as nobody can open.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

#[path = "support/odd.rs"]
mod odd;
mod support;

use base64::Engine as _;
use kakehashi_core::envelope::Envelope;
use odd::{body, message, order, title};

#[test]
fn a_package_is_taken_apart_and_its_document_is_read() {
    let cda = "<?xml version=\"1.0\"?><ClinicalDocument><component><structuredBody><component><section><title>経過</title>\
        <text>食事は全粥です</text></section></component></structuredBody></component></ClinicalDocument>";
    let package = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=\"b\"; type=\"text/xml\"\r\n\r\n--b\r\n\
         Content-Type: text/xml\r\n\r\n{cda}\r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n\
         iVBORw0KGgo=\r\n--b\r\nContent-Type: application/x-msdownload\r\nContent-Transfer-Encoding: base64\r\n\r\nTVqQAAMAAAA=\r\n--b--\r\n"
    );
    let txa = "TXA|1|DS^サマリー|AP|||||||||D1|||||AU||AV";
    let packed = base64::engine::general_purpose::STANDARD.encode(&package);
    let literal = package.replace('\\', "\\E\\").replace("\r\n", "\\.br\\").replace('&', "\\T\\");
    for obx in [
        format!("OBX|1|ED|1^文書||^multipart^related^Base64^{packed}||||||F"),
        format!("OBX|1|ED|1^文書||^multipart^related^A^{literal}||||||F"),
    ] {
        let read = message("MDM^T02", &[txa, &obx]);
        let types: Vec<&str> = read.attachments.iter().map(|a| a.media_type.as_str()).collect();
        assert_eq!(types, ["application/hl7-cda+xml", "image/png"], "{obx}");
        let body = body(&read);
        assert_eq!(body[..2], ["【経過】", "食事は全粥です"], "{obx}");
        assert!(body[2..].concat().contains("プログラム"), "{body:?}");
    }
}

#[test]
fn of_a_package_nothing_is_left_out_in_silence() {
    let read = |parts: &str| {
        let package =
            format!("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n");
        let packed = base64::engine::general_purpose::STANDARD.encode(package);
        let obx = format!("OBX|1|ED|1^文書||^multipart^mixed^Base64^{packed}||||||F");
        message("MDM^T02", &["TXA|1|DS^サマリー|AP|||||||||D1|||||AU||AV", &obx])
    };
    let waits = |read: &Envelope| {
        read.warnings.iter().any(|w| w.code == kakehashi_core::decide::doubt::PAGES_UNREADABLE)
    };
    let one = "--b\r\nContent-Type: text/plain\r\n\r\n経過良好\r\n";
    assert!(!waits(&read(one)));
    let damaged = "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nk/%%\r\n";
    assert!(waits(&read(&format!("{one}{damaged}"))));
    let many = read(&one.repeat(150));
    assert!(waits(&many) && many.attachments.len() == 100, "{}", many.attachments.len());
}

#[test]
fn files_in_the_sets_of_windows_are_read() {
    let shift_jis = |text: &str| encoding_rs::SHIFT_JIS.encode(text).0.into_owned();
    let utf16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let cda = "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-16\"?><ClinicalDocument><component><structuredBody><component><section>\
        <text>経過良好</text></section></component></structuredBody></component></ClinicalDocument>";
    let txa = "TXA|1|DS^サマリー|AP|||||||||D1|||||AU||AV";
    for (subtype, bytes, expected) in [
        ("HTML", shift_jis("<html><body><p>経過は良好です</p></body></html>"), "経過は良好です"),
        ("plain", shift_jis("経過良好。\r\n体重48kg"), "経過良好。\n体重48kg"),
        ("XML", utf16(cda), "経過良好"),
        ("plain", utf16("\u{feff}経過良好"), "経過良好"),
    ] {
        let data = base64::engine::general_purpose::STANDARD.encode(bytes);
        let obx = format!("OBX|1|ED|1^文書||^TEXT^{subtype}^Base64^{data}||||||F");
        assert_eq!(message("MDM^T02", &[txa, &obx]).body.as_deref(), Some(expected), "{subtype}");
    }
}

#[test]
fn nobody_waits_for_a_file_that_cannot_be_opened_here() {
    let read = message(
        "MDM^T02",
        &[
            "TXA|1|18842-5^退院時サマリー^LN|AP|20260609|||||D1^藤井^貴|||D-15|||||AU||AV",
            "OBX|1|ED|A^要約^99||^TEXT^PLAIN^A^本日退院。\\.br\\次回 6月20日||||||F",
            "OBX|2|RP|B^画像^99||https://pacs.example/1||||||F",
            "OBX|3|ED|C^道具^99||^application^x^Hex^4d5a9000000000000000||||||F",
        ],
    );
    let lines = body(&read);
    assert_eq!(lines[..2], ["本日退院。", "次回 6月20日"]);
    assert!(lines[2].contains("病院内の別の場所") && lines[2].contains("プログラム"), "{lines:?}");
    assert_eq!(read.attachments.len(), 1);
}

#[test]
fn a_file_in_a_text_field_is_a_file() {
    let pdf =
        "JVBERi0xLjQKMSAwIG9iago8PD4+CmVuZG9iagolJUVPRgolUERGLTEuNAoxIDAgb2JqCjw8Pj4KZW5kb2JqCiUlRU9GCg==";
    for obx in [
        format!("OBX|1|ST|PDF^文書||{pdf}||||||F"),
        format!("OBX|1|TX|PDF^文書||{pdf}||||||F"),
        format!("OBX|1|ED|PDF^文書||data:application/pdf;base64,{pdf}||||||F"),
    ] {
        let read = message("MDM^T02", &["TXA|1|DS^サマリー|AP|||||||||D1||||||AU||AV", &obx]);
        assert_eq!(read.attachments.len(), 1, "{obx}");
        assert_eq!(read.attachments[0].media_type, "application/pdf");
        assert!(!read.body.unwrap().contains("JVBE"), "{obx}");
    }
    let words = "x".repeat(80);
    let read = message(
        "MDM^T02",
        &["TXA|1|DS^サマリー|AP|||||||||D1||||||AU||AV", &format!("OBX|1|TX|||{words}||||||F")],
    );
    assert!(read.attachments.is_empty() && read.body.unwrap().contains(&words), "only letters");
}

#[test]
fn what_holds_nothing_is_no_post() {
    let waits = |read: &Envelope| {
        read.warnings.iter().any(|w| w.code == kakehashi_core::decide::doubt::PAGES_UNREADABLE)
    };
    let txa = "TXA|1|DS^サマリー|AP|||||||||D1|||||AU||AV";
    let nothing = "OBX|1|ED|1^文書||^AP^PDF^Base64^||||||F";
    for event in ["T02", "T06", "T08", "T10"] {
        assert!(waits(&message(&format!("MDM^{event}"), &[txa, nothing])), "{event}");
        assert!(!waits(&message(&format!("MDM^{event}"), &[txa, "OBX|1|TX|||本文||||||F"])), "{event}");
    }
    // What announces and what takes back has no text of its own.
    for event in ["T01", "T03", "T07", "T09", "T11"] {
        assert!(!waits(&message(&format!("MDM^{event}"), &[txa])), "{event}");
    }
    let empty = "OBX|1|NM|K^カリウム^99L|||mEq/L|3.6-4.8||||F";
    assert!(waits(&message("ORU^R01", &[&order("L1", "生化学", "F"), empty])));
}

#[test]
fn a_part_that_is_taken_back_does_not_take_the_document_with_it() {
    let txa = "TXA|1|DS^サマリー|AP|||||||||D1|||||AU||AV";
    let part = |status: &str, words: &str| format!("OBX|1|TX|||{words}||||||{status}");
    let read = message("MDM^T02", &[txa, &part("F", "経過良好"), &part("D", "誤った行")]);
    assert_eq!(title(&read), "サマリー");
    assert_eq!(body(&read), ["経過良好", "（取消）誤った行"]);
    for whole in [vec![part("D", "a"), part("D", "b")], vec![part("F", "a"), part("W", "b")]] {
        let segments: Vec<&str> = std::iter::once(txa).chain(whole.iter().map(String::as_str)).collect();
        assert_eq!(title(&message("MDM^T04", &segments)), "サマリー（取消）");
    }
    let file = |status: &str| format!("OBX|1|ED|1^文書||^AP^PDF^Base64^JVBERi0xLjQK||||||{status}");
    let read = message("MDM^T02", &[txa, &part("F", "経過良好"), &file("D")]);
    assert!(read.attachments.is_empty() && body(&read)[1].contains("取り消した文書"), "{:?}", read.body);
}
