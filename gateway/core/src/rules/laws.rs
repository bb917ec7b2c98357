//! Laws that hold for any rules and any message: the index leaves out nothing that holds, and what
//! `check` reports is so. Rules and messages are drawn from the same few values, so that they often meet.

use super::check::{excludes, implies, never};
use super::field::{CodeState, Field, Kind, Subject};
use super::language::{Condition, Operator, Rule, Test, Value, Wanted};
use super::{Inner, RuleSet, compile};
use crate::decision::Then;
use crate::envelope::{Attachment, ContentHash, Envelope, Event};
use crate::vocabulary::{AttachmentRole, Channel, EndpointState, Format, Urgency};
use proptest::prelude::*;
use std::sync::Arc;

const WORDS: &[&str] = &["疑義", "疑義照会", "照会", "a", "ab", "調剤 前"];
const KINDS: &[&str] = &["tracing_report", "care_plan"];
const TYPES: &[&str] = &["pharmacy", "hospital"];
const WARNINGS: &[&str] = &["x", "y", "z"];

fn some<T: Clone + std::fmt::Debug + 'static>(list: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(list)
}

fn values(field: &'static str) -> BoxedStrategy<Vec<Value>> {
    let code = |list: &'static [&'static str]| {
        proptest::collection::vec(some(list).prop_map(|c| Value::Code(c.to_owned())), 1..3).boxed()
    };
    match field {
        "channel" => code(&["fax", "email", "web"]),
        "urgency" => code(&["normal", "urgent", "emergency"]),
        "document_kind" => code(KINDS),
        "sender.facility_type" => code(TYPES),
        "warning" => code(WARNINGS),
        "event.trigger" => code(&["A01", "A03"]),
        "reply_code.state" => code(&["absent", "known"]),
        "sender.known" => any::<bool>().prop_map(|b| vec![Value::Flag(b)]).boxed(),
        "pages" => (0_i64..4).prop_map(|n| vec![Value::Number(n)]).boxed(),
        _ => proptest::collection::vec(some(WORDS).prop_map(|w| Value::Text(Wanted::new(w))), 1..3).boxed(),
    }
}

fn test() -> impl Strategy<Value = Condition> {
    let fields = &[
        "channel",
        "urgency",
        "document_kind",
        "sender.facility_type",
        "warning",
        "event.trigger",
        "reply_code.state",
        "sender.known",
        "pages",
        "title",
        "body",
        "text",
    ];
    some(fields).prop_flat_map(|name| {
        (values(name), 0_u8..5, any::<bool>()).prop_map(move |(values, which, there)| {
            let field = Field::named(name).unwrap();
            let words: Vec<Wanted> = values
                .iter()
                .filter_map(|v| if let Value::Text(w) = v { Some(w.clone()) } else { None })
                .collect();
            let operator = match (field.kind, which) {
                (Kind::Flag, _) => Operator::OneOf(values),
                (_, 0) => Operator::Exists(there),
                (Kind::Text, 1) => Operator::StartsWith(words[0].clone()),
                (Kind::Text, 2) => Operator::EndsWith(words[0].clone()),
                (Kind::Text, 3) => Operator::OneOf(values),
                (Kind::Text, _) => Operator::Contains(words),
                (Kind::Ordered(_) | Kind::Number, 1) => Operator::AtLeast(values[0].clone()),
                (Kind::Ordered(_) | Kind::Number, 2) => Operator::AtMost(values[0].clone()),
                _ => Operator::OneOf(values),
            };
            Condition::Test(Test { field, operators: vec![operator], line: 1 })
        })
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![8 => test(), 1 => Just(Condition::Always)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Condition::All),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Condition::Any),
            inner.prop_map(|c| Condition::Not(Box::new(c))),
        ]
    })
}

#[derive(Debug, Clone)]
struct Message {
    envelope: Envelope,
    facility_type: Option<&'static str>,
    code_known: bool,
}

impl Message {
    fn subject(&self) -> Subject<'_> {
        let mut subject = Subject::bare(&self.envelope);
        subject.facility_type = self.facility_type.map(Into::into);
        subject.facility_id = self.facility_type.map(|_| "f".into());
        subject.endpoint_state = self.facility_type.map(|_| EndpointState::Verified);
        if self.code_known {
            subject.code = CodeState::Known;
        }
        subject
    }
}

fn message() -> impl Strategy<Value = Message> {
    let text = || proptest::option::of(proptest::collection::vec(some(WORDS), 0..3).prop_map(|w| w.concat()));
    let trigger = proptest::option::of(some(&["A01", "A03"]));
    let paper = (proptest::option::of(0_u32..4), proptest::collection::vec(some(WARNINGS), 0..3));
    (
        some(&[Channel::Fax, Channel::Email, Channel::Web]),
        (text(), text()),
        proptest::option::of(some(Urgency::ALL)),
        proptest::option::of(some(KINDS)),
        proptest::option::of(some(TYPES)),
        trigger,
        paper,
        any::<bool>(),
    )
        .prop_map(
            |(
                channel,
                (title, body),
                urgency,
                kind,
                facility_type,
                trigger,
                (pages, warnings),
                code_known,
            )| {
                let mut envelope = Envelope::empty(channel, Format::Json, ContentHash::of(b""));
                envelope.title = title;
                envelope.body = body;
                envelope.urgency = urgency;
                envelope.document_kind = kind.map(str::to_owned);
                envelope.event = trigger.map(|t| Event { trigger: Some(t.to_owned()), ..Event::default() });
                envelope.attachments = pages
                    .map(|pages| Attachment {
                        name: None,
                        media_type: "image/tiff".to_owned(),
                        size_bytes: 1,
                        content_hash: ContentHash::of(b""),
                        pages: Some(pages),
                        role: AttachmentRole::Document,
                    })
                    .into_iter()
                    .collect();
                for warning in warnings {
                    envelope.warn(warning, "");
                }
                Message { envelope, facility_type, code_known }
            },
        )
}

fn rules(conditions: Vec<Condition>) -> Vec<Rule> {
    conditions
        .into_iter()
        .enumerate()
        .map(|(number, when)| Rule {
            name: format!("r{number}"),
            note: None,
            continues: false,
            when,
            then: Then::Triage { text: "t".to_owned() },
            line: number + 1,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_index_leaves_out_nothing_that_holds(
        conditions in proptest::collection::vec(condition(), 0..12),
        messages in proptest::collection::vec(message(), 6),
    ) {
        let rules = rules(conditions);
        let index = compile::Index::of(&rules);
        for message in &messages {
            let subject = message.subject();
            let found = index.candidates(&subject);
            for (number, rule) in rules.iter().enumerate() {
                let listed = found.contains(&u32::try_from(number).unwrap());
                prop_assert!(listed || !rule.when.holds(&subject), "{:?}", rule.when);
            }
        }
    }

    #[test]
    fn what_check_concludes_is_so(
        a in condition(),
        b in condition(),
        messages in proptest::collection::vec(message(), 12),
    ) {
        let implied = implies(&a, &b, &mut 10_000);
        let excluded = excludes(&a, &b);
        let impossible = never(&a);
        for message in &messages {
            let subject = message.subject();
            let (holds_a, holds_b) = (a.holds(&subject), b.holds(&subject));
            prop_assert!(!(implied && holds_a && !holds_b), "implies\n{a:?}\n{b:?}");
            prop_assert!(!(excluded && holds_a && holds_b), "excludes\n{a:?}\n{b:?}");
            prop_assert!(!(impossible && holds_a), "never\n{a:?}");
        }
    }

    #[test]
    fn a_rule_reported_as_never_reached_never_decides(
        conditions in proptest::collection::vec(condition(), 2..8),
        messages in proptest::collection::vec(message(), 8),
    ) {
        let rules = rules(conditions);
        let findings = super::check::check(&rules);
        let set = RuleSet {
            inner: Arc::new(Inner { index: compile::Index::of(&rules), rules, examples: Vec::new() }),
        };
        for message in &messages {
            if let Some(verdict) = set.verdict(&message.subject()) {
                let dead = findings.iter().any(|f| f.rule == verdict.rule);
                prop_assert!(!dead, "{findings:?} {verdict:?}");
            }
        }
    }
}
