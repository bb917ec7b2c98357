//! What is sent once more under a new EVN-2, which says that it was recorded anew (decision 0040).

use super::*;

/// The same words under another control id, as if they had been recorded now.
fn stamped(envelope: &Envelope, id: &str, recorded: &str) -> Envelope {
    with(envelope.clone(), |e| {
        e.control_id = Some(id.to_owned());
        e.recorded_at = Some(at(recorded));
    })
}

fn in_ward(envelope: Envelope, ward: &str) -> Envelope {
    with(envelope, |e| e.visit.as_mut().unwrap().ward = Some(ward.to_owned()))
}

#[test]
fn what_is_taken_back_by_mistake_is_told_again_soon() {
    let admitted = stamped(&adt("A01", NUMBER, ADMITTED, ""), "M1", DAY1);
    let left = stamped(&adt("A03", NUMBER, ADMITTED, ""), "M2", DAY2);
    let taken_back = stamped(&adt("A13", NUMBER, ADMITTED, ""), "M3", "2026-06-07T10:45");
    let course = [(admitted.clone(), "topic"), (left.clone(), "topic"), (taken_back.clone(), "corrects 2")];
    let mut kept = Kept::new();
    becomes(&mut kept, &course);
    becomes(
        &mut kept,
        &[
            (stamped(&left, "M4", "2026-06-07T11:02"), "corrects 3"),
            // The night after everything comes once more, stamped anew.
            (stamped(&admitted, "M5", "2026-06-08T02:00"), "nothing"),
            (stamped(&left, "M6", "2026-06-08T02:01"), "nothing"),
            (stamped(&taken_back, "M7", "2026-06-08T02:02"), "office"),
            (stamped(&left, "M8", "2026-06-08T02:03"), "nothing"),
        ],
    );
    // Soon after, but in the company of others that say nothing new.
    let mut kept = Kept::new();
    becomes(&mut kept, &course);
    becomes(
        &mut kept,
        &[
            (stamped(&admitted, "M5", "2026-06-07T11:01"), "nothing"),
            (stamped(&left, "M6", "2026-06-07T11:02"), "office"),
            (stamped(&taken_back, "M7", "2026-06-07T11:03"), "nothing"),
        ],
    );
}

#[test]
fn the_same_words_after_others_are_a_question_unless_something_proves_what_they_are() {
    let admitted = stamped(&adt("A01", NUMBER, ADMITTED, ""), "M1", DAY1);
    let taken_back = stamped(&adt("A11", NUMBER, ADMITTED, ""), "M2", DAY2);
    let first = [(admitted.clone(), "topic"), (taken_back.clone(), "corrects 1")];
    // The night after, each stamped anew: a re-send, or an admission after all?
    let mut kept = Kept::new();
    becomes(&mut kept, &first);
    becomes(
        &mut kept,
        &[
            (stamped(&admitted, "M3", "2026-06-07T02:00"), "office"),
            (stamped(&taken_back, "M4", "2026-06-07T02:01"), "nothing"),
            // The office has it before it already.
            (stamped(&admitted, "M5", "2026-06-08T02:00"), "nothing"),
            // Another ward was not said before.
            (in_ward(saying(stamped(&admitted, "M6", "2026-06-08T09:00"), "A01 7W"), "7W"), "corrects 2"),
            // And that it is taken back was, hours ago.
            (stamped(&taken_back, "M7", "2026-06-08T15:00"), "office"),
        ],
    );
    // Whoever decided that it was a re-send is asked again: it may be none this time.
    let mut kept = Kept::new();
    becomes(&mut kept, &first);
    becomes(&mut kept, &[(stamped(&admitted, "M3", "2026-06-07T02:00"), "office")]);
    kept.0.heard[0].waits = false;
    becomes(&mut kept, &[(stamped(&admitted, "M5", "2026-06-08T02:00"), "office")]);
    // The number of the message proves a re-send, whatever its times are.
    let mut kept = Kept::new();
    becomes(&mut kept, &first);
    becomes(
        &mut kept,
        &[
            (stamped(&admitted, "M1", "2026-06-07T02:00"), "nothing"),
            (stamped(&taken_back, "M2", "2026-06-07T02:01"), "nothing"),
            (stamped(&admitted, "M1", "2026-06-07T02:02"), "nothing"),
        ],
    );
    // Unless every message has the same.
    let mut kept = Kept::new();
    becomes(
        &mut kept,
        &[
            (stamped(&admitted, "1", DAY1), "topic"),
            (stamped(&taken_back, "1", DAY2), "corrects 1"),
            (stamped(&admitted, "1", DAY3), "office"),
        ],
    );
    // A sender whose re-sends keep their time says by another one that it is news.
    let mut kept = Kept::new();
    becomes(&mut kept, &first);
    becomes(
        &mut kept,
        &[
            (stamped(&admitted, "M3", DAY1), "nothing"),
            (stamped(&admitted, "M4", DAY3), "corrects 2"),
            (stamped(&admitted, "M5", DAY1), "nothing"),
        ],
    );
    // The same number with the same time comes from a queue that sends again: that proves nothing.
    let mut kept = Kept::new();
    becomes(&mut kept, &first);
    becomes(
        &mut kept,
        &[(stamped(&admitted, "M1", DAY1), "nothing"), (stamped(&admitted, "M4", DAY3), "office")],
    );
}

#[test]
fn what_was_heard_and_not_posted_was_told_too() {
    let admitted = stamped(&adt("A01", NUMBER, ADMITTED, ""), "M1", DAY1);
    let taken_back = stamped(&adt("A11", NUMBER, ADMITTED, ""), "M2", DAY2);
    let mut kept = Kept::new();
    becomes(
        &mut kept,
        &[
            (taken_back.clone(), "topic"),
            (admitted.clone(), "nothing"),
            (stamped(&admitted, "M3", DAY3), "office"),
        ],
    );
    // A cancellation that is late, after an admission that came once more: which was the last word?
    let mut kept = Kept::new();
    becomes(
        &mut kept,
        &[(admitted.clone(), "topic"), (stamped(&admitted, "M3", DAY3), "nothing"), (taken_back, "office")],
    );
}

#[test]
fn moves_without_a_time_of_their_own_are_not_told_twice() {
    let to = |trigger: &str, bed: &str, id: &str, recorded: &str| {
        // Without EVN-6 the words name the time of recording.
        let words = format!("{trigger} {bed} {recorded}");
        let e = saying(stamped(&adt(trigger, NUMBER, "", recorded), id, recorded), &words);
        with(e, |e| e.visit.as_mut().unwrap().bed = Some(bed.to_owned()))
    };
    let mut kept = Kept::new();
    becomes(
        &mut kept,
        &[
            (adt("A01", NUMBER, ADMITTED, DAY1), "topic"),
            (to("A02", "ICU", "1", "2026-06-06T08:00"), "under 1"),
            (to("A02", "ICU", "2", "2026-06-06T09:00"), "nothing"),
            (to("A02", "5E", "3", "2026-06-06T10:00"), "under 1"),
            // Back in intensive care, or told once more?
            (to("A02", "ICU", "4", "2026-06-06T11:00"), "office"),
            (to("A02", "5E", "5", "2026-06-06T12:00"), "nothing"),
            (to("A21", "5E", "6", "2026-06-06T13:00"), "under 1"),
            (to("A21", "5E", "7", "2026-06-06T14:00"), "nothing"),
            (to("A22", "5E", "8", "2026-06-07T10:00"), "under 1"),
            (to("A22", "5E", "9", "2026-06-07T11:00"), "nothing"),
            (to("A21", "5E", "10", "2026-06-13T10:00"), "office"),
        ],
    );
}

#[test]
fn a_sender_that_names_no_stay_and_stamps_anew_does_not_admit_twice() {
    let unnamed = |trigger: &str, id: &str, recorded: &str| {
        let words = format!("{trigger} {recorded}");
        saying(stamped(&adt(trigger, "", "", recorded), id, recorded), &words)
    };
    let mut kept = Kept::new();
    becomes(
        &mut kept,
        &[
            (unnamed("A01", "1", DAY1), "topic"),
            (unnamed("A01", "2", DAY2), "nothing"),
            (unnamed("A03", "3", DAY3), "topic"),
            (unnamed("A03", "4", "2026-06-08T02:00"), "nothing"),
            // Admitted to the same bed, or told once more?
            (unnamed("A01", "5", DAY4), "office"),
            // After so long it is another stay.
            (unnamed("A01", "6", "2026-08-01T09:00"), "topic"),
        ],
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_day_that_is_sent_again_and_stamped_anew_posts_nothing(
        (course, order) in any_course_in_any_order(),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut kept = Kept::after(&course, order);
        let posts = kept.0.earlier_posts.len();
        for (minute, place) in again.iter().enumerate() {
            let recorded = format!("2026-06-07T02:{minute:02}");
            let became = kept.send(&stamped(place.get(&course), &format!("N{minute}"), &recorded));
            prop_assert!(became == "nothing" || became == "office", "{}", became);
        }
        prop_assert_eq!(kept.0.earlier_posts.len(), posts);
    }
}
