//! 連携期限 (care-network.md section 3 rows 1 to 4): until when a care manager's information to the hospital, or
//! from it, counts, and until when a notice of admission or of a conference wants its answer. By a table of
//! rules with versions, the calendar of the facility itself, and the law's holidays. A reminder, never a
//! ruling: nothing here asks, sends or refuses anything.

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
    /// 入院時情報提供書 to the hospital, grades (Ⅰ) and (Ⅱ) (row 1).
    AdmissionInformation,
    /// The answer to 入院のお知らせ (row 2).
    AdmissionAnswer,
    /// Contact with the hospital for 退院・退所情報記録書, and the last day of it on which the facility is open
    /// (row 3).
    DischargeInformation,
    /// 出欠 for 退院前カンファレンス案内 (row 4).
    ConferenceAnswer,
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

/// How the days of a rule are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Count {
    /// From the day of the happening, for each grade. The first grade moves by one day where the facility was
    /// closed.
    Days(&'static [i64]),
    /// From the day of the happening, whatever the calendar; the last open day before is told too.
    DaysWithOpenDay(i64),
    /// The day on which the facility hears of it: the same day within its hours, else its next open day.
    DayOfHearing,
    /// The open day after the one on which the facility hears of it.
    NextOpenDay,
}

/// One version of one rule.
struct Rule {
    /// ADT events that start it.
    triggers: &'static [&'static str],
    /// 文書種別 that start it, whatever way the document came.
    documents: &'static [&'static str],
    /// The members it is for; every member where it names none.
    facility_type: Option<&'static str>,
    what: Due,
    /// Holds for happenings from this day on.
    from: Date,
    count: Count,
    version: &'static str,
}

const CARE_MANAGERS: Option<&str> = Some("care_management_office");

/// The rules, newest version first (care-network.md section 3, F13 to F17; row 3 is marked B).
const RULES: &[Rule] = &[
    Rule {
        triggers: &["A01", "A06"],
        documents: &["admission_notice"],
        facility_type: CARE_MANAGERS,
        what: Due::AdmissionAnswer,
        from: civil::date(2024, 4, 1),
        count: Count::DayOfHearing,
        version: "2024-04",
    },
    Rule {
        triggers: &["A01", "A06"],
        documents: &["admission_notice"],
        facility_type: CARE_MANAGERS,
        what: Due::AdmissionInformation,
        from: civil::date(2024, 4, 1),
        count: Count::Days(&[0, 2]),
        version: "2024-04",
    },
    Rule {
        triggers: &["A03", "A07"],
        // A record that comes days later tells nothing of the day of discharge.
        documents: &[],
        facility_type: CARE_MANAGERS,
        what: Due::DischargeInformation,
        from: civil::date(2024, 4, 1),
        count: Count::DaysWithOpenDay(7),
        version: "2024-04",
    },
    Rule {
        triggers: &[],
        documents: &["conference_notice"],
        facility_type: None,
        what: Due::ConferenceAnswer,
        // Regional discharge rules: a notice may come only two or three days before.
        from: civil::date(2018, 4, 1),
        count: Count::NextOpenDay,
        version: "2018-04",
    },
];

/// What starts reminders.
#[derive(Debug, Clone, Copy)]
pub struct Start<'e> {
    /// The event, if a hospital's system told it.
    pub event: Option<&'e Event>,
    /// 文書種別, however it was recognised.
    pub document_kind: Option<&'e str>,
    /// When it happened: the admission, the discharge.
    pub happened: UtcMicros,
    /// When it became known here.
    pub heard: UtcMicros,
    /// The facility that tells it, which needs no reminder.
    pub by: &'e FacilityId,
}

impl Start<'_> {
    fn begins(&self, rule: &Rule) -> bool {
        if let Some(event) = self.event
            && event.kind.as_deref() == Some("ADT")
        {
            // An event speaks for itself: its cancellation is of the same kind of document.
            return rule.triggers.contains(&event.trigger.as_deref().unwrap_or_default());
        }
        self.document_kind.is_some_and(|kind| rule.documents.contains(&kind))
    }
}

/// The reminders that a happening starts, for each facility that a rule is for. None for cancellations.
#[must_use]
pub fn deadlines<'f>(
    start: Start<'_>,
    members: impl IntoIterator<Item = &'f Facility>,
) -> Vec<LiaisonDeadline> {
    let happened = start.happened.in_japan();
    let heard = start.heard.in_japan();
    let mut begun: Vec<&Rule> = Vec::new();
    for rule in RULES.iter().filter(|r| r.from <= happened.date() && start.begins(r)) {
        // The newest version that held on that day speaks for its kind.
        if begun.iter().all(|known| known.what != rule.what) {
            begun.push(rule);
        }
    }
    let mut found = Vec::new();
    for facility in members.into_iter().filter(|f| &f.id != start.by) {
        let hours = &facility.business_hours;
        for rule in begun.iter().filter(|r| r.facility_type.is_none_or(|t| t == facility.facility_type)) {
            let (until, because) = match rule.count {
                Count::Days(days) => by_grades(days, hours, happened.date(), happened.time()),
                Count::DaysWithOpenDay(days) => with_open_day(days, hours, happened.date()),
                Count::DayOfHearing => {
                    let because = calendar(hours, heard.date(), heard.time());
                    let moved = matches!(because, Because::AfterHours | Because::ClosedDay);
                    let day = if moved { next_open_day(hours, heard.date()) } else { Some(heard.date()) };
                    (Vec::from_iter(day), because)
                }
                Count::NextOpenDay => {
                    let day = next_open_day(hours, heard.date());
                    let because = match day {
                        _ if hours.is_empty() => Because::HoursUnknown,
                        Some(day) if holiday(day).is_some() => Because::Holiday,
                        _ => Because::Plain,
                    };
                    (Vec::from_iter(day), because)
                }
            };
            found.push(LiaisonDeadline {
                facility_id: facility.id.clone(),
                what: rule.what,
                until: until.iter().map(Date::to_string).collect(),
                because,
                rule: rule.version.to_owned(),
            });
        }
    }
    found
}

fn by_grades(days: &[i64], hours: &[OpenHours], date: Date, time: Time) -> (Vec<Date>, Because) {
    let because = calendar(hours, date, time);
    let moved = i64::from(matches!(because, Because::AfterHours | Because::ClosedDay));
    let until = days.iter().enumerate().filter_map(|(grade, days)| {
        let days = if grade == 0 { days + moved } else { *days };
        date.checked_add(days.days()).ok()
    });
    (until.collect(), because)
}

fn with_open_day(days: i64, hours: &[OpenHours], date: Date) -> (Vec<Date>, Because) {
    let Ok(last) = date.checked_add(days.days()) else { return (Vec::new(), Because::Plain) };
    let open = (0..7).filter_map(|back| last.checked_sub(back.days()).ok()).find(|day| is_open(hours, *day));
    match open {
        _ if hours.is_empty() => (vec![last], Because::HoursUnknown),
        Some(open) if open != last => (vec![last, open], Because::ClosedDay),
        _ => (vec![last], Because::Plain),
    }
}

/// The first day after this one on which the facility is open; the very next one where that is not known.
fn next_open_day(hours: &[OpenHours], date: Date) -> Option<Date> {
    let days = || (1..=7).filter_map(|on: i64| date.checked_add(on.days()).ok());
    days().find(|day| is_open(hours, *day)).or_else(|| days().next())
}

fn is_open(hours: &[OpenHours], date: Date) -> bool {
    let day = Day::from(date.weekday());
    hours.is_empty() || hours.iter().any(|h| h.days.is_empty() || h.days.contains(&day))
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
            Due::AdmissionAnswer => {
                let note = match self.because {
                    Because::Plain => "",
                    Because::AfterHours => " ※営業時間後のお知らせのため翌営業日",
                    Because::ClosedDay => " ※営業日以外のお知らせのため翌営業日",
                    Because::Holiday => " ※祝日が休業日なら翌営業日",
                    Because::HoursUnknown => " ※営業時間が未登録のため当日で計算",
                };
                format!("入院のお知らせへの返信の目安 {}まで{note}(規則 {}版)", day(0), self.rule)
            }
            Due::DischargeInformation => {
                let note = match (self.because, days.get(1)) {
                    (Because::ClosedDay, Some(open)) => format!(" ※営業日では{open}まで"),
                    _ => String::new(),
                };
                format!(
                    "退院・退所加算の目安 病院からの情報収集は{}まで{note}。算定の要件は保険者に確認ください(規則 {}版)",
                    day(0),
                    self.rule
                )
            }
            Due::ConferenceAnswer => {
                let note = match self.because {
                    Because::Holiday => " ※祝日が休業日なら前もって",
                    Because::HoursUnknown => " ※営業時間が未登録のため翌日で計算",
                    Because::Plain | Because::AfterHours | Because::ClosedDay => "",
                };
                format!(
                    "退院前カンファレンスの出欠の返信の目安 {}まで{note}。開催日が近いときは電話で(規則 {}版)",
                    day(0),
                    self.rule
                )
            }
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
            Due::AdmissionAnswer => {
                let note = match self.because {
                    Because::Plain => "",
                    Because::AfterHours => " (told after your hours, so your next open day)",
                    Because::ClosedDay => " (told on a day you are closed, so your next open day)",
                    Because::Holiday => " (a holiday; if you are closed your next open day)",
                    Because::HoursUnknown => " (your hours are not registered)",
                };
                format!(
                    "Guide for answering the admission notice: until {}{note} (rule {})",
                    day(0),
                    self.rule
                )
            }
            Due::DischargeInformation => {
                let note = match (self.because, days.get(1)) {
                    (Because::ClosedDay, Some(open)) => format!(" (your last open day is {open})"),
                    _ => String::new(),
                };
                format!(
                    "Guide for the discharge fee: contact with the hospital until {}{note}; the insurer decides (rule {})",
                    day(0),
                    self.rule
                )
            }
            Due::ConferenceAnswer => {
                let note = match self.because {
                    Because::Holiday => " (a holiday; if you are closed, before it)",
                    Because::HoursUnknown => " (your hours are not registered)",
                    Because::Plain | Because::AfterHours | Because::ClosedDay => "",
                };
                format!(
                    "Guide for answering whether you attend the pre-discharge conference: until {}{note}; by phone if it is near (rule {})",
                    day(0),
                    self.rule
                )
            }
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

    fn of<'f>(
        trigger: Option<&str>,
        document: Option<&str>,
        happened: &str,
        members: impl IntoIterator<Item = &'f Facility>,
    ) -> Vec<LiaisonDeadline> {
        let event = trigger.map(|t| Event {
            kind: Some("ADT".to_owned()),
            trigger: Some(t.to_owned()),
            ..Event::default()
        });
        let happened = at(happened);
        let by = "F01".into();
        let start =
            Start { event: event.as_ref(), document_kind: document, happened, heard: happened, by: &by };
        deadlines(start, members)
    }

    /// Of one kind.
    fn only(found: Vec<LiaisonDeadline>, what: Due) -> LiaisonDeadline {
        let mut found: Vec<_> = found.into_iter().filter(|d| d.what == what).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    fn at(text: &str) -> UtcMicros {
        UtcMicros::from_rfc3339(&format!("{text}:00+09:00")).unwrap()
    }

    #[test]
    fn the_admission_of_a_friday_evening_reads_as_in_the_scenario() {
        let found = of(Some("A01"), None, "2026-06-05T19:40", [&office(&[weekdays()])]);
        // The fee is the last line of the page (care-network.md 8.2).
        assert_eq!(
            found.last().unwrap().ja(),
            "入院時情報連携加算の目安 (Ⅰ) 6/6(土)まで ※営業時間後の入院のため翌日を含む (Ⅱ) 6/7(日)まで。\
             末日の扱いは保険者に確認ください(規則 2024-04版)"
        );
        assert!(found[1].en().contains("Sat 6 Jun (after your hours"), "{}", found[1].en());
        assert_eq!(
            found[0].ja(),
            "入院のお知らせへの返信の目安 6/8(月)まで ※営業時間後のお知らせのため翌営業日(規則 2024-04版)"
        );
        assert_eq!(found.len(), 2);
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
            let found = only(of(Some("A01"), None, happened, [&office(hours)]), Due::AdmissionInformation);
            assert_eq!(found.until, [first, second], "{happened}");
            assert_eq!((found.because, found.rule.as_str()), (because, "2024-04"), "{happened}");
        }
    }

    #[test]
    fn a_notice_of_admission_is_answered_on_a_day_the_office_is_open() {
        let hours = [weekdays()];
        for (heard, hours, until, because) in [
            ("2026-06-09T10:00", &hours[..], "2026-06-09", Because::Plain),
            ("2026-06-09T17:30", &hours, "2026-06-10", Because::AfterHours),
            ("2026-06-06T10:00", &hours, "2026-06-08", Because::ClosedDay),
            ("2026-07-20T10:00", &hours, "2026-07-20", Because::Holiday),
            ("2026-06-09T23:00", &[], "2026-06-09", Because::HoursUnknown),
        ] {
            let found = only(of(Some("A06"), None, heard, [&office(hours)]), Due::AdmissionAnswer);
            assert_eq!((found.until, found.because), (vec![until.to_owned()], because), "{heard}");
        }
        // By FAX or mail of the hospital or the family, known by its kind.
        let by_paper = of(None, Some("admission_notice"), "2026-06-09T10:00", [&office(&hours)]);
        assert_eq!(
            by_paper.iter().map(|d| d.what).collect::<Vec<_>>(),
            [Due::AdmissionAnswer, Due::AdmissionInformation]
        );
    }

    #[test]
    fn discharge_asks_for_a_week_and_others_get_nothing() {
        let found = only(
            of(Some("A03"), None, "2026-06-09T10:20", [&office(&[weekdays()])]),
            Due::DischargeInformation,
        );
        assert_eq!(found.until, ["2026-06-16"]);
        assert!(found.ja().contains("6/16(火)まで。"), "{}", found.ja());
        // A week on is a Saturday: the Friday before is the last day on which the office is open.
        let found = only(
            of(Some("A03"), None, "2026-06-06T10:20", [&office(&[weekdays()])]),
            Due::DischargeInformation,
        );
        assert_eq!(
            (found.until.as_slice(), found.because),
            (&["2026-06-13".to_owned(), "2026-06-12".to_owned()][..], Because::ClosedDay)
        );
        assert!(found.ja().contains("6/13(土)まで ※営業日では6/12(金)まで"), "{}", found.ja());
        let nurses = Facility { facility_type: "home_nursing_station".to_owned(), ..office(&[]) };
        assert!(of(Some("A01"), None, "2026-06-09T10:20", [&nurses]).is_empty());
        for silent in ["A02", "A11", "A13", "A08"] {
            assert!(
                of(Some(silent), Some("admission_notice"), "2026-06-09T10:20", [&office(&[])]).is_empty(),
                "{silent}"
            );
        }
        // Before the first version there was another rule, of which nothing is said.
        assert!(of(Some("A01"), None, "2024-03-31T10:20", [&office(&[])]).is_empty());
    }

    #[test]
    fn a_conference_asks_everybody_but_the_hospital_by_their_own_calendar() {
        let nurses =
            Facility { id: "F03".into(), facility_type: "home_nursing_station".to_owned(), ..office(&[]) };
        let hospital = Facility { id: "F01".into(), facility_type: "hospital".to_owned(), ..office(&[]) };
        let members = [&office(&[weekdays()]), &nurses, &hospital];
        let found = of(None, Some("conference_notice"), "2026-06-05T10:00", members);
        let told: Vec<_> =
            found.iter().map(|d| (d.facility_id.as_str(), d.until[0].as_str(), d.because)).collect();
        assert_eq!(
            told,
            [("F04", "2026-06-08", Because::Plain), ("F03", "2026-06-06", Because::HoursUnknown)]
        );
        assert_eq!(
            found[0].ja(),
            "退院前カンファレンスの出欠の返信の目安 6/8(月)まで。開催日が近いときは電話で(規則 2018-04版)"
        );
        // 海の日 is the next day on which the office would be open.
        let found = of(None, Some("conference_notice"), "2026-07-17T10:00", [&office(&[weekdays()])]);
        assert_eq!((found[0].until[0].as_str(), found[0].because), ("2026-07-20", Because::Holiday));
        assert!(found[0].en().contains("Mon 20 Jul (a holiday"), "{}", found[0].en());
    }
}
