//! What is posted, answered, placed and handed in goes round over a real store.

use super::world::{API_KEY, Browser, NETWORK, PASSWORD, PNG, World, start};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use kakehashi_core::clock::Clock;
use kakehashi_core::ids::NetworkId;
use tower::ServiceExt;

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
    // 宛先違い: the page is closed at once, and its codes with it.
    let thanks = world.get(&guest, &format!("{path}?done=wrong-recipient")).await;
    assert_eq!(thanks.status, StatusCode::NOT_FOUND);
    assert!(thanks.text.contains("お知らせありがとうございます"));
    let late = world.post(&guest, &format!("{path}/acknowledgement"), &[]).await;
    assert_eq!(late.status, StatusCode::NOT_FOUND);

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
        "/interfaces",
        "/interfaces/messages",
        "/interfaces/messages?interface=x",
        "/interfaces/messages/I1",
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
    let other = send(API_KEY, Some("n-1"), r#"{"group":"つばき01","body":"別の文"}"#).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert!(other.text.contains("\"code\":\"key_reused\""), "{}", other.text);
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
async fn a_fhir_document_is_taken_once_and_refused_in_its_own_words() {
    let world = World::new().await;
    let send = async |key: &str, body: &str| {
        let request = Request::builder()
            .method("POST")
            .uri("/api/v1/fhir/Bundle")
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/fhir+json");
        world.ask(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let document = r#"{"resourceType":"Bundle","type":"document","identifier":{"value":"d-1"},
        "entry":[{"resource":{"resourceType":"Composition","status":"final","title":"退院時サマリー"}}]}"#;
    let first = send(API_KEY, document).await;
    let second = send(API_KEY, document).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    assert_eq!(first.text, second.text);
    assert!(first.text.contains("\"OperationOutcome\"") && first.text.contains("\"information\""));
    assert_eq!(first.headers[header::CONTENT_TYPE], "application/fhir+json; charset=utf-8");
    for (key, body, status, code) in [
        ("wrong", document, StatusCode::UNAUTHORIZED, "login"),
        (API_KEY, "", StatusCode::BAD_REQUEST, "required"),
        (API_KEY, "{", StatusCode::BAD_REQUEST, "structure"),
        (API_KEY, r#"{"resourceType":"Patient"}"#, StatusCode::UNPROCESSABLE_ENTITY, "not-supported"),
        (
            API_KEY,
            r#"{"resourceType":"Bundle","type":"document"}"#,
            StatusCode::UNPROCESSABLE_ENTITY,
            "invariant",
        ),
    ] {
        let refused = send(key, body).await;
        assert_eq!(refused.status, status, "{body}");
        assert!(refused.text.contains(&format!("\"code\":\"{code}\"")), "{}", refused.text);
    }
    world.store.close().await;
    assert_eq!(send(API_KEY, document).await.status, StatusCode::SERVICE_UNAVAILABLE);
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

#[tokio::test]
async fn large_files_are_fetched_behind_the_code_alone() {
    let world = World::new().await;
    let clinic = world.login("saeki").await;
    world.topic(&clinic).await;
    let code = world.code().await;
    let nobody = Browser::default();
    let list = world.get(&nobody, &format!("/r/{code}/files")).await;
    assert!(list.text.contains("写真.pdf") && !list.text.contains("朝1回"), "{}", list.text);
    let file = world.get(&nobody, &format!("/r/{code}/files/0")).await;
    assert_eq!(file.text, "%PDF-locked");
    assert_eq!(file.headers[header::CONTENT_TYPE], "application/octet-stream");
    assert_eq!(world.get(&nobody, &format!("/r/{code}/files/9")).await.status, StatusCode::NOT_FOUND);
    let wrong = world.get(&nobody, "/r/ABCDE12345/files").await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    assert!(!wrong.text.contains("写真"));
}

#[tokio::test]
async fn a_preview_shows_the_mail_and_runs_nothing_of_it() {
    let world = World::new().await;
    let clinic = world.login("saeki").await;
    world.topic(&clinic).await;
    let office = world.login("watanabe").await;
    let list = world.get(&office, "/outbox?show=held").await.text;
    let mut mails = 0;
    for path in list.split("href=\"").filter_map(|l| l.split('"').next()).filter(|l| l.ends_with("/preview"))
    {
        let page = world.get(&office, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{policy}");
        if page.text.contains("<p>本文</p>") {
            assert!(page.text.contains("&lt;つばき01&gt;") && page.text.contains("&lt;本文&gt;"));
            mails += 1;
        } else {
            assert!(page.text.contains("このままでは送れません"), "{}", page.text);
        }
    }
    assert!(mails >= 1, "{list}");
    assert_eq!(world.get(&office, "/deliveries/none/preview").await.status, StatusCode::NOT_FOUND);
}
