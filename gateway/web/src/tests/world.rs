//! A small invented network in a real store on SQLite, a desk that writes into its intake log, and browsers
//! that ask the router.

use crate::{PageImages, WebState, hash_password, router};
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use kakehashi_core::clock::{Clock, FixedClock, UtcMicros};
use kakehashi_core::commit::{Actor, Commit, Effect};
use kakehashi_core::decision::{Candidate, TriageReason};
use kakehashi_core::directory::{
    Endpoint, EndpointSettings, Facility, Network, Patient, PatientGroup, StaffMember,
};
use kakehashi_core::envelope::{ContentHash, Envelope};
use kakehashi_core::ids::{FacilityId, IntakeId, NetworkId};
use kakehashi_core::job::{DeliveryJob, JobContent};
use kakehashi_core::port::{BoxFuture, IntakeAnswer, IntakeDesk, Origin, RawIntake, RecipientAnswer};
use kakehashi_core::rendered::{RenderedContent, RenderedMail};
use kakehashi_core::rules::RuleSet;
use kakehashi_core::vocabulary::*;
use kakehashi_store::view::{LoginUser, TriageRow};
use kakehashi_store::{DirectoryChange, HandedIn, Store, StoreConfig};
use std::sync::Arc;
use tower::ServiceExt;

pub(super) const NETWORK: &str = "sakurami";
pub(super) const API_KEY: &str = "hidamari-key-2026";
pub(super) const PASSWORD: &str = "つばき 2026";
pub(super) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0000";

pub(super) struct Desk(Store);

impl IntakeDesk for Desk {
    fn hand_in(&self, intake: RawIntake) -> BoxFuture<'_, IntakeAnswer> {
        Box::pin(async move {
            let id = IntakeId::fresh(intake.received_at, crate::random::bits());
            match self.0.intake_log().hand_in(&NetworkId::new(NETWORK), id, intake).await {
                Ok(HandedIn::New(id)) => IntakeAnswer::Accepted(id),
                Ok(HandedIn::Known(id)) => IntakeAnswer::Duplicate(id),
                Err(error) => IntakeAnswer::TryLater(error.to_string()),
            }
        })
    }

    fn accepts_recipient<'a>(&'a self, _: &'a str) -> BoxFuture<'a, RecipientAnswer> {
        Box::pin(async { RecipientAnswer::NotOurs })
    }
}

pub(super) struct Images;

impl PageImages for Images {
    fn pdf_page_png(&self, pdf: &[u8], page: usize) -> Result<Vec<u8>, String> {
        if pdf.starts_with(b"%PDF-") && page == 1 { Ok(PNG.to_vec()) } else { Err("no such page".into()) }
    }

    fn turned_png(&self, png: &[u8], degrees: u16) -> Result<Vec<u8>, String> {
        Ok([png, &[u8::try_from(degrees / 90).unwrap_or(0)]].concat())
    }

    fn box_png(&self, _: &[u8], name: &str) -> Option<Vec<u8>> {
        (name == "acknowledge").then(|| PNG.to_vec())
    }
}

pub(super) struct World {
    pub(super) store: Store,
    pub(super) clock: Arc<FixedClock>,
    pub(super) router: axum::Router,
    pub(super) _folder: tempfile::TempDir,
}

pub(super) fn start() -> UtcMicros {
    super::samples::at("09T10:20")
}

/// What a renderer gives, as far as the page needs it.
fn preview(job: &DeliveryJob) -> Result<RenderedContent, String> {
    match &job.content {
        JobContent::Posts(posts) if posts.endpoint.channel == Channel::Email => {
            Ok(RenderedContent::Email(RenderedMail {
                to: posts.endpoint.address.clone(),
                subject: "【至急】<つばき01>".to_owned(),
                text: "<本文>".to_owned(),
                html: Some("<p>本文</p>".to_owned()),
                on_page: vec![kakehashi_core::rendered::RenderedFile {
                    name: "写真.pdf".to_owned(),
                    media_type: "application/pdf".to_owned(),
                    bytes: b"%PDF-locked".to_vec(),
                }],
                ..RenderedMail::default()
            }))
        }
        _ => Err("no renderer for this here".to_owned()),
    }
}

/// Reads every picture alike.
struct Engine;

impl kakehashi_core::ocr::OcrEngine for Engine {
    fn draft(
        &self,
        png: Vec<u8>,
        _: kakehashi_core::ocr::PictureOf,
    ) -> BoxFuture<'_, Result<String, kakehashi_core::ocr::OcrFault>> {
        Box::pin(async move {
            if png == PNG {
                Ok("会議の<件>".to_owned())
            } else {
                Err(kakehashi_core::ocr::OcrFault::TimedOut)
            }
        })
    }

    fn check(&self) -> BoxFuture<'_, Vec<kakehashi_core::port::Finding>> {
        Box::pin(async { Vec::new() })
    }
}

/// Shows nothing of a message.
struct Messages;

impl kakehashi_core::port::MessageView for Messages {
    fn text(&self, _: &[u8], _: Option<&str>) -> kakehashi_core::port::MessageText {
        kakehashi_core::port::MessageText::default()
    }
}

impl World {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(start()));
        let config = StoreConfig {
            database_url: format!("sqlite:{}", folder.path().join("k.db").display()),
            blob_folder: folder.path().join("blobs"),
            max_connections: 4,
        };
        let store = Store::open(&config, clock.clone()).await.unwrap();
        store.directory(&NetworkId::new(NETWORK)).apply(cast(), start()).await.unwrap();
        let state = WebState {
            store: store.clone(),
            network: NetworkId::new(NETWORK),
            clock: clock.clone(),
            rules: Arc::new(RuleSet::default_policy),
            desk: Arc::new(Desk(store.clone())),
            page_images: Arc::new(Images),
            ocr: Some(Arc::new(Engine)),
            message_view: Arc::new(Messages),
            interfaces: Arc::new(Vec::new),
            preview: Arc::new(|_| Ok(b"%PDF-1.7".to_vec())),
            rendering: Arc::new(preview),
            metrics_text: Arc::new(|| "kakehashi_up 1\n".to_owned()),
            ready: Arc::new(|| true),
            fax_secrets: Arc::new([("second".to_owned(), "s".repeat(24))].into()),
            secure_cookies: false,
        };
        Self { store, clock, router: router(state), _folder: folder }
    }

    pub(super) async fn ask(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    pub(super) async fn get(&self, who: &Browser, path: &str) -> Answer {
        self.ask(who.request("GET", path).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, who: &Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = form(&[("csrf", &who.csrf)]);
        body.push('&');
        body.push_str(&form(fields));
        self.post_raw(who, path, body).await
    }

    pub(super) async fn post_raw(&self, who: &Browser, path: &str, body: String) -> Answer {
        let request =
            who.request("POST", path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(request.body(Body::from(body)).unwrap()).await
    }

    pub(super) async fn upload(
        &self,
        who: &Browser,
        path: &str,
        fields: &[(&str, &str)],
        file: Option<(&str, &[u8])>,
    ) -> Answer {
        let mut body = Vec::new();
        for (name, value) in [("csrf", who.csrf.as_str())].iter().chain(fields) {
            body.extend_from_slice(
                format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                    .as_bytes(),
            );
        }
        if let Some((name, bytes)) = file {
            body.extend_from_slice(format!("--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/html\r\n\r\n").as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--XX--\r\n");
        let request =
            who.request("POST", path).header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX");
        self.ask(request.body(Body::from(body)).unwrap()).await
    }

    /// A browser without login that has seen a form.
    pub(super) async fn guest(&self, path: &str) -> Browser {
        let answer = self.get(&Browser::default(), path).await;
        Browser { cookie: answer.cookie("kakehashi_guest"), csrf: answer.csrf() }
    }

    pub(super) async fn login(&self, name: &str) -> Browser {
        let guest = self.guest("/login").await;
        let answer = self.post(&guest, "/login", &[("login_name", name), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let mut browser = Browser { cookie: answer.cookie("kakehashi_session"), csrf: String::new() };
        browser.csrf = self.get(&browser, "/").await.csrf();
        browser
    }

    pub(super) async fn commit(&self, effects: Vec<Effect>) {
        let commit = Commit { at: self.clock.now(), actor: Actor::Gateway, effects };
        self.store.commit(&NetworkId::new(NETWORK), commit).await.unwrap();
    }

    /// Posts a topic as the clinic and gives its id.
    pub(super) async fn topic(&self, clinic: &Browser) -> String {
        let fields = [
            ("post_id", "01JX0000000000000000000001"),
            ("title", "臨時処方"),
            ("body", "朝1回へ変更します。"),
            ("urgency", "urgent"),
            ("expectation", "ack"),
            ("addressee", "F03"),
        ];
        let answer = self.upload(clinic, "/groups/G01/posts", &fields, Some(("p.png", PNG))).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        "01JX0000000000000000000001".to_owned()
    }

    /// The code of the mail that waits.
    pub(super) async fn code(&self) -> String {
        let worker = self.store.worker(&NetworkId::new(NETWORK));
        let jobs = worker.claim_deliveries("test", 10, 60, 1 << 20, self.clock.now()).await.unwrap();
        let code = jobs.iter().find_map(|job| match &job.content {
            JobContent::Posts(posts) if posts.endpoint.channel == Channel::Email => {
                Some(posts.items[0].code.to_string())
            }
            _ => None,
        });
        code.unwrap()
    }

    pub(super) async fn in_triage(&self) -> TriageRow {
        let note = "MSH|^~\\&|X".as_bytes();
        let raw = RawIntake {
            channel: Channel::Email,
            format: Format::Rfc5322,
            dedup_key: "k1".into(),
            sender_message_id: Some("m1@st.example".into()),
            bytes: note.into(),
            received_at: start(),
            origin: Origin::default(),
        };
        let id = IntakeId::new("I1");
        self.store.intake_log().hand_in(&NetworkId::new(NETWORK), id.clone(), raw).await.unwrap();
        let mut envelope = Envelope::empty(Channel::Email, Format::Rfc5322, ContentHash::of(note));
        envelope.title = Some("<script>alert(1)</script>".into());
        envelope.body = Some("千代さんの件".into());
        envelope.sender.address = Some("hinata@st.example".into());
        self.commit(vec![
            Effect::RecordReading {
                intake_id: id.clone(),
                envelopes: vec![envelope],
                attachments: Vec::new(),
            },
            Effect::OpenTriage {
                id: "X1".into(),
                intake_id: id.clone(),
                envelope_index: 0,
                reasons: vec![TriageReason::OneCandidate],
                candidates: vec![Candidate {
                    patient_id: "P01".into(),
                    group_id: Some("G01".into()),
                    post_id: None,
                    reasons_for: vec!["名前が一致".into()],
                    reasons_against: Vec::new(),
                    blocked: None,
                }],
                quarantined: false,
            },
            Effect::FinishIntake { intake_id: id, state: IntakeState::Triage, decided: Vec::new() },
        ])
        .await;
        self.store.office(&NetworkId::new(NETWORK)).triage(false, 10).await.unwrap().remove(0)
    }
}

#[derive(Default)]
pub(super) struct Browser {
    pub(super) cookie: String,
    pub(super) csrf: String,
}

impl Browser {
    pub(super) fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let request = Request::builder().method(method).uri(path);
        if self.cookie.is_empty() { request } else { request.header(header::COOKIE, &self.cookie) }
    }
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: axum::http::HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 24).await.unwrap();
        Self {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(super) fn cookie(&self, name: &str) -> String {
        let mut all = self.headers.get_all(header::SET_COOKIE).iter().filter_map(|v| v.to_str().ok());
        let found = all.rfind(|v| v.starts_with(&format!("{name}="))).unwrap_or_default();
        assert!(found.is_empty() || found.contains("HttpOnly; SameSite=Lax"), "{found}");
        found.split(';').next().unwrap_or_default().to_owned()
    }

    pub(super) fn csrf(&self) -> String {
        let value = self.text.split("name=\"csrf\" value=\"").nth(1).and_then(|t| t.split('"').next());
        value.unwrap_or_default().to_owned()
    }

    pub(super) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

pub(super) fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    fields.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect::<Vec<_>>().join("&")
}

pub(super) fn cast() -> Vec<DirectoryChange> {
    let facility = |id: &str, name: &str| {
        DirectoryChange::Facility(Facility {
            id: id.into(),
            name: name.into(),
            short_name: name.into(),
            facility_type: "clinic".into(),
            phone: None,
            business_hours: Vec::new(),
            is_network_office: id == "F09",
        })
    };
    let hash = hash_password(PASSWORD);
    let login = |id: &str, name: &str, facility: &str, role| {
        DirectoryChange::LoginUser(LoginUser {
            id: id.into(),
            login_name: name.into(),
            facility_id: facility.into(),
            facility_name: String::new(),
            staff_id: None,
            display_name: format!("{name}さん"),
            role,
            locale: Locale::Ja,
            password_hash: hash.clone(),
        })
    };
    let endpoint = |id: &str, facility: &str, channel, address: &str| {
        DirectoryChange::Endpoint(Endpoint {
            id: id.into(),
            facility_id: facility.into(),
            channel,
            address: address.into(),
            state: EndpointState::Verified,
            settings: EndpointSettings { receives: channel != Channel::Api, ..EndpointSettings::default() },
        })
    };
    let mut all = vec![
        DirectoryChange::Network(Network {
            id: NETWORK.into(),
            name: "桜見区".into(),
            office_name: "在宅連携事務局".into(),
            office_phone: "03-0000-0100".into(),
            office_hours: "平日 9–17時".into(),
            gateway_fax: "03-0000-0199".into(),
            mail_domain: "in.example".into(),
            public_url: "http://127.0.0.1:8080".into(),
        }),
        DirectoryChange::FacilityType { code: "clinic".into(), ja: "診療所".into(), en: "clinic".into() },
        facility("F02", "若葉在宅クリニック"),
        facility("F03", "訪問看護ステーションひなた"),
        facility("F08", "はなみ歯科医院"),
        facility("F09", "在宅連携事務局"),
        DirectoryChange::Staff(StaffMember {
            id: "S3".into(),
            facility_id: "F03".into(),
            name: "大塚 千尋".into(),
            professions: Vec::new(),
            left_at: None,
        }),
        endpoint("E2", "F02", Channel::Web, "F02"),
        endpoint("E3", "F03", Channel::Email, "hinata@st.example"),
        endpoint("E3a", "F03", Channel::Api, ContentHash::of(API_KEY.as_bytes()).hex()),
        login("U2", "saeki", "F02", Role::Staff),
        login("U3", "otsuka", "F03", Role::FacilityManager),
        login("U8", "hanai", "F08", Role::Staff),
        login("U9", "watanabe", "F09", Role::Office),
        DirectoryChange::Patient(Patient {
            id: "P01".into(),
            name: "山本 千代".into(),
            kana: "ヤマモト チヨ".into(),
            birth_date: Some("1938-04-12".into()),
            sex: None,
            summary: None,
        }),
        DirectoryChange::Group(PatientGroup {
            id: "G01".into(),
            patient_id: "P01".into(),
            alias: "つばき01".into(),
            address: "g-tsubaki".into(),
            state: GroupState::Open,
        }),
        DirectoryChange::Consent {
            id: "C1".into(),
            patient_id: "P01".into(),
            facilities: vec!["F02".into(), "F03".into()],
            channels: Vec::new(),
            from: start().plus_seconds(-86_400),
            until: None,
        },
    ];
    for member in ["F02", "F03"] {
        all.push(DirectoryChange::Membership {
            group_id: "G01".into(),
            facility_id: FacilityId::new(member),
            since: start().plus_seconds(-86_400),
            again: false,
        });
    }
    all
}
