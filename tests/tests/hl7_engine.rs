//! A conversation with another engine over MLLP, in both directions: the client and the server of the python
//! package `hl7`. `tests/run` installs it and names its interpreter in `KAKEHASHI_HL7_PYTHON`; without that
//! name nothing is tested here, and a line says so.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::Start;
use kakehashi_tests::wait;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("engine").join(name)
}

/// The other engine's inbox.
struct Hospital {
    child: Child,
    address: String,
    received: PathBuf,
}

impl Hospital {
    fn start(python: &Path, folder: &Path) -> Self {
        let received = folder.join("received.jsonl");
        let mut child = Command::new(python)
            .arg(script("server.py"))
            .arg(&received)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = format!("127.0.0.1:{}", line.trim());
        Self { child, address, received }
    }

    fn notes(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.received).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Hospital {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn another_engine_is_understood_and_understands() {
    let Some(python) = std::env::var_os("KAKEHASHI_HL7_PYTHON").map(PathBuf::from) else {
        println!(
            "not tested: KAKEHASHI_HL7_PYTHON names no interpreter with the package hl7; ./tests/run installs it"
        );
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let hospital = Hospital::start(&python, folder.path());
    // The demo's hospital discharges at the start; the nurses and the pharmacy answer.
    let gateway =
        Start::new(&folder.path().join("data"), &Database::Sqlite).with_hospital(&hospital.address).start();

    let of = |notes: &[Value], code: &str| {
        notes.iter().filter(|n| n["document"].as_str().unwrap().starts_with(code)).count()
    };
    let notes = wait::until("了解 and reply reach the other engine", Duration::from_secs(60), || {
        let notes = hospital.notes();
        (of(&notes, "CN-ACK-") >= 1 && of(&notes, "CN-POST-") >= 1).then_some(notes)
    });
    for note in &notes {
        assert_eq!(note["type"], "MDM^T02");
        assert_eq!(note["receiver"], "HIS");
        assert_eq!(note["patient"], "00412338", "the hospital's own number and no other");
        assert_eq!(note["name"], "山本 千代");
        let id = note["control_id"].as_str().unwrap();
        assert!(id.len() == 20 && id.starts_with("GW"), "{id}");
    }
    let told = notes.iter().find(|n| n["document"].as_str().unwrap().starts_with("CN-ACK-")).unwrap();
    let text = told["text"].as_str().unwrap();
    assert!(text.contains("退院のお知らせ") && text.contains("訪問看護ステーションひなた"), "{text}");
    let mut ids: Vec<&str> = notes.iter().map(|n| n["control_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), notes.len(), "what was answered is not sent again");

    // The other way: its client sends, and reads our answer.
    let sample = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus/hl7/synthetic-ja/ja01_adt_a01_admit_iso2022jp.hl7");
    for _ in 0..2 {
        let sent = Command::new(&python)
            .arg(script("client.py"))
            .args([gateway.mllp.ip().to_string(), gateway.mllp.port().to_string()])
            .arg(&sample)
            .output()
            .unwrap();
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
        let answer = String::from_utf8(sent.stdout).unwrap();
        let words: Vec<&str> = answer.split_whitespace().collect();
        assert_eq!((words[0], words[2]), ("AA", "ACK"), "{answer}");
    }
}
