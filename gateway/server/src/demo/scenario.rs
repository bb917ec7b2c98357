//! The discharge of scenario S2 (care-network.md 8.3), played once through the real listeners when a
//! demo opens for the first time, so that no page is empty: the hospital sends, members answer.

use super::catcher::Catcher;
use super::desk::{INTAKE_ADDRESS, compose};
use super::samples::Sample;
use super::{FAX_PROVIDER, desk};
use crate::commands::send::{exchange, submit};
use crate::gateway::Addresses;
use kakehashi_core::clock::Clock;
use kakehashi_fax::pages::Page;
use std::sync::Arc;
use std::time::Duration;

/// The pharmacy's FAX number and the nurses' address (F05, F03).
const PHARMACY: &str = "0300000105";
const NURSES: &str = "hinata@st.example";
const NURSES_NAME: &str = "訪問看護ステーションひなた";

/// Plays it. What does not come in time is left out: the demo is usable without it.
pub(crate) async fn play(
    addresses: Addresses,
    catcher: &Arc<Catcher>,
    clock: &dyn Clock,
) -> Result<(), String> {
    let (Some(mllp), Some(smtp)) = (addresses.mllp, addresses.smtp) else { return Ok(()) };
    let now = clock.now();
    exchange(mllp, &Sample::Discharge.message(now)).await?;
    exchange(mllp, &Sample::Document.message(now.plus_seconds(1))).await?;
    exchange(mllp, &Sample::Unknown.message(now.plus_seconds(2))).await?;

    let limit = Duration::from_secs(15);
    if let Some(id) = caught(catcher, NURSES, limit).await
        && let Some((_, bytes)) = catcher.get(&id)
        && let Ok(mail) = kakehashi_email::read::parse_mail(&bytes)
        && let Some(reply_to) = desk::answer_to(&mail)
    {
        let reply = compose::reply(&mail, (NURSES_NAME, NURSES), &reply_to, "了解しました。", clock.now())?;
        submit(smtp, NURSES, &reply_to, &reply).await?;
    }
    let number = format!("{PHARMACY}@{}", super::FAX_DOMAIN);
    if let Some(id) = caught(catcher, &number, limit).await
        && let Some((_, bytes)) = catcher.get(&id)
    {
        let sheet =
            tokio::task::spawn_blocking(move || returned_sheet(&bytes)).await.map_err(|e| e.to_string())?;
        if let Some(tiff) = sheet {
            let fax = compose::received_fax(PHARMACY, INTAKE_ADDRESS, tiff, 1, clock.now())?;
            submit(smtp, FAX_PROVIDER, INTAKE_ADDRESS, &fax).await?;
        }
    }
    Ok(())
}

/// Waits until something for this recipient is caught.
async fn caught(catcher: &Catcher, recipient: &str, limit: Duration) -> Option<String> {
    let until = tokio::time::Instant::now() + limit;
    loop {
        let found = catcher.list().into_iter().rev().find(|c| c.recipient().eq_ignore_ascii_case(recipient));
        if let Some(found) = found {
            return Some(found.id);
        }
        if tokio::time::Instant::now() >= until {
            return None;
        }
        catcher.wait().await;
    }
}

/// The pharmacy's sheet: 了解 ticked, a line of handwriting.
fn returned_sheet(caught: &[u8]) -> Option<Vec<u8>> {
    let mail = kakehashi_email::read::parse_mail(caught).ok()?;
    let pdf = mail.parts.iter().find(|p| p.bytes.starts_with(b"%PDF-"))?;
    let last = kakehashi_fax::pages::pdf_page_count(&pdf.bytes).ok()?.checked_sub(1)?;
    let mut page = Page::from_pdf(&pdf.bytes, last).ok()?;
    let layout = kakehashi_fax::sheet::printed(&page)?;
    let tick = layout.boxes.iter().find(|b| b.id == "acknowledge")?;
    super::desk::tick(&mut page, tick);
    for stroke in desk_handwriting() {
        page.draw_line_mm(&stroke, 0.6);
    }
    Some(kakehashi_fax::paper::page_to_tiff_g4(&[page]))
}

/// 「はい」 in a hurried hand, within the handwriting area.
fn desk_handwriting() -> Vec<Vec<(f32, f32)>> {
    let at = |points: &[(f32, f32)]| points.iter().map(|(x, y)| (34.0 + x, 216.0 + y)).collect();
    vec![
        at(&[(0.0, 1.0), (-0.6, 6.0), (-0.2, 12.0), (0.8, 14.0)]),
        at(&[(4.0, 4.4), (12.0, 3.6)]),
        at(&[
            (8.6, 0.4),
            (8.8, 8.0),
            (8.2, 12.6),
            (6.0, 13.6),
            (5.0, 12.0),
            (6.6, 10.6),
            (9.6, 11.6),
            (12.0, 13.8),
        ]),
        at(&[(18.0, 2.4), (17.8, 8.0), (19.0, 12.4), (20.4, 10.6)]),
        at(&[(25.6, 3.0), (27.4, 6.0), (28.0, 9.6)]),
    ]
}

/// Where the desk is found.
pub(crate) fn desk_url(addresses: Addresses) -> String {
    format!("http://{}{}", addresses.http, desk::HOME)
}
