//! Proof of sender: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489) and ARC (RFC 8617) by mail-auth, or
//! the word of a relay that the configuration trusts. Runs while an intake is settled, never while a
//! sender waits for its answer, within a time limit and with bounded work. It says what was shown and
//! never decides what follows.

mod dns;
mod results;
mod trust;

pub use dns::{Dns, FixedRecords};

use dns::Asked;
use kakehashi_core::port::{BoxFuture, RawIntake, SenderCheck, SenderProof};
use kakehashi_core::raw_bytes::Whole;
use kakehashi_core::vocabulary::{Authenticity, Format};
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{AuthenticatedMessage, DkimResult, DmarcResult, SpfResult};
use results::Claims;
use std::net::IpAddr;
use std::time::Duration;
use trust::Client;

/// Settings of the check.
#[derive(Debug, Clone)]
pub struct ProofConfig {
    /// Our name, for macros of SPF.
    pub hostname: String,
    /// Relays of our own: they are never the sender. What they wrote down of the sender is believed.
    pub trusted_relays: Vec<IpAddr>,
    /// Names under which those relays write Authentication-Results (RFC 8601 authserv-id). Only theirs
    /// are read.
    pub authserv_ids: Vec<String>,
    /// Domains whose ARC seal is believed, for lists and forwarders of our members.
    pub trusted_sealers: Vec<String>,
    /// Longest time for one mail.
    pub within: Duration,
}

impl Default for ProofConfig {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            trusted_relays: Vec::new(),
            authserv_ids: Vec::new(),
            trusted_sealers: Vec::new(),
            within: Duration::from_secs(10),
        }
    }
}

/// More signatures than any honest mail has; each costs a look-up and a public-key operation.
const MAX_SIGNATURES: usize = 12;

/// Checks senders.
pub struct SenderProver {
    config: ProofConfig,
    dns: Asked,
}

impl SenderProver {
    /// A check that asks this source of DNS records.
    ///
    /// # Errors
    /// The words say why the system's resolver cannot be used.
    pub fn new(config: ProofConfig, dns: Dns) -> Result<Self, String> {
        Ok(Self { config, dns: Asked::new(dns)? })
    }

    /// What was shown of the sender of this mail.
    pub async fn prove(&self, raw: &RawIntake) -> SenderProof {
        match tokio::time::timeout(self.config.within, self.look(raw)).await {
            Ok(proof) => proof,
            Err(_) => SenderProof { try_again: true, ..open("the checks took too long") },
        }
    }

    async fn look(&self, raw: &RawIntake) -> SenderProof {
        let Ok(bytes) = whole(raw).await else {
            return SenderProof { try_again: true, ..open("the mail cannot be read from the disk now") };
        };
        if signatures(&bytes) > MAX_SIGNATURES {
            return open("more signatures than are checked");
        }
        let Some(message) = AuthenticatedMessage::parse(&bytes) else {
            return open("no mail as far as signatures go");
        };
        let author = match message.from.as_slice() {
            [one] => domain_of(one),
            _ => None,
        };
        let Some(author) = author else { return open("not exactly one author") };
        let client = match trust::client(&self.config, &raw.origin, &message) {
            Client::Told(claims) => return self.by_claims(&claims, &author, "relay"),
            Client::Known { ip, helo } => Some((ip, helo)),
            Client::Hidden => None,
        };

        let mail_from = raw.origin.mail_from.as_deref().unwrap_or("");
        let mail_domain = domain_of(mail_from).unwrap_or_default();
        let dkim = self.dns.dkim(&message).await;
        let spf = match &client {
            Some((ip, helo)) => {
                let helo = helo.as_deref().unwrap_or("unknown.invalid");
                let asked = SpfParameters::verify(*ip, helo, &self.config.hostname, mail_from);
                self.dns.spf(asked).await
            }
            None => mail_auth::SpfOutput::new(mail_domain.clone()),
        };
        let asked = DmarcParameters::new(&message, &dkim, &mail_domain, &spf);
        let dmarc = self.dns.dmarc(asked).await;

        let signed = dkim.iter().any(|d| {
            d.result() == &DkimResult::Pass && d.signature().is_some_and(|s| aligned(&s.d, &author))
        });
        let sent = spf.result() == SpfResult::Pass && aligned(&mail_domain, &author);
        let tried_again_later = dkim.iter().any(|d| matches!(d.result(), DkimResult::TempError(_)))
            || spf.result() == SpfResult::TempError
            || matches!(dmarc.dkim_result(), DmarcResult::TempError(_))
            || matches!(dmarc.spf_result(), DmarcResult::TempError(_));
        let passed = matches!(dmarc.dkim_result(), DmarcResult::Pass)
            || matches!(dmarc.spf_result(), DmarcResult::Pass);
        let has_policy = dmarc.dmarc_record().is_some();
        let words = format!(
            "spf={} dkim={} dmarc={} for {author}",
            word(spf.result()),
            if signed {
                "pass"
            } else if dkim.is_empty() {
                "none"
            } else {
                "fail"
            },
            if passed {
                "pass"
            } else if has_policy {
                "fail"
            } else {
                "none"
            },
        );
        let shown = |authenticity| SenderProof {
            authenticity,
            failed: false,
            detail: words.clone(),
            try_again: false,
        };
        if passed {
            return shown(Authenticity::Dmarc);
        }
        if signed {
            return shown(Authenticity::Dkim);
        }
        if sent {
            return shown(Authenticity::Spf);
        }
        if let Some(claims) = self.sealed(&message).await {
            let proof = self.by_claims(&claims, &author, "arc");
            if proof.authenticity != Authenticity::None {
                return proof;
            }
        }
        // What could not be looked up is neither proof nor denial.
        let denied = has_policy || (spf.result() == SpfResult::Fail && aligned(&mail_domain, &author));
        SenderProof {
            authenticity: Authenticity::None,
            failed: denied && !tried_again_later && client.is_some(),
            detail: words,
            try_again: tried_again_later,
        }
    }

    /// What a trusted sealer says to have seen, if the chain holds.
    async fn sealed(&self, message: &AuthenticatedMessage<'_>) -> Option<Claims> {
        if self.config.trusted_sealers.is_empty() {
            return None;
        }
        let arc = self.dns.arc(message).await;
        let last = arc.sets().last()?;
        let trusted = self.config.trusted_sealers.iter().any(|d| aligned(&last.seal.header.d, d));
        if arc.result() != &DkimResult::Pass || !trusted {
            return None;
        }
        // `i=1; authserv-id; …`
        let text = String::from_utf8_lossy(last.results.value).into_owned();
        results::parse(text.split_once(';')?.1)
    }

    fn by_claims(&self, claims: &Claims, author: &str, by: &str) -> SenderProof {
        let authenticity = if claims.dmarc_passes(author) {
            Authenticity::Dmarc
        } else if claims.dkim_domains.iter().any(|d| aligned(d, author)) {
            Authenticity::Dkim
        } else if claims.spf_domain.as_deref().is_some_and(|d| aligned(d, author)) {
            Authenticity::Spf
        } else {
            Authenticity::None
        };
        let failed = authenticity == Authenticity::None && (claims.dmarc_failed || claims.spf_failed);
        SenderProof {
            authenticity,
            failed,
            detail: format!("told by {by} {} for {author}", claims.by),
            try_again: false,
        }
    }
}

impl SenderCheck for SenderProver {
    fn check<'a>(&'a self, raw: &'a RawIntake) -> BoxFuture<'a, Option<SenderProof>> {
        Box::pin(async move {
            if raw.format != Format::Rfc5322 {
                return None;
            }
            Some(self.prove(raw).await)
        })
    }
}

/// Neither shown nor denied.
fn open(why: &str) -> SenderProof {
    SenderProof { authenticity: Authenticity::None, failed: false, detail: why.to_owned(), try_again: false }
}

fn domain_of(address: &str) -> Option<String> {
    let (_, domain) = address.rsplit_once('@')?;
    let domain = domain.trim_matches(['<', '>', ' ', '.']).to_ascii_lowercase();
    (!domain.is_empty() && domain.len() <= 253).then_some(domain)
}

/// Relaxed alignment (RFC 7489 3.1) without a list of public suffixes: the same domain, or one below the
/// other. `example.jp` and `mail.example.jp` are aligned; `jp` and `co.jp` are aligned with nothing.
fn aligned(one: &str, other: &str) -> bool {
    let (one, other) = (one.to_ascii_lowercase(), other.to_ascii_lowercase());
    if one == other {
        return !one.is_empty();
    }
    let (short, long) = if one.len() < other.len() { (&one, &other) } else { (&other, &one) };
    short.contains('.')
        && !is_registry(short)
        && long.strip_suffix(short.as_str()).is_some_and(|rest| rest.ends_with('.'))
}

/// Second-level registries of country codes (`co.jp`, `or.jp`, `com.au`) belong to nobody.
fn is_registry(domain: &str) -> bool {
    const KINDS: [&str; 16] = [
        "ac", "ad", "co", "com", "ed", "edu", "go", "gov", "gr", "lg", "mil", "ne", "net", "nom", "or", "org",
    ];
    domain.split_once('.').is_some_and(|(kind, country)| country.len() == 2 && KINDS.contains(&kind))
}

const fn word(spf: SpfResult) -> &'static str {
    match spf {
        SpfResult::Pass => "pass",
        SpfResult::Fail => "fail",
        SpfResult::SoftFail => "softfail",
        SpfResult::Neutral => "neutral",
        SpfResult::TempError => "temperror",
        SpfResult::PermError => "permerror",
        SpfResult::None => "none",
    }
}

/// Signatures that a mail carries, counted before anything is computed.
fn signatures(message: &[u8]) -> usize {
    let end = message.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(message.len());
    message[..end]
        .split(|b| *b == b'\n')
        .filter(|line| {
            let starts =
                |name: &[u8]| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
            starts(b"dkim-signature:") || starts(b"arc-message-signature:") || starts(b"arc-seal:")
        })
        .count()
}

/// The mail in memory, for as long as it is looked at.
async fn whole(raw: &RawIntake) -> std::io::Result<Whole> {
    if raw.bytes.held().is_some() {
        return raw.bytes.whole();
    }
    let bytes = raw.bytes.clone();
    tokio::task::spawn_blocking(move || bytes.whole()).await.map_err(std::io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_that_belong_together() {
        assert!(aligned("st.example", "ST.example"));
        assert!(aligned("mail.st.example", "st.example"));
        for (one, other) in [
            ("example", "st.example"),
            ("xst.example", "st.example"),
            ("co.jp", "a.co.jp"),
            ("", ""),
            ("st.example", "st.example.net"),
        ] {
            assert!(!aligned(one, other), "{one} {other}");
        }
    }

    #[test]
    fn signatures_are_counted_in_the_header_only() {
        let mail = b"DKIM-Signature: a\r\ndkim-signature: b\r\nARC-Seal: c\r\n\r\nDKIM-Signature: d\r\n";
        assert_eq!(signatures(mail), 3);
        assert_eq!(signatures(b""), 0);
    }
}
