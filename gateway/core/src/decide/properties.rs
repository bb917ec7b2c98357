//! What no input may ever reach: a post without identity, consent and an open group; an answer by a code
//! that does not stand; an answer to a machine.

use super::scenarios::verdict;
use super::tests::{NOW, sheet};
use super::*;
use crate::cast::*;
use crate::decision::{Addressees, Then};
use crate::facts::{CodeFacts, IdentifierState};
use crate::patient_match::Strength;
use crate::sheet_order::SheetOrder;
use crate::vocabulary::GroupState;
use proptest::prelude::*;

fn any_envelope() -> impl Strategy<Value = Envelope> {
    let base = prop_oneof![
        Just(mail(Intent::Topic, "本文")),
        Just(mail(Intent::Acknowledgement, "了解")),
        Just(fax()),
        Just(sheet()),
        prop::sample::select(vec!["A01", "A02", "A03", "A08", "A11", "A13", "A40", "A99", ""])
            .prop_map(|t| hl7("ADT", t, "題", "文")),
        prop::sample::select(vec!["T01", "T02", "T04", "T06", "T10", "T11"])
            .prop_map(|t| hl7("MDM", t, "題", "文")),
    ];
    let names = prop::sample::select(vec!["山本 千代", "山本 千代子", "佐々木 勇", "ヤマモト チヨ", ""]);
    let births = prop::option::of(prop::sample::select(vec!["1938-04-12", "1938-04-21", "1944-11-03", "?"]));
    let channels = prop::sample::select(Channel::ALL.to_vec());
    let intents = prop::sample::select(Intent::ALL.to_vec());
    let authenticity = prop::sample::select(Authenticity::ALL.to_vec());
    (base, names, births, channels, intents, authenticity, any::<[bool; 4]>()).prop_map(
        |(e, name, born, channel, intent, authenticity, flags)| {
            let mut e = if flags[0] { named(e, name, None, born) } else { e };
            if flags[1] {
                e.channel = channel;
            }
            if flags[2] {
                e.intent = intent;
            }
            if flags[3] {
                e.warn(doubt::SEVERAL_PATIENTS, "");
            }
            e.sender.authenticity = authenticity;
            e
        },
    )
}

fn any_group(id: &'static str) -> impl Strategy<Value = crate::facts::GroupFacts> {
    (any::<bool>(), any::<bool>(), prop::sample::select(GroupState::ALL.to_vec())).prop_map(
        move |(member, consent, state)| {
            let mut g = group_facts(id, member, consent);
            g.group.state = state;
            g
        },
    )
}

fn any_candidate(id: &'static str) -> impl Strategy<Value = crate::facts::PatientCandidate> {
    let states = vec![
        IdentifierState::Candidate,
        IdentifierState::Confirmed,
        IdentifierState::Alias,
        IdentifierState::Retired,
    ];
    (prop::option::of(prop::sample::select(states)), prop::option::of(any_group(id))).prop_map(
        move |(state, group)| {
            let mut c = candidate(id, state.map(|s| ("00412338", s)));
            c.group = group;
            c
        },
    )
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let sender = prop::option::of((
        prop::sample::select(vec!["F01", "F03", "F05"]),
        prop::sample::select(EndpointState::ALL.to_vec()),
    ));
    let entry = |t: (&'static str, bool, bool, bool, bool)| {
        let (facility, single, stands, revoked, expired) = t;
        let mut c = code(facility);
        if !single {
            c.post_id = None;
        }
        c.membership_stands = stands;
        c.revoked_at = revoked.then(|| at("2026-06-01T00:00"));
        if expired {
            c.expires_at = at("2026-06-01T00:00");
        }
        c
    };
    let entries = move || {
        (prop::sample::select(vec!["F03", "F05"]), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(entry)
    };
    let codes = prop_oneof![
        3 => Just(CodeFacts::Absent),
        1 => Just(CodeFacts::Unknown),
        2 => entries().prop_map(|c| CodeFacts::Known(Box::new(c))),
    ];
    (
        sender,
        codes,
        prop::option::of(entries()),
        prop::option::of(any_group("G01")),
        prop::collection::vec(
            prop_oneof![any_candidate("G01"), any_candidate("G02"), any_candidate("G03")],
            0..4,
        ),
    )
        .prop_map(|(who, code, thread, group, candidates)| {
            let who = who.map(|(id, state)| {
                let mut s = sender_of(id);
                s.endpoint.state = state;
                s
            });
            let mut f = facts(who);
            f.code = code;
            f.thread = thread;
            f.addressed_group = group;
            f.candidates = candidates;
            f
        })
}

fn sender_of(id: &str) -> crate::facts::SenderFacts {
    sender(id, Channel::Email)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn nothing_is_posted_without_identity_and_consent(
        envelope in any_envelope(),
        facts in any_facts(),
        with_rule: bool,
    ) {
        let rule = verdict(Then::Post {
            urgency: None,
            expectation: None,
            addressees: Addressees::default(),
            asks: vec![],
            document_kind: None,
        });
        let now = at(NOW);
        let decided = decide(&envelope, &facts, with_rule.then_some(&rule), now);
        prop_assert_eq!(&decide(&envelope, &facts, with_rule.then_some(&rule), now), &decided);
        let machine = matches!(envelope.intent, Intent::Automatic | Intent::DeliveryReport);
        match &decided.decision {
            Decision::Post(p) => {
                prop_assert!(!machine);
                let sender = facts.sender.as_ref().unwrap();
                prop_assert_eq!(sender.endpoint.state, EndpointState::Verified);
                prop_assert_eq!(&sender.facility.id, &p.facility_id);
                let addressed = facts.addressed_group.as_ref().filter(|g| g.group.id == p.group_id);
                let of_number = facts.candidates.iter().filter(|c| {
                    weigh(&envelope, c, Some(sender)).strength == Strength::Confirmed
                });
                let group = addressed.or_else(|| of_number.filter_map(|c| c.group.as_ref()).find(|g| g.group.id == p.group_id)).unwrap();
                prop_assert_eq!(group.group.state, GroupState::Open);
                prop_assert!(group.consent_covers_sender);
                let conflict = facts.candidates.iter().any(|c| {
                    c.patient.id == group.group.patient_id
                        && weigh(&envelope, c, Some(sender)).strength == Strength::Conflict
                });
                prop_assert!(!conflict);
            }
            Decision::Reply(a) | Decision::Acknowledge(a) => {
                prop_assert!(!machine);
                let sender = facts.sender.as_ref().unwrap();
                prop_assert_eq!(&sender.facility.id, &a.facility_id);
                let known = match &facts.code {
                    CodeFacts::Known(c) => c.as_ref(),
                    _ => facts.thread.as_ref().unwrap(),
                };
                prop_assert!(known.membership_stands && known.revoked_at.is_none() && known.expires_at > now);
                prop_assert_eq!(&known.facility_id, &a.facility_id);
                if envelope.sheet.is_some() {
                    prop_assert!(matches!(decided.decision, Decision::Reply(_)));
                }
            }
            Decision::Quarantine { notice, .. } => prop_assert!(!(*notice && machine)),
            Decision::Return { .. } | Decision::Discard { .. } => prop_assert!(!machine),
            Decision::Triage { reasons, .. } => prop_assert!(!reasons.is_empty()),
            // Several posts, told by one standing code; alone only after the trial.
            Decision::Digest(d) => {
                let CodeFacts::Known(code) = &facts.code else { panic!("a sheet without a code") };
                prop_assert!(code.membership_stands && code.revoked_at.is_none() && code.expires_at > now);
                prop_assert_eq!(&code.facility_id, &facts.sender.as_ref().unwrap().facility.id);
                prop_assert!(d.says.is_empty() || facts.paper.is_earned());
            }
            // A handshake is one of our own codes, back from the facility that got it.
            Decision::Sheet(_) => {
                let CodeFacts::Known(code) = &facts.code else { panic!("a sheet without a code") };
                prop_assert!(code.sheet.is_some() && code.expires_at > now);
                prop_assert_eq!(&code.facility_id, &facts.sender.as_ref().unwrap().facility.id);
            }
            // Never a machine, never without a standing code of its own facility, never a leaver.
            Decision::Request(r) => {
                prop_assert!(!machine);
                prop_assert!(decided.identity_level >= IdentityLevel::I2);
                prop_assert_eq!(&r.facility_id, &facts.sender.as_ref().unwrap().facility.id);
                let known = match &facts.code {
                    CodeFacts::Known(c) => c.as_ref(),
                    _ => facts.thread.as_ref().unwrap(),
                };
                prop_assert!(known.membership_stands && known.revoked_at.is_none() && known.expires_at > now);
                prop_assert_eq!(&known.facility_id, &r.facility_id);
                if matches!(r.act, crate::decision::RequestedAct::Leave { .. }) {
                    let asked = matches!(&known.sheet, Some(SheetOrder::LeaveConfirmation { .. }));
                    prop_assert!(asked);
                }
            }
            Decision::Record { .. } => {}
        }
    }

    #[test]
    fn weighing_is_total(name in ".{0,30}", kana in ".{0,30}", born in ".{0,12}") {
        let e = named(fax(), &name, Some(&kana), Some(&born));
        let mut c = candidate("G01", None);
        c.patient.name = kana.clone();
        c.patient.birth_date = Some(born);
        let _ = weigh(&e, &c, None);
    }
}
