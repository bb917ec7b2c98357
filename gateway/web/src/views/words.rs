//! Short sentences for codes: why something waits, how a delivery stands, what a decision was. The
//! words of care-network.md section 7 are binding; a sentence says when and on which way, not which
//! machine did what.

use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::SheetAct;
use kakehashi_core::decision::{Decision, RequestedAct, TriageReason};
use kakehashi_core::directory::{Day, DigestTime, OpenHours};
use kakehashi_core::vocabulary::{
    Channel, DeliveryMode, DeliveryState, IntakeState, Intent, ReplyExpectation,
};
use kakehashi_store::view::ReceiptDelivery;

/// 休止 in one line.
pub(crate) fn pause(lang: Lang, pause: &kakehashi_core::pause::Pause, now: UtcMicros) -> String {
    lang.pick(&pause.shown(now), &pause.shown_en(now)).to_owned()
}

/// 経路 as a word.
pub(crate) const fn channel(lang: Lang, channel: Channel) -> &'static str {
    lang.pick(channel.ja(), channel.en())
}

/// What is asked, as a noun: 了解, 返信, 折返し電話, 共有のみ.
pub(crate) fn ask(lang: Lang, expectation: ReplyExpectation) -> String {
    lang.t(match expectation {
        ReplyExpectation::None => "ask.none",
        ReplyExpectation::Ack => "ask.ack",
        ReplyExpectation::Reply => "ask.reply",
        ReplyExpectation::Call => "ask.call",
    })
}

/// How a delivery stands, in one line: 「FAX 送達 10:24」.
pub(crate) fn delivery(lang: Lang, delivery: &ReceiptDelivery, now: UtcMicros) -> String {
    let way = channel(lang, delivery.channel);
    let at = lang.near(delivery.state_at, now);
    let due = lang.near(delivery.due_at, now);
    let mut line = match (delivery.channel, delivery.state) {
        (Channel::Web, DeliveryState::Held | DeliveryState::HandedOff | DeliveryState::Delivered) => {
            lang.t("way.web")
        }
        (Channel::PhoneMemo, DeliveryState::HandedOff) => lang.tf("way.phone_task", &[&at]),
        (Channel::PhoneMemo, DeliveryState::Held) => lang.tf("way.phone_soon", &[&due]),
        (Channel::PhoneMemo, DeliveryState::Delivered) => lang.tf("way.called", &[&at]),
        (_, DeliveryState::Held) if delivery.due_at <= now => lang.tf("way.soon", &[way]),
        (_, DeliveryState::Held) => match delivery.mode {
            DeliveryMode::Digest => lang.tf("way.digest", &[way, &due]),
            DeliveryMode::Instant => lang.tf("way.instant", &[way, &due]),
        },
        (_, DeliveryState::HandedOff) => lang.tf("way.handed_off", &[way, &at]),
        (_, DeliveryState::Delivered) => lang.tf("way.delivered", &[way, &at]),
        (_, DeliveryState::Failed) => lang.tf("way.failed", &[way, &at]),
        (_, DeliveryState::Unknown) => lang.tf("way.unknown", &[way, &at]),
        (_, DeliveryState::Recalled) => lang.tf("way.recalled", &[way, &at]),
    };
    if delivery.resend_possible {
        line.push_str(lang.pick("・", " · "));
        line.push_str(&lang.t("way.resend"));
    }
    line
}

/// Why a human must look.
pub(crate) fn reason(lang: Lang, reason: &TriageReason) -> String {
    let (ja, en) = match reason {
        TriageReason::UnknownSender => ("送信元が登録されていません", "the sender is not registered"),
        TriageReason::AmbiguousSender => {
            ("この送信元は複数の施設で使われています", "several facilities use this sender's address")
        }
        TriageReason::EndpointNotVerified => {
            ("送信元の番号・アドレスが確認済ではありません", "the sender's number or address is not verified")
        }
        TriageReason::NoPatientNamed => ("患者さんを示すものがありません", "nothing names a patient"),
        TriageReason::NoCandidate => ("合う患者さんが見つかりません", "no patient fits"),
        TriageReason::OneCandidate => (
            "お名前と生年月日が合う方が1人います。確かめて置いてください",
            "exactly one fits by name and birth date; please confirm",
        ),
        TriageReason::SeveralCandidates => ("合う患者さんが複数います", "several patients fit"),
        TriageReason::IdentityConflict => (
            "患者番号は分かりますが、お名前か生年月日がちがいます",
            "the number is known, but name or birth date contradict it",
        ),
        TriageReason::NoGroup => ("この患者さんのグループがありません", "the patient has no group"),
        TriageReason::NotAMember => {
            ("送信元の施設はグループのメンバーではありません", "the sender is not a member of the group")
        }
        TriageReason::NotConsented => {
            ("送信元の施設は同意の範囲にありません", "the consent does not cover the sender")
        }
        TriageReason::GroupNotOpen => ("グループが停止または終了しています", "the group is frozen or closed"),
        TriageReason::CodeUnknown => ("返信コードが見つかりません", "the reply code is not one of ours"),
        TriageReason::CodeExpired => ("返信コードの期限が切れています", "the reply code has expired"),
        TriageReason::CodeRevoked => ("返信コードは取り消されています", "the reply code was revoked"),
        TriageReason::CodeFromElsewhere => {
            ("返信コードとちがう施設から届きました", "the reply code belongs to another facility")
        }
        TriageReason::WhichItem => (
            "まとめ便への返信です。どの用件への答えか確かめてください",
            "an answer to a digest: which item is meant?",
        ),
        TriageReason::SheetToConfirm => {
            ("返信票です。印を確かめてください", "a reply sheet: please confirm its marks")
        }
        TriageReason::DamagedPage => ("ページが傷んでいて読めません", "a page is damaged"),
        TriageReason::SeveralPatients => {
            ("1通に複数の患者さんのことが書かれています", "several patients in one message")
        }
        TriageReason::MergeRequested => {
            ("2つの患者記録の統合が求められています", "two patient records are to be merged")
        }
        TriageReason::DeathNotice => {
            ("亡くなられた知らせです。言葉は人が選びます", "a notice of death: a person chooses the words")
        }
        TriageReason::NotReleased => {
            ("確定前、または開示制限のある文書です", "the document is not final or is confidential")
        }
        TriageReason::MachineNotice => (
            "登録された機器やシステムからグループ宛のお知らせです。見て決めてください",
            "a registered device or system tells the group something; a person decides",
        ),
        TriageReason::NotAuthentic => (
            "差出人が本物と確かめられません。なりすましのおそれがあります",
            "the sender could not be proved; the mail may be forged",
        ),
        TriageReason::Requested { verb, proved } => {
            let (ja, en) = match verb.as_str() {
                "staff_change" => ("異動届", "staff change"),
                "confirm_number" => ("番号確認", "verification of a number"),
                verb => Intent::from_code(verb).map_or(("不明", "unknown"), |v| (v.ja(), v.en())),
            };
            let (ja, en) = match proved {
                true => (format!("{ja}の申し出です"), format!("a request: {en}")),
                false => (
                    format!("{ja}の申し出です。登録の番号へ折り返して確かめてください"),
                    format!("a request: {en}; call back on the registered number first"),
                ),
            };
            return lang.pick(&ja, &en).to_owned();
        }
        TriageReason::WrongRecipient { facility, .. } => {
            let ja = format!(
                "{facility}あての紙が別の所に届いていました。番号は止めました。届いた先と{facility}へ電話し、正しい番号を確かめてください"
            );
            let en = format!(
                "paper for {facility} reached somebody else; the number was stopped. Call both and ask for the right number"
            );
            return lang.pick(&ja, &en).to_owned();
        }
        TriageReason::NewTopic => (
            "連絡票です。書かれたグループ呼称を画像で確かめて置いてください",
            "a contact sheet: see the group alias written on it and place it",
        ),
        TriageReason::EndpointUnreachable { facility, .. } => {
            let ja = format!(
                "{facility}のアドレスにメールが届かないため停止しました。新しい連絡先を確かめてください"
            );
            let en = format!(
                "mails to {facility} came back twice; the address was suspended, please ask for a new one"
            );
            return lang.pick(&ja, &en).to_owned();
        }
        TriageReason::EncryptedFile => (
            "暗号化された添付です。同じ送信元のパスワードのメールを探してください",
            "a locked file; look for the password mail of the same sender",
        ),
        TriageReason::PasswordMail => {
            ("添付のパスワードを知らせるメールです", "tells the password of a file that came in another mail")
        }
        TriageReason::RecallWanted => (
            "送ったメールを取り消したいという知らせです。届いたものは消えません。差出人に確かめてください",
            "the sender wants to take a mail back; what arrived stays, please ask the sender",
        ),
        TriageReason::PhoneOnly => ("事務局が電話で行う用件です", "only the office may do this, by phone"),
        TriageReason::PhoneTask => (
            "差し戻して、電話をお願いしました(電話依頼)。電話で済んだか確かめてください",
            "sent back with the request to phone; please see that the call happens",
        ),
        TriageReason::WhichStay => (
            "どの入退院のことか、再送か新しい連絡かを電文からは決められません。病院に電話で確かめてください",
            "the message does not tell which stay it means, or whether it is news; please call the hospital",
        ),
        TriageReason::CallSender => (
            "投稿しました。送信元に電話で確かめてください",
            "it was posted; please call the sender to confirm",
        ),
        TriageReason::Unreadable { code } => {
            return lang.pick("読み取れませんでした", "it could not be read").to_owned()
                + &format!(" ({})", unreadable(lang, code));
        }
        TriageReason::Rule { text } => return text.clone(),
    };
    lang.pick(ja, en).to_owned()
}

fn unreadable(lang: Lang, code: &str) -> String {
    let (ja, en) = match code {
        "empty" => ("中身が空", "empty"),
        "unknown_format" => ("知らない形式", "unknown format"),
        "damaged" => ("壊れている", "damaged"),
        "too_large" => ("大きすぎる", "too large"),
        "encrypted" => ("暗号化されている", "encrypted"),
        "unsupported" => ("対応していない種類", "unsupported kind"),
        other => return other.to_owned(),
    };
    lang.pick(ja, en).to_owned()
}

/// What a decision was.
pub(crate) fn decision(lang: Lang, decision: &Decision) -> String {
    match decision {
        Decision::Post(_) => lang.t("decision.post"),
        Decision::Reply(_) => lang.t("decision.reply"),
        Decision::Acknowledge(_) => lang.t("decision.acknowledge"),
        Decision::Triage { .. } => lang.t("decision.triage"),
        Decision::Quarantine { .. } => lang.t("decision.quarantine"),
        Decision::Return { .. } => lang.t("decision.return"),
        Decision::Discard { reason } => lang.tf("decision.discard", &[reason]),
        Decision::Digest(_) => lang.t("decision.digest"),
        Decision::Sheet(SheetAct::NumberConfirmed { .. }) => lang.t("decision.number_confirmed"),
        Decision::Sheet(SheetAct::CoverReturned { .. }) => lang.t("decision.cover_returned"),
        Decision::Request(request) => match &request.act {
            RequestedAct::SeeReceipts { .. } => lang.t("decision.see_receipts"),
            RequestedAct::Preferences { .. } => lang.t("decision.preferences"),
            RequestedAct::Pause { .. } => lang.t("decision.pause"),
            RequestedAct::Resume => lang.t("decision.resume"),
            RequestedAct::TakeBack { .. } => lang.t("decision.take_back"),
            RequestedAct::AskLeave { .. } => lang.t("decision.ask_leave"),
            RequestedAct::Leave { .. } => lang.t("decision.leave"),
        },
        Decision::Record { what } => lang.tf("decision.record", &[what]),
    }
}

/// Class of the chip of an intake's state.
pub(crate) const fn intake_class(state: IntakeState) -> &'static str {
    match state {
        IntakeState::Posted => "ack",
        IntakeState::Triage => "urgent",
        IntakeState::Quarantine | IntakeState::Returned => "fail",
        IntakeState::Accepted => "wait",
        IntakeState::Discarded | IntakeState::Recorded => "",
    }
}

/// A reading's warning in words; codes without words of their own show the reader's detail.
pub(crate) fn warning(lang: Lang, code: &str, detail: &str) -> String {
    let (ja, en) = match code {
        "charset_guessed" | "charset_missing" => (
            "文字コードの記載がなく、内容から判断しました",
            "no character set was named; it was judged from the content",
        ),
        "charset_wrong" | "charset_mismatch" => {
            ("文字コードの記載と中身がちがいました", "the content is not in the character set that was named")
        }
        "date_invalid" => ("ありえない日付がありました", "an impossible date was found"),
        "truncated" => ("途中で切れています", "it ends too early"),
        "page_damaged" | "damaged_page" => ("傷んだページがあります", "a page is damaged"),
        "sheet_photographed" => (
            "写真か、縮めた写しの返信票です。機械だけで了解にはしません",
            "a photographed or resized sheet: no machine takes it for 了解",
        ),
        "sheets_parted" => (
            "一通のFAXに何枚かの返信票がありました。ここには次の頁だけを分けてあります",
            "a FAX with several sheets: only these pages belong here",
        ),
        "several_sheets" => (
            "返信票が何枚か写っています。人が分けてください",
            "several sheets are shown; a person must part them",
        ),
        "sender_misleading" => (
            "差出人の名前かアドレスが、別の人のものに見えるように書かれています",
            "the sender's name or address is written to look like somebody else's",
        ),
        "recall_wanted" => (
            "差出人のメールソフトが送ったメールの取り消しを求めています",
            "the sender's program asks to take a mail back",
        ),
        "html_only" | "text_from_html" => ("HTMLだけのメールを文字にしました", "text was made from HTML"),
        "part_dropped" | "attachment_dropped" => {
            ("取り込まなかった添付があります", "an attachment was not taken")
        }
        _ => return format!("{code}: {detail}"),
    };
    if detail.is_empty() { lang.pick(ja, en).to_owned() } else { format!("{} ({detail})", lang.pick(ja, en)) }
}

/// `月–金` where the days follow each other, else one by one; empty for every day.
pub(crate) fn days(lang: Lang, days: &[Day]) -> String {
    const ALL: [(Day, &str, &str); 7] = [
        (Day::Mon, "月", "Mon"),
        (Day::Tue, "火", "Tue"),
        (Day::Wed, "水", "Wed"),
        (Day::Thu, "木", "Thu"),
        (Day::Fri, "金", "Fri"),
        (Day::Sat, "土", "Sat"),
        (Day::Sun, "日", "Sun"),
    ];
    let named: Vec<(usize, &str)> = ALL
        .iter()
        .enumerate()
        .filter(|(_, (day, ..))| days.contains(day))
        .map(|(i, (_, ja, en))| (i, lang.pick(ja, en)))
        .collect();
    match named.as_slice() {
        [] => String::new(),
        all if all.len() == 7 => String::new(),
        [(first, from), .., (last, until)] if last - first == named.len() - 1 && named.len() > 2 => {
            format!("{from}–{until}")
        }
        some => some.iter().map(|(_, d)| *d).collect::<Vec<_>>().join(lang.pick("・", ", ")),
    }
}

/// `月–金 8:30–17:00`.
pub(crate) fn hours(lang: Lang, hours: &[OpenHours]) -> String {
    let one = |h: &OpenHours| format!("{} {}–{}", days(lang, &h.days), h.from, h.until).trim().to_owned();
    lang.list(&hours.iter().map(one).collect::<Vec<_>>())
}

/// `9:00、金 15:00`.
pub(crate) fn digests(lang: Lang, digests: &[DigestTime]) -> String {
    let one = |d: &DigestTime| format!("{} {}", days(lang, &d.days), d.at).trim().to_owned();
    lang.list(&digests.iter().map(one).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kakehashi_core::ids::DeliveryId;
    use kakehashi_core::vocabulary::Locale;

    #[test]
    fn a_delivery_says_when_and_how() {
        let now = UtcMicros::from_rfc3339("2026-06-09T10:30:00+09:00").unwrap();
        let at = |text: &str| UtcMicros::from_rfc3339(text).unwrap();
        let row = |channel, mode, state, due: &str, since: &str| ReceiptDelivery {
            delivery_id: DeliveryId::new("d"),
            channel,
            mode,
            state,
            due_at: at(due),
            state_at: at(since),
            resend_possible: false,
        };
        use DeliveryMode::{Digest, Instant};
        use DeliveryState::{Delivered, HandedOff, Held};
        let cases = [
            (
                row(Channel::Fax, Digest, Held, "2026-06-09T16:00:00+09:00", "2026-06-09T10:20:00+09:00"),
                "FAX 16:00のまとめ便で届きます",
            ),
            (
                row(Channel::Fax, Digest, Held, "2026-06-12T15:00:00+09:00", "2026-06-09T10:20:00+09:00"),
                "FAX 6/12(金) 15:00のまとめ便で届きます",
            ),
            (
                row(
                    Channel::Fax,
                    Instant,
                    Delivered,
                    "2026-06-09T10:20:00+09:00",
                    "2026-06-09T10:24:00+09:00",
                ),
                "FAX 送達 10:24",
            ),
            (
                row(Channel::Fax, Instant, Held, "2026-06-09T10:35:00+09:00", "2026-06-09T10:24:00+09:00"),
                "FAX 10:35に送ります",
            ),
            (
                row(
                    Channel::PhoneMemo,
                    Instant,
                    HandedOff,
                    "2026-06-09T10:20:00+09:00",
                    "2026-06-09T10:20:00+09:00",
                ),
                "電話依頼 10:20 から",
            ),
            (
                row(
                    Channel::Web,
                    Instant,
                    Delivered,
                    "2026-06-09T10:20:00+09:00",
                    "2026-06-09T10:20:00+09:00",
                ),
                "画面に掲載",
            ),
        ];
        for (case, expected) in cases {
            assert_eq!(delivery(Lang(Locale::Ja), &case, now), expected);
        }
    }

    #[test]
    fn days_are_drawn_together() {
        let ja = Lang(Locale::Ja);
        assert_eq!(days(ja, &[Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri]), "月–金");
        assert_eq!(days(ja, &[Day::Mon, Day::Wed]), "月・水");
        assert_eq!(days(ja, &[]), "");
    }
}
