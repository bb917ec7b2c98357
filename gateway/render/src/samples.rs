//! Typed sample jobs of the invented network of care-network.md 8.1: what tests render and what previews
//! show. No real person, number or address is in them. They change when the wording of templates must be
//! seen in another case, never to make a test pass.

use kakehashi_core::clock::UtcMicros;
use kakehashi_core::decision::Notice;
use kakehashi_core::directory::{Endpoint, EndpointSettings, Facility, Network};
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::ids::{AttachmentId, DeliveryId, EndpointId, FacilityId, GroupId, NetworkId, PostId};
use kakehashi_core::job::{DeliveryJob, JobAttachment, JobContent, JobItem, JobPosts, JobSheet};
use kakehashi_core::post::{Post, PostKind, StoredAttachment};
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::sheet_order::{PasteSlip, PasteSlips, ReceiptLine, ReceiptTable, SheetContent};
use kakehashi_core::vocabulary::{
    AttachmentRole, Channel, ContentMode, DeliveryMode, DeliveryState, EndpointState, ReplyExpectation,
    Urgency,
};

pub mod hard;

/// Password of the sample endpoints.
pub const SAMPLE_PASSWORD: &str = "sakurami-2026";

/// Every sample with a name for previews, on this channel.
#[must_use]
pub fn all(channel: Channel) -> Vec<(&'static str, DeliveryJob)> {
    vec![
        ("discharge", discharge(channel)),
        ("discharge_with_pdf", discharge_with_pdf(channel)),
        ("untouched", untouched(channel)),
        ("alias_only", alias_only(channel)),
        ("digest", digest(channel)),
        ("long_digest", long_digest(channel)),
        ("long_text", long_text(channel, 5_000)),
        ("hostile", hostile(channel)),
        ("notice", notice(channel, Notice::Uniform)),
    ]
}

/// S2: a discharge by template, 至急, an answer asked until 16:00.
#[must_use]
pub fn discharge(channel: Channel) -> DeliveryJob {
    job(channel, DeliveryMode::Instant, vec![discharge_item()])
}

/// The same with a nursing summary of two pages.
#[must_use]
pub fn discharge_with_pdf(channel: Channel) -> DeliveryJob {
    let mut item = discharge_item();
    item.attachments.push(attachment("看護サマリー_山本千代.pdf", "application/pdf", form_pdf(2), Some(2)));
    job(channel, DeliveryMode::Instant, vec![item])
}

/// A digest of three posts of two groups.
#[must_use]
pub fn digest(channel: Channel) -> DeliveryJob {
    let mut reply = item(2, "つばき01", "山本 千代");
    reply.post.kind = PostKind::Reply;
    reply.post.title = None;
    reply.topic_title = Some("トレーシングレポート".into());
    reply.author = "若葉在宅クリニック 佐伯 直人".into();
    reply.post.channel = Channel::Web;
    reply.post.body = "朝1回へ変更します。6/16訪問時に処方。浮腫は訪看さん体重測定お願いします".into();
    reply.asked = ReplyExpectation::Ack;
    reply.acknowledged = (1, 3);
    let mut note = item(3, "すずかけ02", "佐々木 勇");
    note.post.title = Some("昨夜の経過".into());
    note.author = "訪問看護ステーションひなた 大塚 千尋".into();
    note.post.channel = Channel::Email;
    note.post.body =
        "23:30 先生往診。解熱し、本日 6:00 体温36.9 SpO2 92% (酸素2L)。\n家族の付き添いあり。".into();
    let mut discharge = discharge_item();
    discharge.post.due_at = None;
    discharge.asked = ReplyExpectation::None;
    let mut job = job(channel, DeliveryMode::Digest, vec![discharge, reply, note]);
    job.due_at = at("2026-06-09T13:00:00+09:00");
    job
}

/// A free mail of about `characters` characters.
#[must_use]
pub fn long_text(channel: Channel, characters: usize) -> DeliveryJob {
    let sentence = "本日の訪問では血圧142/88、脈拍76、体温36.4、SpO2 96%でした。食事は八割ほど、水分は一日900mlを目安にお願いしています。";
    let paragraph = format!("{}\n", sentence.repeat(4));
    let mut item = item(4, "つばき01", "山本 千代");
    item.post.title = Some("山本千代様 訪問の記録".into());
    item.post.body = paragraph.chars().cycle().take(characters).collect();
    item.author = "訪問看護ステーションひなた 大塚 千尋".into();
    item.post.channel = Channel::Email;
    item.asked = ReplyExpectation::Ack;
    item.acknowledged = (0, 2);
    job(channel, DeliveryMode::Instant, vec![item])
}

/// Text that tries to be markup, headers or a program, with rare kanji and hidden signs.
#[must_use]
pub fn hostile(channel: Channel) -> DeliveryJob {
    let mut item = item(5, "つばき01", "髙﨑 𠮷子");
    item.post.title = Some("#let x = 1 </script>\r\nBcc: all@example".into());
    item.author = "髙﨑内科\r\nBcc: x@example 𠮷田 \u{202e}太郎".into();
    item.post.body = concat!(
        "#let a = read(\"/etc/passwd\")\n#image(\"/x.png\") $x^2$ *強い* _弱い_ `raw` @label <tag>\n",
        "{{office.phone}} {{#each items}} </p><script>alert(1)</script>\n",
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\n",
        "髙﨑𠮷子様 葛󠄀城 😀 \u{202e}gnol\u{202c}\u{0}\n= 見出し\n/ 項目: 説明"
    )
    .into();
    item.attachments.push(attachment(
        "../../髙﨑𠮷子\r\n.pdf",
        "text/html; x=\r\ny",
        b"%PDF-1.7 broken".to_vec(),
        None,
    ));
    item.attachments.push(attachment("photo.png", "image/png", b"\x89PNG\r\n\x1a\nbroken".to_vec(), None));
    item.post.urgency = Urgency::Emergency;
    item.asked = ReplyExpectation::Call;
    let mut job = job(channel, DeliveryMode::Instant, vec![item]);
    job.resend_possible = true;
    if let JobContent::Posts(posts) = &mut job.content {
        posts.facility.name = "ケア\r\nBcc: x@example </title> #pagebreak()".into();
        posts.staff_names = (1..=20).map(|n| format!("#strong[{n}] 𠮷田 花子")).collect();
    }
    job
}

/// The same discharge in a network where a sheet that comes back untouched is a 了解.
#[must_use]
pub fn untouched(channel: Channel) -> DeliveryJob {
    let mut job = discharge(channel);
    if let JobContent::Posts(posts) = &mut job.content {
        posts.untouched_acknowledges = true;
        posts.staff_names.push("長谷川 葵".into());
    }
    job
}

/// The same discharge for an endpoint that agreed to notices only: alias instead of name.
#[must_use]
pub fn alias_only(channel: Channel) -> DeliveryJob {
    let mut job = discharge_with_pdf(channel);
    if let JobContent::Posts(posts) = &mut job.content {
        posts.endpoint.settings.content_mode = ContentMode::NoticeOnly;
    }
    job
}

/// A digest of eight posts: two sheets.
#[must_use]
pub fn long_digest(channel: Channel) -> DeliveryJob {
    let mut job = digest(channel);
    if let JobContent::Posts(posts) = &mut job.content {
        let items = posts.items.clone();
        for n in 0..5_u64 {
            let mut item = items[1 + (n as usize % 2)].clone();
            item.code = ReplyCode::from_random(0x0f0f_4321_0000 + n * 977);
            posts.items.push(item);
        }
        posts.staff_names.extend(["井口 真理", "田村 久美"].map(str::to_owned));
    }
    job
}

/// Every sheet that carries no post, with its name.
#[must_use]
pub fn sheets() -> Vec<(&'static str, DeliveryJob)> {
    let table = || {
        Box::new(ReceiptTable {
            group_alias: "つばき01".into(),
            patient_name: "山本 千代".into(),
            title: "入院時情報提供書".into(),
            author: "ケアプランセンターつむぎ 木下 昌平".into(),
            channel: Channel::Fax,
            posted_at: at("2026-06-06T10:15:00+09:00"),
            lines: receipt_lines(),
        })
    };
    let slips = PasteSlips {
        group_alias: "つばき01".into(),
        patient_name: "山本 千代".into(),
        slips: [
            (7, "若葉在宅クリニック", "山本千代様のお薬が朝1回になりました。\n6月16日の訪問のときにお持ちします。むくみがあれば体重も教えてください。"),
            (8, "訪問看護ステーションひなた", "6月12日(金) 10時に伺います。"),
        ]
        .map(|(number, author, text)| PasteSlip {
            number,
            code: ReplyCode::from_random(0x00aa_1234_0000 + u64::from(number)),
            author: author.into(),
            posted_at: at("2026-06-11T09:20:00+09:00"),
            text: text.into(),
        })
        .to_vec(),
    };
    vec![
        ("contact", sheet(SheetContent::Contact)),
        ("preference", sheet(SheetContent::Preference)),
        ("verification", sheet(SheetContent::Verification)),
        ("cover", sheet(SheetContent::Cover { urgency: Urgency::Urgent, posts: 3 })),
        ("staff_change", sheet(SheetContent::StaffChange)),
        ("status", sheet(SheetContent::Status(table()))),
        ("evidence", sheet(SheetContent::Evidence(table()))),
        ("paste_slips", sheet(SheetContent::PasteSlips(Box::new(slips)))),
    ]
}

fn receipt_lines() -> Vec<ReceiptLine> {
    let line = |facility: &str, asked, acknowledged, delivery| ReceiptLine {
        facility: facility.into(),
        asked,
        delivery,
        acknowledged,
        replied_at: None,
    };
    let fax = |state, time| Some((Channel::Fax, state, at(time)));
    vec![
        line(
            "桜見中央病院 地域連携室",
            ReplyExpectation::Ack,
            Some((at("2026-06-08T08:50:00+09:00"), Some("小林 佳奈".into()))),
            fax(DeliveryState::Delivered, "2026-06-06T10:17:00+09:00"),
        ),
        line(
            "若葉在宅クリニック",
            ReplyExpectation::Ack,
            None,
            fax(DeliveryState::Delivered, "2026-06-06T10:18:00+09:00"),
        ),
        line(
            "訪問看護ステーションひなた",
            ReplyExpectation::None,
            None,
            Some((Channel::Email, DeliveryState::Delivered, at("2026-06-06T10:16:00+09:00"))),
        ),
        line(
            "はなみ歯科医院",
            ReplyExpectation::None,
            None,
            fax(DeliveryState::Unknown, "2026-06-06T10:48:00+09:00"),
        ),
    ]
}

/// A sheet for the sample facility.
#[must_use]
pub fn sheet(content: SheetContent) -> DeliveryJob {
    let mut job = discharge(Channel::Fax);
    if let JobContent::Posts(posts) = job.content {
        let posts = *posts;
        job.content = JobContent::Sheet(Box::new(JobSheet {
            endpoint: posts.endpoint,
            facility: posts.facility,
            staff_names: posts.staff_names,
            code: posts.code,
            code_expires_at: posts.code_expires_at,
            content,
        }));
    }
    job
}

/// A notice without content.
#[must_use]
pub fn notice(channel: Channel, notice: Notice) -> DeliveryJob {
    let address = match channel {
        Channel::Email => "kawada@clinic.example",
        _ => "03-0000-0777",
    };
    let mut job = job(channel, DeliveryMode::Instant, Vec::new());
    job.content = JobContent::Notice { notice, address: address.into(), channel };
    job
}

/// The network of care-network.md 8.1.
#[must_use]
pub fn network() -> Network {
    Network {
        id: NetworkId::new("sakurami"),
        name: "桜見区在宅連携ネットワーク".into(),
        office_name: "桜見区医師会 在宅連携事務局".into(),
        office_phone: "03-0000-0100".into(),
        office_hours: "平日 9–17時".into(),
        gateway_fax: "03-0000-0199".into(),
        mail_domain: "in.kakehashi.example".into(),
        public_url: "https://kakehashi.example".into(),
    }
}

/// A time that is written in this file; the epoch if it is written wrongly.
fn at(text: &str) -> UtcMicros {
    UtcMicros::from_rfc3339(text).unwrap_or(UtcMicros::from_micros(0))
}

fn job(channel: Channel, mode: DeliveryMode, items: Vec<JobItem>) -> DeliveryJob {
    let (facility, address) = match channel {
        Channel::Email => (facility("F03", "訪問看護ステーションひなた"), "hinata@st.example"),
        Channel::Fax => (facility("F04", "ケアプランセンターつむぎ"), "0300000104"),
        _ => (facility("F06", "ヘルパーステーションこもれび"), "0300000106"),
    };
    let staff_names = match channel {
        Channel::Email => ["大塚 千尋", "森下 彩"],
        Channel::Fax => ["高梨 由美子", "木下 昌平"],
        _ => ["井口 真理", "田村 久美"],
    };
    DeliveryJob {
        id: DeliveryId::new("01JXA0SAMPLE0000000000000D"),
        attempt: 1,
        network: network(),
        mode,
        resend_possible: false,
        due_at: at("2026-06-09T10:31:00+09:00"),
        content: JobContent::Posts(Box::new(JobPosts {
            endpoint: Endpoint {
                id: EndpointId::new("E01"),
                facility_id: facility.id.clone(),
                channel,
                address: address.into(),
                state: EndpointState::Verified,
                settings: EndpointSettings {
                    content_mode: ContentMode::EncryptedPdf,
                    pdf_password: Some(SAMPLE_PASSWORD.into()),
                    ..EndpointSettings::default()
                },
            },
            facility,
            staff_names: staff_names.map(str::to_owned).to_vec(),
            code: ReplyCode::from_random(0x0123_4567_89ab),
            code_expires_at: at("2026-06-23T10:31:00+09:00"),
            untouched_acknowledges: false,
            items,
            notes: Vec::new(),
            attention: None,
        })),
    }
}

fn facility(id: &str, name: &str) -> Facility {
    Facility {
        id: FacilityId::new(id),
        name: name.into(),
        short_name: name.into(),
        facility_type: "care_management_office".into(),
        phone: Some("03-0000-0104".into()),
        business_hours: Vec::new(),
        is_network_office: false,
    }
}

fn discharge_item() -> JobItem {
    let mut item = item(1, "つばき01", "山本 千代");
    item.post.title = Some("退院のお知らせ".into());
    item.post.event_key = Some("SAKURAMI_CH|00412338|A03|2026-06-09".into());
    item.post.body = concat!(
        "山本千代様が6月9日10:20に桜見中央病院5階東から退院されました。\n\n",
        "サービス再開の予定をお知らせください。看護サマリーが届きしだい、この件に添えてお送りします。"
    )
    .into();
    item.post.due_at = Some(at("2026-06-09T16:00:00+09:00"));
    item.post.urgency = Urgency::Urgent;
    item.asked = ReplyExpectation::Reply;
    item.acknowledged = (1, 3);
    item
}

fn item(n: u64, alias: &str, patient: &str) -> JobItem {
    let id = PostId::new(format!("P{n}"));
    JobItem {
        post: Post {
            id: id.clone(),
            group_id: GroupId::new("G01"),
            topic_id: id,
            kind: PostKind::Topic,
            corrects: None,
            version: 1,
            facility_id: FacilityId::new("F01"),
            staff_id: None,
            author_name: None,
            proxy: None,
            channel: Channel::Hl7,
            urgency: Urgency::Normal,
            expectation: ReplyExpectation::None,
            due_at: None,
            title: None,
            body: String::new(),
            quoted: None,
            signature: None,
            document_kind: None,
            occurred_at: Some(at("2026-06-09T10:20:00+09:00")),
            received_at: at("2026-06-09T10:20:03+09:00"),
            posted_at: at("2026-06-09T10:20:04+09:00"),
            intake_id: None,
            event_key: None,
            decided_by: "rule discharge".into(),
            addressees: Vec::new(),
            liaison: Vec::new(),
        },
        topic_title: None,
        author: "桜見中央病院 地域連携室".into(),
        group_alias: alias.into(),
        patient_name: patient.into(),
        code: ReplyCode::from_random(0x0f0f_1234_0000 + n * 977),
        asked: ReplyExpectation::None,
        acknowledged: (0, 0),
        attachments: Vec::new(),
        references: vec![format!("earlier-{n}@in.kakehashi.example")],
        receipt: None,
        hospital: None,
    }
}

/// An attachment with these bytes.
#[must_use]
pub fn attachment(name: &str, media_type: &str, bytes: Vec<u8>, pages: Option<u32>) -> JobAttachment {
    JobAttachment {
        stored: StoredAttachment {
            id: AttachmentId::new("A01"),
            intake_id: None,
            post_id: None,
            position: 0,
            role: AttachmentRole::Document,
            name: Some(name.into()),
            media_type: media_type.into(),
            size_bytes: bytes.len() as u64,
            content_hash: ContentHash::of(&bytes),
            pages,
        },
        bytes,
    }
}

/// A small valid PDF that looks like an empty form: a heading and ruled lines, `pages` times.
#[must_use]
pub fn form_pdf(pages: usize) -> Vec<u8> {
    let mut objects = vec!["<</Type/Catalog/Pages 2 0 R>>".to_owned()];
    let kids: Vec<String> = (0..pages).map(|n| format!("{} 0 R", 4 + 2 * n)).collect();
    objects.push(format!("<</Type/Pages/Count {pages}/Kids[{}]>>", kids.join(" ")));
    objects.push("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned());
    for n in 1..=pages {
        let mut drawing = format!("BT /F 16 Tf 60 770 Td (Nursing summary {n}/{pages}) Tj ET 1 w\n");
        for row in 0..20 {
            let y = 740 - row * 34;
            drawing.push_str(&format!("60 {y} m 535 {y} l S\n"));
        }
        drawing.push_str("60 94 475 646 re S 180 94 m 180 740 l S\n");
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>>>/Contents {} 0 R>>",
            3 + 2 * n
        ));
        objects.push(format!("<</Length {}>>\nstream\n{drawing}endstream", drawing.len()));
    }
    let mut out = "%PDF-1.7\n".to_owned();
    let mut places = Vec::new();
    for (n, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.push_str(&format!("{} 0 obj\n{object}\nendobj\n", n + 1));
    }
    let start = out.len();
    out.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for place in places {
        out.push_str(&format!("{place:010} 00000 n \n"));
    }
    out.push_str(&format!(
        "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    ));
    out.into_bytes()
}
