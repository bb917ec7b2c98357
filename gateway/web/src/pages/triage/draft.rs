//! 下書き(OCR) for the 転記 of a triage item, made when a person asks for it and never on the way in. What the
//! program read goes back into that person's form and nowhere else: it is not kept, and it is placed only after the
//! person says that it was compared with the picture.

use super::{Asked, open_item, show};
use crate::app::App;
use crate::error::PageError;
use crate::forms::{Fields, SignedForm};
use crate::rights::Office;
use crate::views::placing::with_draft;
use crate::views::triage::Typed;
use axum::extract::{Path, State};
use axum::response::Response;
use kakehashi_core::ids::AttachmentId;
use kakehashi_core::ocr::{OcrFault, PictureOf};
use kakehashi_core::vocabulary::AttachmentRole;
use kakehashi_store::view::TriageItem;

/// Pictures that are read for one draft: somebody waits for it.
const PICTURES: usize = 3;

/// The pictures that a draft is made from: the writing cut out of a sheet; else the pages that the person ticked,
/// or those that no post has taken yet.
pub(crate) fn pictures(item: &TriageItem, typed: Option<&Fields>) -> Vec<(AttachmentId, PictureOf)> {
    let of = |role| item.attachments.iter().filter(move |a| a.role == role && a.media_type == "image/png");
    let is_sheet = item.envelope.as_ref().is_some_and(|e| e.sheet.is_some());
    let ticked = |id: &AttachmentId| typed.is_some_and(|f| f.all("page").any(|p| p == id.as_str()));
    let pages: Vec<_> = of(AttachmentRole::PageImage).collect();
    let mut chosen: Vec<(AttachmentId, PictureOf)> = Vec::new();
    if pages.iter().any(|a| ticked(&a.id)) {
        chosen.extend(pages.iter().filter(|a| ticked(&a.id)).map(|a| (a.id.clone(), PictureOf::Page)));
    } else if is_sheet && of(AttachmentRole::Inline).next().is_some() {
        chosen.extend(of(AttachmentRole::Inline).map(|a| (a.id.clone(), PictureOf::Writing)));
    } else {
        let all_taken = pages.iter().all(|a| a.post_id.is_some());
        let open = pages.iter().filter(|a| all_taken || a.post_id.is_none());
        chosen.extend(open.map(|a| (a.id.clone(), PictureOf::Page)));
    }
    chosen.truncate(PICTURES);
    chosen
}

/// The item again, with a draft in the form.
pub(crate) async fn make(
    State(app): State<App>,
    office: Office,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm,
) -> Result<Response, PageError> {
    let item = open_item(&office, id).await?;
    let (draft, fault) = read(&app, &office, &pictures(&item, Some(&fields))).await?;
    let lang = office.visitor.lang;
    let no_draft = fault.map(|fault| {
        tracing::warn!(triage = %item.row.id, fault = fault.code(), "web.draft: no 下書き(OCR)");
        lang.t(&format!("placing.no_draft.{}", fault.code()))
    });
    let fields = if draft.is_empty() { fields } else { with_draft(fields, &draft) };
    let typed = Typed { fields: &fields, wrong: None, no_draft };
    show(&app, &office, &item, &Asked { turn: None, larger: None }, Some(typed)).await
}

/// What could be read of the pictures, and why not more.
async fn read(
    app: &App,
    office: &Office,
    pictures: &[(AttachmentId, PictureOf)],
) -> Result<(String, Option<OcrFault>), PageError> {
    let engine = app.state.ocr.as_ref().ok_or(PageError::NotFound)?;
    let mut drafts = Vec::new();
    let mut fault = None;
    for (id, shows) in pictures {
        let Some((_, png)) = office.view.attachment(id).await? else { continue };
        let permit = app.reading.acquire().await.map_err(|e| PageError::internal(&e))?;
        let read = engine.draft(png, *shows).await;
        drop(permit);
        match read {
            Ok(draft) => drafts.push(draft),
            // A page without print beside one with some is no fault.
            Err(OcrFault::Nothing) => {}
            Err(other) => {
                fault = Some(other);
                break;
            }
        }
    }
    let nothing = drafts.is_empty().then_some(OcrFault::Nothing);
    Ok((drafts.join("\n"), fault.or(nothing)))
}
