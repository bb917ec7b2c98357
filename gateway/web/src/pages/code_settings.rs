//! How a member receives, and 休止, on the page behind a reply code (I2: the code, and the address that it was sent
//! to gets the receipt that undoes it). Only the endpoint of the code is changed; a word or time that is not
//! understood changes nothing.

use super::code::{Opened, actor, gone, open_signed, problem};
use super::pauses::period;
use crate::app::App;
use crate::error::PageError;
use crate::forms::{Fields, GuestForm};
use crate::posting::commit;
use crate::random;
use crate::session::Guest;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use kakehashi_core::directory::{ClockTime, Day, DigestTime, Endpoint, EndpointSettings, Member, QuietHours};
use kakehashi_core::ids::ChangeId;
use kakehashi_core::pause::{self, Pause};
use kakehashi_core::placement::change_settings;
use kakehashi_core::vocabulary::{Channel, EndpointState, Urgency};

/// Most まとめ便 a day.
const DIGESTS_MAX: usize = 8;

/// Whether settings can be changed here: somebody must get the receipt.
pub(super) fn may_change(endpoint: &Endpoint) -> bool {
    matches!(endpoint.channel, Channel::Email | Channel::Fax)
        && endpoint.settings.receives
        && endpoint.state == EndpointState::Verified
}

/// 設定変更.
pub(crate) async fn save(
    State(app): State<App>,
    guest: Guest,
    Path(code): Path<String>,
    GuestForm(fields): GuestForm,
) -> Result<Response, PageError> {
    let Some((opened, member)) = opened(&app, &guest, &code, &fields).await? else {
        return gone(&app, &guest).await;
    };
    let now = app.now();
    let Some(settings) = wanted(&opened.page.endpoint.settings, &fields) else {
        return problem(&app, &guest, &opened, "code.set.not_understood").await;
    };
    let effects = change_settings(settings, &opened.page.endpoint, &member, now, &mut random::bits);
    commit(&app, actor(&opened), effects, now).await?;
    Ok(done(&opened, "settings"))
}

/// 休止 of the address or number.
pub(crate) async fn rest(
    State(app): State<App>,
    guest: Guest,
    Path(code): Path<String>,
    GuestForm(fields): GuestForm,
) -> Result<Response, PageError> {
    let Some((opened, member)) = opened(&app, &guest, &code, &fields).await? else {
        return gone(&app, &guest).await;
    };
    let (now, endpoint) = (app.now(), &opened.page.endpoint);
    let written = fields.line("substitute", 40);
    let roster = app.store().code(&app.state.network).roster(&opened.code, now).await?;
    let substitute = pause::substitute(&written, &member, roster.as_ref());
    let (Some((from, until)), true) = (period(&fields), written.is_empty() || substitute.is_some()) else {
        return problem(&app, &guest, &opened, "code.rest.not_understood").await;
    };
    let pause = Pause {
        id: ChangeId::fresh(now, random::bits()),
        facility_id: member.facility.id.clone(),
        who: pause::who(&member, endpoint, substitute.as_ref(), None),
        from,
        until,
        substitute,
    };
    let effects = pause::begin(pause, endpoint, &member, now, &mut random::bits);
    if effects.is_empty() {
        return problem(&app, &guest, &opened, "code.rest.not_understood").await;
    }
    commit(&app, actor(&opened), effects, now).await?;
    Ok(done(&opened, "rest"))
}

async fn opened(
    app: &App,
    guest: &Guest,
    code: &str,
    fields: &Fields,
) -> Result<Option<(Opened, Member)>, PageError> {
    let Some(opened) = open_signed(app, guest, code, fields).await? else { return Ok(None) };
    if !may_change(&opened.page.endpoint) {
        return Ok(None);
    }
    let member = app.store().code(&app.state.network).member(&opened.code, app.now()).await?;
    Ok(member.map(|member| (opened, member)))
}

fn done(opened: &Opened, what: &str) -> Response {
    Redirect::to(&format!("/r/{}?done={what}", opened.code)).into_response()
}

/// The settings of the form. `None` if something in it is no time, or nothing would change.
fn wanted(now: &EndpointSettings, fields: &Fields) -> Option<EndpointSettings> {
    let mut wanted = now.clone();
    wanted.instant_threshold = Urgency::from_code(fields.get("instant")?)?;
    wanted.night_ok = fields.get("night_ok").is_some();
    let written = fields.line("digests", 120);
    let times: Vec<ClockTime> = written
        .split([' ', ',', '、', '・', '\u{3000}'])
        .filter(|t| !t.is_empty())
        .map(|t| ClockTime::parse(&kakehashi_core::text::fold::narrow(t)))
        .collect::<Option<_>>()?;
    // The same times on the days that the member has chosen.
    let weekdays = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri];
    let days = match fields.get("days") {
        Some("weekdays") => weekdays.to_vec(),
        Some("every") => Vec::new(),
        _ => now.digests.first().map(|d| d.days.clone()).unwrap_or_default(),
    };
    if times.len() > DIGESTS_MAX {
        return None;
    }
    wanted.digests = times.into_iter().map(|at| DigestTime { days: days.clone(), at }).collect();
    let time = |name: &str| fields.get(name).map(ClockTime::parse);
    wanted.quiet_hours = match (time("quiet_from"), time("quiet_until")) {
        (None, None) => None,
        (Some(Some(from)), Some(Some(until))) => Some(QuietHours { from, until }),
        _ => return None,
    };
    (wanted != *now).then_some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn a_form_means_settings_or_nothing() {
        let now = EndpointSettings::default();
        let full = [
            ("instant", "urgent"),
            ("digests", "８:４５　15:30"),
            ("days", "weekdays"),
            ("quiet_from", "20:00"),
            ("quiet_until", "07:30"),
            ("night_ok", "yes"),
        ];
        let wanted = wanted(&now, &form(&full)).unwrap();
        assert_eq!(
            kakehashi_core::paper_request::words(&wanted),
            "至急から即時・まとめ便 平日 8:45・15:30・休み時間帯 20:00–7:30・夜間可"
        );
        for (name, value) in
            [("digests", "25:00"), ("digests", "朝"), ("instant", "never"), ("quiet_until", "")]
        {
            let changed: Vec<(&str, &str)> =
                full.iter().map(|(n, v)| (*n, if *n == name { value } else { *v })).collect();
            assert_eq!(super::wanted(&now, &form(&changed)), None, "{name} {value}");
        }
        assert_eq!(super::wanted(&now, &form(&[("instant", "normal")])), None, "nothing changes");
    }
}
