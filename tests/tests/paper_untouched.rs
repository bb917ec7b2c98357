//! 「このまま返送＝了解」: where a network has earned and switched it on, a sheet that comes back untouched from a machine
//! that would have shown a pencil acts alone; from one that loses pencil, or with a light pencil on it, it waits
//! (docs/decisions/0025). Off, it never does anything.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

mod trial;

use kakehashi_tests::database::Database;
use kakehashi_tests::digests::{PHARMACY, acknowledged, digest, switch_untouched_on};
use kakehashi_tests::network::receipt;
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::paper;

#[test]
fn an_untouched_sheet_waits_where_a_pencil_would_not_show() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = trial::over(&database);
        // Off, as every network begins: the sheet says nothing of the kind, and untouched it means nothing.
        let posts = [("G01", "一件目"), ("G03", "二件目")];
        let (mut gateway, mut pages) = digest(&network, "2026-06-10", &posts, 0);
        let sheet = pages.pop().unwrap();
        let mut office = Office::log_in(&gateway);
        let before = office.triage();
        network.fax(&gateway, PHARMACY, std::slice::from_ref(&sheet));
        network.settled();
        assert!(!acknowledged(&network, "G01", "一件目"));
        let waits = office.triage();
        assert_eq!(waits.len(), before.len() + 1, "all empty is never an answer: a person looks");
        let item = waits.iter().find(|i| !before.contains(i)).unwrap();
        assert!(
            !office.get(item).1.contains("name=\"untouched\""),
            "nothing is proposed that was not printed"
        );

        // Switched on by the office: the sheets that leave from now on say so, and mean so.
        switch_untouched_on(&mut office);
        // The sheet that was printed before still means nothing.
        network.fax(&gateway, PHARMACY, &[paper::upside_down(&sheet)]);
        network.settled();
        assert!(!acknowledged(&network, "G01", "一件目"));
        gateway.stop();

        let posts = [("G01", "三件目"), ("G03", "四件目")];
        let (mut gateway, mut pages) = digest(&network, "2026-06-11", &posts, 1);
        let mut office = Office::log_in(&gateway);
        let before = office.triage();
        // This machine makes white of every grey and would have lost a pencil: a person looks.
        network.fax(&gateway, PHARMACY, &[pages.pop().unwrap()]);
        network.settled();
        let both = || [("G01", "三件目"), ("G03", "四件目")].map(|(g, t)| acknowledged(&network, g, t));
        assert_eq!(both(), [false, false], "nobody took it for 了解");
        let waits = office.triage();
        let item = waits.iter().find(|i| !before.contains(i)).unwrap();
        let (_, page) = office.get(item);
        assert!(page.contains("name=\"untouched\" value=\"yes\" checked"), "proposed: {page}");
        // One key.
        let token = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
        let key = [("csrf", token.as_str()), ("untouched", "yes"), ("staff_id", "")];
        let (status, text) = office.post(&format!("{item}/confirmation"), &key);
        assert!((300..400).contains(&status), "{status} {text}");
        assert_eq!(both(), [true, true]);
        assert_eq!(office.triage(), before);
        gateway.stop();
    }
}

#[test]
fn an_untouched_sheet_acts_alone_where_a_pencil_would_show() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = trial::over(&database);
        let mut gateway = network.start("2026-06-10 09:00:00");
        switch_untouched_on(&mut Office::log_in(&gateway));
        gateway.stop();
        let posts = [("G01", "五件目"), ("G03", "六件目")];
        let (mut gateway, mut pages) = digest(&network, "2026-06-10", &posts, 0);
        let both = || [("G01", "五件目"), ("G03", "六件目")].map(|(g, t)| acknowledged(&network, g, t));
        // A machine that renders grey: white paper becomes dots.
        let grey = paper::as_grey(&pages.pop().unwrap());
        let mut office = Office::log_in(&gateway);
        let mut waiting = office.triage().len();
        let mut call = grey.clone();
        paper::pencil_tick(&mut call, "call_back_2");
        let mut note = grey.clone();
        paper::pencil_note(&mut note);
        for (what, page) in [("a tick", call), ("a note", note)] {
            network.fax(&gateway, PHARMACY, &[page]);
            network.settled();
            assert_eq!(both(), [false, false], "{what} in light pencil: a person looks");
            waiting += 1;
            assert_eq!(office.triage().len(), waiting, "{what} in light pencil");
        }
        network.fax(&gateway, PHARMACY, &[grey]);
        network.settled();
        assert_eq!(both(), [true, true], "nothing on it, and the machine would have shown it");
        assert_eq!(office.triage().len(), waiting, "no person is asked");
        let topics = network.topics("G01");
        let topic = topics.iter().find(|t| t["topic"]["post"]["title"] == "五件目").unwrap();
        let own = &receipt(&topic["topic"], "F05")["acknowledgement"];
        assert_eq!((own["channel"].as_str(), own["staff_id"].as_str()), (Some("fax"), None), "{own}");
        gateway.stop();
    }
}
