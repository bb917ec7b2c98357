//! FAX jobs as mails to a provider that turns `<number>@<domain>` into a call (care-network.md 4.1). A
//! taken mail is a job handed off and never a delivered page: such providers drop refused jobs without
//! a word, so every job carries the time after which silence means 送達不明.

use crate::tiff_out::{Coding, Lines, pdf_to_tiff};
use kakehashi_core::port::{BoxFuture, Finding, FindingLevel, MailCarrier, Outcome, Outlet, SendFault};
use kakehashi_core::rendered::{RenderedContent, RenderedDelivery, RenderedFax, RenderedFile, RenderedMail};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// How a provider takes jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaxSendProfile {
    /// `{number}@fax.example`; `{number}` becomes the digits.
    pub address_pattern: String,
    /// The address that is registered with the provider. The carrier must send with it; it is also
    /// the address to which reports come.
    pub from: String,
    /// Subject of the job mail: `{message_id}` and `{delivery_id}` are replaced, so that a report which
    /// quotes the subject names the job. Never holds a patient's or facility's name.
    #[serde(default = "default_subject")]
    pub subject: String,
    /// Seconds after which silence becomes 送達不明.
    #[serde(default = "default_report_within_seconds")]
    pub report_within_seconds: i64,
    /// Most pages of a job.
    #[serde(default = "default_pages")]
    pub pages: u32,
    /// Name for the office and the metrics.
    #[serde(default = "default_name")]
    pub name: String,
    /// What the pages are sent as.
    #[serde(default)]
    pub format: PageFormat,
    /// Text of the job mail, with the same replacements as the subject; some providers take orders in it.
    /// Empty by default, because others print it as a cover page.
    #[serde(default)]
    pub body: String,
    /// Name of the attached file without its ending, with the same replacements: providers join files in
    /// the order of their names.
    #[serde(default = "default_attachment")]
    pub attachment: String,
}

/// What the pages are sent as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageFormat {
    /// The PDF as it is.
    #[default]
    Pdf,
    /// TIFF, Group 4, 204×196.
    TiffG4,
    /// TIFF, Group 4, 204×98.
    TiffG4Standard,
    /// TIFF class F, Group 3, 204×196.
    TiffG3,
    /// TIFF class F, Group 3, 204×98.
    TiffG3Standard,
}

impl PageFormat {
    const fn tiff(self) -> Option<(Coding, Lines)> {
        match self {
            Self::Pdf => None,
            Self::TiffG4 => Some((Coding::Group4, Lines::Fine)),
            Self::TiffG4Standard => Some((Coding::Group4, Lines::Standard)),
            Self::TiffG3 => Some((Coding::Group3, Lines::Fine)),
            Self::TiffG3Standard => Some((Coding::Group3, Lines::Standard)),
        }
    }
}

fn default_name() -> String {
    "FAX".to_owned()
}

fn default_attachment() -> String {
    "fax-{delivery_id}".to_owned()
}

/// Whether a provider in this country can call it: digits only, 9 to 13 of them, with a leading 0.
pub(crate) fn is_domestic(number: &str) -> bool {
    number.bytes().all(|b| b.is_ascii_digit()) && number.starts_with('0') && (9..=13).contains(&number.len())
}

fn default_subject() -> String {
    "kakehashi [{message_id}]".to_owned()
}

const fn default_report_within_seconds() -> i64 {
    1800
}

const fn default_pages() -> u32 {
    50
}

/// Sends FAX jobs by a mail carrier.
#[derive(Clone)]
pub struct FaxOutlet {
    profile: FaxSendProfile,
    carrier: Arc<dyn MailCarrier>,
}

impl std::fmt::Debug for FaxOutlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaxOutlet").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl FaxOutlet {
    /// An outlet for one provider.
    #[must_use]
    pub fn new(profile: FaxSendProfile, carrier: Arc<dyn MailCarrier>) -> Self {
        Self { profile, carrier }
    }

    /// The job mail of a delivery.
    ///
    /// # Errors
    /// [`SendFault::Unsendable`] if the number or the size cannot be sent by this provider.
    pub fn job_mail(&self, item: &RenderedDelivery, job: &RenderedFax) -> Result<RenderedMail, SendFault> {
        let unsendable = |why: String| Err(SendFault::Unsendable(why));
        if !is_domestic(&job.number) {
            return unsendable(
                "not a domestic FAX number of 9 to 13 digits; correct it in the directory".to_owned(),
            );
        }
        if job.pages > self.profile.pages {
            return unsendable(format!("{} pages, the provider takes {}", job.pages, self.profile.pages));
        }
        if !job.pdf.starts_with(b"%PDF-") {
            return unsendable("the pages are not a PDF".to_owned());
        }
        let fill = |pattern: &str| {
            pattern
                .replace("{number}", &job.number)
                .replace("{message_id}", &job.message_id)
                .replace("{delivery_id}", item.delivery_id.as_str())
        };
        let name = kakehashi_core::port::clean_file_name(&fill(&self.profile.attachment));
        let file = match self.profile.format.tiff() {
            None => RenderedFile {
                name: format!("{name}.pdf"),
                media_type: "application/pdf".to_owned(),
                bytes: job.pdf.clone(),
            },
            Some((coding, lines)) => RenderedFile {
                name: format!("{name}.tif"),
                media_type: "image/tiff".to_owned(),
                bytes: pdf_to_tiff(&job.pdf, coding, lines)
                    .map_err(|e| SendFault::Unsendable(e.to_string()))?,
            },
        };
        Ok(RenderedMail {
            to: fill(&self.profile.address_pattern),
            to_name: None,
            reply_to: Some(self.profile.from.clone()),
            subject: kakehashi_core::text::clean_line(&fill(&self.profile.subject), 200),
            text: fill(&self.profile.body),
            html: None,
            message_id: job.message_id.clone(),
            references: Vec::new(),
            attachments: vec![file],
            ..RenderedMail::default()
        })
    }

    async fn attempt(&self, item: &RenderedDelivery, deadline: Duration) -> Outcome {
        let RenderedContent::Fax(job) = &item.content else {
            return Outcome::Failed(SendFault::Unsendable("not a FAX".to_owned()));
        };
        // Drawing dots is work for a thread of its own; a PDF goes as it is.
        let made = if self.profile.format == PageFormat::Pdf {
            self.job_mail(item, job)
        } else {
            let (outlet, item, job) = (self.clone(), item.clone(), job.clone());
            match tokio::task::spawn_blocking(move || outlet.job_mail(&item, &job)).await {
                Ok(made) => made,
                Err(_) => Err(SendFault::Unsendable("the pages could not be drawn as TIFF".to_owned())),
            }
        };
        let mail = match made {
            Ok(mail) => mail,
            Err(fault) => return Outcome::Failed(fault),
        };
        match self.carrier.submit(&mail, deadline).await {
            Outcome::Delivered(_) => Outcome::HandedOff {
                job: job.message_id.clone(),
                report_within_seconds: self.profile.report_within_seconds,
            },
            other => other,
        }
    }
}

impl Outlet for FaxOutlet {
    fn send<'a>(&'a self, item: &'a RenderedDelivery, deadline: Duration) -> BoxFuture<'a, Outcome> {
        Box::pin(self.attempt(item, deadline))
    }

    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async move { findings(&self.profile) })
    }
}

fn findings(profile: &FaxSendProfile) -> Vec<Finding> {
    let broken = |subject: &str, detail: String, remedy: &str| Finding {
        level: FindingLevel::Broken,
        subject: subject.to_owned(),
        detail,
        remedy: remedy.to_owned(),
    };
    let mut found = Vec::new();
    let pattern = &profile.address_pattern;
    let (local, domain) = pattern.rsplit_once('@').unwrap_or((pattern, ""));
    if !local.contains("{number}") || domain.is_empty() || domain.contains('{') {
        found.push(broken(
            "FAX送信 address_pattern",
            format!("`{pattern}` is no address with a number"),
            "write it like `{number}@fax.example`",
        ));
    }
    if !profile.from.contains('@') {
        found.push(broken(
            "FAX送信 from",
            format!("`{}` is no address", profile.from),
            "write the address that is registered with the FAX provider",
        ));
    }
    if !(60..=86_400).contains(&profile.report_within_seconds) {
        found.push(broken(
            "FAX送信 report_within_seconds",
            format!("{} seconds", profile.report_within_seconds),
            "choose between 60 and 86400",
        ));
    }
    if !profile.subject.contains("{message_id}") && !profile.subject.contains("{delivery_id}") {
        found.push(Finding {
            level: FindingLevel::Warning,
            subject: "FAX送信 subject".to_owned(),
            detail: "reports that quote the subject will not name the job".to_owned(),
            remedy: "put `[{message_id}]` into the subject".to_owned(),
        });
    }
    if found.is_empty() {
        found.push(Finding {
            level: FindingLevel::Good,
            subject: "FAX送信".to_owned(),
            detail: format!("jobs go to {domain}"),
            remedy: String::new(),
        });
    }
    found
}

#[cfg(test)]
mod tests;
