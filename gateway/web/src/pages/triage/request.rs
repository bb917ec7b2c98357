//! What a sheet asks for besides 了解 and reply, as the office carries it out (care-network.md 6.2): settings, 休止,
//! 番号確認, 状況票, 担当終了, 宛先違い. Each leaves a receipt for the next regular delivery; where the evidence is
//! too weak the office first calls the registered number and notes who answered (I3).

use super::{actor, close, leave, next_item, open_item, refuse};
use crate::app::App;
use crate::error::PageError;
use crate::forms::{Fields, SignedForm};
use crate::posting::commit;
use crate::random;
use crate::rights::Office;
use crate::views::triage::Missing;
use axum::extract::{Path, State};
use axum::response::Response;
use kakehashi_core::commit::{Effect, EndpointChange, NewSheet, SuspendReason, TriageOutcome};
use kakehashi_core::decision::{Answer, TriageReason};
use kakehashi_core::directory::{ClockTime, Endpoint, EndpointSettings, GroupRoster, QuietHours};
use kakehashi_core::envelope::Envelope;
use kakehashi_core::ids::{ChangeId, EndpointId, FacilityId};
use kakehashi_core::paper_request;
use kakehashi_core::sheet_order::SheetOrder;
use kakehashi_core::text::fold::narrow;
use kakehashi_core::vocabulary::{Channel, EndpointState};
use kakehashi_store::view::TriageItem;

/// The verb that the item asks for on paper, and whether the evidence is enough.
pub(crate) fn asked(item: &TriageItem) -> Option<(&str, bool)> {
    item.envelope.as_ref().filter(|e| e.channel == Channel::Fax && e.sheet.is_some())?;
    item.row.reasons.iter().find_map(|reason| match reason {
        TriageReason::Requested { verb, proved } => Some((verb.as_str(), *proved)),
        _ => None,
    })
}

/// The number that the sheet came from.
pub(super) fn of_sender<'e>(
    envelope: &Envelope,
    endpoints: impl Iterator<Item = &'e Endpoint>,
) -> Option<&'e Endpoint> {
    let number = envelope.sender.number.as_deref()?;
    let mut endpoints = endpoints;
    endpoints.find(|e| e.channel == Channel::Fax && e.address == number)
}

/// The number of this facility that the item's sheet came from.
pub(super) async fn number_of(
    office: &Office,
    item: &TriageItem,
    facility: &FacilityId,
) -> Result<Option<EndpointId>, PageError> {
    let cards = office.view.facilities().await?;
    let own = cards.iter().filter(|c| &c.facility.id == facility).flat_map(|c| &c.endpoints);
    Ok(item.envelope.as_ref().and_then(|e| of_sender(e, own)).map(|e| e.id.clone()))
}

/// Does what a sheet without a post asks for.
pub(crate) async fn settle(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let item = open_item(&office, id).await?;
    let (Some((verb, proved)), Some(envelope)) = (asked(&item), &item.envelope) else {
        return Err(PageError::BadForm);
    };
    let listener = fields.line("listener", 60);
    if !proved && listener.is_empty() {
        let missing = Missing::at("listener", "outbox.listener_needed");
        return refuse(&app, &office, &item, &fields, missing).await;
    }
    let cards = office.view.facilities().await?;
    let all = || cards.iter().flat_map(|c| &c.endpoints);
    let endpoint = of_sender(envelope, all()).ok_or(PageError::BadForm)?;
    let (now, network) = (app.now(), app.network().await?);
    let mut effects = Vec::new();
    match verb {
        "preference" => {
            match leave::wanted(&app, &office, endpoint, &cards, &fields).await? {
                Ok(leave) => effects.extend(leave),
                Err(missing) => return refuse(&app, &office, &item, &fields, missing).await,
            }
            // A sheet may ask for a leave and for nothing else.
            let only_leave = !effects.is_empty() && !speaks_of_settings(&fields);
            let settings = match wanted(endpoint, &fields) {
                Ok(settings) => Some(settings),
                Err(_) if only_leave => None,
                Err(missing) => return refuse(&app, &office, &item, &fields, missing).await,
            };
            if let Some(settings) = settings {
                let words = paper_request::settings_receipt(&settings, &network.office_phone, now);
                effects.push(Effect::ChangeEndpoint {
                    endpoint_id: endpoint.id.clone(),
                    change: EndpointChange::Settings {
                        id: ChangeId::fresh(now, random::bits()),
                        settings: Box::new(settings),
                    },
                });
                effects.push(tell(endpoint, words, now));
                // Whoever changed it in somebody's name is noticed where the facility receives besides.
                let others = all().filter(|e| {
                    e.facility_id == endpoint.facility_id
                        && e.id != endpoint.id
                        && e.channel == Channel::Fax
                        && e.state == EndpointState::Verified
                });
                effects.extend(others.map(|e| tell(e, paper_request::changed_elsewhere(endpoint, now), now)));
            }
        }
        "confirm_number" => {
            effects.push(Effect::ChangeEndpoint {
                endpoint_id: endpoint.id.clone(),
                change: EndpointChange::Verified,
            });
            effects.push(tell(endpoint, format!("{} にこの番号を確認しました。", now.to_ja()), now));
        }
        // 異動届: names and dates are written by hand; the office writes them into the roster.
        "staff_change" => {
            let words = format!("{} に異動届を承りました(確認 {listener}様)。", now.to_ja());
            effects.push(tell(endpoint, words, now));
        }
        _ => return Err(PageError::BadForm),
    }
    let note = (!listener.is_empty()).then(|| format!("☎ {listener}"));
    effects.push(close(&item, TriageOutcome::Done, note));
    commit(&app, actor(&office), effects, now).await?;
    next_item(&office).await
}

fn tell(endpoint: &Endpoint, words: String, now: kakehashi_core::clock::UtcMicros) -> Effect {
    Effect::TellInNext { id: ChangeId::fresh(now, random::bits()), endpoint_id: endpoint.id.clone(), words }
}

fn speaks_of_settings(fields: &Fields) -> bool {
    fields.all("mark").any(paper_request::is_setting)
        || ["digest_times", "quiet_from", "quiet_until"].iter().any(|n| fields.get(n).is_some())
}

/// The ticks as the office sees them, and what was written by hand beside them.
fn wanted(endpoint: &Endpoint, fields: &Fields) -> Result<EndpointSettings, Missing> {
    const NO_SETTINGS: Missing = Missing::of_all("request.no_settings");
    let times = digest_times(fields)?;
    let mut marked: Vec<&str> = fields.all("mark").chain(times.iter().map(String::as_str)).collect();
    // Boxes are named by their time: ticked and written ones come in the order of the day.
    marked.sort_unstable();
    let ticked = marked.iter().any(|m| paper_request::is_setting(m));
    let mut settings = match paper_request::settings(&endpoint.settings, marked) {
        Some(settings) => settings,
        None if ticked => return Err(NO_SETTINGS),
        None => endpoint.settings.clone(),
    };
    let time = |name: &str| fields.get(name).map(ClockTime::parse);
    match (time("quiet_from"), time("quiet_until")) {
        (None, None) => {}
        (Some(Some(from)), Some(Some(until))) => settings.quiet_hours = Some(QuietHours { from, until }),
        (None | Some(None), _) => return Err(Missing::at("quiet_from", "request.quiet_both")),
        (Some(Some(_)), _) => return Err(Missing::at("quiet_until", "request.quiet_both")),
    }
    if settings == endpoint.settings { Err(NO_SETTINGS) } else { Ok(settings) }
}

/// Times of the まとめ便 that stand on the sheet in handwriting, as boxes of the same meaning.
fn digest_times(fields: &Fields) -> Result<Vec<String>, Missing> {
    let typed = narrow(&fields.line("digest_times", 60));
    let times = typed.split([' ', ',', '、', '・']).filter(|time| !time.is_empty());
    let named = times.map(|time| {
        let (hour, minute) = time.split_once(':').filter(|_| ClockTime::parse(time).is_some())?;
        Some(format!("digest_{hour:0>2}{minute:0>2}"))
    });
    named.collect::<Option<_>>().ok_or(Missing::at("digest_times", "request.times_wrong"))
}

/// What is marked on a reply sheet besides its answer.
pub(super) async fn besides(
    app: &App,
    item: &TriageItem,
    answer: &Answer,
    roster: &GroupRoster,
    marked: &[&str],
    listener: &str,
) -> Result<Result<Vec<Effect>, Missing>, PageError> {
    let now = app.now();
    let member = roster.addressable(&answer.facility_id);
    let endpoints = member.map(|m| m.endpoints.as_slice()).unwrap_or_default();
    let endpoint = item.envelope.as_ref().and_then(|e| of_sender(e, endpoints.iter()));
    let Some(endpoint) = endpoint else { return Ok(Ok(Vec::new())) };
    let mut effects = Vec::new();
    if marked.contains(&"see_receipts") {
        let order = SheetOrder::Status { post_id: answer.post_id.clone() };
        effects.push(Effect::OrderSheet(Box::new(NewSheet::plan(endpoint, order, now, &mut random::bits))));
    }
    if marked.iter().any(|m| paper_request::is_setting(m)) {
        let Some(settings) = paper_request::settings(&endpoint.settings, marked.iter().copied()) else {
            return Ok(Err(Missing::of_all("request.no_settings")));
        };
        let phone = app.network().await?.office_phone;
        effects.push(tell(endpoint, paper_request::settings_receipt(&settings, &phone, now), now));
        effects.push(Effect::ChangeEndpoint {
            endpoint_id: endpoint.id.clone(),
            change: EndpointChange::Settings {
                id: ChangeId::fresh(now, random::bits()),
                settings: Box::new(settings),
            },
        });
    }
    if marked.contains(&"leave_group") {
        // I2 and the facility manager's word.
        if listener.is_empty() {
            return Ok(Err(Missing::at("listener", "request.manager_needed")));
        }
        let alias = &roster.group.alias;
        let words = format!(
            "{} に {alias} の担当終了を承りました(確認 {listener}様)。戻るときは事務局へ。",
            now.to_ja()
        );
        effects.push(tell(endpoint, words, now));
        effects.push(Effect::LeaveGroup {
            group_id: roster.group.id.clone(),
            facility_id: answer.facility_id.clone(),
        });
    }
    if marked.contains(&"wrong_recipient") {
        effects.push(Effect::SuspendEndpoint {
            endpoint_id: endpoint.id.clone(),
            why: SuspendReason::WrongRecipient,
        });
    }
    Ok(Ok(effects))
}
