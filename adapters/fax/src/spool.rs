//! Jobs as files in a folder that a local FAX server empties: a TIFF beside a control file in the form of
//! HylaFAX's `sendfax` arguments or an Asterisk call file (`SendFAX` application). Files appear by renaming,
//! never half written. Names and contents hold no patient's name; whether the call went through is told
//! by the server's notice, as a mail, or by silence.

use crate::tiff_out::{Coding, Lines, pdf_to_tiff};
use kakehashi_core::port::{BoxFuture, Finding, FindingLevel, Outcome, Outlet, SendFault};
use kakehashi_core::rendered::{RenderedContent, RenderedDelivery, RenderedFax};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder and what empties it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpoolProfile {
    /// The folder; must exist and be on one file system.
    pub folder: PathBuf,
    /// What empties it.
    pub server: SpoolServer,
    /// Lines an inch.
    #[serde(default = "fine")]
    pub lines: Lines,
    /// Address to which HylaFAX mails its notice: an intake address of the gateway.
    #[serde(default)]
    pub notify: Option<String>,
    /// Asterisk's channel, `{number}` is replaced: `PJSIP/{number}@trunk`.
    #[serde(default)]
    pub channel: Option<String>,
    /// Whether it is tried before the providers by mail; else after them.
    #[serde(default)]
    pub first: bool,
    /// Seconds after which silence becomes 送達不明.
    #[serde(default = "half_an_hour")]
    pub report_within_seconds: i64,
}

const fn fine() -> Lines {
    Lines::Fine
}

const fn half_an_hour() -> i64 {
    1800
}

/// What empties the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpoolServer {
    /// `NAME.tif` and `NAME.sendfax`, one argument a line, for `xargs -d '\n' -a NAME.sendfax sendfax`.
    Hylafax,
    /// `NAME.tif` and `NAME.call`, to be moved to `/var/spool/asterisk/outgoing`.
    Asterisk,
}

/// Writes jobs into the folder.
#[derive(Debug)]
pub struct SpoolOutlet {
    profile: SpoolProfile,
}

impl SpoolOutlet {
    /// An outlet for this folder.
    #[must_use]
    pub const fn new(profile: SpoolProfile) -> Self {
        Self { profile }
    }

    fn write(
        profile: &SpoolProfile,
        item: &RenderedDelivery,
        job: &RenderedFax,
    ) -> Result<String, SendFault> {
        if !crate::send::is_domestic(&job.number) {
            return Err(SendFault::Unsendable(
                "not a domestic FAX number of 9 to 13 digits; correct it in the directory".to_owned(),
            ));
        }
        let name = format!("fax-{}-{}", item.delivery_id.as_str(), item.attempt);
        let pages = profile.folder.join(format!("{name}.tif"));
        let control = match profile.server {
            SpoolServer::Hylafax => ("sendfax", hylafax(profile, job, &pages)),
            SpoolServer::Asterisk => ("call", asterisk(profile, job, &name, &pages)),
        };
        let tiff = pdf_to_tiff(&job.pdf, Coding::Group4, profile.lines)
            .map_err(|e| SendFault::Unsendable(e.to_string()))?;
        // The pages first: the server looks for control files.
        put(&pages, &tiff)?;
        put(&profile.folder.join(format!("{name}.{}", control.0)), control.1.as_bytes())?;
        Ok(name)
    }
}

/// `sendfax` of HylaFAX: no cover page, notice when done, destination, file.
fn hylafax(profile: &SpoolProfile, job: &RenderedFax, pages: &Path) -> String {
    let mut arguments = vec!["-n".to_owned(), "-D".to_owned()];
    if profile.lines == Lines::Fine {
        arguments.push("-m".to_owned());
    } else {
        arguments.push("-l".to_owned());
    }
    if let Some(notify) = &profile.notify {
        arguments.extend(["-f".to_owned(), notify.clone()]);
    }
    // The job tag comes back in the notice and names the delivery.
    arguments.extend(["-i".to_owned(), job.message_id.clone(), "-d".to_owned(), job.number.clone()]);
    arguments.push(pages.display().to_string());
    arguments.join("\n") + "\n"
}

/// A call file of Asterisk: dial, then `SendFAX` with the pages.
fn asterisk(profile: &SpoolProfile, job: &RenderedFax, name: &str, pages: &Path) -> String {
    let channel = profile.channel.as_deref().unwrap_or("Local/{number}@fax-out");
    format!(
        "Channel: {}\nMaxRetries: 0\nWaitTime: 45\nAccount: {name}\nApplication: SendFAX\nData: {}\n",
        channel.replace("{number}", &job.number),
        pages.display()
    )
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), SendFault> {
    let half = path.with_extension("part");
    let fault = |error: std::io::Error| SendFault::Unreachable(format!("spool folder: {error}"));
    std::fs::write(&half, bytes).map_err(fault)?;
    std::fs::rename(&half, path).map_err(fault)
}

impl Outlet for SpoolOutlet {
    fn send<'a>(&'a self, item: &'a RenderedDelivery, deadline: Duration) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let RenderedContent::Fax(job) = &item.content else {
                return Outcome::Failed(SendFault::Unsendable("not a FAX".to_owned()));
            };
            let (profile, copy, job) = (self.profile.clone(), item.clone(), job.clone());
            let message_id = job.message_id.clone();
            // Drawing pages is work for a thread of its own.
            let written = tokio::task::spawn_blocking(move || Self::write(&profile, &copy, &job));
            match tokio::time::timeout(deadline, written).await {
                Ok(Ok(Ok(_))) => Outcome::HandedOff {
                    job: message_id,
                    report_within_seconds: self.profile.report_within_seconds,
                },
                Ok(Ok(Err(fault @ SendFault::Unsendable(_)))) => Outcome::Failed(fault),
                Ok(Ok(Err(cause))) => Outcome::RetryAfter { wait: None, cause },
                // The files may appear yet.
                Ok(Err(_)) | Err(_) => {
                    Outcome::Unknown(SendFault::TimedOut("the spool folder did not take the job".to_owned()))
                }
            }
        })
    }

    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async move {
            let there = self.profile.folder.is_dir();
            vec![Finding {
                level: if there { FindingLevel::Good } else { FindingLevel::Broken },
                subject: "FAX送信 spool".to_owned(),
                detail: format!(
                    "{}{}",
                    self.profile.folder.display(),
                    if there { "" } else { " is no folder" }
                ),
                remedy: if there { String::new() } else { "make the folder or name another".to_owned() },
            }]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kakehashi_core::ids::DeliveryId;

    const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Count 1/Kids[3 0 R]>>\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>\nendobj\ntrailer\n<</Size 4/Root 1 0 R>>\n%%EOF\n";

    fn item(number: &str) -> RenderedDelivery {
        RenderedDelivery {
            delivery_id: DeliveryId::new("01JTEST"),
            attempt: 1,
            content: RenderedContent::Fax(RenderedFax {
                number: number.into(),
                to_name: "みどり訪問看護".into(),
                pdf: PDF.to_vec(),
                pages: 1,
                message_id: "01JTEST@in.example".into(),
            }),
        }
    }

    #[tokio::test]
    async fn a_job_is_two_whole_files() {
        for (server, ending) in [(SpoolServer::Hylafax, "sendfax"), (SpoolServer::Asterisk, "call")] {
            let folder =
                std::env::temp_dir().join(format!("kakehashi-spool-{}-{ending}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let outlet = SpoolOutlet::new(SpoolProfile {
                folder: folder.clone(),
                server,
                lines: Lines::Fine,
                notify: Some("fax@in.example".into()),
                channel: None,
                first: false,
                report_within_seconds: 600,
            });
            let outcome = outlet.send(&item("0300000104"), Duration::from_secs(30)).await;
            assert_eq!(
                outcome,
                Outcome::HandedOff { job: "01JTEST@in.example".into(), report_within_seconds: 600 }
            );
            let control = std::fs::read_to_string(folder.join(format!("fax-01JTEST-1.{ending}"))).unwrap();
            assert!(control.contains("0300000104") && !control.contains("みどり"), "{control}");
            let tiff = std::fs::read(folder.join("fax-01JTEST-1.tif")).unwrap();
            assert!(tiff.starts_with(b"II*\0"));
            assert!(!folder.join("fax-01JTEST-1.part").exists());
            let refused = outlet.send(&item("119"), Duration::from_secs(30)).await;
            assert!(matches!(refused, Outcome::Failed(SendFault::Unsendable(_))));
            std::fs::remove_dir_all(&folder).unwrap();
            let away = outlet.send(&item("0300000104"), Duration::from_secs(30)).await;
            assert!(matches!(away, Outcome::RetryAfter { .. }), "{away:?}");
            assert_eq!(outlet.check().await[0].level, FindingLevel::Broken);
        }
    }
}
