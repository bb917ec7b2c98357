//! 休止 and 再開 that a 設定票 asks for, as the office types them from the handwriting beside it (care-network.md 6.4).
//! The effects are those of a request by mail, with the receipt to the number of the sheet. Nothing is taken from
//! ink alone, and nothing that was typed is passed over in silence.

use super::request::{asked, of_sender};
use crate::app::App;
use crate::error::PageError;
use crate::forms::Fields;
use crate::pages::pauses::{chosen, day, period};
use crate::random;
use crate::rights::Office;
use crate::views::triage::Missing;
use kakehashi_core::commit::Effect;
use kakehashi_core::directory::Endpoint;
use kakehashi_core::ids::ChangeId;
use kakehashi_core::pause::{Confirmed, NotPaused, begin_confirmed, end_confirmed};
use kakehashi_store::view::{FacilityCard, TriageItem};

/// The facility whose 設定票 this is, and the number that it came from.
pub(super) fn offered<'c>(
    item: &TriageItem,
    cards: &'c [FacilityCard],
) -> Option<(&'c FacilityCard, &'c Endpoint)> {
    asked(item).filter(|(verb, _)| *verb == "preference")?;
    let envelope = item.envelope.as_ref()?;
    let endpoint = of_sender(envelope, cards.iter().flat_map(|c| &c.endpoints))?;
    cards.iter().find(|c| c.facility.id == endpoint.facility_id).map(|card| (card, endpoint))
}

/// What the fields ask for; nothing if they say nothing about it.
pub(super) async fn wanted(
    app: &App,
    office: &Office,
    endpoint: &Endpoint,
    cards: &[FacilityCard],
    fields: &Fields,
) -> Result<Result<Vec<Effect>, Missing>, PageError> {
    let Some(what) = fields.get("leave") else {
        let typed = ["who", "from", "until", "substitute"].iter().any(|n| fields.get(n).is_some());
        return Ok(if typed { Err(Missing::at("leave", "request.leave.choose")) } else { Ok(Vec::new()) });
    };
    let now = app.now();
    let member = office.view.member(&endpoint.facility_id, now).await?.ok_or(PageError::NotFound)?;
    let effects = if what == "begin" {
        let Some(who) = fields.get("who").and_then(|who| chosen(who, &member)) else {
            return Ok(Err(Missing::at("who", "request.leave.who")));
        };
        let Some((from, until)) = period(fields) else {
            let field = if day(fields, "from").is_none() { "from" } else { "until" };
            return Ok(Err(Missing::at(field, "request.leave.day")));
        };
        let substitute = fields.line("substitute", 40);
        let read = Confirmed { who, from, until, substitute: &substitute };
        let facilities = cards.iter().map(|c| &c.facility);
        begin_confirmed(read, endpoint, &member, facilities, now, &mut random::bits)
    } else {
        let id = ChangeId::new(what.strip_prefix("end:").ok_or(PageError::BadForm)?);
        end_confirmed(&id, endpoint, &member, now, &mut random::bits)
    };
    Ok(effects.map_err(|why| match why {
        NotPaused::NoReceipt => Missing::of_all("request.leave.no_receipt"),
        NotPaused::Substitute => Missing::at("substitute", "request.leave.substitute"),
        NotPaused::Period => Missing::at("until", "request.leave.period"),
        NotPaused::Over => Missing::at("leave", "request.leave.over"),
    }))
}
