//! The figures as lines on the terminal and as Markdown for docs/figures.md.

use crate::senders::{Measured, Way};
use std::fmt::Write as _;

/// One measured line.
pub(crate) struct Line {
    pub(crate) way: Way,
    pub(crate) connections: usize,
    pub(crate) ceiling: f64,
    pub(crate) measured: Measured,
}

/// Everything about one database.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) database: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) first_start_ms: f64,
    pub(crate) ready_ms: f64,
    pub(crate) ready_full_ms: f64,
    pub(crate) intakes: usize,
    pub(crate) idle_bytes: u64,
    pub(crate) peak_bytes: u64,
}

impl Report {
    /// As Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("### {}\n\n", self.database);
        text.push_str(
            "| way in | connections | ceiling /s | gateway /s | gateway : ceiling | p50 ms | p99 ms |\n",
        );
        text.push_str("|---|---:|---:|---:|---:|---:|---:|\n");
        for line in &self.lines {
            let m = &line.measured;
            // Writing into a String cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {:.0} | {:.0} % | {:.1} | {:.1} |",
                line.way.name(),
                line.connections,
                line.ceiling,
                m.per_second,
                100.0 * m.per_second / line.ceiling,
                m.p50,
                m.p99
            );
        }
        let mb = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let _ = writeln!(
            text,
            "\n- Resident memory: {:.0} MB idle, {:.0} MB at most under load.\n\
             - Start to `ready`: {:.0} ms on existing data, {:.0} ms with {} intakes, {:.0} ms the first time, when \
             the demo plays its scenario.",
            mb(self.idle_bytes),
            mb(self.peak_bytes),
            self.ready_ms,
            self.ready_full_ms,
            self.intakes,
            self.first_start_ms
        );
        let faults: usize = self.lines.iter().map(|l| l.measured.faults).sum();
        let _ = writeln!(text, "- Broken connections and refused messages: {faults}.");
        text
    }
}
