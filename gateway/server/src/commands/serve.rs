//! `kakehashi serve`: the gateway of a real network.

use super::{StopSignal, block_on, fail};
use crate::config::Config;
use crate::gateway::{Gateway, store_config};
use crate::telemetry;
use kakehashi_core::clock::SystemClock;
use kakehashi_store::Store;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) fn run(path: &Path) -> ExitCode {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(error) => return fail(error),
    };
    telemetry::start_logging(config.log_json, "info");
    let metrics = telemetry::start_metrics();
    block_on(async {
        let stop = match StopSignal::listen() {
            Ok(stop) => stop,
            Err(error) => return fail(format!("signals cannot be listened for: {error}")),
        };
        let store = match Store::open(&store_config(&config), Arc::new(SystemClock)).await {
            Ok(store) => store,
            Err(error) => return fail(error),
        };
        match Gateway::start(&config, store, metrics, axum::Router::new()).await {
            Ok(gateway) => {
                println!("http {}", gateway.addresses.http);
                if let Some(lmtp) = gateway.addresses.lmtp {
                    println!("lmtp {lmtp}");
                }
                if let Some(smtp) = gateway.addresses.smtp {
                    println!("smtp {smtp}");
                }
                if let Some(mllp) = gateway.addresses.mllp {
                    println!("mllp {mllp}");
                }
                println!("ready");
                stop.wait().await;
                gateway.stop().await;
                ExitCode::SUCCESS
            }
            Err(fault) => fail(fault),
        }
    })
}
