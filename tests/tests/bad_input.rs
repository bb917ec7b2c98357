//! Every file of the corpora through `kakehashi inspect` and through the real listeners: no panic, no hang,
//! no growth beyond the limits, and whatever was acknowledged ends as something with its original bytes.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_tests::corpus::{self, extension};
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::{Gateway, Start, program, run};
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::office::{self, Office, between};
use kakehashi_tests::smtp::{Smtp, on_the_wire};
use kakehashi_tests::wait;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// One file takes no longer.
const LIMIT: Duration = Duration::from_secs(10);
/// What the program holds after everything, without its own file.
const MEMORY: u64 = 200 * 1024 * 1024;

/// Fields that every Envelope shows (docs/architecture.md, section 3).
const FIELDS: &[&str] = &[
    "file",
    "channel",
    "format",
    "content_hash",
    "message_id",
    "sender",
    "intent",
    "reply_code",
    "in_reply_to",
    "patient",
    "occurred_at",
    "sent_at",
    "title",
    "body",
    "quoted",
    "signature",
    "urgency",
    "reply_expectation",
    "document_kind",
    "attachments",
    "sheet",
    "event",
    "warnings",
];

#[test]
fn every_file_is_inspected() {
    let files = corpus::files();
    let mut unread = 0;
    let mut slowest = (Duration::ZERO, PathBuf::new());
    for file in &files {
        let begun = Instant::now();
        let (status, output) = inspect(file);
        let took = begun.elapsed();
        if took > slowest.0 {
            slowest = (took, file.clone());
        }
        assert!(matches!(status, Some(0 | 3)), "{}: status {status:?}", file.display());
        let lines: Vec<Value> = output
            .lines()
            .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{}: {e}: {l}", file.display())))
            .collect();
        assert!(!lines.is_empty(), "{}: nothing was printed", file.display());
        let is_unread = lines.iter().any(|l| l.get("unreadable").is_some());
        assert_eq!(is_unread, status == Some(3), "{}", file.display());
        unread += usize::from(is_unread);
        for line in &lines {
            check_line(line, file);
        }
    }
    println!(
        "{} files inspected, {unread} of them unreadable, slowest {} ms: {}",
        files.len(),
        slowest.0.as_millis(),
        slowest.1.file_name().unwrap_or_default().display()
    );
}

fn inspect(file: &Path) -> (Option<i32>, String) {
    let printed = tempfile::NamedTempFile::new().unwrap();
    let said = tempfile::NamedTempFile::new().unwrap();
    let mut child = Command::new(program())
        .arg("inspect")
        .arg(file)
        .stdout(printed.reopen().unwrap())
        .stderr(said.reopen().unwrap())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let status = ended(&mut child, file);
    let faults = std::fs::read_to_string(said.path()).unwrap();
    assert!(!faults.contains("panicked"), "{}: {faults}", file.display());
    (status, std::fs::read_to_string(printed.path()).unwrap())
}

fn ended(child: &mut Child, file: &Path) -> Option<i32> {
    let until = Instant::now() + LIMIT;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    let _ = child.wait();
    panic!("{}: longer than {LIMIT:?}", file.display());
}

fn check_line(line: &Value, file: &Path) {
    let shown = file.display();
    let object = line.as_object().unwrap();
    assert_eq!(object["file"], file.display().to_string(), "{shown}");
    assert!(
        object["content_hash"].as_str().is_some_and(|h| h.starts_with("sha256:") && h.len() == 71),
        "{shown}"
    );
    if let Some(unreadable) = object.get("unreadable") {
        assert!(unreadable["code"].is_string() && unreadable["detail"].is_string(), "{shown}: {unreadable}");
        return;
    }
    for field in FIELDS {
        assert!(object.contains_key(*field), "{shown}: no field {field}");
    }
    for (of, fields) in [
        ("sender", &["address", "name", "number", "facility", "application", "authenticity"][..]),
        ("patient", &["identifiers", "names", "birth_date", "sex", "group_alias"][..]),
    ] {
        for field in fields {
            assert!(object[of].get(field).is_some(), "{shown}: no field {of}.{field}");
        }
    }
    for attachment in object["attachments"].as_array().unwrap() {
        for field in ["name", "media_type", "size_bytes", "content_hash", "pages", "role"] {
            assert!(attachment.get(field).is_some(), "{shown}: no field attachments.{field}");
        }
    }
    for warning in object["warnings"].as_array().unwrap() {
        assert!(warning["code"].is_string(), "{shown}: {warning}");
    }
    for text in ["title", "body", "quoted", "signature"] {
        assert!(!object[text].as_str().unwrap_or("").contains('\r'), "{shown}: a CR in {text}");
    }
}

#[test]
fn every_file_is_sent_to_the_listeners() {
    let folder = tempfile::tempdir().unwrap();
    let mut gateway = Start::new(folder.path(), &Database::Sqlite).start();
    let mut taken = Taken::default();
    for file in corpus::files() {
        let bytes = std::fs::read(&file).unwrap();
        let begun = Instant::now();
        send(&gateway, &file, &bytes, &mut taken);
        assert!(begun.elapsed() < LIMIT, "{}: {:?}", file.display(), begun.elapsed());
        assert!(gateway.is_alive(), "the gateway ended at {}", file.display());
    }
    println!("{} messages acknowledged, {} refused", taken.originals.len(), taken.refused);

    let data_dir = folder.path().display().to_string();
    let begun = Instant::now();
    wait::until("every intake to be settled", Duration::from_secs(120), || {
        let output = run(&["intake", "list", "--data-dir", &data_dir]);
        let list = String::from_utf8(output.stdout).unwrap();
        let mut states: HashMap<String, u32> = HashMap::new();
        for line in list.lines() {
            *states.entry(line.split('\t').nth(3).unwrap_or("?").to_owned()).or_default() += 1;
        }
        let settled = !states.contains_key("accepted");
        if settled {
            println!("settled {:?} after the last file: {states:?}", begun.elapsed());
        } else {
            std::thread::sleep(Duration::from_millis(300));
        }
        settled.then_some(())
    });
    originals_are_there(&gateway, &taken);
    let (now, peak) = (gateway.anonymous_bytes(), gateway.peak_resident_bytes());
    println!("memory: {} MB, with the program's own file at most {} MB", now >> 20, peak >> 20);
    assert!(now < MEMORY, "{} MB", now >> 20);
    gateway.stop();
}

/// What was acknowledged.
#[derive(Default)]
struct Taken {
    /// Bytes as sent, and by which file.
    originals: Vec<(Vec<u8>, PathBuf)>,
    refused: usize,
}

impl Taken {
    fn note(&mut self, acknowledged: bool, bytes: Vec<u8>, file: &Path) {
        if acknowledged {
            self.originals.push((bytes, file.to_owned()));
        } else {
            self.refused += 1;
        }
    }
}

fn send(gateway: &Gateway, file: &Path, bytes: &[u8], taken: &mut Taken) {
    match extension(file).as_str() {
        "eml" | "txt" => {
            for to in ["intake@in.kakehashi.example", "fax@in.kakehashi.example"] {
                let ok = mail(gateway, "someone@elsewhere.example", to, bytes);
                taken.note(ok, unstuffed(bytes), file);
            }
        }
        "tif" | "tiff" | "pdf" => {
            let wrapped = fax_mail(file, bytes);
            let ok = mail(gateway, "receiver@fax.kakehashi.example", "fax@in.kakehashi.example", &wrapped);
            taken.note(ok, unstuffed(&wrapped), file);
        }
        "json" => {
            let request = office::agent().post(gateway.url("/api/v1/care-notes"));
            let request = request.header("Authorization", "Bearer demo-key-hidamari");
            let answer = request.header("Content-Type", "application/json").send(bytes).unwrap();
            taken.note(answer.status() == 201, bytes.to_vec(), file);
        }
        // Already framed: as a sender wrote it to the wire.
        "mllp" => {
            let mut connection = Mllp::connect(gateway.mllp).unwrap();
            let _ = connection.send_raw(bytes);
            connection.end().unwrap();
            while let Ok(Some(_)) = connection.answer() {}
        }
        _ => {
            let mut connection = Mllp::connect(gateway.mllp).unwrap();
            connection.send(bytes).unwrap();
            if !waits_for_an_answer(bytes) {
                connection.end().unwrap();
            }
            let ok = connection.answer().unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            taken.note(
                ok.is_some_and(|a| a.contains("MSA|AA") || a.contains("MSA|CA")),
                bytes.to_vec(),
                file,
            );
        }
    }
}

/// Whether there is a header to be answered that leaves the answer to the receiver: no MSH-15 and MSH-16
/// (HL7 2.9.2.2), no answer itself, and no framing within.
fn waits_for_an_answer(bytes: &[u8]) -> bool {
    let header = bytes.split(|b| *b == b'\r' || *b == b'\n').find(|line| line.starts_with(b"MSH"));
    let fields: Vec<&[u8]> = header.map(|h| h.split(|b| *b == b'|').collect()).unwrap_or_default();
    let field = |n: usize| fields.get(n - 1).copied().unwrap_or_default();
    let framed = bytes.iter().any(|b| matches!(b, 0x0b | 0x1c));
    header.is_some()
        && field(15).is_empty()
        && field(16).is_empty()
        && !field(9).starts_with(b"ACK")
        && !framed
}

/// Sends a mail; whether it was acknowledged.
fn mail(gateway: &Gateway, from: &str, to: &str, bytes: &[u8]) -> bool {
    let reply = Smtp::connect(gateway.smtp).unwrap().mail(from, to, bytes).unwrap();
    assert!(reply.starts_with("250") || reply.starts_with('5'), "{reply}");
    reply.starts_with("250")
}

/// The bytes that arrive behind the dots of SMTP.
fn unstuffed(bytes: &[u8]) -> Vec<u8> {
    let wire = on_the_wire(bytes);
    let mut out = Vec::with_capacity(wire.len());
    for line in wire.split_inclusive(|b| *b == b'\n') {
        out.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    out
}

fn fax_mail(file: &Path, bytes: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let name = file.file_name().unwrap_or_default().display().to_string();
    let media_type = if extension(file) == "pdf" { "application/pdf" } else { "image/tiff" };
    let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
    let lines: Vec<&str> = encoded.as_bytes().chunks(76).map(|c| std::str::from_utf8(c).unwrap()).collect();
    format!(
        "Message-ID: <{name}@fax.kakehashi.example>\nFrom: receiver@fax.kakehashi.example\n\
         To: fax@in.kakehashi.example\nSubject: FAX 0300000104\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=\"=_b\"\n\n--=_b\nContent-Type: text/plain\n\nFAX\n\
         --=_b\nContent-Type: {media_type}; name=\"{name}\"\nContent-Transfer-Encoding: base64\n\
         Content-Disposition: attachment; filename=\"{name}\"\n\n{}\n--=_b--\n",
        lines.join("\n")
    )
    .into_bytes()
}

/// The office can save every acknowledged message as it was sent.
fn originals_are_there(gateway: &Gateway, taken: &Taken) {
    let mut office = Office::log_in(gateway);
    let mut saved: HashSet<Vec<u8>> = HashSet::new();
    let intakes = office.intakes();
    for intake in &intakes {
        let (status, page) = office.get(intake);
        assert_eq!(status, 200, "{intake}");
        let raw = between(&page, &format!("href=\"{intake}"), "\"").map(|rest| format!("{intake}{rest}"));
        assert_eq!(
            raw.as_deref(),
            Some(format!("{intake}/raw").as_str()),
            "{intake} does not lead to its original"
        );
        let (status, bytes) = office.get_bytes(&format!("{intake}/raw"));
        assert_eq!(status, 200, "{intake}/raw");
        saved.insert(bytes);
    }
    let is_there = |bytes: &[u8]| {
        saved.contains(bytes)
            || (messages_of(bytes).len() > 1 || bytes.starts_with(b"FHS") || bytes.starts_with(b"BHS"))
                && messages_of(bytes).iter().all(|m| saved.contains(*m))
    };
    let missing: Vec<_> = taken.originals.iter().filter(|(b, _)| !is_there(b)).map(|(_, f)| f).collect();
    assert!(missing.is_empty(), "acknowledged, but the original is not there: {missing:#?}");
    println!("{} intakes, each with its original", intakes.len());
}

/// The messages of an HL7 batch file: each is an intake of its own, from its MSH to the next header.
fn messages_of(bytes: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = (0..bytes.len())
        .filter(|at| *at == 0 || matches!(bytes[at - 1], b'\r' | b'\n'))
        .filter(|at| {
            ["MSH", "FHS", "BHS", "BTS", "FTS"].iter().any(|name| bytes[*at..].starts_with(name.as_bytes()))
        })
        .chain([bytes.len()])
        .collect();
    let pieces = starts.windows(2).map(|w| &bytes[w[0]..w[1]]);
    pieces.filter(|piece| piece.starts_with(b"MSH")).collect()
}
