//! 連携期限 (care-network.md section 3 rows 1 and 3): until when a care manager's information to the hospital,
//! or from it, counts. By a table of rules with versions, the calendar of the facility itself, and the law's
//! holidays. A reminder, never a ruling: nothing here asks, sends or refuses anything.

mod holidays;

pub use holidays::holiday;

use crate::clock::{UtcMicros, ja_date};
use crate::directory::{Day, Facility, OpenHours};
use crate::envelope::Event;
use crate::ids::FacilityId;
use jiff::civil::{Date, Time};
use jiff::{ToSpan as _, civil};
use serde::{Deserialize, Serialize};

/// A reminder for one member of the group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiaisonDeadline {
    /// The member whose calendar it follows.
    pub facility_id: FacilityId,
    /// What is due.
    pub what: Due,
    /// Last day of each grade, `YYYY-MM-DD`, in order.
    pub until: Vec<String>,
    /// Why the first day is not the day of the happening.
    pub because: Because,
    /// Version of the rule: the year and month from which it holds.
    pub rule: String,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// 入院時情報提供書 to the hospital, grades (Ⅰ) and (Ⅱ).
    AdmissionInformation,
    /// Contact with the hospital for 退院・退所情報記録書.
    DischargeInformation,
}

/// How the calendar of the facility moved the first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// It did not.
    Plain,
    /// It happened after the facility had closed: the next day counts.
    AfterHours,
    /// It happened on a day on which the facility is closed: the next day counts.
    ClosedDay,
    /// It happened on a holiday. Nothing registered says whether the facility is closed then, so the day
    /// itself is kept and the next day named as a possibility.
    Holiday,
    /// No hours of the facility are registered.
    HoursUnknown,
}

/// One version of one rule.
struct Rule {
    triggers: &'static [&'static str],
    facility_type: &'static str,
    what: Due,
    /// Holds for happenings from this day on.
    from: Date,
    /// Days after the happening, for each grade.
    days: &'static [i64],
    /// Whether the facility's calendar moves the first grade.
    by_calendar: bool,
    version: &'static str,
}

/// The rules, newest version first (care-network.md section 3, F13 and F14; row 3 is marked B).
const RULES: &[Rule] = &[
    Rule {
        triggers: &["A01", "A06"],
        facility_type: "care_management_office",
        what: Due::AdmissionInformation,
        from: civil::date(2024, 4, 1),
        days: &[0, 2],
        by_calendar: true,
        version: "2024-04",
    },
    Rule {
        triggers: &["A03", "A07"],
        facility_type: "care_management_office",
        what: Due::DischargeInformation,
        from: civil::date(2024, 4, 1),
        days: &[7],
        by_calendar: false,
        version: "2024-04",
    },
];

/// The reminders that an event starts, one for each facility that a rule is for. None for cancellations.
#[must_use]
pub fn deadlines<'f>(
    event: &Event,
    happened: UtcMicros,
    members: impl IntoIterator<Item = &'f Facility>,
) -> Vec<LiaisonDeadline> {
    let trigger = event.trigger.as_deref().unwrap_or_default();
    if event.kind.as_deref() != Some("ADT") {
        return Vec::new();
    }
    let civil = happened.in_japan();
    let mut of_event: Vec<&Rule> = Vec::new();
    for rule in RULES.iter().filter(|r| r.triggers.contains(&trigger) && r.from <= civil.date()) {
        // The newest version that held on that day speaks for its kind.
        if of_event.iter().all(|known| known.what != rule.what) {
            of_event.push(rule);
        }
    }
    let mut found = Vec::new();
    for facility in members {
        for rule in of_event.iter().filter(|r| r.facility_type == facility.facility_type) {
            let because = match rule.by_calendar {
                true => calendar(&facility.business_hours, civil.date(), civil.time()),
                false => Because::Plain,
            };
            let moved = i64::from(matches!(because, Because::AfterHours | Because::ClosedDay));
            let until = rule.days.iter().enumerate().filter_map(|(grade, days)| {
                let days = if grade == 0 { days + moved } else { *days };
                civil.date().checked_add(days.days()).ok().map(|day| day.to_string())
            });
            found.push(LiaisonDeadline {
                facility_id: facility.id.clone(),
                what: rule.what,
                until: until.collect(),
                because,
                rule: rule.version.to_owned(),
            });
        }
    }
    found
}

/// What the facility's hours make of the day and time of a happening.
fn calendar(hours: &[OpenHours], date: Date, time: Time) -> Because {
    if hours.is_empty() {
        return Because::HoursUnknown;
    }
    let day = Day::from(date.weekday());
    let closes = hours
        .iter()
        .filter(|h| h.days.is_empty() || h.days.contains(&day))
        // An opening that spans midnight is not over on its own day.
        .map(|h| if h.until > h.from { h.until.hour() * 60 + h.until.minute() } else { 24 * 60 })
        .max();
    let minute = u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs());
    match closes {
        None => Because::ClosedDay,
        Some(closes) if minute >= closes => Because::AfterHours,
        Some(_) if holiday(date).is_some() => Because::Holiday,
        Some(_) => Because::Plain,
    }
}

impl LiaisonDeadline {
    /// One line, as it stands under the post (care-network.md 8.2).
    #[must_use]
    pub fn ja(&self) -> String {
        let days: Vec<String> = self.days().map(ja_date).collect();
        let day = |n: usize| days.get(n).map_or("", String::as_str);
        match self.what {
            Due::AdmissionInformation => {
                let note = match self.because {
                    Because::Plain => String::new(),
                    Because::AfterHours => " ※営業時間後の入院のため翌日を含む".to_owned(),
                    Because::ClosedDay => " ※営業日以外の入院のため翌日を含む".to_owned(),
                    Because::Holiday => " ※祝日が休業日なら翌日を含む".to_owned(),
                    Because::HoursUnknown => " ※営業時間が未登録のため当日で計算".to_owned(),
                };
                format!(
                    "入院時情報連携加算の目安 (Ⅰ) {}まで{note} (Ⅱ) {}まで。末日の扱いは保険者に確認ください(規則 {}版)",
                    day(0),
                    day(1),
                    self.rule
                )
            }
            Due::DischargeInformation => format!(
                "退院・退所加算の目安 病院からの情報収集は{}まで。算定の要件は保険者に確認ください(規則 {}版)",
                day(0),
                self.rule
            ),
        }
    }

    /// The same in English.
    #[must_use]
    pub fn en(&self) -> String {
        let days: Vec<String> = self.days().map(|d| d.strftime("%a %-d %b").to_string()).collect();
        let day = |n: usize| days.get(n).map_or("", String::as_str);
        match self.what {
            Due::AdmissionInformation => {
                let note = match self.because {
                    Because::Plain => "",
                    Because::AfterHours => " (after your hours, so the next day counts)",
                    Because::ClosedDay => " (on a day you are closed, so the next day counts)",
                    Because::Holiday => " (a holiday; if you are closed the next day counts)",
                    Because::HoursUnknown => " (your hours are not registered)",
                };
                format!(
                    "Guide for the admission information fee: (I) until {}{note}, (II) until {}; the insurer decides (rule {})",
                    day(0),
                    day(1),
                    self.rule
                )
            }
            Due::DischargeInformation => format!(
                "Guide for the discharge fee: contact with the hospital until {}; the insurer decides (rule {})",
                day(0),
                self.rule
            ),
        }
    }

    fn days(&self) -> impl Iterator<Item = Date> + '_ {
        self.until.iter().filter_map(|day| day.parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::ClockTime;

    fn office(hours: &[OpenHours]) -> Facility {
        Facility {
            id: "F04".into(),
            name: "ケアプランセンターつむぎ".to_owned(),
            short_name: "つむぎ".to_owned(),
            facility_type: "care_management_office".to_owned(),
            phone: None,
            business_hours: hours.to_vec(),
            is_network_office: false,
        }
    }

    fn weekdays() -> OpenHours {
        OpenHours {
            days: vec![Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri],
            from: ClockTime::new(9, 0).unwrap(),
            until: ClockTime::new(17, 30).unwrap(),
        }
    }

    fn event(trigger: &str) -> Event {
        Event { kind: Some("ADT".to_owned()), trigger: Some(trigger.to_owned()), ..Event::default() }
    }

    fn at(text: &str) -> UtcMicros {
        UtcMicros::from_rfc3339(&format!("{text}:00+09:00")).unwrap()
    }

    #[test]
    fn the_admission_of_a_friday_evening_reads_as_in_the_scenario() {
        let found = deadlines(&event("A01"), at("2026-06-05T19:40"), [&office(&[weekdays()])]);
        assert_eq!(
            found[0].ja(),
            "入院時情報連携加算の目安 (Ⅰ) 6/6(土)まで ※営業時間後の入院のため翌日を含む (Ⅱ) 6/7(日)まで。\
             末日の扱いは保険者に確認ください(規則 2024-04版)"
        );
        assert!(found[0].en().contains("Sat 6 Jun (after your hours"), "{}", found[0].en());
    }

    #[test]
    fn the_calendar_of_the_facility_moves_the_first_day_only() {
        let hours = [weekdays()];
        let cases = [
            ("2026-06-09T10:00", &hours[..], "2026-06-09", "2026-06-11", Because::Plain),
            ("2026-06-09T07:00", &hours, "2026-06-09", "2026-06-11", Because::Plain),
            ("2026-06-09T17:30", &hours, "2026-06-10", "2026-06-11", Because::AfterHours),
            ("2026-06-06T10:00", &hours, "2026-06-07", "2026-06-08", Because::ClosedDay),
            // 海の日, a Monday: kept, because nothing says whether the office is closed.
            ("2026-07-20T10:00", &hours, "2026-07-20", "2026-07-22", Because::Holiday),
            ("2026-06-09T23:00", &[], "2026-06-09", "2026-06-11", Because::HoursUnknown),
            ("2026-12-31T18:00", &hours, "2027-01-01", "2027-01-02", Because::AfterHours),
        ];
        for (happened, hours, first, second, because) in cases {
            let found = deadlines(&event("A01"), at(happened), [&office(hours)]);
            assert_eq!(found.len(), 1, "{happened}");
            assert_eq!(found[0].until, [first, second], "{happened}");
            assert_eq!((found[0].because, found[0].rule.as_str()), (because, "2024-04"), "{happened}");
        }
    }

    #[test]
    fn discharge_asks_for_a_week_and_others_get_nothing() {
        let found = deadlines(&event("A03"), at("2026-06-09T10:20"), [&office(&[weekdays()])]);
        assert_eq!(found[0].until, ["2026-06-16"]);
        assert!(found[0].ja().contains("6/16(火)まで"), "{}", found[0].ja());
        let nurses = Facility { facility_type: "home_nursing_station".to_owned(), ..office(&[]) };
        assert!(deadlines(&event("A01"), at("2026-06-09T10:20"), [&nurses]).is_empty());
        for silent in ["A02", "A11", "A13", "A08"] {
            assert!(deadlines(&event(silent), at("2026-06-09T10:20"), [&office(&[])]).is_empty(), "{silent}");
        }
        // Before the first version there was another rule, of which nothing is said.
        assert!(deadlines(&event("A01"), at("2024-03-31T10:20"), [&office(&[])]).is_empty());
    }
}
