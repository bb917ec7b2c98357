//! Mails: what may stand in the open and what may not, in every content mode.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a fault there fails the test")]

use hayro::hayro_syntax::Pdf;
use kakehashi_core::decision::Notice;
use kakehashi_core::job::{DeliveryJob, JobContent, JobPosts};
use kakehashi_core::rendered::{RenderedContent, RenderedMail};
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::sheet_order::SheetContent;
use kakehashi_core::vocabulary::{Channel, ContentMode, ReplyExpectation, Urgency};
use kakehashi_render::{Renderer, samples};
use std::sync::OnceLock;

fn mail(job: &DeliveryJob) -> RenderedMail {
    static RENDERER: OnceLock<Renderer> = OnceLock::new();
    match RENDERER.get_or_init(|| Renderer::new().unwrap()).render(job).unwrap() {
        RenderedContent::Email(mail) => mail,
        other => panic!("not a mail: {other:?}"),
    }
}

fn posts(job: &mut DeliveryJob) -> &mut JobPosts {
    match &mut job.content {
        JobContent::Posts(posts) => posts,
        JobContent::Sheet(_) | JobContent::Notice { .. } => panic!("no posts"),
    }
}

fn in_mode(mut job: DeliveryJob, mode: ContentMode, password: Option<&str>) -> DeliveryJob {
    let settings = &mut posts(&mut job).endpoint.settings;
    settings.content_mode = mode;
    settings.pdf_password = password.map(str::to_owned);
    job
}

/// Everything of a mail that is not encrypted.
fn open_parts(mail: &RenderedMail) -> String {
    let mut text = format!(
        "{}\n{}\n{}\n{}\n{:?}\n{}\n{:?}",
        mail.subject,
        mail.text,
        mail.html.as_deref().unwrap_or(""),
        mail.message_id,
        mail.reply_to,
        mail.to,
        mail.to_name
    );
    for file in &mail.attachments {
        text.push_str(&file.name);
    }
    text
}

fn every_sample() -> Vec<DeliveryJob> {
    samples::all(Channel::Email).into_iter().map(|(_, job)| job).collect()
}

#[test]
fn subjects_say_urgency_expectation_alias_and_template_title() {
    let subject = |job: &DeliveryJob| mail(job).subject;
    let mut job = samples::discharge(Channel::Email);
    assert_eq!(subject(&job), "【至急・返信希望】つばき01 退院のお知らせ");
    posts(&mut job).items[0].asked = ReplyExpectation::None;
    assert_eq!(subject(&job), "【至急】つばき01 退院のお知らせ");
    posts(&mut job).items[0].post.urgency = Urgency::Normal;
    assert_eq!(subject(&job), "つばき01 退院のお知らせ");
    posts(&mut job).items[0].post.event_key = None;
    assert_eq!(subject(&job), "つばき01 新しい投稿");
    assert_eq!(subject(&samples::digest(Channel::Email)), "【まとめ便 13:00】3件");
    assert_eq!(subject(&samples::notice(Channel::Email, Notice::Uniform)), "お受け取りできませんでした");
    let notice_only = in_mode(samples::discharge(Channel::Email), ContentMode::NoticeOnly, None);
    assert_eq!(subject(&notice_only), "【至急・返信希望】つばき01 新しい投稿");
}

#[test]
fn no_subject_holds_a_name_in_any_mode() {
    for job in every_sample() {
        if matches!(job.content, JobContent::Notice { .. }) {
            continue;
        }
        for mode in [ContentMode::NoticeOnly, ContentMode::EncryptedPdf, ContentMode::FullText] {
            let mut job = in_mode(job.clone(), mode, Some(samples::SAMPLE_PASSWORD));
            for item in &mut posts(&mut job).items {
                item.group_alias = format!("{}のグループ", item.patient_name.replace(' ', "\u{3000}"));
                item.post.title =
                    Some(format!("{}様 退院のお知らせ\r\nBcc: x", item.patient_name.replace(' ', "")));
                item.post.event_key = Some("key".into());
            }
            let subject = mail(&job).subject;
            for part in ["山本", "千代", "佐々木", "髙﨑", "𠮷子"] {
                assert!(!subject.contains(part), "{subject}");
            }
            assert!(!subject.contains(['\r', '\n']), "{subject:?}");
        }
    }
}

#[test]
fn nothing_outside_the_encrypted_part_holds_a_name() {
    for job in every_sample() {
        if matches!(job.content, JobContent::Notice { .. }) {
            continue;
        }
        for (mode, password) in [
            (ContentMode::NoticeOnly, Some("x")),
            (ContentMode::EncryptedPdf, None),
            (ContentMode::EncryptedPdf, Some(samples::SAMPLE_PASSWORD)),
        ] {
            let mail = mail(&in_mode(job.clone(), mode, password));
            let open = open_parts(&mail);
            for part in ["山本", "千代", "佐々木", "髙﨑 𠮷子", "髙﨑𠮷子"] {
                assert!(!open.contains(part), "{part} in {open}");
            }
        }
    }
}

#[test]
fn the_encrypted_pdf_opens_with_the_password_only() {
    let mail = mail(&samples::discharge_with_pdf(Channel::Email));
    assert_eq!(mail.attachments.len(), 2);
    for (file, pages) in mail.attachments.iter().zip([1, 2]) {
        assert_eq!(file.media_type, "application/pdf");
        assert!(Pdf::new(file.bytes.clone()).is_err());
        assert!(Pdf::new_with_password(file.bytes.clone(), "wrong").is_err());
        let opened = Pdf::new_with_password(file.bytes.clone(), samples::SAMPLE_PASSWORD);
        assert_eq!(opened.expect("opens with the password").pages().len(), pages);
        let by_lopdf = lopdf::Document::load_mem_with_options(
            &file.bytes,
            lopdf::LoadOptions::with_password(samples::SAMPLE_PASSWORD),
        );
        assert_eq!(by_lopdf.unwrap().get_pages().len(), pages);
        assert!(file.bytes.windows(b"/AESV3".len()).any(|w| w == b"/AESV3"), "AES-256");
    }
    let mut job = samples::discharge_with_pdf(Channel::Email);
    posts(&mut job).endpoint.settings.pdf_password = Some("さくら坂2026".into());
    let file = self::mail(&job).attachments.remove(0);
    assert!(Pdf::new_with_password(file.bytes, "さくら坂2026").is_ok());
}

#[test]
fn without_a_password_the_mail_says_so_and_holds_nothing() {
    for password in [None, Some(""), Some("  ")] {
        let mail =
            mail(&in_mode(samples::discharge_with_pdf(Channel::Email), ContentMode::EncryptedPdf, password));
        assert!(mail.attachments.is_empty());
        assert!(mail.text.contains("パスワードがまだ登録されていない"));
        assert!(!mail.text.contains("退院"));
        assert_eq!(mail.subject, "【至急・返信希望】つばき01 退院のお知らせ");
    }
}

#[test]
fn full_text_holds_body_and_attachments_as_they_are() {
    let mail = mail(&in_mode(samples::discharge_with_pdf(Channel::Email), ContentMode::FullText, None));
    assert!(mail.text.contains("山本千代様が6月9日10:20に桜見中央病院5階東から退院されました。"));
    assert_eq!(mail.attachments[0].name, "看護サマリー_山本千代.pdf");
    assert_eq!(mail.attachments[0].bytes, samples::form_pdf(2));
}

#[test]
fn hostile_values_stay_harmless() {
    for mode in [ContentMode::EncryptedPdf, ContentMode::FullText] {
        let mail = mail(&in_mode(samples::hostile(Channel::Email), mode, Some(samples::SAMPLE_PASSWORD)));
        let html = mail.html.clone().unwrap();
        assert!(!html.contains("<script"), "{html}");
        assert!(!html.contains("</p><script"));
        assert!(mail.text.contains("再送の可能性があります"));
        for file in &mail.attachments {
            assert!(!file.name.contains(['\r', '\n', '/', '\\']), "{}", file.name);
            assert!(!file.media_type.contains(['\r', '\n', ' ', ';']), "{}", file.media_type);
        }
        for line in [&mail.subject, &mail.to, mail.to_name.as_ref().unwrap(), mail.reply_to.as_ref().unwrap()]
        {
            assert!(!line.contains(['\r', '\n']), "{line:?}");
        }
        // Nothing that a sender wrote is read as a template.
        assert!(!mail.text.contains("電話 03-0000-0100 電話"));
        if mode == ContentMode::FullText {
            assert!(mail.text.contains("{{office.phone}}"));
        }
    }
}

#[test]
fn every_item_can_be_answered() {
    let job = samples::digest(Channel::Email);
    let mail = mail(&job);
    let JobContent::Posts(posts) = &job.content else { panic!("a notice") };
    assert_eq!(mail.reply_to.as_deref(), Some(job.network.reply_address(&posts.code).as_str()));
    for item in &posts.items {
        assert!(mail.text.contains(&format!("返信コード / Reply code: {}", item.code.spaced())));
        assert!(mail.text.contains(&format!("https://kakehashi.example/r/{}", item.code.as_str())));
    }
    assert_eq!(ReplyCode::find(&mail.message_id), Some(posts.code.clone()));
    let single = samples::discharge(Channel::Email);
    let JobContent::Posts(posts) = &single.content else { panic!("a notice") };
    let mail = self::mail(&single);
    assert_eq!(mail.reply_to, Some(single.network.reply_address(&posts.items[0].code)));
    assert!(mail.text.contains("「了解」だけの返信は了解として記録します。"));
}

#[test]
fn a_second_attempt_is_the_same_mail() {
    let first = samples::discharge(Channel::Email);
    let mut second = first.clone();
    second.attempt = 2;
    second.resend_possible = true;
    let (first, second) = (mail(&first), mail(&second));
    assert_eq!(first.message_id, second.message_id);
    assert_eq!(first.references, second.references);
    assert!(second.text.contains("再送の可能性があります"));
    assert!(!first.text.contains("再送の可能性があります"));
}

#[test]
fn a_call_says_nothing_about_the_patient() {
    let renderer = Renderer::new().unwrap();
    for job in [samples::discharge(Channel::PhoneMemo), samples::digest(Channel::PhoneMemo)] {
        let RenderedContent::Phone { number, script } = renderer.render(&job).unwrap() else {
            panic!("no call")
        };
        assert_eq!(number, "0300000106");
        assert!(script.starts_with("ヘルパーステーションこもれび へ電話"));
        assert!(script.contains("つばき01 退院のお知らせ"));
        for part in ["山本", "千代", "佐々木", "体温", "階東"] {
            assert!(!script.contains(part), "{script}");
        }
    }
}

#[test]
fn a_call_about_what_a_machine_has_taken_goes_to_its_house() {
    let mut job = samples::discharge(Channel::PhoneMemo);
    let posts = posts(&mut job);
    posts.endpoint.address.clear();
    posts.facility.phone = Some("03-0000-0101".into());
    let item = &mut posts.items[0];
    item.post.kind = kakehashi_core::post::PostKind::Correction;
    item.post.title = Some("返信（取消）".into());
    let call = |job: &_| match Renderer::new().unwrap().render(job).unwrap() {
        RenderedContent::Phone { number, script } => (number, script),
        _ => panic!("no call"),
    };
    let (number, script) = call(&job);
    assert_eq!(number, "03-0000-0101");
    assert!(script.contains("もう受け取っています"), "{script}");
    self::posts(&mut job).facility.phone = None;
    let (number, script) = call(&job);
    assert_eq!(number, "");
    assert!(script.contains("電話番号は台帳にありません"), "{script}");
}

#[test]
fn notices_are_uniform_and_answer_no_code() {
    let mail = mail(&samples::notice(Channel::Email, Notice::Uniform));
    assert_eq!(mail.reply_to, None);
    assert!(mail.references.is_empty() && mail.attachments.is_empty());
    assert!(mail.text.contains("電話 03-0000-0100"));
    assert!(!mail.text.contains("つばき"));
}

#[test]
fn the_status_says_who_acknowledged_and_no_name_of_the_patient() {
    let (_, mut job) = samples::sheets().into_iter().find(|(name, _)| *name == "status").unwrap();
    let JobContent::Sheet(ordered) = &mut job.content else { panic!("no sheet") };
    ordered.endpoint.channel = Channel::Email;
    ordered.endpoint.address = "hinata@st.example".into();
    let SheetContent::Status(table) = &mut ordered.content else { panic!("no status") };
    table.title = "千代さんの退院".into();
    table.author = "山本千代の家族".into();
    for mode in [ContentMode::NoticeOnly, ContentMode::EncryptedPdf, ContentMode::FullText] {
        let JobContent::Sheet(ordered) = &mut job.content else { panic!("no sheet") };
        ordered.endpoint.settings.content_mode = mode;
        let mail = mail(&job);
        assert_eq!(mail.subject, "[つばき01] 了解状況 / Who has acknowledged");
        let open = open_parts(&mail);
        for word in [
            "了解・返信 1/2",
            "桜見中央病院 地域連携室 [了解希望] … 了解 6/8",
            "若葉在宅クリニック [了解希望] … まだ / not yet",
        ] {
            assert!(open.contains(word), "{word}: {open}");
        }
        assert!(!open.contains("小林"), "facilities, not persons");
        let named = open.contains("千代");
        assert_eq!(named, mode == ContentMode::FullText, "{mode:?}: {open}");
        assert_eq!(mail.open_content, mode == ContentMode::FullText);
    }
}

#[test]
fn a_meeting_comes_as_a_calendar_file_without_a_name() {
    let meeting = |mode, password| {
        let mut job = in_mode(samples::discharge(Channel::Email), mode, password);
        let post = &mut posts(&mut job).items[0].post;
        let day = post.posted_at.plus_seconds(3 * 24 * 3600).in_japan();
        post.title = Some("山本千代様 サービス担当者会議".to_owned());
        post.body =
            format!("{}月{}日 16:00〜17:00 山本千代様ご自宅で担当者会議を行います。", day.month(), day.day());
        mail(&job)
    };
    for mode in [ContentMode::EncryptedPdf, ContentMode::FullText] {
        let mail = meeting(mode, Some(samples::SAMPLE_PASSWORD));
        let file = mail.attachments.iter().find(|f| f.name == "予定.ics").unwrap();
        let text = String::from_utf8(file.bytes.clone()).unwrap();
        assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"), "{text}");
        assert!(text.contains("METHOD:PUBLISH\r\n") && text.contains("T070000Z\r\nDTEND:"), "{text}");
        assert!(text.contains("SUMMARY:つばき01 サービス担当者会議"), "{text}");
        assert!(text.split("\r\n").all(|l| l.len() <= 75), "{text}");
        for part in ["山本", "千代", "自宅"] {
            assert!(!text.contains(part), "{text}");
        }
        assert!(mail.text.contains("予定.ics") && mail.html.unwrap().contains("予定.ics"));
    }
    assert!(meeting(ContentMode::NoticeOnly, None).attachments.is_empty());
    assert!(meeting(ContentMode::EncryptedPdf, None).attachments.is_empty());
}

#[test]
fn files_that_are_too_large_together_wait_at_the_page() {
    let mut job = in_mode(samples::discharge(Channel::Email), ContentMode::FullText, None);
    let file = |name: &str, megabytes: usize| {
        samples::attachment(name, "image/jpeg", vec![0xff; megabytes * 1024 * 1024], None)
    };
    posts(&mut job).items[0].attachments = vec![file("a.jpg", 4), file("b.jpg", 7), file("c.jpg", 5)];
    let large = mail(&job);
    let names = |files: &[kakehashi_core::rendered::RenderedFile]| {
        files.iter().map(|f| f.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        (names(&large.attachments), names(&large.on_page)),
        (vec!["a.jpg".into(), "c.jpg".into()], vec!["b.jpg".into()])
    );
    assert!(large.text.contains("/files") && large.html.unwrap().contains("/files"));
    posts(&mut job).items[0].attachments.truncate(1);
    let small = mail(&job);
    assert!(small.on_page.is_empty() && !small.text.contains("/files"));
    let notice = in_mode(job, ContentMode::NoticeOnly, None);
    assert!(mail(&notice).on_page.is_empty());
}
