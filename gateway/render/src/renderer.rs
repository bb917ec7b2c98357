//! The one entrance: a delivery job in, finished content out. It is built once (fonts and templates are
//! read then), shared between threads, and blocks its thread for the time of one rendering, so callers
//! on a runtime put it on a blocking thread.

use crate::fault::RenderFault;
use crate::hospital;
use crate::mail::{self, MailTemplates, notice};
use crate::paper::Paper;
use crate::phone;
use crate::sheet::{self, PaperPages};
use kakehashi_core::job::{DeliveryJob, JobContent, JobPosts};
use kakehashi_core::rendered::{RenderedContent, RenderedFax};
use kakehashi_core::sheet_geometry::SheetLayout;
use kakehashi_core::sheet_order::SheetContent;
use kakehashi_core::vocabulary::Channel;

/// Renders deliveries.
pub struct Renderer {
    paper: Paper,
    mails: MailTemplates,
}

impl Renderer {
    /// Reads the built-in fonts and templates.
    ///
    /// # Errors
    /// Only if the program itself is damaged or wrong; it must not start then.
    pub fn new() -> Result<Self, RenderFault> {
        Ok(Self { paper: Paper::new()?, mails: MailTemplates::new()? })
    }

    /// Renders a delivery for the channel of its endpoint.
    ///
    /// # Errors
    /// A [`RenderFault`]: permanent, the delivery goes to the office.
    pub fn render(&self, job: &DeliveryJob) -> Result<RenderedContent, RenderFault> {
        match &job.content {
            JobContent::Posts(posts) => self.render_posts(job, posts),
            JobContent::Sheet(ordered) => {
                if let (Channel::Email, SheetContent::Status(table)) =
                    (ordered.endpoint.channel, &ordered.content)
                {
                    return mail::status::status(&self.mails, job, ordered, table)
                        .map(RenderedContent::Email);
                }
                if ordered.endpoint.channel == Channel::Email {
                    let mail = match &ordered.content {
                        SheetContent::Receipt(of) => mail::receipt::receipt(&self.mails, job, ordered, of),
                        SheetContent::LeaveConfirmation { alias } => {
                            mail::receipt::leave_confirmation(&self.mails, job, ordered, alias)
                        }
                        _ => Err(RenderFault::ChannelNotRendered(Channel::Email)),
                    };
                    return mail.map(RenderedContent::Email);
                }
                if ordered.endpoint.channel != Channel::Fax {
                    return Err(RenderFault::ChannelNotRendered(ordered.endpoint.channel));
                }
                let pages = sheet::sheet(&self.paper, job, ordered)?;
                Ok(RenderedContent::Fax(RenderedFax {
                    number: digits(&ordered.endpoint.address),
                    to_name: kakehashi_core::text::clean_line(&ordered.facility.name, 60),
                    pdf: pages.pdf,
                    pages: pages.pages,
                    message_id: mail::message_id(job, Some(&ordered.code)),
                }))
            }
            JobContent::Notice { notice, address, channel } => {
                let words = notice::words(*notice);
                match channel {
                    Channel::Email => {
                        mail::notify(&self.mails, job, address, &words).map(RenderedContent::Email)
                    }
                    Channel::Fax => {
                        let pages = sheet::notice(&self.paper, job, "", &words)?;
                        Ok(RenderedContent::Fax(RenderedFax {
                            number: digits(address),
                            to_name: "ご担当者".to_owned(),
                            pdf: pages.pdf,
                            pages: pages.pages,
                            message_id: mail::message_id(job, None),
                        }))
                    }
                    Channel::PhoneMemo
                    | Channel::Notebook
                    | Channel::Api
                    | Channel::Mqtt
                    | Channel::Hl7
                    | Channel::Web => Err(RenderFault::ChannelNotRendered(*channel)),
                }
            }
        }
    }

    /// The pages that a FAX of this job has, whatever the channel of its endpoint: for previews.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn sheet_pdf(&self, job: &DeliveryJob) -> Result<PaperPages, RenderFault> {
        match &job.content {
            JobContent::Posts(posts) if posts.items.is_empty() => Err(RenderFault::NoItems),
            JobContent::Posts(posts) => sheet::fax(&self.paper, job, posts),
            JobContent::Sheet(ordered) => sheet::sheet(&self.paper, job, ordered),
            JobContent::Notice { notice, .. } => sheet::notice(&self.paper, job, "", &notice::words(*notice)),
        }
    }

    /// What can be read on page `page` of this delivery, its last, with the names of the roster as
    /// labels; `None` if it carries no sheet with boxes.
    #[must_use]
    pub fn sheet_layout(&self, job: &DeliveryJob, page: u32) -> Option<SheetLayout> {
        let page = u16::try_from(page).unwrap_or(u16::MAX);
        match &job.content {
            JobContent::Posts(posts) => sheet::layout_of_posts(&self.paper, job, posts, page),
            JobContent::Sheet(ordered) => sheet::layout_of_order(&self.paper, ordered, page),
            JobContent::Notice { .. } => None,
        }
    }

    fn render_posts(&self, job: &DeliveryJob, posts: &JobPosts) -> Result<RenderedContent, RenderFault> {
        if posts.items.is_empty() {
            return Err(RenderFault::NoItems);
        }
        match posts.endpoint.channel {
            Channel::Email => mail::deliver(&self.mails, &self.paper, job, posts).map(RenderedContent::Email),
            Channel::Fax => {
                let pages = sheet::fax(&self.paper, job, posts)?;
                Ok(RenderedContent::Fax(RenderedFax {
                    number: digits(&posts.endpoint.address),
                    to_name: kakehashi_core::text::clean_line(&posts.facility.name, 60),
                    pdf: pages.pdf,
                    pages: pages.pages,
                    message_id: mail::message_id(job, Some(&posts.code)),
                }))
            }
            Channel::PhoneMemo => Ok(phone::call(job, posts)),
            Channel::Hl7 => hospital::notes(job, posts).map(RenderedContent::Hl7),
            channel @ (Channel::Notebook | Channel::Api | Channel::Mqtt | Channel::Web) => {
                Err(RenderFault::ChannelNotRendered(channel))
            }
        }
    }
}

fn digits(number: &str) -> String {
    kakehashi_core::text::number::fold_number(number)
        .unwrap_or_else(|| number.chars().filter(char::is_ascii_digit).collect())
}
