//! Writes `THIRD-PARTY-NOTICES.md`: every crate that the program `kakehashi` is built from, the licence
//! texts that lie in their packages, and the typefaces. `-- --check` compares instead of writing. It never
//! names where a package was downloaded from, nor a folder of this machine, and judges no licence.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The file, beside `Cargo.toml` of the workspace.
const FILE: &str = "THIRD-PARTY-NOTICES.md";
/// The crate whose dependencies are listed.
const PROGRAM: &str = "kakehashi";
/// The platform whose dependencies are listed; other Unix systems differ by a few crates.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";
/// Files of a package that hold terms begin like this, whatever the case.
const BEGINNINGS: &[&str] = &["licen", "copying", "copyright", "notice", "unlicense"];
/// Folders of a package in which such files lie.
const FOLDERS: &[&str] = &["", "LICENSES", "LICENSE", "licenses", "license"];

type Fault = Box<dyn std::error::Error>;

/// A crate from elsewhere.
struct Package {
    name: String,
    version: String,
    licence: String,
    authors: String,
    repository: String,
    texts: Vec<String>,
}

impl Package {
    fn label(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

/// A licence text without its copyright lines, and who comes under it with which lines.
struct Terms {
    text: String,
    holders: BTreeMap<Vec<String>, BTreeSet<String>>,
}

fn main() -> ExitCode {
    let check = std::env::args().skip(1).any(|a| a == "--check");
    match run(check) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("{FILE} is out of date; `cargo run -p kakehashi-tests --bin notices` writes it anew");
            ExitCode::FAILURE
        }
        Err(fault) => {
            eprintln!("notices: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the file, or compares it; `false` if it differs.
fn run(check: bool) -> Result<bool, Fault> {
    let metadata = metadata()?;
    let root = metadata["workspace_root"].as_str().ok_or("cargo names no workspace")?;
    let packages = packages(&metadata)?;
    let text = document(&packages, &typefaces(Path::new(root))?);
    let path = Path::new(root).join(FILE);
    if check {
        return Ok(std::fs::read_to_string(path).is_ok_and(|old| old == text));
    }
    std::fs::write(path, &text)?;
    println!("{FILE}: {} crates, {} KB", packages.len(), text.len() / 1024);
    Ok(true)
}

/// What cargo knows of the workspace.
fn metadata() -> Result<Value, Fault> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", PLATFORM])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The program's normal dependencies, all the way down, by name and version.
fn packages(metadata: &Value) -> Result<Vec<Package>, Fault> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let by_id: BTreeMap<String, Value> =
        list(&metadata["packages"]).into_iter().map(|p| (text(&p["id"]), p)).collect();
    let nodes: BTreeMap<String, Value> =
        list(&metadata["resolve"]["nodes"]).into_iter().map(|n| (text(&n["id"]), n)).collect();
    let start = by_id.iter().find(|(_, p)| p["name"] == PROGRAM && p["source"].is_null());
    let mut waiting = vec![start.ok_or("the program is not in this workspace")?.0.clone()];
    let mut reached = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !reached.insert(id.clone()) {
            continue;
        }
        for dependency in list(&nodes.get(&id).ok_or("a dependency has no entry")?["deps"]) {
            if list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null()) {
                waiting.push(text(&dependency["pkg"]));
            }
        }
    }
    let mut packages = Vec::new();
    for package in reached.iter().filter_map(|id| by_id.get(id)).filter(|p| !p["source"].is_null()) {
        let authors: Vec<String> = list(&package["authors"])
            .iter()
            .map(|a| text(a).split('<').next().unwrap_or_default().trim().to_owned())
            .filter(|a| !a.is_empty())
            .collect();
        let manifest = text(&package["manifest_path"]);
        let folder = Path::new(&manifest).parent().ok_or("a package without a folder")?;
        packages.push(Package {
            name: text(&package["name"]),
            version: text(&package["version"]),
            licence: text(&package["license"]).replace('/', " OR ").replace("  ", " "),
            authors: authors.join(", "),
            repository: text(&package["repository"]),
            texts: licence_texts(folder, package["license_file"].as_str())?,
        });
    }
    packages.sort_by_key(Package::label);
    Ok(packages)
}

/// The texts with terms in a package's folder.
fn licence_texts(folder: &Path, named: Option<&str>) -> Result<Vec<String>, Fault> {
    let mut files = BTreeSet::new();
    for sub in FOLDERS {
        let Ok(entries) = std::fs::read_dir(folder.join(sub)) else { continue };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
            let holds_terms = !sub.is_empty() || BEGINNINGS.iter().any(|b| name.starts_with(b));
            let is_code = [".rs", ".toml", ".html"].iter().any(|end| name.ends_with(end));
            if holds_terms && !is_code && path.is_file() {
                files.insert(path);
            }
        }
    }
    files.extend(named.map(|name| folder.join(name)).filter(|path| path.is_file()));
    let mut texts = Vec::new();
    for file in files {
        let text = String::from_utf8_lossy(&std::fs::read(file)?).replace("\r\n", "\n");
        if text.trim().len() > 40 {
            texts.push(text);
        }
    }
    Ok(texts)
}

/// Typefaces of `assets/fonts` with their terms.
fn typefaces(root: &Path) -> Result<(Vec<String>, String), Fault> {
    let folder = root.join("assets/fonts");
    let mut fonts = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".ttf") || name.ends_with(".otf") {
            fonts.push(name);
        }
    }
    fonts.sort();
    Ok((fonts, std::fs::read_to_string(folder.join("OFL.txt"))?))
}

/// Whether a line says who holds the rights, and is no part of the terms.
fn is_copyright(line: &str) -> bool {
    let line = line.trim();
    line.len() < 200
        && (line.starts_with('©') || line.starts_with("Copyright "))
        && !line.starts_with("Copyright and")
        && !line.starts_with("Copyright notice")
}

/// Puts equal terms together, whatever their line breaks.
fn gather(packages: &[Package]) -> Vec<Terms> {
    let mut all: BTreeMap<String, Terms> = BTreeMap::new();
    for package in packages {
        for text in &package.texts {
            let (holders, body): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| is_copyright(line));
            let holders: BTreeSet<String> = holders
                .iter()
                .map(|line| line.trim().to_owned())
                .filter(|line| !line.contains("[yyyy]") && !line.contains("{yyyy}"))
                .collect();
            let key = body.join(" ").split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            let terms =
                all.entry(key).or_insert_with(|| Terms { text: tidy(&body), holders: BTreeMap::new() });
            terms.holders.entry(holders.into_iter().collect()).or_default().insert(package.label());
        }
    }
    let mut terms: Vec<Terms> = all.into_values().collect();
    let count = |t: &Terms| t.holders.values().map(BTreeSet::len).sum::<usize>();
    terms.sort_by(|a, b| count(b).cmp(&count(a)).then_with(|| a.text.cmp(&b.text)));
    terms
}

/// Lines without blanks at the end, and one empty line where there were several.
fn tidy(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines.iter().map(|l| l.trim_end()) {
        if !(line.is_empty() && (text.is_empty() || text.ends_with("\n\n"))) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.trim_end().to_owned()
}

fn document(packages: &[Package], typefaces: &(Vec<String>, String)) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = writeln!(
        out,
        "# Third-party notices\n\nkakehashi is licensed under Apache-2.0 (`LICENSE`). The program contains the work of others under the terms\n\
         below. Written by `cargo run -p kakehashi-tests --bin notices`; do not edit by hand.\n\n\
         Listed are the {} crates that `kakehashi` needs on {PLATFORM}, among them macros that run only while it is\n\
         built. SQLite, compiled in by libsqlite3-sys, is in the public domain.\n\n## Crates\n\n| crate | version | licence | authors | source |\n|---|---|---|---|---|",
        packages.len()
    );
    for p in packages {
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            p.name,
            p.version,
            cell(&p.licence),
            cell(&p.authors),
            cell(&p.repository)
        );
    }
    let bare: Vec<String> = packages
        .iter()
        .filter(|p| p.texts.is_empty())
        .map(|p| format!("{} ({})", p.label(), p.licence))
        .collect();
    let _ = writeln!(
        out,
        "\nNo text lies in the packages of these crates. The terms are those of the licence they name; Apache-2.0 is in\n`LICENSE`, the others stand below: {}.\n\n## Terms",
        bare.join(", ")
    );
    for (number, terms) in gather(packages).iter().enumerate() {
        let _ = writeln!(out, "\n### {}\n", number + 1);
        for (holders, crates) in &terms.holders {
            let crates = crates.iter().cloned().collect::<Vec<_>>().join(", ");
            let line = if holders.is_empty() { crates } else { format!("{crates}: {}", holders.join("; ")) };
            let _ = writeln!(out, "- {line}");
        }
        let _ = writeln!(out, "\n````text\n{}\n````", terms.text);
    }
    let (fonts, licence) = typefaces;
    let lines: Vec<&str> = licence.lines().collect();
    let _ = writeln!(out, "\n## Typefaces\n\n{}\n\n````text\n{}\n````", fonts.join(", "), tidy(&lines));
    out
}
