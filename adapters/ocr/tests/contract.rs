//! What the driver promises, whatever the program does: a small program of the test stands in for Tesseract and
//! answers, takes its time, prints rubbish, never stops printing, fails, or is not there.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_core::ocr::{OcrFault, PictureOf};
use kakehashi_core::port::FindingLevel;
use kakehashi_ocr::OcrProfile;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const PICTURE: &[u8] = b"\x89PNG picture";

/// A program of these lines, and the settings that name it.
fn profile(folder: &Path, name: &str, lines: &str) -> OcrProfile {
    let program = folder.join(name);
    std::fs::write(&program, format!("#!/bin/sh\n{lines}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let text = format!("engine = \"tesseract\"\nprogram = {program:?}\nseconds = 5\nmax_chars = 50\n");
    toml::from_str(&text).unwrap()
}

/// All in one: a program that is still being written by one thread cannot be started by another.
#[tokio::test]
async fn whatever_the_program_does_a_draft_or_a_reason_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, lines: &str| profile(folder.path(), name, lines);
    let echo = at(
        "echo",
        "cat > \"$0.in\"; echo \"$@\" > \"$0.args\"; env > \"$0.env\"; echo ' 血 圧 120 / 70'; printf '\\f'",
    );
    let quick = OcrProfile { seconds: 1, ..at("slow", "exec sleep 60") };
    let small = OcrProfile { max_picture_bytes: 5, ..echo.clone() };
    let deaf = at("deaf", "exec <&-; echo 聞いていません");
    let cases = [
        (quick, Err(OcrFault::TimedOut)),
        (at("rubbish", "printf '\\377\\376\\000\\001'"), Err(OcrFault::Garbled)),
        (at("endless", "exec yes あいうえお"), Err(OcrFault::TooLong)),
        (at("long", "yes あ | head -n 51"), Err(OcrFault::TooLong)),
        (at("failing", "echo 途中まで; exit 1"), Err(OcrFault::Failed)),
        (at("silent", "cat > /dev/null"), Err(OcrFault::Nothing)),
        (OcrProfile { program: folder.path().join("absent"), ..echo.clone() }, Err(OcrFault::Missing)),
        (small, Err(OcrFault::PictureTooLarge)),
        (deaf, Ok("聞いていません")),
        (echo, Ok("血圧120 / 70")),
    ];
    for (profile, expected) in &cases {
        // Larger than a pipe holds, so that a program that does not listen would block it.
        let picture = [PICTURE, &[0; 200_000]].concat();
        let said = profile.engine().draft(picture, PictureOf::Writing).await;
        assert_eq!(said.as_deref().map_err(|e| *e), *expected, "{}", profile.program.display());
    }
    let left = |end: &str| std::fs::read_to_string(folder.path().join(format!("echo.{end}"))).unwrap();
    assert_eq!(std::fs::read(folder.path().join("echo.in")).unwrap().len(), PICTURE.len() + 200_000);
    assert_eq!(left("args").trim(), "stdin stdout -l jpn --psm 6");
    assert!(!left("env").contains("CARGO"), "the environment of the gateway stays with it: {}", left("env"));

    let list = "[ \"$*\" = --list-langs ] || exit 2; echo 'List of available languages (2):'; echo eng; echo";
    let here = at("here", &format!("{list} jpn"));
    let elsewhere = at("elsewhere", &format!("{list} osd"));
    let silent = OcrProfile { seconds: 1, ..at("hanging", "exec sleep 60") };
    let gone = OcrProfile { program: folder.path().join("absent"), ..here.clone() };
    for (profile, level, says) in [
        (here, FindingLevel::Good, ""),
        (elsewhere, FindingLevel::Broken, "tesseract-ocr-jpn"),
        (silent, FindingLevel::Broken, "ocr.program"),
        (gone, FindingLevel::Broken, "apt-get install tesseract-ocr"),
    ] {
        let found = profile.engine().check().await;
        assert_eq!((found.len(), found[0].level), (1, level), "{found:?}");
        assert!(found[0].remedy.contains(says), "{found:?}");
    }
}

#[test]
fn settings_that_cannot_work_are_named() {
    let of = |more: &str| toml::from_str::<OcrProfile>(&format!("engine = \"tesseract\"\n{more}"));
    assert_eq!(of("").unwrap().fault(), None);
    assert_eq!(of("language = \"jpn_vert+eng\"").unwrap().fault(), None);
    assert!(of("languages = \"jpn\"").is_err(), "unknown keys");
    assert!(toml::from_str::<OcrProfile>("engine = \"crystal_ball\"").is_err());
    for (more, key) in [
        ("language = \"--help\"", "language"),
        ("language = \"../jpn\"", "language"),
        ("seconds = 0", "seconds"),
        ("seconds = 100000", "seconds"),
        ("max_chars = 1000000", "max_chars"),
    ] {
        assert_eq!(of(more).unwrap().fault().unwrap().key, key, "{more}");
    }
}
