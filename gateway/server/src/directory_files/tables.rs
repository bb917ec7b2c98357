//! What each file of a directory holds and how a row becomes a change.

use super::table::{Row, Table};
use super::{FileError, Files};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::directory::{
    ClockTime, Day, DigestTime, Endpoint, EndpointSettings, Facility, Network, OpenHours, Patient,
    PatientGroup, QuietHours, StaffMember,
};
use kakehashi_core::facts::IdentifierState;
use kakehashi_core::ids::{ConsentId, EndpointId, FacilityId, GroupId, LoginUserId, PatientId, StaffId};
use kakehashi_core::text::date::read_date;
use kakehashi_core::text::number::fold_number;
use kakehashi_core::vocabulary::{Channel, ContentMode, EndpointState, GroupState, Locale, Role, Urgency};
use kakehashi_store::DirectoryChange;
use kakehashi_store::view::LoginUser;
use std::collections::BTreeSet;

/// The files of a directory, in the order in which they are applied.
pub(crate) const KNOWN: &[&str] = &[
    "network.toml",
    "facility_types.csv",
    "professions.csv",
    "facilities.csv",
    "staff.csv",
    "endpoints.csv",
    "logins.csv",
    "patients.csv",
    "identifiers.csv",
    "groups.csv",
    "consents.csv",
];

/// Collects changes and mistakes.
pub(crate) struct Reading {
    now: UtcMicros,
    changes: Vec<DirectoryChange>,
    errors: Vec<FileError>,
    types: BTreeSet<String>,
    professions: BTreeSet<String>,
    facilities: BTreeSet<String>,
    staff: BTreeSet<String>,
    patients: BTreeSet<String>,
    addresses: BTreeSet<(&'static str, String)>,
}

type Checked<T> = Result<T, FileError>;

impl Reading {
    pub(crate) const fn new(now: UtcMicros) -> Self {
        Self {
            now,
            changes: Vec::new(),
            errors: Vec::new(),
            types: BTreeSet::new(),
            professions: BTreeSet::new(),
            facilities: BTreeSet::new(),
            staff: BTreeSet::new(),
            patients: BTreeSet::new(),
            addresses: BTreeSet::new(),
        }
    }

    pub(crate) fn finish(self) -> Result<Vec<DirectoryChange>, Vec<FileError>> {
        if self.errors.is_empty() { Ok(self.changes) } else { Err(self.errors) }
    }

    pub(crate) fn network(&mut self, files: &Files) {
        let error = |line, reason: String| FileError {
            file: "network.toml".to_owned(),
            line,
            reason,
            remedy: "`kakehashi directory example FOLDER` writes one to start from".to_owned(),
        };
        let Some(text) = files.get("network.toml") else {
            self.errors.push(error(1, "the file is missing".to_owned()));
            return;
        };
        match toml::from_str::<Network>(text) {
            Ok(network) => self.changes.push(DirectoryChange::Network(network)),
            Err(fault) => {
                let line =
                    fault.span().map_or(1, |s| 1 + text[..s.start.min(text.len())].matches('\n').count());
                self.errors.push(error(line as u64, fault.message().to_owned()));
            }
        }
    }

    /// The built-in master lists; files of the same name extend them.
    pub(crate) fn lists(&mut self, facility_types: &str, professions: &str) {
        self.table("facility_types.csv", facility_types);
        self.table("professions.csv", professions);
    }

    pub(crate) fn unknown_file(&mut self, name: &str, _text: &str) {
        let nearest = KNOWN.iter().find(|known| {
            let (a, b): (BTreeSet<char>, BTreeSet<char>) = (name.chars().collect(), known.chars().collect());
            a.symmetric_difference(&b).count() <= 2 && name.len().abs_diff(known.len()) <= 2
        });
        self.errors.push(FileError {
            file: name.to_owned(),
            line: 1,
            reason: "no file of a directory has this name".to_owned(),
            remedy: nearest.map_or_else(
                || format!("known are {}", KNOWN.join(", ")),
                |known| format!("did you mean {known}?"),
            ),
        });
    }

    pub(crate) fn table(&mut self, name: &str, text: &str) {
        let (required, optional): (&[&str], &[&str]) = match name {
            "facility_types.csv" | "professions.csv" => (&["code", "ja", "en"], &["count_2023_02_28"]),
            "facilities.csv" => (
                &["facility_id", "name", "facility_type"],
                &["short_name", "phone", "business_hours", "network_office"],
            ),
            "staff.csv" => (&["staff_id", "facility_id", "name", "professions"], &["left_on"]),
            "endpoints.csv" => (
                &["facility_id", "channel", "address", "state"],
                &[
                    "receives",
                    "instant_threshold",
                    "digests",
                    "quiet_hours",
                    "night_ok",
                    "content_mode",
                    "pdf_password",
                    "mail_footer",
                    "hold_seconds",
                    "locale",
                    "require_proof",
                    "cover_first",
                ],
            ),
            "logins.csv" => (
                &["login_name", "facility_id", "role"],
                &["staff_id", "display_name", "locale", "password", "password_hash"],
            ),
            "patients.csv" => (&["patient_id", "name", "kana", "birth_date"], &["sex", "summary"]),
            "identifiers.csv" => (&["facility_id", "identifier", "patient_id"], &["state"]),
            "groups.csv" => (&["group_id", "patient_id", "alias", "address", "members"], &["state"]),
            "consents.csv" => (&["consent_id", "patient_id", "facilities", "from"], &["channels", "until"]),
            _ => return,
        };
        let table = Table::parse(name, text, required, optional, &mut self.errors);
        for row in &table.rows {
            let done = match name {
                "facility_types.csv" => self.facility_type(row),
                "professions.csv" => self.profession(row),
                "facilities.csv" => self.facility(row),
                "staff.csv" => self.staff_member(row),
                "endpoints.csv" => self.endpoint(row),
                "logins.csv" => self.login(row),
                "patients.csv" => self.patient(row),
                "identifiers.csv" => self.identifier(row),
                "groups.csv" => self.group(row),
                _ => self.consent(row),
            };
            if let Err(error) = done {
                self.errors.push(error);
            }
        }
    }

    fn facility_type(&mut self, row: &Row) -> Checked<()> {
        let code = row.text("code").to_owned();
        self.types.insert(code.clone());
        let (ja, en) = (row.text("ja").to_owned(), row.text("en").to_owned());
        self.changes.push(DirectoryChange::FacilityType { code, ja, en });
        Ok(())
    }

    fn profession(&mut self, row: &Row) -> Checked<()> {
        let code = row.text("code").to_owned();
        self.professions.insert(code.clone());
        let (ja, en) = (row.text("ja").to_owned(), row.text("en").to_owned());
        self.changes.push(DirectoryChange::Profession { code, ja, en });
        Ok(())
    }

    fn facility(&mut self, row: &Row) -> Checked<()> {
        let facility_type = row.text("facility_type").to_owned();
        if !self.types.contains(&facility_type) {
            return Err(row.error(
                format!("unknown facility type {facility_type:?}"),
                "use a code of the master list or add it to facility_types.csv",
            ));
        }
        let name = filled(row, "name")?;
        let id = filled(row, "facility_id")?;
        self.facilities.insert(id.clone());
        self.changes.push(DirectoryChange::Facility(Facility {
            id: FacilityId::new(id),
            short_name: row.optional("short_name").unwrap_or_else(|| name.clone()),
            name,
            facility_type,
            phone: row.optional("phone"),
            business_hours: open_hours(row, "business_hours")?,
            is_network_office: flag(row, "network_office", false)?,
        }));
        Ok(())
    }

    fn staff_member(&mut self, row: &Row) -> Checked<()> {
        let facility_id = self.known_facility(row, "facility_id")?;
        let professions: Vec<String> =
            row.text("professions").split_whitespace().map(str::to_owned).collect();
        if let Some(unknown) = professions.iter().find(|p| !self.professions.contains(*p)) {
            return Err(row.error(
                format!("unknown profession {unknown:?}"),
                "use a code of the master list or add it to professions.csv",
            ));
        }
        if professions.is_empty() {
            return Err(row.error("no profession", "give at least one code; several are separated by blanks"));
        }
        let id = filled(row, "staff_id")?;
        self.staff.insert(id.clone());
        let left_at = row.optional("left_on").map(|_| day_start(row, "left_on")).transpose()?;
        self.changes.push(DirectoryChange::Staff(StaffMember {
            id: StaffId::new(id),
            facility_id,
            name: filled(row, "name")?,
            professions,
            left_at,
        }));
        Ok(())
    }

    fn endpoint(&mut self, row: &Row) -> Checked<()> {
        let facility_id = self.known_facility(row, "facility_id")?;
        let channel =
            coded(row, "channel", Channel::from_code, "fax, email, phone_memo, api, mqtt, hl7 or web")?;
        let written = filled(row, "address")?;
        let address = match channel {
            Channel::Fax | Channel::PhoneMemo => fold_number(&written).ok_or_else(|| {
                row.error(format!("{written:?} is not a telephone number"), "write 6 to 15 digits")
            })?,
            Channel::Email if !written.contains('@') => {
                return Err(row.error(format!("{written:?} is not a mail address"), "write name@domain"));
            }
            Channel::Email => written.to_ascii_lowercase(),
            Channel::Api => api_address(&written),
            Channel::Notebook | Channel::Mqtt | Channel::Hl7 | Channel::Web => written,
        };
        if !self.addresses.insert((channel.code(), address.clone())) {
            return Err(row.error(
                "this address stands here twice",
                "one address belongs to one facility; mend the register",
            ));
        }
        let state =
            coded(row, "state", EndpointState::from_code, "unverified, verified, stale or suspended")?;
        let defaults = EndpointSettings::default();
        let settings = EndpointSettings {
            receives: flag(row, "receives", true)?,
            instant_threshold: optional_coded(
                row,
                "instant_threshold",
                Urgency::from_code,
                "normal, urgent or emergency",
            )?
            .unwrap_or(defaults.instant_threshold),
            digests: digests(row)?,
            quiet_hours: quiet_hours(row)?,
            night_ok: flag(row, "night_ok", false)?,
            content_mode: optional_coded(
                row,
                "content_mode",
                ContentMode::from_code,
                "notice_only, encrypted_pdf or full_text",
            )?
            .unwrap_or(defaults.content_mode),
            pdf_password: row.optional("pdf_password"),
            // A cell holds its lines as `\n`, or as they are between quotation marks.
            mail_footer: row.optional("mail_footer").map(|f| f.replace("\\n", "\n")),
            hold_seconds: number(row, "hold_seconds")?,
            locale: optional_coded(row, "locale", Locale::from_code, "ja or en")?.unwrap_or(defaults.locale),
            require_proof: flag(row, "require_proof", false)?,
            cover_first: flag(row, "cover_first", false)?,
        };
        let id = EndpointId::new(format!("{facility_id}-{}-{}", channel.code(), &hex(&address)[..10]));
        self.changes.push(DirectoryChange::Endpoint(Endpoint {
            id,
            facility_id,
            channel,
            address,
            state,
            settings,
        }));
        Ok(())
    }

    fn login(&mut self, row: &Row) -> Checked<()> {
        let facility_id = self.known_facility(row, "facility_id")?;
        let login_name = filled(row, "login_name")?;
        let staff_id = row.optional("staff_id");
        if let Some(unknown) = staff_id.as_ref().filter(|s| !self.staff.contains(*s)) {
            return Err(row.error(format!("unknown staff member {unknown:?}"), "use a staff_id of staff.csv"));
        }
        let password_hash = match (row.optional("password_hash"), row.optional("password")) {
            (Some(hash), None) if hash.starts_with("$argon2id$") => hash,
            (None, Some(password)) => kakehashi_web::hash_password(&password),
            _ => {
                return Err(row.error(
                    "no usable password",
                    "give password_hash from `kakehashi hash-password`, or password",
                ));
            }
        };
        self.changes.push(DirectoryChange::LoginUser(LoginUser {
            id: LoginUserId::new(format!("login-{login_name}")),
            display_name: row.optional("display_name").unwrap_or_else(|| login_name.clone()),
            login_name,
            facility_name: String::new(),
            facility_id,
            staff_id: staff_id.map(StaffId::new),
            role: coded(row, "role", Role::from_code, "office, facility_manager or staff")?,
            locale: optional_coded(row, "locale", Locale::from_code, "ja or en")?.unwrap_or(Locale::Ja),
            password_hash,
        }));
        Ok(())
    }

    fn patient(&mut self, row: &Row) -> Checked<()> {
        let id = filled(row, "patient_id")?;
        let birth = row.text("birth_date");
        let date = read_date(birth).ok_or_else(|| {
            row.error(format!("{birth:?} is not a date"), "write 1938-04-12 or 昭和13年4月12日")
        })?;
        self.patients.insert(id.clone());
        self.changes.push(DirectoryChange::Patient(Patient {
            id: PatientId::new(id),
            name: filled(row, "name")?,
            kana: filled(row, "kana")?,
            birth_date: Some(date.to_string()),
            sex: row.optional("sex"),
            summary: row.optional("summary"),
        }));
        Ok(())
    }

    fn identifier(&mut self, row: &Row) -> Checked<()> {
        let facility_id = self.known_facility(row, "facility_id")?;
        let patient_id = self.known_patient(row)?;
        let state = optional_coded(
            row,
            "state",
            IdentifierState::from_code,
            "candidate, confirmed, alias or retired",
        )?;
        self.changes.push(DirectoryChange::Identifier {
            facility_id,
            identifier: filled(row, "identifier")?,
            patient_id,
            state: state.unwrap_or(IdentifierState::Confirmed),
        });
        Ok(())
    }

    fn group(&mut self, row: &Row) -> Checked<()> {
        let patient_id = self.known_patient(row)?;
        let group_id = GroupId::new(filled(row, "group_id")?);
        let members = self.facility_list(row, "members")?;
        let state = optional_coded(row, "state", GroupState::from_code, "open, frozen or closed")?;
        self.changes.push(DirectoryChange::Group(PatientGroup {
            id: group_id.clone(),
            patient_id,
            alias: filled(row, "alias")?,
            address: filled(row, "address")?.to_ascii_lowercase(),
            state: state.unwrap_or(GroupState::Open),
        }));
        for facility_id in members {
            self.changes.push(DirectoryChange::Membership {
                group_id: group_id.clone(),
                facility_id,
                since: self.now,
                again: false,
            });
        }
        Ok(())
    }

    fn consent(&mut self, row: &Row) -> Checked<()> {
        let patient_id = self.known_patient(row)?;
        let facilities = self.facility_list(row, "facilities")?;
        let channels = row
            .text("channels")
            .split_whitespace()
            .map(|code| {
                Channel::from_code(code).ok_or_else(|| {
                    row.error(
                        format!("unknown channel {code:?}"),
                        "use codes like fax or email, or leave it empty for all",
                    )
                })
            })
            .collect::<Checked<Vec<_>>>()?;
        let until = row.optional("until").map(|_| day_start(row, "until")).transpose()?;
        self.changes.push(DirectoryChange::Consent {
            id: ConsentId::new(filled(row, "consent_id")?),
            patient_id,
            facilities,
            channels,
            from: day_start(row, "from")?,
            until,
        });
        Ok(())
    }

    fn known_facility(&self, row: &Row, column: &str) -> Checked<FacilityId> {
        let id = filled(row, column)?;
        if self.facilities.contains(&id) {
            Ok(FacilityId::new(id))
        } else {
            Err(row.error(format!("unknown facility {id:?}"), "use a facility_id of facilities.csv"))
        }
    }

    fn known_patient(&self, row: &Row) -> Checked<PatientId> {
        let id = filled(row, "patient_id")?;
        if self.patients.contains(&id) {
            Ok(PatientId::new(id))
        } else {
            Err(row.error(format!("unknown patient {id:?}"), "use a patient_id of patients.csv"))
        }
    }

    fn facility_list(&self, row: &Row, column: &str) -> Checked<Vec<FacilityId>> {
        let ids: Vec<&str> = row.text(column).split_whitespace().collect();
        match ids.iter().find(|id| !self.facilities.contains(**id)) {
            Some(unknown) => Err(row.error(
                format!("unknown facility {unknown:?}"),
                "use ids of facilities.csv, separated by blanks",
            )),
            None => Ok(ids.into_iter().map(FacilityId::from).collect()),
        }
    }
}

/// Hash under which an API key is kept.
pub(crate) fn api_address(key: &str) -> String {
    hex(key)
}

fn hex(text: &str) -> String {
    kakehashi_core::envelope::ContentHash::of(text.as_bytes()).hex().to_owned()
}

fn filled(row: &Row, column: &str) -> Checked<String> {
    row.optional(column).ok_or_else(|| row.error(format!("{column} is empty"), "fill it in"))
}

fn coded<T>(row: &Row, column: &str, read: fn(&str) -> Option<T>, known: &str) -> Checked<T> {
    let text = row.text(column);
    read(text).ok_or_else(|| row.error(format!("{column} {text:?} is not known"), format!("write {known}")))
}

fn optional_coded<T>(
    row: &Row,
    column: &str,
    read: fn(&str) -> Option<T>,
    known: &str,
) -> Checked<Option<T>> {
    if row.text(column).is_empty() { Ok(None) } else { coded(row, column, read, known).map(Some) }
}

fn flag(row: &Row, column: &str, default: bool) -> Checked<bool> {
    match row.text(column) {
        "" => Ok(default),
        "yes" | "true" | "1" => Ok(true),
        "no" | "false" | "0" => Ok(false),
        other => Err(row.error(format!("{column} {other:?} is neither yes nor no"), "write yes or no")),
    }
}

fn number(row: &Row, column: &str) -> Checked<u32> {
    match row.text(column) {
        "" => Ok(0),
        text => text
            .parse()
            .map_err(|_| row.error(format!("{column} {text:?} is not a number"), "write seconds as digits")),
    }
}

fn day_start(row: &Row, column: &str) -> Checked<UtcMicros> {
    let text = row.text(column);
    read_date(text)
        .and_then(|d| UtcMicros::from_japan(d.at(0, 0, 0, 0)))
        .ok_or_else(|| row.error(format!("{column} {text:?} is not a date"), "write 2026-06-09 or R8.6.9"))
}

fn time(row: &Row, text: &str) -> Checked<ClockTime> {
    ClockTime::parse(text).ok_or_else(|| row.error(format!("{text:?} is not a time of day"), "write 8:30"))
}

fn day(code: &str) -> Option<Day> {
    [
        ("mon", Day::Mon),
        ("tue", Day::Tue),
        ("wed", Day::Wed),
        ("thu", Day::Thu),
        ("fri", Day::Fri),
        ("sat", Day::Sat),
        ("sun", Day::Sun),
    ]
    .into_iter()
    .find_map(|(name, day)| (name == code).then_some(day))
}

/// `mon-fri` or `mon+wed`.
fn days(row: &Row, text: &str) -> Checked<Vec<Day>> {
    let wrong = || row.error(format!("{text:?} are no days"), "write mon-fri or mon+wed+fri");
    if let Some((first, last)) = text.split_once('-') {
        let (first, last) = (day(first).ok_or_else(wrong)?, day(last).ok_or_else(wrong)?);
        let all = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];
        return Ok(all.into_iter().filter(|d| *d >= first && *d <= last).collect());
    }
    text.split('+').map(|d| day(d).ok_or_else(wrong)).collect()
}

/// `mon-fri 9:00-17:30; sat 9:00-12:00`.
fn open_hours(row: &Row, column: &str) -> Checked<Vec<OpenHours>> {
    let parts = row.text(column).split(';').map(str::trim).filter(|p| !p.is_empty());
    parts
        .map(|part| {
            let wrong = || row.error(format!("{part:?} are no opening hours"), "write mon-fri 9:00-17:30");
            let (on, span) = part.split_once(' ').ok_or_else(wrong)?;
            let (from, until) = span.trim().split_once('-').ok_or_else(wrong)?;
            Ok(OpenHours { days: days(row, on)?, from: time(row, from)?, until: time(row, until)? })
        })
        .collect()
}

/// `8:30 13:00` or `fri 15:00`.
fn digests(row: &Row) -> Checked<Vec<DigestTime>> {
    let mut on = Vec::new();
    let mut found = Vec::new();
    for word in row.text("digests").split_whitespace() {
        if word.contains(':') {
            found.push(DigestTime { days: on.clone(), at: time(row, word)? });
        } else {
            on = days(row, word)?;
        }
    }
    Ok(found)
}

fn quiet_hours(row: &Row) -> Checked<Option<QuietHours>> {
    let text = row.text("quiet_hours");
    if text.is_empty() {
        return Ok(None);
    }
    let (from, until) =
        text.split_once('-').ok_or_else(|| row.error(format!("{text:?} is no span"), "write 20:00-8:00"))?;
    Ok(Some(QuietHours { from: time(row, from)?, until: time(row, until)? }))
}
