//! What a hospital tells of stays, in any order, named in any way and as often as it likes (decision 0032).

mod resent;

use super::stay::tells_of_a_stay;
use super::tests::short;
use super::*;
use crate::cast::*;
use crate::envelope::{Visit, canonical_trigger};
use crate::facts::{EarlierPost, Heard};
use proptest::prelude::*;

const NUMBER: &str = "V1";
const ADMITTED: &str = "2026-06-05T19:40";

/// A message about a stay: trigger, number, time of admission, when it was recorded.
fn adt(trigger: &str, number: &str, admitted: &str, recorded: &str) -> Envelope {
    let mut envelope = hl7("ADT", trigger, "お知らせ", &format!("{} 5E", canonical_trigger(trigger)));
    let event = envelope.event.as_mut().unwrap();
    event.visit = Some(Visit {
        number: Some(number.to_owned()).filter(|n| !n.is_empty()),
        admitted_at: Some(admitted).filter(|t| !t.is_empty()).map(at),
        ..Visit::default()
    });
    event.recorded_at = Some(recorded).filter(|t| !t.is_empty()).map(at);
    event.key = event.stay_keys(trigger).pop().or_else(|| Some(format!("content:ADT:{trigger}{recorded}")));
    envelope
}

fn with(mut envelope: Envelope, change: impl FnOnce(&mut crate::envelope::Event)) -> Envelope {
    change(envelope.event.as_mut().unwrap());
    envelope
}

fn saying(mut envelope: Envelope, words: &str) -> Envelope {
    envelope.body = Some(words.to_owned());
    envelope
}

/// What the gateway keeps of what it was sent.
struct Kept(Facts);

impl Kept {
    /// After a course that came in this order.
    fn after(course: &[Envelope], order: Vec<usize>) -> Self {
        let mut kept = Self::new();
        for place in order {
            kept.send(&course[place]);
        }
        kept
    }

    fn new() -> Self {
        Self(hospital_facts())
    }

    /// `topic`, `under N`, `corrects N` (the post's number, from 1), `nothing` or `office`.
    fn send(&mut self, envelope: &Envelope) -> String {
        let facts = &mut self.0;
        let decided = decide(envelope, facts, None, at("2026-12-01T00:00"));
        let mut heard = |to_the_office| {
            let event = envelope.event.clone().unwrap();
            if tells_of_a_stay(&event) {
                facts.heard.insert(0, Heard { event, to_the_office, waits: to_the_office });
            }
        };
        let placement = match decided.decision {
            Decision::Post(placement) => placement,
            Decision::Triage { reasons, .. } => {
                assert_eq!(reasons, [TriageReason::WhichStay]);
                heard(true);
                return "office".into();
            }
            other => {
                assert!(short(&other).starts_with("record "), "{other:?}");
                heard(false);
                return "nothing".into();
            }
        };
        heard(false);
        let id = format!("{}", facts.earlier_posts.len() + 1);
        let became = match (&placement.corrects, &placement.under_topic) {
            (Some(post), _) => format!("corrects {post}"),
            (None, Some(topic)) => format!("under {topic}"),
            (None, None) => "topic".to_owned(),
        };
        facts.earlier_posts.insert(
            0,
            EarlierPost {
                post_id: id.as_str().into(),
                topic_id: placement.under_topic.unwrap_or_else(|| id.as_str().into()),
                group_id: placement.group_id,
                event_key: envelope.event.as_ref().unwrap().key.clone().unwrap(),
                body: crate::placement::print_of(envelope),
                urgency: placement.urgency,
                corrects: placement.corrects,
                version: placement.version,
                event: envelope.event.clone(),
            },
        );
        became
    }
}

/// Sends each and says what became of it.
#[track_caller]
fn becomes(kept: &mut Kept, messages: &[(Envelope, &str)]) {
    for (number, (envelope, expected)) in messages.iter().enumerate() {
        let trigger = envelope.event.as_ref().unwrap().trigger.clone().unwrap();
        assert_eq!(kept.send(envelope), *expected, "message {} ({trigger})", number + 1);
    }
}

const DAY1: &str = "2026-06-05T19:52";
const DAY2: &str = "2026-06-06T09:00";
const DAY3: &str = "2026-06-07T09:00";
const DAY4: &str = "2026-06-08T09:00";

#[test]
fn a_stay_is_found_by_number_or_by_time_or_by_both() {
    let ways = [(NUMBER, ADMITTED), (NUMBER, ""), ("", ADMITTED), ("", "")];
    let pairs =
        [("A01", "A11"), ("A06", "A11"), ("A02", "A12"), ("A21", "A52"), ("A22", "A53"), ("A16", "A25")];
    for (told, back) in pairs {
        for (number, admitted) in ways {
            let mut kept = Kept::new();
            let first = if told == "A01" { "topic" } else { "office or under" };
            if told != "A01" && told != "A06" {
                becomes(&mut kept, &[(adt("A01", NUMBER, ADMITTED, DAY1), "topic")]);
            }
            let became = kept.send(&adt(told, NUMBER, ADMITTED, DAY2));
            assert!(became == "topic" || became == "under 1", "{told}: {became}, not {first}");
            let post = kept.0.earlier_posts.len();
            let cancel = adt(back, number, admitted, DAY3);
            assert_eq!(kept.send(&cancel), format!("corrects {post}"), "{back} {number} {admitted}");
            assert_eq!(kept.send(&cancel), "nothing", "{back} {number} {admitted}, once more");
        }
    }
}

#[test]
fn what_names_a_stay_the_other_way_round_is_found_too() {
    for (first, then) in
        [(("", ADMITTED), (NUMBER, "")), ((NUMBER, ""), ("", ADMITTED)), (("", ""), (NUMBER, ADMITTED))]
    {
        let mut kept = Kept::new();
        becomes(
            &mut kept,
            &[
                (adt("A01", first.0, first.1, DAY1), "topic"),
                (adt("A02", then.0, then.1, DAY2), "under 1"),
                (adt("A12", then.0, then.1, DAY3), "corrects 2"),
                (adt("A11", then.0, then.1, DAY4), "corrects 1"),
            ],
        );
    }
}

#[test]
fn a_discharge_is_taken_back_by_whatever_names_its_stay() {
    for (number, admitted) in [(NUMBER, ""), ("", ADMITTED), ("", "")] {
        let mut kept = Kept::new();
        becomes(
            &mut kept,
            &[
                (adt("A01", NUMBER, ADMITTED, DAY1), "topic"),
                // Of the same stay, but nobody would know without the admission's two names.
                (adt("A03", "", ADMITTED, DAY2), "topic"),
                (adt("A13", number, admitted, DAY3), "corrects 2"),
                // At another time, so that it is no re-send.
                (
                    with(saying(adt("A03", number, ADMITTED, DAY4), "A03 6月8日9:00"), |e| {
                        e.visit.as_mut().unwrap().discharged_at = Some(at(DAY4));
                    }),
                    "corrects 3",
                ),
            ],
        );
    }
}

#[test]
fn nothing_is_guessed() {
    // Two open stays: which one?
    let mut kept = Kept::new();
    becomes(
        &mut kept,
        &[
            (adt("A01", "V1", ADMITTED, DAY1), "topic"),
            (adt("A01", "V2", "2026-06-06T08:00", DAY2), "topic"),
            (adt("A11", "", "", DAY3), "office"),
            // The same once more waits already.
            (adt("A11", "", "", DAY3), "nothing"),
            (adt("A11", "V2", "", DAY3), "corrects 2"),
            // Now there is one, but the office has the same before it already.
            (adt("A11", "", "", DAY4), "nothing"),
        ],
    );
    // One open stay, which has another number or began at another time.
    for cancel in [
        adt("A11", "V9", "", DAY2),
        adt("A11", "", "2026-06-04T10:00", DAY2),
        adt("A11", "V1", "2026-06-04T10:00", DAY2),
        adt("A11", "V9", ADMITTED, DAY2),
        adt("A12", "V9", "", DAY2),
    ] {
        let mut kept = Kept::new();
        becomes(&mut kept, &[(adt("A01", "V1", ADMITTED, DAY1), "topic"), (cancel, "office")]);
    }
    // What is told rather than taken back is true all the same, and stands for itself.
    for told in [adt("A02", "V9", "", DAY2), adt("A03", "", "2026-06-04T10:00", DAY2)] {
        let mut kept = Kept::new();
        becomes(&mut kept, &[(adt("A01", "V1", ADMITTED, DAY1), "topic"), (told, "topic")]);
    }
    // An admission of long ago whose end was never told.
    let mut kept = Kept::new();
    becomes(
        &mut kept,
        &[(adt("A01", "V1", ADMITTED, DAY1), "topic"), (adt("A11", "", "", "2026-09-01T09:00"), "topic")],
    );
    // Nobody here was told of any admission.
    becomes(
        &mut Kept::new(),
        &[(adt("A11", "V1", "", DAY1), "topic"), (adt("A11", "V1", "", DAY1), "nothing")],
    );
    // An outpatient's cancellation is not that of the stay.
    let mut kept = Kept::new();
    let outpatient = with(adt("A11", "", "", DAY2), |e| e.visit.as_mut().unwrap().class = Some("O".into()));
    becomes(&mut kept, &[(adt("A01", "V1", ADMITTED, DAY1), "topic"), (outpatient, "nothing")]);
}

#[test]
fn one_stay_after_another_under_a_number_that_never_changes() {
    let mut kept = Kept::new();
    let second = "2026-07-01T10:00";
    becomes(
        &mut kept,
        &[
            (adt("A01", "C", ADMITTED, DAY1), "topic"),
            (adt("A03", "C", ADMITTED, DAY2), "topic"),
            (adt("A01", "C", second, "2026-07-01T10:10"), "topic"),
            (adt("A02", "C", "", "2026-07-02T10:00"), "under 3"),
            (adt("A03", "C", second, "2026-07-03T10:00"), "topic"),
            (adt("A13", "C", second, "2026-07-03T11:00"), "corrects 5"),
            // The first discharge stands, and this names no time.
            (saying(adt("A03", "C", "", "2026-07-03T12:00"), "A03 12:00"), "corrects 6"),
        ],
    );
    // An admission at a corrected time is the same one while the stay is open, or was taken back for it.
    let mut kept = Kept::new();
    becomes(
        &mut kept,
        &[
            (adt("A01", "V1", ADMITTED, DAY1), "topic"),
            (adt("A01", "V1", "2026-06-05T20:10", DAY2), "corrects 1"),
            (adt("A11", "V1", "2026-06-05T20:10", DAY3), "corrects 2"),
            (adt("A01", "V1", "2026-06-06T08:00", DAY4), "corrects 3"),
        ],
    );
}

#[test]
fn each_transfer_is_one_of_its_own_and_a_cancellation_says_which() {
    let transfer = |ward: &str, happened: &str, recorded: &str| {
        let mut e = with(adt("A02", NUMBER, "", recorded), |e| e.occurred_at = Some(at(happened)));
        e.body = Some(format!("転棟 {ward} {happened}"));
        e
    };
    let back = |happened: &str, recorded: &str| {
        with(adt("A12", NUMBER, "", recorded), |e| {
            e.occurred_at = Some(happened).filter(|t| !t.is_empty()).map(at);
        })
    };
    let mut kept = Kept::new();
    becomes(
        &mut kept,
        &[
            (adt("A01", NUMBER, ADMITTED, DAY1), "topic"),
            (transfer("3W", DAY2, DAY2), "under 1"),
            (transfer("5E", DAY3, DAY3), "under 1"),
            (transfer("3W", DAY2, DAY2), "nothing"),
            (back("", "2026-06-08T08:00"), "office"),
            (back(DAY3, "2026-06-08T08:00"), "corrects 3"),
            (back(DAY3, "2026-06-08T08:00"), "nothing"),
            // One stands now, but the office has the same before it already.
            (back("", "2026-06-08T09:00"), "nothing"),
            (back(DAY2, "2026-06-08T10:00"), "corrects 2"),
            (transfer("7N", DAY4, "2026-06-08T11:00"), "corrects 5"),
        ],
    );
}

#[test]
fn without_a_time_of_recording_a_person_says_whether_it_is_news() {
    let mut kept = Kept::new();
    let mut elsewhere = adt("A01", NUMBER, ADMITTED, "");
    elsewhere.body = Some("A01 7W".into());
    becomes(
        &mut kept,
        &[
            (adt("A01", NUMBER, ADMITTED, ""), "topic"),
            (adt("A01", NUMBER, ADMITTED, ""), "nothing"),
            (adt("A11", NUMBER, ADMITTED, ""), "corrects 1"),
            (adt("A11", NUMBER, ADMITTED, ""), "nothing"),
            // A re-send, or an admission after all?
            (adt("A01", NUMBER, ADMITTED, ""), "office"),
            (elsewhere, "corrects 2"),
        ],
    );
}

#[test]
fn two_clocks_that_differ_lose_no_cancellation() {
    let mut kept = Kept::new();
    becomes(
        &mut kept,
        &[
            (adt("A01", NUMBER, ADMITTED, "2026-06-05T10:05"), "topic"),
            // Recorded before the only admission that it can take back.
            (adt("A11", NUMBER, ADMITTED, "2026-06-05T10:03"), "office"),
        ],
    );
    // A clock in another year orders nothing.
    let mut kept = Kept::new();
    becomes(
        &mut kept,
        &[
            (adt("A01", NUMBER, ADMITTED, "2062-06-05T10:05"), "topic"),
            (adt("A11", NUMBER, ADMITTED, "2026-06-05T10:30"), "corrects 1"),
        ],
    );
}

#[test]
fn documents_and_doctors_join_the_stay_that_they_name_the_other_way() {
    let document = |number: &str, key: &str| {
        let mut mdm = hl7("MDM", "T02", "看護サマリー", key);
        let event = mdm.event.as_mut().unwrap();
        event.key = Some(format!("document:{key}"));
        event.visit =
            Some(Visit { number: Some(number.to_owned()).filter(|n| !n.is_empty()), ..Visit::default() });
        mdm
    };
    let mut kept = Kept::new();
    becomes(
        &mut kept,
        &[
            (document("", "D0"), "topic"),
            (adt("A01", NUMBER, ADMITTED, DAY1), "topic"),
            (document(NUMBER, "D1"), "under 2"),
            (document("", "D2"), "under 2"),
            (document("V9", "D3"), "topic"),
            (adt("A03", "", ADMITTED, DAY2), "topic"),
            (document(NUMBER, "D4"), "under 6"),
            // The stay is over: what names none is of no stay that anybody knows.
            (document("", "D5"), "topic"),
        ],
    );
}

/// A course and the order in which it comes.
fn any_course_in_any_order() -> impl Strategy<Value = (Vec<Envelope>, Vec<usize>)> {
    any_course().prop_flat_map(|course| {
        let places: Vec<usize> = (0..course.len()).collect();
        (Just(course), Just(places).prop_shuffle())
    })
}

/// Everything that the stay was said to be, with distinct times and words, named alike.
fn any_course() -> impl Strategy<Value = Vec<Envelope>> {
    let naming = prop::sample::select(vec![(NUMBER, ADMITTED), (NUMBER, ""), ("", ADMITTED)]);
    let triggers = ["A01", "A06", "A11", "A02", "A12", "A03", "A07", "A13", "A21", "A52"];
    let one = (prop::sample::select(triggers.to_vec()), any::<bool>());
    (naming, prop::collection::vec(one, 1..7)).prop_map(|((number, admitted), course)| {
        let course = course.into_iter().enumerate();
        course
            .map(|(at_hour, (trigger, names_both))| {
                let ward = format!("{at_hour}E");
                let recorded = format!("2026-06-06T{at_hour:02}:00");
                let (number, admitted) = match names_both {
                    // Once the both names are known, either is enough; here each message has the common one.
                    true => (
                        if number.is_empty() { "" } else { NUMBER },
                        if admitted.is_empty() { "" } else { ADMITTED },
                    ),
                    false if !number.is_empty() => (NUMBER, ""),
                    false => ("", ADMITTED),
                };
                let mut e = adt(trigger, number, admitted, &recorded);
                if cancelled(trigger) {
                    e.body = Some(format!("取消 {ward}"));
                } else {
                    e.body = Some(format!("{} {ward}", canonical_trigger(trigger)));
                }
                with(e, |event| {
                    event.occurred_at = Some(at(DAY2));
                    event.control_id = Some(format!("M{at_hour}"));
                    event.visit.as_mut().unwrap().ward = Some(ward);
                })
            })
            .collect()
    })
}

fn cancelled(trigger: &str) -> bool {
    matches!(trigger, "A11" | "A12" | "A13" | "A52")
}

fn is_cancelled(event: Option<&crate::envelope::Event>) -> bool {
    event.and_then(|e| e.trigger.as_deref()).is_some_and(cancelled)
}

/// The happening that a trigger is of.
fn of(envelope: &Envelope) -> &'static str {
    match canonical_trigger(envelope.event.as_ref().unwrap().trigger.as_deref().unwrap()) {
        "A01" | "A11" => "A01",
        "A02" | "A12" => "A02",
        "A21" | "A52" => "A21",
        _ => "A03",
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_last_word_stands_in_any_order_and_a_day_sent_again_changes_nothing(
        (course, order) in any_course_in_any_order(),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut kept = Kept::after(&course, order);
        // The list is in the order of recording.
        for what in ["A01", "A02", "A03", "A21"] {
            let last = course.iter().rev().find(|e| of(e) == what);
            let shown = kept.0.earlier_posts.iter().find(|p| {
                let like = Envelope { event: p.event.clone(), ..course[0].clone() };
                of(&like) == what
            });
            match (last, shown) {
                // Taken back in other words is taken back all the same.
                (Some(last), Some(shown)) if is_cancelled(last.event.as_ref()) => {
                    prop_assert!(is_cancelled(shown.event.as_ref()), "{}", what);
                }
                (Some(last), Some(shown)) => prop_assert_eq!(&crate::placement::print_of(last), &shown.body, "{}", what),
                (last, shown) => prop_assert!(last.is_none() && shown.is_none(), "{} {:?} {:?}", what, last, shown),
            }
        }
        let posts = kept.0.earlier_posts.len();
        for place in again {
            let mut copy = place.get(&course).clone();
            copy.sent_at = Some(at("2026-11-01T02:00"));
            let became = kept.send(&copy);
            prop_assert_eq!(became.as_str(), "nothing");
        }
        prop_assert_eq!(kept.0.earlier_posts.len(), posts);
    }
}
