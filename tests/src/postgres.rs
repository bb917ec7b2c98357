//! A PostgreSQL server of a test's own, to be stopped and started again without harm to the others. It
//! listens on loopback, keeps its data in a folder that is thrown away, and ends with the test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A server.
pub struct PrivatePostgres {
    folder: TempDir,
    port: u16,
    tools: PathBuf,
}

impl PrivatePostgres {
    /// Makes one and starts it. `None`, and a line that says so, where PostgreSQL is not installed.
    ///
    /// # Panics
    /// It is installed but does not start.
    #[must_use]
    pub fn start_new() -> Option<Self> {
        let Some(tools) = newest_tools() else {
            println!("not run: PostgreSQL is not installed");
            return None;
        };
        let folder = TempDir::new().unwrap_or_else(|e| panic!("no folder: {e}"));
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map(|a| a.port());
        let port = port.unwrap_or_else(|e| panic!("no free port: {e}"));
        if is_root() {
            // initdb and postgres refuse to run as root.
            assert!(quietly(Command::new("chown").arg("postgres").arg(folder.path())), "chown failed");
        }
        let server = Self { folder, port, tools };
        let data = server.data();
        let made = server
            .tool("initdb", &format!("-D '{data}' -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync"));
        assert!(made, "initdb failed");
        server.start();
        Some(server)
    }

    /// Its only database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it and waits until it answers.
    ///
    /// # Panics
    /// It does not.
    pub fn start(&self) {
        let data = self.data();
        let options = format!("-p {} -h 127.0.0.1 -k '{data}' -c max_connections=50", self.port);
        let started =
            self.tool("pg_ctl", &format!("-D '{data}' -w -t 60 -l '{data}/log' -o \"{options}\" start"));
        assert!(started, "pg_ctl start failed");
    }

    /// Stops it: every connection is cut.
    ///
    /// # Panics
    /// It does not stop.
    pub fn stop(&self) {
        assert!(self.tool("pg_ctl", &format!("-D '{}' -w -m fast stop", self.data())), "pg_ctl stop failed");
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn tool(&self, name: &str, arguments: &str) -> bool {
        let line = format!("'{}' {arguments}", self.tools.join(name).display());
        if is_root() {
            quietly(Command::new("su").args(["postgres", "-s", "/bin/sh", "-c", &line]))
        } else {
            quietly(Command::new("sh").args(["-c", &line]))
        }
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        self.tool("pg_ctl", &format!("-D '{}' -w -m immediate stop", self.data()));
    }
}

fn newest_tools() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let number = |p: &Path| p.file_name().and_then(|n| n.to_str()?.parse::<u32>().ok()).unwrap_or(0);
    let newest = versions.map(|v| v.path()).max_by_key(|p| number(p))?.join("bin");
    newest.join("initdb").is_file().then_some(newest)
}

/// Whether this test may mount file systems and must not start PostgreSQL under its own name.
#[must_use]
pub fn is_root() -> bool {
    let own = Command::new("id").arg("-u").output();
    own.is_ok_and(|o| o.stdout.trim_ascii() == b"0")
}

fn quietly(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}
