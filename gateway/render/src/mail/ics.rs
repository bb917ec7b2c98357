//! The day of a meeting as a calendar file (RFC 5545, METHOD:PUBLISH): alias, kind, time and reply code. Calendars
//! are shared and synchronised to anywhere, so no patient's name and no place ever stands in it.

use crate::name_guard::NameGuard;
use crate::wording;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::job::{DeliveryJob, JobItem};
use kakehashi_core::meeting::{Meeting, meeting_in};
use kakehashi_core::post::PostKind;
use kakehashi_core::rendered::RenderedFile;
use std::fmt::Write as _;

/// Octets of one line (RFC 5545 3.1), its end not counted.
const LINE_OCTETS: usize = 74;

/// Calendar files of the items that announce a meeting.
pub(super) fn files(job: &DeliveryJob, items: &[JobItem]) -> Vec<RenderedFile> {
    let mut found = Vec::new();
    for item in items.iter().filter(|i| i.receipt.is_none()) {
        let post = &item.post;
        if let Some(meeting) = meeting_in(post.title.as_deref(), &post.body, post.posted_at) {
            let name = match found.len() {
                0 => "予定.ics".to_owned(),
                n => format!("予定{}.ics", n + 1),
            };
            found.push(RenderedFile {
                name,
                media_type: "text/calendar; charset=utf-8; method=PUBLISH".to_owned(),
                bytes: calendar(job, item, &meeting).into_bytes(),
            });
        }
    }
    found
}

fn calendar(job: &DeliveryJob, item: &JobItem, meeting: &Meeting) -> String {
    let guard = NameGuard::new(&item.patient_name);
    let post = &item.post;
    // A correction moves the entry that its topic made.
    let entry = match post.kind {
        PostKind::Topic | PostKind::Correction => &post.topic_id,
        PostKind::Reply => &post.id,
    };
    let end = match meeting.ends_at {
        Some(at) => format!("DTEND:{}", utc(at)),
        None => "DURATION:PT1H".to_owned(),
    };
    let office = format!("{} {}", job.network.office_name, job.network.office_phone);
    let described = format!(
        "返信コード {}\n出欠は届いたメールへの返信でお知らせください。\n{office}",
        item.code.spaced()
    );
    let mut out = String::new();
    for line in [
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//kakehashi//kakehashi//JA".to_owned(),
        "METHOD:PUBLISH".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{entry}@{}", job.network.mail_domain),
        format!("SEQUENCE:{}", post.version.saturating_sub(1)),
        format!("DTSTAMP:{}", utc(post.posted_at)),
        format!("DTSTART:{}", utc(meeting.starts_at)),
        end,
        format!("SUMMARY:{}", text(&format!("{} {}", wording::open_alias(item, &guard), meeting.kind))),
        format!("DESCRIPTION:{}", text(&described)),
        "CLASS:PRIVATE".to_owned(),
        "END:VEVENT".to_owned(),
        "END:VCALENDAR".to_owned(),
    ] {
        fold(&mut out, &line);
    }
    out
}

fn utc(at: UtcMicros) -> String {
    // 日本時間 is nine hours ahead, all the year.
    at.plus_seconds(-9 * 3600).in_japan().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A text value (RFC 5545 3.3.11).
fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Writes one line, folded between characters.
fn fold(out: &mut String, line: &str) {
    let mut octets = 0;
    for c in line.chars() {
        if octets + c.len_utf8() > LINE_OCTETS {
            out.push_str("\r\n ");
            octets = 1;
        }
        // Writing into a String cannot fail.
        let _ = write!(out, "{c}");
        octets += c.len_utf8();
    }
    out.push_str("\r\n");
}
