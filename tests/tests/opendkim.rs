//! DKIM between us and another implementation: opendkim verifies what the gateway really sent, and the gateway
//! believes what opendkim signed. Offline: opendkim reads the public keys from a file, the gateway asks a DNS
//! server on loopback. Says that it was skipped where opendkim is not installed.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::show_time;
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7, send_mail};
use kakehashi_tests::office::Office;
use kakehashi_tests::{dns, letters};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Both sides live on this day.
const NOW: &str = "2026-06-09 10:19:50";
const NURSES: &str = "hinata@st.example";
const GROUP: &str = "つばき01";
const ADDRESS: &str = "g-7k2m9q@in.kakehashi.example";

fn opendkim() -> Option<PathBuf> {
    let found =
        ["/usr/sbin/opendkim", "/usr/bin/opendkim"].map(PathBuf::from).into_iter().find(|p| p.exists());
    if found.is_none() {
        eprintln!("opendkim is not installed: no foreign signature was tried");
    }
    found
}

/// A new RSA key: its PEM file, and the TXT record of its public half.
fn key(folder: &Path) -> (PathBuf, String) {
    let file = folder.join("dkim.pem");
    let made = Command::new("openssl").args(["genrsa", "-out"]).arg(&file).arg("2048").output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let public =
        Command::new("openssl").args(["rsa", "-pubout", "-outform", "DER", "-in"]).arg(&file).output();
    let public = public.unwrap();
    assert!(public.status.success(), "{}", String::from_utf8_lossy(&public.stderr));
    (file, format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(public.stdout)))
}

/// Runs opendkim over one mail as if it had come through a mail server.
fn run(opendkim: &Path, folder: &Path, settings: &str, mail: &[u8]) -> Output {
    let (configuration, file) = (folder.join("opendkim.conf"), folder.join("mail.eml"));
    std::fs::write(&configuration, format!("Syslog no\nRequireSafeKeys no\n{settings}")).unwrap();
    std::fs::write(&file, mail).unwrap();
    let mut command = Command::new(opendkim);
    show_time(&mut command, NOW);
    command.arg("-x").arg(&configuration).arg("-vv").arg("-t").arg(&file).output().unwrap()
}

fn verify(opendkim: &Path, folder: &Path, name: &str, record: &str, mail: &[u8]) -> String {
    let keys = folder.join("keys");
    std::fs::write(&keys, format!("{name} {record}\n")).unwrap();
    let settings = format!("Mode v\nTestPublicKeys {}\n", keys.display());
    let output = run(opendkim, folder, &settings, mail);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn opendkim_verifies_what_we_sent() {
    let Some(opendkim) = opendkim() else { return };
    let network = Network::new(&Database::Sqlite);
    let folder = network.folder("dkim");
    let (file, record) = key(&folder);
    network.configure(&format!(
        "[mail.dkim]\ndomain = \"in.kakehashi.example\"\nselector = \"s1\"\nkey_file = \"{}\"\n",
        file.display()
    ));
    let mut gateway = network.start(NOW);
    let answer = Mllp::connect(gateway.mllp)
        .unwrap()
        .exchange(&hl7("ja02_adt_a03_discharge_iso2022jp.hl7"))
        .unwrap()
        .unwrap();
    assert!(answer.contains("MSA|AA|"), "{answer}");
    let caught = network.relay.wait(NURSES, 1).remove(0);
    gateway.stop();
    let name = "s1._domainkey.in.kakehashi.example";
    let said = verify(&opendkim, &folder, name, &record, &caught.bytes);
    assert!(said.contains("dkim=pass") && said.contains("header.d=in.kakehashi.example"), "{said}");
    let text = String::from_utf8_lossy(&caught.bytes);
    for (from, to) in [("Subject: ", "Subject: X"), ("Reply-To: ", "Reply-To: x"), ("\r\n\r\n", "\r\n\r\nx")]
    {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let said = verify(&opendkim, &folder, name, &record, changed.as_bytes());
        assert!(!said.contains("dkim=pass"), "{from} was changed: {said}");
    }
}

#[test]
fn we_believe_what_opendkim_signed() {
    let Some(opendkim) = opendkim() else { return };
    let network = Network::new(&Database::Sqlite);
    let folder = network.folder("dkim");
    let (file, record) = key(&folder);
    let records =
        [("k1._domainkey.st.example", record.as_str()), ("_dmarc.st.example", "v=DMARC1; p=reject")];
    network.configure(&format!("[sender_proof]\ndns_server = \"{}\"\nseconds = 10\n", dns::serve(&records)));
    let mail = letters::plain(NURSES, ADDRESS, "夕方の様子", "", "下肢のむくみが強いです。\n.\n");
    let settings = format!(
        "Mode s\nDomain st.example\nSelector k1\nKeyFile {}\nCanonicalization relaxed/relaxed\n",
        file.display()
    );
    let output = run(&opendkim, &folder, &settings, &mail);
    let said = String::from_utf8_lossy(&output.stdout);
    let value = said.split("hname='DKIM-Signature' hvalue='").nth(1).unwrap_or_else(|| panic!("{said}"));
    let value = value.split('\'').next().unwrap().replace("\r\n", "\n").replace('\n', "\r\n");
    let signed = [format!("DKIM-Signature: {value}\r\n").as_bytes(), &mail].concat();
    let mut gateway = network.start(NOW);
    send_mail(&gateway, NURSES, ADDRESS, &signed);
    network.wait_topics("the signed mail", GROUP, |topics| (topics.len() == 1).then_some(()));
    let mut office = Office::log_in(&gateway);
    let intake = office.intakes().remove(0);
    let (_, page) = office.get(&intake);
    assert!(page.contains("DKIM") || page.contains("DMARC"), "{page}");
    // The same words under a signature that is not theirs wait.
    let forged = String::from_utf8_lossy(&signed).replace("Subject: ", "Subject: X");
    let forged = forged.replace("Message-ID: <", "Message-ID: <x");
    send_mail(&gateway, NURSES, ADDRESS, forged.as_bytes());
    network.settled();
    assert_eq!(network.topics(GROUP).len(), 1);
    assert_eq!(office.triage().len(), 1);
    gateway.stop();
}
