//! One file per command. A command prints for people on standard output, faults with their remedy on
//! standard error, and answers with an exit status.

pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod directory;
pub(crate) mod doctor;
pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod hl7;
pub(crate) mod inspect;
pub(crate) mod intake;
pub(crate) mod rules;
pub(crate) mod send;
pub(crate) mod serve;
pub(crate) mod sheet;
pub(crate) mod timeline;

use crate::cli::StoreArgs;
use crate::config::Config;
use crate::gateway::store_config;
use kakehashi_core::clock::SystemClock;
use kakehashi_core::ids::NetworkId;
use kakehashi_store::{Store, StoreConfig};
use std::fmt::Display;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Threads of the runtime: one core is left to the database, whose answer every sender waits for. Reading,
/// rendering and pictures have threads of their own. On two cores that is a tenth to a fifth more accepts on
/// PostgreSQL than with two (docs/figures.md).
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1))
}

/// Turns of tasks between two looks at the connections (tokio's own is 61). The database's answer to a group of intakes
/// is such a connection, and every sender of the group waits for it.
const EVENT_INTERVAL: u32 = 7;

/// Runs a command's future to its end.
fn block_on<F: Future<Output = ExitCode>>(work: F) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .event_interval(EVENT_INTERVAL)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let status = runtime.block_on(work);
            runtime.shutdown_timeout(std::time::Duration::from_secs(2));
            status
        }
        Err(error) => fail(format!("no runtime: {error}")),
    }
}

/// Prints a fault with its causes and answers with status 1.
fn fail(fault: impl Display) -> ExitCode {
    eprintln!("kakehashi: {fault}");
    ExitCode::FAILURE
}

/// Opens the database beside a program that may be running, and names its first network.
async fn open_beside(args: &StoreArgs) -> Result<(Store, NetworkId), String> {
    let (config, network) = match &args.config {
        Some(path) => {
            let config = Config::load(path).map_err(|e| e.to_string())?;
            let network = NetworkId::new(config.network.clone());
            (store_config(&config), Some(network))
        }
        None => (embedded(&args.data_dir), None),
    };
    let store = Store::open_beside(&config, Arc::new(SystemClock)).await.map_err(|e| e.to_string())?;
    let network = match network {
        Some(network) => network,
        None => {
            let networks = store.networks().await.map_err(|e| e.to_string())?;
            let first = networks.into_iter().next();
            first.map(|n| n.id).ok_or_else(|| {
                "no network in this database; start `kakehashi demo` or import a directory first".to_owned()
            })?
        }
    };
    Ok((store, network))
}

/// The embedded database of a data folder.
fn embedded(data_dir: &std::path::Path) -> StoreConfig {
    StoreConfig {
        database_url: format!("sqlite:{}", data_dir.join("kakehashi.db").display()),
        blob_folder: data_dir.join("blobs"),
        max_connections: 4,
    }
}

/// Ctrl-C and the termination signal. Listened for before anything is started, so that a signal that comes
/// with the word `ready` already ends the program in order.
struct StopSignal {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignal {
    /// From now on the signals end nothing by themselves.
    fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for either.
    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
