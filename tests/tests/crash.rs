//! `kill -9` at random moments under load, again and again on the same data: every acknowledged message
//! is there once, no message is there twice, one message is one post, and nothing is handed off twice
//! without saying 再送の可能性. The wall clock jumps ten minutes at every start, so that the leases of the
//! killed process lapse and its work is taken over within the test.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test program: what does not hold must end it"
)]

use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::{Gateway, Start, run};
use kakehashi_tests::mllp::{Mllp, admission};
use kakehashi_tests::smtp::Smtp;
use kakehashi_tests::wait;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Rounds on each database; the environment may ask for more.
fn rounds() -> u32 {
    std::env::var("KAKEHASHI_CRASH_ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(50)
}

#[test]
fn nothing_is_lost_or_doubled_on_sqlite() {
    crash_again_and_again(&Database::Sqlite);
}

#[test]
fn nothing_is_lost_or_doubled_on_postgres() {
    match Database::fresh_postgres() {
        Some(database) => crash_again_and_again(&database),
        None => println!("not run: KAKEHASHI_TEST_POSTGRES is not set"),
    }
}

/// What the senders know.
#[derive(Default)]
struct Ledger {
    /// Every identity that was ever sent, as `intake list --ids` shows it.
    sent: BTreeSet<String>,
    acknowledged: BTreeSet<String>,
    /// Answered by something else than yes or silence.
    refused: Vec<String>,
}

/// What one sender has on its hands: a message that nobody acknowledged is sent again, the same bytes.
struct Sender {
    name: String,
    next: u32,
    open: Option<String>,
}

impl Sender {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), next: 0, open: None }
    }

    fn identity(&mut self) -> String {
        if let Some(open) = &self.open {
            return open.clone();
        }
        self.next += 1;
        let id = format!("{}{:06}", self.name, self.next);
        self.open = Some(id.clone());
        id
    }
}

fn japan_time(round: u32) -> String {
    let minutes = round * 10;
    format!(
        "2026-06-{:02} {:02}:{:02}:00",
        9 + (9 * 60 + minutes) / 1440,
        (9 + minutes / 60) % 24,
        minutes % 60
    )
}

fn crash_again_and_again(database: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let mut start = Start::new(folder.path(), database).at(&japan_time(0));
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut senders: Vec<Sender> = ["A", "B", "C", "D", "mx", "my", "urgent"].map(Sender::new).into();
    let rounds = rounds();
    for round in 1..=rounds {
        let mut gateway = start.start();
        start = start.on_ports_of(&gateway).at(&japan_time(round));
        senders = one_round(&mut gateway, senders, &ledger);
    }
    let gateway = start.start();
    let listing = Listing { database, data_dir: folder.path() };
    settled(&listing);
    drop(gateway);

    let ledger = ledger.lock().unwrap();
    println!(
        "{database:?}: {rounds} kills, {} messages sent, {} acknowledged",
        ledger.sent.len(),
        ledger.acknowledged.len()
    );
    assert!(ledger.refused.is_empty(), "refused: {:?}", ledger.refused);
    assert!(ledger.acknowledged.len() > rounds as usize, "hardly anything was acknowledged");
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for id in listing.ids() {
        *counts.entry(id).or_default() += 1;
    }
    let lost: Vec<&String> = ledger.acknowledged.iter().filter(|id| !counts.contains_key(*id)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let twice: Vec<_> = counts.iter().filter(|(id, n)| **n > 1 && ledger.sent.contains(*id)).collect();
    assert!(twice.is_empty(), "there twice: {twice:?}");
    posts_are_there_once(&listing, &ledger);
    nothing_was_sent_twice(&folder.path().join("caught"));
}

/// Lets every sender send until the gateway is killed.
fn one_round(gateway: &mut Gateway, senders: Vec<Sender>, ledger: &Arc<Mutex<Ledger>>) -> Vec<Sender> {
    let over = Arc::new(AtomicBool::new(false));
    let (mllp, smtp) = (gateway.mllp, gateway.smtp);
    let running: Vec<_> = senders
        .into_iter()
        .map(|sender| {
            let (over, ledger) = (Arc::clone(&over), Arc::clone(ledger));
            std::thread::spawn(move || match sender.name.as_str() {
                "A" | "B" | "C" | "D" => send_hl7(mllp, sender, &ledger, &over),
                _ => send_mail(smtp, sender, &ledger, &over),
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(rand::random_range(50..700)));
    gateway.kill();
    over.store(true, Ordering::Relaxed);
    running.into_iter().map(|r| r.join().unwrap()).collect()
}

fn send_hl7(mllp: SocketAddr, mut sender: Sender, ledger: &Mutex<Ledger>, over: &AtomicBool) -> Sender {
    let Ok(mut connection) = Mllp::connect(mllp) else { return sender };
    while !over.load(Ordering::Relaxed) {
        let id = sender.identity();
        ledger.lock().unwrap().sent.insert(id.clone());
        match connection.exchange(&admission(&id)) {
            Ok(Some(answer)) if answer.contains(&format!("MSA|AA|{id}")) => {
                ledger.lock().unwrap().acknowledged.insert(id);
                sender.open = None;
            }
            Ok(Some(answer)) => {
                ledger.lock().unwrap().refused.push(answer);
                return sender;
            }
            Ok(None) | Err(_) => return sender,
        }
        pause();
    }
    sender
}

fn send_mail(smtp: SocketAddr, mut sender: Sender, ledger: &Mutex<Ledger>, over: &AtomicBool) -> Sender {
    let Ok(mut session) = Smtp::connect(smtp) else { return sender };
    let urgent = sender.name == "urgent";
    let to = if urgent { "g-7k2m9q@in.kakehashi.example" } else { "intake@in.kakehashi.example" };
    let mut in_this_round = 0;
    while !over.load(Ordering::Relaxed) {
        // A post goes out by FAX and mail; two a round keep the outlets busy enough.
        if urgent && in_this_round == 2 {
            return sender;
        }
        in_this_round += 1;
        let local = sender.identity();
        let id = format!("{local}@st.example");
        ledger.lock().unwrap().sent.insert(id.clone());
        let mark = if urgent { "[至急] " } else { "" };
        let mail = format!(
            "Message-ID: <{id}>\nFrom: hinata@st.example\nTo: {to}\nSubject: {local}\nMIME-Version: 1.0\n\
             Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{mark}番号{local}番の連絡です。\n"
        );
        match session.mail("hinata@st.example", to, mail.as_bytes()) {
            Ok(reply) if reply.starts_with("250") => {
                ledger.lock().unwrap().acknowledged.insert(id);
                sender.open = None;
            }
            Ok(reply) => {
                ledger.lock().unwrap().refused.push(reply);
                return sender;
            }
            Err(_) => return sender,
        }
        pause();
    }
    sender
}

fn pause() {
    std::thread::sleep(Duration::from_millis(rand::random_range(5..40)));
}

/// The command line beside the program.
struct Listing<'a> {
    database: &'a Database,
    data_dir: &'a Path,
}

impl Listing<'_> {
    fn command(&self, words: &[&str]) -> String {
        let data_dir = self.data_dir.display().to_string();
        let config = self.data_dir.join("listing.toml");
        let mut arguments = words.to_vec();
        let file = config.display().to_string();
        match self.database {
            Database::Sqlite => arguments.extend(["--data-dir", &data_dir]),
            Database::Postgres(url) => {
                let text = String::from_utf8(run(&["config", "example"]).stdout).unwrap();
                let text = text.replace("[database]", &format!("[database]\nurl = \"{url}\""));
                std::fs::write(&config, text).unwrap();
                arguments.extend(["--config", &file]);
            }
        }
        let output = run(&arguments);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn ids(&self) -> Vec<String> {
        self.command(&["intake", "list", "--ids"]).lines().map(str::to_owned).collect()
    }
}

/// Waits until everything that was accepted has become something.
fn settled(listing: &Listing) {
    wait::until("every intake to be settled", Duration::from_secs(120), || {
        let list = listing.command(&["intake", "list"]);
        let waiting = list.lines().filter(|l| l.split('\t').nth(3) == Some("accepted")).count();
        if waiting > 0 {
            std::thread::sleep(Duration::from_millis(300));
        }
        (waiting == 0).then_some(())
    });
}

fn posts_are_there_once(listing: &Listing, ledger: &Ledger) {
    let timeline = listing.command(&["timeline", "つばき01", "--json"]);
    for id in ledger.acknowledged.iter().filter(|id| id.starts_with("urgent")) {
        let local = id.split('@').next().unwrap();
        let count = timeline.matches(&format!("番号{local}番の連絡です")).count();
        assert_eq!(count, 1, "posts of {id}");
    }
}

/// Notes for the hospital lie beside mails and FAX jobs; they have no mail recipients.
fn is_mail(entry: &Path) -> bool {
    let entry: Option<serde_json::Value> =
        std::fs::read(entry).ok().and_then(|b| serde_json::from_slice(&b).ok());
    entry.is_some_and(|e| e["rcpt_to"].as_array().is_some_and(|to| !to.is_empty()))
}

/// What the catcher took: one item for each Message-ID, or the later one says that it may be a repeat.
fn nothing_was_sent_twice(caught: &Path) {
    let mut seen = BTreeSet::new();
    let mut files: Vec<_> = std::fs::read_dir(caught).unwrap().flatten().map(|e| e.path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "eml") && is_mail(&p.with_extension("json")));
    files.sort();
    for path in &files {
        let mail = kakehashi_email::read::parse_mail(&std::fs::read(path).unwrap()).unwrap();
        let id = mail.message_id.clone().expect("every mail of ours has an id");
        let marked = mail.parts.iter().any(|p| String::from_utf8_lossy(&p.bytes).contains("再送の可能性"));
        assert!(seen.insert(id.clone()) || marked, "handed off twice: {id}");
    }
    println!("{} items handed off, none twice", files.len());
    assert!(!files.is_empty(), "nothing was ever handed off");
}
