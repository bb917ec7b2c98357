//! 休止 as the office begins and ends it for a facility that called (I3): the same effects as by mail, with the
//! same receipt. Never for a facility that has no number or address to send the receipt to.

use crate::app::App;
use crate::error::PageError;
use crate::forms::{Fields, SignedForm};
use crate::posting::commit;
use crate::random;
use crate::rights::Office;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::ToSpan as _;
use jiff::civil::{Date, Time};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::Actor;
use kakehashi_core::directory::{Endpoint, Member};
use kakehashi_core::ids::{ChangeId, FacilityId};
use kakehashi_core::pause::{self, Pause, Paused};
use kakehashi_core::vocabulary::{Channel, EndpointState};

/// Begins a pause of one number or address, of a person, or of the whole facility.
pub(crate) async fn begin(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let now = app.now();
    let facility = FacilityId::new(&id);
    let member = office.view.member(&facility, now).await?.ok_or(PageError::NotFound)?;
    let (from, until) = period(&fields).ok_or(PageError::BadForm)?;
    let written = fields.line("substitute", 40);
    let substitute = if written.is_empty() {
        None
    } else {
        Some(pause::substitute(&written, &member, None).ok_or(PageError::BadForm)?)
    };
    let who = fields.get("who").and_then(|who| chosen(who, &member)).ok_or(PageError::BadForm)?;
    let by = receiver(&member, &who).ok_or(PageError::BadForm)?;
    let pause = Pause {
        id: ChangeId::fresh(now, random::bits()),
        facility_id: facility,
        who,
        from,
        until,
        substitute,
    };
    let effects = pause::begin(pause, by, &member, now, &mut random::bits);
    if effects.is_empty() {
        return Err(PageError::BadForm);
    }
    commit(&app, Actor::LoginUser { id: office.visitor.user.id.clone() }, effects, now).await?;
    Ok(back(&id))
}

/// 再開 before the time, or 取消.
pub(crate) async fn end(
    State(app): State<App>,
    office: Office,
    Path((id, pause)): Path<(String, String)>,
    SignedForm(_): SignedForm,
) -> Result<Response, PageError> {
    let now = app.now();
    let member = office.view.member(&FacilityId::new(&id), now).await?.ok_or(PageError::NotFound)?;
    let pause = ChangeId::new(pause);
    // Somebody else was faster, or its time was over.
    let Some(pause) = member.pauses.iter().find(|p| p.id == pause) else { return Ok(back(&id)) };
    let by = receiver(&member, &pause.who).ok_or(PageError::BadForm)?;
    let effects = pause::end(pause, by, &member, now, &mut random::bits);
    commit(&app, Actor::LoginUser { id: office.visitor.user.id.clone() }, effects, now).await?;
    Ok(back(&id))
}

fn back(facility: &str) -> Response {
    Redirect::to(&format!("/facilities#facility-{facility}")).into_response()
}

/// A day as typed.
pub(crate) fn day(fields: &Fields, name: &str) -> Option<Date> {
    fields.get(name).and_then(|d| d.parse().ok())
}

/// First day and the midnight after the last one.
pub(crate) fn period(fields: &Fields) -> Option<(UtcMicros, UtcMicros)> {
    let midnight = |date: Date| UtcMicros::from_japan(date.to_datetime(Time::midnight()));
    let last = day(fields, "until")?.checked_add(1.day()).ok()?;
    Some((midnight(day(fields, "from")?)?, midnight(last)?))
}

/// Who rests, as chosen from the list of the member's people and ways.
pub(crate) fn chosen(who: &str, member: &Member) -> Option<Paused> {
    if who == "facility" {
        return Some(Paused::Facility);
    }
    if let Some(staff) = who.strip_prefix("staff:") {
        let person = member.staff.iter().find(|s| s.id.as_str() == staff && s.left_at.is_none())?;
        return Some(Paused::Person { staff: Some((person.id.clone(), person.name.clone())) });
    }
    let endpoint = who.strip_prefix("endpoint:")?;
    let own = member.endpoints.iter().find(|e| e.id.as_str() == endpoint)?;
    Some(Paused::Endpoint { endpoint_id: own.id.clone() })
}

/// Where the receipt goes: the way that rests, else the facility's mail, else its FAX.
fn receiver<'m>(member: &'m Member, who: &Paused) -> Option<&'m Endpoint> {
    let usable = |e: &&Endpoint| {
        matches!(e.channel, Channel::Email | Channel::Fax)
            && e.settings.receives
            && e.state == EndpointState::Verified
    };
    if let Paused::Endpoint { endpoint_id } = who {
        let own = member.endpoints.iter().filter(usable).find(|e| e.id == *endpoint_id);
        if own.is_some() {
            return own;
        }
    }
    let of = |channel: Channel| member.endpoints.iter().filter(usable).find(move |e| e.channel == channel);
    of(Channel::Email).or_else(|| of(Channel::Fax))
}
