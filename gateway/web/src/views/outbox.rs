//! The outbox: what did not arrive first, each with what happened, what is safe and what to do.

use super::{Chip, words};
use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::vocabulary::{Channel, DeliveryState};
use kakehashi_store::view::{OutboxFilter, OutboxRow};
use serde::Serialize;

/// The page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct OutboxPage {
    pub(crate) csrf: String,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) empty: String,
    pub(crate) rows: Vec<OutboxLine>,
    pub(crate) problem: Option<String>,
}

/// A filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Tab {
    pub(crate) href: String,
    pub(crate) word: String,
    pub(crate) current: bool,
    pub(crate) count: Option<u32>,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct OutboxLine {
    pub(crate) facility: String,
    pub(crate) channel: &'static str,
    pub(crate) address: String,
    pub(crate) mode: &'static str,
    pub(crate) state: Chip,
    pub(crate) when: String,
    pub(crate) attempts: Option<String>,
    pub(crate) resend: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) explain: Option<Explain>,
    pub(crate) items: Vec<ItemLine>,
    pub(crate) preview: Option<String>,
    pub(crate) retry: Option<String>,
    pub(crate) recall: Option<String>,
    pub(crate) called: Option<String>,
    /// 電話で伝える, with the facility's telephone.
    pub(crate) tell: Option<String>,
}

/// A FAX that no machine brings there any more becomes a task for the telephone.
pub(crate) fn tell_by_phone(
    lang: Lang,
    channel: Channel,
    state: DeliveryState,
    phone: Option<&String>,
) -> Option<String> {
    let over = matches!(state, DeliveryState::Failed | DeliveryState::Unknown);
    (over && channel == Channel::Fax).then(|| match phone {
        Some(phone) => lang.tf("outbox.tell", &[phone]),
        None => lang.t("outbox.tell_unknown"),
    })
}

/// What happened, what is safe, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Explain {
    pub(crate) what: String,
    pub(crate) safe: String,
    pub(crate) act: String,
}

/// A post of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ItemLine {
    pub(crate) href: String,
    pub(crate) alias: String,
    pub(crate) title: String,
}

/// Name of a filter in addresses and words.
pub(crate) const fn code(filter: OutboxFilter) -> &'static str {
    match filter {
        OutboxFilter::NeedsAction => "needs_action",
        OutboxFilter::Held => "held",
        OutboxFilter::HandedOff => "handed_off",
        OutboxFilter::Done => "done",
    }
}

/// The filters in order.
pub(crate) const FILTERS: [OutboxFilter; 4] =
    [OutboxFilter::NeedsAction, OutboxFilter::Held, OutboxFilter::HandedOff, OutboxFilter::Done];

/// The page of one filter.
pub(crate) fn page(
    lang: Lang,
    csrf: &str,
    filter: OutboxFilter,
    action_count: u32,
    rows: &[OutboxRow],
    problem: Option<String>,
    now: UtcMicros,
) -> OutboxPage {
    OutboxPage {
        csrf: csrf.to_owned(),
        tabs: FILTERS
            .iter()
            .map(|f| Tab {
                href: format!("/outbox?show={}", code(*f)),
                word: lang.t(&format!("outbox.{}", code(*f))),
                current: *f == filter,
                count: (*f == OutboxFilter::NeedsAction && action_count > 0).then_some(action_count),
            })
            .collect(),
        empty: lang.t(&format!("outbox.empty.{}", code(filter))),
        rows: rows.iter().map(|r| line(lang, r, now)).collect(),
        problem,
    }
}

fn line(lang: Lang, row: &OutboxRow, now: UtcMicros) -> OutboxLine {
    let phone = row.channel == Channel::PhoneMemo;
    let open_call =
        phone && matches!(row.state, DeliveryState::HandedOff | DeliveryState::Held | DeliveryState::Unknown);
    let class = match row.state {
        DeliveryState::Delivered => ("ack", Some("✓")),
        DeliveryState::Failed => ("fail", Some("✕")),
        DeliveryState::Unknown => ("fail", Some("？")),
        DeliveryState::HandedOff if phone => ("urgent", Some("☎")),
        DeliveryState::Held | DeliveryState::HandedOff => ("wait", None),
        DeliveryState::Recalled => ("", None),
    };
    let state = if open_call {
        lang.pick("電話依頼", "phone task")
    } else {
        lang.pick(row.state.ja(), row.state.en())
    };
    let when = match row.state {
        DeliveryState::Held => lang.tf("outbox.due", &[&lang.near(row.due_at, now)]),
        DeliveryState::Delivered | DeliveryState::Recalled => lang.near(row.state_at, now),
        _ => lang.tf("outbox.since", &[&lang.near(row.state_at, now)]),
    };
    let explain = |kind: &str| Explain {
        what: lang.tf(&format!("outbox.{kind}.what"), &[&row.facility_name]),
        safe: lang.t(&format!("outbox.{kind}.safe")),
        act: lang.t(&format!("outbox.{kind}.do")),
    };
    let path = format!("/deliveries/{}", row.id);
    // A notice to nobody of ours has no facility to be called.
    let tell = tell_by_phone(lang, row.channel, row.state, row.phone.as_ref())
        .filter(|_| !row.facility_name.is_empty());
    OutboxLine {
        facility: row.facility_name.clone(),
        channel: words::channel(lang, row.channel),
        address: row.address.clone(),
        mode: lang.pick(row.mode.ja(), row.mode.en()),
        state: Chip::new(class.0, class.1, state),
        when,
        attempts: (row.attempt_count > 1)
            .then(|| lang.tf("outbox.attempts", &[&row.attempt_count.to_string()])),
        resend: row.resend_possible.then(|| lang.t("way.resend")),
        // A phone task has no far side yet.
        detail: row.last_detail.clone().filter(|d| !d.is_empty() && row.channel != Channel::PhoneMemo),
        explain: match row.state {
            _ if open_call => Some(explain("phone")),
            DeliveryState::Failed if row.channel == Channel::Hl7 => Some(explain("failed_hl7")),
            DeliveryState::Unknown if row.channel == Channel::Hl7 => Some(explain("unknown_hl7")),
            DeliveryState::Failed => Some(explain("failed")),
            DeliveryState::Unknown => Some(explain("unknown")),
            _ => None,
        },
        items: row
            .items
            .iter()
            .map(|i| ItemLine {
                href: format!("/groups/{}/topics/{}", i.group_id, i.topic_id),
                alias: i.group_alias.clone(),
                title: i.title.clone().unwrap_or_default(),
            })
            .collect(),
        // Other channels have nothing that a person could look at.
        preview: matches!(row.channel, Channel::Fax | Channel::Email | Channel::PhoneMemo)
            .then(|| format!("{path}/preview")),
        retry: (!open_call && matches!(row.state, DeliveryState::Failed | DeliveryState::Unknown))
            .then(|| format!("{path}/retry")),
        recall: (row.state == DeliveryState::Held).then(|| format!("{path}/recall")),
        called: (open_call || tell.is_some()).then(|| format!("{path}/call")),
        tell,
    }
}
