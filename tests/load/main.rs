//! Load tools: how many messages a second become durable and are acknowledged over MLLP and SMTP, against
//! the plain ceiling of one writer on the same disk, together with memory and the time to start. One run,
//! one machine; the ratios are what can be compared between machines.
//!
//! `load mllp|mllp-pipelined|smtp|smtp-two-turns ADDRESS CONNECTIONS [SECONDS]` drives a gateway that runs already.
//! `load idle [N]`, `load half [SECONDS]`, `load large [MB] [MAILS]` and `load slow [N]`: what silent connections
//! cost, answers at half load, memory for large mails, mail clients that are slow on purpose.
//! `load [all|sqlite|postgres] [SECONDS]`, with `KAKEHASHI_TEST_POSTGRES` naming a server, `KAKEHASHI_BIN`
//! the program (else the one beside this tool) and `KAKEHASHI_LOAD_DIR` the disk to measure. Writes the
//! tables to `KAKEHASHI_FIGURES`, if it is set.

mod ceiling;
mod idle;
mod large;
mod messages;
mod report;
mod senders;
mod slow;

use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::{Gateway, Start, run};
use messages::RECORD_BYTES;
use report::{Line, Report};
use senders::{Measured, Way};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

const CONNECTIONS: [usize; 4] = [1, 8, 32, 256];

fn main() -> ExitCode {
    let all: Vec<String> = std::env::args().skip(1).collect();
    if let Some(done) = idle::mode(&all.iter().map(String::as_str).collect::<Vec<_>>()) {
        return done;
    }
    if let [way @ ("mllp" | "mllp-pipelined" | "smtp" | "smtp-two-turns"), rest @ ..] =
        all.iter().map(String::as_str).collect::<Vec<_>>().as_slice()
    {
        return against(way, rest);
    }
    let mut arguments = all.into_iter();
    let which = arguments.next().unwrap_or_else(|| "all".to_owned());
    let seconds = arguments.next().and_then(|s| s.parse().ok()).unwrap_or(5);
    if !matches!(which.as_str(), "all" | "sqlite" | "postgres") {
        eprintln!("usage: load [all|sqlite|postgres] [SECONDS]");
        return ExitCode::from(2);
    }
    let mut text = String::new();
    for kind in ["sqlite", "postgres"] {
        if which != "all" && which != kind {
            continue;
        }
        match measure(kind, seconds) {
            Ok(Some(report)) => {
                let part = report.markdown();
                println!("\n{part}");
                text.push_str(&part);
                text.push('\n');
            }
            Ok(None) => println!("PostgreSQL was not measured: KAKEHASHI_TEST_POSTGRES is not set"),
            Err(fault) => {
                eprintln!("load: {fault}");
                return ExitCode::FAILURE;
            }
        }
    }
    if let Some(file) = std::env::var_os("KAKEHASHI_FIGURES")
        && let Err(fault) = std::fs::write(&file, text)
    {
        eprintln!("load: {}: {fault}", PathBuf::from(file).display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Drives a gateway that runs already.
fn against(way: &str, arguments: &[&str]) -> ExitCode {
    let address = arguments.first().and_then(|a| a.parse().ok());
    let connections = arguments.get(1).and_then(|c| c.parse().ok());
    let seconds = arguments.get(2).and_then(|s| s.parse().ok()).unwrap_or(5);
    let (Some(address), Some(connections)) = (address, connections) else {
        eprintln!("usage: load mllp|mllp-pipelined|smtp|smtp-two-turns ADDRESS CONNECTIONS [SECONDS]");
        return ExitCode::from(2);
    };
    let way = match way {
        "mllp" => Way::Mllp,
        "mllp-pipelined" => Way::MllpPipelined,
        "smtp" => Way::Smtp,
        _ => Way::SmtpTwoTurns,
    };
    match senders::run(way, address, connections, seconds, &format!("L{}", rand::random::<u32>())) {
        Ok(m) => {
            println!("{:.0}/s, p50 {:.1} ms, p99 {:.1} ms, {} faults", m.per_second, m.p50, m.p99, m.faults);
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("load: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// A place to measure in: every run begins on a copy of the same small data, so that none pays for the
/// leftovers of the one before.
struct Place {
    folder: tempfile::TempDir,
    /// Server of the databases, on PostgreSQL.
    server: Option<String>,
}

impl Place {
    fn new(kind: &str) -> std::io::Result<Option<Self>> {
        let server = match kind {
            "sqlite" => None,
            _ => match std::env::var("KAKEHASHI_TEST_POSTGRES") {
                Ok(server) => Some(server),
                Err(_) => return Ok(None),
            },
        };
        let folder = match std::env::var_os("KAKEHASHI_LOAD_DIR") {
            Some(disk) => tempfile::tempdir_in(disk)?,
            None => tempfile::tempdir_in(".")?,
        };
        Ok(Some(Self { folder, server }))
    }

    fn data_dir(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The database of this name; on PostgreSQL made as a copy of `template`.
    fn database(&self, name: &str, template: Option<&str>) -> Result<Database, String> {
        let Some(server) = &self.server else { return Ok(Database::Sqlite) };
        let copied = template.map_or_else(String::new, |t| format!(" TEMPLATE load_{t}"));
        for statement in [
            format!("DROP DATABASE IF EXISTS load_{name} WITH (FORCE)"),
            format!("CREATE DATABASE load_{name}{copied}"),
        ] {
            let done = Command::new("psql").args([server, "-q", "-c", &statement]).output();
            if !done.as_ref().is_ok_and(|o| o.status.success()) {
                return Err(format!("{statement}: {done:?}"));
            }
        }
        let base = server.rsplit_once('/').map_or(server.as_str(), |(base, _)| base);
        Ok(Database::Postgres(format!("{base}/load_{name}")))
    }

    fn ceiling_url(&self) -> Result<String, String> {
        match self.database("ceiling", None)? {
            Database::Sqlite => {
                let folder = self.data_dir("ceiling");
                let _ = std::fs::remove_dir_all(&folder);
                std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
                Ok(format!("sqlite:{}", folder.join("ceiling.db").display()))
            }
            Database::Postgres(url) => Ok(url),
        }
    }

    /// A gateway on a fresh copy of the base data.
    fn fresh(&self) -> Result<(Gateway, Start), String> {
        let data_dir = self.data_dir("run");
        let _ = std::fs::remove_dir_all(&data_dir);
        copy(&self.data_dir("base"), &data_dir).map_err(|e| e.to_string())?;
        let database = self.database("run", Some("base"))?;
        let start = Start::new(&data_dir, &database);
        Ok((start.start(), start))
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn measure(kind: &str, seconds: u64) -> Result<Option<Report>, String> {
    let Some(place) = Place::new(kind).map_err(|e| e.to_string())? else { return Ok(None) };
    let mut report = Report {
        database: match kind {
            "sqlite" => "SQLite (WAL, synchronous=FULL)".to_owned(),
            _ => "PostgreSQL (synchronous_commit=on)".to_owned(),
        },
        ..Report::default()
    };
    let base = Start::new(&place.data_dir("base"), &place.database("base", None)?);
    let mut gateway = base.start();
    report.first_start_ms = milliseconds(gateway.ready_after);
    // What the scenario still has to print would be done by the next start and count as its idle memory.
    idle::rest(&gateway);
    gateway.stop();

    let (mut gateway, _) = place.fresh()?;
    report.ready_ms = milliseconds(gateway.ready_after);
    // What the start needed is given back by now.
    std::thread::sleep(Duration::from_secs(5));
    report.idle_bytes = gateway.resident_bytes();
    gateway.stop();

    for connections in CONNECTIONS {
        // Before and after, because a shared disk changes its mind; the mean counts.
        let before = ceiling::measure(&place.ceiling_url()?, connections, seconds, RECORD_BYTES)?;
        let mut lines = Vec::new();
        for way in Way::ALL {
            let at_32_only = matches!(way, Way::MllpPipelined | Way::SmtpTwoTurns | Way::SmtpPerMessage);
            if at_32_only && connections != 32 {
                continue;
            }
            // As many records waiting for one commit as there are messages on their way.
            let before = if way.depth() == 1 {
                before
            } else {
                ceiling::measure(&place.ceiling_url()?, connections * way.depth(), seconds, RECORD_BYTES)?
            };
            let (mut gateway, start) = place.fresh()?;
            let address =
                if matches!(way, Way::Mllp | Way::MllpPipelined) { gateway.mllp } else { gateway.smtp };
            let name = format!("L{}", rand::random::<u32>());
            let measured =
                senders::run(way, address, connections, seconds, &name).map_err(|e| e.to_string())?;
            report.peak_bytes = report.peak_bytes.max(gateway.peak_resident_bytes());
            say(kind, way, connections, before, &measured);
            gateway.kill();
            lines.push((way, before, measured));
            if connections == 256 && way == Way::Mllp {
                let gateway = start.start();
                report.ready_full_ms = milliseconds(gateway.ready_after);
                report.intakes = measured.acknowledged;
                drop(gateway);
                if kind == "sqlite" {
                    all_are_there(&place.data_dir("run"), &name, measured.acknowledged)?;
                }
            }
        }
        let after = ceiling::measure(&place.ceiling_url()?, connections, seconds, RECORD_BYTES)?;
        println!("{kind} {connections:>4}: ceiling {before:.0}/s before, {after:.0}/s after");
        report.lines.extend(lines.into_iter().map(|(way, own, measured)| Line {
            way,
            connections,
            ceiling: if way.depth() == 1 { f64::midpoint(before, after) } else { own },
            measured,
        }));
    }
    report.lines.sort_by_key(|l| (Way::ALL.iter().position(|w| *w == l.way), l.connections));
    if place.server.is_some() {
        for name in ["base", "run", "ceiling"] {
            place.database(name, None)?;
        }
    }
    Ok(Some(report))
}

/// After `kill -9`: what was acknowledged is in the database.
fn all_are_there(data_dir: &Path, name: &str, acknowledged: usize) -> Result<(), String> {
    let output = run(&["intake", "list", "--ids", "--data-dir", &data_dir.display().to_string()]);
    let found = String::from_utf8_lossy(&output.stdout).lines().filter(|l| l.starts_with(name)).count();
    println!("killed under load: {acknowledged} acknowledged, {found} in the database");
    if found < acknowledged { Err("acknowledged messages are missing".to_owned()) } else { Ok(()) }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn say(kind: &str, way: Way, connections: usize, ceiling: f64, measured: &Measured) {
    println!(
        "{kind} {connections:>4} {}: {:.0}/s, {:.0} % of {ceiling:.0}/s, p50 {:.1} ms, p99 {:.1} ms, {} faults",
        way.name(),
        measured.per_second,
        100.0 * measured.per_second / ceiling,
        measured.p50,
        measured.p99,
        measured.faults
    );
}
