//! `kakehashi doctor`: checks everything that a gateway needs, and says what to do about each trouble.

use super::{block_on, fail};
use crate::config::Config;
use crate::gateway::mailways::{check_mailboxes, sender_check};
use crate::gateway::{dkim, outlets, store_config};
use crate::rules_file;
use kakehashi_core::clock::{Clock as _, SystemClock};
use kakehashi_core::ids::NetworkId;
use kakehashi_core::port::{Finding, FindingLevel};
use kakehashi_store::{Store, StoreError};
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// 2026-01-01T00:00:00Z: a clock before this is wrong.
const NOT_BEFORE_MICROS: i64 = 1_767_225_600_000_000;

pub(crate) fn run(path: &Path) -> ExitCode {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(error) => return fail(error),
    };
    block_on(async {
        let mut findings = vec![clock(), rules(&config)];
        findings.extend(ports(&config));
        findings.extend(certificates(&config));
        findings.extend(folders(&config));
        findings.extend(store(&config).await);
        match outlets(
            &config,
            "https://example.invalid",
            std::sync::Arc::new(kakehashi_fax::failover::InMemory::default()),
        ) {
            Ok(outlets) => {
                findings.extend(outlets.email.check().await);
                findings.extend(outlets.fax.check().await);
                findings.extend(outlets.hl7.check().await);
            }
            Err(fault) => findings.push(broken(
                "relay",
                fault.to_string(),
                "mend the [mail] section or the certificates of [mllp.outgoing.tls]",
            )),
        }
        match check_mailboxes(&config).await {
            Ok(mailboxes) => findings.extend(mailboxes),
            Err(fault) => findings.push(broken("imap", fault.to_string(), "mend the [[imap]] section")),
        }
        findings.extend(sender_proof(&config));
        if let Some(ocr) = &config.ocr {
            findings.extend(ocr.engine().check().await);
        }
        let worst = findings.iter().map(|f| f.level).max().unwrap_or(FindingLevel::Good);
        for finding in &findings {
            let mark = match finding.level {
                FindingLevel::Good => "○",
                FindingLevel::Warning => "△",
                FindingLevel::Broken => "✕",
            };
            println!("{mark} {}: {}", finding.subject, finding.detail);
            if !finding.remedy.is_empty() {
                println!("    → {}", finding.remedy);
            }
        }
        if worst == FindingLevel::Broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    })
}

fn finding(level: FindingLevel, subject: &str, detail: impl Into<String>, remedy: &str) -> Finding {
    Finding { level, subject: subject.to_owned(), detail: detail.into(), remedy: remedy.to_owned() }
}

fn good(subject: &str, detail: impl Into<String>) -> Finding {
    finding(FindingLevel::Good, subject, detail, "")
}

fn broken(subject: &str, detail: impl Into<String>, remedy: &str) -> Finding {
    finding(FindingLevel::Broken, subject, detail, remedy)
}

/// Who sends to us, and whether others can know that it is us who send.
fn sender_proof(config: &Config) -> Vec<Finding> {
    let senders = match sender_check(config) {
        Ok(Some(_)) => good("sender_proof", "SPF, DKIM, DMARC and ARC are checked"),
        Ok(None) => finding(
            FindingLevel::Warning,
            "sender_proof",
            "nobody checks who sends the mails that come in",
            "add a [sender_proof] section, unless a relay in front refuses forged mails",
        ),
        Err(fault) => broken("sender_proof", fault.to_string(), "mend the [sender_proof] section"),
    };
    let signing = match dkim(config) {
        Ok(Some(key)) => good("dkim", format!("mails are signed; the key belongs at {}", key.record_name())),
        Ok(None) => finding(
            FindingLevel::Warning,
            "dkim",
            "mails leave without a DKIM signature",
            "add a [mail.dkim] section, unless the relay signs",
        ),
        Err(fault) => broken("dkim", fault.to_string(), "mend the [mail.dkim] section"),
    };
    vec![senders, signing]
}

fn clock() -> Finding {
    let now = SystemClock.now();
    if now.as_micros() < NOT_BEFORE_MICROS {
        broken(
            "clock",
            format!("the clock says {}", now.to_rfc3339()),
            "set the clock and let a time service keep it",
        )
    } else {
        good("clock", now.to_rfc3339())
    }
}

fn rules(config: &Config) -> Finding {
    match &config.rules.file {
        None => good("rules", "built-in policy"),
        Some(file) => match rules_file::load(file) {
            Ok(rules) => good("rules", format!("{} rules", rules.rules().len())),
            Err(fault) => broken(
                "rules",
                fault.to_string(),
                "`kakehashi rules check FILE` shows every mistake with its line",
            ),
        },
    }
}

fn ports(config: &Config) -> Vec<Finding> {
    let listens = std::iter::once(("http", &config.http.listen))
        .chain(config.smtp.iter().map(|s| ("smtp", &s.listen)))
        .chain(config.lmtp.iter().map(|l| ("lmtp", &l.listen)))
        .chain(config.mllp.iter().map(|m| ("mllp", &m.listen)));
    listens
        .map(|(what, address)| match TcpListener::bind(address) {
            Ok(_) => good(what, format!("{address} is free")),
            Err(error) => finding(
                FindingLevel::Warning,
                what,
                format!("{address}: {error}"),
                "fine if the gateway is running; otherwise stop what uses it or choose another address",
            ),
        })
        .collect()
}

fn folders(config: &Config) -> Vec<Finding> {
    config
        .hl7_folder
        .iter()
        .map(|section| {
            let path = section.path.display().to_string();
            match kakehashi_hl7::listen::folder::check(&section.path) {
                Ok(_) => good("hl7_folder", path),
                Err(error) => broken(
                    "hl7_folder",
                    format!("{path}: {error}"),
                    "mount the hospital's share there (reading is enough) or mend hl7_folder.path",
                ),
            }
        })
        .collect()
}

fn certificates(config: &Config) -> Vec<Finding> {
    let smtp = config.smtp.iter().filter_map(|s| s.tls.as_ref());
    let mllp = config.mllp.iter().filter_map(|m| m.tls.as_ref());
    smtp.chain(mllp)
        .map(|files| {
            match kakehashi_wire::tls::server_config(
                &files.certificate,
                &files.key,
                files.client_ca.as_deref(),
            ) {
                Ok(_) => good("certificate", files.certificate.display().to_string()),
                Err(fault) => {
                    broken("certificate", fault.to_string(), "put a matching pair there and start again")
                }
            }
        })
        .collect()
}

async fn store(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let settings = store_config(config);
    let probe = settings.blob_folder.join(".doctor");
    let written = std::fs::create_dir_all(&settings.blob_folder).and_then(|()| std::fs::write(&probe, b"x"));
    findings.push(match written {
        Ok(()) => {
            let _ = std::fs::remove_file(&probe);
            good("blobs", settings.blob_folder.display().to_string())
        }
        Err(error) => broken(
            "blobs",
            format!("{}: {error}", settings.blob_folder.display()),
            "give the program's user the right to write there",
        ),
    });
    // Beside whatever runs: a check must not make a database or change a schema.
    match Store::open_beside(&settings, Arc::new(SystemClock)).await {
        Err(StoreError::Config { what, .. }) => findings.push(broken(
            "database",
            what,
            "`kakehashi directory import FOLDER` or the first start makes it and brings it up to date",
        )),
        Err(error) => {
            findings.push(broken("database", error.to_string(), "start the database or mend database.url"))
        }
        Ok(store) => {
            findings.push(good("database", "answers, schema is up to date"));
            let network = NetworkId::new(config.network.clone());
            let known = store.networks().await.is_ok_and(|all| all.iter().any(|n| n.id == network));
            findings.push(if known {
                good("network", config.network.clone())
            } else {
                broken(
                    "network",
                    format!("{} is not in the database", config.network),
                    "`kakehashi directory import FOLDER`",
                )
            });
            store.close().await;
        }
    }
    findings
}
