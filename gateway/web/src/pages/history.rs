//! 履歴の写し on request (care-network.md 6.2 and 6.4): the office has called the registered number, notes who
//! answered and why it is asked, and the posts of a period go there as paper, in parts of some twenty pages,
//! each behind a 表紙 that must come back first. The order itself is the entry of the disclosure ledger.

use crate::app::App;
use crate::error::PageError;
use crate::forms::SignedForm;
use crate::posting::commit;
use crate::random;
use crate::rights::Office;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::{Actor, Effect, NewSheet};
use kakehashi_core::ids::{GroupId, PostId};
use kakehashi_core::sheet_order::{SheetOrder, history_parts};
use kakehashi_core::vocabulary::GroupState;
use kakehashi_store::view::{PostView, Timeline};

/// Topics read at once.
const TOPICS: u32 = 50;
/// Topics of one history; a longer period is asked for in pieces.
const MOST_TOPICS: usize = 500;
/// Characters that a printed page holds.
const CHARACTERS_A_PAGE: usize = 1200;

/// Orders the copy.
pub(crate) async fn order(
    State(app): State<App>,
    office: Office,
    Path(group): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let (group, now) = (GroupId::new(group), app.now());
    let day = |name: &str, time: &str| {
        let date = fields.get(name).filter(|d| d.len() == 10)?;
        UtcMicros::from_rfc3339(&format!("{date}T{time}+09:00")).map(|at| (date.to_owned(), at))
    };
    let (reason, listener) = (fields.line("reason", 200), fields.line("listener", 60));
    let (Some((from, first)), Some((until, last))) = (day("from", "00:00:00"), day("until", "23:59:59"))
    else {
        return Err(PageError::BadForm);
    };
    if reason.is_empty() || listener.is_empty() || first > last {
        return Err(PageError::BadForm);
    }
    let roster = office.view.roster(&group, now).await?.ok_or(PageError::NotFound)?;
    let wanted = fields.get("endpoint_id").ok_or(PageError::BadForm)?;
    let endpoint = super::notebook::numbers(&roster).find(|(_, e)| e.id.as_str() == wanted).map(|(_, e)| e);
    let endpoint = endpoint.ok_or(PageError::BadForm)?;
    let posts = of_period(&office, &group, first, last).await?;
    if roster.group.state != GroupState::Open || posts.is_empty() {
        return Err(PageError::Conflict);
    }
    let pages: Vec<u32> = posts.iter().map(|(_, pages)| *pages).collect();
    let ranges = history_parts(&pages);
    let parts = u16::try_from(ranges.len()).unwrap_or(u16::MAX);
    let effects = (1..).zip(ranges).map(|(part, range)| {
        let order = SheetOrder::History {
            group_id: group.clone(),
            post_ids: posts[range].iter().map(|(id, _)| id.clone()).collect(),
            part,
            parts,
            from: from.clone(),
            until: until.clone(),
            reason: reason.clone(),
            listener: listener.clone(),
        };
        Effect::OrderSheet(Box::new(NewSheet::plan(endpoint, order, now, &mut random::bits)))
    });
    let actor = Actor::LoginUser { id: office.visitor.user.id.clone() };
    commit(&app, actor, effects.collect(), now).await?;
    Ok(Redirect::to(&format!("/groups/{group}")).into_response())
}

/// Posts of the period, oldest first, each with the pages that it is likely to take.
async fn of_period(
    office: &Office,
    group: &GroupId,
    first: UtcMicros,
    last: UtcMicros,
) -> Result<Vec<(PostId, u32)>, PageError> {
    let user = &office.visitor.user.id;
    let mut found: Vec<(UtcMicros, PostId, u32)> = Vec::new();
    let mut older: Option<PostId> = None;
    let mut seen = 0;
    loop {
        let page: Timeline =
            office.view.timeline(user, group, older.as_ref(), TOPICS).await?.ok_or(PageError::NotFound)?;
        for topic in &page.topics {
            let all = std::iter::once(&topic.topic).chain(&topic.corrections).chain(&topic.replies);
            let within = all.filter(|p| (first..=last).contains(&p.post.posted_at));
            found.extend(within.map(|p| (p.post.posted_at, p.post.id.clone(), pages_of(p))));
        }
        seen += page.topics.len();
        older = page.older;
        if older.is_none() || seen >= MOST_TOPICS {
            break;
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, id, pages)| (id, pages)).collect())
}

fn pages_of(view: &PostView) -> u32 {
    let text = view.post.body.chars().count() / CHARACTERS_A_PAGE;
    let files = view.attachments.iter().map(|a| a.pages.unwrap_or(1)).fold(0, u32::saturating_add);
    u32::try_from(text).unwrap_or(u32::MAX).saturating_add(1).saturating_add(files)
}
