//! 了解の状況: who is asked, who has taken note, and how the post reached each member. 送達 and 了解 are
//! two facts with two times and stand on two lines, never merged (care-network.md section 7).

use super::{Chip, words};
use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::vocabulary::{Channel, DeliveryState, ReplyExpectation};
use kakehashi_store::view::{Receipt, ReceiptDelivery};
use serde::Serialize;

/// A member's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct BoardRow {
    pub(crate) mark: &'static str,
    pub(crate) class: &'static str,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) how: Vec<String>,
    pub(crate) ways: Vec<Way>,
}

/// How a post reached a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Way {
    pub(crate) class: &'static str,
    pub(crate) words: String,
}

/// All lines, those who are asked first, those who still owe an answer before those who gave it.
pub(crate) fn rows(lang: Lang, receipts: &[Receipt], now: UtcMicros) -> Vec<BoardRow> {
    let mut sorted: Vec<&Receipt> = receipts.iter().collect();
    sorted.sort_by_key(|r| {
        (r.asked == ReplyExpectation::None, r.acknowledgement.is_some() || r.replied_at.is_some())
    });
    sorted.into_iter().map(|r| row(lang, r, now)).collect()
}

fn row(lang: Lang, receipt: &Receipt, now: UtcMicros) -> BoardRow {
    let mut how = Vec::new();
    if let Some(ack) = &receipt.acknowledgement {
        let person = receipt.acknowledged_by.clone().or_else(|| ack.person_name.clone());
        let person = match person {
            Some(name) => lang.tf("board.person", &[&name]),
            None => lang.t("board.as_facility"),
        };
        let mut line = format!("{} ・ {person}", words::channel(lang, ack.channel));
        if let Some(proxy) = &ack.proxy {
            line.push_str(" ・ ");
            line.push_str(&lang.tf("post.proxy", &[proxy]));
        }
        how.push(line);
    }
    let replied = receipt.replied_at.map(|at| lang.tf("board.replied", &[&lang.near(at, now)]));
    let (mark, class, state) = match (&receipt.acknowledgement, receipt.replied_at) {
        (Some(ack), _) => {
            how.extend(replied);
            ("✓", "ok", lang.tf("board.acknowledged", &[&lang.near(ack.acknowledged_at, now)]))
        }
        (None, Some(at)) => ("↩", "ok", lang.tf("board.replied", &[&lang.near(at, now)])),
        (None, None) => match receipt.asked {
            ReplyExpectation::None => ("―", "", lang.t("board.shared")),
            ReplyExpectation::Ack => ("○", "wait", lang.t("board.wait.ack")),
            ReplyExpectation::Reply => ("○", "wait", lang.t("board.wait.reply")),
            ReplyExpectation::Call => ("○", "wait", lang.t("board.wait.call")),
        },
    };
    let mut ways: Vec<Way> = receipt.deliveries.iter().map(|d| way(lang, d, now)).collect();
    if ways.is_empty() {
        ways.push(Way { class: "quiet", words: lang.t("way.none") });
    }
    BoardRow { mark, class, name: receipt.facility_name.clone(), state, how, ways }
}

fn way(lang: Lang, delivery: &ReceiptDelivery, now: UtcMicros) -> Way {
    let class = match delivery.state {
        DeliveryState::Failed | DeliveryState::Unknown => "bad",
        DeliveryState::Delivered => "good",
        DeliveryState::Held | DeliveryState::HandedOff | DeliveryState::Recalled => "quiet",
    };
    Way { class, words: words::delivery(lang, delivery, now) }
}

/// The same in a few chips under a post.
pub(crate) fn facts(lang: Lang, receipts: &[Receipt]) -> Vec<Chip> {
    let mut chips = Vec::new();
    let asked = |what| receipts.iter().filter(move |r| r.asked == what);
    for (what, key, mark) in [
        (ReplyExpectation::Ack, "facts.ack", "✓"),
        (ReplyExpectation::Reply, "facts.reply", "↩"),
        (ReplyExpectation::Call, "facts.call", "☎"),
    ] {
        let total = asked(what).count();
        if total > 0 {
            let given = asked(what).filter(|r| given(r)).count();
            let class = if given == total { "ack" } else { "wait" };
            chips.push(Chip::new(class, Some(mark), lang.tf(key, &[&given.to_string(), &total.to_string()])));
        }
    }
    let more = asked(ReplyExpectation::None).filter(|r| r.acknowledgement.is_some()).count();
    if more > 0 {
        chips.push(Chip::new("ack", Some("✓"), lang.tf("facts.more_ack", &[&more.to_string()])));
    }
    for (what, key) in [
        (ReplyExpectation::Ack, "facts.wait.ack"),
        (ReplyExpectation::Reply, "facts.wait.reply"),
        (ReplyExpectation::Call, "facts.wait.call"),
    ] {
        let waiting: Vec<String> =
            asked(what).filter(|r| !answered(r)).map(|r| r.facility_name.clone()).collect();
        if !waiting.is_empty() {
            chips.push(Chip::new("wait", None, lang.tf(key, &[&lang.list(&waiting)])));
        }
    }
    // A member counts once, by its best delivery, so that a second try does not look like a second member.
    let count = |wanted: &dyn Fn(&ReceiptDelivery) -> bool| {
        receipts.iter().filter(|r| r.deliveries.iter().any(wanted)).count()
    };
    let delivered = count(&|d| d.state == DeliveryState::Delivered && d.channel != Channel::Web)
        + count(&|d| d.channel == Channel::Web);
    // Whoever has answered has it, whatever the machines say.
    let arrived = |r: &Receipt| {
        r.acknowledgement.is_some()
            || r.replied_at.is_some()
            || r.deliveries.iter().any(|d| d.state == DeliveryState::Delivered)
    };
    let stuck = |state| {
        receipts.iter().filter(|r| !arrived(r) && r.deliveries.iter().any(|d| d.state == state)).count()
    };
    let phone = count(&|d| d.channel == Channel::PhoneMemo && d.state == DeliveryState::HandedOff);
    for (number, class, mark, key) in [
        (delivered, "", None, "facts.delivered"),
        (phone, "wait", Some("☎"), "facts.phone"),
        (stuck(DeliveryState::Held), "", None, "facts.held"),
        (stuck(DeliveryState::Unknown), "fail", Some("？"), "facts.unknown"),
        (stuck(DeliveryState::Failed), "fail", Some("✕"), "facts.failed"),
    ] {
        if number > 0 {
            chips.push(Chip::new(class, mark, lang.tf(key, &[&number.to_string()])));
        }
    }
    chips
}

/// Whether a member has given exactly what was asked of it: 了解 is counted only where a human gave 了解.
const fn given(receipt: &Receipt) -> bool {
    match receipt.asked {
        ReplyExpectation::None => true,
        ReplyExpectation::Ack => receipt.acknowledgement.is_some(),
        ReplyExpectation::Reply | ReplyExpectation::Call => receipt.replied_at.is_some(),
    }
}

/// Whether nobody need wait for a member any more: a reply answers a wish for 了解 as well, 了解 does not
/// answer a wish for a reply.
fn answered(receipt: &Receipt) -> bool {
    match receipt.asked {
        ReplyExpectation::None => true,
        ReplyExpectation::Ack => receipt.acknowledgement.is_some() || receipt.replied_at.is_some(),
        ReplyExpectation::Reply | ReplyExpectation::Call => receipt.replied_at.is_some(),
    }
}
