use super::*;

fn body(text: &str) -> String {
    split(text).0
}

#[test]
fn signatures_go_and_text_stays() {
    assert_eq!(
        split("了解\n\n-- \n大塚\nTEL 03-0000-0103"),
        ("了解".to_owned(), Some("-- \n大塚\nTEL 03-0000-0103".to_owned()))
    );
    assert_eq!(body("了解\n\niPhoneから送信"), "了解");
    assert_eq!(body("了解\n\nSent from my iPhone"), "了解");
    assert_eq!(body("了解\n**********\nひまわり訪問看護\n佐野 真由\nTEL 03-0000-0103\n**********"), "了解");
    assert_eq!(
        body("了解\n\n大塚 りつ子\nさくら訪問看護ステーション\nTEL 03-0000-0103 FAX 03-0000-0104"),
        "了解"
    );
    assert_eq!(body("了解\n\n━━━━━━━━\n大塚\n━━━━━━━━"), "了解");
    assert_eq!(body("了解\n┏━━━━┓\n 訪問看護ステーションひなた\n 大塚千尋 03-0000-0103\n┗━━━━┛"), "了解");
    let told = "新しい番号です。\n-----\n長女 090-0000-0000\n長男 090-0000-0001\n-----";
    assert!(body(told).contains("長男 090-0000-0001"), "{}", body(told));
    assert_eq!(body("了解しました\n\nさくら訪問看護ステーション\n大塚りつ子"), "了解しました");
    for text in [
        "体温 37.2\n血圧 120/80",
        "依頼先です。\n\nあおぞら薬局\nひまわり訪問看護",
        "電話は03-0000-0103です。\nよろしくお願いします",
        "一\n\n二\n\n三",
        "--\n了解しましたa\n".repeat(20).as_str(),
    ] {
        assert_eq!(body(text).lines().next(), text.lines().next(), "{text}");
    }
    for text in [
        "依頼先です。\n\nあおぞら薬局\nひまわり訪問看護",
        "新しい連絡先です。\n\nTEL 03-0000-0103\nFAX 03-0000-0104",
        "下記へお願いします。\n\nあおぞら薬局\nFAX 03-0000-0104",
    ] {
        assert_eq!(split(text), (text.to_owned(), None));
    }
    for (text, kept) in [
        ("本日の様子です\n----------\n体温 37.2\nSpO2 94\n脈 88\n----------", "脈 88"),
        ("連絡事項\n***\n薬は朝のみ\n電話 03-0000-0104 は家族\n***", "は家族"),
        ("時間は以下です\n--\n10時\n14時", "14時"),
    ] {
        assert!(body(text).contains(kept), "{text}");
    }
    assert_eq!(
        split("了解しました。\n\n--\n大塚\nTEL 03-0000-0103\n\n追伸 残薬は3日分です。"),
        (
            "了解しました。\n\n追伸 残薬は3日分です。".to_owned(),
            Some("--\n大塚\nTEL 03-0000-0103".to_owned())
        )
    );
    assert_eq!(
        body("了解しました。\n*****\nさくら訪問看護\n大塚\nTEL 03-0000-0103\n*****\n※26日は休診です。"),
        "了解しました。\n\n※26日は休診です。"
    );
    assert_eq!(body("参加します。\n\n地域包括支援センター\n渡部 恵子\n電話 03-0000-0120"), "参加します。");
    assert_eq!(
        body(
            "承知しました。\n\n訪問看護ステーションひなた\n大塚 千尋\nTEL 03-0000-0103\n〜あなたらしい毎日を、ご自宅で〜"
        ),
        "承知しました。"
    );
    let closing = "承知しました。\n\n訪問看護ステーションひなた\nTEL 03-0000-0103\n〜月末で、閉鎖します〜";
    assert_eq!(body(closing), closing, "news between flourishes");
    assert_eq!(
        body(
            "1点目\n落ち着いています。\n\n-----\n\n2点目\n26日は休みます。\n\n-----\n大塚\n訪問看護ひなた\nTEL 03-0000-0103"
        ),
        "1点目\n落ち着いています。\n\n-----\n\n2点目\n26日は休みます。"
    );
    assert_eq!(body("了解\n\nSparkから送信"), "了解");
    assert_eq!(body("了解です。\n\n---\n大塚 りつ子 <otsuka@sakura.example.jp>"), "了解です。");
    assert_eq!(
        split(
            "承知しました。\n\nさくら訪問看護ステーション\n大塚\nTEL 03-0000-0103\n\nSent from Outlook for iOS"
        ),
        (
            "承知しました。".to_owned(),
            Some(
                "さくら訪問看護ステーション\n大塚\nTEL 03-0000-0103\n\nSent from Outlook for iOS".to_owned()
            )
        )
    );
    assert_eq!(body("承知しました。\n\niOS 用 Outlook を取得<https://aka.ms/o0ukef>"), "承知しました。");
    let told = "問合せ先です。\n\n三浦 健 <miura@aozora.example>\n26日まで";
    assert_eq!(body(told), told);
    assert_eq!(
        body("連絡先が変わりました。\n\n新しいTEL 03-0000-0103 です。\nメール a@b.example"),
        "連絡先が変わりました。\n\n新しいTEL 03-0000-0103 です。\nメール a@b.example"
    );
}

proptest::proptest! {
    #[test]
    fn total(text in ".*", lines in proptest::collection::vec("-- |--|===|TEL 0300000000|あ。|薬局|", 0..20)) {
        let _ = split(&text);
        let joined = lines.join("\n");
        let (own, signature) = split(&joined);
        proptest::prop_assert!(own.len() + signature.map_or(0, |s| s.len()) <= joined.len());
    }
}
