//! Outcomes: `then` of a rule, and the questions of a post, which examples expect in the same form.

use super::log::{Item, Log};
use super::value::{code, items, required, table, text, texts};
use crate::decision::{Addressees, Ask, Notice, Then};
use crate::ids::FacilityId;
use crate::vocabulary::{ReplyExpectation, Urgency};

const THEN_KEYS: &[&str] = &["post", "triage", "return", "quarantine", "discard"];
/// Notices by code.
pub(in crate::rules) const NOTICES: &[(&str, Notice)] =
    &[("uniform", Notice::Uniform), ("phone_please", Notice::PhonePlease), ("too_large", Notice::TooLarge)];

pub(in crate::rules) fn outcome(log: &mut Log, value: &Item<'_>) -> Option<Then> {
    let table = table(log, "then", value, THEN_KEYS)?;
    let mut known = table.iter().filter(|(k, _)| THEN_KEYS.contains(&k.get_ref().as_ref()));
    let (Some((key, inner)), None) = (known.next(), known.next()) else {
        log.say(
            value,
            ("then には一つだけ書きます", "then has exactly one outcome"),
            (&format!("{} のどれか", THEN_KEYS.join(" ")), &format!("one of {}", THEN_KEYS.join(" "))),
        );
        return None;
    };
    match key.get_ref().as_ref() {
        "post" => post(log, inner),
        "triage" => Some(Then::Triage { text: text(log, "triage", inner)? }),
        "quarantine" => Some(Then::Quarantine { text: text(log, "quarantine", inner)? }),
        "discard" => Some(Then::Discard { text: text(log, "discard", inner)? }),
        _ => {
            let known: Vec<&str> = NOTICES.iter().map(|(code, _)| *code).collect();
            let notice = code(log, "return", inner, &known, |written| {
                NOTICES.iter().find(|(code, _)| *code == written).map(|(_, notice)| *notice)
            })?;
            Some(Then::Return { notice })
        }
    }
}

const POST_KEYS: &[&str] = &["urgency", "expectation", "asks", "document_kind"];

fn post(log: &mut Log, value: &Item<'_>) -> Option<Then> {
    let table = table(log, "post", value, POST_KEYS)?;
    let urgency = match table.get("urgency") {
        Some(value) => {
            Some(code(log, "urgency", value, &codes_of(Urgency::ALL, Urgency::code), Urgency::from_code)?)
        }
        None => None,
    };
    let document_kind = match table.get("document_kind") {
        Some(value) => Some(text(log, "document_kind", value)?),
        None => None,
    };
    let mut asked = match table.get("asks") {
        Some(value) => asks(log, value)?,
        None => Vec::new(),
    };
    let stated = match table.get("expectation") {
        Some(value) => Some((value, expectation(log, value)?)),
        None => None,
    };
    if let Some((value, stated)) = stated
        && (stated != ReplyExpectation::None || !asked.is_empty())
    {
        log.say(
            value,
            (
                "post の expectation は \"none\" だけです",
                "expectation beside post is \"none\" only, without asks",
            ),
            (
                "誰に求めるかは asks = [{ expectation = …, facility_types = [ … ] }] に書いてください",
                "say of whom: asks = [{ expectation = …, facility_types = [ … ] }]",
            ),
        );
        return None;
    }
    strongest_first(&mut asked);
    let first = if asked.is_empty() { None } else { Some(asked.remove(0)) };
    let (expectation, addressees) = match first {
        Some(ask) => (Some(ask.expectation), ask.addressees),
        None => (stated.map(|(_, stated)| stated), Addressees::default()),
    };
    Some(Then::Post { urgency, expectation, addressees, asks: asked, document_kind })
}

/// A list of questions.
pub(in crate::rules) fn asks(log: &mut Log, value: &Item<'_>) -> Option<Vec<Ask>> {
    let read: Vec<Option<Ask>> = items(log, "asks", value)?.into_iter().map(|item| ask(log, item)).collect();
    read.into_iter().collect()
}

/// The strongest question first; otherwise in the order written.
pub(in crate::rules) fn strongest_first(asks: &mut [Ask]) {
    asks.sort_by_key(|ask| std::cmp::Reverse(ask.expectation));
}

pub(in crate::rules) fn codes_of<T: Copy>(all: &[T], code: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|v| code(*v)).collect()
}

fn expectation(log: &mut Log, value: &Item<'_>) -> Option<ReplyExpectation> {
    let known = codes_of(ReplyExpectation::ALL, ReplyExpectation::code);
    code(log, "expectation", value, &known, ReplyExpectation::from_code)
}

const ASK_KEYS: &[&str] = &["expectation", "facility_types", "professions", "facilities"];

fn ask(log: &mut Log, value: &Item<'_>) -> Option<Ask> {
    let table = table(log, "asks", value, ASK_KEYS)?;
    let expectation = required(log, value, table, "expectation").and_then(|v| expectation(log, v))?;
    let mut list = |key: &str| match table.get(key) {
        Some(value) => texts(log, key, value),
        None => Some(Vec::new()),
    };
    let facility_types = list("facility_types")?;
    let professions = list("professions")?;
    let facilities: Vec<FacilityId> = list("facilities")?.into_iter().map(FacilityId::from).collect();
    if facility_types.is_empty() && professions.is_empty() && facilities.is_empty() {
        log.say(
            value,
            ("誰に求めるかがありません", "it does not say who is asked"),
            (
                "facility_types, professions, facilities のどれかを足してください",
                "add facility_types, professions or facilities",
            ),
        );
        return None;
    }
    Some(Ask { expectation, addressees: Addressees { facility_types, professions, facilities } })
}
