//! The pages, one file each.

mod attachments;
mod audit;
mod code;
mod code_files;
mod code_settings;
mod facilities;
mod fax;
mod groups;
mod history;
mod intakes;
mod interfaces;
mod login;
mod note;
mod notebook;
mod outbox;
mod pauses;
mod posts;
mod preview;
mod rules;
mod settings;
mod triage;

use crate::app::App;
use crate::error::PageError;
use crate::upload::REQUEST_BYTES;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

/// Pages whose forms hold no files.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(groups::home))
        .route("/login", get(login::form).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/settings", get(settings::form).post(settings::save))
        .route("/groups/{group}", get(groups::timeline))
        .route("/groups/{group}/topics/{topic}", get(groups::topic))
        .route("/groups/{group}/topics/{topic}/posts/{post}/corrections", post(posts::correct))
        .route("/groups/{group}/topics/{topic}/posts/{post}/acknowledgement", post(posts::acknowledge))
        .route(
            "/groups/{group}/topics/{topic}/posts/{post}/acknowledgement/withdrawal",
            post(posts::withdraw),
        )
        .route("/groups/{group}/topics/{topic}/posts/{post}/relatives", post(notebook::relatives))
        .route("/groups/{group}/history", post(history::order))
        .route("/groups/{group}/paste-slips", post(notebook::order_slips))
        .route("/attachments/{id}", get(attachments::file))
        .route("/attachments/{id}/zoom", get(attachments::zoom))
        .route("/attachments/{id}/pages/{page}", get(attachments::page_image))
        .route("/triage", get(triage::list))
        .route("/triage/{id}", get(triage::item))
        .route("/triage/{id}/placement", post(triage::place))
        .route("/triage/{id}/draft", post(triage::draft::make))
        .route("/triage/{id}/confirmation", post(triage::sheet::confirm))
        .route("/triage/{id}/boxes/{name}", get(triage::sheet::box_picture))
        .route("/triage/{id}/turn", post(triage::sheet::turn))
        .route("/triage/{id}/request", post(triage::request::settle))
        .route("/triage/{id}/return", post(triage::send_back))
        .route("/triage/{id}/call", post(triage::called))
        .route("/triage/{id}/discard", post(triage::discard))
        .route("/triage/{id}/quarantine", post(triage::quarantine))
        .route("/intakes", get(intakes::list))
        .route("/intakes/{id}", get(intakes::page))
        .route("/intakes/{id}/raw", get(intakes::raw))
        .route("/interfaces", get(interfaces::list))
        .route("/interfaces/messages", get(interfaces::messages).post(interfaces::find))
        .route("/interfaces/messages/{id}", get(interfaces::message))
        .route("/interfaces/messages/{id}/replay", post(interfaces::replay))
        .route("/interfaces/messages/{id}/answer", post(interfaces::answer_again))
        .route("/outbox", get(outbox::list))
        .route("/deliveries/{id}/preview", get(preview::page))
        .route("/deliveries/{id}/retry", post(outbox::retry))
        .route("/deliveries/{id}/recall", post(outbox::recall))
        .route("/deliveries/{id}/call", post(outbox::called))
        .route("/deliveries/{id}/thumbnail.png", get(fax::thumbnail))
        .route("/fax", get(fax::desk).post(fax::find))
        .route("/fax/settings", post(fax::settings))
        .route("/fax/endpoints/{id}/sheets", post(fax::order))
        .route("/fax/endpoints/{id}/verification", post(fax::verify))
        .route("/fax/endpoints/{id}/wrong", post(fax::wrong))
        .route("/fax/endpoints/{id}/number", post(fax::propose))
        .route("/fax/endpoints/{id}/check", post(fax::check))
        .route("/fax/endpoints/{id}/undo", post(fax::undo))
        .route("/rules", get(rules::page))
        .route("/facilities", get(facilities::page))
        .route("/facilities/{id}/pauses", post(pauses::begin))
        .route("/facilities/{id}/pauses/{pause}/end", post(pauses::end))
        .route("/audit", get(audit::page))
        .route("/r/{code}", get(code::page))
        .route("/r/{code}/acknowledgement", post(code::acknowledge))
        .route("/r/{code}/replies", post(code::reply))
        .route("/r/{code}/callback", post(code::call_back))
        .route("/r/{code}/settings", post(code_settings::save))
        .route("/r/{code}/rest", post(code_settings::rest))
        .route("/r/{code}/wrong-recipient", post(code::wrong_recipient))
        .route("/r/{code}/files", get(code_files::list))
        .route("/r/{code}/files/{at}", get(code_files::file))
}

/// Pages whose forms hold files.
pub(crate) fn upload_routes() -> Router<App> {
    Router::new()
        .route("/groups/{group}/posts", post(posts::open_topic))
        .route("/groups/{group}/topics/{topic}/replies", post(posts::reply))
        .route("/note", get(note::form).post(note::send))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES))
}

#[cfg(test)]
pub(crate) use triage::draft::pictures as draft_pictures;

/// What a sheet asks for, for the page that shows it.
pub(crate) use triage::request::asked as requested;

/// Every other address.
pub(crate) async fn not_found() -> PageError {
    PageError::NotFound
}
