//! Import of directory files: everything or nothing, repeatable. A line that is already so changes no
//! row, so the answer tells whether an import did anything. It never deletes: what is gone from a file
//! stays until it is suspended, closed or ended there.

use crate::database::Tx;
use crate::row::json_text;
use crate::store::Parts;
use crate::upsert::Upsert;
use crate::value::args;
use crate::view::{LoginUser, Wake};
use crate::{StoreError, audit};
use kakehashi_core::audit::Said;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::Actor;
use kakehashi_core::directory::{
    Endpoint, EndpointSettings, Facility, Network, Patient, PatientGroup, StaffMember,
};
use kakehashi_core::facts::IdentifierState;
use kakehashi_core::ids::{ConsentId, EndpointId, FacilityId, GroupId, NetworkId, PatientId};
use kakehashi_core::text::fold::fold_name;
use kakehashi_core::vocabulary::{Channel, EndpointState};

/// One line of a directory. Applying a line that is already so changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum DirectoryChange {
    /// The network itself; must come first.
    Network(Network),
    /// A line of the facility type list.
    FacilityType {
        /// Code.
        code: String,
        /// Japanese.
        ja: String,
        /// English.
        en: String,
    },
    /// A line of the profession list.
    Profession {
        /// Code.
        code: String,
        /// Japanese.
        ja: String,
        /// English.
        en: String,
    },
    /// A facility.
    Facility(Facility),
    /// A person with professions.
    Staff(StaffMember),
    /// A number, address or interface.
    Endpoint(Endpoint),
    /// A login.
    LoginUser(LoginUser),
    /// A patient.
    Patient(Patient),
    /// A number of a patient at an institution.
    Identifier {
        /// Whose number.
        facility_id: FacilityId,
        /// The number.
        identifier: String,
        /// The patient.
        patient_id: PatientId,
        /// State.
        state: IdentifierState,
    },
    /// A group.
    Group(PatientGroup),
    /// A facility in a group.
    Membership {
        /// The group.
        group_id: GroupId,
        /// The facility.
        facility_id: FacilityId,
        /// Since.
        since: UtcMicros,
        /// A person has decided that it takes part again although it left.
        again: bool,
    },
    /// A consent: patient × facilities × channels × period.
    Consent {
        /// Key.
        id: ConsentId,
        /// The patient.
        patient_id: PatientId,
        /// Covers these.
        facilities: Vec<FacilityId>,
        /// By these channels; empty means all.
        channels: Vec<Channel>,
        /// From.
        from: UtcMicros,
        /// Until; open if none.
        until: Option<UtcMicros>,
    },
}

/// A file is older than a 停止: an endpoint that a bounce or a 宛先違い stopped stays stopped whatever the file
/// says, until the office verifies it or it gets another number or address.
const ENDPOINT: &str = "INSERT INTO endpoints \
         (network_id, endpoint_id, facility_id, channel, address, state, settings) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (network_id, endpoint_id) DO UPDATE SET facility_id = excluded.facility_id, \
         channel = excluded.channel, address = excluded.address, settings = excluded.settings, \
         state = CASE WHEN endpoints.state = 'suspended' AND endpoints.address = excluded.address \
                 THEN endpoints.state ELSE excluded.state END \
     WHERE endpoints.facility_id IS DISTINCT FROM excluded.facility_id \
        OR endpoints.channel IS DISTINCT FROM excluded.channel \
        OR endpoints.address IS DISTINCT FROM excluded.address \
        OR endpoints.settings IS DISTINCT FROM excluded.settings \
        OR (endpoints.state IS DISTINCT FROM excluded.state AND endpoints.state <> 'suspended')";

/// A file is older than a 担当終了 as well: whoever left stays away until a person says otherwise.
const MEMBER: &str = "INSERT INTO memberships (network_id, group_id, facility_id, since) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (network_id, group_id, facility_id) DO NOTHING";

/// A person says otherwise.
const MEMBER_AGAIN: &str = "INSERT INTO memberships (network_id, group_id, facility_id, since) \
     VALUES ($1, $2, $3, $4) \
     ON CONFLICT (network_id, group_id, facility_id) DO UPDATE \
     SET since = excluded.since, ended_at = NULL WHERE memberships.ended_at IS NOT NULL";

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Rows that are new or changed.
    pub changed: u64,
    /// Where the file says something else than the desk, and the desk was followed.
    pub kept: Vec<Kept>,
}

/// Something that stays as it became after the file was written, whatever the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// A number that one person of the office wrote down and another one checked.
    Number {
        /// Of this endpoint.
        endpoint_id: EndpointId,
    },
    /// How a facility wishes to receive, from a 設定票, a mail or the desk.
    Settings {
        /// At this endpoint.
        endpoint_id: EndpointId,
    },
    /// 担当終了: a facility that the file still lists as a member has left.
    Leave {
        /// The group.
        group_id: GroupId,
        /// The facility.
        facility_id: FacilityId,
        /// Since then.
        left_at: UtcMicros,
    },
}

/// Handle for import.
#[derive(Clone)]
pub struct Directory {
    parts: Parts,
    network: NetworkId,
}

impl Directory {
    pub(crate) const fn new(parts: Parts, network: NetworkId) -> Self {
        Self { parts, network }
    }

    /// Applies all changes in one transaction. Returns how many rows were new or changed, and what the file says
    /// otherwise than the gateway: a number that two persons have checked, settings that a member has chosen and a
    /// 担当終了 are newer than the file.
    ///
    /// # Errors
    /// Nothing was applied: a line names a facility, patient or group that is in no line before it, or
    /// the store does not answer.
    pub async fn apply(&self, changes: Vec<DirectoryChange>, at: UtcMicros) -> Result<Imported, StoreError> {
        let mut tx = self.parts.db.begin().await?;
        let (mut changed, mut kept) = (0, Vec::new());
        for change in &changes {
            changed += match change {
                DirectoryChange::Endpoint(endpoint) => self.endpoint(&mut tx, endpoint, &mut kept).await?,
                DirectoryChange::Membership { group_id, facility_id, again, .. } => {
                    let left = if *again { None } else { self.left(&mut tx, group_id, facility_id).await? };
                    kept.extend(left);
                    self.one(&mut tx, change).await?
                }
                other => self.one(&mut tx, other).await?,
            };
        }
        if changed > 0 {
            let again: Vec<String> = changes
                .iter()
                .filter_map(|change| match change {
                    DirectoryChange::Membership { group_id, facility_id, again: true, .. } => {
                        Some(format!("{group_id}:{facility_id}"))
                    }
                    _ => None,
                })
                .collect();
            let mut detail = serde_json::json!({ "lines": changes.len(), "changed": changed });
            if !again.is_empty() {
                detail["again"] = again.into();
            }
            let said = Said::new("import_directory", "network", self.network.as_str(), &detail);
            audit::append(&mut tx, &self.network, at, &Actor::Operator, vec![said]).await?;
        }
        tx.commit().await?;
        if changed > 0 {
            for change in &changes {
                if let DirectoryChange::Group(group) = change {
                    self.parts.wakes.wake(Wake::Group(group.id.clone()));
                }
            }
            self.parts.wakes.wake(Wake::Delivery);
        }
        Ok(Imported { changed, kept })
    }

    async fn one(&self, tx: &mut Tx, change: &DirectoryChange) -> Result<u64, StoreError> {
        let n = &self.network;
        match change {
            DirectoryChange::Network(v) => self.network_line(tx, v).await,
            DirectoryChange::FacilityType { code, ja, en } => {
                Upsert::new("facility_types", "network_id, code", "ja, en")
                    .run(tx, args![n, code, ja, en])
                    .await
            }
            DirectoryChange::Profession { code, ja, en } => {
                Upsert::new("professions", "network_id, code", "ja, en").run(tx, args![n, code, ja, en]).await
            }
            DirectoryChange::Facility(v) => {
                let columns = "name, short_name, facility_type, phone, business_hours, is_network_office";
                let hours = json_text(&v.business_hours)?;
                let (office, phone) = (v.is_network_office, &v.phone);
                Upsert::new("facilities", "network_id, facility_id", columns)
                    .run(tx, args![n, &v.id, &v.name, &v.short_name, &v.facility_type, phone, hours, office])
                    .await
            }
            DirectoryChange::Staff(v) => self.staff(tx, v).await,
            DirectoryChange::Endpoint(v) => self.endpoint(tx, v, &mut Vec::new()).await,
            DirectoryChange::LoginUser(v) => {
                let columns = "login_name, facility_id, staff_id, display_name, role, locale, password_hash";
                let (role, locale) = (v.role.code(), v.locale.code());
                Upsert::new("login_users", "network_id, login_user_id", columns)
                    .run(
                        tx,
                        args![
                            n,
                            &v.id,
                            &v.login_name,
                            &v.facility_id,
                            &v.staff_id,
                            &v.display_name,
                            role,
                            locale,
                            &v.password_hash,
                        ],
                    )
                    .await
            }
            DirectoryChange::Patient(v) => {
                let columns = "name, kana, birth_date, sex, summary, folded_name, folded_kana";
                let (folded_name, folded_kana) = (fold_name(&v.name), fold_name(&v.kana));
                Upsert::new("patients", "network_id, patient_id", columns)
                    .run(
                        tx,
                        args![
                            n,
                            &v.id,
                            &v.name,
                            &v.kana,
                            &v.birth_date,
                            &v.sex,
                            &v.summary,
                            folded_name,
                            folded_kana,
                        ],
                    )
                    .await
            }
            DirectoryChange::Identifier { facility_id, identifier, patient_id, state } => {
                Upsert::new("patient_identifiers", "network_id, facility_id, identifier", "patient_id, state")
                    .run(tx, args![n, facility_id, identifier, patient_id, state.code()])
                    .await
            }
            DirectoryChange::Group(v) => {
                let address = v.address.to_lowercase();
                Upsert::new("patient_groups", "network_id, group_id", "patient_id, alias, address, state")
                    .run(tx, args![n, &v.id, &v.patient_id, &v.alias, address, v.state.code()])
                    .await
            }
            DirectoryChange::Membership { group_id, facility_id, since, again } => {
                let sql = if *again { MEMBER_AGAIN } else { MEMBER };
                tx.run(sql, args![n, group_id, facility_id, *since]).await
            }
            DirectoryChange::Consent { id, patient_id, facilities, channels, from, until } => {
                let channels = json_text(channels)?;
                let mut changed = Upsert::new(
                    "consents",
                    "network_id, consent_id",
                    "patient_id, channels, valid_from, valid_until",
                )
                .run(tx, args![n, id, patient_id, channels, *from, *until])
                .await?;
                // The paper says who is covered: whoever it no longer names is not.
                changed += tx
                    .run(
                        "DELETE FROM consent_facilities WHERE network_id = $1 AND consent_id = $2 \
                         AND NOT (facility_id {in $3})",
                        args![n, id, crate::value::list(facilities)],
                    )
                    .await?;
                for facility in facilities {
                    changed += tx
                        .run(
                            "INSERT INTO consent_facilities (network_id, consent_id, facility_id) \
                             VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                            args![n, id, facility],
                        )
                        .await?;
                }
                Ok(changed)
            }
        }
    }

    /// A number or address, except for what the desk knows better. The rest of its settings is the file's.
    async fn endpoint(&self, tx: &mut Tx, file: &Endpoint, kept: &mut Vec<Kept>) -> Result<u64, StoreError> {
        let n = &self.network;
        let row = tx
            .row(
                "SELECT e.address, e.state, e.settings, \
                    EXISTS (SELECT 1 FROM endpoint_changes c WHERE c.network_id = e.network_id \
                        AND c.endpoint_id = e.endpoint_id AND c.kind = 'number' AND c.checked_at IS NOT NULL), \
                    EXISTS (SELECT 1 FROM endpoint_changes c WHERE c.network_id = e.network_id \
                        AND c.endpoint_id = e.endpoint_id AND c.kind = 'settings' AND c.undone_at IS NULL) \
                 FROM endpoints e WHERE e.network_id = $1 AND e.endpoint_id = $2",
                args![n, &file.id],
            )
            .await?;
        let mut v = file.clone();
        if let Some(row) = row {
            let mut r = row.reader();
            let address = r.text()?;
            let state = r.code(("endpoints", "state"), EndpointState::from_code)?;
            let settings: EndpointSettings = r.json(("endpoints", "settings"))?;
            let (number_checked, settings_chosen) = (r.bool()?, r.bool()?);
            if number_checked && v.address != address {
                (v.address, v.state) = (address, state);
                kept.push(Kept::Number { endpoint_id: v.id.clone() });
            }
            if settings_chosen {
                let chosen = EndpointSettings {
                    instant_threshold: settings.instant_threshold,
                    digests: settings.digests,
                    quiet_hours: settings.quiet_hours,
                    night_ok: settings.night_ok,
                    ..v.settings.clone()
                };
                if chosen != v.settings {
                    v.settings = chosen;
                    kept.push(Kept::Settings { endpoint_id: v.id.clone() });
                }
            }
        }
        let settings = json_text(&v.settings)?;
        let (channel, state) = (v.channel.code(), v.state.code());
        tx.run(ENDPOINT, args![n, &v.id, &v.facility_id, channel, &v.address, state, settings]).await
    }

    /// That a facility has left a group, if it has.
    async fn left(
        &self,
        tx: &mut Tx,
        group: &GroupId,
        facility: &FacilityId,
    ) -> Result<Option<Kept>, StoreError> {
        let row = tx
            .row(
                "SELECT ended_at FROM memberships WHERE network_id = $1 AND group_id = $2 \
                 AND facility_id = $3 AND ended_at IS NOT NULL",
                args![&self.network, group, facility],
            )
            .await?;
        row.map(|row| {
            let left_at = row.reader().time()?;
            Ok(Kept::Leave { group_id: group.clone(), facility_id: facility.clone(), left_at })
        })
        .transpose()
    }

    async fn network_line(&self, tx: &mut Tx, v: &Network) -> Result<u64, StoreError> {
        if v.id != self.network {
            return Err(StoreError::Config {
                what: format!("the directory is of network {}, not of {}", v.id, self.network),
                remedy: "import it into its own network".to_owned(),
            });
        }
        let columns = "name, office_name, office_phone, office_hours, gateway_fax, mail_domain, public_url";
        Upsert::new("networks", "network_id", columns)
            .run(
                tx,
                args![
                    &v.id,
                    &v.name,
                    &v.office_name,
                    &v.office_phone,
                    &v.office_hours,
                    &v.gateway_fax,
                    v.mail_domain.to_lowercase(),
                    &v.public_url,
                ],
            )
            .await
    }

    async fn staff(&self, tx: &mut Tx, v: &StaffMember) -> Result<u64, StoreError> {
        let n = &self.network;
        let mut changed = Upsert::new("staff_members", "network_id, staff_id", "facility_id, name, left_at")
            .run(tx, args![n, &v.id, &v.facility_id, &v.name, v.left_at])
            .await?;
        for (position, profession) in (0_i64..).zip(&v.professions) {
            changed += Upsert::new("staff_professions", "network_id, staff_id, position", "profession")
                .run(tx, args![n, &v.id, position, profession])
                .await?;
        }
        changed += tx
            .run(
                "DELETE FROM staff_professions WHERE network_id = $1 AND staff_id = $2 AND position >= $3",
                args![n, &v.id, v.professions.len() as u64],
            )
            .await?;
        Ok(changed)
    }
}
