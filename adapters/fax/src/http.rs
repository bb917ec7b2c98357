//! FAX jobs over HTTP: one JSON object a job, the same key for the same attempt, so that a provider takes a
//! repetition for what it is, and a result that comes back signed (docs/fax-http.md). The answer to a job
//! is never a delivery: a taken job is handed off, and silence becomes 送達不明.

use crate::send::is_domestic;
use base64::Engine as _;
use kakehashi_core::port::{BoxFuture, Finding, FindingLevel, Outcome, Outlet, SendFault};
use kakehashi_core::rendered::{RenderedContent, RenderedDelivery, RenderedFax};
use kakehashi_core::text::clean_line;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longest answer that is read, in bytes.
const ANSWER_BYTES: u64 = 64 * 1024;

/// A provider that takes jobs over HTTP.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpFaxProfile {
    /// Name for the office; also the last step of the address to which results come.
    pub name: String,
    /// `https://fax.example/v1/jobs`.
    pub url: String,
    /// Sent as `Authorization: Bearer …`.
    pub token: String,
    /// With which the provider signs its results.
    pub callback_secret: String,
    /// Most pages of a job.
    #[serde(default = "fifty")]
    pub pages: u32,
    /// Seconds after which silence becomes 送達不明.
    #[serde(default = "half_an_hour")]
    pub report_within_seconds: i64,
    /// Whether it is tried before the providers by mail; else after them.
    #[serde(default)]
    pub first: bool,
}

impl std::fmt::Debug for HttpFaxProfile {
    /// Token and secret stay out of every log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpFaxProfile")
            .field("name", &self.name)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

const fn fifty() -> u32 {
    50
}

const fn half_an_hour() -> i64 {
    1800
}

#[derive(Serialize)]
struct Job<'a> {
    key: String,
    number: &'a str,
    pages: u32,
    media_type: &'static str,
    file_base64: String,
    callback_url: &'a str,
}

#[derive(Deserialize)]
struct Taken {
    job: String,
}

/// Sends FAX jobs over HTTP.
#[derive(Debug, Clone)]
pub struct HttpFaxOutlet {
    profile: HttpFaxProfile,
    /// Where results are told: `https://…/api/v1/fax-results/NAME`.
    callback_url: String,
}

impl HttpFaxOutlet {
    /// An outlet for one provider. `public_url` is the gateway's own address, without a slash at its end.
    #[must_use]
    pub fn new(profile: HttpFaxProfile, public_url: &str) -> Self {
        let callback_url =
            format!("{}/api/v1/fax-results/{}", public_url.trim_end_matches('/'), profile.name);
        Self { profile, callback_url }
    }

    fn body(&self, item: &RenderedDelivery, job: &RenderedFax) -> Result<Vec<u8>, SendFault> {
        if !is_domestic(&job.number) {
            return Err(SendFault::Unsendable(
                "not a domestic FAX number of 9 to 13 digits; correct it in the directory".to_owned(),
            ));
        }
        if job.pages > self.profile.pages {
            let words = format!("{} pages, the provider takes {}", job.pages, self.profile.pages);
            return Err(SendFault::Unsendable(words));
        }
        let told = Job {
            key: format!("{}.{}", item.delivery_id, item.attempt),
            number: &job.number,
            pages: job.pages,
            media_type: "application/pdf",
            file_base64: base64::engine::general_purpose::STANDARD.encode(&job.pdf),
            callback_url: &self.callback_url,
        };
        serde_json::to_vec(&told).map_err(|e| SendFault::Unsendable(e.to_string()))
    }

    fn submit(&self, key: &str, body: &[u8], deadline: Duration) -> Outcome {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(deadline))
            .timeout_connect(Some(deadline.min(Duration::from_secs(10))))
            .build();
        let agent: ureq::Agent = config.into();
        let request = agent
            .post(&self.profile.url)
            .header("Authorization", &format!("Bearer {}", self.profile.token))
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", key);
        let mut answer = match request.send(body) {
            Ok(answer) => answer,
            Err(fault) => return unanswered(&fault),
        };
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES).read_to_vec().unwrap_or_default();
        self.outcome(status, &text)
    }

    fn outcome(&self, status: u16, answer: &[u8]) -> Outcome {
        let words = clean_line(&format!("HTTP {status} {}", String::from_utf8_lossy(answer)), 200);
        match status {
            200..=202 => match serde_json::from_slice::<Taken>(answer) {
                Ok(taken) if !taken.job.trim().is_empty() => Outcome::HandedOff {
                    job: clean_line(&taken.job, 200),
                    report_within_seconds: self.profile.report_within_seconds,
                },
                // It may have the job and cannot say how it calls it.
                _ => Outcome::Unknown(SendFault::RefusedForNow(words)),
            },
            // Too busy, or broken on its side: the same key makes a repetition harmless.
            408 | 425 | 429 | 500..=599 => {
                Outcome::RetryAfter { wait: None, cause: SendFault::RefusedForNow(words) }
            }
            // The job itself can never be sent.
            400 | 413 | 422 => Outcome::Failed(SendFault::RefusedForGood(words)),
            // Our account, address or configuration: another provider may do.
            _ => Outcome::RetryAfter { wait: None, cause: SendFault::RefusedForGood(words) },
        }
    }
}

/// Before the request was out nothing can have been taken; afterwards it may have been.
fn unanswered(fault: &ureq::Error) -> Outcome {
    let words = clean_line(&fault.to_string(), 200);
    match fault {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
            Outcome::RetryAfter { wait: None, cause: SendFault::Unreachable(words) }
        }
        ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
            Outcome::RetryAfter { wait: None, cause: SendFault::Unreachable(words) }
        }
        ureq::Error::Io(fault) if fault.kind() == std::io::ErrorKind::ConnectionRefused => {
            Outcome::RetryAfter { wait: None, cause: SendFault::Unreachable(words) }
        }
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => {
            Outcome::RetryAfter { wait: None, cause: SendFault::Tls(words) }
        }
        ureq::Error::BadUri(_) => Outcome::RetryAfter { wait: None, cause: SendFault::RefusedForGood(words) },
        _ => Outcome::Unknown(SendFault::TimedOut(words)),
    }
}

impl Outlet for HttpFaxOutlet {
    fn send<'a>(&'a self, item: &'a RenderedDelivery, deadline: Duration) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let RenderedContent::Fax(job) = &item.content else {
                return Outcome::Failed(SendFault::Unsendable("not a FAX".to_owned()));
            };
            let body = match self.body(item, job) {
                Ok(body) => body,
                Err(fault) => return Outcome::Failed(fault),
            };
            let (outlet, key) = (self.clone(), format!("{}.{}", item.delivery_id, item.attempt));
            match tokio::task::spawn_blocking(move || outlet.submit(&key, &body, deadline)).await {
                Ok(outcome) => outcome,
                Err(_) => Outcome::Unknown(SendFault::TimedOut("the attempt ended badly".to_owned())),
            }
        })
    }

    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        let finding = |level, detail: &str, remedy: &str| Finding {
            level,
            subject: "FAX送信 HTTP".to_owned(),
            detail: detail.to_owned(),
            remedy: remedy.to_owned(),
        };
        let url = &self.profile.url;
        let local = url.starts_with("http://127.0.0.1") || url.starts_with("http://localhost");
        let mut found = Vec::new();
        if !url.starts_with("https://") && !local {
            found.push(finding(
                FindingLevel::Broken,
                "pages would travel in the open",
                "use an https:// address",
            ));
        }
        if self.profile.callback_secret.len() < 24 {
            found.push(finding(
                FindingLevel::Broken,
                "the secret of the results is short",
                "use at least 24 random signs in callback_secret",
            ));
        }
        let plain = self.profile.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !plain || self.profile.name.is_empty() {
            found.push(finding(
                FindingLevel::Broken,
                "the name is part of an address",
                "use letters, digits and hyphens only",
            ));
        }
        if found.is_empty() {
            found.push(finding(FindingLevel::Good, "jobs go over HTTP", ""));
        }
        Box::pin(std::future::ready(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outlet() -> HttpFaxOutlet {
        let profile = HttpFaxProfile {
            name: "second".to_owned(),
            url: "https://fax.example/v1/jobs".to_owned(),
            token: "t".to_owned(),
            callback_secret: "s".repeat(24),
            pages: 50,
            report_within_seconds: 1800,
            first: false,
        };
        HttpFaxOutlet::new(profile, "https://kakehashi.example/")
    }

    #[test]
    fn answers_are_told_apart() {
        let outlet = outlet();
        let taken = outlet.outcome(202, br#"{"job":"J-1"}"#);
        assert_eq!(taken, Outcome::HandedOff { job: "J-1".into(), report_within_seconds: 1800 });
        assert!(matches!(outlet.outcome(200, b"ok"), Outcome::Unknown(_)), "it may have it");
        assert!(matches!(outlet.outcome(503, b""), Outcome::RetryAfter { .. }));
        assert!(matches!(outlet.outcome(401, b""), Outcome::RetryAfter { .. }), "another provider may do");
        assert!(matches!(outlet.outcome(422, b"no"), Outcome::Failed(SendFault::RefusedForGood(_))));
        assert!(!format!("{outlet:?}").contains("ssss"), "no secret in a log");
    }

    #[test]
    fn a_job_says_what_it_is() {
        let job = RenderedFax {
            number: "0300000104".into(),
            to_name: String::new(),
            pdf: b"%PDF-1.7".to_vec(),
            pages: 2,
            message_id: "m@x".into(),
        };
        let item = RenderedDelivery {
            delivery_id: "01JD".into(),
            attempt: 3,
            content: RenderedContent::Fax(job.clone()),
        };
        let told: serde_json::Value = serde_json::from_slice(&outlet().body(&item, &job).unwrap()).unwrap();
        assert_eq!(told["key"], "01JD.3");
        assert_eq!(told["callback_url"], "https://kakehashi.example/api/v1/fax-results/second");
        assert_eq!(told["file_base64"], "JVBERi0xLjc=");
        let long = RenderedFax { pages: 51, ..job.clone() };
        assert!(outlet().body(&item, &long).is_err());
        let abroad = RenderedFax { number: "+8210".into(), ..job };
        assert!(outlet().body(&item, &abroad).is_err());
    }
}
