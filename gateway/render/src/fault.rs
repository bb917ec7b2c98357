//! Why a delivery could not be rendered. A fault never holds text of a post, so it may be logged; none
//! of them goes away by waiting, so a caller stops the delivery and shows it to the office.

use kakehashi_core::vocabulary::Channel;

/// Why a delivery could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderFault {
    /// The delivery holds no post.
    #[error("the delivery holds no post; it must be planned again")]
    NoItems,
    /// This channel is not rendered for people.
    #[error("nothing is rendered for the channel {0}; remove the endpoint's receiving setting")]
    ChannelNotRendered(Channel),
    /// The hospital's number of the patient is not known.
    #[error(
        "the hospital's number of this patient is not confirmed; confirm it in the directory, then send again"
    )]
    NoHospitalNumber,
    /// An embedded font cannot be read.
    #[error("the embedded font cannot be read; the program file is damaged, install it again")]
    Font,
    /// A mail template is wrong.
    #[error("a mail template is wrong; this is a fault of the program, report it")]
    MailTemplate(#[source] Box<handlebars::TemplateError>),
    /// A mail could not be written from its template.
    #[error("a mail could not be written from its template; this is a fault of the program, report it")]
    Mail(#[source] Box<handlebars::RenderError>),
    /// Values could not be handed to a sheet.
    #[error("the values of a sheet could not be prepared; this is a fault of the program, report it")]
    SheetValues(#[source] serde_json::Error),
    /// A sheet could not be laid out.
    #[error("a sheet could not be laid out ({0}); this is a fault of the program, report it")]
    Sheet(String),
    /// A QR could not be made.
    #[error("the QR of a reply code could not be made ({0}); this is a fault of the program, report it")]
    Qr(qrcode::types::QrError),
    /// A PDF could not be encrypted.
    #[error("a PDF could not be encrypted; set another password or another content mode for the endpoint")]
    Encrypt(#[source] Box<lopdf::Error>),
}
