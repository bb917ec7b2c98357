//! The pages in a real browser: a doctor reads a discharge with its PDF, replies and takes note; the
//! office places what waits, by keyboard; a member ticks and draws on a caught sheet. On a telephone
//! nothing runs out of the page. Screenshots are kept where `KAKEHASHI_SCREENSHOTS` says.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use fantoccini::Locator;
use fantoccini::actions::{InputSource as _, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::elements::Element;
use kakehashi_tests::browser::Browser;
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::{Gateway, Start, run};
use kakehashi_tests::network::send_mail;
use kakehashi_tests::{caught, letters, wait};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const NURSES: &str = "hinata@st.example";
/// Width of a common telephone.
const PHONE: u32 = 390;
const LIMIT: Duration = Duration::from_secs(20);

/// A demo on the morning of the discharge, with everything that it plays by itself.
fn demo() -> (TempDir, Gateway) {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Start::new(folder.path(), &Database::Sqlite).at("2026-06-09 10:19:50").start();
    let data_dir = folder.path().display().to_string();
    wait::until("the pharmacy's sheet", LIMIT, || {
        let text = String::from_utf8(run(&["timeline", "つばき01", "--data-dir", &data_dir]).stdout).unwrap();
        text.contains("↩ 6/9(火) 10:19 あおぞら薬局桜見店").then_some(())
    });
    (folder, gateway)
}

/// A browser at this demo.
struct At<'g> {
    browser: Browser,
    gateway: &'g Gateway,
}

impl<'g> At<'g> {
    async fn open(gateway: &'g Gateway, width: u32, height: u32) -> Option<Self> {
        Some(Self { browser: Browser::open(width, height).await?, gateway })
    }

    /// As wide as a common telephone.
    async fn open_phone(gateway: &'g Gateway) -> Option<Self> {
        Some(Self { browser: Browser::open_phone(PHONE, 844).await?, gateway })
    }

    async fn go(&self, path: &str) {
        self.browser.client.goto(&self.gateway.url(path)).await.unwrap();
    }

    async fn find(&self, css: &str) -> Element {
        let wait = self.browser.client.wait().at_most(LIMIT);
        wait.for_element(Locator::Css(css)).await.unwrap_or_else(|e| panic!("{css}: {e}"))
    }

    /// Brings it into view and clicks it.
    async fn click(&self, css: &str) {
        let element = self.find(css).await;
        let argument = serde_json::to_value(&element).unwrap();
        self.script("arguments[0].scrollIntoView({ block: 'center' })", vec![argument]).await;
        element.click().await.unwrap_or_else(|e| panic!("click on {css}: {e}"));
    }

    async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.browser.client.execute(script, arguments).await.unwrap_or_else(|e| panic!("{script}: {e}"))
    }

    /// Waits until a script answers `true`.
    async fn until(&self, what: &str, script: &str) {
        let end = Instant::now() + LIMIT;
        // While a page changes, a script may find none to run in.
        while self.browser.client.execute(script, Vec::new()).await.ok() != Some(Value::Bool(true)) {
            assert!(Instant::now() < end, "waited in vain for {what} at {:?}", self.path().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn until_text(&self, text: &str) {
        self.until(text, &format!("return document.body.textContent.includes({})", Value::from(text))).await;
    }

    async fn until_path(&self, path: &str) {
        self.until(
            path,
            &format!(
                "return location.pathname === {} && document.readyState === 'complete'",
                Value::from(path)
            ),
        )
        .await;
    }

    async fn path(&self) -> String {
        self.browser.client.current_url().await.unwrap().path().to_owned()
    }

    async fn key(&self, key: &str) {
        self.find("body").await.send_keys(key).await.unwrap();
    }

    async fn log_in(&self, name: &str) {
        self.go("/login").await;
        self.find("input[name=login_name]").await.send_keys(name).await.unwrap();
        self.find("input[name=password]").await.send_keys("sakurami-demo").await.unwrap();
        self.click("form[action='/login'] button").await;
        self.until_path("/").await;
    }

    async fn log_out(&self) {
        self.click("form[action='/logout'] button").await;
        self.until_path("/login").await;
        self.go("/groups/G01").await;
        self.until("the login page instead", "return location.pathname === '/login'").await;
    }

    async fn picture(&self, name: &str) {
        self.browser.screenshot(name).await;
    }

    /// Nothing runs out of the page to the side. A telephone widens its window for what is too wide, so
    /// the width that it has is asked of nobody.
    async fn fits(&self, what: &str) {
        let script = "const page = document.scrollingElement; \
            const scrolls = (e) => { for (let p = e.parentElement; p; p = p.parentElement) \
                if (getComputedStyle(p).overflowX !== 'visible') return true; return false; }; \
            const wide = [...document.querySelectorAll('body *')] \
                .filter((e) => e.getBoundingClientRect().right > arguments[0] + 1 && !scrolls(e)) \
                .slice(0, 5).map((e) => e.outerHTML.slice(0, 120)); \
            const out = [...document.querySelectorAll('.panel input, .panel button, .panel select, .panel textarea')] \
                .filter((e) => e.getBoundingClientRect().right > e.closest('.panel').getBoundingClientRect().right + 1 && !scrolls(e)) \
                .map((e) => e.outerHTML.slice(0, 120)); \
            return [page.scrollWidth, wide, out];";
        let found = self.script(script, vec![PHONE.into()]).await;
        assert!(found[0].as_u64() <= Some(u64::from(PHONE)), "{what} is wider than {PHONE}: {found:#}");
        assert_eq!(found[2].as_array().map(Vec::len), Some(0), "{what}: out of its panel: {found:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_reads_replies_and_takes_note() {
    let (folder, mut gateway) = demo();
    let Some(at) = At::open(&gateway, 1440, 1000).await else { return };
    at.go("/login").await;
    at.picture("01-login").await;
    at.log_in("saeki").await;
    at.picture("02-groups").await;
    at.click("a[href='/groups/G01']").await;
    at.until_path("/groups/G01").await;
    at.until_text("山本 千代").await;
    at.until_text("退院されました").await;
    at.picture("03-timeline").await;

    // The first page of the hospital's PDF and the pharmacy's sheet are pictures that can be seen.
    at.script("for (const i of document.querySelectorAll('article img')) i.loading = 'eager'", Vec::new())
        .await;
    at.until(
        "pictures of the pages",
        "const all = [...document.querySelectorAll('article img')]; \
         return all.length >= 2 && all.every((i) => i.complete && i.naturalWidth > 100 && i.getBoundingClientRect().width > 40)",
    )
    .await;
    at.script("document.querySelector('.files img').scrollIntoView({ block: 'center' })", Vec::new()).await;
    at.picture("04-pdf").await;
    at.click(".files a.sheet").await;
    at.until(
        "the enlarged page",
        "return location.pathname.endsWith('/zoom') && document.querySelector('img').naturalWidth > 100",
    )
    .await;
    at.picture("05-zoom").await;
    at.go("/groups/G01").await;

    // A reply.
    if at.find("details.answer").await.prop("open").await.unwrap().is_none_or(|o| o != "true") {
        at.click("details.answer > summary").await;
    }
    let text = at.find("details.answer textarea").await;
    text.send_keys("明日の往診で体重を確認します。").await.unwrap();
    at.picture("06-writing").await;
    at.click("details.answer button").await;
    at.until("the reply", "return [...document.querySelectorAll('.reply .body')].some((b) => b.textContent.includes('明日の往診で体重'))").await;

    // 了解, on the board with name and channel.
    at.click("article.topic > .acts form[action$='/acknowledgement'] button").await;
    at.until(
        "了解 on the board",
        "const row = [...document.querySelectorAll('#live-board .board li')].find((r) => r.textContent.includes('若葉在宅クリニック')); \
         return !!row && row.textContent.includes('了解 10:') && row.textContent.includes('佐伯 直人')",
    )
    .await;
    at.script("scrollTo(0, 0)", Vec::new()).await;
    at.picture("07-acknowledged").await;

    // A mail arrives: the page shows it without being loaded again.
    at.script("window.same_page = true", Vec::new()).await;
    let mail =
        caught::of_demo(folder.path()).into_iter().map(|(_, c)| c).find(|c| c.is_to(NURSES)).unwrap().read();
    let words = "明朝8時に訪問します。体重計を持参します。";
    let answer = letters::answer(&mail, NURSES, words, "訪問看護ステーションひなた 大塚 千尋");
    send_mail(&gateway, NURSES, &mail.answer_to, &answer);
    at.until(
        "the mail's reply, live",
        &format!(
            "return [...document.querySelectorAll('.reply .body')].some((b) => b.textContent.includes({}))",
            Value::from(words)
        ),
    )
    .await;
    assert_eq!(
        at.script("return window.same_page === true", Vec::new()).await,
        Value::Bool(true),
        "the page was loaded again"
    );
    at.picture("08-live").await;
    at.log_out().await;
    at.browser.close().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_office_places_by_keyboard() {
    let (_folder, mut gateway) = demo();
    let mail = letters::plain(
        NURSES,
        "intake@in.kakehashi.example",
        "夜間の様子",
        "",
        "佐々木 勇 様 (昭和19年11月3日生)\n夜間の呼吸苦はありませんでした。酸素2Lのままです。\n",
    );
    send_mail(&gateway, NURSES, "intake@in.kakehashi.example", &mail);
    let Some(at) = At::open(&gateway, 1440, 1000).await else { return };
    at.log_in("watabe").await;
    at.picture("10-office").await;
    at.go("/triage").await;
    at.until("three items", "return document.querySelectorAll('.inbox li').length === 3").await;
    at.picture("11-triage").await;

    // J and K through the items without the mouse.
    at.key("j").await;
    at.until(
        "the first item",
        "return location.pathname.startsWith('/triage/') && document.readyState === 'complete'",
    )
    .await;
    let first = at.path().await;
    at.picture("12-triage-unknown").await;
    at.key("j").await;
    at.until(
        "the second item",
        &format!(
            "return location.pathname.startsWith('/triage/') && location.pathname !== {}",
            Value::from(first.as_str())
        ),
    )
    .await;
    at.key("k").await;
    at.until_path(&first).await;
    // The hospital's other patient: a candidate is offered, and the consent that is missing is said.
    at.until_text("なでしこ03").await;
    assert!(
        at.script("return !!document.querySelector('.blocked')", Vec::new()).await == Value::Bool(true),
        "placed without consent?"
    );

    // The sheet: one key confirms what the pharmacy ticked.
    let at_sheet = "return !!document.querySelector(\"form[action$='/confirmation']\")";
    at.key("j").await;
    at.until("the sheet", at_sheet).await;
    at.until(
        "its picture",
        // The handwriting cut out stands before the page.
        "const all = [...document.querySelectorAll('.viewer img')]; \
         return all.every((i) => i.complete && i.naturalWidth > 0) && all.some((i) => i.naturalWidth > 500)",
    )
    .await;
    at.picture("13-triage-sheet").await;
    at.key("r").await;
    at.until("the page turned", "return !!document.querySelector('.viewer.turn-90')").await;
    at.picture("14-triage-turned").await;
    let sheet = at.path().await;
    at.until(
        "the tick offered",
        "return document.querySelector('input[name=mark][value=acknowledge]') !== null",
    )
    .await;
    if at
        .script("return document.querySelector('input[name=mark][value=acknowledge]').checked", Vec::new())
        .await
        == Value::Bool(false)
    {
        at.click("input[name=mark][value=acknowledge]").await;
        at.script("document.activeElement.blur()", Vec::new()).await;
    }
    at.key("1").await;
    at.until("the next item", &format!("return location.pathname !== {}", Value::from(sheet.as_str()))).await;

    // The nurses' mail: name and birth date are unique, one key places it.
    at.go("/triage").await;
    at.until("two items", "return document.querySelectorAll('.inbox li').length === 2").await;
    at.click(".inbox li:last-child a").await;
    at.until_text("すずかけ02").await;
    at.picture("15-triage-mail").await;
    at.key("1").await;
    at.until("one item left", "return location.pathname.startsWith('/triage') && !document.body.textContent.includes('夜間の呼吸苦')").await;
    at.go("/groups/G02").await;
    at.until_text("夜間の呼吸苦はありませんでした").await;
    at.picture("16-placed").await;
    at.go("/groups/G01").await;
    at.until(
        "了解 of the pharmacy",
        "return [...document.querySelectorAll('#live-board .board li')].some((r) => r.textContent.includes('あおぞら薬局') && r.textContent.includes('了解 10:'))",
    )
    .await;
    for (path, name) in [
        ("/outbox", "17-outbox"),
        ("/intakes", "18-intakes"),
        ("/rules", "19-rules"),
        ("/facilities", "20-facilities"),
        ("/audit", "21-audit"),
        ("/note", "22-note"),
    ] {
        at.go(path).await;
        at.find("main").await;
        at.picture(name).await;
    }
    at.go("/").await;
    at.log_out().await;
    at.browser.close().await;
    gateway.stop();
}

/// Path on the desk of the first thing that this FAX number got.
fn desk_of(data_dir: &Path, number: &str) -> String {
    let all = caught::of_demo(data_dir);
    let (id, _) = all.iter().find(|(_, c)| c.is_to(number)).unwrap();
    format!("/demo/{id}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_office_reads_a_hospitals_message() {
    let (_folder, mut gateway) = demo();
    let Some(at) = At::open(&gateway, 1440, 1000).await else { return };
    at.log_in("watabe").await;
    at.go("/interfaces").await;
    at.until_text("sakurami_ch").await;
    at.picture("30-interfaces").await;
    at.go("/interfaces/messages").await;
    at.find("input[name=type]").await.send_keys("ADT^A03").await.unwrap();
    at.click("form.search button").await;
    at.until("one discharge", "return document.querySelectorAll('table.list tbody tr').length === 1").await;
    at.click("table.list tbody a").await;
    at.until_text("PV1-45").await;
    at.until_text("退院の知らせは至急").await;
    at.picture("31-message").await;
    at.click("form[action$='/replay'] button").await;
    at.until("the answer to the replay", "return !!document.querySelector('p.say[role=status]')").await;
    at.browser.close().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_ticks_and_draws_on_the_desk() {
    let (folder, mut gateway) = demo();
    let Some(at) = At::open(&gateway, 1280, 1000).await else { return };
    at.go("/demo").await;
    at.picture("30-desk").await;
    at.click(&format!("a[href='{}']", desk_of(folder.path(), "0300000104"))).await;
    at.until("the pages", "return [...document.querySelectorAll('.paper img')].every((i) => i.complete && i.naturalWidth > 1000)").await;
    at.picture("31-fax").await;
    at.click(".tick[data-name=acknowledge]").await;
    assert_eq!(
        at.find(".tick[data-name=acknowledge]").await.attr("aria-pressed").await.unwrap().as_deref(),
        Some("true")
    );

    at.script(
        "document.querySelector('.tick[data-name=call_back]').scrollIntoView({ block: 'start' })",
        Vec::new(),
    )
    .await;
    // In the middle of the writing area, which lies in the lower third of the page.
    let middle = at.script("const r = document.querySelector('canvas').getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height * 225 / 297]", Vec::new()).await;
    let (across, down) = (middle[0].as_f64().unwrap(), middle[1].as_f64().unwrap());
    let to = |x: f64, y: f64| PointerAction::MoveTo {
        duration: Some(Duration::from_millis(60)),
        x: across + x,
        y: down + y,
    };
    let mouse = MouseActions::new("mouse".to_owned())
        .then(to(-150.0, 0.0))
        .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
        .then(to(-100.0, 30.0))
        .then(to(-20.0, -20.0))
        .then(to(80.0, 25.0))
        .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
    at.browser.client.perform_actions(mouse).await.unwrap();
    at.until(
        "ink on the canvas",
        "const c = document.querySelector('canvas'); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; \
         for (let i = 3; i < d.length; i += 4) if (d[i]) return true; return false",
    )
    .await;
    at.picture("32-drawn").await;
    at.click("#return button.primary").await;
    at.until_path("/demo").await;

    at.log_in("saeki").await;
    at.go("/groups/G01").await;
    at.until(
        "the sheet as a reply",
        "const reply = [...document.querySelectorAll('.reply')].find((r) => r.textContent.includes('ケアプランセンターつむぎ')); \
         if (!reply) return false; const all = [...reply.querySelectorAll('img')]; \
         all.forEach((i) => { i.loading = 'eager'; i.scrollIntoView({ block: 'center' }); }); \
         return all.every((i) => i.complete && i.naturalWidth > 0) && all.some((i) => i.naturalWidth > 500)",
    )
    .await;
    at.picture("33-arrived").await;

    // A mail is answered on the desk as well.
    let all = caught::of_demo(folder.path());
    let (id, _) = all.iter().find(|(_, c)| c.is_to(NURSES)).unwrap();
    at.go(&format!("/demo/{id}")).await;
    at.picture("34-mail").await;
    let text = at.find("#body").await;
    text.clear().await.unwrap();
    text.send_keys("明日は9時に伺います。").await.unwrap();
    at.click("form[action$='/reply'] button").await;
    at.until_path("/demo").await;
    at.go("/groups/G01").await;
    at.until_text("明日は9時に伺います").await;
    at.browser.close().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_telephone_nothing_runs_out_of_the_page() {
    let (folder, mut gateway) = demo();
    let Some(at) = At::open_phone(&gateway).await else { return };
    at.go("/login").await;
    at.picture("40-phone-login").await;
    at.fits("login").await;
    at.log_in("saeki").await;
    at.fits("group list").await;
    at.picture("41-phone-groups").await;
    at.go("/groups/G01").await;
    at.fits("timeline").await;
    at.picture("42-phone-timeline").await;
    at.script("document.querySelector('details.compose').open = true; document.querySelector('details.receipts').open = true", Vec::new()).await;
    at.fits("timeline, folds open").await;
    at.script("document.querySelector('details.receipts').scrollIntoView()", Vec::new()).await;
    at.picture("43-phone-board").await;
    at.log_out().await;
    at.log_in("watabe").await;
    for (path, name) in [
        ("/triage", "44-phone-triage"),
        ("/outbox", "45-phone-outbox"),
        ("/note", "46-phone-note"),
        ("/intakes", "47-phone-intakes"),
        ("/facilities", "48-phone-facilities"),
        ("/rules", "49-phone-rules"),
        ("/audit", "50-phone-audit"),
    ] {
        at.go(path).await;
        at.find("main").await;
        at.picture(name).await;
        at.fits(path).await;
    }
    at.go("/triage").await;
    let items = at
        .script(
            "return [...document.querySelectorAll('.inbox a')].map((a) => a.getAttribute('href'))",
            Vec::new(),
        )
        .await;
    for (n, item) in items.as_array().unwrap().iter().enumerate() {
        at.go(item.as_str().unwrap()).await;
        at.picture(&format!("51-phone-item-{n}")).await;
        at.fits("triage item").await;
    }
    at.go("/demo").await;
    at.picture("52-phone-desk").await;
    at.fits("desk").await;
    at.go(&desk_of(folder.path(), "0300000104")).await;
    at.until("the pages", "return [...document.querySelectorAll('.paper img')].every((i) => i.complete && i.naturalWidth > 1000)").await;
    at.picture("53-phone-fax").await;
    at.fits("a FAX on the desk").await;
    at.browser.close().await;
    gateway.stop();
}
