//! The FAX desk in words: each row a state with its word, shape and colour, and the one thing that a person
//! can do about it (look.md 1 and 2). Nothing here reads or decides.

use super::outbox::tell_by_phone;
use super::{Chip, Line};
use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::facts::PaperTrust;
use kakehashi_core::fax_cause;
use kakehashi_core::paper_request;
use kakehashi_core::text::number::grouped;
use kakehashi_core::vocabulary::{Channel, DeliveryState, EndpointState, IntakeState};
use kakehashi_store::view::{FaxIn, FaxNumber, FaxOut, FaxRoute, PaperSettings};
use serde::Serialize;

/// What the page can thank for.
pub(crate) const DONE: [&str; 7] = ["ordered", "verified", "stopped", "proposed", "checked", "undone", "set"];

/// What the page shows.
pub(crate) struct Desk {
    pub(crate) incoming: Vec<FaxIn>,
    pub(crate) outgoing: Vec<FaxOut>,
    pub(crate) numbers: Vec<FaxNumber>,
    pub(crate) routes: Vec<FaxRoute>,
    pub(crate) settings: PaperSettings,
    pub(crate) paper: PaperTrust,
    /// Who looks.
    pub(crate) me: String,
    /// The number that is looked for, as it was typed.
    pub(crate) find: Option<String>,
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FaxPage {
    pub(crate) csrf: String,
    pub(crate) done: Option<String>,
    pub(crate) problem: Option<String>,
    pub(crate) find: Option<String>,
    pub(crate) routes: Vec<RouteCard>,
    pub(crate) incoming: Vec<InLine>,
    pub(crate) outgoing: Vec<OutLine>,
    pub(crate) numbers: Vec<NumberCard>,
    pub(crate) untouched: bool,
    pub(crate) pages_a_day: u32,
    pub(crate) page_cost: String,
    pub(crate) trial: String,
    pub(crate) total: String,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RouteCard {
    pub(crate) name: String,
    pub(crate) state: Chip,
    pub(crate) lines: Vec<Line>,
}

/// A FAX that came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct InLine {
    pub(crate) received: String,
    pub(crate) sender: String,
    pub(crate) state: Chip,
    pub(crate) pages: String,
    pub(crate) picture: Option<String>,
    pub(crate) zoom: Option<String>,
    pub(crate) act: Option<String>,
    pub(crate) topic: Option<String>,
    pub(crate) intake: String,
}

/// A FAX that leaves or left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct OutLine {
    pub(crate) facility: String,
    pub(crate) number: String,
    pub(crate) what: String,
    pub(crate) state: Chip,
    pub(crate) when: String,
    pub(crate) pages: Option<String>,
    pub(crate) route: Option<String>,
    pub(crate) cause: Option<String>,
    pub(crate) remedy: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) picture: String,
    pub(crate) preview: String,
    pub(crate) retry: Option<String>,
    pub(crate) recall: Option<String>,
    pub(crate) wrong: Option<String>,
    pub(crate) sheets: Option<String>,
    pub(crate) post: Option<String>,
    /// 電話で伝える, with the facility's telephone.
    pub(crate) tell: Option<String>,
    pub(crate) called: String,
}

/// A number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NumberCard {
    pub(crate) facility: String,
    pub(crate) number: String,
    pub(crate) state: Chip,
    pub(crate) settings: String,
    pub(crate) pages: String,
    pub(crate) path: String,
    /// May get sheets that are no handshake.
    pub(crate) open: bool,
    /// Waits for its handshake.
    pub(crate) asks: bool,
    pub(crate) stopped: bool,
    pub(crate) proposed: Option<Proposed>,
    pub(crate) changed: Option<Changed>,
}

/// A number that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Proposed {
    pub(crate) id: String,
    pub(crate) words: String,
    pub(crate) mine: bool,
}

/// Settings that can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Changed {
    pub(crate) id: String,
    pub(crate) words: String,
}

/// Yen with at most two decimals, as hundredths; an empty field is nothing.
pub(crate) fn cost(text: Option<&str>) -> Option<u32> {
    let Some(text) = text else { return Some(0) };
    let (yen, part) = text.split_once('.').unwrap_or((text, ""));
    let yen: u32 = yen.parse().ok().filter(|y| *y <= 1000)?;
    let part: u32 = match part.len() {
        0 => 0,
        1 => part.parse::<u32>().ok()? * 10,
        2 => part.parse().ok()?,
        _ => return None,
    };
    Some(yen * 100 + part)
}

fn yen(hundredths: u64) -> String {
    match hundredths % 100 {
        0 => (hundredths / 100).to_string(),
        part => format!("{}.{part:02}", hundredths / 100),
    }
}

/// The page.
pub(crate) fn page(
    lang: Lang,
    csrf: &str,
    desk: &Desk,
    done: Option<&str>,
    problem: Option<String>,
    now: UtcMicros,
) -> FaxPage {
    let pages: u64 = desk.routes.iter().map(|r| r.page_count).sum();
    let spent = pages.saturating_mul(u64::from(desk.settings.page_cost));
    let counts = [desk.paper.agreed.to_string(), desk.paper.needed.to_string()];
    let key = if desk.paper.is_earned() { "sheet.trusted" } else { "sheet.trial" };
    FaxPage {
        csrf: csrf.to_owned(),
        done: done.map(|d| lang.t(&format!("fax.done.{d}"))),
        problem,
        find: desk.find.clone(),
        routes: desk.routes.iter().map(|r| route(lang, r, now)).collect(),
        incoming: desk.incoming.iter().map(|i| incoming(lang, i, now)).collect(),
        outgoing: desk.outgoing.iter().map(|o| outgoing(lang, o, now)).collect(),
        numbers: desk.numbers.iter().map(|n| number(lang, n, &desk.me)).collect(),
        untouched: desk.settings.untouched_acknowledges,
        pages_a_day: desk.settings.pages_a_day,
        page_cost: yen(u64::from(desk.settings.page_cost)),
        trial: lang.tf(key, &[&counts[0], &counts[1]]),
        total: if desk.settings.page_cost > 0 {
            lang.tf("fax.total_cost", &[&pages.to_string(), &yen(spent)])
        } else {
            lang.tf("fax.total", &[&pages.to_string()])
        },
    }
}

fn route(lang: Lang, route: &FaxRoute, now: UtcMicros) -> RouteCard {
    let line = |key: &str, value: String| Line { label: lang.t(key), value };
    let mut lines = vec![
        line(
            "fax.jobs",
            lang.tf("fax.jobs_pages", &[&route.job_count.to_string(), &route.page_count.to_string()]),
        ),
        line(
            "fax.results",
            lang.tf(
                "fax.results_counts",
                &[
                    &route.delivered_count.to_string(),
                    &route.failed_count.to_string(),
                    &route.unknown_count.to_string(),
                ],
            ),
        ),
    ];
    if let Some(at) = route.last_at {
        lines.push(line("fax.last", lang.near(at, now)));
    }
    if let Some((at, words)) = &route.last_fault {
        lines.push(line("fax.last_fault", format!("{} {words}", lang.near(*at, now))));
    }
    let state = match route.open_until {
        Some(until) => Chip::new("fail", Some("✕"), lang.tf("fax.breaker", &[&lang.near(until, now)])),
        None => Chip::new("ack", Some("✓"), lang.t("fax.works")),
    };
    RouteCard { name: route.name.clone(), state, lines }
}

fn incoming(lang: Lang, fax: &FaxIn, now: UtcMicros) -> InLine {
    let class = super::words::intake_class(fax.state);
    InLine {
        received: lang.near(fax.received_at, now),
        sender: fax.facility_name.clone().unwrap_or_else(|| lang.t("fax.unknown_sender")),
        // The picture of a sheet is on its topic while its marks still wait for a person.
        state: match (&fax.triage, fax.state) {
            (Some(_), IntakeState::Posted) => Chip::new("wait", None, lang.t("fax.marks_wait")),
            _ => Chip::new(class, None, lang.pick(fax.state.ja(), fax.state.en())),
        },
        pages: lang.tf("fax.pages", &[&fax.pages.to_string()]),
        picture: fax.first_page.as_ref().map(|p| format!("/attachments/{p}")),
        zoom: fax.first_page.as_ref().map(|p| format!("/attachments/{p}/zoom")),
        act: fax.triage.as_ref().map(|t| format!("/triage/{t}")),
        topic: fax.topic.as_ref().map(|(group, topic)| format!("/groups/{group}/topics/{topic}")),
        intake: format!("/intakes/{}", fax.id),
    }
}

fn outgoing(lang: Lang, fax: &FaxOut, now: UtcMicros) -> OutLine {
    let path = format!("/deliveries/{}", fax.id);
    let (class, mark) = match fax.state {
        DeliveryState::Delivered => ("ack", Some("✓")),
        DeliveryState::Failed => ("fail", Some("✕")),
        DeliveryState::Unknown => ("fail", Some("？")),
        DeliveryState::Held | DeliveryState::HandedOff => ("wait", None),
        DeliveryState::Recalled => ("", None),
    };
    let word = if fax.waits_for_cover && fax.state == DeliveryState::Held {
        lang.t("fax.waits_for_cover")
    } else {
        lang.pick(fax.state.ja(), fax.state.en()).to_owned()
    };
    let titles = titles(lang, fax);
    let what = match (&fax.sheet, titles.is_empty()) {
        (Some(sheet), true) => lang.pick(sheet.ja(), sheet.en()).to_owned(),
        (Some(sheet), false) => format!("{}: {}", lang.pick(sheet.ja(), sheet.en()), titles.join("、")),
        (None, true) => lang.t("outbox.notice"),
        (None, false) => titles.join("、"),
    };
    let failed = fax.state == DeliveryState::Failed;
    let told = fax.last_detail.as_deref().is_some_and(|d| !d.is_empty());
    let again = fax.state == DeliveryState::Held && fax.attempt_count > 0 && told;
    let cause = fax_cause::cause(fax.last_detail.as_deref().unwrap_or(""));
    let single = match fax.items.as_slice() {
        [one] if fax.sheet.is_none() => Some(one.post_id.to_string()),
        _ => None,
    };
    OutLine {
        facility: fax.facility_name.clone(),
        number: grouped(&fax.number),
        what,
        state: Chip::new(class, mark, word),
        when: match fax.state {
            DeliveryState::Held if !fax.waits_for_cover => {
                lang.tf("outbox.due", &[&lang.near(fax.due_at, now)])
            }
            _ => lang.near(fax.state_at, now),
        },
        pages: (fax.pages > 0).then(|| lang.tf("fax.pages", &[&fax.pages.to_string()])),
        route: Some(fax.route.clone()).filter(|r| !r.is_empty()),
        cause: (failed || again).then(|| lang.pick(cause.ja(), cause.en()).to_owned()),
        remedy: failed.then(|| lang.pick(cause.remedy_ja(), cause.remedy_en()).to_owned()),
        detail: fax.last_detail.clone().filter(|d| (failed || again) && !d.is_empty()),
        picture: format!("{path}/thumbnail.png"),
        preview: format!("{path}/preview"),
        retry: matches!(fax.state, DeliveryState::Failed | DeliveryState::Unknown)
            .then(|| format!("{path}/retry")),
        recall: (fax.state == DeliveryState::Held).then(|| format!("{path}/recall")),
        wrong: fax.endpoint_id.as_ref().map(|e| format!("/fax/endpoints/{e}/wrong")),
        sheets: fax
            .endpoint_id
            .as_ref()
            .filter(|_| single.is_some())
            .map(|e| format!("/fax/endpoints/{e}/sheets")),
        post: single,
        tell: tell_by_phone(lang, Channel::Fax, fax.state, fax.phone.as_ref())
            .filter(|_| !fax.facility_name.is_empty()),
        called: format!("{path}/call"),
    }
}

/// What it carries: each title once with how often, at most three.
fn titles(lang: Lang, fax: &FaxOut) -> Vec<String> {
    const SHOWN: usize = 3;
    let mut counted: Vec<(String, usize)> = Vec::new();
    for item in &fax.items {
        let title = format!("{} {}", item.group_alias, item.title.clone().unwrap_or_default());
        match counted.iter_mut().find(|(known, _)| *known == title) {
            Some((_, count)) => *count += 1,
            None => counted.push((title, 1)),
        }
    }
    let beyond: usize = counted.iter().skip(SHOWN).map(|(_, count)| count).sum();
    let shown = counted.into_iter().take(SHOWN).map(|(title, count)| match count {
        1 => title,
        _ => format!("{title} ×{count}"),
    });
    shown.chain((beyond > 0).then(|| lang.tf("fax.more_items", &[&beyond.to_string()]))).collect()
}

fn number(lang: Lang, number: &FaxNumber, me: &str) -> NumberCard {
    let state = number.endpoint.state;
    let (class, mark) = match state {
        EndpointState::Verified => ("ack", "✓"),
        EndpointState::Stale | EndpointState::Unverified => ("urgent", "▲"),
        EndpointState::Suspended => ("fail", "✕"),
    };
    NumberCard {
        facility: number.facility_name.clone(),
        number: grouped(&number.endpoint.address),
        state: Chip::new(class, Some(mark), lang.pick(state.ja(), state.en())),
        settings: paper_request::words(&number.endpoint.settings),
        pages: lang.tf("fax.pages_month", &[&number.page_count.to_string()]),
        path: format!("/fax/endpoints/{}", number.endpoint.id),
        open: matches!(state, EndpointState::Verified | EndpointState::Stale),
        asks: matches!(state, EndpointState::Unverified | EndpointState::Stale),
        stopped: state == EndpointState::Suspended,
        proposed: number.proposed.as_ref().map(|p| Proposed {
            id: p.id.to_string(),
            words: lang.tf("fax.proposed", &[&grouped(&p.after), &lang.at(p.made_at)]),
            mine: p.made_by == me,
        }),
        changed: number.settings_changed.as_ref().map(|c| Changed {
            id: c.id.to_string(),
            words: lang.tf("fax.settings_changed", &[&lang.at(c.made_at)]),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yen_are_read_and_written() {
        for (text, hundredths) in [(Some("10"), Some(1000)), (Some("8.5"), Some(850)), (None, Some(0))] {
            assert_eq!(cost(text), hundredths);
        }
        for wrong in ["x", "1.234", "99999", "-1", "1.x"] {
            assert_eq!(cost(Some(wrong)), None, "{wrong}");
        }
        assert_eq!((yen(850), yen(1000)), ("8.50".to_owned(), "10".to_owned()));
    }
}
