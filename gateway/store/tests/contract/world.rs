//! An empty store on either database, a clock that stands still, and a small invented network to fill it.

use kakehashi_core::clock::{FixedClock, UtcMicros};
use kakehashi_core::commit::{Actor, Commit, Effect, NewDelivery, OnlyIf};
use kakehashi_core::directory::{
    Endpoint, EndpointSettings, Facility, Network, Patient, PatientGroup, StaffMember,
};
use kakehashi_core::facts::IdentifierState;
use kakehashi_core::ids::{IntakeId, NetworkId};
use kakehashi_core::port::{Origin, RawIntake};
use kakehashi_core::post::{Addressee, Post, PostKind};
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::vocabulary::{
    Channel, DeliveryMode, EndpointState, Format, GroupState, Locale, ReplyExpectation, Role, Urgency,
};
use kakehashi_store::view::LoginUser;
use kakehashi_store::{Committed, DirectoryChange, HandedIn, Store, StoreConfig, StoreError};
use sqlx::{AssertSqlSafe, Connection as _};
use std::sync::Arc;
use tempfile::TempDir;

pub(crate) const NETWORK: &str = "sakurami";

/// 2026-06-09 10:20 in Japan.
pub(crate) fn now() -> UtcMicros {
    UtcMicros::from_rfc3339("2026-06-09T10:20:00+09:00").unwrap()
}

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) config: StoreConfig,
    pub(crate) network: NetworkId,
    folder: TempDir,
    drop_database: Option<(String, String)>,
}

impl World {
    pub(crate) async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("kakehashi.db").display());
        Self::open(url, folder, None).await
    }

    pub(crate) async fn on_postgres(name: &str) -> Option<Self> {
        let Ok(server) = std::env::var("KAKEHASHI_TEST_POSTGRES") else {
            eprintln!("PostgreSQL was not tried: KAKEHASHI_TEST_POSTGRES is not set");
            return None;
        };
        let database = format!("k_{:08x}_{}", rand::random::<u32>(), &name[..name.len().min(40)]);
        let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
        let sql = format!("CREATE DATABASE \"{database}\"");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
        admin.close().await.unwrap();
        let base = server.rsplit_once('/').unwrap().0.to_owned();
        let url = format!("{base}/{database}");
        Some(Self::open(url, tempfile::tempdir().unwrap(), Some((server, database))).await)
    }

    async fn open(url: String, folder: TempDir, drop_database: Option<(String, String)>) -> Self {
        let clock = Arc::new(FixedClock::at(now()));
        let config =
            StoreConfig { database_url: url, blob_folder: folder.path().join("blobs"), max_connections: 6 };
        let store = Store::open(&config, clock.clone()).await.unwrap();
        Self { store, clock, config, network: NetworkId::from(NETWORK), folder, drop_database }
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) async fn end(self) {
        self.store.close().await;
        if let Some((server, database)) = self.drop_database {
            let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
            let sql = format!("DROP DATABASE \"{database}\" WITH (FORCE)");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
        }
    }

    pub(crate) fn office(&self) -> kakehashi_store::OfficeView {
        self.store.office(&self.network)
    }

    pub(crate) fn worker(&self) -> kakehashi_store::WorkerView {
        self.store.worker(&self.network)
    }

    pub(crate) fn facility(&self, id: &str) -> kakehashi_store::FacilityView {
        self.store.facility(&self.network, &id.into())
    }

    pub(crate) async fn commit(&self, effects: Vec<Effect>) -> Result<Committed, StoreError> {
        self.commit_at(now(), effects).await
    }

    pub(crate) async fn commit_at(
        &self,
        at: UtcMicros,
        effects: Vec<Effect>,
    ) -> Result<Committed, StoreError> {
        self.store.commit(&self.network, Commit { at, actor: Actor::Gateway, effects }).await
    }

    pub(crate) async fn import(&self, changes: Vec<DirectoryChange>) -> u64 {
        self.store.directory(&self.network).apply(changes, now()).await.unwrap().changed
    }

    /// The network of the scenarios, small.
    pub(crate) async fn fill(&self) {
        self.import(cast(NETWORK)).await;
    }

    pub(crate) async fn intake(&self, id: &str, key: &str, bytes: &[u8]) -> HandedIn {
        self.store.intake_log().hand_in(&self.network, id.into(), raw(key, bytes)).await.unwrap()
    }

    /// Runs SQL that no part of the program would run.
    pub(crate) async fn sql(&self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        if let Some(path) = self.config.database_url.strip_prefix("sqlite:") {
            let mut conn = sqlx::SqliteConnection::connect(path).await?;
            sqlx::raw_sql(sql).execute(&mut conn).await?;
            conn.close().await
        } else {
            let mut conn = sqlx::PgConnection::connect(&self.config.database_url).await?;
            sqlx::raw_sql(sql).execute(&mut conn).await?;
            conn.close().await
        }
    }
}

pub(crate) fn raw(key: &str, bytes: &[u8]) -> RawIntake {
    RawIntake {
        channel: Channel::Hl7,
        format: Format::Hl7v2,
        dedup_key: key.to_owned(),
        sender_message_id: Some(format!("MSG-{key}")),
        bytes: bytes.into(),
        received_at: now(),
        origin: Origin {
            listener: "mllp".to_owned(),
            interface: Some("HIS|SAKURAMI_CH".to_owned()),
            ..Origin::default()
        },
    }
}

pub(crate) fn id_of(handed: &HandedIn) -> IntakeId {
    match handed {
        HandedIn::New(id) | HandedIn::Known(id) => id.clone(),
    }
}

pub(crate) fn network(id: &str) -> Network {
    Network {
        id: id.into(),
        name: "桜見区在宅連携ネットワーク".into(),
        office_name: "桜見区医師会 在宅連携事務局".into(),
        office_phone: "03-0000-0100".into(),
        office_hours: "平日 9–17時".into(),
        gateway_fax: "03-0000-0199".into(),
        mail_domain: "in.sakurami.example".into(),
        public_url: "https://sakurami.example".into(),
    }
}

pub(crate) fn facility(id: &str, name: &str, kind: &str) -> DirectoryChange {
    DirectoryChange::Facility(Facility {
        id: id.into(),
        name: name.into(),
        short_name: name.into(),
        facility_type: kind.into(),
        phone: None,
        business_hours: Vec::new(),
        is_network_office: id == "F09",
    })
}

pub(crate) fn endpoint(id: &str, facility: &str, channel: Channel, address: &str) -> Endpoint {
    Endpoint {
        id: id.into(),
        facility_id: facility.into(),
        channel,
        address: address.into(),
        state: EndpointState::Verified,
        settings: EndpointSettings::default(),
    }
}

fn patient(id: &str, name: &str, kana: &str, born: &str) -> DirectoryChange {
    DirectoryChange::Patient(Patient {
        id: id.into(),
        name: name.into(),
        kana: kana.into(),
        birth_date: Some(born.into()),
        sex: Some("F".into()),
        summary: None,
    })
}

pub(crate) fn group(id: &str, patient: &str, alias: &str, state: GroupState) -> DirectoryChange {
    DirectoryChange::Group(PatientGroup {
        id: id.into(),
        patient_id: patient.into(),
        alias: alias.into(),
        address: format!("g-{}", id.to_lowercase()),
        state,
    })
}

pub(crate) fn consent(
    id: &str,
    patient: &str,
    facilities: &[&str],
    until: Option<UtcMicros>,
) -> DirectoryChange {
    DirectoryChange::Consent {
        id: id.into(),
        patient_id: patient.into(),
        facilities: facilities.iter().map(|f| (*f).into()).collect(),
        channels: Vec::new(),
        from: now().plus_seconds(-86_400),
        until,
    }
}

/// F01–F05 and the office F09; 千代 (G01) with all of them, 千代子 (G03) with F02, F04 and F05.
pub(crate) fn cast(id: &str) -> Vec<DirectoryChange> {
    let mut all = vec![
        DirectoryChange::Network(network(id)),
        DirectoryChange::FacilityType { code: "hospital".into(), ja: "病院".into(), en: "hospital".into() },
        DirectoryChange::Profession { code: "nurse".into(), ja: "看護師".into(), en: "nurse".into() },
        facility("F01", "桜見中央病院", "hospital"),
        facility("F02", "若葉在宅クリニック", "medical_clinic"),
        facility("F03", "訪問看護ステーションひなた", "home_nursing_station"),
        facility("F04", "ケアプランセンターつむぎ", "care_management_office"),
        facility("F05", "あおぞら薬局桜見店", "pharmacy"),
        facility("F09", "桜見区医師会 在宅連携事務局", "medical_association"),
        DirectoryChange::Staff(StaffMember {
            id: "S0301".into(),
            facility_id: "F03".into(),
            name: "大塚 千尋".into(),
            professions: vec!["nurse".into(), "manager".into()],
            left_at: None,
        }),
        DirectoryChange::Endpoint(endpoint("E01", "F01", Channel::Hl7, "HIS|SAKURAMI_CH")),
        DirectoryChange::Endpoint(endpoint("E02", "F02", Channel::Api, "0123abcd")),
        DirectoryChange::Endpoint(endpoint("E03", "F03", Channel::Email, "hinata@st.example")),
        DirectoryChange::Endpoint(endpoint("E04", "F04", Channel::Fax, "0300000104")),
        DirectoryChange::Endpoint(endpoint("E05", "F05", Channel::Fax, "0300000105")),
        DirectoryChange::Endpoint(endpoint("E06", "F02", Channel::PhoneMemo, "0300000102")),
        patient("P01", "山本 千代", "ヤマモト チヨ", "1938-04-12"),
        patient("P03", "山本 千代子", "ヤマモト チヨコ", "1938-04-21"),
        DirectoryChange::Identifier {
            facility_id: "F01".into(),
            identifier: "00412338".into(),
            patient_id: "P01".into(),
            state: IdentifierState::Confirmed,
        },
        group("G01", "P01", "つばき01", GroupState::Open),
        group("G03", "P03", "なでしこ03", GroupState::Open),
        consent("C01", "P01", &["F01", "F02", "F03", "F04", "F05"], None),
        consent("C03", "P03", &["F02", "F04", "F05"], None),
        DirectoryChange::LoginUser(LoginUser {
            id: "U02".into(),
            login_name: "saeki".into(),
            facility_id: "F02".into(),
            facility_name: String::new(),
            staff_id: None,
            display_name: "佐伯 直人".into(),
            role: Role::Staff,
            locale: Locale::Ja,
            password_hash: "$argon2id$test".into(),
        }),
    ];
    for (group, members) in
        [("G01", vec!["F01", "F02", "F03", "F04", "F05"]), ("G03", vec!["F02", "F04", "F05"])]
    {
        all.extend(members.into_iter().map(|f| DirectoryChange::Membership {
            group_id: group.into(),
            facility_id: f.into(),
            since: now().plus_seconds(-86_400),
            again: false,
        }));
    }
    all
}

/// A topic of this facility that asks these for 了解.
pub(crate) fn topic(id: &str, group: &str, facility: &str, ask: &[(&str, ReplyExpectation)]) -> Post {
    Post {
        id: id.into(),
        group_id: group.into(),
        topic_id: id.into(),
        kind: PostKind::Topic,
        corrects: None,
        version: 1,
        facility_id: facility.into(),
        staff_id: None,
        author_name: None,
        proxy: None,
        channel: Channel::Hl7,
        urgency: Urgency::Urgent,
        expectation: ask.iter().map(|(_, e)| *e).max().unwrap_or(ReplyExpectation::None),
        due_at: None,
        title: Some("退院のお知らせ".into()),
        body: "本日退院されました。".into(),
        quoted: None,
        signature: None,
        document_kind: None,
        occurred_at: None,
        received_at: now(),
        posted_at: now(),
        intake_id: None,
        event_key: None,
        decided_by: "rule discharge".into(),
        addressees: ask
            .iter()
            .map(|(f, e)| Addressee { facility_id: (*f).into(), expectation: *e })
            .collect(),
        liaison: Vec::new(),
    }
}

pub(crate) fn reply(id: &str, topic: &Post, facility: &str) -> Post {
    Post {
        id: id.into(),
        topic_id: topic.id.clone(),
        kind: PostKind::Reply,
        facility_id: facility.into(),
        title: None,
        addressees: Vec::new(),
        ..topic.clone()
    }
}

pub(crate) fn post(post: &Post) -> Effect {
    Effect::Post { post: Box::new(post.clone()), attachments: Vec::new() }
}

/// Codes follow from the key, so a test can name them.
pub(crate) fn code(of: &str, item: bool) -> ReplyCode {
    let sum =
        of.bytes().fold(u64::from(item), |sum, b| sum.wrapping_mul(1_000_003).wrapping_add(u64::from(b)));
    // A code may count up by a few to the next usable value, so codes are kept apart.
    ReplyCode::from_random(sum.wrapping_mul(64))
}

pub(crate) fn deliver(
    id: &str,
    post: &str,
    endpoint: &Endpoint,
    mode: DeliveryMode,
    due: UtcMicros,
) -> NewDelivery {
    NewDelivery {
        id: id.into(),
        endpoint_id: endpoint.id.clone(),
        facility_id: endpoint.facility_id.clone(),
        channel: endpoint.channel,
        post_id: post.into(),
        mode,
        due_at: due,
        item_code: code(id, true),
        delivery_code: code(id, false),
        code_expires_at: now().plus_seconds(30 * 86_400),
        only_if: OnlyIf::Always,
    }
}

/// The endpoints of [`cast`] that tests send to.
pub(crate) fn mail() -> Endpoint {
    endpoint("E03", "F03", Channel::Email, "hinata@st.example")
}

pub(crate) fn fax() -> Endpoint {
    endpoint("E04", "F04", Channel::Fax, "0300000104")
}

pub(crate) fn phone() -> Endpoint {
    endpoint("E06", "F02", Channel::PhoneMemo, "0300000102")
}
