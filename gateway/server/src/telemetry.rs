//! Logs and metrics. Log lines carry ids, codes and counts only; nothing a sender wrote is ever logged.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Starts structured logging to standard error; `KAKEHASHI_LOG` sets the filter.
pub(crate) fn start_logging(json: bool, default_filter: &str) {
    let filter = EnvFilter::try_from_env("KAKEHASHI_LOG").unwrap_or_else(|_| EnvFilter::new(default_filter));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first subscriber.
    let _ = if json { builder.json().try_init() } else { builder.with_ansi(false).try_init() };
}

/// Starts the metrics recorder; the handle prints them in the text format.
pub(crate) fn start_metrics() -> Option<PrometheusHandle> {
    PrometheusBuilder::new().install_recorder().ok()
}
