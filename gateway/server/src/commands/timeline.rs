//! `kakehashi timeline`: a patient group's timeline for operators without a browser, as text or as the
//! JSON of the store's view.

use super::{block_on, fail, open_beside};
use crate::cli::StoreArgs;
use kakehashi_core::ids::LoginUserId;
use kakehashi_store::view::{PostView, Timeline};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Topics printed at most.
const LIMIT: u32 = 500;

pub(crate) fn run(group: &str, json: bool, args: &StoreArgs) -> ExitCode {
    block_on(async {
        let (store, network) = match open_beside(args).await {
            Ok(opened) => opened,
            Err(fault) => return fail(fault),
        };
        let office = store.office(&network);
        let nobody = LoginUserId::new("");
        let found = match office.group_by_name(group).await {
            Ok(Some(id)) => office.timeline(&nobody, &id, None, LIMIT).await,
            Ok(None) => return fail(format!("no patient group {group:?}; give its alias or id")),
            Err(error) => return fail(error),
        };
        store.close().await;
        match found {
            Ok(Some(timeline)) if json => match serde_json::to_string_pretty(&timeline) {
                Ok(text) => {
                    println!("{text}");
                    ExitCode::SUCCESS
                }
                Err(error) => fail(error),
            },
            Ok(Some(timeline)) => {
                print!("{}", as_text(&timeline));
                ExitCode::SUCCESS
            }
            Ok(None) => fail(format!("no patient group {group:?}; give its alias or id")),
            Err(error) => fail(error),
        }
    })
}

fn as_text(timeline: &Timeline) -> String {
    let mut text = format!("{} {}\n", timeline.group.alias, timeline.patient.name);
    for topic in timeline.topics.iter().rev() {
        post(&mut text, &topic.topic, "■");
        for correction in &topic.corrections {
            post(&mut text, correction, "  訂正");
        }
        for reply in &topic.replies {
            post(&mut text, reply, "  ↩");
        }
    }
    text
}

fn post(text: &mut String, view: &PostView, mark: &str) {
    let p = &view.post;
    let title = p.title.as_deref().unwrap_or("");
    // Writing into a String cannot fail.
    let _ = writeln!(
        text,
        "{mark} {} {} [{}] {} {title}",
        p.posted_at.to_ja(),
        view.facility_name,
        p.channel.ja(),
        p.urgency.ja()
    );
    for line in p.body.lines() {
        let _ = writeln!(text, "    {line}");
    }
    for receipt in &view.receipts {
        let acknowledged = receipt
            .acknowledgement
            .as_ref()
            .map_or_else(String::new, |a| format!(" 了解 {} {}", a.acknowledged_at.to_ja(), a.channel.ja()));
        let states: Vec<String> =
            receipt.deliveries.iter().map(|d| format!("{}:{}", d.channel.ja(), d.state.ja())).collect();
        let _ = writeln!(
            text,
            "    - {} ({}){acknowledged} {}",
            receipt.facility_name,
            receipt.asked.ja(),
            states.join(" ")
        );
    }
}
