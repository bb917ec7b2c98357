//! What a request by mail changes (care-network.md 6.2): everything by effects that the office uses too, each
//! with its receipt. If the endpoint is not the facility's any more when it is written, the office has a task.

use super::{Arrival, triage};
use crate::commit::{Effect, NewSheet};
use crate::decision::{Request, RequestedAct, TriageReason};
use crate::directory::GroupRoster;
use crate::sheet_order::SheetOrder;

/// The effects of a request.
pub(super) fn effects(
    arrival: &Arrival<'_>,
    request: &Request,
    roster: &GroupRoster,
    random: &mut dyn FnMut() -> u128,
) -> Vec<Effect> {
    let member = roster.addressable(&request.facility_id);
    let endpoint = member.and_then(|m| m.endpoints.iter().find(|e| e.id == request.endpoint_id));
    let Some(endpoint) = endpoint else {
        let verb = arrival.envelope.intent.code().to_owned();
        let reason = TriageReason::Requested { verb, proved: false };
        return vec![triage(arrival, vec![reason], Vec::new(), false, random)];
    };
    match &request.act {
        RequestedAct::SeeReceipts { post_id } => {
            let order = SheetOrder::Status { post_id: post_id.clone() };
            vec![Effect::OrderSheet(Box::new(NewSheet::plan(endpoint, order, arrival.now, random)))]
        }
    }
}
