//! The commands as an operator types them: `inspect`, `config`, `directory`, `rules`, `intake list`,
//! `doctor`, and the first and second start of a demo. What they print and how they end is a contract.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::{Gateway, Start, program, run, serve};
use kakehashi_tests::mllp::{Mllp, admission};
use kakehashi_tests::office::Office;
use kakehashi_tests::relay::Relay;
use kakehashi_tests::smtp::Smtp;
use kakehashi_tests::{caught, letters, wait};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn corpus(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name).display().to_string()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn good(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}{}", out(&output), err(&output));
    out(&output)
}

const MAIL: &str = "email/synthetic-ja/ja01_iso2022jp_plain.eml";
const DISCHARGE: &str = "hl7/synthetic-ja/ja02_adt_a03_discharge_iso2022jp.hl7";
const FAX: &str = "fax/generated/02_visit_g4_204x196_2p.tif";
const NOTE: &str = "care_note/02-patient.json";
const PAGES: &str = "fax/generated/11_pharmacy_textlayer.pdf";

#[test]
fn inspect_prints_one_envelope_a_line() {
    let files = [MAIL, DISCHARGE, FAX, NOTE, PAGES].map(corpus);
    let arguments: Vec<&str> = std::iter::once("inspect").chain(files.iter().map(String::as_str)).collect();
    let output = run(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let lines: Vec<Value> = out(&output).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    for ((line, file), (channel, format)) in lines.iter().zip(&files).zip([
        ("email", "rfc5322"),
        ("hl7", "hl7v2"),
        ("fax", "tiff"),
        ("api", "json"),
        ("fax", "pdf"),
    ]) {
        assert_eq!(line["file"], **file);
        assert_eq!((&line["channel"], &line["format"]), (&channel.into(), &format.into()), "{file}");
        for field in [
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
            "report",
            "warnings",
        ] {
            assert!(line.get(field).is_some(), "{file} has no {field}");
        }
        let hash = line["content_hash"].as_str().unwrap();
        assert!(hash.strip_prefix("sha256:").is_some_and(|h| h.len() == 64), "{hash}");
    }
    assert_eq!(lines[1]["patient"]["names"][0]["text"], "山本 千代");
    assert_eq!(lines[1]["event"]["trigger"], "A03");
}

#[test]
fn inspect_tells_what_it_could_not_read() {
    let output = run(&["inspect", &corpus("fax/broken/b11_not-a-tiff.tif"), &corpus(MAIL)]);
    assert_eq!(output.status.code(), Some(3));
    let lines: Vec<Value> = out(&output).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let keys: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["content_hash", "file", "unreadable"]);
    assert!(lines[0]["unreadable"]["code"].is_string() && lines[0]["unreadable"]["detail"].is_string());
    assert_eq!(lines[1]["channel"], "email", "the rest is read all the same");

    assert_eq!(run(&["inspect"]).status.code(), Some(2), "usage");
    assert_eq!(run(&["inspect", "--wrong", &corpus(MAIL)]).status.code(), Some(2), "usage");
    let missing = run(&["inspect", "there-is-no-such-file"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(err(&missing).contains("there-is-no-such-file"));
}

/// The example configuration on free ports, with a relay that takes everything.
fn configured(folder: &Path, relay: &Relay) -> PathBuf {
    let text = good(&["config", "example"])
        .replace("127.0.0.1:8080", "127.0.0.1:0")
        .replace("127.0.0.1:2525", "127.0.0.1:0")
        .replace("127.0.0.1:2575", "127.0.0.1:0")
        .replace("port = 25\n", &format!("port = {}\n", relay.port()))
        .replace("secure_cookies = true", "secure_cookies = false")
        .replace("\"kakehashi-data\"", &format!("\"{}\"", folder.join("not/yet/there").display()));
    let file = folder.join("kakehashi.toml");
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn from_the_examples_to_a_running_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start();
    let config = configured(folder.path(), &relay);
    let config_path = config.display().to_string();
    good(&["config", "check", "--config", &config_path]);

    let directory = folder.path().join("directory").display().to_string();
    good(&["directory", "example", &directory]);
    let again = run(&["directory", "example", &directory]);
    assert!(!again.status.success(), "files of a person were overwritten");

    // Before anything is imported the gateway says what is missing, and so does the doctor.
    let early = run(&["serve", "--config", &config_path]);
    assert!(!early.status.success() && err(&early).contains("directory import"), "{}", err(&early));
    let ill = run(&["doctor", "--config", &config_path]);
    assert_eq!(ill.status.code(), Some(1));
    assert!(out(&ill).contains("✕ network") && out(&ill).contains("directory import"), "{}", out(&ill));

    hash_the_passwords(Path::new(&directory));
    good(&["directory", "import", &directory, "--dry-run"]);
    let still = run(&["serve", "--config", &config_path]);
    assert!(!still.status.success(), "a dry run changed something");
    good(&["directory", "import", &directory, "--config", &config_path]);
    let twice = good(&["directory", "import", &directory, "--config", &config_path]);
    assert!(twice.starts_with("0 "), "the second import changed something: {twice}");

    let healthy = run(&["doctor", "--config", &config_path]);
    assert_eq!(healthy.status.code(), Some(0), "{}", out(&healthy));
    assert!(!out(&healthy).contains('✕'), "{}", out(&healthy));

    let mut gateway = serve(&config);
    let answer = Mllp::connect(gateway.mllp).unwrap().exchange(&admission("CMD01")).unwrap().unwrap();
    assert!(answer.contains("MSA|AA|CMD01"), "{answer}");
    assert_eq!(good(&["intake", "list", "--ids", "--config", &config_path]), "CMD01\n");
    let mut office = Office::log_in(&gateway);
    assert_eq!(office.get("/triage").0, 200);
    gateway.stop();
}

/// As in real life: hashes instead of passwords, made by the program's own command.
fn hash_the_passwords(directory: &Path) {
    use std::io::Write as _;
    let mut hasher = Command::new(program())
        .arg("hash-password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    hasher.stdin.take().unwrap().write_all(b"sakurami-demo\n").unwrap();
    let hash = String::from_utf8(hasher.wait_with_output().unwrap().stdout).unwrap();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    let file = directory.join("logins.csv");
    let text = std::fs::read_to_string(&file).unwrap();
    let hashed = text
        .replace(",password\n", ",password_hash\n")
        .replace("sakurami-demo", &format!("\"{}\"", hash.trim()));
    assert_ne!(hashed, text);
    std::fs::write(&file, hashed).unwrap();
}

#[test]
fn all_mistakes_of_a_directory_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("directory");
    let path = directory.display().to_string();
    good(&["directory", "example", &path]);
    let break_in = |name: &str, from: &str, to: &str| {
        let file = directory.join(name);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{name}: {from}");
        std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
    };
    break_in("patients.csv", "1944-11-03", "1944-13-03");
    break_in("facilities.csv", "pharmacy", "farmacy");
    break_in("endpoints.csv", "hinata@st.example", "hinata at st.example");
    let refused = run(&["directory", "import", &path, "--dry-run"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = err(&refused);
    for (file, word) in [
        ("patients.csv", "1944-13-03"),
        ("facilities.csv", "farmacy"),
        ("endpoints.csv", "hinata at st.example"),
    ] {
        let line = said.lines().find(|l| l.contains(file)).unwrap_or_else(|| panic!("{file}: {said}"));
        assert!(line.contains(word), "{line}");
        assert!(line.chars().any(|c| c.is_ascii_digit()), "no line number: {line}");
    }
}

#[test]
fn mistakes_of_a_configuration_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kakehashi.toml");
    let path = file.display().to_string();
    let example = good(&["config", "example"]);
    for (from, to, words) in [
        ("data_dir =", "data_dri =", "data_dir"),
        ("max_connections = 8\n", "max_connections = \"many\"\n", "line"),
        ("{number}@fax.example", "fax.example", "{number}"),
        ("127.0.0.1:2525", "port 25", "ADDRESS:PORT"),
    ] {
        assert!(example.contains(from), "{from}");
        std::fs::write(&file, example.replacen(from, to, 1)).unwrap();
        let refused = run(&["config", "check", "--config", &path]);
        assert_eq!(refused.status.code(), Some(1), "{to}");
        let said = err(&refused);
        assert!(said.contains(words) && said.contains("line "), "{to}: {said}");
    }
    let missing = run(&["config", "check", "--config", "nowhere.toml"]);
    assert!(err(&missing).contains("config example"), "{}", err(&missing));
}

#[test]
fn rules_are_checked_tried_and_explained() {
    good(&["rules", "check"]);
    let tried = good(&["rules", "test"]);
    assert!(tried.lines().last().unwrap().ends_with(" 0 failed"), "{tried}");
    let explained = good(&["rules", "explain", &corpus(DISCHARGE)]);
    assert!(
        explained.contains("○ 退院の知らせは至急") && explained.contains("→ 退院の知らせは至急"),
        "{explained}"
    );

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.toml");
    let path = file.display().to_string();
    std::fs::write(
        &file,
        "[[rule]]\nname = \"a\"\nwhen = { field = \"chanel\", is = \"fax\" }\nthen = { triage = \"x\" }\n",
    )
    .unwrap();
    let refused = run(&["rules", "check", &path]);
    assert_eq!(refused.status.code(), Some(1));
    let said = format!("{}{}", out(&refused), err(&refused));
    assert!(
        said.contains("chanel") && said.contains("channel") && said.contains('3'),
        "unknown field: {said}"
    );

    let text = "[[rule]]\nname = \"a\"\nwhen = { field = \"channel\", is = \"fax\" }\nthen = { triage = \"x\" }\n\n\
                [[rule]]\nname = \"b\"\nwhen = { all = [{ field = \"channel\", is = \"fax\" }, { field = \"text\", contains_any = [\"y\"] }] }\nthen = { triage = \"z\" }\n\n\
                [[example]]\nname = \"never\"\nchannel = \"fax\"\nbody = \"y\"\nexpect = { rule = \"b\" }\n";
    std::fs::write(&file, text).unwrap();
    let unreached = run(&["rules", "check", &path]);
    assert_eq!(unreached.status.code(), Some(1), "{}", out(&unreached));
    assert!(out(&unreached).contains('b'), "{}", out(&unreached));
    let failed = run(&["rules", "test", &path]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(out(&failed).contains("FAIL never"), "{}", out(&failed));
}

/// Message ids as their senders wrote them, while the program runs and after it was killed.
#[test]
fn intakes_are_listed_beside_a_running_program_and_after_a_kill() {
    for database in Database::all() {
        let folder = tempfile::tempdir().unwrap();
        let start = Start::new(folder.path(), &database);
        let mut gateway = start.start();
        let arguments = list_arguments(folder.path(), &database);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let answer = Mllp::connect(gateway.mllp).unwrap().exchange(&admission("LIST01")).unwrap().unwrap();
        assert!(answer.contains("MSA|AA|LIST01"), "{answer}");
        let mail = "Message-ID: <list-02@clinic.example>\nFrom: a@clinic.example\nTo: intake@in.kakehashi.example\n\nx\n";
        let reply = Smtp::connect(gateway.smtp)
            .unwrap()
            .mail("a@clinic.example", "intake@in.kakehashi.example", mail.as_bytes())
            .unwrap();
        assert!(reply.starts_with("250"), "{reply}");
        for moment in ["running", "killed"] {
            let ids = good(&arguments);
            for id in ["LIST01", "list-02@clinic.example"] {
                assert_eq!(ids.lines().filter(|l| *l == id).count(), 1, "{moment}, {database:?}: {ids}");
            }
            if gateway.is_alive() {
                gateway.kill();
            }
        }
        let mut again = start.start();
        assert_eq!(good(&arguments).lines().filter(|l| *l == "LIST01").count(), 1);
        again.stop();
    }
}

fn list_arguments(data_dir: &Path, database: &Database) -> Vec<String> {
    let mut arguments = vec!["intake".to_owned(), "list".to_owned(), "--ids".to_owned()];
    match database {
        Database::Sqlite => arguments.extend(["--data-dir".to_owned(), data_dir.display().to_string()]),
        Database::Postgres(url) => {
            let config = data_dir.join("list.toml");
            let text = format!(
                "network = \"sakurami\"\ndata_dir = \"{}\"\n[database]\nurl = \"{url}\"\n\
                 [mail]\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nfrom = \"a@b.example\"\nfrom_name = \"k\"\n\
                 [fax.send]\naddress_pattern = \"{{number}}@b.example\"\nfrom = \"a@b.example\"\n",
                data_dir.display()
            );
            std::fs::write(&config, text).unwrap();
            arguments.extend(["--config".to_owned(), config.display().to_string()]);
        }
    }
    arguments
}

/// The first start plays the discharge; the second finds it and plays nothing.
#[test]
fn a_demo_is_found_again() {
    for database in Database::all() {
        let folder = tempfile::tempdir().unwrap();
        let start = Start::new(folder.path(), &database);
        let mut first = start.start();
        let played = wait::until("the played discharge", Duration::from_secs(30), || {
            let caught = caught::of_demo(folder.path());
            (caught.len() >= 3).then_some(caught.len())
        });
        assert_eq!(ready_page(&first), 200);
        first.stop();
        let ids = intake_ids(folder.path(), &database);
        let mut second = start.start();
        assert_eq!(ready_page(&second), 200);
        println!(
            "{database:?}: ready after {:?}, with data after {:?}",
            first.ready_after, second.ready_after
        );
        assert_eq!(intake_ids(folder.path(), &database), ids, "the second start played something");
        assert_eq!(caught::of_demo(folder.path()).len(), played);
        second.stop();
    }
}

/// Whoever tries the demo in the evening sees the loop as well; with quiet hours the nurses sleep.
#[test]
fn a_demo_delivers_at_night() {
    let to_nurses =
        |folder: &Path| caught::of_demo(folder).iter().filter(|(_, c)| c.is_to("hinata@st.example")).count();
    let folder = tempfile::tempdir().unwrap();
    let start = Start::new(folder.path(), &Database::Sqlite).at("2026-06-09 22:30:00");
    let mut gateway = start.start();
    wait::until("the nurses' mail at night", Duration::from_secs(30), || {
        (to_nurses(folder.path()) > 0).then_some(())
    });
    gateway.stop();

    let folder = tempfile::tempdir().unwrap();
    let start = Start::new(folder.path(), &Database::Sqlite).at("2026-06-09 22:30:00").with_quiet_hours();
    let mut gateway = start.start();
    // The pharmacy may be reached at night, the nurses not.
    wait::until("the pharmacy's page at night", Duration::from_secs(60), || {
        (!caught::of_demo(folder.path()).is_empty()).then_some(())
    });
    assert_eq!(to_nurses(folder.path()), 0);
    gateway.stop();
}

fn ready_page(gateway: &Gateway) -> u16 {
    kakehashi_tests::office::agent().get(gateway.url("/readyz")).call().unwrap().status().as_u16()
}

fn intake_ids(data_dir: &Path, database: &Database) -> String {
    let arguments = list_arguments(data_dir, database);
    good(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The three things that the demo offers to try, by the program's own commands.
#[test]
fn what_the_demo_offers_to_try_works() {
    let folder = tempfile::tempdir().unwrap();
    let mut gateway = Start::new(folder.path(), &Database::Sqlite).start();
    let (smtp, mllp, url) = (gateway.smtp.to_string(), gateway.mllp.to_string(), gateway.url(""));
    let body = "[至急] 17時の訪問で下肢のむくみが強くなっています。";
    let to = "g-7k2m9q@in.kakehashi.example";
    let said = good(&[
        "send",
        "mail",
        "--smtp",
        &smtp,
        "--from",
        "hinata@st.example",
        "--to",
        to,
        "--subject",
        "夕方の様子",
        "--body",
        body,
    ]);
    assert!(said.starts_with("250"), "{said}");
    let said = good(&["send", "hl7", "--mllp", &mllp, "--sample", "transfer"]);
    assert!(said.contains("MSA|AA|"), "{said}");
    let note = [
        "send",
        "note",
        "--url",
        &url,
        "--key",
        "demo-key-hidamari",
        "--group",
        "つばき01",
        "--title",
        "デイの様子",
        "--body",
        "昼食8割",
    ];
    assert!(good(&note).starts_with("201"));
    let eml = folder.path().join("mine.eml");
    std::fs::write(&eml, letters::plain("hinata@st.example", to, "ファイルから", "", "書いたものです。"))
        .unwrap();
    good(&[
        "send",
        "eml",
        "--smtp",
        &smtp,
        "--from",
        "hinata@st.example",
        "--to",
        to,
        &eml.display().to_string(),
    ]);

    let data_dir = folder.path().display().to_string();
    let titles = ["夕方の様子", "デイの様子", "ファイルから", "転棟のお知らせ"];
    wait::until("four more posts", Duration::from_secs(30), || {
        let text = good(&["timeline", "つばき01", "--data-dir", &data_dir]);
        titles.iter().all(|t| text.contains(t)).then_some(())
    });
    let text = good(&["timeline", "つばき01", "--data-dir", &data_dir]);
    assert!(text.contains("[メール] 至急 夕方の様子"), "{text}");
    let unknown = run(&["timeline", "どこにもない", "--data-dir", &data_dir]);
    assert_eq!(unknown.status.code(), Some(1));
    gateway.stop();
}
