//! Facilities with how each wants to receive, in words.

use super::{Chip, words};
use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::directory::Endpoint;
use kakehashi_core::vocabulary::{Channel, EndpointState, Urgency};
use kakehashi_store::view::{FacilityCard, FaxNumber};
use serde::Serialize;

/// The page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FacilitiesPage {
    pub(crate) csrf: String,
    pub(crate) facilities: Vec<FacilityBlock>,
}

/// A facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FacilityBlock {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) office: bool,
    pub(crate) phone: Option<String>,
    pub(crate) hours: String,
    pub(crate) groups: String,
    pub(crate) staff: Vec<String>,
    pub(crate) endpoints: Vec<EndpointBlock>,
    pub(crate) pauses: Vec<PauseBlock>,
    pub(crate) may_pause: bool,
    pub(crate) pause_path: String,
    pub(crate) who: Vec<WhoBlock>,
    pub(crate) today: String,
}

/// A pause, with where it is ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PauseBlock {
    pub(crate) path: String,
    pub(crate) words: String,
}

/// Who can rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct WhoBlock {
    pub(crate) value: String,
    pub(crate) name: String,
}

/// A number, address or interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct EndpointBlock {
    pub(crate) channel: &'static str,
    pub(crate) address: String,
    pub(crate) state: Chip,
    pub(crate) settings: String,
    pub(crate) changed: Option<ChangedBlock>,
}

/// A change of settings that can still be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ChangedBlock {
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) words: String,
}

/// All facilities, and the mail addresses whose settings were changed lately.
pub(crate) fn page(
    lang: Lang,
    now: UtcMicros,
    csrf: &str,
    cards: &[FacilityCard],
    addresses: &[FaxNumber],
) -> FacilitiesPage {
    let facilities = cards.iter().map(|c| facility(lang, now, c, addresses)).collect();
    FacilitiesPage { csrf: csrf.to_owned(), facilities }
}

/// A number or address that can rest and gets the receipt.
fn is_way(endpoint: &Endpoint) -> bool {
    matches!(endpoint.channel, Channel::Fax | Channel::Email)
        && endpoint.settings.receives
        && endpoint.state == EndpointState::Verified
}

/// Who of the facility can rest: its people, its ways, or all of it.
pub(super) fn who(lang: Lang, card: &FacilityCard) -> Vec<WhoBlock> {
    let people =
        card.staff.iter().map(|s| WhoBlock { value: format!("staff:{}", s.id), name: s.name.clone() });
    let ways = card.endpoints.iter().filter(|e| is_way(e)).map(|e| WhoBlock {
        value: format!("endpoint:{}", e.id),
        name: format!("{} {}", words::channel(lang, e.channel), e.address),
    });
    let all = WhoBlock { value: "facility".to_owned(), name: lang.t("pause.facility") };
    people.chain(ways).chain(std::iter::once(all)).collect()
}

fn facility(lang: Lang, now: UtcMicros, card: &FacilityCard, addresses: &[FaxNumber]) -> FacilityBlock {
    let id = &card.facility.id;
    FacilityBlock {
        pauses: card
            .pauses
            .iter()
            .map(|p| PauseBlock {
                path: format!("/facilities/{id}/pauses/{}/end", p.id),
                words: words::pause(lang, p, now),
            })
            .collect(),
        may_pause: card.endpoints.iter().any(is_way),
        pause_path: format!("/facilities/{id}/pauses"),
        who: who(lang, card),
        today: now.in_japan().date().to_string(),
        id: card.facility.id.to_string(),
        name: card.facility.name.clone(),
        kind: lang.pick(&card.facility_type_name.0, &card.facility_type_name.1).to_owned(),
        office: card.facility.is_network_office,
        phone: card.facility.phone.clone(),
        hours: words::hours(lang, &card.facility.business_hours),
        groups: lang.tf("facilities.groups", &[&card.group_count.to_string()]),
        staff: card.staff.iter().map(|s| s.name.clone()).collect(),
        endpoints: card.endpoints.iter().map(|e| endpoint(lang, e, addresses)).collect(),
    }
}

fn endpoint(lang: Lang, endpoint: &Endpoint, addresses: &[FaxNumber]) -> EndpointBlock {
    let change =
        addresses.iter().find(|a| a.endpoint.id == endpoint.id).and_then(|a| a.settings_changed.as_ref());
    let class = match endpoint.state {
        EndpointState::Verified => ("ack", "✓"),
        EndpointState::Stale | EndpointState::Unverified => ("urgent", "▲"),
        EndpointState::Suspended => ("fail", "✕"),
    };
    EndpointBlock {
        channel: words::channel(lang, endpoint.channel),
        // The hash of a key says nothing to anybody.
        address: if endpoint.channel == Channel::Api {
            lang.t("endpoint.key")
        } else {
            endpoint.address.clone()
        },
        state: Chip::new(class.0, Some(class.1), lang.pick(endpoint.state.ja(), endpoint.state.en())),
        settings: settings(lang, endpoint),
        changed: change.map(|c| ChangedBlock {
            path: format!("/fax/endpoints/{}/undo", endpoint.id),
            id: c.id.to_string(),
            words: lang.tf("fax.settings_changed", &[&lang.at(c.made_at)]),
        }),
    }
}

fn settings(lang: Lang, endpoint: &Endpoint) -> String {
    let set = &endpoint.settings;
    if !set.receives {
        return lang.t("endpoint.sends_only");
    }
    let mut parts = Vec::new();
    if set.digests.is_empty() {
        parts.push(lang.t("endpoint.at_once"));
    } else {
        if set.instant_threshold != Urgency::Normal {
            let word = lang.pick(set.instant_threshold.ja(), set.instant_threshold.en());
            parts.push(lang.tf("endpoint.instant_from", &[word]));
        }
        parts.push(lang.tf("endpoint.digests", &[&words::digests(lang, &set.digests)]));
    }
    if let Some(quiet) = &set.quiet_hours {
        parts.push(lang.tf("endpoint.quiet", &[&quiet.from.to_string(), &quiet.until.to_string()]));
    }
    if set.night_ok {
        parts.push(lang.t("endpoint.night_ok"));
    }
    if endpoint.channel == Channel::Email {
        parts.push(lang.tf("endpoint.mode", &[lang.pick(set.content_mode.ja(), set.content_mode.en())]));
    }
    if set.hold_seconds > 0 {
        parts.push(lang.tf("endpoint.hold", &[&set.hold_seconds.to_string()]));
    }
    parts.join(" ・ ")
}
