//! Mail in and out, end to end: who sends is checked against the DNS, a relay of ours says for whom
//! it speaks, and every mail that leaves has its
//! own way back.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::Gateway;
use kakehashi_tests::network::Network;
use kakehashi_tests::office::Office;
use kakehashi_tests::smtp::Smtp;
use kakehashi_tests::{dns, letters};

const NURSES: &str = "hinata@st.example";
const GROUP: &str = "つばき01";
const ADDRESS: &str = "g-7k2m9q@in.kakehashi.example";

/// A network that checks senders and trusts this machine as a relay.
fn checked(database: &Database, records: &[(&str, &str)]) -> Network {
    let network = Network::new(database);
    let text = std::fs::read_to_string(network.config()).unwrap();
    let text = text.replace("[smtp]\n", "[smtp]\ntrusted_relays = [\"127.0.0.1\"]\nxclient = true\n");
    let section = format!("[sender_proof]\ndns_server = \"{}\"\nseconds = 10\n", dns::serve(records));
    std::fs::write(network.config(), text + &section).unwrap();
    network
}

/// The relay hands over a mail of this host outside.
fn relayed(gateway: &Gateway, host: &str, from: &str, to: &str, mail: &[u8]) {
    let mut session = Smtp::connect(gateway.smtp).unwrap();
    assert!(session.say(&format!("XCLIENT ADDR={host} HELO=mail.st.example")).unwrap().starts_with("220"));
    session.say("EHLO relay").unwrap();
    let reply = session.mail(from, to, mail).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
}

#[test]
fn who_writes_in_a_members_name_waits() {
    let records = [("st.example", "v=spf1 ip4:203.0.113.9 -all"), ("_dmarc.st.example", "v=DMARC1; p=none")];
    for database in Database::all() {
        println!("on {database:?}");
        let network = checked(&database, &records);
        let mut gateway = network.start("2026-06-09 10:19:50");
        let forged = letters::plain(NURSES, ADDRESS, "変更", "", "薬を倍にしてください");
        relayed(&gateway, "198.51.100.1", NURSES, ADDRESS, &forged);
        network.settled();
        assert!(network.topics(GROUP).is_empty(), "a forged mail was posted");
        let mut office = Office::log_in(&gateway);
        let items = office.triage();
        assert_eq!(items.len(), 1);
        let (_, page) = office.get(&items[0]);
        assert!(page.contains("本物と確かめられません"), "no plain warning: {page}");
        assert!(network.relay.all().is_empty(), "nobody is told, least of all the one whose name was used");
        let own = letters::plain(NURSES, ADDRESS, "夕方の様子", "", "下肢のむくみが強いです");
        relayed(&gateway, "203.0.113.9", NURSES, ADDRESS, &own);
        network.wait_topics("the nurses' own mail", GROUP, |topics| (topics.len() == 1).then_some(()));
        gateway.stop();
    }
}

#[test]
fn every_mail_has_its_own_way_back() {
    let network = Network::new(&Database::Sqlite);
    let mut gateway = network.start("2026-06-09 10:19:50");
    let answer = kakehashi_tests::mllp::Mllp::connect(gateway.mllp)
        .unwrap()
        .exchange(&kakehashi_tests::network::hl7("ja02_adt_a03_discharge_iso2022jp.hl7"))
        .unwrap()
        .unwrap();
    assert!(answer.contains("MSA|AA|"), "{answer}");
    let caught = network.relay.wait(NURSES, 1).remove(0);
    let header = String::from_utf8_lossy(&caught.bytes).into_owned();
    let header = header.split("\r\n\r\n").next().unwrap();
    for line in ["List-Id: <deliveries.in.kakehashi.example>", "Auto-Submitted: auto-generated"] {
        assert!(header.contains(line), "{line}: {header}");
    }
    let letter = caught.read();
    let delivery = letter.message_id.split('.').next().unwrap().to_ascii_lowercase();
    let html = letter.html.clone().unwrap().replace("&#x3D;", "=");
    assert!(html.contains("?want=call") && html.contains("mailto:reply"), "{html}");
    // The return path of this delivery takes a report; that of another one does not exist.
    let back = format!("bounce+{delivery}@in.kakehashi.example");
    let mut session = Smtp::connect(gateway.smtp).unwrap();
    session.say("MAIL FROM:<>").unwrap();
    assert!(session.say(&format!("RCPT TO:<{back}>")).unwrap().starts_with("250"));
    assert!(
        session
            .say("RCPT TO:<bounce+01jzzzzzzzzzzzzzzzzzzzzzzz@in.kakehashi.example>")
            .unwrap()
            .starts_with("550")
    );
    gateway.stop();
}
