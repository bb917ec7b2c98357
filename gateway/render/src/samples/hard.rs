//! The hardest data that each kind of paper may get: names as long as registers have them, rare kanji, half-width
//! kana, pictures instead of words, rosters of thirty, digests of twelve, empty and endless posts. Looked at as
//! pages, and set by the tests; nothing of it is real.

use super::{at, attachment, discharge_item, form_pdf, item, job, sheet};
use kakehashi_core::directory::{ClockTime, Day, DigestTime, EndpointSettings, QuietHours};
use kakehashi_core::job::{DeliveryJob, JobContent, JobItem};
use kakehashi_core::post::PostKind;
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::sheet_order::{PasteSlip, PasteSlips, ReceiptLine, ReceiptTable, SheetContent};
use kakehashi_core::vocabulary::{
    Channel, ContentMode, DeliveryMode, DeliveryState, ReplyExpectation, Urgency,
};

const FACILITY: &str =
    "社会福祉法人桜見区社会福祉協議会 桜見中央地域包括支援センター 在宅医療・介護連携推進室";
const OFFICE: &str = "一般社団法人桜見区医師会 在宅医療・介護連携推進センター事務局";
const AUTHOR: &str =
    "医療法人社団髙﨑会 桜見リハビリテーション病院附属訪問看護ステーション 勅使河原 喜久三郎左衛門";
const PATIENT: &str = "勅使河原 喜久三郎左衛門";
const TITLE: &str = "ｻｰﾋﾞｽ担当者会議の開催について(6/15(月)14:00 ご自宅) 福祉用具(特殊寝台・ｴｱﾏｯﾄﾚｽ)の入替と訪問看護指示書の更新のご相談";

/// Every kind with its name.
#[must_use]
pub fn all() -> Vec<(&'static str, DeliveryJob)> {
    let mut all = vec![
        ("hard_single", single()),
        ("hard_empty", empty()),
        ("hard_signed_copy", signed_copy()),
        ("hard_ten_pages", super::long_text(Channel::Fax, 14_500)),
        ("hard_twelve", digest_of(12)),
        ("hard_one_line", digest_of(1)),
        ("hard_alias_twelve", alias_only(digest_of(12))),
        ("hard_alias_single", alias_only(single())),
    ];
    all.extend(sheets());
    all.into_iter().map(|(name, job)| (name, with_long_names(job))).collect()
}

fn people() -> Vec<String> {
    let first = ["髙﨑 𠮷之助", "ヴィクトリア・アレクサンドラ・デ・ソウザ", "長谷川 葵", "ﾅｶﾞｿ ｶﾍﾞ", "邊󠄀見 龍󠄂"];
    let more = (6..=30).map(|n| format!("勅使河原 喜久三郎左衛門{n}"));
    first.into_iter().map(str::to_owned).chain(more).collect()
}

fn with_long_names(mut job: DeliveryJob) -> DeliveryJob {
    job.network.office_name = OFFICE.into();
    job.network.office_hours = "平日 8:30–17:15 土 9:00–12:00".into();
    job.network.office_phone = "03-0000-0100 内線 2271".into();
    match &mut job.content {
        JobContent::Posts(posts) => {
            posts.facility.name = FACILITY.into();
            posts.staff_names = people();
            // The widest letters that a code can have.
            posts.code = ReplyCode::from_random(0x0739_ce73_9ce7);
        }
        JobContent::Sheet(ordered) => {
            ordered.facility.name = FACILITY.into();
            ordered.staff_names = people();
        }
        JobContent::Notice { .. } => {}
    }
    job
}

fn alias_only(mut job: DeliveryJob) -> DeliveryJob {
    if let JobContent::Posts(posts) = &mut job.content {
        posts.endpoint.settings.content_mode = ContentMode::NoticeOnly;
    }
    job
}

fn hard_item(n: u64) -> JobItem {
    let mut item = item(n, "つばき01(桜見東圏域)", PATIENT);
    item.post.title = Some(format!("{PATIENT}様 {TITLE}"));
    item.author = AUTHOR.into();
    item.post.channel = Channel::Email;
    item.post.body = "𠮷田先生・髙﨑様へ。ｱﾑﾛｼﾞﾋﾟﾝ5mg 1T→2.5mg 1T 分1(朝)に変更🙏\nhttps://www.example.com/very/long/address/without/any/blank/in/it?and=1&more=2&and-so-on=3333333333333333333333\n①②③ ㈱ ㎎ ℃ ㍑ Ⅲ ﾊﾞｲﾀﾙ: BP 142/88mmHg P 76 KT 36.4℃ SpO₂ 96%".into();
    item.post.urgency = Urgency::Urgent;
    item.asked = ReplyExpectation::Reply;
    item.acknowledged = (10, 12);
    item.post.due_at = Some(at("2026-06-09T16:00:00+09:00"));
    item
}

fn single() -> DeliveryJob {
    let mut item = hard_item(1);
    item.post.kind = PostKind::Correction;
    item.post.version = 3;
    item.attachments.push(attachment(
        "令和8年度_居宅サービス計画書(第1表・第2表・第3表)_勅使河原喜久三郎左衛門様_2026年06月09日版_最終_修正2.pdf",
        "application/pdf",
        form_pdf(3),
        Some(3),
    ));
    item.attachments.push(attachment("ﾚﾝﾄｹﾞﾝ.dcm", "application/dicom", b"DICM".to_vec(), None));
    let mut job = job(Channel::Fax, DeliveryMode::Instant, vec![item]);
    job.resend_possible = true;
    if let JobContent::Posts(posts) = &mut job.content {
        posts.attention = Some("代理 ヴィクトリア・アレクサンドラ・デ・ソウザ 様 (勅使河原 喜久三郎左衛門 様 休止中 8/12(水)–8/16(日))".into());
        posts.untouched_acknowledges = true;
    }
    job
}

fn empty() -> DeliveryJob {
    let mut item = item(2, "つばき01", "ﾔﾏﾓﾄ ﾁﾖ");
    item.post.title = None;
    item.post.body = String::new();
    item.author = "若葉在宅クリニック".into();
    job(Channel::Fax, DeliveryMode::Instant, vec![item])
}

fn signed_copy() -> DeliveryJob {
    let mut item = discharge_item();
    item.post.document_kind = Some("nursing_order".into());
    item.attachments.push(attachment("訪問看護指示書.pdf", "application/pdf", form_pdf(3), Some(3)));
    job(Channel::Fax, DeliveryMode::Instant, vec![item])
}

fn digest_of(count: u64) -> DeliveryJob {
    let items = (0..count).map(|n| {
        let mut item = match n % 3 {
            0 => hard_item(n),
            1 => {
                let mut short = item(n, "すずかけ02", "佐々木 勇");
                short.post.title = Some("昨夜の経過".into());
                short.post.body = "解熱し、本日 6:00 体温36.9 SpO2 92% (酸素2L)。".into();
                short
            }
            _ => discharge_item(),
        };
        item.code = ReplyCode::from_random(0x0f0f_8888_0000 + n * 977);
        item
    });
    let mut job = job(Channel::Fax, DeliveryMode::Digest, items.collect());
    if let JobContent::Posts(posts) = &mut job.content {
        posts.notes = (1..=5)
            .map(|n| format!("6/8(月) 1{n}:20 に設定の変更を承りました: まとめ便 8:30・13:00・17:00、休み時間帯 17:30 から 8:30 まで(緊急は夜間可)。24時間以内なら元に戻せます。"))
            .collect();
    }
    job
}

fn table(lines: usize) -> Box<ReceiptTable> {
    let line = |n: usize| ReceiptLine {
        facility: if n.is_multiple_of(2) {
            FACILITY.into()
        } else {
            format!("訪問看護ステーションひなた{n}")
        },
        asked: if n.is_multiple_of(3) { ReplyExpectation::None } else { ReplyExpectation::Call },
        delivery: Some((Channel::Email, DeliveryState::HandedOff, at("2026-06-06T10:17:00+09:00"))),
        acknowledged: (!n.is_multiple_of(3)).then(|| {
            let who = (n.is_multiple_of(2)).then(|| "ヴィクトリア・アレクサンドラ・デ・ソウザ".to_owned());
            (at("2026-06-08T08:50:00+09:00"), who)
        }),
        replied_at: None,
    };
    Box::new(ReceiptTable {
        group_alias: "つばき01(桜見東圏域)".into(),
        patient_name: PATIENT.into(),
        title: TITLE.into(),
        author: AUTHOR.into(),
        channel: Channel::Fax,
        posted_at: at("2026-06-06T10:15:00+09:00"),
        lines: (0..lines).map(line).collect(),
    })
}

fn sheets() -> Vec<(&'static str, DeliveryJob)> {
    let slip = |number: u16, text: String| PasteSlip {
        number,
        code: ReplyCode::from_random(0x0739_ce73_9ce7 + u64::from(number)),
        author: AUTHOR.into(),
        posted_at: at("2026-06-11T09:20:00+09:00"),
        text,
    };
    let slips = PasteSlips {
        group_alias: "つばき01(桜見東圏域)".into(),
        patient_name: PATIENT.into(),
        slips: vec![
            slip(998, "お薬が朝1回になりました。6月16日の訪問のときにお持ちします。".repeat(16)),
            slip(999, "一行ずつ\n".repeat(40)),
            slip(1, String::new()),
        ],
    };
    let mut preference = sheet(SheetContent::Preference);
    if let JobContent::Sheet(ordered) = &mut preference.content {
        let times = ["8:30", "9:30", "11:00", "13:00", "14:00", "16:00", "17:00", "18:30"];
        ordered.endpoint.settings = EndpointSettings {
            digests: times
                .iter()
                .filter_map(|t| ClockTime::parse(t))
                .map(|at| DigestTime { days: vec![Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri], at })
                .collect(),
            quiet_hours: ClockTime::parse("17:30")
                .zip(ClockTime::parse("8:30"))
                .map(|(from, until)| QuietHours { from, until }),
            instant_threshold: Urgency::Emergency,
            night_ok: true,
            ..EndpointSettings::default()
        };
    }
    vec![
        ("hard_contact", sheet(SheetContent::Contact)),
        ("hard_preference", preference),
        ("hard_verification", sheet(SheetContent::Verification)),
        ("hard_cover", sheet(SheetContent::Cover { urgency: Urgency::Emergency, posts: 112 })),
        ("hard_staff_change", sheet(SheetContent::StaffChange)),
        ("hard_status", sheet(SheetContent::Status(table(25)))),
        ("hard_evidence", sheet(SheetContent::Evidence(table(25)))),
        ("hard_paste_slips", sheet(SheetContent::PasteSlips(Box::new(slips)))),
        (
            "hard_leave_confirmation",
            sheet(SheetContent::LeaveConfirmation { alias: "つばき01(桜見東圏域)".into() }),
        ),
    ]
}
