//! S10 on the side of mail: a relay takes a mail and says nothing. It may have arrived, so no machine sends it
//! again and no other relay gets it; the office sees 送達不明, and what a person sends once more says so. A relay
//! that says nothing from the start has seen nothing: there the second one is asked at once.

use kakehashi_tests::caught::Caught;
use kakehashi_tests::database::Database;
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7};
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::relay::{Relay, Silence};
use kakehashi_tests::wait;
use std::time::Duration;

const NURSES: &str = "hinata@st.example";
const DISCHARGE: &str = "ja02_adt_a03_discharge_iso2022jp.hl7";
const CANCEL: &str = "ja06_adt_a13_cancel_discharge_iso2022jp.hl7";
/// Longer than one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(90);

/// What the outbox shows of deliveries to the nurses.
fn outbox(office: &mut Office) -> Vec<String> {
    let (status, page) = office.get("/outbox");
    assert_eq!(status, 200, "{page}");
    page.split("<li class=\"panel\">").filter(|b| b.contains("ひなた")).map(str::to_owned).collect()
}

#[test]
fn a_silent_relay_is_not_asked_twice_by_a_machine() {
    let network = Network::new(&Database::Sqlite);
    let second = Relay::start();
    network.configure(&format!(
        "[mail.second_relay]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n",
        second.port()
    ));
    network.relay.falls_silent(Silence::AfterMessage);
    let mut gateway = network.start("2026-06-09 10:19:50");
    let hospital = |name: &str| {
        let answer = Mllp::connect(gateway.mllp).unwrap().exchange(&hl7(name)).unwrap().unwrap();
        assert!(answer.contains("MSA|AA|"), "{answer}");
    };
    hospital(DISCHARGE);
    let first = network.relay.wait(NURSES, 1).remove(0).read();
    let mut office = Office::log_in(&gateway);
    let shown = wait::until("送達不明", ATTEMPT, || {
        outbox(&mut office).into_iter().find(|item| item.contains("送達不明"))
    });
    assert!(shown.contains("届いている可能性があります"), "{shown}");
    assert!(network.relay.to(NURSES).len() == 1 && second.to(NURSES).is_empty(), "sent again by itself");

    // A person sends it once more; the relay has come to its senses.
    network.relay.falls_silent(Silence::Never);
    let (_, page) = office.get("/outbox");
    let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
    let retry = shown.split('"').find(|word| word.ends_with("/retry")).unwrap();
    let (status, text) = office.post(retry, &[("csrf", csrf.as_str())]);
    assert!((300..400).contains(&status), "{status} {text}");
    let again = network.relay.wait(NURSES, 2).remove(1).read();
    assert!(again.text.contains("再送の可能性があります"), "{}", again.text);
    assert!(!first.text.contains("再送の可能性"), "{}", first.text);
    assert_eq!(first.answer_to, again.answer_to, "one code, so two answers count once");
    wait::until("it counts as delivered", ATTEMPT, || outbox(&mut office).is_empty().then_some(()));

    // One that does not even greet has seen nothing.
    network.relay.falls_silent(Silence::FromTheStart);
    gateway.stop();
    let gateway = network.start("2026-06-09 10:45:05");
    let answer = Mllp::connect(gateway.mllp).unwrap().exchange(&hl7(CANCEL)).unwrap().unwrap();
    assert!(answer.contains("MSA|AA|"), "{answer}");
    let other = second.wait(NURSES, 1).remove(0).read();
    assert!(!other.text.contains("再送の可能性"), "{}", other.text);
    let all: Vec<Caught> = network.relay.to(NURSES);
    assert_eq!(all.len(), 2, "the first relay got nothing more");
    drop(gateway);
}
