use super::*;
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::mail::MailAddress;
use proptest::prelude::*;

pub(crate) const TIFF: &[u8] =
    include_bytes!("../../../../tests/corpus/fax/generated/09_visit_g4_noresolution-tags.tif");
const PDF: &[u8] = include_bytes!("../../../../tests/corpus/fax/generated/11_pharmacy_textlayer.pdf");

/// A mail with these facts and one attachment, as the mail reader gives it.
pub(crate) fn mail(
    from: (Option<&str>, &str),
    subject: &str,
    text: &str,
    part: Option<(&str, &str, &[u8])>,
) -> Mail {
    Mail {
        content_hash: ContentHash::of(subject.as_bytes()),
        message_id: Some("m1@x.example".to_owned()),
        from: Some(MailAddress { name: from.0.map(str::to_owned), address: from.1.to_owned() }),
        to: vec![MailAddress { name: None, address: "fax-in@in.renkei.example.jp".to_owned() }],
        subject: Some(subject.to_owned()),
        date: None,
        in_reply_to: Vec::new(),
        headers: vec![("Subject".to_owned(), subject.to_owned())],
        text: text.to_owned(),
        text_from_html: false,
        parts: part
            .into_iter()
            .map(|(name, media_type, bytes)| MailPart {
                name: Some(name.to_owned()),
                media_type: media_type.to_owned(),
                inline: false,
                bytes: bytes.to_vec(),
            })
            .collect(),
        warnings: Vec::new(),
    }
}

fn codes(recognised: &Recognised) -> Vec<&str> {
    recognised.warnings.iter().map(|w| w.code.as_str()).collect()
}

fn guess(mail: &Mail) -> Option<Recognised> {
    recognise(mail, &Origin::default(), &[])
}

/// The facts of ja16.
fn service_with_headers() -> Mail {
    let mut mail = mail(
        (Some("netfax"), "message@inbound.netfax.example"),
        "netfax 受信 「0450000041」 - 2ページ, 発信者番号: 045-000-0041",
        "045-000-0041 から 2 ページのファックスを 2026-11-24 09:14:18 JST に受信しました。\n\n* このファックスの参照番号は tyo1_did20-1795500858-0300000099-1 です。\n\n添付のファイルをご覧ください。\n\nnetfax サポート",
        Some(("FAX_20261124_1795500858_1.pdf", "application/pdf", PDF)),
    );
    mail.headers.push(("X-Fax-CallerID".to_owned(), "0450000041".to_owned()));
    mail.headers.push(("X-Fax-DID".to_owned(), "0300000099".to_owned()));
    mail
}

/// The facts of ja18.
fn machine_with_fixed_subject() -> Mail {
    mail(
        (Some("複合機1F"), "docu1f@midori-care.example.jp"),
        "ファクス受信文書の転送",
        "受信文書の数: 2\n添付ファイルの形式: TIFF-F\n\n機器名: 複合機1F\n設置場所: 1F事務室\n機械のIPアドレス: 192.0.2.81\n相手先: 0300000011\n受信日時: 2026/11/24 10:03\n",
        Some(("img-B24100344-0001.tif", "image/tiff", TIFF)),
    )
}

#[test]
fn usual_shapes_without_configuration() {
    let service = guess(&service_with_headers()).unwrap();
    assert_eq!(service.number.as_deref(), Some("0450000041"));
    assert_eq!(codes(&service), ["fax_guessed"]);
    let mut headless = service_with_headers();
    headless.headers.clear();
    assert_eq!(guess(&headless).unwrap().number.as_deref(), Some("0450000041"));

    // ja17
    let mut subject = mail(
        (None, "mfp01@midori-care.example.jp"),
        "From \"0300000011\" (Fax Message No.0123)",
        "このメールは「mfp01」(MP Sample 5054)から送信されたものです。\n\n読み取り日時: 2026.11.24 10:04:58 (+0900)\n問い合わせ先: arima@midori-care.example.jp\n",
        Some(("20261124100501.TIF", "image/tiff", TIFF)),
    );
    subject.headers.push(("X-Mailer".to_owned(), "MFP Internet Fax".to_owned()));
    assert_eq!(guess(&subject).unwrap().number.as_deref(), Some("0300000011"));

    assert_eq!(guess(&machine_with_fixed_subject()).unwrap().number.as_deref(), Some("0300000011"));

    // ja19
    let withheld = mail(
        (Some("クラウドFAX受信"), "no-reply@cloudfax.example.jp"),
        "【FAX受信】050-0000-0099 宛（発信元：非通知 1枚）",
        "FAXを受信しました。\n\n受信日時　：2026年11月24日 17時41分\n受信番号　：050-0000-0099\n発信元番号：非通知\n発信元ID　：045-000-0021\n受信枚数　：1枚\n管理番号　：CF20261124174100091\n\n※本メールは送信専用アドレスから送信しています。\n",
        Some(("受信FAX_20261124.tif", "image/tiff", TIFF)),
    );
    let withheld = guess(&withheld).unwrap();
    assert_eq!(withheld.number, None);
    assert_eq!(codes(&withheld), ["fax_guessed", "caller_number_withheld", "machine_id"]);
    assert_eq!(withheld.machine_id.as_deref(), Some("045-000-0021"));
}

#[test]
fn other_shapes_that_services_use() {
    let cases: &[(&str, &str, &str, &str, Option<&str>)] = &[
        (
            "fax@mail.fax.example",
            "FAX受信通知（発信番号：03-0000-0104）",
            "受信枚数:1\n",
            "00001.pdf",
            Some("0300000104"),
        ),
        (
            "noreply@efax.example",
            "eFax message from \"0300000104\" - 2 page(s), Caller-ID: 81-3-0000-0104",
            "You have received a fax.\nCaller ID: 0300000104\nPages: 2",
            "FAX_20260101_1234.pdf",
            Some("0300000104"),
        ),
        (
            "0300000104@fax-in.example",
            "FAXを受信しました",
            "ページ数: 1\n受信日時: 2026/06/09 10:00",
            "20260609100000.tif",
            Some("0300000104"),
        ),
        (
            "fax@machine.example",
            "受信FAX転送",
            "発信元\t０３－００００－０１０４\n受信枚数\t2",
            "doc20260609100012.tif",
            Some("0300000104"),
        ),
        (
            "fax@machine.example",
            "ファクス受信",
            "送信元番号\n03(0000)0104\n受信日時\n2026/06/09 10:00\n",
            "a.tif",
            Some("0300000104"),
        ),
        (
            "fax@machine.example",
            "ファクス受信 03-0000-0199 宛",
            "受信枚数：1\n受信日時：2026/06/09 10:00",
            "a.tif",
            None,
        ),
    ];
    for (from, subject, text, name, number) in cases {
        let bytes = if name.ends_with("pdf") { PDF } else { TIFF };
        let recognised =
            guess(&mail((None, from), subject, text, Some((name, "application/octet-stream", bytes))))
                .unwrap_or_else(|| panic!("{subject}"));
        assert_eq!(recognised.number.as_deref(), *number, "{subject}");
    }
}

#[test]
fn mails_of_people_are_no_fax() {
    let cases = [
        (
            "FAX送付状の件",
            "お世話になっております。FAX送付状を添付します。\n\nFAX: 03-0000-0104",
            "FAX送付状.pdf",
        ),
        ("Re: 【FAX受信】050-0000-0099 宛", "この件、了解しました。", "受信FAX_20261124.pdf"),
        (
            "訪問看護報告書",
            "報告書をお送りします。\nTEL 03-0000-0103\nFAX 03-0000-0104\n受信後ご連絡ください",
            "20260609120000.pdf",
        ),
        ("スキャン文書", "複合機からの送信です。\n送信元: 0300000104", "20260609120000.pdf"),
        ("FAX送信が失敗しました -> (0467000031)", "送信結果：話中\n", "fax.pdf"),
    ];
    for (subject, text, name) in cases {
        assert_eq!(
            guess(&mail((None, "a@b.example"), subject, text, Some((name, "application/pdf", PDF)))),
            None,
            "{subject}"
        );
    }
    // A voice mail (ja22) has no pages.
    assert_eq!(
        guess(&mail(
            (None, "pbx@x.example"),
            "[PBX]: 新着メッセージ 発信者 0467-00-0030",
            "FAX",
            Some(("a.WAV", "audio/x-wav", b"RIFF"))
        )),
        None
    );
}

#[test]
fn configured_providers_are_certain() {
    let profiles: Vec<FaxProviderProfile> = toml_profiles(
        r#"
        [[p]]
        name = "netfax"
        from = ["netfax.example"]
        number_in = { header = "X-Fax-CallerID" }
        [[p]]
        name = "複合機"
        from = ["mfp@care.example"]
        number_in = { subject = "*受信「{number}」*" }
        [[p]]
        name = "cloud"
        from = ["@cloud.example"]
        number_in = { body = "発信" }
        [[p]]
        name = "usual"
        from = ["usual.example"]
        "#,
    );
    let known = |mail: &Mail| recognise(mail, &Origin::default(), &profiles).unwrap();
    let by_header = known(&service_with_headers());
    assert_eq!(
        (by_header.provider.as_deref(), by_header.number.as_deref()),
        (Some("netfax"), Some("0450000041"))
    );
    assert!(by_header.warnings.is_empty());
    let plain = |from: &str, subject: &str, text: &str| {
        mail((None, from), subject, text, Some(("x", "image/tiff", TIFF)))
    };
    assert_eq!(
        known(&plain("MFP@care.example", "本日受信「０３-００００-０１０４」です", "")).number.as_deref(),
        Some("0300000104")
    );
    assert_eq!(
        known(&plain("a@cloud.example", "", "発信: 03 0000 0104")).number.as_deref(),
        Some("0300000104")
    );
    let silent = known(&plain("a@usual.example", "件名", ""));
    assert_eq!((silent.number.as_deref(), codes(&silent)), (None, vec!["caller_number_missing"]));
    // A look-alike domain is a stranger.
    assert_eq!(recognise(&plain("a@evilnetfax.example", "", ""), &Origin::default(), &profiles), None);
    // A file that is broken is a FAX all the same.
    let broken = mail((None, "a@usual.example"), "", "", Some(("a.tif", "image/tiff", b"<html>")));
    assert_eq!(known(&broken).parts, [0]);
    // A notice without pages is not.
    assert_eq!(
        recognise(&mail((None, "a@usual.example"), "お知らせ", "", None), &Origin::default(), &profiles),
        None
    );
}

#[derive(Deserialize)]
struct Profiles {
    p: Vec<FaxProviderProfile>,
}

pub(crate) fn toml_profiles(text: &str) -> Vec<FaxProviderProfile> {
    toml::from_str::<Profiles>(text).unwrap().p
}

proptest! {
    #[test]
    fn any_mail_ends_well(subject in ".{0,80}", text in "(.|\n){0,300}", from in ".{0,30}", value in ".{0,30}", pattern in ".{0,20}") {
        let mut mail = mail((Some(&from), &from), &subject, &text, Some((&subject, "image/tiff", TIFF)));
        mail.headers.push(("X-Fax-CallerID".to_owned(), value));
        let _ = guess(&mail);
        let profile = FaxProviderProfile { name: "p".to_owned(), from: vec![from.clone()], number_in: NumberPlace::Subject(format!("{pattern}{{number}}{pattern}")) };
        let _ = recognise(&mail, &Origin::default(), &[profile]);
        let _ = crate::report::read_report(&mail, &[]);
    }

    #[test]
    fn numbers_are_found_in_any_company(before in "[ぁ-ん：「 ]{0,6}", after in "[ぁ-ん」 ]{0,6}") {
        let text = format!("発信元番号：{before}03-0000-0104{after}");
        let mail = mail((None, "a@b.example"), "", &text, None);
        prop_assert_eq!(words::usual_number(&mail), Some("0300000104".to_owned()));
    }
}
