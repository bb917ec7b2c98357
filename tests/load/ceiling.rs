//! The plain ceiling, measured by the store's own example program: only the store knows SQL.

use kakehashi_tests::gateway::program;
use std::process::Command;

/// Records per second of one writer that commits what this many submitters have waiting, on this database.
pub(crate) fn measure(
    database_url: &str,
    submitters: usize,
    seconds: u64,
    record_bytes: usize,
) -> Result<f64, String> {
    let beside = program().with_file_name("examples").join("ceiling");
    if !beside.is_file() {
        return Err(format!(
            "{} is not there; build it: cargo build --release -p kakehashi-store --example ceiling",
            beside.display()
        ));
    }
    let arguments =
        [database_url.to_owned(), submitters.to_string(), seconds.to_string(), record_bytes.to_string()];
    let output = Command::new(beside).args(arguments).output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .map_err(|_| format!("the ceiling failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
