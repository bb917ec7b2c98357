//! The routes over a real store on SQLite and a desk that writes into its intake log.

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
use kakehashi_core::job::JobContent;
use kakehashi_core::port::{BoxFuture, IntakeAnswer, IntakeDesk, Origin, RawIntake, RecipientAnswer};
use kakehashi_core::rules::RuleSet;
use kakehashi_core::vocabulary::*;
use kakehashi_store::view::{LoginUser, TriageRow};
use kakehashi_store::{DirectoryChange, HandedIn, Store, StoreConfig};
use std::sync::Arc;
use tower::ServiceExt;

const NETWORK: &str = "sakurami";
const API_KEY: &str = "hidamari-key-2026";
const PASSWORD: &str = "つばき 2026";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0000";

struct Desk(Store);

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

struct Images;

impl PageImages for Images {
    fn pdf_page_png(&self, pdf: &[u8], page: usize) -> Result<Vec<u8>, String> {
        if pdf.starts_with(b"%PDF-") && page == 1 { Ok(PNG.to_vec()) } else { Err("no such page".into()) }
    }
}

struct World {
    store: Store,
    clock: Arc<FixedClock>,
    router: axum::Router,
    _folder: tempfile::TempDir,
}

fn start() -> UtcMicros {
    super::samples::at("09T10:20")
}

impl World {
    async fn new() -> Self {
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
            metrics_text: Arc::new(|| "kakehashi_up 1\n".to_owned()),
            ready: Arc::new(|| true),
            secure_cookies: false,
        };
        Self { store, clock, router: router(state), _folder: folder }
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    async fn get(&self, who: &Browser, path: &str) -> Answer {
        self.ask(who.request("GET", path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, who: &Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = form(&[("csrf", &who.csrf)]);
        body.push('&');
        body.push_str(&form(fields));
        self.post_raw(who, path, body).await
    }

    async fn post_raw(&self, who: &Browser, path: &str, body: String) -> Answer {
        let request =
            who.request("POST", path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(request.body(Body::from(body)).unwrap()).await
    }

    async fn upload(
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
    async fn guest(&self, path: &str) -> Browser {
        let answer = self.get(&Browser::default(), path).await;
        Browser { cookie: answer.cookie("kakehashi_guest"), csrf: answer.csrf() }
    }

    async fn login(&self, name: &str) -> Browser {
        let guest = self.guest("/login").await;
        let answer = self.post(&guest, "/login", &[("login_name", name), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let mut browser = Browser { cookie: answer.cookie("kakehashi_session"), csrf: String::new() };
        browser.csrf = self.get(&browser, "/").await.csrf();
        browser
    }

    async fn commit(&self, effects: Vec<Effect>) {
        let commit = Commit { at: self.clock.now(), actor: Actor::Gateway, effects };
        self.store.commit(&NetworkId::new(NETWORK), commit).await.unwrap();
    }

    /// Posts a topic as the clinic and gives its id.
    async fn topic(&self, clinic: &Browser) -> String {
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
    async fn code(&self) -> String {
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

    async fn in_triage(&self) -> TriageRow {
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
struct Browser {
    cookie: String,
    csrf: String,
}

impl Browser {
    fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let request = Request::builder().method(method).uri(path);
        if self.cookie.is_empty() { request } else { request.header(header::COOKIE, &self.cookie) }
    }
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 24).await.unwrap();
        Self {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    fn cookie(&self, name: &str) -> String {
        let mut all = self.headers.get_all(header::SET_COOKIE).iter().filter_map(|v| v.to_str().ok());
        let found = all.rfind(|v| v.starts_with(&format!("{name}="))).unwrap_or_default();
        assert!(found.is_empty() || found.contains("HttpOnly; SameSite=Lax"), "{found}");
        found.split(';').next().unwrap_or_default().to_owned()
    }

    fn csrf(&self) -> String {
        let value = self.text.split("name=\"csrf\" value=\"").nth(1).and_then(|t| t.split('"').next());
        value.unwrap_or_default().to_owned()
    }

    fn location(&self) -> &str {
        self.headers.get(header::LOCATION).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    fields.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect::<Vec<_>>().join("&")
}

fn cast() -> Vec<DirectoryChange> {
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
        });
    }
    all
}

#[tokio::test]
async fn a_topic_goes_round() {
    let world = World::new().await;
    let clinic = world.login("saeki").await;
    let nurse = world.login("otsuka").await;
    let topic = world.topic(&clinic).await;
    // The same form twice is one post.
    world.topic(&clinic).await;
    let page = world.get(&nurse, "/groups/G01").await;
    assert_eq!(page.text.matches("<article").count(), 1);
    assert!(
        page.text.contains("臨時処方") && page.text.contains("了解希望 → 訪問看護ステーションひなた"),
        "{}",
        page.text
    );
    let picture = page.text.split("src=\"/attachments/").nth(1).unwrap().split('"').next().unwrap();
    let file = world.get(&nurse, &format!("/attachments/{picture}")).await;
    assert_eq!(file.headers[header::CONTENT_TYPE], "image/png");
    assert!(file.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("sandbox"));
    assert_eq!(
        world.get(&nurse, &format!("/attachments/{picture}/zoom?turn=90")).await.status,
        StatusCode::OK
    );

    // 了解, taken back, given again, and too late to take back.
    let path = format!("/groups/G01/topics/{topic}/posts/{topic}/acknowledgement");
    assert!(world.get(&nurse, "/").await.text.contains("臨時処方"));
    assert_eq!(world.post(&nurse, &path, &[]).await.status, StatusCode::SEE_OTHER);
    assert!(world.get(&clinic, "/groups/G01").await.text.contains("了解 1 / 1"));
    world.post(&nurse, &format!("{path}/withdrawal"), &[]).await;
    assert!(world.get(&clinic, "/groups/G01").await.text.contains("了解 0 / 1"));
    world.post(&nurse, &path, &[]).await;
    world.clock.set(start().plus_seconds(301));
    let late = world.post(&nurse, &format!("{path}/withdrawal"), &[]).await;
    assert!(late.text.contains("5分を過ぎた") && late.text.contains("了解 1 / 1"));

    // A reply, a correction by its author and by nobody else.
    let reply = [("post_id", "01JX0000000000000000000002"), ("body", "承知しました。")];
    let answer = world.upload(&nurse, &format!("/groups/G01/topics/{topic}/replies"), &reply, None).await;
    assert_eq!(answer.location(), "/groups/G01#post-01JX0000000000000000000002");
    let correction = format!("/groups/G01/topics/{topic}/posts/{topic}/corrections");
    let fields = [("post_id", "01JX0000000000000000000003"), ("body", "朝夕2回へ変更します。")];
    assert_eq!(world.post(&nurse, &correction, &fields).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.post(&clinic, &correction, &fields).await.status, StatusCode::SEE_OTHER);
    let page = world.get(&nurse, &format!("/groups/G01/topics/{topic}")).await;
    assert!(
        page.text.contains("訂正 第2版")
            && page.text.contains("訂正前の内容(第1版)")
            && page.text.contains("承知しました。"),
        "{}",
        page.text
    );
    // Nothing is lost when something is missing.
    let fields = [
        ("post_id", "01JX0000000000000000000004"),
        ("body", "書きかけ"),
        ("urgency", "normal"),
        ("expectation", "reply"),
    ];
    let again = world.upload(&clinic, "/groups/G01/posts", &fields, None).await;
    assert!(again.text.contains("1つ以上選んで") && again.text.contains("書きかけ"));
    let script = world
        .upload(&clinic, "/groups/G01/posts", &fields, Some(("x.png", b"<script>alert(1)</script>")))
        .await;
    assert!(script.text.contains("添付できるのは"));
}

#[tokio::test]
async fn a_member_answers_by_code_without_login() {
    let world = World::new().await;
    let clinic = world.login("saeki").await;
    let topic = world.topic(&clinic).await;
    let worker = world.store.worker(&NetworkId::new(NETWORK));
    let path = format!("/r/{}", world.code().await);
    let guest = world.guest(&path).await;
    for _ in 0..3 {
        let page = world.get(&guest, &path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(
            page.text.contains("つばき01") && !page.text.contains("山本") && !page.text.contains("朝1回"),
            "{}",
            page.text
        );
    }
    assert!(world.get(&clinic, "/groups/G01").await.text.contains("了解 0 / 1"), "looking changes nothing");
    let unsigned = world.post_raw(&guest, &format!("{path}/acknowledgement"), "staff_id=S3".into()).await;
    assert_eq!(unsigned.status, StatusCode::FORBIDDEN);
    let done = world.post(&guest, &format!("{path}/acknowledgement"), &[("staff_id", "S3")]).await;
    assert_eq!(done.location(), format!("{path}?done=acknowledgement"));
    let page = world.get(&clinic, "/groups/G01").await;
    assert!(page.text.contains("了解 1 / 1") && page.text.contains("大塚 千尋さん"));
    let reply = [("post_id", "01JX0000000000000000000009"), ("body", "体重を測ります")];
    assert_eq!(world.post(&guest, &format!("{path}/replies"), &reply).await.status, StatusCode::SEE_OTHER);
    let call = [("post_id", "01JX000000000000000000000A")];
    assert_eq!(world.post(&guest, &format!("{path}/callback"), &call).await.status, StatusCode::SEE_OTHER);
    let page = world.get(&clinic, &format!("/groups/G01/topics/{topic}")).await;
    assert!(page.text.contains("体重を測ります") && page.text.contains("折返しお電話"));
    let wrong = world.post(&guest, &format!("{path}/wrong-recipient"), &[]).await;
    assert_eq!(wrong.location(), format!("{path}?done=wrong-recipient"));
    assert_eq!(worker.claim_intakes("test", 5, 60, world.clock.now()).await.unwrap().len(), 1);

    // Unknown, mistyped and expired codes look alike.
    let unknown = world.get(&guest, "/r/0000000000").await;
    let mistyped = world.get(&guest, "/r/x").await;
    world.clock.set(start().plus_seconds(90 * 86_400));
    let expired = world.get(&guest, &path).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!((unknown.status, &unknown.text), (mistyped.status, &mistyped.text));
    assert_eq!((unknown.status, &unknown.text), (expired.status, &expired.text));
}

#[tokio::test]
async fn an_address_that_guesses_codes_opens_nothing_any_more() {
    let world = World::new().await;
    let clinic = world.login("saeki").await;
    world.topic(&clinic).await;
    let path = format!("/r/{}", world.code().await);
    for guess in 0..20 {
        assert_eq!(world.get(&Browser::default(), &path).await.status, StatusCode::OK, "{guess}");
        world.get(&Browser::default(), "/r/1111111111").await;
    }
    assert_eq!(world.get(&Browser::default(), &path).await.status, StatusCode::NOT_FOUND);
    world.clock.set(start().plus_seconds(16 * 60));
    assert_eq!(world.get(&Browser::default(), &path).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_office_places_an_item() {
    let world = World::new().await;
    let office = world.login("watanabe").await;
    let row = world.in_triage().await;
    let path = format!("/triage/{}", row.id);
    let list = world.get(&office, "/triage").await;
    assert!(list.text.contains(&path) && list.text.contains("1人います"));
    let page = world.get(&office, &path).await;
    assert!(
        page.text.contains("名前が一致")
            && page.text.contains("data-key=\"1\"")
            && !page.text.contains("<script>alert"),
        "{}",
        page.text
    );
    let raw = world.get(&office, "/intakes/I1/raw").await;
    assert_eq!(raw.headers[header::CONTENT_TYPE], "application/octet-stream");
    assert_eq!(raw.text, "MSH|^~\\&|X");
    assert_eq!(world.get(&office, "/intakes/I1").await.status, StatusCode::OK);
    let unreasoned = world.post(&office, &format!("{path}/discard"), &[]).await;
    assert!(unreasoned.text.contains("理由を書いてください"));
    let placed = world
        .post(&office, &format!("{path}/placement"), &[("group_id", "G01"), ("facility_id", "F03")])
        .await;
    assert_eq!(placed.location(), "/triage", "{}", placed.text);
    let page = world.get(&office, "/groups/G01").await;
    assert!(page.text.contains("千代さんの件") && page.text.contains("watanabeさん"));
    let twice = world
        .post(&office, &format!("{path}/placement"), &[("group_id", "G01"), ("facility_id", "F03")])
        .await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert!(world.get(&office, &path).await.text.contains("グループに置きました"));
    assert!(world.get(&office, "/audit?verify=1").await.text.contains("すべてつながっています"));
    for path in [
        "/outbox",
        "/outbox?show=held",
        "/outbox?show=handed_off",
        "/outbox?show=done",
        "/rules",
        "/facilities",
        "/intakes",
        "/settings",
    ] {
        assert_eq!(world.get(&office, path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn login_tells_nothing_and_tires_of_guessing() {
    let world = World::new().await;
    let guest = world.guest("/login").await;
    let wrong = world.post(&guest, "/login", &[("login_name", "saeki"), ("password", "x")]).await;
    let nobody = world.post(&guest, "/login", &[("login_name", "dareka"), ("password", "x")]).await;
    assert_eq!((wrong.status, nobody.status), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
    assert_eq!(wrong.text.replace("saeki", ""), nobody.text.replace("dareka", ""));
    for _ in 0..8 {
        world.post(&guest, "/login", &[("login_name", "saeki"), ("password", "x")]).await;
    }
    let tired = world.post(&guest, "/login", &[("login_name", "saeki"), ("password", PASSWORD)]).await;
    assert_eq!(tired.status, StatusCode::TOO_MANY_REQUESTS);
    let stranger = Browser { csrf: guest.csrf.clone(), ..Browser::default() };
    let foreign = world.post(&stranger, "/login", &[("login_name", "otsuka"), ("password", PASSWORD)]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN, "a form of another browser");
    let nurse = world.login("otsuka").await;
    assert_eq!(
        world.post(&nurse, "/settings", &[("locale", "en"), ("size", "large")]).await.status,
        StatusCode::SEE_OTHER
    );
    let page = world.get(&nurse, "/").await;
    assert!(page.text.contains("<html lang=\"en\"") && page.text.contains("Patient groups"));
    assert_eq!(world.post(&nurse, "/logout", &[]).await.location(), "/login");
    assert_eq!(world.get(&nurse, "/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_care_note_is_taken_once() {
    let world = World::new().await;
    let send = async |key: &str, idempotency: Option<&str>, body: &str| {
        let mut request = Request::builder()
            .method("POST")
            .uri("/api/v1/care-notes")
            .header("authorization", format!("Bearer {key}"));
        if let Some(value) = idempotency {
            request = request.header("idempotency-key", value);
        }
        world.ask(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let note = r#"{"group":"つばき01","title":"バイタル","body":"血圧 158/92"}"#;
    let first = send(API_KEY, Some("n-1"), note).await;
    let second = send(API_KEY, Some("n-1"), note).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    assert_eq!((first.status, &first.text), (second.status, &second.text));
    assert!(first.text.starts_with("{\"intake_id\":\""));
    assert_eq!(send("wrong", None, note).await.status, StatusCode::UNAUTHORIZED);
    let bad = send(API_KEY, None, r#"{"group":"つばき01","body":7}"#).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bad.text.contains("\"path\":\"body\"") && bad.text.contains("\"ja\""), "{}", bad.text);
    world.store.close().await;
    let closed = send(API_KEY, Some("n-2"), note).await;
    assert_eq!(closed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(closed.headers[header::RETRY_AFTER], "30");
}

#[tokio::test]
async fn the_form_for_people_without_software() {
    let world = World::new().await;
    let guest = world.guest("/note").await;
    let fields = |key| {
        [
            ("note_id", "01JX0000000000000000000001"),
            ("key", key),
            ("group_alias", "つばき01"),
            ("body", "むくみがあります"),
            ("urgency", "normal"),
            ("expectation", "none"),
        ]
    };
    let wrong = world.upload(&guest, "/note", &fields("wrong"), None).await;
    assert!(
        wrong.text.contains("鍵がちがいます")
            && wrong.text.contains("むくみがあります")
            && !wrong.text.contains("\"wrong\"")
    );
    let sent = world.upload(&guest, "/note", &fields(API_KEY), Some(("p.png", PNG))).await;
    let again = world.upload(&guest, "/note", &fields(API_KEY), Some(("p.png", PNG))).await;
    assert!(sent.text.contains("受け取りました"), "{}", sent.text);
    assert_eq!(sent.text, again.text);
}

/// Every route of the pages with a path that exists for those who may see it.
const ROUTES: &[(&str, &str, Who)] = &[
    ("GET", "/", Who::Anybody),
    ("GET", "/settings", Who::Anybody),
    ("POST", "/settings", Who::Anybody),
    ("POST", "/logout", Who::Anybody),
    ("GET", "/groups/{group}", Who::Members),
    ("GET", "/groups/{group}/topics/{topic}", Who::Members),
    ("POST", "/groups/{group}/posts", Who::Members),
    ("POST", "/groups/{group}/topics/{topic}/replies", Who::Members),
    ("POST", "/groups/{group}/topics/{topic}/posts/{post}/corrections", Who::Members),
    ("POST", "/groups/{group}/topics/{topic}/posts/{post}/acknowledgement", Who::Members),
    ("POST", "/groups/{group}/topics/{topic}/posts/{post}/acknowledgement/withdrawal", Who::Members),
    ("GET", "/attachments/{id}", Who::Members),
    ("GET", "/attachments/{id}/zoom", Who::Members),
    ("GET", "/attachments/{id}/pages/{page}", Who::Members),
    ("GET", "/triage", Who::Office),
    ("GET", "/triage/{id}", Who::Office),
    ("POST", "/triage/{id}/placement", Who::Office),
    ("POST", "/triage/{id}/confirmation", Who::Office),
    ("POST", "/triage/{id}/return", Who::Office),
    ("POST", "/triage/{id}/discard", Who::Office),
    ("POST", "/triage/{id}/quarantine", Who::Office),
    ("GET", "/intakes", Who::Office),
    ("GET", "/intakes/{id}", Who::Office),
    ("GET", "/intakes/{id}/raw", Who::Office),
    ("GET", "/outbox", Who::Office),
    ("POST", "/deliveries/{id}/retry", Who::Office),
    ("POST", "/deliveries/{id}/recall", Who::Office),
    ("POST", "/deliveries/{id}/call", Who::Office),
    ("GET", "/rules", Who::Office),
    ("GET", "/facilities", Who::Office),
    ("GET", "/audit", Who::Office),
    ("GET", "/login", Who::Everybody),
    ("POST", "/login", Who::Everybody),
    ("GET", "/note", Who::Everybody),
    ("POST", "/note", Who::Everybody),
    ("GET", "/r/{code}", Who::Everybody),
    ("POST", "/r/{code}/acknowledgement", Who::Everybody),
    ("POST", "/r/{code}/replies", Who::Everybody),
    ("POST", "/r/{code}/callback", Who::Everybody),
    ("POST", "/r/{code}/wrong-recipient", Who::Everybody),
];

#[derive(Clone, Copy, PartialEq)]
enum Who {
    /// Without login.
    Everybody,
    /// Whoever is logged in.
    Anybody,
    /// Members of the group, and the office.
    Members,
    /// The office.
    Office,
}

#[test]
fn the_table_of_rights_names_every_route() {
    let source = include_str!("../pages.rs");
    let mut count = 0;
    for route in source.split(".route(").skip(1) {
        let path = route.split('"').nth(1).unwrap();
        let handlers = route.split(".layer(").next().unwrap();
        for (word, method) in [("get(", "GET"), ("post(", "POST")] {
            if handlers.contains(word) {
                count += 1;
                let known = ROUTES.iter().any(|(m, p, _)| *m == method && *p == path);
                assert!(known, "{method} {path} has no line");
            }
        }
    }
    assert_eq!(count, ROUTES.len());
}

#[tokio::test]
async fn every_role_reaches_its_routes_and_no_other() {
    let world = World::new().await;
    let (member, foreign, office) =
        (world.login("otsuka").await, world.login("hanai").await, world.login("watanabe").await);
    let clinic = world.login("saeki").await;
    let topic = world.topic(&clinic).await;
    world.in_triage().await;
    let page = world.get(&member, "/groups/G01").await;
    let picture =
        page.text.split("src=\"/attachments/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for (method, route, who) in ROUTES.iter().filter(|r| r.1 != "/logout") {
        let id = if route.starts_with("/attachments") {
            picture.as_str()
        } else if route.starts_with("/triage") {
            "X1"
        } else {
            "I1"
        };
        let path = route
            .replace("{group}", "G01")
            .replace("{topic}", &topic)
            .replace("{post}", &topic)
            .replace("{id}", id)
            .replace("{page}", "1.png")
            .replace("{code}", "0000000000");
        let ask = async |browser: &Browser, signed: bool| {
            let csrf = if signed { browser.csrf.as_str() } else { "" };
            if *method == "GET" {
                world.get(browser, &path).await
            } else if path.ends_with("/posts") || path.ends_with("/replies") && path.starts_with("/groups") {
                world
                    .upload(
                        &Browser { cookie: browser.cookie.clone(), csrf: csrf.to_owned() },
                        &path,
                        &[],
                        None,
                    )
                    .await
            } else {
                world.post_raw(browser, &path, form(&[("csrf", csrf)])).await
            }
        };
        let nobody = ask(&Browser::default(), false).await;
        let to_login = nobody.status == StatusCode::SEE_OTHER && nobody.location().starts_with("/login");
        assert_eq!(to_login, *who != Who::Everybody, "{method} {path} without login: {}", nobody.status);
        if *who == Who::Everybody {
            continue;
        }
        if *method == "POST" {
            let unsigned = ask(&office, false).await;
            assert_eq!(unsigned.status, StatusCode::FORBIDDEN, "{method} {path} without token");
        }
        let answer = ask(&foreign, true).await;
        let hidden = answer.status == StatusCode::NOT_FOUND;
        assert_eq!(hidden, *who != Who::Anybody, "{method} {path} for a foreign facility: {}", answer.status);
        if *who == Who::Office {
            let answer = ask(&member, true).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path} for a member");
        } else if *method == "GET" && !path.contains("/pages/") {
            assert_eq!(ask(&member, true).await.status, StatusCode::OK, "{method} {path} for a member");
            assert_eq!(ask(&office, true).await.status, StatusCode::OK, "{method} {path} for the office");
        }
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers_and_faults_have_a_page() {
    let world = World::new().await;
    for path in [
        "/login",
        "/nothing",
        "/api/v1/docs",
        "/healthz",
        "/readyz",
        "/metrics",
        "/assets/style.css",
        "/assets/app.js",
        "/assets/favicon.svg",
    ] {
        let answer = world.get(&Browser::default(), path).await;
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{path}");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
    }
    let missing = world.get(&Browser::default(), "/nothing").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.text.contains("ページが見つかりません"));
    let foreign = Request::builder().method("POST").uri("/login").header("sec-fetch-site", "cross-site");
    let refused = world.ask(foreign.body(Body::empty()).unwrap()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    world.store.close().await;
    assert_eq!(world.get(&Browser::default(), "/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn live_names_groups_to_those_who_may_see_them() {
    let world = World::new().await;
    let (clinic, member, foreign) =
        (world.login("saeki").await, world.login("otsuka").await, world.login("hanai").await);
    let open = async |browser: &Browser| {
        let request = browser.request("GET", "/live").body(Body::empty()).unwrap();
        world.router.clone().oneshot(request).await.unwrap().into_body().into_data_stream()
    };
    let (mut seen, mut unseen) = (open(&member).await, open(&foreign).await);
    world.topic(&clinic).await;
    let wait = std::time::Duration::from_secs(5);
    let next = async |stream: &mut axum::body::BodyDataStream| {
        use futures::StreamExt;
        stream.next().await.unwrap().unwrap()
    };
    let event = tokio::time::timeout(wait, next(&mut seen)).await.unwrap();
    assert_eq!(event.as_ref(), b"event: group\ndata: G01\n\n");
    let none = tokio::time::timeout(std::time::Duration::from_millis(400), next(&mut unseen)).await;
    assert!(none.is_err(), "a foreign facility is told nothing");
}
