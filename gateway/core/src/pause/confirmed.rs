//! 休止 and 再開 as a person of the office reads them from handwriting, such as on a 設定票 (care-network.md 6.4).
//! Ends in the same [`begin`] and [`end`] as a mail. A name that means nobody or several, a period without length
//! and a number that cannot get the receipt begin nothing: the person is told what is missing.

use super::{Pause, Paused, begin, end, is_paper_or_mail, is_the, substitute_among};
use crate::clock::UtcMicros;
use crate::commit::Effect;
use crate::directory::{Endpoint, Facility, Member};
use crate::ids::ChangeId;

/// What the person read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed<'a> {
    /// Who rests.
    pub who: Paused,
    /// From.
    pub from: UtcMicros,
    /// The first moment after it.
    pub until: UtcMicros,
    /// 代理 as written; empty if there is none.
    pub substitute: &'a str,
}

/// Why nothing was begun or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPaused {
    /// The number that asks gets no receipt: verify it, or do it at the facility's entry after a call.
    #[error("the number is not verified or receives nothing, so the receipt could not reach it")]
    NoReceipt,
    /// 代理 means nobody or several, or the person who rests: write the whole name.
    #[error("the substitute is not one other person or one facility")]
    Substitute,
    /// No length, over already, or longer than a year: ask for the days.
    #[error("the days are over, turned round or more than a year")]
    Period,
    /// The leave that should end is not open any more: look at the facility's entry.
    #[error("this leave is over already")]
    Over,
}

/// Begins what was read, with the receipt to the number `by`. `facilities` are those that 代理 can mean.
///
/// # Errors
/// As [`NotPaused`] says; nothing is begun then.
pub fn begin_confirmed<'f>(
    read: Confirmed<'_>,
    by: &Endpoint,
    member: &Member,
    facilities: impl Iterator<Item = &'f Facility>,
    now: UtcMicros,
    random: &mut dyn FnMut() -> u128,
) -> Result<Vec<Effect>, NotPaused> {
    if !is_paper_or_mail(by) {
        return Err(NotPaused::NoReceipt);
    }
    let written = read.substitute.trim();
    let substitute = match written {
        "" => None,
        written => Some(substitute_among(written, member, facilities).ok_or(NotPaused::Substitute)?),
    };
    if let Paused::Person { staff: Some((id, _)) } = &read.who
        && is_the(substitute.as_ref(), id)
    {
        return Err(NotPaused::Substitute);
    }
    let pause = Pause {
        id: ChangeId::fresh(now, random()),
        facility_id: member.facility.id.clone(),
        who: read.who,
        from: read.from,
        until: read.until,
        substitute,
    };
    let all = begin(pause, by, member, now, random);
    if all.is_empty() { Err(NotPaused::Period) } else { Ok(all) }
}

/// Ends this pause of the member before its time, with the receipt to `by`.
///
/// # Errors
/// It is over, or the receipt could not reach `by`.
pub fn end_confirmed(
    id: &ChangeId,
    by: &Endpoint,
    member: &Member,
    now: UtcMicros,
    random: &mut dyn FnMut() -> u128,
) -> Result<Vec<Effect>, NotPaused> {
    if !is_paper_or_mail(by) {
        return Err(NotPaused::NoReceipt);
    }
    let open = member.pauses.iter().find(|p| &p.id == id && p.until > now).ok_or(NotPaused::Over)?;
    Ok(end(open, by, member, now, random))
}
