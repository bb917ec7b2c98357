//! What a request by mail changes (care-network.md 6.2): everything by effects that the office uses too, each
//! with its receipt. If the endpoint is not the facility's any more when it is written, or a name means nobody, the
//! office has a task.

use super::{Arrival, signer_of, triage};
use crate::commit::{Effect, EndpointChange, NewSheet};
use crate::decision::{Request, RequestedAct, TriageReason};
use crate::directory::{Endpoint, GroupRoster, Member, StaffMember};
use crate::ids::{ChangeId, GroupId};
use crate::paper_request;
use crate::pause::{self, Pause};
use crate::receipt::ReceiptOf;
use crate::sheet_order::SheetOrder;
use crate::text::fold::fold_name;
use crate::vocabulary::{Channel, EndpointState};

/// The effects of a request. `roster` is that of the request's group, if it is open.
pub(super) fn effects(
    arrival: &Arrival<'_>,
    request: &Request,
    roster: Option<&GroupRoster>,
    random: &mut dyn FnMut() -> u128,
) -> Vec<Effect> {
    let asks = Asks { arrival, request, roster };
    asks.effects(random).unwrap_or_else(|proved| vec![asks.task(proved, random)])
}

struct Asks<'a> {
    arrival: &'a Arrival<'a>,
    request: &'a Request,
    roster: Option<&'a GroupRoster>,
}

impl<'a> Asks<'a> {
    /// The error says whether the evidence is enough for what a person does now.
    fn effects(&self, random: &mut dyn FnMut() -> u128) -> Result<Vec<Effect>, bool> {
        let facility = &self.request.facility_id;
        let member = self.arrival.facility.filter(|m| &m.facility.id == facility);
        let member = member.or_else(|| self.roster?.addressable(facility)).ok_or(false)?;
        let endpoint = member.endpoints.iter().find(|e| e.id == self.request.endpoint_id).ok_or(false)?;
        let now = self.arrival.now;
        Ok(match &self.request.act {
            RequestedAct::SeeReceipts { post_id } => {
                self.roster.ok_or(false)?;
                let order = SheetOrder::Status { post_id: post_id.clone() };
                vec![Effect::OrderSheet(Box::new(NewSheet::plan(endpoint, order, now, random)))]
            }
            RequestedAct::Preferences { wishes } => {
                self.preferences(wishes, endpoint, member, random).ok_or(false)?
            }
            RequestedAct::Pause { from, until, substitute } => {
                let by = match substitute {
                    None => None,
                    Some(written) => Some(pause::substitute(written, member, self.roster).ok_or(true)?),
                };
                let signer = signer_of(self.arrival.envelope, member).or_else(|| self.named_below(member));
                let pause = Pause {
                    id: ChangeId::fresh(now, random()),
                    facility_id: facility.clone(),
                    who: pause::who(member, endpoint, by.as_ref(), signer),
                    from: *from,
                    until: *until,
                    substitute: by,
                };
                let all = pause::begin(pause, endpoint, member, now, random);
                if all.is_empty() { Err(true)? } else { all }
            }
            RequestedAct::Resume => {
                let open = pause::to_end(member, self.request, now).ok_or(true)?;
                pause::end(open, endpoint, member, now, random)
            }
            RequestedAct::TakeBack { receipt } => self.take_back(receipt, endpoint, member, random),
            RequestedAct::AskLeave { group_id } => self.ask_leave(group_id, endpoint, member, random)?,
            RequestedAct::Leave { group_id } => {
                let roster = self.roster.filter(|r| &r.group.id == group_id).ok_or(false)?;
                // The last member closes the group with the office.
                if roster.members.len() < 2 || roster.member(facility).is_none() {
                    return Err(false);
                }
                let receipt = ReceiptOf::Leave { group_id: group_id.clone() };
                let mut all = pause::receipts(receipt, endpoint, None, now, random);
                let words = format!("{} に{}の担当を終了しました。", now.to_ja(), roster.group.alias);
                all.extend(pause::tell_others(member, endpoint, &words, now, random));
                all.insert(
                    0,
                    Effect::LeaveGroup { group_id: group_id.clone(), facility_id: facility.clone() },
                );
                all
            }
        })
    }

    /// The person whose whole name is a line of the request, as people sign short mails.
    fn named_below<'m>(&self, member: &'m Member) -> Option<&'m StaffMember> {
        let lines = || self.arrival.envelope.body.as_deref().unwrap_or_default().lines().map(fold_name);
        let mut found = member.staff.iter().filter(|s| {
            let name = fold_name(&s.name);
            s.left_at.is_none() && lines().any(|l| l == name)
        });
        match (found.next(), found.next()) {
            (Some(one), None) => Some(one),
            _ => None,
        }
    }

    fn preferences(
        &self,
        wishes: &[String],
        endpoint: &Endpoint,
        member: &Member,
        random: &mut dyn FnMut() -> u128,
    ) -> Option<Vec<Effect>> {
        let now = self.arrival.now;
        let settings = paper_request::settings(&endpoint.settings, wishes.iter().map(String::as_str))?;
        Some(change_settings(settings, endpoint, member, now, random))
    }

    /// What cannot be taken back any more changes nothing; the receipt says what holds.
    fn take_back(
        &self,
        receipt: &ReceiptOf,
        endpoint: &Endpoint,
        member: &Member,
        random: &mut dyn FnMut() -> u128,
    ) -> Vec<Effect> {
        let now = self.arrival.now;
        let back = match receipt {
            ReceiptOf::Settings { id } => {
                let change = EndpointChange::UndoSettingsIfPossible { id: id.clone() };
                Effect::ChangeEndpoint { endpoint_id: endpoint.id.clone(), change }
            }
            ReceiptOf::Pause { id } => match member.pauses.iter().find(|p| &p.id == id) {
                Some(open) => return pause::end(open, endpoint, member, now, random),
                None => return pause::receipts(receipt.clone(), endpoint, None, now, random),
            },
            ReceiptOf::Leave { group_id } => Effect::ReturnToGroup {
                group_id: group_id.clone(),
                facility_id: self.request.facility_id.clone(),
            },
        };
        let mut all = pause::receipts(receipt.clone(), endpoint, None, now, random);
        let words =
            format!("{} にメールで取消の申出がありました。お心当たりがなければ事務局へ。", now.to_ja());
        all.extend(pause::tell_others(member, endpoint, &words, now, random));
        all.insert(0, back);
        all
    }

    /// The question goes to the facility's other addresses, or where there is none to the one that asks: there its
    /// manager answers, not only whoever wrote.
    fn ask_leave(
        &self,
        group_id: &GroupId,
        endpoint: &Endpoint,
        member: &Member,
        random: &mut dyn FnMut() -> u128,
    ) -> Result<Vec<Effect>, bool> {
        let now = self.arrival.now;
        let roster = self.roster.filter(|r| &r.group.id == group_id).ok_or(false)?;
        if roster.members.len() < 2 || roster.member(&self.request.facility_id).is_none() {
            return Err(false);
        }
        let mails = member.endpoints.iter().filter(|e| {
            e.channel == Channel::Email && e.settings.receives && e.state == EndpointState::Verified
        });
        let (own, others): (Vec<&Endpoint>, Vec<&Endpoint>) = mails.partition(|e| e.id == endpoint.id);
        let asked = if others.is_empty() { own } else { others };
        let mut all: Vec<Effect> = asked
            .into_iter()
            .map(|e| {
                let order = SheetOrder::LeaveConfirmation { group_id: group_id.clone() };
                Effect::OrderSheet(Box::new(NewSheet::plan(e, order, now, random)))
            })
            .collect();
        if all.is_empty() {
            return Err(false);
        }
        let words = format!(
            "{} にメールで{}の担当終了の申出がありました。お心当たりがなければ事務局へ。",
            now.to_ja(),
            roster.group.alias
        );
        let told = pause::tell_others(member, endpoint, &words, now, random);
        all.extend(
            told.into_iter()
                .filter(|t| {
                    let is_asked =
                        |id| all.iter().any(|e| matches!(e, Effect::OrderSheet(s) if &s.endpoint_id == id));
                    matches!(t, Effect::TellInNext { endpoint_id, .. } if !is_asked(endpoint_id))
                })
                .collect::<Vec<_>>(),
        );
        Ok(all)
    }

    /// The office does it: the evidence was good, the address has changed meanwhile; or a word was not understood.
    fn task(&self, proved: bool, random: &mut dyn FnMut() -> u128) -> Effect {
        let verb = self.arrival.envelope.intent.code().to_owned();
        triage(self.arrival, vec![TriageReason::Requested { verb, proved }], Vec::new(), false, random)
    }
}

/// New settings of an endpoint with the receipt that undoes them and a line to every other way of the facility.
#[must_use]
pub fn change_settings(
    settings: crate::directory::EndpointSettings,
    endpoint: &Endpoint,
    member: &Member,
    now: crate::clock::UtcMicros,
    random: &mut dyn FnMut() -> u128,
) -> Vec<Effect> {
    let id = ChangeId::fresh(now, random());
    let mut all = pause::receipts(ReceiptOf::Settings { id: id.clone() }, endpoint, None, now, random);
    let words = paper_request::changed_elsewhere(endpoint, now);
    all.extend(pause::tell_others(member, endpoint, &words, now, random));
    let change = EndpointChange::Settings { id, settings: Box::new(settings) };
    all.insert(0, Effect::ChangeEndpoint { endpoint_id: endpoint.id.clone(), change });
    all
}
