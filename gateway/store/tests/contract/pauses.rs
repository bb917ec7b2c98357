//! 休止 and 担当終了 as both databases keep them: what waits becomes one まとめ便 on the return, the same word twice is
//! one pause, an end in time is recorded once, leaving is taken back within a day only, and no older file
//! brings back whoever left.

use super::world::{World, cast, deliver, endpoint, now, post, topic};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::{DigestMove, Effect, EndpointChange, NewSheet};
use kakehashi_core::directory::EndpointSettings;
use kakehashi_core::facts::{CodeFacts, FactQuery};
use kakehashi_core::job::JobContent;
use kakehashi_core::pause::{Pause, PauseEnd, Paused, Substitute};
use kakehashi_core::receipt::{Receipt, ReceiptOf};
use kakehashi_core::sheet_order::{SheetContent, SheetOrder};
use kakehashi_core::vocabulary::{Channel, DeliveryMode};
use kakehashi_store::view::OutboxFilter;
use kakehashi_store::{DirectoryChange, Kept};

fn days(days: i64) -> UtcMicros {
    now().plus_seconds(days * 86_400)
}

fn pause(id: &str, who: Paused, substitute: Option<Substitute>) -> Pause {
    Pause { id: id.into(), facility_id: "F03".into(), who, from: days(1), until: days(6), substitute }
}

fn mail_rests() -> Paused {
    Paused::Endpoint { endpoint_id: "E03".into() }
}

fn begin(pause: &Pause) -> Effect {
    let moves = vec![DigestMove {
        endpoint_id: "E03".into(),
        from: pause.from,
        until: pause.until,
        to: pause.until.plus_seconds(3600),
    }];
    Effect::BeginPause { pause: Box::new(pause.clone()), moves }
}

async fn open_digests(world: &World) -> Vec<(UtcMicros, usize)> {
    let mut rows: Vec<(UtcMicros, usize)> = world
        .office()
        .outbox(OutboxFilter::Held, 50)
        .await
        .unwrap()
        .iter()
        .map(|r| (r.due_at, r.items.len()))
        .collect();
    rows.sort_unstable();
    rows
}

pub(crate) async fn a_pause_gathers_what_waits_and_gives_it_back(world: &World) {
    world.fill().await;
    let to = endpoint("E03", "F03", Channel::Email, "hinata@st.example");
    for (id, of, due) in [("D1", "T1", days(0)), ("D2", "T2", days(2)), ("D3", "T3", days(3))] {
        let send = Effect::Deliver(deliver(id, of, &to, DeliveryMode::Digest, due.plus_seconds(60)));
        world.commit(vec![post(&topic(of, "G01", "F01", &[])), send]).await.unwrap();
    }
    let rest = pause("U1", mail_rests(), None);
    world.commit(vec![begin(&rest)]).await.unwrap();
    let back = rest.until.plus_seconds(3600);
    assert_eq!(
        open_digests(world).await,
        [(days(0).plus_seconds(60), 1), (back, 2)],
        "before it nothing waits"
    );
    // The codes of what was joined lead to their posts still.
    let query = FactQuery {
        reply_code: Some(deliver("D3", "T3", &to, DeliveryMode::Digest, back).item_code.as_str().to_owned()),
        ..FactQuery::default()
    };
    let CodeFacts::Known(code) = world.worker().facts(&query, now()).await.unwrap().code else {
        panic!("no code")
    };
    assert_eq!(code.post_id.map(|p| p.to_string()).as_deref(), Some("T3"));
    assert!(code.expires_at > back);
    // What is planned during the pause joins it, and 再開 brings it all forward.
    let send = Effect::Deliver(deliver("D4", "T4", &to, DeliveryMode::Digest, back));
    world.commit(vec![post(&topic("T4", "G01", "F01", &[])), send]).await.unwrap();
    let end = |at: UtcMicros| Effect::EndPause {
        id: "U1".into(),
        how: PauseEnd::Resumed,
        moves: vec![DigestMove {
            endpoint_id: "E03".into(),
            from: back,
            until: back.plus_seconds(1),
            to: at.plus_seconds(600),
        }],
    };
    assert_eq!(world.commit_at(days(3), vec![end(days(3))]).await.unwrap().repeated_count, 0);
    assert_eq!(open_digests(world).await, [(days(0).plus_seconds(60), 1), (days(3).plus_seconds(600), 3)]);
    assert_eq!(world.commit_at(days(4), vec![end(days(4))]).await.unwrap().repeated_count, 1, "once");
    assert_eq!(open_digests(world).await.len(), 2);
}

pub(crate) async fn a_pause_is_seen_until_its_time_is_over(world: &World) {
    world.fill().await;
    let person = Paused::Person { staff: Some(("S0301".into(), "大塚 千尋".into())) };
    let by = Substitute::Facility {
        facility_id: "F04".into(), name: "ケアプランセンターつむぎ".into()
    };
    let leave = pause("U1", person, Some(by));
    world.commit(vec![Effect::BeginPause { pause: Box::new(leave.clone()), moves: vec![] }]).await.unwrap();
    let again =
        world.commit(vec![Effect::BeginPause { pause: Box::new(leave.clone()), moves: vec![] }]).await;
    assert_eq!(again.unwrap().repeated_count, 1);
    let seen = |at: UtcMicros| async move {
        let roster = world.worker().roster(&"G01".into(), at).await.unwrap().unwrap();
        roster.member(&"F03".into()).unwrap().pauses.clone()
    };
    assert_eq!(seen(days(0)).await, std::slice::from_ref(&leave), "with the names of today");
    assert_eq!(seen(days(6)).await, []);
    let member = world.worker().member(&"F03".into(), days(2)).await.unwrap().unwrap();
    assert_eq!((member.pauses.len(), member.endpoints.len(), member.consented), (1, 1, false));
    // The newest word about the same days holds.
    let longer = Pause { id: "U2".into(), until: days(9), ..leave.clone() };
    world.commit(vec![Effect::BeginPause { pause: Box::new(longer.clone()), moves: vec![] }]).await.unwrap();
    let other = pause("U3", mail_rests(), None);
    world.commit(vec![Effect::BeginPause { pause: Box::new(other.clone()), moves: vec![] }]).await.unwrap();
    assert_eq!(seen(days(0)).await, [longer.clone(), other.clone()]);
    assert_eq!(world.worker().next_due().await.unwrap(), Some(other.until));
    // Its time is over: told once.
    assert_eq!(world.worker().pauses_over(days(5)).await.unwrap(), []);
    assert_eq!(world.worker().pauses_over(days(6)).await.unwrap(), std::slice::from_ref(&other));
    let over = Effect::EndPause { id: other.id.clone(), how: PauseEnd::Over, moves: vec![] };
    world.commit_at(days(6), vec![over]).await.unwrap();
    assert_eq!(world.worker().pauses_over(days(6)).await.unwrap(), []);
    let cards = world.office().facilities().await.unwrap();
    let card = cards.iter().find(|c| c.facility.id.as_str() == "F03").unwrap();
    assert_eq!(card.pauses, [longer]);
}

async fn receipt(world: &World, id: u128, of: ReceiptOf, at: UtcMicros) -> Receipt {
    let to = endpoint("E03", "F03", Channel::Email, "hinata@st.example");
    let mut seed = id << 40;
    let mut sheet = NewSheet::plan(&to, SheetOrder::Receipt { receipt: of }, at, &mut || {
        seed += 0x1234_5678_9abc;
        seed
    });
    sheet.due_at = at;
    let code = sheet.code.as_str().to_owned();
    world.commit_at(at, vec![Effect::OrderSheet(Box::new(sheet))]).await.unwrap();
    let jobs = world.worker().claim_deliveries("w", 50, 60, 1000, at).await.unwrap();
    let [job] = jobs.as_slice() else { panic!("{jobs:#?}") };
    let JobContent::Sheet(ordered) = &job.content else { panic!("{:?}", job.content) };
    let SheetContent::Receipt(receipt) = &ordered.content else { panic!("{:?}", ordered.content) };
    let query = FactQuery { reply_code: Some(code), ..FactQuery::default() };
    let CodeFacts::Known(entry) = world.worker().facts(&query, at).await.unwrap().code else {
        panic!("no code")
    };
    assert!(entry.membership_stands && entry.items.is_empty(), "a receipt belongs to no group");
    (**receipt).clone()
}

pub(crate) async fn a_receipt_says_what_holds_when_it_leaves(world: &World) {
    world.fill().await;
    let rest = pause("U1", mail_rests(), None);
    world.commit(vec![Effect::BeginPause { pause: Box::new(rest.clone()), moves: vec![] }]).await.unwrap();
    let of_pause = || ReceiptOf::Pause { id: "U1".into() };
    let open = Receipt::Pause { pause: Box::new(rest.clone()), ended: None };
    assert_eq!(receipt(world, 1, of_pause(), days(0)).await, open);
    let end = Effect::EndPause { id: "U1".into(), how: PauseEnd::Resumed, moves: vec![] };
    world.commit_at(days(1), vec![end]).await.unwrap();
    let ended = Receipt::Pause { pause: Box::new(rest), ended: Some(PauseEnd::Resumed) };
    assert_eq!(receipt(world, 2, of_pause(), days(1)).await, ended);

    let change = |change| Effect::ChangeEndpoint { endpoint_id: "E03".into(), change };
    let night = EndpointSettings { night_ok: true, ..EndpointSettings::default() };
    let set = EndpointChange::Settings { id: "C1".into(), settings: Box::new(night.clone()) };
    world.commit_at(days(1), vec![change(set)]).await.unwrap();
    let of = || ReceiptOf::Settings { id: "C1".into() };
    let undo = || change(EndpointChange::UndoSettingsIfPossible { id: "C1".into() });
    let says = |settings: &EndpointSettings, undone| Receipt::Settings {
        settings: Box::new(settings.clone()),
        undone,
        made_at: days(1),
    };
    assert_eq!(receipt(world, 3, of(), days(1)).await, says(&night, false));
    // After a day nothing happens, and nothing fails.
    let late = world.commit_at(days(3), vec![undo()]).await.unwrap();
    assert_eq!(late.repeated_count, 1);
    assert_eq!(receipt(world, 4, of(), days(3)).await, says(&night, false));
    world.commit_at(days(1).plus_seconds(3600), vec![undo()]).await.unwrap();
    assert_eq!(receipt(world, 5, of(), days(3)).await, says(&EndpointSettings::default(), true));
}

pub(crate) async fn leaving_is_taken_back_within_a_day(world: &World) {
    world.fill().await;
    let leave = || Effect::LeaveGroup { group_id: "G01".into(), facility_id: "F03".into() };
    let back = || Effect::ReturnToGroup { group_id: "G01".into(), facility_id: "F03".into() };
    let is_member = |at: UtcMicros| async move {
        let roster = world.worker().roster(&"G01".into(), at).await.unwrap().unwrap();
        roster.member(&"F03".into()).is_some()
    };
    world.commit(vec![leave()]).await.unwrap();
    assert!(!is_member(now().plus_seconds(60)).await);
    let of = || ReceiptOf::Leave { group_id: "G01".into() };
    let left = Receipt::Leave { alias: "つばき01".into(), left_at: Some(now()) };
    assert_eq!(receipt(world, 1, of(), now().plus_seconds(60)).await, left);
    world.commit_at(now().plus_seconds(3600), vec![back()]).await.unwrap();
    assert!(is_member(now().plus_seconds(3700)).await);
    let stays = Receipt::Leave { alias: "つばき01".into(), left_at: None };
    assert_eq!(receipt(world, 2, of(), now().plus_seconds(3700)).await, stays);
    world.commit_at(days(1), vec![leave()]).await.unwrap();
    assert_eq!(world.commit_at(days(3), vec![back()]).await.unwrap().repeated_count, 1, "by invitation");
    assert!(!is_member(days(3)).await);
}

pub(crate) async fn whoever_left_stays_away_from_an_older_file(world: &World) {
    world.fill().await;
    let is_member = |at: UtcMicros| async move {
        let roster = world.worker().roster(&"G01".into(), at).await.unwrap().unwrap();
        roster.member(&"F03".into()).is_some()
    };
    let leave = Effect::LeaveGroup { group_id: "G01".into(), facility_id: "F03".into() };
    world.commit_at(days(1), vec![leave]).await.unwrap();
    // The file was written before and lists it still: said every time, followed never.
    let import = |file: Vec<DirectoryChange>, at| async move {
        world.store.directory(&world.network).apply(file, at).await.unwrap()
    };
    let left = Kept::Leave { group_id: "G01".into(), facility_id: "F03".into(), left_at: days(1) };
    for day in [2, 9] {
        let done = import(cast("sakurami"), days(day)).await;
        assert_eq!((done.changed, done.kept), (0, vec![left.clone()]));
        assert!(!is_member(days(day)).await);
    }
    // A person of the office says that it takes part again.
    let mut file = cast("sakurami");
    for change in &mut file {
        if let DirectoryChange::Membership { group_id, facility_id, since, again } = change {
            *again = (group_id.as_str(), facility_id.as_str()) == ("G01", "F03");
            *since = days(10);
        }
    }
    let done = import(file.clone(), days(10)).await;
    assert_eq!((done.changed, done.kept), (1, Vec::new()));
    assert!(is_member(days(10)).await);
    assert!(!is_member(days(9)).await, "not in between");
    let done = import(file, days(11)).await;
    assert_eq!((done.changed, done.kept), (0, Vec::new()), "once");
}
