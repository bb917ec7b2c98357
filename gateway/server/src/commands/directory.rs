//! `kakehashi directory`: import of a folder of files, all or nothing, and an example to start from.

use super::{block_on, fail};
use crate::config::Config;
use crate::demo::network;
use crate::directory_files;
use crate::gateway::store_config;
use kakehashi_core::clock::{Clock as _, SystemClock};
use kakehashi_core::ids::NetworkId;
use kakehashi_store::{DirectoryChange, Kept, KeptPart, Store};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) fn import(folder: &Path, dry_run: bool, config: &Path) -> ExitCode {
    let files = match directory_files::load(folder) {
        Ok(files) => files,
        Err(error) => return fail(format!("{}: {error}; name a folder of CSV files", folder.display())),
    };
    let now = SystemClock.now();
    let changes = match directory_files::read(&files, now) {
        Ok(changes) => changes,
        Err(errors) => {
            for error in &errors {
                eprintln!("{}/{error}", folder.display());
            }
            return fail(format!("{} mistakes, nothing was changed", errors.len()));
        }
    };
    if dry_run {
        println!(
            "{} 行、問題なし(変更していません) / {} lines are good, nothing was changed",
            changes.len(),
            changes.len()
        );
        return ExitCode::SUCCESS;
    }
    let config = match Config::load(config) {
        Ok(config) => config,
        Err(error) => return fail(error),
    };
    let named = changes.iter().find_map(|change| match change {
        DirectoryChange::Network(network) => Some(network.id.clone()),
        _ => None,
    });
    let network = NetworkId::new(config.network.clone());
    if named.as_ref() != Some(&network) {
        return fail(format!("the configuration serves network {network}, the files describe another one"));
    }
    block_on(async {
        let store = match Store::open(&store_config(&config), Arc::new(SystemClock)).await {
            Ok(store) => store,
            Err(error) => return fail(error),
        };
        let applied = store.directory(&network).apply(changes, now).await;
        store.close().await;
        match applied {
            Ok(done) => {
                let count = done.changed;
                println!("{count} 行を登録・更新しました / {count} rows new or changed");
                for kept in &done.kept {
                    println!("{}", kept_words(kept));
                }
                ExitCode::SUCCESS
            }
            Err(error) => fail(error),
        }
    })
}

/// What the file says otherwise than the desk. The file should follow; until then nothing is lost.
fn kept_words(kept: &Kept) -> String {
    let id = &kept.endpoint_id;
    match kept.what {
        KeptPart::Number => format!(
            "{id}: 番号は画面で二人が確かめたものを残しました。ファイルの番号を直すか、FAXの画面で変えてください / \
             the number checked by two persons stays; correct the file, or change it at /fax"
        ),
        KeptPart::Settings => format!(
            "{id}: 受け取り方は施設が変えたものを残しました。ファイルを合わせてください / \
             how the facility chose to receive stays; let the file follow"
        ),
    }
}

pub(crate) fn example(folder: &Path) -> ExitCode {
    if let Err(error) = std::fs::create_dir_all(folder) {
        return fail(format!("{}: {error}", folder.display()));
    }
    for (name, text) in network::files() {
        let path = folder.join(&name);
        if path.exists() {
            return fail(format!("{} exists already; choose an empty folder", path.display()));
        }
        if let Err(error) = std::fs::write(&path, text) {
            return fail(format!("{}: {error}", path.display()));
        }
        println!("{}", path.display());
    }
    ExitCode::SUCCESS
}
