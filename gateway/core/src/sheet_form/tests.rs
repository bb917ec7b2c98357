//! Marks are unlike, nothing lies too near to anything, and every code survives.

use super::*;
use crate::reply_code::{QrPlace, ReplyCode};
use crate::sheet_geometry::{Area, MARK_CENTRES, MARK_QUIET, MARK_SIZE, QR_A, QR_B};
use proptest::prelude::*;

fn all() -> Vec<SheetForm> {
    let mut all = vec![
        SheetForm::First,
        SheetForm::Contact,
        SheetForm::FirstPreference,
        SheetForm::Preference,
        SheetForm::Verification,
        SheetForm::Cover,
        SheetForm::PasteSlip,
    ];
    for untouched_acknowledges in [false, true] {
        all.extend((0..=REPLY_STAFF_MAX).map(|staff| SheetForm::Reply { staff, untouched_acknowledges }));
        for lines in 1..=DIGEST_LINES_MAX {
            all.extend((0..=DIGEST_STAFF_MAX).map(|staff| SheetForm::Digest {
                lines,
                staff,
                untouched_acknowledges,
            }));
        }
    }
    all.extend((0..=DIGEST_STAFF_MAX).map(|staff| SheetForm::StaffChange { staff }));
    all
}

#[test]
fn every_kind_has_a_mark_of_its_own() {
    let mut marks: Vec<String> = all().into_iter().map(SheetForm::mark).collect();
    for form in all() {
        assert_eq!(SheetForm::from_mark(&form.mark()), Some(form));
    }
    let count = marks.len();
    marks.sort();
    marks.dedup();
    assert_eq!(marks.len(), count);
    for wrong in ["K2", "R6", "Z1", "", "K", "K1A", "C2", "D:"] {
        assert_eq!(SheetForm::from_mark(wrong), None, "{wrong}");
    }
}

fn apart(a: Area, b: Area, gap: f32) -> bool {
    a.x >= b.right() + gap - 0.01
        || b.x >= a.right() + gap - 0.01
        || a.y >= b.bottom() + gap - 0.01
        || b.y >= a.bottom() + gap - 0.01
}

#[test]
fn nothing_lies_too_near_to_anything() {
    for form in all() {
        let layout = form.layout();
        assert!(layout.is_sane(), "{form:?}");
        let boxes: Vec<(String, Area)> = layout.boxes.iter().map(|b| (b.id.clone(), b.area())).collect();
        let areas: Vec<Area> = [layout.hand, layout.name].into_iter().flatten().map(|a| a.area()).collect();
        for (at, (id, area)) in boxes.iter().enumerate() {
            for (other, second) in &boxes[at + 1..] {
                assert!(id != other && apart(*area, *second, BOX_QUIET), "{form:?}: {id} and {other}");
            }
            for second in &areas {
                assert!(apart(*area, *second, BOX_QUIET), "{form:?}: {id} and a writing area");
            }
        }
        let all = boxes.iter().map(|(_, a)| *a).chain(areas);
        for area in all {
            assert!(area.y > 150.0 && area.bottom() < 285.0, "{form:?}: {area:?}");
            for qr in [QR_A, QR_B] {
                assert!(apart(area, qr, 2.0), "{form:?}: {area:?} at a QR");
            }
            for (x, y) in MARK_CENTRES {
                let reach = MARK_SIZE / 2.0 + MARK_QUIET;
                let mark = Area { x: x - reach, y: y - reach, width: 2.0 * reach, height: 2.0 * reach };
                assert!(apart(area, mark, 0.0), "{form:?}: {area:?} at a mark");
            }
        }
    }
}

#[test]
fn a_sheet_from_the_drawer_keeps_its_places() {
    let places = |form: SheetForm| form.layout().boxes;
    let (old, new) = (places(SheetForm::FirstPreference), places(SheetForm::Preference));
    assert_eq!(old[..], new[..old.len()]);
    let added: Vec<&str> = new[old.len()..].iter().map(|b| b.id.as_str()).collect();
    assert_eq!(added, ["pause", "resume"]);
}

#[test]
fn boxes_have_words() {
    for form in all() {
        for b in form.layout().boxes {
            assert!(box_words(&b.id).is_some() || staff_of(&b.id).is_some(), "{}", b.id);
        }
    }
    assert_eq!(line_of("acknowledge_12"), Some(12));
    assert_eq!(line_of("call_back_morning"), None);
    assert_eq!(staff_of("staff_3"), Some(3));
}

#[test]
fn sheets_of_a_digest_are_told_apart() {
    let form = SheetForm::Digest { lines: 4, staff: 2, untouched_acknowledges: false };
    let code = SheetCode { code: ReplyCode::from_random(7), form, page: 12, first: 7, place: QrPlace::A };
    assert_eq!(SheetCode::parse(&code.text()), Some(code.clone()));
    let layout = code.layout();
    assert!(layout.boxes.iter().any(|b| b.id == "acknowledge_10"));
    assert!(!layout.boxes.iter().any(|b| b.id == "acknowledge_1"));
    assert_eq!(layout.tokens[1].chars().last(), Some('B'));
}

proptest! {
    #[test]
    fn reading_is_total(text in "\\PC{0,20}|[A-Z0-9 $%*+./:-]{16}") {
        if let Some(read) = SheetCode::parse(&text) {
            prop_assert!(read.layout().is_sane());
        }
        let _ = SheetForm::from_mark(&text);
        let _ = (line_of(&text), staff_of(&text), box_words(&text));
    }

    #[test]
    fn every_code_survives(random: u64, at in 0_usize..100, page in 1_u16..100) {
        let forms = all();
        let form = forms[at % forms.len()];
        let first = if form == SheetForm::PasteSlip { page } else { 1 };
        let page = if form == SheetForm::PasteSlip { 1 } else { page };
        let code = SheetCode { code: ReplyCode::from_random(random), form, page, first, place: QrPlace::B };
        let text = code.text();
        prop_assert_eq!(text.len(), 16);
        prop_assert_eq!(SheetCode::parse(&text), Some(code));
    }
}

#[test]
fn who_usually_answers_has_a_box_and_finds_it_where_it_was() {
    let people: Vec<StaffMember> = (1..=30)
        .map(|n| StaffMember {
            id: format!("S{n:02}").as_str().into(),
            facility_id: "F03".into(),
            name: format!("{n}番"),
            professions: Vec::new(),
            left_at: None,
        })
        .collect();
    let printed = |answered: &[&str]| {
        let answered: Vec<StaffId> = answered.iter().map(|id| (*id).into()).collect();
        let all = usual_answerers_first(people.clone(), &answered);
        assert_eq!(all.len(), 30, "nobody is lost");
        all[..6].iter().map(|p| p.id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(printed(&[]), ["S01", "S02", "S03", "S04", "S05", "S06"]);
    // Who left is no longer on the roster.
    assert_eq!(printed(&["S22", "S09", "S99"]), ["S01", "S02", "S03", "S09", "S22", "S04"]);
    let many = ["S30", "S09", "S22", "S17", "S05", "S01"];
    assert_eq!(printed(&many), ["S05", "S09", "S17", "S22", "S30", "S01"]);
}
