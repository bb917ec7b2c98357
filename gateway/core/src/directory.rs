//! The directory as decisions and pages see it: network, facilities with staff and endpoints,
//! patients, patient groups and consents (architecture.md section 4). Plain values read from the
//! store; nothing here looks anything up.

use crate::clock::UtcMicros;
use crate::ids::{EndpointId, FacilityId, GroupId, NetworkId, PatientId, StaffId};
use crate::pause::Pause;
use crate::vocabulary::{Channel, ContentMode, EndpointState, GroupState, Urgency};
use jiff::civil::{Time, Weekday};
use serde::{Deserialize, Serialize};

/// One association's area of operation and how its gateway is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Key.
    pub id: NetworkId,
    /// Shown name.
    pub name: String,
    /// The network office (事務局) as named on sheets and mails.
    pub office_name: String,
    /// Telephone of the network office, as written.
    pub office_phone: String,
    /// Opening hours of the office as written: `平日 9–17時`.
    pub office_hours: String,
    /// FAX number of the gateway to which sheets are returned, as written.
    pub gateway_fax: String,
    /// Domain of intake, group and reply addresses.
    pub mail_domain: String,
    /// Base of links, without a trailing slash.
    pub public_url: String,
}

impl Network {
    /// Address that carries a reply code: `reply+CODE@domain`.
    #[must_use]
    pub fn reply_address(&self, code: &crate::reply_code::ReplyCode) -> String {
        format!("reply+{}@{}", code.as_str().to_ascii_lowercase(), self.mail_domain)
    }

    /// List-Id of all our mails (RFC 2919), without brackets: one label before the mail domain.
    #[must_use]
    pub fn list_id(&self) -> String {
        format!("deliveries.{}", self.mail_domain)
    }

    /// Address of a patient group: `g-<group address>@domain`.
    #[must_use]
    pub fn group_address(&self, local_part: &str) -> String {
        format!("{local_part}@{}", self.mail_domain)
    }
}

/// A registered organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facility {
    /// Key.
    pub id: FacilityId,
    /// Name as registered.
    pub name: String,
    /// Short name for narrow places; the name if none is registered.
    pub short_name: String,
    /// Code of the master list.
    pub facility_type: String,
    /// Telephone as written.
    pub phone: Option<String>,
    /// When somebody is there; empty if unknown.
    pub business_hours: Vec<OpenHours>,
    /// Whether this is the network office itself.
    pub is_network_office: bool,
}

/// A weekly opening.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenHours {
    /// On these days.
    pub days: Vec<Day>,
    /// From.
    pub from: ClockTime,
    /// Until.
    pub until: ClockTime,
}

/// Day of the week as directory files write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// 月.
    Mon,
    /// 火.
    Tue,
    /// 水.
    Wed,
    /// 木.
    Thu,
    /// 金.
    Fri,
    /// 土.
    Sat,
    /// 日.
    Sun,
}

impl Day {
    /// One kanji.
    #[must_use]
    pub const fn ja(self) -> &'static str {
        match self {
            Self::Mon => "月",
            Self::Tue => "火",
            Self::Wed => "水",
            Self::Thu => "木",
            Self::Fri => "金",
            Self::Sat => "土",
            Self::Sun => "日",
        }
    }
}

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// A time of day, written `8:30` or `08:30`, 日本時間.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockTime {
    minutes: u16,
}

impl ClockTime {
    /// From hour and minute; `None` outside 0:00–23:59.
    #[must_use]
    pub const fn new(hour: u16, minute: u16) -> Option<Self> {
        if hour < 24 && minute < 60 { Some(Self { minutes: hour * 60 + minute }) } else { None }
    }

    /// Hour, 0–23.
    #[must_use]
    pub const fn hour(self) -> u16 {
        self.minutes / 60
    }

    /// Minute, 0–59.
    #[must_use]
    pub const fn minute(self) -> u16 {
        self.minutes % 60
    }

    /// The time of day of a civil time.
    #[must_use]
    pub fn of(time: Time) -> Self {
        let hour = u16::try_from(time.hour()).unwrap_or(0);
        let minute = u16::try_from(time.minute()).unwrap_or(0);
        Self { minutes: hour * 60 + minute }
    }

    /// Reads `8:30`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.trim().split_once(':')?;
        if hour.is_empty() || hour.len() > 2 || minute.len() != 2 {
            return None;
        }
        Self::new(hour.parse().ok()?, minute.parse().ok()?)
    }
}

impl std::fmt::Display for ClockTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{:02}", self.hour(), self.minute())
    }
}

impl Serialize for ClockTime {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClockTime {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not a time of day like 8:30")))
    }
}

/// A person on a facility's roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffMember {
    /// Key.
    pub id: StaffId,
    /// Of this facility.
    pub facility_id: FacilityId,
    /// Name.
    pub name: String,
    /// Codes of the master list; several per person.
    pub professions: Vec<String>,
    /// When the person left, if so.
    pub left_at: Option<UtcMicros>,
}

/// One number, address or interface of a facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Key.
    pub id: EndpointId,
    /// Of this facility.
    pub facility_id: FacilityId,
    /// 経路.
    pub channel: Channel,
    /// Folded: number by [`crate::text::number`], address in lower case, interface name, hash of an API key.
    pub address: String,
    /// Verification.
    pub state: EndpointState,
    /// How it wants to receive.
    pub settings: EndpointSettings,
}

/// How an endpoint wants to receive (care-network.md 6.2 preferences, 6.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EndpointSettings {
    /// Whether posts go out to it; `false` for endpoints that only send to us.
    pub receives: bool,
    /// 即時の基準: the lowest urgency sent at once.
    pub instant_threshold: Urgency,
    /// まとめ便: when the rest goes out; empty means everything at once.
    pub digests: Vec<DigestTime>,
    /// 休み時間帯: only emergencies pass, and only if `night_ok`.
    pub quiet_hours: Option<QuietHours>,
    /// 夜間可.
    pub night_ok: bool,
    /// E-mail content mode.
    pub content_mode: ContentMode,
    /// Password of encrypted PDFs, agreed on paper at registration.
    pub pdf_password: Option<String>,
    /// What the facility's mail system puts below every mail; taken off its replies.
    pub mail_footer: Option<String>,
    /// 送信待機 before hand-off, in seconds: the recall window.
    pub hold_seconds: u32,
    /// Language of what is sent there.
    pub locale: crate::vocabulary::Locale,
    /// Mails from this address count for nothing without proof (DMARC, DKIM or SPF of its domain): for
    /// facilities whose domain signs everything.
    pub require_proof: bool,
    /// 事前送付: a 表紙 goes first, the pages follow when its code has come back.
    pub cover_first: bool,
}

impl Default for EndpointSettings {
    fn default() -> Self {
        Self {
            receives: true,
            instant_threshold: Urgency::Normal,
            digests: Vec::new(),
            quiet_hours: None,
            night_ok: false,
            content_mode: ContentMode::EncryptedPdf,
            pdf_password: None,
            mail_footer: None,
            hold_seconds: 0,
            locale: crate::vocabulary::Locale::Ja,
            require_proof: false,
            cover_first: false,
        }
    }
}

/// A digest time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestTime {
    /// On these days; empty means every day.
    #[serde(default)]
    pub days: Vec<Day>,
    /// At.
    pub at: ClockTime,
}

/// 休み時間帯, may span midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// From.
    pub from: ClockTime,
    /// Until.
    pub until: ClockTime,
}

/// A person cared for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patient {
    /// Key.
    pub id: PatientId,
    /// Name as registered: `山本 千代`.
    pub name: String,
    /// Kana: `ヤマモト チヨ`.
    pub kana: String,
    /// `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// `F`, `M`, …
    pub sex: Option<String>,
    /// What a member should know at a glance: `要介護3 ・ 心不全`.
    pub summary: Option<String>,
}

/// One patient's team and timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatientGroup {
    /// Key.
    pub id: GroupId,
    /// The patient.
    pub patient_id: PatientId,
    /// グループ呼称: used where the patient's name must not appear.
    pub alias: String,
    /// Local part of the group's mail address, opaque.
    pub address: String,
    /// Open, frozen or closed.
    pub state: GroupState,
}

/// A facility in a patient group, with all that fan-out needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The facility.
    pub facility: Facility,
    /// Its endpoints in every state.
    pub endpoints: Vec<Endpoint>,
    /// Its roster without leavers.
    pub staff: Vec<StaffMember>,
    /// Whether the consent covers it today.
    pub consented: bool,
    /// 休止 of it, running or to come.
    #[serde(default)]
    pub pauses: Vec<Pause>,
}

/// A group with its patient and members: what publishing a post needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRoster {
    /// The group.
    pub group: PatientGroup,
    /// Its patient.
    pub patient: Patient,
    /// Its members today.
    pub members: Vec<Member>,
    /// Facilities that are no members but treat the patient under a confirmed number of their own and are
    /// covered by the consent: hospitals. They get what is meant for them and never the whole timeline
    /// (care-network.md 6.5, hl7.md 14).
    #[serde(default)]
    pub correspondents: Vec<Member>,
}

impl GroupRoster {
    /// The member that is this facility.
    #[must_use]
    pub fn member(&self, facility: &FacilityId) -> Option<&Member> {
        self.members.iter().find(|m| &m.facility.id == facility)
    }

    /// Members and correspondents: everybody who can be addressed.
    pub fn reachable(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().chain(&self.correspondents)
    }

    /// The member or correspondent that is this facility.
    #[must_use]
    pub fn addressable(&self, facility: &FacilityId) -> Option<&Member> {
        self.reachable().find(|m| &m.facility.id == facility)
    }
}
