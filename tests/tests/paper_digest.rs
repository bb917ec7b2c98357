//! The 返信票 of a まとめ便, out and back: during the trial the office confirms its ticks line by line with one
//! key, what it decided becomes labelled crops that `sheet evaluate` reads, and where a network has earned
//! and switched it on, a sheet that comes back untouched acknowledges. Off, it never does.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_core::clock::{SystemClock, UtcMicros};
use kakehashi_core::commit::{Actor, Commit, Effect, SheetCheck};
use kakehashi_core::ids::{IntakeId, NetworkId};
use kakehashi_fax::pages::Page;
use kakehashi_store::{Store, StoreConfig};
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::{Gateway, run};
use kakehashi_tests::network::{Network, receipt};
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::paper;
use std::sync::Arc;

const PHARMACY: &str = "0300000105";

fn csrf(page: &str) -> String {
    between(page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned()
}

/// The doctor writes something that is not urgent in a group.
fn post(gateway: &Gateway, group: &str, title: &str) {
    let mut doctor = Office::log_in_as(gateway, "saeki", "sakurami-demo");
    let (_, page) = doctor.get(&format!("/groups/{group}"));
    let form = between(&page, &format!("action=\"/groups/{group}/posts\""), "</form>").unwrap();
    let field = |name: &str| between(form, &format!("name=\"{name}\" value=\""), "\"").unwrap();
    let fields = [
        ("csrf", field("csrf")),
        ("post_id", field("post_id")),
        ("title", title),
        ("body", "次回の訪問で様子を見ます。"),
        ("urgency", "normal"),
        ("expectation", "ack"),
        ("addressee", "F05"),
    ];
    let (status, text) = doctor.post_parts(&format!("/groups/{group}/posts"), &fields);
    assert!((300..400).contains(&status), "{status} {text}");
}

fn acknowledged(network: &Network, group: &str, title: &str) -> bool {
    let topics = network.topics(group);
    let topic = topics.iter().find(|t| t["topic"]["post"]["title"] == title).unwrap();
    !receipt(&topic["topic"], "F05")["acknowledgement"].is_null()
}

/// Two posts of two groups in the digest of 14:00, and the sheet that came with it.
fn digest(network: &Network, day: &str, titles: [&str; 2], already: usize) -> (Gateway, Page) {
    let mut gateway = network.start(&format!("{day} 13:20:00"));
    post(&gateway, "G01", titles[0]);
    post(&gateway, "G03", titles[1]);
    gateway.stop();
    let gateway = network.start(&format!("{day} 13:59:55"));
    let fax = network.relay.wait(PHARMACY, already + 1).pop().unwrap().read();
    let sheet = paper::reply_sheet(fax.pdf());
    (gateway, sheet)
}

#[test]
fn ticks_of_a_digest_are_confirmed_by_one_key_and_kept_as_crops() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let (mut gateway, mut sheet) = digest(&network, "2026-06-09", ["残薬の件", "体重の件"], 0);
        paper::tick(&mut sheet, "acknowledge_1");
        paper::tick(&mut sheet, "call_back_2");
        network.fax(&gateway, PHARMACY, &[sheet]);
        network.settled();
        assert!(!acknowledged(&network, "G01", "残薬の件"), "試行: a person confirms");

        let mut office = Office::log_in(&gateway);
        let items = office.triage();
        assert_eq!(items.len(), 1, "one sheet to confirm");
        let (_, page) = office.get(&items[0]);
        for part in ["まとめ便の返信票(2件)", "つばき01", "なでしこ03", "残薬の件", "体重の件"]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
        // What is ticked is seen enlarged; what is surely empty is not.
        assert!(page.contains("/boxes/acknowledge_1.png") && !page.contains("/boxes/wrong_recipient.png"));
        let (status, crop) = office.get_bytes(&format!("{}/boxes/acknowledge_1.png", items[0]));
        assert!(status == 200 && crop.starts_with(b"\x89PNG"), "{status}");
        let (status, _) = office.get_bytes(&format!("{}/boxes/none.png", items[0]));
        assert_eq!(status, 404);

        let token = csrf(&page);
        let ticks =
            [("csrf", token.as_str()), ("mark", "acknowledge_1"), ("mark", "call_back_2"), ("staff_id", "")];
        let (status, text) = office.post(&format!("{}/confirmation", items[0]), &ticks);
        assert!((300..400).contains(&status), "{status} {text}");
        assert!(office.triage().is_empty());
        assert!(acknowledged(&network, "G01", "残薬の件"));
        assert!(!acknowledged(&network, "G03", "体重の件"), "only what was ticked");
        let called = network.topics("G03");
        let call = &called[0]["replies"][0]["post"];
        assert_eq!((call["expectation"].as_str(), call["facility_id"].as_str()), (Some("call"), Some("F05")));
        // The page shows headings of two groups: it lies in neither.
        assert!(called[0]["replies"][0]["attachments"].as_array().unwrap().is_empty());
        gateway.stop();

        exported(&network);
    }
}

/// The export holds every box of the sheet under the person's label, and the evaluation reads all of them.
fn exported(network: &Network) {
    let folder = network.config().parent().unwrap().join("crops").display().to_string();
    let config = network.config().display().to_string();
    let output = run(&["sheet", "export", &folder, "--config", &config]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    let counts: Vec<usize> = text.lines().nth(1).unwrap().split('\t').map(|n| n.parse().unwrap()).collect();
    let files = |label: &str| std::fs::read_dir(format!("{folder}/{label}")).unwrap().count();
    assert_eq!((counts[0], counts[2]), (1, 0), "{text}");
    assert_eq!(files("marked"), 2);
    assert_eq!(files("marked") + files("empty") + files("unsure"), counts[1]);
    assert!(counts[1] >= 6, "{text}");
    let output = run(&["sheet", "evaluate", &folder]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    let line: Vec<&str> = text.lines().find(|l| l.starts_with("marked")).unwrap().split('\t').collect();
    assert_eq!((line[1], line[5]), ("2", "0"), "read exactly what was written: {text}");
    let again = run(&["sheet", "export", &folder, "--config", &config]);
    assert!(!again.status.success(), "an export never mixes with another");
}

/// As after a trial of 300 sheets on which machine and person agreed.
fn trust(network: &Network, database: &Database) {
    let data = network.config().parent().unwrap().join("data");
    let url = match database {
        Database::Sqlite => format!("sqlite:{}", data.join("kakehashi.db").display()),
        Database::Postgres(url) => url.clone(),
    };
    let config = StoreConfig { database_url: url, blob_folder: data.join("blobs"), max_connections: 2 };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(&config, Arc::new(SystemClock)).await.unwrap();
        let id = NetworkId::new("sakurami");
        let intakes = store.office(&id).intakes(None, 1).await.unwrap();
        let intake: IntakeId = intakes[0].id.clone();
        let check = |n: u32| {
            Effect::CheckSheet(SheetCheck {
                intake_id: intake.clone(),
                envelope_index: 1000 + n,
                marks: Vec::new(),
                said: vec!["acknowledge".to_owned()],
                decided: vec!["acknowledge".to_owned()],
            })
        };
        let at = UtcMicros::from_rfc3339("2026-06-10T09:00:00+09:00").unwrap();
        let commit = Commit { at, actor: Actor::Operator, effects: (0..300).map(check).collect() };
        store.commit(&id, commit).await.unwrap();
        assert!(store.office(&id).paper_trust().await.unwrap().is_earned());
        store.close().await;
    });
}

#[test]
fn an_untouched_sheet_waits_where_a_pencil_would_not_show() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        // Some message, so that there is an intake on which the trial can lean.
        let mut gateway = network.start("2026-06-09 09:00:00");
        network.fax(&gateway, PHARMACY, &[Page::white_a4(98.0)]);
        network.settled();
        gateway.stop();
        trust(&network, &database);

        // Off, as every network begins: the sheet says nothing of the kind, and untouched it means nothing.
        let (mut gateway, sheet) = digest(&network, "2026-06-10", ["一件目", "二件目"], 0);
        let mut office = Office::log_in(&gateway);
        let before = office.triage().len();
        network.fax(&gateway, PHARMACY, std::slice::from_ref(&sheet));
        network.settled();
        assert!(!acknowledged(&network, "G01", "一件目"));
        assert_eq!(office.triage().len(), before + 1, "all empty is never an answer: a person looks");

        // Switched on by the office: the sheets that leave from now on say so, and mean so.
        let (_, desk) = office.get("/fax");
        let token = csrf(&desk);
        let on = [("csrf", token.as_str()), ("untouched", "yes"), ("pages_a_day", "60"), ("page_cost", "10")];
        let (status, text) = office.post("/fax/settings", &on);
        assert!((300..400).contains(&status), "{status} {text}");
        // The sheet that was printed before still means nothing.
        network.fax(&gateway, PHARMACY, &[paper::upside_down(&sheet)]);
        network.settled();
        assert!(!acknowledged(&network, "G01", "一件目"));
        gateway.stop();

        let (mut gateway, sheet) = digest(&network, "2026-06-11", ["三件目", "四件目"], 1);
        let waiting = Office::log_in(&gateway).triage().len();
        // This machine makes white of every grey and would have lost a pencil: a person looks (decision 0025).
        network.fax(&gateway, PHARMACY, &[sheet]);
        network.settled();
        assert!(!acknowledged(&network, "G01", "三件目") && !acknowledged(&network, "G03", "四件目"));
        assert_eq!(Office::log_in(&gateway).triage().len(), waiting + 1, "nobody took it for 了解");
        gateway.stop();
    }
}
