//! `kakehashi rules`: check a rule file, run its examples, explain which rule decides about a message.

use super::{embedded, fail};
use crate::commands::inspect::read_file;
use crate::readers::Readers;
use crate::rules_file;
use kakehashi_core::clock::{Clock as _, SystemClock};
use kakehashi_core::directory::Network;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::facts::{CodeFacts, FactQuery, Facts, PaperTrust};
use kakehashi_core::ids::NetworkId;
use kakehashi_core::port::Origin;
use kakehashi_core::rules::RuleSet;
use kakehashi_store::Store;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

fn rules(file: Option<&Path>) -> Result<RuleSet, ExitCode> {
    match file {
        None => Ok(RuleSet::default_policy()),
        Some(path) => rules_file::load(path).map_err(|fault| {
            for line in fault.to_string().split("; ") {
                eprintln!("{line}");
            }
            ExitCode::FAILURE
        }),
    }
}

pub(crate) fn check(file: Option<&Path>) -> ExitCode {
    let rules = match rules(file) {
        Ok(rules) => rules,
        Err(status) => return status,
    };
    let findings = rules.check();
    for finding in &findings {
        println!("{}行目「{}」: {}", finding.line, finding.rule, finding.reason);
        println!("    → {}", finding.remedy);
    }
    if findings.is_empty() {
        println!("{} ルール、問題なし / {} rules, nothing to mend", rules.rules().len(), rules.rules().len());
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

pub(crate) fn test(file: Option<&Path>) -> ExitCode {
    let rules = match rules(file) {
        Ok(rules) => rules,
        Err(status) => return status,
    };
    let results = rules.run_examples();
    let failed = results.iter().filter(|r| !r.passed).count();
    for result in &results {
        println!("{} {}: {}", if result.passed { "ok  " } else { "FAIL" }, result.name, result.said);
    }
    println!("{} passed, {failed} failed", results.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

pub(crate) fn explain(file: &Path, rules_path: Option<&Path>, data_dir: Option<&Path>) -> ExitCode {
    let rules = match rules(rules_path) {
        Ok(rules) => rules,
        Err(status) => return status,
    };
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => return fail(format!("{}: {error}", file.display())),
    };
    let envelopes = match read_file(&Readers::default(), bytes, &file.display().to_string()) {
        Ok(envelopes) => envelopes,
        Err(unreadable) => return fail(unreadable),
    };
    for envelope in &envelopes {
        let facts = match facts(envelope, data_dir) {
            Ok(facts) => facts,
            Err(fault) => return fail(fault),
        };
        for trace in rules.explain(envelope, &facts) {
            println!("{} {}", if trace.matched { "○" } else { "✕" }, trace.rule);
            for value in &trace.values {
                println!("    {value}");
            }
        }
        match rules.decide(envelope, &facts) {
            Some(verdict) => println!("→ {}", verdict.rule),
            None => println!("→ どのルールも当てはまりません / no rule matches"),
        }
    }
    ExitCode::SUCCESS
}

/// What the directory says, or an empty directory without a database.
fn facts(envelope: &Envelope, data_dir: Option<&Path>) -> Result<Facts, String> {
    let query = FactQuery::of(envelope, &Origin::default());
    let Some(data_dir) = data_dir else { return Ok(no_facts()) };
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let clock = Arc::new(SystemClock);
        let store = Store::open_beside(&embedded(data_dir), clock).await.map_err(|e| e.to_string())?;
        let network = store.networks().await.map_err(|e| e.to_string())?.into_iter().next();
        let network = network.ok_or("no network in this database")?;
        store.worker(&network.id).facts(&query, SystemClock.now()).await.map_err(|e| e.to_string())
    })
}

fn no_facts() -> Facts {
    Facts {
        network: Network {
            id: NetworkId::new("none"),
            name: String::new(),
            office_name: String::new(),
            office_phone: String::new(),
            office_hours: String::new(),
            gateway_fax: String::new(),
            mail_domain: String::new(),
            public_url: String::new(),
        },
        sender: None,
        code: CodeFacts::Absent,
        thread: None,
        addressed_group: None,
        candidates: Vec::new(),
        earlier_posts: Vec::new(),
        heard: Vec::new(),
        bounced: None,
        open_deliveries: Vec::new(),
        paper: PaperTrust::default(),
        made_final: false,
    }
}
