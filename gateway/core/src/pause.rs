//! 休止 (care-network.md 6.2, 6.4, 8.11): a leave with an end date, for a person, an address or a whole facility,
//! and who stands in meanwhile (代理). The same for every channel: whoever is asked by mail, on a 設定票 or at a
//! page makes the effects of [`begin`] and [`end`]. A pause never stops an emergency; where nobody stands in
//! who can be reached, it goes where it always went.

use crate::clock::{UtcMicros, ja_date};
use crate::commit::{DigestMove, Effect, NewSheet};
use crate::decision::Request;
use crate::directory::{Endpoint, Facility, GroupRoster, Member, StaffMember};
use crate::ids::{ChangeId, EndpointId, FacilityId, StaffId};
use crate::receipt::ReceiptOf;
use crate::schedule;
use crate::sheet_order::SheetOrder;
use crate::text::fold::fold_name;
use crate::vocabulary::{Channel, EndpointState, Urgency};
use serde::{Deserialize, Serialize};

/// Longest pause, in seconds: whoever is away longer has left.
pub const LONGEST_SECONDS: i64 = 366 * 24 * 3600;

/// Who rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "who", rename_all = "snake_case")]
pub enum Paused {
    /// One address or number: what is not an emergency waits for its return.
    Endpoint {
        /// Which.
        endpoint_id: EndpointId,
    },
    /// A person; colleagues go on at the same address, so nothing waits. Without a name where the request
    /// was not signed by anybody of the roster.
    Person {
        /// Who.
        staff: Option<(StaffId, String)>,
    },
    /// Every address and number of the facility, such as over a summer holiday.
    Facility,
}

/// Who stands in (代理).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Substitute {
    /// A person of the same facility.
    Colleague {
        /// Who.
        staff_id: StaffId,
        /// Name.
        name: String,
    },
    /// Another facility; only in groups in which it is a member that the consent covers.
    Facility {
        /// Which.
        facility_id: FacilityId,
        /// Name.
        name: String,
    },
}

impl Substitute {
    /// Name for people.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Colleague { name, .. } | Self::Facility { name, .. } => name,
        }
    }
}

/// One pause that has not ended, running or to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Key.
    pub id: ChangeId,
    /// Of this facility.
    pub facility_id: FacilityId,
    /// Who.
    pub who: Paused,
    /// From.
    pub from: UtcMicros,
    /// The first moment after it.
    pub until: UtcMicros,
    /// 代理.
    pub substitute: Option<Substitute>,
}

/// How a pause ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseEnd {
    /// Its time was over.
    Over,
    /// 再開 before its time.
    Resumed,
}

impl PauseEnd {
    /// Code in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Over => "over",
            Self::Resumed => "resumed",
        }
    }

    /// From the code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "over" => Some(Self::Over),
            "resumed" => Some(Self::Resumed),
            _ => None,
        }
    }
}

impl Pause {
    /// Whether it holds at `at`.
    #[must_use]
    pub fn holds(&self, at: UtcMicros) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether an address or number rests by it, so that what is no emergency waits.
    #[must_use]
    pub fn rests(&self, endpoint: &Endpoint) -> bool {
        endpoint.facility_id == self.facility_id
            && match &self.who {
                Paused::Endpoint { endpoint_id } => *endpoint_id == endpoint.id,
                Paused::Facility => true,
                Paused::Person { .. } => false,
            }
    }

    /// `8/12(水)–8/16(日)`, the last day included.
    #[must_use]
    pub fn days(&self) -> String {
        let (from, last) = (self.from.in_japan().date(), self.until.plus_seconds(-1).in_japan().date());
        if from == last { ja_date(from) } else { format!("{}–{}", ja_date(from), ja_date(last)) }
    }

    /// Who rests, as a reader knows them: `高梨 由美子`, or nothing for the facility itself.
    #[must_use]
    pub fn person(&self) -> Option<&str> {
        match &self.who {
            Paused::Person { staff } => Some(staff.as_ref().map_or("担当者", |(_, name)| name)),
            Paused::Endpoint { .. } | Paused::Facility => None,
        }
    }

    /// For the list of members and for whoever asks something: `高梨 由美子 休止中 8/12(水)–8/16(日) 代理 木下 昌平`.
    #[must_use]
    pub fn shown(&self, now: UtcMicros) -> String {
        let who = self.person().map_or_else(String::new, |p| format!("{p} "));
        let state = if self.holds(now) { "休止中" } else { "休止予定" };
        let by = self.substitute.as_ref().map_or_else(String::new, |s| format!(" 代理 {}", s.name()));
        format!("{who}{state} {}{by}", self.days())
    }

    /// The same in English.
    #[must_use]
    pub fn shown_en(&self, now: UtcMicros) -> String {
        let who = self.person().map_or_else(String::new, |p| format!("{p} "));
        let state = if self.holds(now) { "on leave" } else { "leave planned" };
        let by = self.substitute.as_ref().map_or_else(String::new, |s| format!(", substitute {}", s.name()));
        format!("{who}{state} {}{by}", self.days())
    }

    /// To whom a delivery of the facility is addressed while a person is away: `代理 木下 昌平 様 (高梨 由美子 様 休止中)`.
    #[must_use]
    pub fn attention(&self, at: UtcMicros) -> Option<String> {
        match (self.holds(at), &self.who, &self.substitute) {
            (true, Paused::Person { staff }, Some(Substitute::Colleague { name, .. })) => {
                let away = staff.as_ref().map_or("担当者", |(_, name)| name);
                Some(format!("代理 {name} 様 ({away} 様 休止中)"))
            }
            _ => None,
        }
    }
}

/// The pause by which an endpoint rests at `at`, if it does; of several the one that ends last.
#[must_use]
pub fn resting<'m>(member: &'m Member, endpoint: &Endpoint, at: UtcMicros) -> Option<&'m Pause> {
    member.pauses.iter().filter(|p| p.holds(at) && p.rests(endpoint)).max_by_key(|p| p.until)
}

/// When a delivery that would leave at `at` leaves in truth: on the return of its endpoint, after all pauses that
/// follow one another. `None` if nothing rests then.
#[must_use]
pub fn on_return(member: &Member, endpoint: &Endpoint, at: UtcMicros) -> Option<UtcMicros> {
    let mut due = None;
    let mut at = at;
    // Each turn passes one pause, and there are few.
    for _ in 0..=member.pauses.len() {
        let Some(pause) = resting(member, endpoint, at) else { break };
        at = schedule::on_return(&endpoint.settings, pause.until);
        due = Some(at);
    }
    due
}

/// Whether an emergency for a resting endpoint reaches somebody who stands in: a colleague at another number or
/// address of the facility, or a facility that is a member of the group.
#[must_use]
pub fn stands_in(
    pause: &Pause,
    member: &Member,
    resting_id: &EndpointId,
    roster: &GroupRoster,
    now: UtcMicros,
) -> bool {
    match &pause.substitute {
        None => false,
        Some(Substitute::Colleague { .. }) => member
            .endpoints
            .iter()
            .any(|e| e.id != *resting_id && is_way(e) && resting(member, e, now).is_none()),
        Some(Substitute::Facility { facility_id, .. }) => roster.member(facility_id).is_some_and(|m| {
            m.consented && m.endpoints.iter().any(|e| is_way(e) && resting(m, e, now).is_none())
        }),
    }
}

/// The facility that is asked instead of a member none of whose ways is open, if one stands in for it.
#[must_use]
pub fn asked_instead(member: &Member, roster: &GroupRoster, now: UtcMicros) -> Option<FacilityId> {
    let mut ways = member.endpoints.iter().filter(|e| is_way(e)).peekable();
    ways.peek()?;
    let mut instead = None;
    for way in ways {
        let pause = resting(member, way, now)?;
        if let Some(Substitute::Facility { facility_id, .. }) = &pause.substitute {
            instead = Some(facility_id);
        }
    }
    let substitute =
        roster.member(instead?).filter(|m| m.consented && m.facility.id != member.facility.id)?;
    Some(substitute.facility.id.clone())
}

/// A number or address by which posts reach a person.
fn is_way(endpoint: &Endpoint) -> bool {
    matches!(endpoint.channel, Channel::Fax | Channel::Email | Channel::PhoneMemo | Channel::Web)
        && endpoint.settings.receives
        && endpoint.state == EndpointState::Verified
}

/// Whom a name means: a person of the member's roster by full or family name, else a facility of the group by its
/// name. `None` if nobody or several are meant: a person asks then.
#[must_use]
pub fn substitute(written: &str, member: &Member, roster: Option<&GroupRoster>) -> Option<Substitute> {
    substitute_among(written, member, roster.into_iter().flat_map(|r| &r.members).map(|m| &m.facility))
}

/// As [`substitute`], with any of these facilities; one that is no member of a group stands in for nobody there.
fn substitute_among<'f>(
    written: &str,
    member: &Member,
    facilities: impl Iterator<Item = &'f Facility>,
) -> Option<Substitute> {
    let written = fold_name(written);
    if written.is_empty() {
        return None;
    }
    let people: Vec<&StaffMember> = member.staff.iter().filter(|s| is_called(&s.name, &written)).collect();
    match people.as_slice() {
        [one] => return Some(Substitute::Colleague { staff_id: one.id.clone(), name: one.name.clone() }),
        [] => {}
        _ => return None,
    }
    let named = |name: &str| {
        let name = fold_name(name);
        name == written || (written.chars().count() >= 3 && name.contains(&written))
    };
    let others = facilities.filter(|f| f.id != member.facility.id);
    let found: Vec<&Facility> = others.filter(|f| named(&f.name) || named(&f.short_name)).collect();
    match found.as_slice() {
        [one] => Some(Substitute::Facility { facility_id: one.id.clone(), name: one.name.clone() }),
        _ => None,
    }
}

/// `木下 昌平` is called 木下 and 木下昌平.
fn is_called(name: &str, written: &str) -> bool {
    let family = name.split([' ', '\u{3000}']).next().map(fold_name);
    fold_name(name) == written || family.as_deref() == Some(written)
}

/// Who rests by a request that came from `endpoint`: with a colleague who stands in and reads the same address the
/// person who wrote, else the address.
#[must_use]
pub fn who(
    member: &Member,
    endpoint: &Endpoint,
    substitute: Option<&Substitute>,
    signer: Option<&StaffMember>,
) -> Paused {
    let colleague = matches!(substitute, Some(Substitute::Colleague { .. }));
    let elsewhere = member.endpoints.iter().any(|e| e.id != endpoint.id && is_way(e));
    if colleague && !elsewhere {
        let signer = signer.filter(|s| !is_the(substitute, &s.id));
        Paused::Person { staff: signer.map(|s| (s.id.clone(), s.name.clone())) }
    } else {
        Paused::Endpoint { endpoint_id: endpoint.id.clone() }
    }
}

fn is_the(substitute: Option<&Substitute>, staff: &StaffId) -> bool {
    matches!(substitute, Some(Substitute::Colleague { staff_id, .. }) if staff_id == staff)
}

/// Begins a pause: with its receipt to `by`, a line to every other way of the facility, and what waits for a
/// resting endpoint put off until its return. Nothing if it has no length, is over or is longer than
/// [`LONGEST_SECONDS`].
#[must_use]
pub fn begin(
    pause: Pause,
    by: &Endpoint,
    member: &Member,
    now: UtcMicros,
    random: &mut dyn FnMut() -> u128,
) -> Vec<Effect> {
    let length = pause.until.seconds_since(pause.from);
    if length <= 0 || length > LONGEST_SECONDS || pause.until <= now {
        return Vec::new();
    }
    let begins = pause.from.max(now);
    let moves = member
        .endpoints
        .iter()
        .filter(|e| pause.rests(e))
        .map(|e| DigestMove {
            endpoint_id: e.id.clone(),
            from: begins,
            until: pause.until,
            to: schedule::on_return(&e.settings, pause.until),
        })
        .collect();
    let mut all = receipts(
        ReceiptOf::Pause { id: pause.id.clone() },
        by,
        pause.rests(by).then_some(begins),
        now,
        random,
    );
    let words = format!(
        "{} に{}で休止の申出を受けました: {}。お心当たりがなければ事務局へ。",
        now.to_ja(),
        by.channel.ja(),
        pause.shown(pause.from)
    );
    all.extend(tell_others(member, by, &words, now, random));
    all.insert(0, Effect::BeginPause { pause: Box::new(pause), moves });
    all
}

/// Ends a pause before its time (再開), with a receipt: what waited for the return comes with the next regular delivery.
#[must_use]
pub fn end(
    pause: &Pause,
    by: &Endpoint,
    member: &Member,
    now: UtcMicros,
    random: &mut dyn FnMut() -> u128,
) -> Vec<Effect> {
    let mut all = receipts(ReceiptOf::Pause { id: pause.id.clone() }, by, None, now, random);
    all.insert(
        0,
        Effect::EndPause {
            id: pause.id.clone(),
            how: PauseEnd::Resumed,
            moves: moves_back(pause, member, now),
        },
    );
    all
}

/// The time of a pause is over: recorded, and said with the first delivery after it.
#[must_use]
pub fn over(pause: &Pause, member: &Member, now: UtcMicros, random: &mut dyn FnMut() -> u128) -> Vec<Effect> {
    let words = format!("{} の休止が終わり、再開しました。", pause.days());
    let rested = member.endpoints.iter().filter(|e| match &pause.who {
        Paused::Person { .. } => is_paper_or_mail(e),
        Paused::Endpoint { .. } | Paused::Facility => pause.rests(e) && is_paper_or_mail(e),
    });
    let mut all: Vec<Effect> = rested
        .map(|e| Effect::TellInNext {
            id: ChangeId::fresh(now, random()),
            endpoint_id: e.id.clone(),
            words: words.clone(),
        })
        .collect();
    all.insert(0, Effect::EndPause { id: pause.id.clone(), how: PauseEnd::Over, moves: Vec::new() });
    all
}

fn moves_back(pause: &Pause, member: &Member, now: UtcMicros) -> Vec<DigestMove> {
    let rested = member.endpoints.iter().filter(|e| pause.rests(e));
    rested
        .map(|e| {
            let due = schedule::on_return(&e.settings, pause.until);
            let to = schedule::plan(&e.settings, Urgency::Normal, None, now).due_at;
            DigestMove { endpoint_id: e.id.clone(), from: due, until: due.plus_seconds(1), to: to.min(due) }
        })
        .collect()
}

fn is_paper_or_mail(endpoint: &Endpoint) -> bool {
    matches!(endpoint.channel, Channel::Fax | Channel::Email)
        && endpoint.settings.receives
        && endpoint.state == EndpointState::Verified
}

/// The receipt of an act: a mail at once, because it carries the code that undoes it; on paper with the next regular
/// delivery, unless the number rests before that from `rests_from` on.
pub(crate) fn receipts(
    of: ReceiptOf,
    by: &Endpoint,
    rests_from: Option<UtcMicros>,
    now: UtcMicros,
    random: &mut dyn FnMut() -> u128,
) -> Vec<Effect> {
    if !is_paper_or_mail(by) {
        return Vec::new();
    }
    let mut sheet = NewSheet::plan(by, SheetOrder::Receipt { receipt: of }, now, random);
    if by.channel == Channel::Email || rests_from.is_some_and(|from| sheet.due_at >= from) {
        sheet.due_at = now;
    }
    vec![Effect::OrderSheet(Box::new(sheet))]
}

/// Whoever did something in somebody's name is noticed where the facility receives besides.
pub(crate) fn tell_others(
    member: &Member,
    by: &Endpoint,
    words: &str,
    now: UtcMicros,
    random: &mut dyn FnMut() -> u128,
) -> Vec<Effect> {
    let others = member.endpoints.iter().filter(|e| e.id != by.id && is_paper_or_mail(e));
    others
        .map(|e| Effect::TellInNext {
            id: ChangeId::fresh(now, random()),
            endpoint_id: e.id.clone(),
            words: words.to_owned(),
        })
        .collect()
}

/// The pause that 「再開」 from this endpoint means: the one by which it rests, or the one person of the facility
/// who rests. `None` if none or several could be meant.
#[must_use]
pub fn to_end<'m>(member: &'m Member, request: &Request, now: UtcMicros) -> Option<&'m Pause> {
    let open = || member.pauses.iter().filter(|p| p.until > now);
    let of_endpoint = |p: &&Pause| matches!(&p.who, Paused::Endpoint { endpoint_id } if *endpoint_id == request.endpoint_id);
    let mut rests = open().filter(of_endpoint);
    match (rests.next(), rests.next()) {
        (Some(one), None) => return Some(one),
        (Some(_), Some(_)) => return None,
        (None, _) => {}
    }
    let mut all = open();
    match (all.next(), all.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

mod confirmed;
pub use confirmed::{Confirmed, NotPaused, begin_confirmed, end_confirmed};

#[cfg(test)]
mod tests;
