//! What a hospital tells of a stay, over MLLP, named by one key in one message and by the other in the next, and
//! the whole day sent once more at night: the timeline is told once.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::{Gateway, run};
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::Network;
use serde_json::Value;

const GROUP: &str = "つばき01";

/// Segments of an ADT of 山本 千代. `stay` is PV1-19 and PV1-44, either may be empty.
fn message(event: &str, id: &str, sent: &str, recorded: &str, stay: (&str, &str)) -> Vec<u8> {
    let mut pv1 = vec![""; 46];
    pv1[0] = "PV1";
    pv1[2] = "I";
    pv1[3] = "5E^512^2";
    (pv1[19], pv1[44]) = stay;
    format!(
        "MSH|^~\\&|HIS|SAKURAMI_CH|GW|CARENET|{sent}||ADT^{event}|{id}|P|2.5||||||UNICODE UTF-8\r\
         EVN||{recorded}\r\
         PID|1||00412338^^^^PI||山本^千代^^^^^L^I~ヤマモト^チヨ^^^^^L^P||19380412|F\r{}\r",
        pv1.join("|")
    )
    .into_bytes()
}

fn send(gateway: &Gateway, message: &[u8]) {
    let answer = Mllp::connect(gateway.mllp).unwrap().exchange(message).unwrap().unwrap();
    assert!(answer.contains("MSA|AA|"), "{answer}");
}

/// Heading and version of every post under the topics, oldest first.
fn posts(topics: &[Value]) -> Vec<(String, u64)> {
    let of = |entry: &Value| {
        let post = &entry["post"];
        (post["title"].as_str().unwrap_or_default().to_owned(), post["version"].as_u64().unwrap_or_default())
    };
    let mut all = Vec::new();
    for topic in topics.iter().rev() {
        all.push(of(&topic["topic"]));
        for more in ["corrections", "replies"] {
            all.extend(topic[more].as_array().into_iter().flatten().map(of));
        }
    }
    all
}

#[test]
fn a_stay_is_taken_back_by_its_number_and_a_night_of_re_sending_changes_nothing() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-05 19:52:10");
        let day = [
            ("A01", "20260605195200", ("2026060500123", "20260605194000")),
            // Only the number, and then nothing at all.
            ("A02", "20260605200000", ("2026060500123", "")),
            ("A12", "20260605200500", ("", "")),
            ("A11", "20260605201500", ("2026060500123", "")),
        ];
        for (n, (event, recorded, stay)) in day.iter().enumerate() {
            send(&gateway, &message(event, &format!("D{n}"), recorded, recorded, *stay));
            network.settled();
        }
        let told = [
            ("入院のお知らせ", 1),
            ("入院のお知らせ（取消）", 2),
            ("転棟のお知らせ", 1),
            ("転棟のお知らせ（取消）", 2),
        ];
        let told: Vec<(String, u64)> = told.map(|(title, version)| (title.to_owned(), version)).to_vec();
        let mut found = posts(&network.topics(GROUP));
        found.sort();
        let mut expected = told;
        expected.sort();
        assert_eq!(found, expected, "one topic with its corrections");
        assert_eq!(network.topics(GROUP).len(), 1);
        gateway.stop();

        // The night after: new control ids, new times of sending, in another order, twice.
        let mut gateway = network.start("2026-06-06 02:00:00");
        for (night, order) in [[3, 0, 1, 2], [0, 1, 2, 3]].into_iter().enumerate() {
            for place in order {
                let (event, recorded, stay) = day[place];
                send(
                    &gateway,
                    &message(event, &format!("N{night}{place}"), "20260606020000", recorded, stay),
                );
            }
        }
        network.settled();
        let mut found = posts(&network.topics(GROUP));
        found.sort();
        assert_eq!(found, expected, "sent again");
        // After all: that is news.
        let again = message("A01", "E1", "20260606020100", "20260606020100", day[0].2);
        send(&gateway, &again);
        network.settled();
        assert_eq!(posts(&network.topics(GROUP)).len(), expected.len() + 1);
        gateway.stop();
    }
}

/// How many items wait for the office, and how many posts there are.
fn state(network: &Network) -> (usize, usize) {
    let output = run(&["intake", "list", "--config", &network.config().display().to_string()]);
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    let waiting = list.lines().filter(|line| line.split('\t').nth(3) == Some("triage")).count();
    (waiting, posts(&network.topics(GROUP)).len())
}

#[test]
fn a_hospital_that_stamps_what_it_sends_again_flips_no_stay() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-05 19:52:10");
        let stay = ("2026060500123", "20260605194000");
        send(&gateway, &message("A01", "D0", "20260605195200", "20260605195200", stay));
        network.settled();
        send(&gateway, &message("A11", "D1", "20260605195230", "20260605195230", stay));
        network.settled();
        assert_eq!(state(&network), (0, 2));
        gateway.stop();
        // The night after, as if each had been recorded again; and the night after that.
        for night in ["20260606", "20260607"] {
            let mut gateway =
                network.start(&format!("{}-{}-{} 02:10:00", &night[..4], &night[4..6], &night[6..]));
            for (event, minute) in [("A01", "0200"), ("A11", "0201")] {
                let at = format!("{night}{minute}00");
                send(&gateway, &message(event, &format!("N{night}{event}"), &at, &at, stay));
                network.settled();
            }
            assert_eq!(state(&network), (1, 2), "one question for the office, and no post");
            gateway.stop();
        }
        // The admission under its own number is no question.
        let mut gateway = network.start("2026-06-08 09:00:00");
        send(&gateway, &message("A01", "D0", "20260608090000", "20260608090000", stay));
        network.settled();
        assert_eq!(state(&network), (1, 2));
        // In another bed it is news.
        let again = message("A01", "E1", "20260608090100", "20260608090100", stay);
        let elsewhere = String::from_utf8(again).unwrap().replace("5E^512^2", "7W^701^1");
        send(&gateway, elsewhere.as_bytes());
        network.settled();
        assert_eq!(state(&network), (1, 3));
        gateway.stop();
    }
}
