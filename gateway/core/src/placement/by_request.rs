//! What a request by mail changes (care-network.md 6.2): everything by effects that the office uses too, each
//! with its receipt. If the endpoint is not the facility's any more when it is written, the office has a task.

use super::{Arrival, triage};
use crate::commit::{Effect, EndpointChange, NewSheet};
use crate::decision::{Request, RequestedAct, TriageReason};
use crate::directory::{Endpoint, GroupRoster};
use crate::ids::ChangeId;
use crate::paper_request;
use crate::sheet_order::SheetOrder;
use crate::vocabulary::{Channel, EndpointState};

/// The effects of a request.
pub(super) fn effects(
    arrival: &Arrival<'_>,
    request: &Request,
    roster: &GroupRoster,
    random: &mut dyn FnMut() -> u128,
) -> Vec<Effect> {
    let member = roster.addressable(&request.facility_id);
    let endpoints = member.map(|m| m.endpoints.as_slice()).unwrap_or_default();
    let Some(endpoint) = endpoints.iter().find(|e| e.id == request.endpoint_id) else {
        return vec![task(arrival, random)];
    };
    match &request.act {
        RequestedAct::SeeReceipts { post_id } => {
            let order = SheetOrder::Status { post_id: post_id.clone() };
            vec![Effect::OrderSheet(Box::new(NewSheet::plan(endpoint, order, arrival.now, random)))]
        }
        RequestedAct::Preferences { wishes } => {
            let wishes = wishes.iter().map(String::as_str);
            let Some(settings) = paper_request::settings(&endpoint.settings, wishes) else {
                return vec![task(arrival, random)];
            };
            let mut tell = |endpoint: &Endpoint, words: String| Effect::TellInNext {
                id: ChangeId::fresh(arrival.now, random()),
                endpoint_id: endpoint.id.clone(),
                words,
            };
            let mut all = vec![tell(endpoint, paper_request::mail_receipt(&settings, arrival.now))];
            // Whoever changed it in somebody's name is noticed where the facility receives besides.
            let others = endpoints.iter().filter(|e| {
                e.id != endpoint.id
                    && matches!(e.channel, Channel::Fax | Channel::Email)
                    && e.settings.receives
                    && e.state == EndpointState::Verified
            });
            all.extend(others.map(|e| tell(e, paper_request::changed_elsewhere(endpoint, arrival.now))));
            all.push(Effect::ChangeEndpoint {
                endpoint_id: endpoint.id.clone(),
                change: EndpointChange::Settings {
                    id: ChangeId::fresh(arrival.now, random()),
                    settings: Box::new(settings),
                },
            });
            all
        }
    }
}

/// The office does it: the evidence was good, the address has changed meanwhile.
fn task(arrival: &Arrival<'_>, random: &mut dyn FnMut() -> u128) -> Effect {
    let verb = arrival.envelope.intent.code().to_owned();
    triage(arrival, vec![TriageReason::Requested { verb, proved: false }], Vec::new(), false, random)
}
