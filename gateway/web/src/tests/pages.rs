//! Every page in both languages, with friendly and with hostile words in every field. With
//! `KAKEHASHI_PAGES=folder` set the friendly pages are written there to be looked at.

use super::office_samples;
use super::samples::{self, EVIL, Tongue, now};
use crate::forms::Fields;
use crate::locale::Lang;
use crate::random::FormKeys;
use crate::templates::{NavLink, Page, Signature, render, render_page};
use crate::views::interfaces::{self, Asked};
use crate::views::simple::*;
use crate::views::timeline::{Viewer, Written};
use crate::views::triage::{Beside, Typed};
use crate::views::{Choice, facilities, fax, home, intake, outbox, rules, timeline, triage};
use kakehashi_core::ids::{FacilityId, PostId};
use kakehashi_core::rules::RuleSet;
use kakehashi_core::vocabulary::{Locale, ReplyExpectation, Urgency};
use kakehashi_store::view::{OutboxFilter, RuleHits};

/// All pages: name and body.
fn all(lang: Lang, t: Tongue) -> Vec<(&'static str, &'static str, String)> {
    let groups = samples::groups(t);
    let csrf = t.say("0123");
    let now = now();
    let keys = FormKeys(now);
    let viewer = |facility: &'static FacilityId,
                  is_office,
                  focus: Option<&'static PostId>,
                  problem: Option<String>| Viewer {
        lang,
        now,
        csrf: "0123",
        facility,
        is_office,
        todos: home::requests(lang, &groups, now, Some("G01")),
        focus,
        problem,
        written: Written { title: t.say("見出し"), body: t.say("本文"), ..Written::default() },
        slips: vec![Choice {
            value: "E06".to_owned(), word: t.say("こもれび 0300000106"), chosen: false
        }],
        fresh: &keys,
    };
    let clinic: &'static FacilityId = Box::leak(Box::new(FacilityId::new("F02")));
    let care: &'static FacilityId = Box::leak(Box::new(FacilityId::new("F03")));
    let topic: &'static PostId = Box::leak(Box::new(PostId::new("T1")));
    let cards = office_samples::facilities(t);
    let typed: &'static Fields =
        Box::leak(Box::new(Fields(vec![("reason".to_owned(), t.say("電話で確認"))])));
    let beside = |turn| Beside {
        csrf: &csrf,
        groups: &groups,
        cards: &cards,
        staff_of_sender: vec![("s1".to_owned(), t.say("三浦 健"))],
        previous: Some("/triage/X0".to_owned()),
        next: Some("/triage/X2".to_owned()),
        typed: Some(Typed::refused(typed, None, t.say("理由を書いてください。"))),
        turn,
        larger: false,
        paper: kakehashi_core::facts::PaperTrust { agreed: 12, needed: 300, untouched_acknowledges: false },
        leave: None,
        draft_offered: true,
    };
    let mut closed = office_samples::triage_item(t, false);
    closed.closed = Some(kakehashi_store::view::TriageClosed {
        outcome: "placed".into(),
        at: now,
        by: t.say("渡部 晶"),
        note: t.some("電話で確認"),
    });
    closed.envelope = None;
    let hits = vec![RuleHits { rule: "x".into(), hit_count: 41, last_at: now }];
    let chosen = |value: &str, word: &str| Choice { value: value.into(), word: t.say(word), chosen: true };
    let word = |s: &str| t.some(s);
    let body = |template: &'static str, html: Result<String, crate::templates::TemplateFault>| {
        html.unwrap_or_else(|_| panic!("{template} cannot be rendered"))
    };
    macro_rules! page {
        ($file:literal, $template:literal, $page:expr) => {
            ($file, $template, body($template, render(lang, $template, &$page)))
        };
    }
    vec![
        page!("home", "home", home::page(lang, &groups, now)),
        page!("home_empty", "home", home::page(lang, &[], now)),
        page!(
            "timeline",
            "timeline",
            timeline::page(&viewer(care, false, None, None), &samples::timeline(t))
        ),
        page!(
            "timeline_clinic",
            "timeline",
            timeline::page(&viewer(clinic, true, Some(topic), None), &samples::timeline(t))
        ),
        page!(
            "timeline_problem",
            "timeline",
            timeline::page(&viewer(clinic, false, None, word("内容が必要です")), &samples::timeline(t))
        ),
        page!("triage", "triage_list", triage::list(lang, &office_samples::triage_rows(t), false, now)),
        page!("triage_empty", "triage_list", triage::list(lang, &[], true, now)),
        page!(
            "triage_item",
            "triage_item",
            triage::item(lang, &office_samples::triage_item(t, false), &beside(0), now)
        ),
        page!(
            "triage_sheet",
            "triage_item",
            triage::item(lang, &office_samples::triage_item(t, true), &beside(90), now)
        ),
        page!("triage_closed", "triage_item", triage::item(lang, &closed, &beside(180), now)),
        page!("intakes", "intakes", intake::list(lang, &office_samples::intake_rows(t), 4, now)),
        page!("intake", "intake", intake::page(lang, &office_samples::intake(t))),
        page!("fax", "fax", fax::page(lang, &csrf, &office_samples::fax_desk(t), Some("ordered"), None, now)),
        page!("interfaces", "interfaces", {
            let (rows, running) = office_samples::interfaces(t);
            interfaces::list(lang, &csrf, &rows, &running, now)
        }),
        page!("messages", "messages", {
            let asked = Asked { patient: t.some("00412338"), ..Asked::default() };
            interfaces::messages(lang, &csrf, &asked, &office_samples::messages(t), 1, now)
        }),
        page!("message", "message", {
            let told = interfaces::Told::Replayed;
            interfaces::message(
                lang,
                &csrf,
                &office_samples::intake(t),
                office_samples::message_text(t),
                Some(told),
            )
        }),
        page!(
            "outbox",
            "outbox",
            outbox::page(
                lang,
                &csrf,
                OutboxFilter::NeedsAction,
                3,
                &office_samples::outbox(t),
                word("名前を書いてください"),
                now
            )
        ),
        page!("rules", "rules", rules::page(lang, &RuleSet::default_policy(), &hits, now)),
        page!(
            "facilities",
            "facilities",
            facilities::page(lang, now, &csrf, &office_samples::facilities(t), &[])
        ),
        page!(
            "audit",
            "audit",
            AuditPage {
                checked: true,
                good: word("2件"),
                broken: word("2番"),
                rows: office_samples::audit(t).iter().map(|e| audit_line(lang, e)).collect(),
                older: Some("/audit?before=1".into())
            }
        ),
        page!(
            "login",
            "login",
            LoginPage {
                csrf: csrf.clone(),
                next: t.say("/groups/G01"),
                login_name: t.say("saeki"),
                problem: word("利用者名かパスワードがちがいます。"),
                help: word("どちらがちがうかは表示しません。")
            }
        ),
        page!(
            "settings",
            "settings",
            SettingsPage {
                csrf: csrf.clone(),
                saved: true,
                languages: vec![chosen("ja", "日本語")],
                sizes: vec![chosen("normal", "ふつう")],
                facility: t.say("若葉在宅クリニック"),
                login_name: t.say("saeki"),
                name: t.say("佐伯 直人"),
                role: t.say("スタッフ")
            }
        ),
        page!(
            "fault",
            "fault",
            FaultPage {
                status: 500,
                title: lang.t("error.internal"),
                help: lang.t("error.internal_help"),
                case: word("9a3f01cc")
            }
        ),
        page!(
            "zoom",
            "zoom",
            ZoomPage {
                back: "/".into(),
                src: "page.png".into(),
                alt: t.say("看護サマリー"),
                file: "/attachments/A1".into(),
                class: "turn-90".into(),
                turn_href: "?turn=180".into(),
                larger_href: "?larger=1".into(),
                is_larger: false,
                page: word("1ページ目"),
                previous: Some("?page=1".into()),
                next: Some("?page=3".into())
            }
        ),
        page!(
            "code",
            "code",
            CodePage {
                csrf: csrf.clone(),
                office: t.say("桜見区医師会 在宅連携事務局"),
                path: "/r/0123456789".into(),
                urgency: crate::views::Chip::urgency(lang, Urgency::Urgent),
                ask: word("了解希望"),
                alias: word("つばき01"),
                title: word("退院の連絡"),
                body: None,
                due: word("期限 6/9(火) 16:00"),
                acknowledged: None,
                people: vec![chosen("s1", "大塚 千尋"), chosen("s2", "森下 彩")],
                reply_id: "x".into(),
                call_id: "y".into(),
                until: t.say("このページは 6/23(火) 10:20 まで使えます。"),
                hurry: t.say("急ぐときは電話が先です: 03-0000-0100(平日 9–17時)"),
                thanks: word("了解を記録しました。"),
                problem: None,
                call_first: true,
                settings: Some(crate::views::simple::Receiving::of(
                    lang,
                    &kakehashi_core::directory::EndpointSettings::default(),
                    kakehashi_core::clock::UtcMicros::from_micros(1_780_000_000_000_000)
                ))
            }
        ),
        page!(
            "code_acknowledged",
            "code",
            CodePage {
                csrf: csrf.clone(),
                office: t.say("事務局"),
                path: "/r/0123456789".into(),
                urgency: None,
                ask: None,
                alias: None,
                title: None,
                body: word("本日退院されました。"),
                due: None,
                acknowledged: word("10:58 に了解をいただいています。"),
                people: vec![],
                reply_id: "x".into(),
                call_id: "y".into(),
                until: String::new(),
                hurry: String::new(),
                thanks: None,
                problem: word("空です"),
                call_first: false,
                settings: None
            }
        ),
        page!(
            "code_gone",
            "code_gone",
            CodeGonePage {
                thanks: word("お知らせありがとうございます。"),
                office: t.say("事務局"),
                hurry: t.say("03-0000-0100")
            }
        ),
        page!(
            "code_files",
            "code_files",
            CodeFilesPage {
                office: t.say("事務局"),
                back: "/r/0".into(),
                files: vec![CodeFileLine {
                    href: "/r/0/files/0".into(),
                    name: "<b>.pdf".into(),
                    size: "3 KB".into()
                }],
                until: String::new(),
                hurry: t.say("03-0000-0100")
            }
        ),
        page!(
            "note",
            "note",
            NotePage {
                csrf: csrf.clone(),
                problem: word("鍵がちがいます"),
                note_id: t.say("n"),
                group_alias: t.say("つばき01"),
                patient_name: t.say("山本 千代"),
                birth_date: t.say("1938-04-12"),
                title: t.say("見出し"),
                body: t.say("本文"),
                author: t.say("岡本"),
                urgencies: urgencies(lang, Urgency::Normal),
                expectations: expectations(lang, ReplyExpectation::None)
            }
        ),
        page!("note_sent", "note_sent", NoteSentPage { intake_id: t.say("01J") }),
        page!(
            "api_docs",
            "api_docs",
            ApiPage {
                example: t.say("{}"),
                answers: vec![ApiAnswer {
                    code: "201",
                    meaning: t.say("保存しました"),
                    act: t.say("控える")
                }]
            }
        ),
    ]
}

fn framed(lang: Lang, t: Tongue, name: &str, body: String) -> String {
    let open =
        matches!(name, "login" | "fault" | "note" | "note_sent" | "api_docs") || name.starts_with("code");
    let nav = [
        ("/", "nav.groups"),
        ("/triage", "nav.triage"),
        ("/outbox", "nav.outbox"),
        ("/intakes", "nav.intakes"),
        ("/interfaces", "nav.interfaces"),
        ("/facilities", "nav.facilities"),
        ("/rules", "nav.rules"),
        ("/audit", "nav.audit"),
        ("/settings", "nav.settings"),
    ];
    let first = format!("/{}", name.split('_').next().unwrap());
    let nav = nav
        .into_iter()
        .map(|(href, key)| NavLink {
            href: href.into(),
            label: lang.t(key),
            current: first == href || (href == "/" && (first == "/home" || first == "/timeline")),
            count: (href == "/triage").then_some(3),
        })
        .collect();
    let signature = Some(Signature {
        facility: t.say("若葉在宅クリニック"),
        name: t.say("佐伯 直人"),
        csrf: t.say("0123"),
    });
    let plain = Page::plain(lang.0, t.say(name), body);
    render_page(&if open { plain } else { Page { nav, signature, live: t.some("G01"), ..plain } })
}

#[test]
fn every_page_is_escaped_whatever_it_is_given() {
    for locale in [Locale::Ja, Locale::En] {
        let lang = Lang(locale);
        for (name, _, body) in all(lang, Tongue::Hostile) {
            let html = framed(lang, Tongue::Hostile, name, body);
            assert!(!html.contains("<script>"), "{name}: a script stands in the page");
            assert!(!html.contains("<img src=x"), "{name}: foreign markup stands in the page");
            assert!(!html.contains(EVIL), "{name}");
            assert!(html.contains(&format!("<html lang=\"{}\"", locale.code())), "{name}: language");
        }
    }
}

#[test]
fn every_page_speaks_its_language_and_stands_in_its_frame() {
    for locale in [Locale::Ja, Locale::En] {
        let lang = Lang(locale);
        for (name, _, body) in all(lang, Tongue::Friendly) {
            assert!(body.contains("<main"), "{name} has no main part");
            assert!(!body.contains(" style="), "{name}: inline style");
            let html = framed(lang, Tongue::Friendly, name, body);
            assert_eq!(html.matches("<main").count(), html.matches("</main>").count(), "{name}");
            for tag in [
                "div", "section", "form", "details", "ul", "p", "a", "label", "span", "fieldset", "article",
                "aside",
            ] {
                let opened =
                    html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
                assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{name}: <{tag}>");
            }
            if let Ok(folder) = std::env::var("KAKEHASHI_PAGES") {
                let page = html
                    .replace("/assets/", "assets/")
                    .replace("?v=", "#")
                    .replace("src=\"/attachments/A1/pages/1.png\"", "src=\"assets/a1.png\"")
                    .replace("src=\"/attachments/A2\"", "src=\"assets/a2.png\"");
                std::fs::write(format!("{folder}/{name}.{}.html", locale.code()), page).unwrap();
            }
        }
    }
}

#[test]
fn every_form_carries_its_token() {
    for (name, _, body) in all(Lang(Locale::Ja), Tongue::Friendly) {
        let forms = body.matches("method=\"post\"").count();
        assert_eq!(
            body.matches("name=\"csrf\" value=\"0123\"").count(),
            forms,
            "{name}: a form without token"
        );
    }
}

#[test]
fn what_was_delivered_is_never_shown_as_acknowledged() {
    let lang = Lang(Locale::Ja);
    let receipts = samples::timeline(Tongue::Friendly).topics[0].corrections[0].receipts.clone();
    let facts: Vec<String> =
        crate::views::board::facts(lang, &receipts).into_iter().map(|c| c.word).collect();
    assert_eq!(facts[..3], ["了解 2 / 2", "返信 1 / 1", "折返し電話 0 / 1"]);
    let rows = crate::views::board::rows(lang, &receipts, now());
    let row = |name: &str| rows.iter().find(|r| r.name == name).unwrap();
    assert_eq!(row("デイサービス陽だまり").state, "折返し電話待ち");
    assert_eq!(row("若葉在宅クリニック").state, "共有のみ");
    assert_eq!(row("訪問看護ステーションひなた").state, "了解 10:58");
    assert_eq!(row("訪問看護ステーションひなた").ways[0].words, "メール 送達 10:21");
    assert_eq!(row("はなみ歯科医院").ways[0].words, "FAX 6/12(金) 15:00のまとめ便で届きます");
}
