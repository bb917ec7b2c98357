//! What a word of a member does, and what it does not: by evidence, by clearness, by address.

use super::super::tests::{NOW, nurse, run, short, with_code};
use super::super::{decide, doubt};
use crate::cast::*;
use crate::decision::{Decision, TriageReason};
use crate::envelope::Envelope;
use crate::facts::{CodeFacts, Facts};
use crate::vocabulary::{Channel, IdentityLevel, Intent};

#[test]
fn what_is_asked_says_whether_it_is_proved() {
    let reasons = |intent, f: &Facts| match decide(&mail(intent, ""), f, None, at(NOW)).decision {
        Decision::Triage { reasons, .. } => reasons,
        other => panic!("{other:?}"),
    };
    let requested = |verb: &str, proved| vec![TriageReason::Requested { verb: verb.into(), proved }];
    let good = with_code(nurse(), |_| {});
    assert_eq!(reasons(Intent::Pause, &good), requested("pause", true));
    assert_eq!(reasons(Intent::Pause, &nurse()), requested("pause", false));
    assert_eq!(
        reasons(Intent::SeeReceipts, &nurse()),
        requested("see_receipts", false),
        "no code, no answer"
    );
    assert_eq!(reasons(Intent::Preference, &nurse()), requested("preference", false));
    // The manager's word is needed whatever the code, so a 担当終了 that is not understood needs a call.
    assert_eq!(reasons(Intent::LeaveGroup, &good), requested("leave_group", false));
    // A forwarded code is refused like every other.
    let mut outsider = facts(None);
    outsider.code = CodeFacts::Known(Box::new(code("F03")));
    let refused = decide(&mail(Intent::Pause, "休止"), &outsider, None, at(NOW)).decision;
    assert!(matches!(refused, Decision::Quarantine { reason: TriageReason::CodeFromElsewhere, .. }));
}

#[test]
fn the_status_is_told_by_mail_to_whoever_may_ask() {
    use crate::decision::{Request, RequestedAct};
    let status = mail(Intent::SeeReceipts, "状況");
    let good = with_code(nurse(), |_| {});
    let decided = run(&status, &good);
    let Decision::Request(Request { facility_id, endpoint_id, act, .. }) = decided.decision else {
        panic!("{decided:?}")
    };
    assert_eq!((facility_id.as_str(), endpoint_id.as_str()), ("F03", "E-F03"));
    assert_eq!(act, RequestedAct::SeeReceipts { post_id: "POST1".into() });
    assert_eq!(decided.identity_level, IdentityLevel::I2);
    let said = |e: &Envelope, f: &Facts| short(&run(e, f).decision);
    // Which of several posts is meant, a person finds out.
    let digest = with_code(nurse(), |c| {
        c.post_id = None;
        let mut other = c.items[0].clone();
        other.post_id = "POST2".into();
        c.items.push(other);
    });
    assert_eq!(said(&status, &digest), "triage requested 0");
    let expired = with_code(nurse(), |c| c.expires_at = at("2026-06-01T00:00"));
    assert_eq!(said(&status, &expired), "triage code_expired 1");
    let elsewhere = with_code(facts(Some(sender("F05", Channel::Email))), |_| {});
    assert_eq!(said(&status, &elsewhere), "quarantine code_from_elsewhere notice");
    assert_eq!(said(&mail(Intent::Automatic, "状況"), &good), "record automatic");
    // An endpoint that wants nothing from us is told nothing.
    let mut silent = good.clone();
    silent.sender.as_mut().unwrap().endpoint.settings.receives = false;
    assert_eq!(said(&status, &silent), "triage requested 0");
    let mut denied = status.clone();
    denied.warn(doubt::AUTHENTICATION_FAILED, "dmarc=fail");
    assert_eq!(said(&denied, &good), "triage requested 0");
}

#[test]
fn settings_change_by_mail_only_where_every_word_is_sure() {
    let wish = |body: &str| mail(Intent::Preference, body);
    let good = with_code(nurse(), |_| {});
    let said = |e: &Envelope, f: &Facts| short(&run(e, f).decision);
    let changes = r#"Preferences { wishes: ["prefer_digest", "digest_0845", "night_ok"] }"#;
    assert_eq!(said(&wish("設定 まとめ便 8:45 夜間可"), &good), changes);
    for unclear in
        ["設定", "設定 まとめ便 即時", "設定 夜間可 夜間不可", "設定 夜間不可", "設定 ゆっくり", "設定 8:45"]
    {
        assert_eq!(said(&wish(unclear), &good), "triage requested 0", "{unclear}");
    }
    let body = "設定 まとめ便 8:45 夜間可";
    assert_eq!(said(&wish(body), &nurse()), "triage requested 0", "no code");
    let expired = with_code(nurse(), |c| c.expires_at = at("2026-06-01T00:00"));
    assert_eq!(said(&wish(body), &expired), "triage code_expired 1");
    let elsewhere = with_code(facts(Some(sender("F05", Channel::Email))), |_| {});
    assert_eq!(said(&wish(body), &elsewhere), "quarantine code_from_elsewhere notice");
    assert_eq!(said(&mail(Intent::Automatic, body), &good), "record automatic");
    assert_eq!(said(&mail(Intent::Reply, body), &good), "reply POST1", "a word in a sentence");
}

#[test]
fn leave_and_return_by_mail_only_where_every_word_is_sure() {
    let good = with_code(nurse(), |_| {});
    let said = |intent, body: &str, f: &Facts| short(&run(&mail(intent, body), f).decision);
    let pause = said(Intent::Pause, "休止 8/12-8/16 代理:木下", &good);
    assert!(pause.starts_with("Pause {") && pause.contains("木下"), "{pause}");
    assert_eq!(said(Intent::Pause, "再開", &good), "Resume");
    for unclear in ["休止", "休止 8/12から", "休止 8/16-8/12", "休止 来週"] {
        assert_eq!(said(Intent::Pause, unclear, &good), "triage requested 0", "{unclear}");
    }
    assert_eq!(said(Intent::Pause, "休止 8/12-8/16", &nurse()), "triage requested 0", "no code");
    assert_eq!(said(Intent::Automatic, "休止 8/12-8/16", &good), "record automatic");
    let elsewhere = with_code(facts(Some(sender("F05", Channel::Email))), |_| {});
    assert_eq!(said(Intent::Pause, "休止 8/12-8/16", &elsewhere), "quarantine code_from_elsewhere notice");
    // 担当終了 asks the facility first, and only where one group is meant and no day to come.
    assert_eq!(said(Intent::LeaveGroup, "担当終了", &good), r#"AskLeave { group_id: GroupId("G01") }"#);
    assert_eq!(said(Intent::LeaveGroup, "担当終了 6月30日", &good), "triage requested 0");
    let two = with_code(nurse(), |c| {
        let mut other = c.items[0].clone();
        other.group_id = "G02".into();
        c.items.push(other);
    });
    assert_eq!(said(Intent::LeaveGroup, "担当終了", &two), "triage requested 0");
}

#[test]
fn a_receipt_is_taken_back_by_one_word_from_its_own_address() {
    use crate::receipt::ReceiptOf;
    use crate::sheet_order::SheetOrder;
    let of = |order: SheetOrder| {
        let mine = nurse();
        let endpoint = mine.sender.as_ref().unwrap().endpoint.id.clone();
        with_code(mine, |c| {
            c.endpoint_id = endpoint;
            c.sheet = Some(order);
            c.post_id = None;
            c.group_id = None;
            c.items.clear();
        })
    };
    let receipt = of(SheetOrder::Receipt { receipt: ReceiptOf::Pause { id: "P1".into() } });
    let asked = of(SheetOrder::LeaveConfirmation { group_id: "G01".into() });
    let said = |intent, body: &str, f: &Facts| short(&run(&mail(intent, body), f).decision);
    assert!(said(Intent::Reply, "取消", &receipt).starts_with("TakeBack {"));
    assert!(said(Intent::Pause, "再開", &receipt).starts_with("TakeBack {"));
    assert_eq!(said(Intent::Acknowledgement, "了解", &receipt), "record receipt");
    assert_eq!(said(Intent::Automatic, "取消", &receipt), "record automatic");
    assert_eq!(said(Intent::Reply, "取消ではありません", &receipt), "triage which_item 0");
    assert_eq!(said(Intent::Acknowledgement, "了解", &asked), r#"Leave { group_id: GroupId("G01") }"#);
    assert_eq!(said(Intent::LeaveGroup, "担当終了", &asked), r#"Leave { group_id: GroupId("G01") }"#);
    assert_eq!(said(Intent::Reply, "取消", &asked), "record receipt", "nothing has changed");
    assert_eq!(said(Intent::Automatic, "了解", &asked), "record automatic");
    // Another address of the facility hands it on to nobody.
    let mut other = asked.clone();
    other.sender.as_mut().unwrap().endpoint.id = "E-F03Z".into();
    assert_eq!(said(Intent::Acknowledgement, "了解", &other), "triage which_item 0");
    let late = |f: &Facts| {
        let mut f = f.clone();
        if let CodeFacts::Known(c) = &mut f.code {
            c.expires_at = at("2026-06-01T00:00");
        }
        f
    };
    assert_eq!(said(Intent::Reply, "取消", &late(&receipt)), "triage code_expired 0");
}
