//! What the office says when it calls (care-network.md 6.4, phone memo): who is there first, then the
//! alias and what is asked. The words hold nothing about the patient; the caller reads the post from the
//! screen once the listener's name is noted.

use crate::name_guard::NameGuard;
use crate::wording;
use kakehashi_core::job::{DeliveryJob, JobPosts};
use kakehashi_core::rendered::RenderedContent;
use kakehashi_core::text::clean_line;
use kakehashi_core::vocabulary::{ReplyExpectation, Urgency};

/// Most posts named in one call.
const ITEMS_MAX: usize = 10;

/// Number and words of a call.
pub(crate) fn call(job: &DeliveryJob, posts: &JobPosts) -> RenderedContent {
    let facility = clean_line(&posts.facility.name, 60);
    let number = if posts.endpoint.address.trim().is_empty() {
        posts.facility.phone.clone().unwrap_or_default()
    } else {
        posts.endpoint.address.clone()
    };
    let shown =
        if number.trim().is_empty() { "電話番号は台帳にありません" } else { number.as_str() };
    let mut lines = vec![
        format!("{facility} へ電話 ({shown})"),
        format!(
            "1 「{}です。お名前をお願いします」→ 名前を書き留める。",
            clean_line(&job.network.office_name, 60)
        ),
        "2 名簿の方とわかってから、次をお伝えする。".to_owned(),
    ];
    for item in posts.items.iter().take(ITEMS_MAX) {
        let guard = NameGuard::new(&item.patient_name);
        let urgency = match item.post.urgency {
            Urgency::Normal => String::new(),
            urgent => format!("{}、", urgent.ja()),
        };
        let due = crate::sheet::due(item).map(|d| format!("、期限 {}", d.to_ja())).unwrap_or_default();
        lines.push(format!(
            "   {} {} ({urgency}{}{due}) 本文は投稿の画面から読む。",
            wording::open_alias(item, &guard),
            wording::open_title(item, &guard),
            item.asked.ja(),
        ));
        if item.post.withdraws() {
            lines.push(
                "   取り消す前のものを、先方のシステムがもう受け取っています。印刷や転記がないか確かめてください。"
                    .to_owned(),
            );
        }
    }
    if posts.items.len() > ITEMS_MAX {
        lines.push(format!("   ほか {}件", posts.items.len() - ITEMS_MAX));
    }
    if posts.items.iter().any(|i| i.asked != ReplyExpectation::None) {
        lines.push("3 「了解」または返事を聞き、相手の名前とともに電話メモに記録する。".to_owned());
    }
    if job.resend_possible {
        lines.push("前にもお伝えした可能性があります(再送の可能性)。".to_owned());
    }
    lines.push(
        "Ask who is speaking and note the name before saying anything about the group; read the post from the screen."
            .to_owned(),
    );
    RenderedContent::Phone { number: clean_line(&number, 40), script: lines.join("\n") }
}
