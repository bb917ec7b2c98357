//! The store goes away and comes back: PostgreSQL stopped and started, a disk full and freed. Meanwhile
//! each sender gets the answer that makes it keep its message (451, 503, no PUBACK, and on MLLP a closed
//! connection without an answer: hl7.md 2.3); afterwards everything that was acknowledged is there once.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_tests::broker::{Broker, Tap};
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::{Gateway, Start, run, serve};
use kakehashi_tests::mllp::{Mllp, admission};
use kakehashi_tests::office::{self, Office};
use kakehashi_tests::postgres::{PrivatePostgres, is_root};
use kakehashi_tests::smtp::Smtp;
use kakehashi_tests::wait;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const TO: &str = "intake@in.kakehashi.example";
const FROM: &str = "tester@clinic.example";
const KEY: &str = "demo-key-hidamari";
const TOPIC: &str = "kakehashi/sakurami/care-notes/hidamari";

fn mail(id: &str, size: usize) -> Vec<u8> {
    let line = "内容の一行です。0123456789\n";
    let body = line.repeat(1 + size / line.len());
    format!(
        "Message-ID: <{id}>\nFrom: {FROM}\nTo: {TO}\nSubject: {id}\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{body}"
    )
    .into_bytes()
}

fn note(id: &str, size: usize) -> String {
    serde_json::json!({ "note_id": id, "body": "x".repeat(size.max(1)) }).to_string()
}

/// Posts a care note: status and Retry-After.
fn post_note(gateway: &Gateway, id: &str, size: usize) -> (u16, Option<String>) {
    let request = office::agent()
        .post(gateway.url("/api/v1/care-notes"))
        .header("Authorization", format!("Bearer {KEY}"));
    let answer = request.header("Content-Type", "application/json").send(note(id, size)).unwrap();
    let later = answer.headers().get("retry-after").map(|v| v.to_str().unwrap().to_owned());
    (answer.status().as_u16(), later)
}

fn readyz(gateway: &Gateway) -> u16 {
    office::agent().get(gateway.url("/readyz")).call().unwrap().status().as_u16()
}

fn config_file(folder: &Path, url: &str, tap: Option<&Tap>) -> String {
    let mqtt = tap.map_or_else(String::new, |tap| {
        format!(
            "[mqtt]\nhost = \"127.0.0.1\"\nport = {}\nclient_id = \"kakehashi-outage\"\n\
             topic = \"kakehashi/sakurami/care-notes/+\"\n",
            tap.port
        )
    });
    let text = format!(
        "network = \"sakurami\"\ndata_dir = \"{}\"\n[database]\nurl = \"{url}\"\n\
         [http]\nlisten = \"127.0.0.1:0\"\nsecure_cookies = false\n\
         [smtp]\nlisten = \"127.0.0.1:0\"\nhostname = \"in.kakehashi.example\"\n\
         [[mllp]]\nlisten = \"127.0.0.1:0\"\n[mllp.interface]\nname = \"sakurami_ch\"\n{mqtt}\
         [mail]\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nfrom = \"noreply@in.kakehashi.example\"\nfrom_name = \"k\"\n\
         [fax.send]\naddress_pattern = \"{{number}}@fax.example\"\nfrom = \"noreply@in.kakehashi.example\"\n\
         report_within_seconds = 1200\n",
        folder.display()
    );
    let file = folder.join("kakehashi.toml");
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn command(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn there_once(ids: &str, wanted: &BTreeSet<String>) {
    for id in wanted {
        assert_eq!(ids.lines().filter(|l| l == id).count(), 1, "{id}");
    }
}

#[test]
fn postgres_is_stopped_and_started() {
    let Some(postgres) = PrivatePostgres::start_new() else { return };
    let broker = Broker::start();
    let tap = broker.as_ref().map(Broker::tap);
    let folder = tempfile::tempdir().unwrap();
    let config = config_file(folder.path(), &postgres.url(), tap.as_ref());
    let directory = folder.path().join("directory").display().to_string();
    command(&["directory", "example", &directory]);
    command(&["directory", "import", &directory, "--config", &config]);
    let mut gateway = serve(Path::new(&config));
    let mut acknowledged = BTreeSet::new();
    let confirmed = || tap.as_ref().map_or(0, Tap::confirmed);

    all_are_taken(&gateway, "before", &mut acknowledged);
    if let Some(broker) = &broker {
        broker.publish(TOPIC, &note("before-mqtt", 10));
        wait::until("the first PUBACK", Duration::from_secs(30), || (confirmed() == 1).then_some(()));
        acknowledged.insert("before-mqtt".to_owned());
    }

    // A session and a connection that are open when it happens.
    let mut in_data = Smtp::connect(gateway.smtp).unwrap();
    for line in [format!("MAIL FROM:<{FROM}>"), format!("RCPT TO:<{TO}>"), "DATA".to_owned()] {
        in_data.say(&line).unwrap();
    }
    let mut open = Mllp::connect(gateway.mllp).unwrap();
    postgres.stop();

    let message = String::from_utf8(mail("in-data@clinic.example", 100)).unwrap().replace('\n', "\r\n");
    in_data.send_raw(format!("{message}.\r\n").as_bytes()).unwrap();
    let reply = in_data.reply().unwrap();
    assert!(reply.starts_with("451"), "in data: {reply}");
    assert_eq!(open.exchange(&admission("OPEN01")).unwrap(), None, "an answer without a store");
    all_must_wait(&gateway, 0);
    assert_eq!(readyz(&gateway), 503);
    assert_eq!(office::agent().get(gateway.url("/healthz")).call().unwrap().status(), 200);
    if let Some(broker) = &broker {
        broker.publish(TOPIC, &note("meanwhile-mqtt", 10));
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(confirmed(), 1, "a PUBACK without a store");
    }
    assert!(gateway.is_alive());

    postgres.start();
    wait::until("the gateway to be ready again", Duration::from_secs(60), || {
        (readyz(&gateway) == 200).then_some(())
    });
    let mut again = Smtp::connect(gateway.smtp).unwrap();
    let reply = again.mail(FROM, TO, &mail("in-data@clinic.example", 100)).unwrap();
    assert!(reply.starts_with("250"), "sent again: {reply}");
    acknowledged.insert("in-data@clinic.example".to_owned());
    let answer = Mllp::connect(gateway.mllp).unwrap().exchange(&admission("OPEN01")).unwrap().unwrap();
    assert!(answer.contains("MSA|AA|OPEN01"), "{answer}");
    acknowledged.insert("OPEN01".to_owned());
    all_are_taken(&gateway, "held", &mut acknowledged);
    if broker.is_some() {
        wait::until("the broker to be told", Duration::from_secs(100), || (confirmed() >= 2).then_some(()));
        acknowledged.insert("meanwhile-mqtt".to_owned());
    }
    settled(|| command(&["intake", "list", "--config", &config]));
    there_once(&command(&["intake", "list", "--ids", "--config", &config]), &acknowledged);
    gateway.stop();
}

/// One message on each way; all are acknowledged.
fn all_are_taken(gateway: &Gateway, name: &str, acknowledged: &mut BTreeSet<String>) {
    let id = format!("{name}@clinic.example");
    let reply = Smtp::connect(gateway.smtp).unwrap().mail(FROM, TO, &mail(&id, 100)).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    acknowledged.insert(id);
    let id = format!("{name}-hl7");
    let answer = Mllp::connect(gateway.mllp).unwrap().exchange(&admission(&id)).unwrap().unwrap_or_default();
    assert!(answer.contains(&format!("MSA|AA|{id}")), "{answer}");
    acknowledged.insert(id);
    let id = format!("{name}-note");
    assert_eq!(post_note(gateway, &id, 10).0, 201, "{id}");
    acknowledged.insert(id);
}

/// New messages on each way while the store is away, `size` bytes of content each; none is acknowledged.
fn all_must_wait(gateway: &Gateway, size: usize) {
    let begun = Instant::now();
    let mut session = Smtp::connect(gateway.smtp).unwrap();
    let reply = session.mail(FROM, TO, &mail("held@clinic.example", size)).unwrap();
    assert!(reply.starts_with("451"), "SMTP: {reply}");
    let mut message = admission("held-hl7");
    message.extend(format!("NTE|1||{}\r", "x".repeat(size)).bytes());
    assert_eq!(Mllp::connect(gateway.mllp).unwrap().exchange(&message).unwrap(), None, "MLLP answered");
    // A care note's text has a limit of its own.
    let (status, later) = post_note(gateway, "held-note", size.min(15_000));
    assert_eq!(status, 503, "HTTP");
    assert!(later.is_some(), "no Retry-After");
    assert!(begun.elapsed() < Duration::from_secs(40), "the answers took {:?}", begun.elapsed());
}

fn settled(list: impl Fn() -> String) {
    wait::until("every intake to be settled", Duration::from_secs(60), || {
        let waiting = list().lines().any(|l| l.split('\t').nth(3) == Some("accepted"));
        (!waiting).then_some(())
    });
}

/// A small file system in memory, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(megabytes: u32) -> Option<Self> {
        if !is_root() {
            println!("not run: a small file system can only be mounted by root");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "kakehashi-test"])
            .arg(folder.path())
            .status();
        if !mounted.is_ok_and(|s| s.success()) {
            println!("not run: a small file system cannot be mounted here");
            return None;
        }
        Some(Self(folder))
    }

    /// Takes all space that is left.
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.filler()).unwrap();
        let mut piece = 1 << 20;
        while piece > 0 {
            if file.write_all(&vec![0x55; piece]).is_err() {
                piece /= 2;
            }
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> std::path::PathBuf {
        self.0.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn the_disk_is_full_and_freed() {
    let Some(disk) = SmallDisk::mount(48) else { return };
    let data_dir = disk.0.path().join("data");
    let mut gateway = Start::new(&data_dir, &Database::Sqlite).start();
    let mut acknowledged = BTreeSet::new();
    all_are_taken(&gateway, "before", &mut acknowledged);

    disk.fill();
    // The write-ahead log may still have room of its own: what is acknowledged from it counts as well.
    let mut session = Smtp::connect(gateway.smtp).unwrap();
    let mut first_refused = None;
    for n in 0..400 {
        let id = format!("fill{n:03}@clinic.example");
        let reply = session.mail(FROM, TO, &mail(&id, 40_000)).unwrap();
        if reply.starts_with("250") {
            acknowledged.insert(id);
            continue;
        }
        assert!(reply.starts_with("451"), "disk full: {reply}");
        first_refused = Some(id);
        break;
    }
    let first_refused = first_refused.expect("the disk never became full");
    println!("{} messages were taken before the disk was full to the last page", acknowledged.len() - 3);
    all_must_wait(&gateway, 50_000);
    // Too large for a row: it would be a blob.
    let reply =
        Smtp::connect(gateway.smtp).unwrap().mail(FROM, TO, &mail("blob@clinic.example", 200_000)).unwrap();
    assert!(reply.starts_with("451"), "blob on a full disk: {reply}");
    assert!(gateway.is_alive());

    disk.free();
    for (id, size) in [(first_refused.as_str(), 40_000), ("blob@clinic.example", 200_000)] {
        let taken = wait::until("space to be used again", Duration::from_secs(30), || {
            let reply = Smtp::connect(gateway.smtp).unwrap().mail(FROM, TO, &mail(id, size)).unwrap();
            reply.starts_with("250").then_some(reply)
        });
        println!("after the disk was freed: {taken}");
        acknowledged.insert(id.to_owned());
    }
    all_are_taken(&gateway, "held", &mut acknowledged);
    let data_dir = data_dir.display().to_string();
    settled(|| command(&["intake", "list", "--data-dir", &data_dir]));
    there_once(&command(&["intake", "list", "--ids", "--data-dir", &data_dir]), &acknowledged);
    every_original_is_there(&gateway, &["fill000@clinic.example", "blob@clinic.example"]);
    gateway.stop();
}

fn every_original_is_there(gateway: &Gateway, some: &[&str]) {
    let mut office = Office::log_in(gateway);
    let mut found = BTreeSet::new();
    for intake in office.intakes() {
        let (status, bytes) = office.get_bytes(&format!("{intake}/raw"));
        assert_eq!(status, 200, "{intake}");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        found.extend(some.iter().filter(|id| text.contains(&format!("Message-ID: <{id}>"))).copied());
    }
    assert_eq!(found, some.iter().copied().collect());
}
