//! What a post asks of whom where neither sender nor rule says so (care-network.md 8.2, 8.3; hl7.md 8.1,
//! 15). The default is 返信不要; only admission and discharge ask by themselves.

use super::Bench;
use crate::clock::UtcMicros;
use crate::decision::{Addressees, Ask, Then};
use crate::envelope::Event;
use crate::vocabulary::{Channel, ReplyExpectation, Urgency};
use jiff::ToSpan as _;
use jiff::civil::time;

/// Words, urgency and questions of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manner {
    pub(super) urgency: Urgency,
    pub(super) expectation: ReplyExpectation,
    pub(super) addressees: Addressees,
    pub(super) asks: Vec<Ask>,
    pub(super) due_at: Option<UtcMicros>,
    pub(super) document_kind: Option<String>,
}

impl Bench<'_> {
    /// Rule first, then what the sender stated, then what the event is known to need.
    pub(super) fn manner(&mut self, at_least: Option<Urgency>) -> Manner {
        let mut manner =
            self.envelope.event.as_ref().map_or_else(Manner::quiet, |e| Manner::of_event(e, self.now));
        if let Some(urgency) = self.envelope.urgency {
            manner.urgency = urgency;
        }
        manner.urgency = manner.urgency.max(at_least.unwrap_or(manner.urgency));
        if let Some(expectation) = self.envelope.reply_expectation
            // A hospital system's template cannot know whom the team needs; ours above does.
            && self.envelope.channel != Channel::Hl7
        {
            manner.expectation = expectation;
        }
        let Some(verdict) = self.verdict else { return manner };
        if let Then::Post { urgency, expectation, addressees, asks, document_kind } = &verdict.then {
            manner.urgency = urgency.unwrap_or(manner.urgency);
            if expectation.is_some() || !asks.is_empty() || !addressees.is_empty() {
                // A rule that asks something asks all of it; half of the default would confuse.
                manner.expectation = expectation.unwrap_or(ReplyExpectation::None);
                manner.addressees = addressees.clone();
                manner.asks.clone_from(asks);
            }
            manner.document_kind.clone_from(document_kind);
            self.by_rule(verdict);
        }
        manner.strongest();
        manner
    }
}

impl Manner {
    fn quiet() -> Self {
        Self {
            urgency: Urgency::Normal,
            expectation: ReplyExpectation::None,
            addressees: Addressees::default(),
            asks: Vec::new(),
            due_at: None,
            document_kind: None,
        }
    }

    fn of_event(event: &Event, now: UtcMicros) -> Self {
        let quiet = Self::quiet();
        let types = |list: &[&str]| Addressees {
            facility_types: list.iter().map(|t| (*t).to_owned()).collect(),
            ..Addressees::default()
        };
        let is_adt = event.kind.as_deref() == Some("ADT");
        match event.trigger.as_deref() {
            // 入院時情報提供書 is wanted from the care manager, and its clock runs.
            Some("A01" | "A06") if is_adt => Self {
                urgency: Urgency::Urgent,
                expectation: ReplyExpectation::Reply,
                addressees: types(&["care_management_office"]),
                due_at: Some(answer_by(now)),
                ..quiet
            },
            // サービス再開日 from the care manager; nurses and pharmacy confirm that they know.
            Some("A03" | "A07") if is_adt => Self {
                urgency: Urgency::Urgent,
                expectation: ReplyExpectation::Reply,
                addressees: types(&["care_management_office"]),
                asks: vec![Ask {
                    expectation: ReplyExpectation::Ack,
                    addressees: types(&["home_nursing_station", "pharmacy"]),
                }],
                due_at: Some(answer_by(now)),
                ..quiet
            },
            Some("A11" | "A13" | "A16" | "A25" | "A60") if is_adt => {
                Self { urgency: Urgency::Urgent, ..quiet }
            }
            _ => quiet,
        }
    }

    /// `expectation` is the strongest of all that is asked.
    fn strongest(&mut self) {
        let Some(most) = self.asks.iter().map(|a| a.expectation).max() else { return };
        if self.expectation == ReplyExpectation::None && self.addressees.is_empty() {
            // The rule put everything into `asks`: the strongest moves to the front.
            if let Some(at) = self.asks.iter().position(|a| a.expectation == most) {
                let ask = self.asks.remove(at);
                self.expectation = ask.expectation;
                self.addressees = ask.addressees;
            }
        } else if most > self.expectation
            && let Some(ask) = self.asks.iter_mut().find(|a| a.expectation == most)
        {
            std::mem::swap(&mut self.expectation, &mut ask.expectation);
            std::mem::swap(&mut self.addressees, &mut ask.addressees);
        }
    }
}

/// 16:00 of the day if two hours are left, else noon of the next day.
fn answer_by(now: UtcMicros) -> UtcMicros {
    let civil = now.in_japan();
    let today = UtcMicros::from_japan(civil.date().to_datetime(time(16, 0, 0, 0)));
    let tomorrow = civil.date().checked_add(1.day()).ok();
    let noon = tomorrow.and_then(|d| UtcMicros::from_japan(d.to_datetime(time(12, 0, 0, 0))));
    today.filter(|t| t.seconds_since(now) >= 2 * 3600).or(noon).unwrap_or_else(|| now.plus_seconds(24 * 3600))
}
