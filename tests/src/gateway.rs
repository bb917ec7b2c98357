//! The program as a child process: started on free ports, read by its own output, stopped by signal or
//! killed without warning.

use crate::database::Database;
use crate::wait;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A running demo.
pub struct Gateway {
    child: Child,
    /// Pages and API.
    pub http: SocketAddr,
    /// SMTP listener.
    pub smtp: SocketAddr,
    /// MLLP listener.
    pub mllp: SocketAddr,
    /// From the start of the process to `ready`.
    pub ready_after: Duration,
}

/// How to start one.
#[derive(Debug, Clone)]
pub struct Start {
    data_dir: PathBuf,
    database: Database,
    fake_time: Option<String>,
    quiet_hours: bool,
    hospital: Option<String>,
    ports: [String; 3],
}

/// The program under test: `KAKEHASHI_BIN`, else the one built beside this test.
///
/// # Panics
/// There is none.
#[must_use]
pub fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("KAKEHASHI_BIN") {
        return path.into();
    }
    let here = std::env::current_exe().unwrap_or_default();
    let found = here.ancestors().map(|a| a.join("kakehashi")).find(|p| p.is_file());
    assert!(found.is_some(), "build it first: cargo build -p kakehashi");
    found.unwrap_or_default()
}

impl Start {
    /// On free ports, data in `data_dir`.
    #[must_use]
    pub fn new(data_dir: &Path, database: &Database) -> Self {
        let free = || "127.0.0.1:0".to_owned();
        Self {
            data_dir: data_dir.to_owned(),
            database: database.clone(),
            fake_time: None,
            quiet_hours: false,
            hospital: None,
            ports: [free(), free(), free()],
        }
    }

    /// With a clock that shows this time (日本時間, `2026-06-09 10:19:50`) at the start and runs on from there.
    #[must_use]
    pub fn at(mut self, japan_time: &str) -> Self {
        self.fake_time = Some(japan_time.to_owned());
        self
    }

    /// With the quiet hours that the invented facilities have.
    #[must_use]
    pub fn with_quiet_hours(mut self) -> Self {
        self.quiet_hours = true;
        self
    }

    /// With another inbox in place of the demo's hospital.
    #[must_use]
    pub fn with_hospital(mut self, address: &str) -> Self {
        self.hospital = Some(address.to_owned());
        self
    }

    /// On the ports of a gateway that ran before.
    #[must_use]
    pub fn on_ports_of(mut self, before: &Gateway) -> Self {
        self.ports = [before.http, before.smtp, before.mllp].map(|a| a.to_string());
        self
    }

    /// Starts it and waits for `ready`.
    ///
    /// # Panics
    /// It does not get ready within a minute.
    #[must_use]
    pub fn start(&self) -> Gateway {
        let mut command = Command::new(program());
        if let Some(time) = &self.fake_time {
            show_time(&mut command, time);
        }
        command.arg("demo").arg("--data-dir").arg(&self.data_dir);
        command.args(["--http", &self.ports[0], "--smtp", &self.ports[1], "--mllp", &self.ports[2]]);
        if let Database::Postgres(url) = &self.database {
            command.args(["--database-url", url]);
        }
        if let Some(hospital) = &self.hospital {
            command.args(["--hospital", hospital]);
        }
        if self.quiet_hours {
            command.arg("--quiet-hours");
        }
        Gateway::ready(command)
    }
}

/// Starts `kakehashi serve` with this configuration file, which must have an SMTP and an MLLP listener,
/// and waits for `ready`.
///
/// # Panics
/// It ends before it is ready.
#[must_use]
pub fn serve(config: &Path) -> Gateway {
    let mut command = Command::new(program());
    command.arg("serve").arg("--config").arg(config);
    Gateway::ready(command)
}

/// As [`serve`], with a clock that shows this time (日本時間) at the start and runs on from there.
///
/// # Panics
/// It ends before it is ready.
#[must_use]
pub fn serve_at(config: &Path, japan_time: &str) -> Gateway {
    let mut command = Command::new(program());
    show_time(&mut command, japan_time);
    command.arg("serve").arg("--config").arg(config);
    Gateway::ready(command)
}

/// Loaded into the program itself: the `faketime` command would stay as its parent, and a kill would meet
/// the parent only. Only the wall clock is moved: time-outs go by the monotonic one.
pub fn show_time(command: &mut Command, japan_time: &str) {
    command.env("LD_PRELOAD", fake_clock()).env("FAKETIME", format!("@{japan_time}"));
    command.env("TZ", "Asia/Tokyo").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}

/// The library of `faketime`.
fn fake_clock() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let found = folders.map(|f| f.path().join("faketime/libfaketimeMT.so.1")).find(|p| p.is_file());
    found.unwrap_or_else(|| panic!("libfaketime is not installed"))
}

impl Gateway {
    /// Starts the command and waits until it says where it listens and that it is ready.
    fn ready(mut command: Command) -> Self {
        let begun = Instant::now();
        let spawned = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
        let mut child = spawned.unwrap_or_else(|e| panic!("cannot start: {e}"));
        let stdout = child.stdout.take().unwrap_or_else(|| panic!("no output"));
        let mut lines = BufReader::new(stdout).lines();
        let mut found: [Option<SocketAddr>; 3] = [None; 3];
        loop {
            let Some(Ok(line)) = lines.next() else {
                let _ = child.wait();
                panic!("ended before it was ready")
            };
            for (slot, name) in found.iter_mut().zip(["http ", "smtp ", "mllp "]) {
                if let Some(address) = line.strip_prefix(name) {
                    *slot = address.parse().ok();
                }
            }
            if line == "ready" {
                break;
            }
        }
        let ready_after = begun.elapsed();
        // Whoever writes to a closed pipe may die of it, so the rest is read to the end.
        std::thread::spawn(move || lines.for_each(drop));
        match found {
            [Some(http), Some(smtp), Some(mllp)] => Self { child, http, smtp, mllp, ready_after },
            other => panic!("addresses not announced: {other:?}"),
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.signal("KILL");
        let _ = self.child.wait();
    }

    /// Ctrl-C, and waits for the end.
    ///
    /// # Panics
    /// It does not end within half a minute.
    pub fn stop(&mut self) {
        self.signal("INT");
        let ended =
            wait::until("the program to end", Duration::from_secs(30), || self.child.try_wait().ok()?);
        assert!(ended.success(), "ended with {ended}");
    }

    /// Resident memory now, bytes.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The part of it that the program asked for, bytes: without its own file, which is large where it is not optimised.
    #[must_use]
    pub fn anonymous_bytes(&self) -> u64 {
        self.memory("RssAnon:")
    }

    /// The most resident memory since the start, bytes.
    #[must_use]
    pub fn peak_resident_bytes(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, line: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let found = status.lines().find_map(|l| l.strip_prefix(line));
        let kilobytes = found.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        kilobytes.unwrap_or(0) * 1024
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The program's process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, name: &str) {
        let _ = Command::new("kill").args([format!("-{name}"), self.pid().to_string()]).status();
    }

    /// URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command of the program to its end.
///
/// # Panics
/// It cannot be started.
#[must_use]
pub fn run(arguments: &[&str]) -> Output {
    let output = Command::new(program()).args(arguments).output();
    output.unwrap_or_else(|e| panic!("cannot run {arguments:?}: {e}"))
}

/// As [`run`], at this time (日本時間).
///
/// # Panics
/// It cannot be started.
#[must_use]
pub fn run_at(japan_time: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program());
    show_time(&mut command, japan_time);
    let output = command.args(arguments).output();
    output.unwrap_or_else(|e| panic!("cannot run {arguments:?}: {e}"))
}
