//! Folders as they change: what is taken, once, in which order, and what waits for the office.

use super::*;
use kakehashi_core::clock::{FixedClock, SystemClock, UtcMicros};
use kakehashi_core::ids::IntakeId;
use kakehashi_core::port::{BoxFuture, RecipientAnswer};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Default)]
struct Desk {
    away: AtomicBool,
    keys: Mutex<BTreeSet<String>>,
    taken: Mutex<Vec<(String, String)>>,
}

impl IntakeDesk for Desk {
    fn hand_in(&self, intake: RawIntake) -> BoxFuture<'_, IntakeAnswer> {
        Box::pin(async move {
            if self.away.load(Ordering::Relaxed) {
                return IntakeAnswer::TryLater("away".to_owned());
            }
            let id = IntakeId::from("I");
            if !self.keys.lock().unwrap().insert(intake.dedup_key) {
                return IntakeAnswer::Duplicate(id);
            }
            let said = intake.sender_message_id.unwrap_or_default();
            self.taken.lock().unwrap().push((said, intake.origin.listener));
            IntakeAnswer::Accepted(id)
        })
    }

    fn accepts_recipient<'a>(&'a self, _: &'a str) -> BoxFuture<'a, RecipientAnswer> {
        Box::pin(async { RecipientAnswer::NotOurs })
    }
}

struct Ward {
    folder: tempfile::TempDir,
    desk: Arc<Desk>,
    kind: FolderKind,
}

impl Ward {
    fn new(kind: FolderKind) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), desk: Arc::new(Desk::default()), kind }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.root().join(from), self.root().join(to)).unwrap();
    }

    /// A start of the program.
    async fn open(&self, now: UtcMicros) -> Watcher {
        let config = FolderConfig {
            path: self.root(),
            kind: self.kind,
            profile: InterfaceProfile::default(),
            seen_file: self.folder.path().join("seen"),
            every_seconds: 1,
            stable_seconds: 10,
            since: None,
            max_file_bytes: 1 << 20,
        };
        let desk: Arc<dyn IntakeDesk> = Arc::clone(&self.desk) as Arc<dyn IntakeDesk>;
        Watcher::open(config, desk, Arc::new(FixedClock::at(now))).await.unwrap()
    }

    async fn look(&self) -> Round {
        // Long after the files were written.
        let later = UtcMicros::from_rfc3339("2099-01-01T00:00:00+09:00").unwrap();
        self.open(later).await.round(&CancellationToken::new()).await.unwrap()
    }

    fn taken(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.desk.taken.lock().unwrap())
    }

    fn ids(&self) -> Vec<String> {
        self.taken().into_iter().map(|(id, _)| id).collect()
    }
}

fn message(event: &str, id: &str, patient: &str) -> Vec<u8> {
    format!("MSH|^~\\&|HIS|S|GW|C|2026||{event}|{id}|P|2.5\rPID|1||{patient}^^^^PI\r").into_bytes()
}

#[tokio::test]
async fn plain_files_are_taken_once_across_starts() {
    let ward = Ward::new(FolderKind::Files);
    ward.write("b.hl7", &message("ADT^A01", "2", "7"));
    ward.write("deep/two.txt", &[message("ADT^A01", "3", "7"), message("ADT^A02", "4", "7")].concat());
    ward.write("c.hl7.tmp", &message("ADT^A01", "9", "7"));
    ward.write(".hidden", &message("ADT^A01", "9", "7"));
    ward.desk.away.store(true, Ordering::Relaxed);
    let round = ward.look().await;
    assert!(round.put_off && round.given == 0);
    ward.desk.away.store(false, Ordering::Relaxed);
    assert_eq!(ward.look().await.given, 3);
    assert_eq!(ward.look().await, Round::default(), "a new start knows what was taken");
    let mut ids = ward.ids();
    ids.sort();
    assert_eq!(ids, ["2", "3", "4"]);
    // The same bytes under another name are the same message; a torn memory changes nothing either.
    ward.rename("b.hl7", "a.hl7");
    std::fs::write(ward.folder.path().join("seen"), b"torn").unwrap();
    assert_eq!(ward.look().await.given, 0);
    assert!(ward.ids().is_empty());
}

#[tokio::test]
async fn a_file_is_taken_when_it_is_complete() {
    let ward = Ward::new(FolderKind::Files);
    let whole = message("ADT^A01", "1", "7");
    ward.write("a.hl7", &whole[..whole.len() - 3]);
    let now = SystemClock.now();
    let watcher = ward.open(now).await;
    assert_eq!(watcher.round(&CancellationToken::new()).await.unwrap().given, 0, "still being written");
    ward.write("a.hl7", &whole);
    assert_eq!(watcher.round(&CancellationToken::new()).await.unwrap().given, 1, "it ends with CR");
    assert_eq!(ward.ids(), ["1"]);
}

const ADMITTED: &str =
    "004/123/00412338/20260605/ADT-22/00412338_20260605_ADT-22_000000000500123_20260605195200000_01_";
const LEFT: &str =
    "004/123/00412338/20260609/ADT-52/00412338_20260609_ADT-52_000000000500123_20260609102000000_01_";
const LEFT_AGAIN: &str =
    "004/123/00412338/20260609/ADT-52/00412338_20260609_ADT-52_000000000500123_20260610110200000_01_";
const UNDONE: &str =
    "004/123/00412338/20260609/ADT-52/00412338_20260609_ADT-52_000000000500123_20260611090000000_01_";

#[tokio::test]
async fn a_storage_tells_by_its_flags() {
    let ward = Ward::new(FolderKind::Ssmix2);
    let at = |name: &str, flag: u8| format!("{name}{flag}");
    ward.write(&at(LEFT, 1), &message("ADT^A03", "L1", "00412338"));
    ward.write(&at(ADMITTED, 1), &message("ADT^A01", "A1", "00412338"));
    ward.write("004/123/index.txt", b"not of the storage\r");
    assert_eq!(ward.look().await.given, 2);
    assert_eq!(ward.ids(), ["A1", "L1"], "in the order of the events");

    // An update: the old file becomes history, a new one is valid.
    ward.rename(&at(LEFT, 1), &at(LEFT, 2));
    ward.write(&at(LEFT_AGAIN, 1), &message("ADT^A03", "L2", "00412338"));
    assert_eq!(ward.look().await.given, 1);
    assert_eq!(ward.ids(), ["L2"]);

    // A deletion: all are invalid and a last one says that it is cancelled.
    ward.rename(&at(LEFT, 2), &at(LEFT, 0));
    ward.rename(&at(LEFT_AGAIN, 1), &at(LEFT_AGAIN, 0));
    ward.write(&at(UNDONE, 0), &message("ADT^A13", "X1", "00412338"));
    assert_eq!(ward.look().await.given, 1);
    assert_eq!(ward.taken(), [("X1".to_owned(), FOLDER_LISTENER.to_owned())]);

    // Made invalid without a word: a person must look.
    ward.rename(&at(ADMITTED, 1), &at(ADMITTED, 0));
    let round = ward.look().await;
    assert_eq!((round.given, round.held), (1, 1));
    assert_eq!(ward.taken(), [("A1".to_owned(), HELD_LISTENER.to_owned())]);
    assert_eq!(ward.look().await, Round::default());
}

#[tokio::test]
async fn another_patients_folder_and_what_was_never_valid() {
    let ward = Ward::new(FolderKind::Ssmix2);
    let other =
        "004/123/00412383/20260609/OMP-01/00412383_20260609_OMP-01_000000000099800_20260609093100000_01_";
    ward.write(&format!("{other}1"), &message("RDE^O11", "R1", "00412338"));
    ward.write(&format!("{ADMITTED}0"), &message("ADT^A01", "A1", "00412338"));
    ward.write(&format!("{LEFT}2"), &message("ADT^A03", "L1", "00412338"));
    let round = ward.look().await;
    assert_eq!((round.given, round.held), (1, 1));
    assert_eq!(ward.taken(), [("R1".to_owned(), HELD_LISTENER.to_owned())]);
}

#[tokio::test]
async fn the_example_storage() {
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/corpus/hl7/synthetic-ja/ssmix2/standard_root/1390000001");
    let ward = Ward::new(FolderKind::Ssmix2);
    let mut folders = vec![example.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&example).unwrap().to_str().unwrap().to_owned();
                ward.write(&name, &std::fs::read(&path).unwrap());
            }
        }
    }
    let round = ward.look().await;
    assert_eq!(
        (round.given, round.held),
        (3, 0),
        "two of the stay and the basic data; history and invalid stay"
    );
    assert_eq!(ward.look().await, Round::default());
}
