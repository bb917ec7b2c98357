//! The one-page form for people without software: the same care note as the API takes, signed with the
//! facility's key, through the same door.

use crate::api::care_notes::{KeyOwner, owner_of};
use crate::app::App;
use crate::error::PageError;
use crate::forms::Fields;
use crate::random::FormKeys;
use crate::session::Guest;
use crate::upload::{self, Upload};
use crate::views::post::FreshKeys;
use crate::views::simple::{NotePage, NoteSentPage, expectations, urgencies};
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kakehashi_core::care_note::{
    Arrival, CareNote, CareNoteAttachment, CareNoteLimits, CareNotePatient, intake,
};
use kakehashi_core::port::{IntakeAnswer, Refusal};
use kakehashi_core::vocabulary::{Authenticity, Channel, ReplyExpectation, Urgency};

/// The empty form.
pub(crate) async fn form(State(app): State<App>, guest: Guest) -> Result<Response, PageError> {
    show(&app, &guest, &Fields::default(), None, StatusCode::OK)
}

fn show(
    app: &App,
    guest: &Guest,
    fields: &Fields,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, PageError> {
    let lang = guest.lang;
    let urgency = fields.get("urgency").and_then(Urgency::from_code).unwrap_or(Urgency::Normal);
    let expectation =
        fields.get("expectation").and_then(ReplyExpectation::from_code).unwrap_or(ReplyExpectation::None);
    let page = NotePage {
        csrf: guest.token.clone(),
        problem,
        note_id: fields.get("note_id").map_or_else(|| FormKeys(app.now()).next(), str::to_owned),
        group_alias: fields.line("group_alias", 100),
        patient_name: fields.line("patient_name", 100),
        birth_date: fields.line("birth_date", 10),
        title: fields.line("title", 200),
        body: fields.text("body", 20_000),
        author: fields.line("author", 100),
        urgencies: urgencies(lang, urgency),
        expectations: expectations(lang, expectation),
    };
    guest.page(&lang.t("note.title"), "note", &page).map(|page| (status, page).into_response())
}

/// Checks the key and hands the note in.
pub(crate) async fn send(
    State(app): State<App>,
    guest: Guest,
    form: Multipart,
) -> Result<Response, PageError> {
    let lang = guest.lang;
    let upload = upload::read(form).await?;
    let fields = &upload.fields;
    if !guest.signed(fields.get("csrf")) {
        return show(&app, &guest, fields, Some(lang.t("error.form_help")), StatusCode::FORBIDDEN);
    }
    let KeyOwner::Known(owner) = owner_of(&app, &guest.peer, fields.get("key").unwrap_or_default()).await?
    else {
        return show(&app, &guest, fields, Some(lang.t("note.bad_key")), StatusCode::UNAUTHORIZED);
    };
    let note = note_of(&upload);
    let names_somebody = note.group.is_some()
        || note.patient.as_ref().is_some_and(|p| p.name.is_some() && p.birth_date.is_some());
    let problem = if upload.wrong_kind {
        Some("compose.file_kind")
    } else if !names_somebody {
        Some("note.whom_needed")
    } else if note.body.is_none() && note.attachments.is_empty() {
        Some("note.what_needed")
    } else {
        None
    };
    if let Some(problem) = problem {
        return show(&app, &guest, fields, Some(lang.t(problem)), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let arrival = Arrival {
        channel: Channel::Web,
        endpoint: owner.endpoint_id,
        login_user: None,
        authenticity: Authenticity::ApiKey,
        peer: Some(guest.peer.clone()),
        idempotency_key: None,
        received_at: app.now(),
    };
    let intake = match intake(note.to_json(), arrival, &CareNoteLimits::default()) {
        Ok(intake) => intake,
        Err(fault) => {
            let problem = lang.tf("note.refused", &[&fault.to_string()]);
            return show(&app, &guest, fields, Some(problem), StatusCode::UNPROCESSABLE_ENTITY);
        }
    };
    match app.state.desk.hand_in(intake).await {
        IntakeAnswer::Accepted(id) | IntakeAnswer::Duplicate(id) => {
            guest.page(&lang.t("note.sent"), "note_sent", &NoteSentPage { intake_id: id.to_string() })
        }
        IntakeAnswer::Refused(Refusal::TooLarge { .. }) => Err(PageError::TooLarge),
        IntakeAnswer::Refused(Refusal::Unacceptable(reason)) => {
            let problem = lang.tf("note.refused", &[&reason]);
            show(&app, &guest, fields, Some(problem), StatusCode::UNPROCESSABLE_ENTITY)
        }
        IntakeAnswer::TryLater(_) => Err(PageError::Unavailable),
    }
}

fn note_of(upload: &Upload) -> CareNote {
    let fields = &upload.fields;
    let some = |text: String| Some(text).filter(|t| !t.is_empty());
    let patient = CareNotePatient {
        name: some(fields.line("patient_name", 100)),
        birth_date: some(fields.line("birth_date", 10)),
        ..CareNotePatient::default()
    };
    CareNote {
        note_id: some(fields.line("note_id", 26)),
        group: some(fields.line("group_alias", 100)),
        patient: Some(patient).filter(|p| p.name.is_some() || p.birth_date.is_some()),
        title: some(fields.line("title", 200)),
        body: some(fields.text("body", 20_000)),
        urgency: fields.get("urgency").and_then(Urgency::from_code),
        reply_expectation: fields.get("expectation").and_then(ReplyExpectation::from_code),
        staff_name: some(fields.line("author", 100)),
        attachments: upload
            .files
            .iter()
            .map(|f| CareNoteAttachment {
                name: f.name.clone(),
                media_type: Some(f.media_type.to_owned()),
                data: STANDARD.encode(&f.bytes),
            })
            .collect(),
        ..CareNote::default()
    }
}
