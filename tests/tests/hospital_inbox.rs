//! What goes back to a hospital, through the running program and a real MLLP peer: a reply, its correction and
//! its withdrawal in their order, and the FAX to 地域連携室 where the inbox refuses.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::Gateway;
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7};
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::wait;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const GROUP: &str = "つばき01";
const LIAISON_OFFICE: &str = "0300000101";
const LIMIT: Duration = Duration::from_secs(40);

/// A hospital's inbox that answers everything with one code and keeps what it got.
struct Inbox {
    address: String,
    got: Arc<Mutex<Vec<String>>>,
}

impl Inbox {
    fn start(code: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = got.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = kept.clone();
                std::thread::spawn(move || serve(stream, code, &kept));
            }
        });
        Self { address, got }
    }

    /// Messages with this event.
    fn of(&self, event: &str) -> Vec<String> {
        self.got.lock().unwrap().iter().filter(|m| m.contains(&format!("|MDM^{event}^"))).cloned().collect()
    }
}

fn serve(stream: TcpStream, code: &str, kept: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut frame = Vec::new();
        if reader.read_until(0x1c, &mut frame).unwrap_or(0) == 0 {
            return;
        }
        // Only codes are looked at here: the text is ISO-2022-JP.
        let text = String::from_utf8_lossy(&frame).into_owned();
        let Some(id) = text.split('|').find(|f| f.starts_with("GW") && f.len() == 20) else { continue };
        kept.lock().unwrap().push(text.clone());
        let answer = format!(
            "\u{b}MSH|^~\\&|HIS|SAKURAMI_CH|KAKEHASHI|CARENET|20260609||ACK|1{id}|P|2.5\rMSA|{code}|{id}|no room\r\u{1c}\r"
        );
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn network(database: &Database, inbox: &Inbox) -> Network {
    let network = Network::new(database);
    network.configure(&format!(
        "[mllp.outgoing]\naddress = \"{}\"\nreceiving_application = \"HIS\"\nreceiving_facility = \"SAKURAMI_CH\"\n\
         fallback_fax = \"{LIAISON_OFFICE}\"\n",
        inbox.address
    ));
    network
}

/// The hospital discharges; returns the topic.
fn discharged(network: &Network, gateway: &Gateway) -> String {
    let message = hl7("ja02_adt_a03_discharge_iso2022jp.hl7");
    Mllp::connect(gateway.mllp).unwrap().exchange(&message).unwrap().unwrap();
    network.wait_topics("the discharge", GROUP, |topics| {
        Some(topics.first()?["topic"]["post"]["id"].as_str()?.to_owned())
    })
}

/// Sends the form with this action; `more` beside its hidden fields.
fn send(
    doctor: &mut Office,
    topic: &str,
    action: &str,
    hidden: &[&str],
    more: (&str, &str),
    multipart: bool,
) {
    let (_, page) = doctor.get(&format!("/groups/G01/topics/{topic}"));
    let action_of = format!("action=\"{action}\"");
    let forms = page.match_indices(&action_of).map(|(at, _)| &page[at..]);
    let form = forms
        .filter_map(|f| f.split_once("</form>").map(|(form, _)| form))
        .find(|f| hidden.iter().all(|h| f.contains(&format!("name=\"{h}\""))))
        .unwrap_or_else(|| panic!("no form {action} with {hidden:?} on {page}"));
    let field = |name: &str| between(form, &format!("name=\"{name}\" value=\""), "\"").unwrap();
    let mut fields: Vec<(&str, &str)> = hidden.iter().map(|name| (*name, field(name))).collect();
    fields.push(more);
    let (status, text) =
        if multipart { doctor.post_parts(action, &fields) } else { doctor.post(action, &fields) };
    assert!((300..400).contains(&status), "{status} {text}");
}

/// The newest post of the doctor's clinic under the topic.
fn newest_reply(network: &Network, texts: &str) -> String {
    network.wait_topics("the doctor's post", GROUP, |topics| {
        let posts = ["replies", "corrections"].into_iter().filter_map(|k| topics[0][k].as_array()).flatten();
        let mut found = posts.filter(|p| p["post"]["body"].as_str().is_some_and(|b| b.contains(texts)));
        Some(found.next_back()?["post"]["id"].as_str()?.to_owned())
    })
}

fn one<'m>(messages: &'m [String], what: &str) -> &'m str {
    assert_eq!(messages.len(), 1, "{what}: {messages:?}");
    &messages[0]
}

#[test]
fn a_reply_is_corrected_and_taken_back_by_its_own_number() {
    for database in Database::all() {
        println!("on {database:?}");
        let inbox = Inbox::start("AA");
        let network = network(&database, &inbox);
        let mut gateway = network.start("2026-06-09 10:21:00");
        let topic = discharged(&network, &gateway);
        let mut doctor = Office::log_in_as(&gateway, "saeki", "sakurami-demo");
        let posts = format!("/groups/G01/topics/{topic}/posts");
        let hidden = ["csrf", "post_id"];

        let reply = ("body", "残薬は十日分です。");
        send(&mut doctor, &topic, &format!("/groups/G01/topics/{topic}/replies"), &hidden, reply, true);
        let first = newest_reply(&network, "十日分");
        wait::until("the reply at the hospital", LIMIT, || (inbox.of("T02").len() == 1).then_some(()));
        assert!(one(&inbox.of("T02"), "reply").contains(&format!("|CN-POST-{first}^")));

        let correction = ("body", "残薬は五日分です。");
        send(&mut doctor, &topic, &format!("{posts}/{first}/corrections"), &hidden, correction, false);
        let second = newest_reply(&network, "五日分");
        wait::until("the correction at the hospital", LIMIT, || (inbox.of("T10").len() == 1).then_some(()));
        let sent = inbox.of("T10");
        assert!(
            one(&sent, "correction").contains(&format!("|CN-POST-{second}^CARENET|CN-POST-{first}^")),
            "{sent:?}"
        );

        let hidden = ["csrf", "post_id", "withdraw"];
        send(
            &mut doctor,
            &topic,
            &format!("{posts}/{second}/corrections"),
            &hidden,
            ("reason", "別の方でした"),
            false,
        );
        wait::until("the withdrawal at the hospital", LIMIT, || (inbox.of("T11").len() == 1).then_some(()));
        let sent = inbox.of("T11");
        let cancelled = one(&sent, "withdrawal");
        assert!(
            cancelled.contains(&format!("|CN-POST-{second}^")) && cancelled.contains("|CA|"),
            "{cancelled}"
        );
        assert!(!cancelled.contains("\rOBX|"), "{cancelled}");
        // Its system has the reply, and perhaps somebody there has printed it: the office calls.
        let mut office = Office::log_in(&gateway);
        let task = wait::until("the call", LIMIT, || {
            let (_, outbox) = office.get("/outbox");
            outbox.contains("電話依頼").then_some(outbox)
        });
        assert!(task.contains("桜見中央病院") && task.contains("03-0000-0110"), "{task}");
        // On the timeline the text of before stays, superseded.
        newest_reply(&network, "この投稿は取り消されました。\n理由: 別の方でした");
        newest_reply(&network, "五日分");
        assert_eq!(inbox.got.lock().unwrap().len(), 3, "each once");
        assert!(network.relay.to(LIAISON_OFFICE).is_empty(), "nothing by FAX");
        gateway.stop();
    }
}

#[test]
fn what_the_inbox_refuses_goes_by_fax_once() {
    for database in Database::all() {
        println!("on {database:?}");
        let inbox = Inbox::start("AR");
        let network = network(&database, &inbox);
        let mut gateway = network.start("2026-06-09 10:21:00");
        let topic = discharged(&network, &gateway);
        let mut doctor = Office::log_in_as(&gateway, "saeki", "sakurami-demo");
        let reply = ("body", "残薬は十日分です。");
        let action = format!("/groups/G01/topics/{topic}/replies");
        send(&mut doctor, &topic, &action, &["csrf", "post_id"], reply, true);
        let fax = network.relay.wait(LIAISON_OFFICE, 1).remove(0).read();
        let document = lopdf::Document::load_mem(fax.pdf()).unwrap();
        let pages: Vec<u32> = document.get_pages().keys().copied().collect();
        let text: String = document.extract_text(&pages).unwrap().split_whitespace().collect();
        assert!(text.contains("残薬は十日分です。"), "{text}");
        assert_eq!(inbox.of("T02").len(), 1, "a refusal is not repeated");
        gateway.stop();

        // The same after a restart: neither the inbox nor the machine gets it once more.
        let mut gateway = network.start("2026-06-09 11:30:00");
        std::thread::sleep(Duration::from_secs(4));
        assert_eq!((inbox.of("T02").len(), network.relay.to(LIAISON_OFFICE).len()), (1, 1));
        let (_, outbox) = Office::log_in(&gateway).get("/outbox");
        assert!(outbox.contains("no room"), "the hospital's words stand in the outbox: {outbox}");
        gateway.stop();
    }
}
