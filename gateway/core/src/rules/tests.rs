//! Rules as a whole: files in, verdicts and errors out.

use super::*;
use crate::decision::{Notice, Then};
use crate::envelope::{ContentHash, Event};
use crate::vocabulary::{Channel, Format, ReplyExpectation, Urgency};
use proptest::prelude::*;

fn message(channel: Channel, body: &str) -> Envelope {
    let mut envelope = Envelope::empty(channel, Format::Json, ContentHash::of(b""));
    envelope.body = Some(body.to_owned());
    envelope
}

fn decide(rules: &RuleSet, envelope: &Envelope, facility_type: Option<&str>) -> Option<RuleVerdict> {
    let mut subject = Subject::bare(envelope);
    subject.facility_type = facility_type.map(|t| t.to_owned().into());
    rules.verdict(&subject)
}

fn errors(toml: &str) -> Vec<RuleError> {
    RuleSet::parse(toml).map(|_| Vec::new()).unwrap_or_else(|e| e)
}

#[test]
fn the_default_rules_are_valid_and_their_examples_pass() {
    let rules = RuleSet::parse(DEFAULT_RULES).unwrap_or_else(|e| panic!("{e:#?}"));
    assert_eq!(rules.check(), Vec::new());
    let results = rules.run_examples();
    assert!(results.len() >= 12);
    for result in results {
        assert!(result.passed, "{}: {}", result.name, result.said);
    }
    assert_eq!(RuleSet::default_policy().rules().len(), rules.rules().len());
}

#[test]
fn every_mistake_is_named_with_line_and_remedy() {
    // (name, file, line, part of the reason, part of the remedy)
    let cases = [
        (
            "field",
            "[[rule]]\nname = \"a\"\nwhen = { field = \"sender.facilty_type\", is = \"x\" }\nthen = { triage = \"t\" }",
            3,
            "sender.facilty_type",
            "sender.facility_type",
        ),
        (
            "key",
            "[[rule]]\nname = \"a\"\nwen = { always = true }\nthen = { triage = \"t\" }",
            3,
            "wen",
            "when",
        ),
        ("missing when", "[[rule]]\nname = \"a\"\nthen = { triage = \"t\" }", 1, "when", "always"),
        (
            "code",
            "[[rule]]\nname = \"a\"\nwhen = { field = \"channel\", is = \"facs\" }\nthen = { triage = \"t\" }",
            3,
            "facs",
            "fax",
        ),
        (
            "operator",
            "[[rule]]\nname = \"a\"\nwhen = { field = \"channel\", contains = \"f\" }\nthen = { triage = \"t\" }",
            3,
            "contains",
            "is in exists",
        ),
        (
            "type",
            "[[rule]]\nname = \"a\"\nwhen = { field = \"pages\", at_least = \"3\" }\nthen = { triage = \"t\" }",
            3,
            "string",
            "整数",
        ),
        (
            "operator slip",
            "[[rule]]\nname = \"a\"\nwhen = { field = \"body\", contians = \"x\" }\nthen = { triage = \"t\" }",
            3,
            "contians",
            "contains",
        ),
        (
            "two names",
            "[[rule]]\nname = \"a\"\nwhen = { always = true }\nthen = { triage = \"t\" }\n[[rule]]\nname = \"a\"\nwhen = { always = true }\nthen = { triage = \"t\" }",
            5,
            "1行目",
            "名前",
        ),
        (
            "two outcomes",
            "[[rule]]\nname = \"a\"\nwhen = { always = true }\nthen = { triage = \"t\", discard = \"d\" }",
            4,
            "一つだけ",
            "post",
        ),
        (
            "notice",
            "[[rule]]\nname = \"a\"\nwhen = { always = true }\nthen = { return = \"phone\" }",
            4,
            "phone",
            "phone_please",
        ),
        (
            "nobody asked",
            "[[rule]]\nname = \"a\"\nwhen = { always = true }\nthen = { post = { asks = [ { expectation = \"ack\" } ] } }",
            4,
            "誰に",
            "facility_types",
        ),
        (
            "continue",
            "[[rule]]\nname = \"a\"\ncontinue = true\nwhen = { always = true }\nthen = { triage = \"t\" }",
            1,
            "continue",
            "continue",
        ),
        ("not toml", "[[rule]]\nname = \"a\nwhen = 1", 2, "TOML", "引用符"),
        (
            "example",
            "[[example]]\nname = \"e\"\nchannel = \"fax\"\nexpect = { rule = \"nobody\" }",
            1,
            "nobody",
            "none",
        ),
        (
            "example key",
            "[[example]]\nname = \"e\"\nchannel = \"fax\"\ntitel = \"x\"\nexpect = { rule = \"none\" }",
            4,
            "titel",
            "title",
        ),
        ("not a list", "rule = 1", 1, "rule", "[[rule]]"),
        (
            "nothing asked of field",
            "[[rule]]\nname = \"a\"\nwhen = { field = \"pages\" }\nthen = { triage = \"t\" }",
            3,
            "pages",
            "at_least",
        ),
        (
            "mixed",
            "[[rule]]\nname = \"a\"\nwhen = { all = [{ always = true }], exists = true }\nthen = { triage = \"t\" }",
            3,
            "all",
            "all =",
        ),
    ];
    for (name, toml, line, reason, remedy) in cases {
        let found = errors(toml);
        assert!(
            found.iter().any(|e| e.line == line && e.reason.contains(reason) && e.remedy.contains(remedy)),
            "{name}: {found:#?}"
        );
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let found = errors(
        "[[rule]]\nname = \"a\"\nwhen = { all = [\n { field = \"chanel\", is = \"fax\" },\n { field = \"urgency\", at_least = \"urgnt\" },\n] }\nthen = { retrun = \"uniform\" }\n",
    );
    assert_eq!(found.iter().map(|e| e.line).collect::<Vec<_>>(), [4, 5, 7, 7], "{found:#?}");
}

#[test]
fn depth_and_count_have_limits() {
    let deep = format!(
        "[[rule]]\nname = \"a\"\nwhen = {}{{ always = true }}{}\nthen = {{ triage = \"t\" }}",
        "{ not = ".repeat(30),
        " }".repeat(30)
    );
    assert!(errors(&deep).iter().any(|e| e.reason.contains("too deep")));
    let deeper = format!("[[rule]]\nwhen = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(!errors(&deeper).is_empty());
    let test = "{ field = \"pages\", is = 1 },";
    let many = format!(
        "[[rule]]\nname = \"a\"\nwhen = {{ any = [{}] }}\nthen = {{ triage = \"t\" }}",
        test.repeat(300)
    );
    assert!(!errors(&many).is_empty());
}

const CONTINUING: &str = r#"
[[rule]]
name = "pharmacy"
continue = true
when = { field = "sender.facility_type", is = "pharmacy" }
then = { post = { urgency = "urgent", asks = [{ expectation = "ack", facility_types = ["medical_clinic"] }] } }

[[rule]]
name = "fever"
when = { field = "text", contains_any = ["発熱", "38度"] }
then = { post = { urgency = "normal", document_kind = "status_change", asks = [
  { expectation = "reply", facility_types = ["home_nursing_station"] },
] } }

[[rule]]
name = "many pages"
when = { field = "body", contains = "広告" }
then = { discard = "広告" }
"#;

#[test]
fn continue_adds_and_a_later_stop_stops() {
    let rules = RuleSet::parse(CONTINUING).unwrap();
    let verdict = decide(&rules, &message(Channel::Fax, "発熱あり"), Some("pharmacy")).unwrap();
    assert_eq!(verdict.rule, "pharmacy + fever");
    let Then::Post { urgency, expectation, asks, document_kind, .. } = verdict.then else { panic!() };
    assert_eq!(urgency, Some(Urgency::Urgent));
    assert_eq!(expectation, Some(ReplyExpectation::Reply));
    assert_eq!(asks.len(), 1);
    assert_eq!(document_kind.as_deref(), Some("status_change"));
    let stopped = decide(&rules, &message(Channel::Fax, "広告"), Some("pharmacy")).unwrap();
    assert!(matches!(stopped.then, Then::Discard { .. }));
    let alone = decide(&rules, &message(Channel::Fax, "こんにちは"), Some("pharmacy")).unwrap();
    assert_eq!(alone.rule, "pharmacy");
    assert_eq!(decide(&rules, &message(Channel::Fax, "こんにちは"), None), None);
}

#[test]
fn findings() {
    let rule = |name: &str, when: &str, then: &str| {
        format!("[[rule]]\nname = \"{name}\"\nwhen = {when}\nthen = {then}\n")
    };
    let triage = "{ triage = \"t\" }";
    // (name, first rule, second rule, reason of a finding for the second; none if it is fine)
    let cases: &[(&str, &str, &str, Option<&str>)] = &[
        ("always", "{ always = true }", "{ field = \"channel\", is = \"fax\" }", Some("届きません")),
        (
            "wider list",
            "{ field = \"channel\", in = [\"fax\", \"email\"] }",
            "{ field = \"channel\", is = \"fax\" }",
            Some("届きません"),
        ),
        (
            "narrower list",
            "{ field = \"channel\", is = \"fax\" }",
            "{ field = \"channel\", in = [\"fax\", \"email\"] }",
            None,
        ),
        (
            "part of a word",
            "{ field = \"body\", contains = \"疑義\" }",
            "{ field = \"body\", contains = \"疑義照会\" }",
            Some("届きません"),
        ),
        (
            "title in text",
            "{ field = \"text\", contains = \"疑義\" }",
            "{ field = \"title\", contains = \"疑義\" }",
            Some("届きません"),
        ),
        (
            "text not in title",
            "{ field = \"title\", contains = \"疑義\" }",
            "{ field = \"text\", contains = \"疑義\" }",
            None,
        ),
        (
            "one of all",
            "{ field = \"channel\", is = \"fax\" }",
            "{ all = [{ field = \"channel\", is = \"fax\" }, { field = \"pages\", at_least = 3 }] }",
            Some("届きません"),
        ),
        (
            "order",
            "{ field = \"urgency\", at_least = \"urgent\" }",
            "{ field = \"urgency\", is = \"emergency\" }",
            Some("届きません"),
        ),
        (
            "order, other way",
            "{ field = \"urgency\", at_least = \"emergency\" }",
            "{ field = \"urgency\", is = \"urgent\" }",
            None,
        ),
        (
            "not",
            "{ not = { field = \"channel\", is = \"fax\" } }",
            "{ field = \"channel\", is = \"email\" }",
            Some("届きません"),
        ),
        (
            "any covered",
            "{ field = \"channel\", in = [\"fax\", \"email\", \"web\"] }",
            "{ any = [{ field = \"channel\", is = \"fax\" }, { field = \"channel\", is = \"web\" }] }",
            Some("届きません"),
        ),
        (
            "contradiction",
            "{ field = \"channel\", is = \"fax\" }",
            "{ all = [{ field = \"channel\", is = \"web\" }, { field = \"channel\", is = \"email\" }] }",
            Some("成り立ちません"),
        ),
        (
            "many values do not contradict",
            "{ field = \"channel\", is = \"fax\" }",
            "{ all = [{ field = \"warning\", is = \"a\" }, { field = \"warning\", is = \"b\" }] }",
            None,
        ),
        (
            "empty range",
            "{ field = \"channel\", is = \"fax\" }",
            "{ field = \"pages\", at_least = 5, at_most = 2 }",
            Some("成り立ちません"),
        ),
        (
            "slip",
            "{ field = \"channel\", is = \"fax\" }",
            "{ field = \"sender.facility_type\", is = \"pharmasy\" }",
            Some("pharmasy"),
        ),
        (
            "own type",
            "{ field = \"channel\", is = \"fax\" }",
            "{ field = \"sender.facility_type\", is = \"home_bath\" }",
            None,
        ),
    ];
    for (name, first, second, reason) in cases {
        let rules = RuleSet::parse(&format!("{}{}", rule("one", first, triage), rule("two", second, triage)));
        let found = rules.unwrap_or_else(|e| panic!("{name}: {e:#?}")).check();
        match reason {
            Some(reason) => {
                assert!(
                    found.iter().any(|f| f.rule == "two" && f.line == 5 && f.reason.contains(reason)),
                    "{name}: {found:#?}"
                );
            }
            None => assert!(found.is_empty(), "{name}: {found:#?}"),
        }
    }
    let idle =
        RuleSet::parse(&rule("idle", "{ field = \"channel\", is = \"fax\" }", "{ post = {} }")).unwrap();
    assert!(idle.check()[0].reason.contains("何も変えません"));
    // An empty post before another rule keeps messages away from it: that is an effect.
    let guard = format!(
        "{}{}",
        rule("ours", "{ field = \"sender.address\", is = \"a@b.example\" }", "{ post = {} }"),
        rule("rest", "{ field = \"channel\", is = \"email\" }", triage)
    );
    assert_eq!(RuleSet::parse(&guard).unwrap().check(), Vec::new());
}

#[test]
fn earlier_rules_that_together_take_everything_are_found() {
    let rule = |name: &str, when: &str| {
        format!("[[rule]]\nname = \"{name}\"\nwhen = {when}\nthen = {{ triage = \"t\" }}\n")
    };
    let toml = [
        rule("known", "{ field = \"sender.known\", is = true }"),
        rule(
            "unknown fax",
            "{ all = [{ field = \"sender.known\", is = false }, { field = \"channel\", is = \"fax\" }] }",
        ),
        rule(
            "dead",
            "{ all = [{ field = \"channel\", is = \"fax\" }, { field = \"pages\", at_least = 3 }] }",
        ),
        rule("alive", "{ field = \"channel\", is = \"email\" }"),
    ]
    .concat();
    let found = RuleSet::parse(&toml).unwrap().check();
    assert_eq!(found.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["dead"], "{found:#?}");
    let absent = [
        rule("stated", "{ field = \"urgency\", exists = true }"),
        rule("not stated", "{ field = \"urgency\", exists = false }"),
        rule("dead", "{ field = \"channel\", is = \"email\" }"),
    ]
    .concat();
    let found = RuleSet::parse(&absent).unwrap().check();
    assert_eq!(found.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["dead"], "{found:#?}");
}

#[test]
fn rules_say_what_they_do() {
    let rules = RuleSet::default_policy();
    let says: Vec<String> = rules.rules().iter().map(Rule::says).collect();
    assert_eq!(
        says[0],
        "保険薬局から届いたFAXかメールの件名か本文に「疑義」または「調剤前」があれば、投稿せずに電話のお願いを返します。"
    );
    assert!(
        says[4].ends_with(
            "至急で投稿し、居宅介護支援事業所に返信希望、訪問看護ステーション・保険薬局に了解希望とします。"
        ),
        "{}",
        says[4]
    );
    assert!(says[1].starts_with("文書種別が疑義照会のとき、"), "{}", says[1]);
    assert!(says.last().is_some_and(|s| s.contains("患者を名指す連絡でないとき、")), "{says:?}");
    for rule in rules.rules() {
        assert!(rule.says_en().ends_with('.'), "{}", rule.says_en());
    }
}

#[test]
fn explanations_name_values_and_never_the_text() {
    let rules = RuleSet::default_policy();
    let envelope = message(Channel::Email, "山本千代様 疑義があります");
    let mut subject = Subject::bare(&envelope);
    subject.facility_type = Some("hospital".into());
    let trace = explain::trace(&rules.rules()[0], &subject);
    assert!(!trace.matched);
    assert_eq!(trace.values, ["送信元の施設種別: 病院 (条件: 保険薬局)"]);
    subject.facility_type = Some("pharmacy".into());
    let trace = explain::trace(&rules.rules()[0], &subject);
    assert_eq!(trace.values, ["送信元の施設種別: 保険薬局", "経路: メール", "件名か本文に「疑義」あり"]);
    let verdict = rules.verdict(&subject).unwrap();
    assert!(matches!(verdict.then, Then::Return { notice: Notice::PhonePlease }));
    for rule in rules.rules() {
        let trace = explain::trace(rule, &subject);
        assert!(trace.values.iter().all(|v| !v.contains("山本")), "{trace:?}");
    }
}

#[test]
fn a_failing_example_says_what_came_instead() {
    let toml = "[[rule]]\nname = \"a\"\nwhen = { field = \"channel\", is = \"fax\" }\nthen = { triage = \"理由\" }\n\
        [[example]]\nname = \"e\"\nchannel = \"fax\"\nexpect = { rule = \"none\" }\n";
    let result = RuleSet::parse(toml).unwrap().run_examples().remove(0);
    assert!(!result.passed);
    assert!(result.said.contains("「a」") && result.said.contains("none"), "{}", result.said);
}

/// The table of `docs/rules.md`.
fn field_table() -> String {
    use std::fmt::Write as _;
    let mut table =
        String::from("| 項目 / field | 型 / type | 意味 | meaning | 値 / values |\n|---|---|---|---|---|\n");
    for field in field::FIELDS {
        let (ja, en) = field.kind.names();
        let many = if field.many { " ＊" } else { "" };
        let values = match field.kind.codes() {
            Some(field::Codes::Closed(list)) => {
                list().iter().map(|w| format!("`{}`", w.code)).collect::<Vec<_>>().join(" ")
            }
            Some(field::Codes::Open([])) => String::new(),
            Some(field::Codes::Open(list)) => {
                let first =
                    list.iter().take(3).map(|w| format!("`{}`", w.code)).collect::<Vec<_>>().join(" ");
                format!("{first} … ({})", list.len())
            }
            None => String::new(),
        };
        let _ = writeln!(
            table,
            "| `{}`{many} | {ja} / {en} | {} | {} | {values} |",
            field.name, field.ja, field.en
        );
    }
    table
}

/// The lists of codes of `docs/rules.md`.
fn code_lists() -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for (title, list) in [
        ("### 施設種別 / facility types", words::FACILITY_TYPES),
        ("### 職種 / professions", words::PROFESSIONS),
        ("### 文書種別 / document kinds", words::DOCUMENT_KINDS),
        ("### HL7イベント / trigger events", words::TRIGGERS),
    ] {
        let codes: Vec<String> = list.iter().map(|w| format!("`{}` {}", w.code, w.ja)).collect();
        let _ = write!(text, "\n{title}\n\n{}\n", codes.join(" ・ "));
    }
    text
}

#[test]
fn the_field_table_is_documented() {
    let document = include_str!("../../../../docs/rules.md");
    let table = format!("{}{}", field_table(), code_lists());
    assert!(document.contains(&table), "docs/rules.md should hold this table:\n{table}");
}

/// Many rules of which none can match: the index leaves all of them out.
fn many_rules(count: usize) -> String {
    use std::fmt::Write as _;
    let mut toml = String::new();
    for n in 0..count {
        let when = match n % 4 {
            0 => format!("{{ field = \"sender.facility_id\", is = \"f{n}\" }}"),
            1 => format!("{{ field = \"text\", contains = \"語{n}です\" }}"),
            2 => format!(
                "{{ all = [{{ field = \"channel\", is = \"hl7\" }}, {{ field = \"visit.ward\", is = \"w{n}\" }}] }}"
            ),
            _ => format!(
                "{{ any = [{{ field = \"sender.number\", is = \"03{n}\" }}, {{ field = \"sender.number\", is = \"04{n}\" }}] }}"
            ),
        };
        let _ = write!(toml, "[[rule]]\nname = \"r{n}\"\nwhen = {when}\nthen = {{ triage = \"t{n}\" }}\n");
    }
    toml
}

#[test]
fn rules_that_cannot_match_are_not_looked_at() {
    let rules = RuleSet::parse(&many_rules(2_000)).unwrap();
    let mut envelope = message(Channel::Email, "語です。語1です");
    envelope.sender.number = Some("04403".to_owned());
    let subject = Subject::bare(&envelope);
    assert_eq!(rules.inner.index.candidates(&subject), [1, 403]);
    assert_eq!(rules.verdict(&subject).unwrap().rule, "r1");
}

fn any_envelope() -> impl Strategy<Value = Envelope> {
    let channels = proptest::sample::select(Channel::ALL);
    let text = proptest::option::of(".{0,80}");
    (channels, text.clone(), text.clone(), text.clone(), text).prop_map(
        |(channel, title, body, number, trigger)| {
            let mut envelope = Envelope::empty(channel, Format::Json, ContentHash::of(b""));
            envelope.title = title;
            envelope.body = body;
            envelope.sender.number = number;
            envelope.event = Some(Event { kind: Some("ADT".to_owned()), trigger, ..Event::default() });
            envelope
        },
    )
}

proptest! {
    #[test]
    fn any_text_can_be_parsed(text in ".{0,400}") {
        let _ = RuleSet::parse(&text);
    }

    #[test]
    fn a_damaged_rule_file_can_be_parsed(at in 0_usize..DEFAULT_RULES.len(), with in "[\\[\\]{}=\",a-z\n\\\\0-9]{0,3}") {
        let mut text = DEFAULT_RULES.to_owned();
        let at = (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        let end = (at + 1..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
        text.replace_range(at..end, &with);
        if let Ok(rules) = RuleSet::parse(&text) {
            let _ = rules.check();
            let _ = rules.run_examples();
        }
    }

    #[test]
    fn the_index_changes_no_verdict(envelope in any_envelope(), facility in proptest::option::of("pharmacy|hospital|day_service")) {
        for toml in [DEFAULT_RULES, CONTINUING] {
            let rules = RuleSet::parse(toml).unwrap();
            let mut subject = Subject::bare(&envelope);
            subject.facility_type = facility.as_deref().map(|f| f.to_owned().into());
            let slow = rules.rules().iter().find(|rule| rule.when.holds(&subject)).map(|r| r.name.clone());
            let fast = rules.verdict(&subject).map(|v| v.rule);
            prop_assert_eq!(fast.as_deref().map(|f| f.split(" + ").next().unwrap_or("").to_owned()), slow);
            for rule in rules.rules() {
                let trace = explain::trace(rule, &subject);
                prop_assert!(!trace.values.is_empty());
            }
        }
    }
}
