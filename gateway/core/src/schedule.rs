//! When a post leaves for an endpoint: 即時便 or まとめ便, by the endpoint's own settings (care-network.md
//! 6.2 preferences, 7 and scenarios S1–S3). All times of day are 日本時間. It decides about time only,
//! never about who may receive.

use crate::clock::UtcMicros;
use crate::directory::{ClockTime, Day, DigestTime, EndpointSettings, OpenHours, QuietHours};
use crate::vocabulary::{DeliveryMode, Urgency};
use jiff::ToSpan as _;
use jiff::civil::{Date, Time};

/// When and how a delivery goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// 即時便 or まとめ便.
    pub mode: DeliveryMode,
    /// Goes out at.
    pub due_at: UtcMicros,
}

/// An answer wanted within this time after the digest that would carry the question cannot wait for it.
const HASTE_SECONDS: i64 = 72 * 3600;

/// Plans one post for one endpoint. `due` is the time by which this member is asked to answer, if it is.
///
/// At once if the urgency reaches the instant threshold, if there are no digests, or if the answer is
/// due before the second digest after the one that would carry the question (S2, 13:20). In quiet
/// hours only an emergency to an endpoint with 夜間可 passes; the rest heads the next digest, or leaves
/// at the end of the quiet hours where there is none.
#[must_use]
pub fn plan(
    settings: &EndpointSettings,
    urgency: Urgency,
    due: Option<UtcMicros>,
    now: UtcMicros,
) -> Planned {
    let instant = |at: UtcMicros| Planned {
        mode: DeliveryMode::Instant,
        due_at: at.plus_seconds(i64::from(settings.hold_seconds)),
    };
    let digests = upcoming(settings, now, 3);
    let quiet_until = settings.quiet_hours.and_then(|q| quiet_end(q, now));
    if let Some(end) = quiet_until
        && !(urgency == Urgency::Emergency && settings.night_ok)
    {
        return match digests.first() {
            Some(at) => Planned { mode: DeliveryMode::Digest, due_at: *at },
            None => instant(end),
        };
    }
    let Some(carrier) = digests.first().copied() else { return instant(now) };
    let cannot_wait = due.is_some_and(|due| {
        digests.get(2).is_none_or(|second_after| due < *second_after)
            && due.seconds_since(carrier) < HASTE_SECONDS
    });
    if urgency >= settings.instant_threshold || cannot_wait {
        instant(now)
    } else {
        Planned { mode: DeliveryMode::Digest, due_at: carrier }
    }
}

/// When what waited for the end of a pause leaves, all in one まとめ便: the first digest time from `until` on, or half
/// past eight where there is none, outside the quiet hours.
#[must_use]
pub fn on_return(settings: &EndpointSettings, until: UtcMicros) -> UtcMicros {
    if let Some(first) = upcoming(settings, until.plus_seconds(-1), 1).first() {
        return *first;
    }
    let half_past_eight = start_of_day(until).plus_seconds(8 * 3600 + 1800);
    let at = if half_past_eight < until { half_past_eight.plus_seconds(24 * 3600) } else { half_past_eight };
    settings.quiet_hours.and_then(|q| quiet_end(q, at)).unwrap_or(at)
}

/// The next `count` digest times after `after`, leaving out those that lie in the quiet hours unless
/// all do.
fn upcoming(settings: &EndpointSettings, after: UtcMicros, count: usize) -> Vec<UtcMicros> {
    let loud: Vec<&DigestTime> = settings
        .digests
        .iter()
        .filter(|d| !settings.quiet_hours.is_some_and(|q| is_quiet(q, d.at)))
        .collect();
    let chosen = if loud.is_empty() { settings.digests.iter().collect() } else { loud };
    let mut found = Vec::new();
    if chosen.is_empty() {
        return found;
    }
    // One weekly digest needs a week for each; today's may have passed.
    for date in days_from(after).take(7 * (count + 1)) {
        for digest in &chosen {
            let on_this_day = digest.days.is_empty() || digest.days.contains(&Day::from(date.weekday()));
            if let Some(at) = on_this_day.then(|| at_time(date, digest.at)).flatten()
                && at > after
            {
                found.push(at);
            }
        }
        if found.len() > count * 2 {
            break;
        }
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(count);
    found
}

/// Whether a time of day lies in the quiet hours; equal ends mean the whole day.
fn is_quiet(quiet: QuietHours, at: ClockTime) -> bool {
    if quiet.from < quiet.until {
        (quiet.from..quiet.until).contains(&at)
    } else {
        at >= quiet.from || at < quiet.until
    }
}

/// The end of the quiet hours that hold at `now`; `None` if none do.
#[must_use]
pub fn quiet_end(quiet: QuietHours, now: UtcMicros) -> Option<UtcMicros> {
    if !is_quiet(quiet, ClockTime::of(now.in_japan().time())) {
        return None;
    }
    days_from(now).take(3).filter_map(|date| at_time(date, quiet.until)).find(|at| *at > now)
}

/// Midnight of today, 日本時間.
#[must_use]
pub fn start_of_day(now: UtcMicros) -> UtcMicros {
    let time = now.in_japan().time();
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    now.plus_seconds(-seconds)
}

/// Half past eight tomorrow, when desks are manned again.
#[must_use]
pub fn next_morning(now: UtcMicros) -> UtcMicros {
    start_of_day(now).plus_seconds(24 * 3600 + 8 * 3600 + 1800)
}

/// The first moment from `after` on at which somebody is there. `None` if no hours are known.
#[must_use]
pub fn next_open(hours: &[OpenHours], after: UtcMicros) -> Option<UtcMicros> {
    // Yesterday's opening may span midnight.
    let yesterday = after.plus_seconds(-24 * 3600);
    days_from(yesterday)
        .take(9)
        .flat_map(|date| hours.iter().filter_map(move |h| opening(h, date)))
        .filter(|(_, until)| *until > after)
        .map(|(from, _)| from.max(after))
        .min()
}

/// Whether somebody is there at `at`.
#[must_use]
pub fn is_open(hours: &[OpenHours], at: UtcMicros) -> bool {
    next_open(hours, at) == Some(at)
}

/// The opening of `hours` that begins on `date`.
fn opening(hours: &OpenHours, date: Date) -> Option<(UtcMicros, UtcMicros)> {
    if !hours.days.is_empty() && !hours.days.contains(&Day::from(date.weekday())) {
        return None;
    }
    let from = at_time(date, hours.from)?;
    let until = if hours.until > hours.from {
        at_time(date, hours.until)?
    } else {
        at_time(date.checked_add(1.day()).ok()?, hours.until)?
    };
    Some((from, until))
}

fn days_from(at: UtcMicros) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(at.in_japan().date()), |d| d.checked_add(1.day()).ok())
}

fn at_time(date: Date, at: ClockTime) -> Option<UtcMicros> {
    let hour = i8::try_from(at.hour()).ok()?;
    let minute = i8::try_from(at.minute()).ok()?;
    UtcMicros::from_japan(date.to_datetime(Time::new(hour, minute, 0, 0).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> UtcMicros {
        UtcMicros::from_rfc3339(&format!("{text}:00+09:00")).unwrap()
    }

    fn clock(text: &str) -> ClockTime {
        ClockTime::parse(text).unwrap()
    }

    fn settings(threshold: Urgency, digests: &[&str]) -> EndpointSettings {
        EndpointSettings {
            instant_threshold: threshold,
            digests: digests.iter().map(|d| DigestTime { days: vec![], at: clock(d) }).collect(),
            ..EndpointSettings::default()
        }
    }

    fn quiet(from: &str, until: &str) -> Option<QuietHours> {
        Some(QuietHours { from: clock(from), until: clock(until) })
    }

    const WEEKDAYS: [Day; 5] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri];

    #[test]
    fn the_scenarios() {
        use DeliveryMode::{Digest, Instant};
        use Urgency::{Emergency, Normal, Urgent};
        let f03 = settings(Urgent, &["8:30", "13:00", "17:00"]);
        let f04 = settings(Urgent, &["9:00", "16:00"]);
        let f05 = settings(Urgent, &["9:30", "14:00"]);
        let mut f08 = settings(Emergency, &["15:00"]);
        f08.digests[0].days = vec![Day::Fri];
        let mut f04_quiet = f04.clone();
        f04_quiet.quiet_hours = quiet("17:30", "8:30");
        let mut f05_night = f05.clone();
        f05_night.quiet_hours = quiet("20:00", "8:00");
        f05_night.night_ok = true;
        let mut no_digest = settings(Normal, &[]);
        no_digest.quiet_hours = quiet("20:00", "7:00");
        let mut held = settings(Normal, &[]);
        held.hold_seconds = 90;
        let mut office_days = f04.clone();
        for d in &mut office_days.digests {
            d.days = WEEKDAYS.to_vec();
        }
        type Line<'a> =
            (&'a str, &'a EndpointSettings, Urgency, Option<&'a str>, &'a str, DeliveryMode, &'a str);
        let table: Vec<Line<'_>> = vec![
            (
                "S1: closed, but no quiet hours",
                &f04,
                Urgent,
                None,
                "2026-06-05T19:53",
                Instant,
                "2026-06-05T19:53",
            ),
            ("S2: below the threshold", &f03, Normal, None, "2026-06-09T10:20", Digest, "2026-06-09T13:00"),
            ("S2: the dentist's Friday", &f08, Urgent, None, "2026-06-09T10:20", Digest, "2026-06-12T15:00"),
            (
                "S2 13:20: due before the second digest",
                &f03,
                Normal,
                Some("2026-06-10T12:00"),
                "2026-06-09T13:20",
                Instant,
                "2026-06-09T13:20",
            ),
            (
                "S2 13:20: the pharmacy",
                &f05,
                Normal,
                Some("2026-06-10T12:00"),
                "2026-06-09T13:20",
                Instant,
                "2026-06-09T13:20",
            ),
            (
                "due in a week can wait",
                &f03,
                Normal,
                Some("2026-06-16T12:00"),
                "2026-06-09T13:20",
                Digest,
                "2026-06-09T17:00",
            ),
            (
                "weekly digest, due the week after",
                &f08,
                Normal,
                Some("2026-06-17T12:00"),
                "2026-06-09T13:20",
                Digest,
                "2026-06-12T15:00",
            ),
            (
                "weekly digest, due an hour after it",
                &f08,
                Normal,
                Some("2026-06-12T16:00"),
                "2026-06-09T13:20",
                Instant,
                "2026-06-09T13:20",
            ),
            ("S3: no 夜間可", &f04_quiet, Emergency, None, "2026-06-18T22:53", Digest, "2026-06-19T09:00"),
            ("S3: 夜間可", &f05_night, Emergency, None, "2026-06-18T22:53", Instant, "2026-06-18T22:53"),
            (
                "夜間可 is for emergencies",
                &f05_night,
                Urgent,
                None,
                "2026-06-18T22:53",
                Digest,
                "2026-06-19T09:30",
            ),
            ("after midnight", &f04_quiet, Urgent, None, "2026-06-19T00:10", Digest, "2026-06-19T09:00"),
            (
                "the end of quiet hours",
                &f04_quiet,
                Urgent,
                None,
                "2026-06-19T08:30",
                Instant,
                "2026-06-19T08:30",
            ),
            (
                "quiet without digest",
                &no_digest,
                Normal,
                None,
                "2026-06-18T22:53",
                Instant,
                "2026-06-19T07:00",
            ),
            ("no digests", &no_digest, Normal, None, "2026-06-18T12:00", Instant, "2026-06-18T12:00"),
            ("at the very minute", &f04, Normal, None, "2026-06-09T09:00", Digest, "2026-06-09T16:00"),
            ("over the weekend", &office_days, Normal, None, "2026-06-12T16:30", Digest, "2026-06-15T09:00"),
            ("weekly, just missed", &f08, Normal, None, "2026-06-12T15:00", Digest, "2026-06-19T15:00"),
        ];
        for (name, settings, urgency, due, now, mode, due_at) in table {
            let planned = plan(settings, urgency, due.map(at), at(now));
            assert_eq!(planned, Planned { mode, due_at: at(due_at) }, "{name}");
        }
        let planned = plan(&held, Normal, None, at("2026-06-09T10:00"));
        assert_eq!(planned.due_at, at("2026-06-09T10:00").plus_seconds(90), "送信待機");
    }

    #[test]
    fn digests_in_quiet_hours_are_passed_over() {
        let mut s = settings(Urgency::Urgent, &["7:00", "12:00"]);
        s.quiet_hours = quiet("20:00", "8:00");
        let planned = plan(&s, Urgency::Normal, None, at("2026-06-09T19:00"));
        assert_eq!(planned.due_at, at("2026-06-10T12:00"));
    }

    #[test]
    fn opening_hours() {
        let day = OpenHours { days: WEEKDAYS.to_vec(), from: clock("9:00"), until: clock("17:30") };
        let night = OpenHours { days: vec![Day::Sat], from: clock("22:00"), until: clock("6:00") };
        let both = [day, night];
        for (after, open) in [
            ("2026-06-09T10:00", "2026-06-09T10:00"),
            ("2026-06-09T17:30", "2026-06-10T09:00"),
            ("2026-06-05T19:53", "2026-06-06T22:00"),
            ("2026-06-07T03:00", "2026-06-07T03:00"),
            ("2026-06-07T06:00", "2026-06-08T09:00"),
        ] {
            assert_eq!(next_open(&both, at(after)), Some(at(open)), "{after}");
        }
        assert_eq!(next_open(&[], at("2026-06-09T10:00")), None);
        assert!(is_open(&both, at("2026-06-07T03:00")) && !is_open(&both, at("2026-06-07T07:00")));
    }

    proptest! {
        #[test]
        fn a_plan_is_never_in_the_past_and_respects_the_night(
            minute in 0_i64..60 * 24 * 30,
            digests in prop::collection::vec((0_u16..24, 0_u16..60), 0..4),
            from in 0_u16..24, until in 0_u16..24, night_ok: bool, level in 0_usize..3, has_due: bool,
        ) {
            let now = at("2026-06-01T00:00").plus_seconds(minute * 60);
            let s = EndpointSettings {
                digests: digests
                    .iter()
                    .map(|(h, m)| DigestTime { days: vec![], at: ClockTime::new(*h, *m).unwrap() })
                    .collect(),
                quiet_hours: Some(QuietHours {
                    from: ClockTime::new(from, 0).unwrap(),
                    until: ClockTime::new(until, 0).unwrap(),
                }),
                night_ok,
                instant_threshold: Urgency::Urgent,
                ..EndpointSettings::default()
            };
            let urgency = Urgency::ALL[level];
            let planned = plan(&s, urgency, has_due.then(|| now.plus_seconds(3600)), now);
            prop_assert!(planned.due_at >= now);
            prop_assert!(planned.due_at.seconds_since(now) <= 2 * 24 * 3600);
            let passes = urgency == Urgency::Emergency && night_ok;
            if planned.mode == DeliveryMode::Instant && !passes && from != until {
                prop_assert_eq!(quiet_end(s.quiet_hours.unwrap(), planned.due_at), None);
            }
        }
    }
}
