//! Paper that leaves: a sheet is planned once, a number is verified before anything about a patient goes
//! there and changed by two, pages wait for their 表紙, receipts go with the next regular delivery.

use super::world::{World, deliver, fax, now, post, topic};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::{Actor, AttemptEnd, Commit, Effect, EndpointChange, NewSheet};
use kakehashi_core::directory::{Endpoint, EndpointSettings};
use kakehashi_core::facts::{CodeFacts, FactQuery};
use kakehashi_core::job::{DeliveryJob, JobContent};
use kakehashi_core::port::Outcome;
use kakehashi_core::post::Acknowledgement;
use kakehashi_core::sheet_order::{SheetContent, SheetOrder};
use kakehashi_core::vocabulary::{
    Channel, DeliveryMode, DeliveryState, EndpointState, IdentityLevel, ReplyExpectation,
};
use kakehashi_store::StoreError;
use kakehashi_store::view::OutboxFilter;

fn later(minutes: i64) -> UtcMicros {
    now().plus_seconds(minutes * 60)
}

async fn claim(world: &World, at: UtcMicros) -> Vec<DeliveryJob> {
    world.worker().claim_deliveries("w", 50, 60, 1_000_000, at).await.unwrap()
}

fn order(endpoint: &Endpoint, order: SheetOrder, at: UtcMicros) -> (NewSheet, Effect) {
    let mut seed = u128::try_from(at.as_micros()).unwrap() * 7919 + order.code().len() as u128;
    let sheet = NewSheet::plan(endpoint, order, at, &mut || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed
    });
    (sheet.clone(), Effect::OrderSheet(Box::new(sheet)))
}

fn change(change: EndpointChange) -> Effect {
    Effect::ChangeEndpoint { endpoint_id: "E04".into(), change }
}

async fn state(world: &World) -> EndpointState {
    world.worker().endpoint(&"E04".into()).await.unwrap().unwrap().state
}

async fn hand_off(world: &World, job: &DeliveryJob, at: UtcMicros) {
    let end = AttemptEnd {
        delivery_id: job.id.clone(),
        attempt: job.attempt,
        outcome: Outcome::HandedOff { job: format!("j-{}", job.id), report_within_seconds: 600 },
        next_state: DeliveryState::HandedOff,
        next_due_at: None,
        at,
    };
    assert!(world.worker().finish_attempt("w", &end).await.unwrap());
}

pub(crate) async fn a_number_is_verified_before_anything_else_goes_there(world: &World) {
    world.fill().await;
    world.sql("UPDATE endpoints SET state = 'unverified' WHERE endpoint_id = 'E04'").await.unwrap();
    let (sheet, effect) = order(&fax(), SheetOrder::Verification, now());
    let (_, preference) = order(&fax(), SheetOrder::Preference, now());
    let done = world.commit(vec![effect.clone(), preference]).await.unwrap();
    assert_eq!(done.repeated_count, 0);
    assert_eq!(
        world.commit(vec![order(&fax(), SheetOrder::Verification, later(1)).1]).await.unwrap().repeated_count,
        1
    );
    let jobs = claim(world, later(1)).await;
    let [job] = jobs.as_slice() else { panic!("only the 番号確認票 leaves: {jobs:#?}") };
    let JobContent::Sheet(content) = &job.content else { panic!("no sheet") };
    assert_eq!((&content.content, &content.code), (&SheetContent::Verification, &sheet.code));
    let refused = world.office().outbox(OutboxFilter::NeedsAction, 10).await.unwrap();
    assert_eq!(refused.len(), 1, "the 設定票 waits for no machine: {refused:#?}");
    hand_off(world, job, later(2)).await;

    let query = FactQuery {
        channel: Some(Channel::Fax),
        sender_address: Some("0300000104".into()),
        reply_code: Some(sheet.code.as_str().to_owned()),
        ..FactQuery::default()
    };
    let facts = world.worker().facts(&query, later(3)).await.unwrap();
    let CodeFacts::Known(entry) = facts.code else { panic!("unknown code") };
    assert_eq!(
        (entry.sheet, entry.facility_name.as_str()),
        (Some(SheetOrder::Verification), "ケアプランセンターつむぎ")
    );
    world.commit_at(later(3), vec![change(EndpointChange::Verified)]).await.unwrap();
    assert_eq!(state(world).await, EndpointState::Verified);
}

pub(crate) async fn pages_wait_for_their_cover(world: &World) {
    world.fill().await;
    world.commit(vec![change(EndpointChange::Stale)]).await.unwrap();
    assert_eq!(state(world).await, EndpointState::Stale);
    let t = topic("T1", "G01", "F01", &[]);
    let d = Effect::Deliver(deliver("D1", "T1", &fax(), DeliveryMode::Instant, now()));
    world.commit(vec![post(&t), d]).await.unwrap();
    assert!(claim(world, later(1)).await.is_empty(), "nothing before the cover");
    let wanted = world.worker().covers_wanted(later(1)).await.unwrap();
    let [(delivery, endpoint)] = wanted.as_slice() else { panic!("{wanted:?}") };
    let (_, cover) = order(endpoint, SheetOrder::Cover { delivery_id: delivery.clone() }, later(1));
    assert_eq!(world.commit_at(later(1), vec![cover]).await.unwrap().repeated_count, 0);
    assert!(world.worker().covers_wanted(later(1)).await.unwrap().is_empty());
    let jobs = claim(world, later(2)).await;
    let [job] = jobs.as_slice() else { panic!("{jobs:#?}") };
    let JobContent::Sheet(sheet) = &job.content else { panic!("no sheet") };
    assert!(matches!(sheet.content, SheetContent::Cover { posts: 1, .. }), "{:?}", sheet.content);
    hand_off(world, job, later(2)).await;
    // Whatever waits for paper keeps no worker awake.
    assert_eq!(world.worker().next_due().await.unwrap(), Some(later(12)));
    assert!(claim(world, later(3)).await.is_empty());
    let back = vec![Effect::ReleaseCovered { delivery_id: "D1".into() }, change(EndpointChange::Verified)];
    world.commit_at(later(4), back).await.unwrap();
    let jobs = claim(world, later(4)).await;
    assert_eq!(jobs.iter().map(|j| j.id.as_str()).collect::<Vec<_>>(), ["D1"]);
    assert_eq!(state(world).await, EndpointState::Verified);
}

pub(crate) async fn a_number_is_changed_by_two(world: &World) {
    world.fill().await;
    let by = |who: &str, effect: Effect| Commit {
        at: later(1),
        actor: Actor::LoginUser { id: who.into() },
        effects: vec![effect],
    };
    let propose = change(EndpointChange::ProposeNumber { id: "N1".into(), address: "0300000121".into() });
    world.store.commit(&world.network, by("U1", propose)).await.unwrap();
    let check = || change(EndpointChange::CheckNumber { id: "N1".into() });
    let same = world.store.commit(&world.network, by("U1", check())).await;
    assert!(matches!(same, Err(StoreError::Conflict { .. })), "{same:?}");
    assert_eq!(state(world).await, EndpointState::Verified, "nothing has changed");
    let shown = world.office().fax_numbers(later(1)).await.unwrap();
    let proposed = shown.iter().find(|n| n.endpoint.id.as_str() == "E04").unwrap().proposed.clone().unwrap();
    assert_eq!((proposed.after.as_str(), proposed.made_by.as_str()), ("0300000121", "U1"));
    world.store.commit(&world.network, by("U2", check())).await.unwrap();
    let endpoint = world.worker().endpoint(&"E04".into()).await.unwrap().unwrap();
    assert_eq!((endpoint.address.as_str(), endpoint.state), ("0300000121", EndpointState::Unverified));
    // A number that was stopped is not verified by any sheet.
    world.sql("UPDATE endpoints SET state = 'suspended' WHERE endpoint_id = 'E04'").await.unwrap();
    let refused = world.commit(vec![change(EndpointChange::Verified)]).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
}

pub(crate) async fn settings_are_told_and_undone(world: &World) {
    world.fill().await;
    let settings = EndpointSettings { night_ok: true, ..EndpointSettings::default() };
    let set = change(EndpointChange::Settings { id: "C1".into(), settings: Box::new(settings.clone()) });
    let tell =
        Effect::TellInNext { id: "N1".into(), endpoint_id: "E04".into(), words: "変えました".into() };
    world.commit(vec![set, tell]).await.unwrap();
    let t = topic("T1", "G01", "F01", &[]);
    let d = Effect::Deliver(deliver("D1", "T1", &fax(), DeliveryMode::Instant, later(1)));
    world.commit_at(later(1), vec![post(&t), d]).await.unwrap();
    let notes = |jobs: &[DeliveryJob]| match &jobs[0].content {
        JobContent::Posts(posts) => (posts.notes.clone(), posts.endpoint.settings.night_ok),
        other => panic!("{other:?}"),
    };
    let jobs = claim(world, later(1)).await;
    assert_eq!(notes(&jobs), (vec!["変えました".to_owned()], true));
    hand_off(world, &jobs[0], later(2)).await;
    let t = topic("T2", "G01", "F01", &[]);
    let d = Effect::Deliver(deliver("D2", "T2", &fax(), DeliveryMode::Instant, later(3)));
    world.commit_at(later(3), vec![post(&t), d]).await.unwrap();
    assert_eq!(notes(&claim(world, later(3)).await).0, Vec::<String>::new(), "told once");

    let undo = || change(EndpointChange::UndoSettings { id: "C1".into() });
    let late = world.commit_at(later(60 * 25), vec![undo()]).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    world.commit_at(later(60), vec![undo()]).await.unwrap();
    let endpoint = world.worker().endpoint(&"E04".into()).await.unwrap().unwrap();
    assert!(!endpoint.settings.night_ok);
    assert_eq!(world.commit_at(later(61), vec![undo()]).await.unwrap().repeated_count, 1);
}

pub(crate) async fn settings_of_a_mail_address_can_be_undone(world: &World) {
    world.fill().await;
    let mail = world.office().mail_addresses(now()).await.unwrap().remove(0).endpoint;
    assert_eq!(mail.channel, Channel::Email);
    let settings = EndpointSettings { night_ok: !mail.settings.night_ok, ..mail.settings.clone() };
    let of_mail = |change| Effect::ChangeEndpoint { endpoint_id: mail.id.clone(), change };
    let set = EndpointChange::Settings { id: "C1".into(), settings: Box::new(settings.clone()) };
    world.commit(vec![of_mail(set)]).await.unwrap();
    let shown = world.office().mail_addresses(later(1)).await.unwrap().remove(0);
    assert_eq!(shown.endpoint.settings, settings);
    assert_eq!(shown.settings_changed.unwrap().id.as_str(), "C1");
    assert!(world.office().fax_numbers(later(1)).await.unwrap().iter().all(|n| n.settings_changed.is_none()));
    // Its receipt goes with the next mail and with no other.
    let tell =
        Effect::TellInNext { id: "N1".into(), endpoint_id: mail.id.clone(), words: "変えました".into() };
    let mut told = Vec::new();
    for (minute, id, of) in [(1, "D1", "T1"), (2, "D2", "T2")] {
        let send = Effect::Deliver(deliver(id, of, &mail, DeliveryMode::Instant, later(minute)));
        let first = (minute == 1).then(|| tell.clone());
        let effects = first.into_iter().chain([post(&topic(of, "G01", "F01", &[])), send]).collect();
        world.commit_at(later(minute), effects).await.unwrap();
        let jobs = claim(world, later(minute)).await;
        let [job] = jobs.as_slice() else { panic!("{jobs:#?}") };
        let JobContent::Posts(posts) = &job.content else { panic!("{:?}", job.content) };
        told.push(posts.notes.len());
        hand_off(world, job, later(minute)).await;
    }
    assert_eq!(told, [1, 0]);
    let late = world.office().mail_addresses(later(60 * 25)).await.unwrap().remove(0);
    assert!(late.settings_changed.is_none(), "a day is over");
    world.commit_at(later(2), vec![of_mail(EndpointChange::UndoSettings { id: "C1".into() })]).await.unwrap();
    let back = world.office().mail_addresses(later(3)).await.unwrap().remove(0);
    assert_eq!((back.endpoint.settings, back.settings_changed.is_none()), (mail.settings, true));
}

pub(crate) async fn a_status_sheet_keeps_delivered_and_acknowledged_apart(world: &World) {
    world.fill().await;
    let t = topic("T1", "G01", "F04", &[("F05", ReplyExpectation::Ack), ("F03", ReplyExpectation::Ack)]);
    let to = super::world::endpoint("E05", "F05", Channel::Fax, "0300000105");
    let d = Effect::Deliver(deliver("D1", "T1", &to, DeliveryMode::Instant, now()));
    let given = Acknowledgement {
        post_id: "T1".into(),
        facility_id: "F05".into(),
        staff_id: None,
        person_name: Some("三浦 健".into()),
        channel: Channel::Fax,
        acknowledged_at: later(5),
        identity_level: IdentityLevel::I2,
        intake_id: None,
        delivery_id: Some("D1".into()),
        proxy: None,
    };
    let (_, status) = order(&fax(), SheetOrder::Status { post_id: "T1".into() }, now());
    world.commit(vec![post(&t), d, Effect::Acknowledge(given), status]).await.unwrap();
    let jobs = claim(world, later(6)).await;
    let sheets: Vec<_> = jobs
        .iter()
        .filter_map(|j| match &j.content {
            JobContent::Sheet(sheet) => Some(sheet),
            _ => None,
        })
        .collect();
    let [sheet] = sheets.as_slice() else { panic!("{jobs:#?}") };
    let SheetContent::Status(table) = &sheet.content else { panic!("{:?}", sheet.content) };
    let of = |name: &str| table.lines.iter().find(|l| l.facility == name).unwrap();
    let pharmacy = of("あおぞら薬局桜見店");
    assert_eq!(pharmacy.acknowledged, Some((later(5), Some("三浦 健".into()))));
    assert_eq!(pharmacy.delivery.map(|d| d.1), Some(DeliveryState::Held), "了解 is not 送達");
    assert_eq!(of("訪問看護ステーションひなた").acknowledged, None);
    // The timeline of the post shows what went to members, not what was told about it.
    let timeline =
        world.facility("F05").timeline(&"U02".into(), &"G01".into(), None, 10).await.unwrap().unwrap();
    let ways: usize = timeline.topics[0].topic.receipts.iter().map(|r| r.deliveries.len()).sum();
    assert_eq!(ways, 1);
    let desk = world.office().fax_out(None, 10).await.unwrap();
    assert_eq!(desk.len(), 2);
    let number = desk[0].number.clone();
    let found = world.office().fax_out(Some(&number[2..]), 10).await.unwrap();
    assert!(!found.is_empty() && found.iter().all(|f| f.number == number), "{found:?}");
    assert!(world.office().fax_out(Some("99999999"), 10).await.unwrap().is_empty());
    assert_eq!(desk[0].items.len() + desk[1].items.len(), 2);
}

pub(crate) async fn a_document_by_fax_gets_its_evidence(world: &World) {
    use kakehashi_core::commit::AuthorNote;
    world.fill().await;
    let mut t = topic("T1", "G01", "F04", &[]);
    t.channel = Channel::Fax;
    let given = |facility: &str, minute| {
        let at = later(minute);
        let acknowledgement = Acknowledgement {
            post_id: "T1".into(),
            facility_id: facility.into(),
            staff_id: None,
            person_name: Some("小林 佳奈".into()),
            channel: Channel::Fax,
            acknowledged_at: at,
            identity_level: IdentityLevel::I2,
            intake_id: None,
            delivery_id: None,
            proxy: None,
        };
        let note = AuthorNote {
            post_id: "T1".into(),
            facility_id: facility.into(),
            delivery_id: format!("E{minute}").into(),
            due_at: at,
            item_code: super::world::code(&format!("E{minute}"), true),
            delivery_code: super::world::code(&format!("E{minute}"), false),
            code_expires_at: later(10_000),
        };
        vec![Effect::Acknowledge(acknowledgement), Effect::TellAuthor(note)]
    };
    world.commit(vec![post(&t)]).await.unwrap();
    // A member that was not asked shares; its 了解 makes no page.
    assert_eq!(world.commit(given("F05", 5)).await.unwrap().repeated_count, 1);
    assert_eq!(world.commit(given("F01", 6)).await.unwrap().repeated_count, 0);
    let jobs = claim(world, later(7)).await;
    let [job] = jobs.as_slice() else { panic!("{jobs:#?}") };
    let JobContent::Sheet(sheet) = &job.content else { panic!("no sheet") };
    let SheetContent::Evidence(table) = &sheet.content else { panic!("{:?}", sheet.content) };
    let hospital = table.lines.iter().find(|l| l.facility == "桜見中央病院").unwrap();
    assert_eq!(hospital.acknowledged, Some((later(6), Some("小林 佳奈".into()))));
    assert_eq!(sheet.facility.id.as_str(), "F04", "to whoever sent the document");
}

pub(crate) async fn providers_and_pages_are_remembered(world: &World) {
    world.fill().await;
    let mut quiet = topic("T1", "G01", "F01", &[]);
    quiet.urgency = kakehashi_core::vocabulary::Urgency::Normal;
    let send = |id: &str, of: &str| Effect::Deliver(deliver(id, of, &fax(), DeliveryMode::Instant, now()));
    world.commit(vec![post(&quiet), send("D1", "T1")]).await.unwrap();
    let mut second = topic("T2", "G01", "F01", &[]);
    second.urgency = quiet.urgency;
    world.commit(vec![post(&second), send("D2", "T2")]).await.unwrap();
    world.commit(vec![post(&topic("T3", "G01", "F01", &[])), send("D3", "T3")]).await.unwrap();
    let worker = world.worker();
    let budget = |id: &'static str| {
        let worker = world.worker();
        async move { worker.page_budget(&id.into(), now()).await.unwrap() }
    };
    assert_eq!(budget("D1").await, (60, 0, false));
    worker.route_taken(&"D1".into(), "first", 7, later(1)).await.unwrap();
    world
        .commit(vec![Effect::SetPaper { untouched_acknowledges: true, pages_a_day: 5, page_cost: 850 }])
        .await
        .unwrap();
    assert_eq!(budget("D2").await, (5, 7, false));
    assert!(budget("D3").await.2, "what is urgent never waits");
    let memory = worker.route_memory(&"D1".into(), later(1)).await.unwrap();
    assert_eq!((memory.before.as_deref(), memory.open.len()), (Some("first"), 0));
    let mut opened = false;
    for minute in 2..5 {
        opened = worker.route_fault("first", "421 try later", later(minute)).await.unwrap();
    }
    assert!(opened);
    let memory = worker.route_memory(&"D2".into(), later(5)).await.unwrap();
    assert_eq!((memory.open, memory.before), (vec!["first".to_owned()], None));
    let shown = world.office().fax_routes(later(5)).await.unwrap();
    assert!(shown[0].open_until.is_some() && shown[0].page_count == 7, "{shown:?}");
    // A put-off delivery has had no attempt.
    let jobs = claim(world, later(5)).await;
    let put_off = jobs.iter().find(|j| j.id.as_str() == "D2").unwrap();
    worker.postpone_delivery("w", &put_off.id, put_off.attempt, later(600)).await.unwrap();
    let again = claim(world, later(600)).await;
    let again = again.iter().find(|j| j.id.as_str() == "D2").unwrap();
    assert_eq!(again.attempt, 1);
    // 「このまま返送＝了解」 is printed on what left after it was switched on.
    let printed = jobs.iter().find(|j| j.id.as_str() == "D1").unwrap();
    let JobContent::Posts(posts) = &printed.content else { panic!("no posts") };
    assert!(posts.untouched_acknowledges);
    assert!(world.office().paper_trust().await.unwrap().untouched_acknowledges);
}

pub(crate) async fn a_silent_number_goes_stale(world: &World) {
    world.fill().await;
    let t = topic("T1", "G01", "F01", &[]);
    let d = Effect::Deliver(deliver("D1", "T1", &fax(), DeliveryMode::Instant, now()));
    world.commit(vec![post(&t), d]).await.unwrap();
    let jobs = claim(world, now()).await;
    hand_off(world, &jobs[0], now()).await;
    let report = Effect::Report {
        job: "j-D1".into(),
        route: None,
        state: DeliveryState::Delivered,
        detail: "OK".into(),
    };
    world.commit_at(later(1), vec![report]).await.unwrap();
    let since = |days: i64| now().plus_seconds(days * 86_400);
    let found = world.worker().numbers_without_sign(since(1)).await.unwrap();
    assert_eq!(found.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["E04"]);
    assert!(world.worker().numbers_without_sign(since(-1)).await.unwrap().is_empty(), "not in use then");
    world.commit_at(since(2), vec![change(EndpointChange::Verified)]).await.unwrap();
    assert!(world.worker().numbers_without_sign(since(1)).await.unwrap().is_empty(), "a handshake is a sign");
}

pub(crate) async fn of_a_large_roster_those_who_answer_have_the_boxes(world: &World) {
    use kakehashi_core::directory::StaffMember;
    use kakehashi_store::DirectoryChange;
    world.fill().await;
    let person = |n: u32| {
        DirectoryChange::Staff(StaffMember {
            id: format!("S04{n:02}").as_str().into(),
            facility_id: "F04".into(),
            name: format!("{n}番"),
            professions: Vec::new(),
            left_at: None,
        })
    };
    world.import((1..=30).map(person).collect()).await;
    let sent = |delivery: &str, post_id: &str| {
        Effect::Deliver(deliver(delivery, post_id, &fax(), DeliveryMode::Instant, now()))
    };
    let (first, second) = (topic("T1", "G01", "F01", &[]), topic("T2", "G01", "F01", &[]));
    world.commit(vec![post(&first), sent("D1", "T1")]).await.unwrap();
    let names = |jobs: &[DeliveryJob]| -> Vec<String> {
        let JobContent::Posts(posts) = &jobs[0].content else { panic!("no posts") };
        posts.staff_names.clone()
    };
    let jobs = claim(world, now()).await;
    assert_eq!(names(&jobs)[..6], ["1番", "2番", "3番", "4番", "5番", "6番"]);
    hand_off(world, &jobs[0], later(1)).await;
    let acknowledgement = Acknowledgement {
        post_id: "T1".into(),
        facility_id: "F04".into(),
        staff_id: Some("S0427".into()),
        person_name: Some("27番".into()),
        channel: Channel::Fax,
        acknowledged_at: later(2),
        identity_level: IdentityLevel::I2,
        intake_id: None,
        delivery_id: Some("D1".into()),
        proxy: None,
    };
    world.commit(vec![Effect::Acknowledge(acknowledgement)]).await.unwrap();
    world.commit_at(later(3), vec![post(&second), sent("D2", "T2")]).await.unwrap();
    let jobs = claim(world, later(4)).await;
    assert_eq!(names(&jobs)[..6], ["1番", "2番", "3番", "4番", "27番", "5番"]);
    // The tick is read by the paper that left.
    let query = FactQuery {
        channel: Some(Channel::Fax),
        sender_address: Some("0300000104".into()),
        reply_code: jobs.iter().find_map(|j| match &j.content {
            JobContent::Posts(posts) => Some(posts.code.as_str().to_owned()),
            _ => None,
        }),
        ..FactQuery::default()
    };
    let facts = world.worker().facts(&query, later(5)).await.unwrap();
    let CodeFacts::Known(entry) = facts.code else { panic!("unknown code") };
    assert_eq!(entry.printed_staff[4].as_str(), "S0427");
}
