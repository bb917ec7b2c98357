//! The arrows of the house (docs/architecture.md, section 2), held by the dependency graph itself.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let normal = package["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"].is_null());
            let names = normal.map(|d| d["name"].as_str().unwrap().to_owned()).collect();
            (package["name"].as_str().unwrap().to_owned(), names)
        })
        .collect()
}

fn ours(of: &BTreeSet<String>) -> BTreeSet<&str> {
    of.iter().map(String::as_str).filter(|name| name.starts_with("kakehashi")).collect()
}

#[test]
fn arrows_point_inward() {
    let all = dependencies();
    let allowed: &[(&str, &[&str])] = &[
        ("kakehashi-core", &[]),
        ("kakehashi-wire", &["kakehashi-core"]),
        ("kakehashi-store", &["kakehashi-core"]),
        ("kakehashi-render", &["kakehashi-core"]),
        ("kakehashi-pipeline", &["kakehashi-core", "kakehashi-store", "kakehashi-render"]),
        ("kakehashi-web", &["kakehashi-core", "kakehashi-store", "kakehashi-render"]),
        ("kakehashi-email", &["kakehashi-core", "kakehashi-wire"]),
        ("kakehashi-fax", &["kakehashi-core", "kakehashi-wire"]),
        ("kakehashi-hl7", &["kakehashi-core", "kakehashi-wire"]),
        ("kakehashi-mqtt", &["kakehashi-core", "kakehashi-wire"]),
        ("kakehashi-care-note", &["kakehashi-core", "kakehashi-wire"]),
        ("kakehashi-ocr", &["kakehashi-core"]),
    ];
    for (package, may) in allowed {
        let has = ours(&all[*package]);
        let more: Vec<_> = has.difference(&may.iter().copied().collect()).copied().collect();
        assert!(more.is_empty(), "{package} must not depend on {more:?}");
    }
}

#[test]
fn each_tool_has_one_home() {
    let homes: &[(&str, &[&str])] = &[
        ("sqlx", &["kakehashi-store"]),
        ("typst", &["kakehashi-render"]),
        // The end-to-end tests read what left with a reader that is not ours; HL7 carries packages (docs/decisions/0044).
        ("mail-parser", &["kakehashi-email", "kakehashi-hl7", "kakehashi-tests"]),
        ("hl7-parser", &["kakehashi-hl7"]),
        ("hayro", &["kakehashi-fax"]),
        ("fearless_simd", &["kakehashi-fax"]),
        ("tokio-rustls", &["kakehashi-wire", "kakehashi-mqtt"]),
        ("socket2", &["kakehashi-wire"]),
    ];
    for (package, dependencies) in dependencies() {
        for (tool, home) in homes {
            assert!(
                !dependencies.contains(*tool) || home.contains(&package.as_str()),
                "{package} must not use {tool}: it belongs to {home:?}"
            );
        }
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |folder: &str| -> BTreeSet<String> {
        let path = format!("{}/../migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_dir(path)
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    };
    let sqlite = names("sqlite");
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, names("postgres"));
}
