//! What ticks on a sheet ask for besides 了解 and reply (care-network.md 6.4): how to receive, who has
//! read, who leaves. Pure: from the marked boxes to the settings they mean. Boxes that contradict each
//! other mean nothing; a person asks then.

use crate::clock::UtcMicros;
use crate::directory::{ClockTime, Day, DigestTime, Endpoint, EndpointSettings, QuietHours};
use crate::envelope::{MarkState, Sheet};
use crate::vocabulary::Urgency;

/// Whether this box of a sheet is surely marked.
#[must_use]
pub fn is_marked(sheet: &Sheet, name: &str) -> bool {
    sheet.marks.iter().any(|m| m.name == name && m.state == MarkState::Marked)
}

/// Boxes that change how the endpoint receives.
#[must_use]
pub fn is_setting(name: &str) -> bool {
    matches!(
        name,
        "instant_emergency"
            | "instant_urgent"
            | "instant_all"
            | "night_ok"
            | "night_no"
            | "prefer_digest"
            | "prefer_instant"
    ) || name.starts_with("digest_")
        || name.starts_with("quiet_")
}

/// The settings that the marked boxes mean; `None` if none of them is a setting, two contradict each
/// other, or nothing would change.
#[must_use]
pub fn settings<'m>(
    now: &EndpointSettings,
    marked: impl IntoIterator<Item = &'m str>,
) -> Option<EndpointSettings> {
    let marked: Vec<&str> = marked.into_iter().filter(|m| is_setting(m)).collect();
    let has = |name: &str| marked.contains(&name);
    let mut wanted = now.clone();
    match (has("instant_emergency"), has("instant_urgent"), has("instant_all")) {
        (false, false, false) => {}
        (true, false, false) => wanted.instant_threshold = Urgency::Emergency,
        (false, true, false) => wanted.instant_threshold = Urgency::Urgent,
        (false, false, true) => wanted.instant_threshold = Urgency::Normal,
        _ => return None,
    }
    match (has("prefer_digest"), has("prefer_instant")) {
        (false, false) => {}
        // まとめ便で: only what is urgent still comes singly.
        (true, false) if !now.digests.is_empty() => {
            wanted.instant_threshold = wanted.instant_threshold.max(Urgency::Urgent);
        }
        (true, false) => {
            wanted.instant_threshold = wanted.instant_threshold.max(Urgency::Urgent);
            wanted.digests = [(9, 0), (16, 0)].into_iter().filter_map(at).collect();
        }
        (false, true) => wanted.instant_threshold = Urgency::Normal,
        (true, true) => return None,
    }
    match (has("night_ok"), has("night_no")) {
        (false, false) => {}
        (true, false) => wanted.night_ok = true,
        (false, true) => wanted.night_ok = false,
        (true, true) => return None,
    }
    // Times alone keep the days on which it receives now: an office that is closed at the weekend stays so.
    let days = common_days(&now.digests);
    let times: Vec<DigestTime> = marked.iter().filter_map(|m| digest_time(m, &days)).collect();
    match (has("digest_none"), times.is_empty()) {
        (true, true) => wanted.digests.clear(),
        (false, false) => wanted.digests = times,
        (false, true) => {}
        (true, false) => return None,
    }
    let mut quiet = marked.iter().filter(|m| m.starts_with("quiet_"));
    match (quiet.next(), quiet.next()) {
        (None, _) => {}
        (Some(&"quiet_none"), None) => wanted.quiet_hours = None,
        (Some(one), None) => wanted.quiet_hours = Some(quiet_hours(one)?),
        (Some(_), Some(_)) => return None,
    }
    (wanted != *now).then_some(wanted)
}

/// The days that all digests share; every day where they differ.
fn common_days(digests: &[DigestTime]) -> Vec<Day> {
    match digests.split_first() {
        Some((first, rest)) if rest.iter().all(|d| d.days == first.days) => first.days.clone(),
        _ => Vec::new(),
    }
}

/// `digest_0845`, or `digest_0845_mon_wed` with its days.
fn digest_time(name: &str, days: &[Day]) -> Option<DigestTime> {
    let rest = name.strip_prefix("digest_")?;
    let (digits, named) = rest.split_once('_').map_or((rest, None), |(d, n)| (d, Some(n)));
    let mut time = at(clock(digits)?)?;
    time.days = match named {
        None => days.to_vec(),
        Some(named) => {
            let mut found: Vec<Day> = named.split('_').map(day).collect::<Option<_>>()?;
            found.sort_unstable();
            found.dedup();
            if found.len() == 7 { Vec::new() } else { found }
        }
    };
    Some(time)
}

fn day(word: &str) -> Option<Day> {
    Some(match word {
        "mon" => Day::Mon,
        "tue" => Day::Tue,
        "wed" => Day::Wed,
        "thu" => Day::Thu,
        "fri" => Day::Fri,
        "sat" => Day::Sat,
        "sun" => Day::Sun,
        _ => return None,
    })
}

fn clock(digits: &str) -> Option<(i8, i8)> {
    (digits.len() == 4).then_some(())?;
    Some((digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?))
}

/// `quiet_2000_0730`.
fn quiet_hours(name: &str) -> Option<QuietHours> {
    let (from, until) = name.strip_prefix("quiet_")?.split_once('_')?;
    let at = |digits| clock(digits).and_then(at).map(|d| d.at);
    Some(QuietHours { from: at(from)?, until: at(until)? })
}

fn at((hour, minute): (i8, i8)) -> Option<DigestTime> {
    ClockTime::parse(&format!("{hour}:{minute:02}")).map(|at| DigestTime { days: Vec::new(), at })
}

/// How an endpoint receives, in one sentence for a receipt.
#[must_use]
pub fn words(settings: &EndpointSettings) -> String {
    let instant = match settings.instant_threshold {
        Urgency::Normal => "すべて即時",
        Urgency::Urgent => "至急から即時",
        Urgency::Emergency => "緊急だけ即時",
    };
    let digests = digest_words(&settings.digests);
    let quiet =
        settings.quiet_hours.map_or_else(String::new, |q| format!("・休み時間帯 {}–{}", q.from, q.until));
    let night = if settings.night_ok { "夜間可" } else { "夜間は不可" };
    format!("{instant}・{digests}{quiet}・{night}")
}

/// `まとめ便 平日 9:00・15:00`: days are said once for the times that share them.
fn digest_words(digests: &[DigestTime]) -> String {
    const WEEKDAYS: [Day; 5] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri];
    let groups = digests.chunk_by(|a, b| a.days == b.days).map(|group| {
        let times: Vec<String> = group.iter().map(|d| d.at.to_string()).collect();
        let days: &[Day] = group.first().map_or(&[], |d| &d.days);
        let days: String =
            if days == WEEKDAYS { "平日".to_owned() } else { days.iter().map(|d| d.ja()).collect() };
        format!("{days} {}", times.join("・")).trim_start().to_owned()
    });
    let groups: Vec<String> = groups.collect();
    if groups.is_empty() {
        "まとめ便なし".to_owned()
    } else {
        format!("まとめ便 {}", groups.join("・"))
    }
}

/// The receipt of a change of settings, with its way back.
#[must_use]
pub fn settings_receipt(settings: &EndpointSettings, office_phone: &str, at: UtcMicros) -> String {
    format!(
        "{} に受け取り方を変えました: {}。24時間以内なら元に戻せます(事務局 {office_phone})。",
        at.to_ja(),
        words(settings)
    )
}

/// The line that goes to the way by which the member received before: whoever changed a setting in
/// somebody's name is noticed there.
#[must_use]
pub fn changed_elsewhere(endpoint: &Endpoint, at: UtcMicros) -> String {
    format!(
        "{} に{}の受け取り方が変わりました。お心当たりがなければ事務局へ。",
        at.to_ja(),
        endpoint.channel.ja()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Urgency;

    #[test]
    fn ticks_become_settings() {
        let now = EndpointSettings { digests: vec![at((9, 0)).unwrap()], ..EndpointSettings::default() };
        let wanted = settings(&now, ["instant_emergency", "digest_0830", "digest_1500", "night_no"]).unwrap();
        assert_eq!(wanted.instant_threshold, Urgency::Emergency);
        let times: Vec<String> = wanted.digests.iter().map(|d| d.at.to_string()).collect();
        assert_eq!(times, ["8:30", "15:00"]);
        assert_eq!(settings(&now, ["digest_none"]).unwrap().digests, []);
        assert_eq!(settings(&now, ["prefer_digest"]).unwrap().instant_threshold, Urgency::Urgent);
        let bare = EndpointSettings::default();
        assert_eq!(settings(&bare, ["prefer_digest"]).unwrap().digests.len(), 2);
        for contradiction in [
            ["instant_emergency", "instant_all"],
            ["night_ok", "night_no"],
            ["digest_none", "digest_0900"],
            ["prefer_digest", "prefer_instant"],
        ] {
            assert_eq!(settings(&now, contradiction), None, "{contradiction:?}");
        }
        let weekdays = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri];
        let mut closed = now.clone();
        closed.digests[0].days = weekdays.to_vec();
        let kept = settings(&closed, ["digest_0845"]).unwrap();
        assert_eq!(kept.digests[0].days, weekdays, "closed at the weekend");
        let daily = settings(&closed, ["digest_0845_mon_tue_wed_thu_fri_sat_sun"]).unwrap();
        assert_eq!(daily.digests[0].days, [], "said so");
        assert_eq!(
            words(&settings(&now, ["digest_0845_wed_mon"]).unwrap()),
            "すべて即時・まとめ便 月水 8:45・夜間は不可"
        );
        let mixed = settings(&closed, ["digest_0845", "digest_1530", "digest_1000_sat"]).unwrap();
        assert_eq!(words(&mixed), "すべて即時・まとめ便 平日 8:45・15:30・土 10:00・夜間は不可");
        let quiet = settings(&now, ["quiet_2000_0730"]).unwrap();
        assert_eq!(
            quiet.quiet_hours.map(|q| (q.from.to_string(), q.until.to_string())),
            Some(("20:00".into(), "7:30".into()))
        );
        assert_eq!(settings(&quiet, ["quiet_none"]).unwrap().quiet_hours, None);
        assert_eq!(settings(&now, ["quiet_none", "quiet_2000_0730"]), None);
        assert_eq!(settings(&now, ["quiet_2500_0730"]), None);
        assert_eq!(settings(&now, ["acknowledge", "staff_1"]), None, "no setting");
        assert_eq!(settings(&now, ["night_no"]), None, "it is so already");
    }

    proptest::proptest! {
        #[test]
        fn total(names in proptest::collection::vec("digest_[0-9]{0,5}(_mon)?|quiet_[0-9]{4}_[0-9]{4}|instant_[a-z]{3}|night_ok|.{0,8}", 0..6)) {
            let now = EndpointSettings::default();
            if let Some(wanted) = settings(&now, names.iter().map(String::as_str)) {
                let _ = words(&wanted);
            }
        }
    }
}
