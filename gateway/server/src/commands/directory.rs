//! `kakehashi directory`: import of a folder of files, all or nothing, and an example to start from.

use super::{block_on, fail};
use crate::config::Config;
use crate::demo::network;
use crate::directory_files;
use crate::gateway::store_config;
use kakehashi_core::clock::{Clock as _, SystemClock};
use kakehashi_core::ids::NetworkId;
use kakehashi_store::{DirectoryChange, Kept, Store};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) fn import(folder: &Path, dry_run: bool, rejoin: &[String], config: &Path) -> ExitCode {
    let files = match directory_files::load(folder) {
        Ok(files) => files,
        Err(error) => return fail(format!("{}: {error}; name a folder of CSV files", folder.display())),
    };
    let now = SystemClock.now();
    let mut changes = match directory_files::read(&files, now) {
        Ok(changes) => changes,
        Err(errors) => {
            for error in &errors {
                eprintln!("{}/{error}", folder.display());
            }
            return fail(format!("{} mistakes, nothing was changed", errors.len()));
        }
    };
    for pair in rejoin {
        if !take_back(&mut changes, pair) {
            return fail(format!("--rejoin {pair}: groups.csv lists no such member; write GROUP:FACILITY"));
        }
    }
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

/// Marks the member `GROUP:FACILITY` as one that takes part again. `false` if the file lists none such.
fn take_back(changes: &mut [DirectoryChange], pair: &str) -> bool {
    let mut found = false;
    for change in changes {
        if let DirectoryChange::Membership { group_id, facility_id, again, .. } = change
            && pair.split_once(':') == Some((group_id.as_str(), facility_id.as_str()))
        {
            *again = true;
            found = true;
        }
    }
    found
}

/// What the file says otherwise than the gateway. The file should follow; until then nothing is lost.
fn kept_words(kept: &Kept) -> String {
    match kept {
        Kept::Number { endpoint_id: id } => format!(
            "{id}: 番号は画面で二人が確かめたものを残しました。ファイルの番号を直すか、FAXの画面で変えてください / \
             the number checked by two persons stays; correct the file, or change it at /fax"
        ),
        Kept::Settings { endpoint_id: id } => format!(
            "{id}: 受け取り方は施設が変えたものを残しました。ファイルを合わせてください / \
             how the facility chose to receive stays; let the file follow"
        ),
        Kept::Leave { group_id, facility_id, left_at } => {
            let left = left_at.in_japan().strftime("%Y-%m-%d %H:%M");
            format!(
                "{group_id} {facility_id}: {left} に担当を終了しています。members から外すか、再び担当するなら \
                 --rejoin {group_id}:{facility_id} を付けてください / left on {left}; take it off the members, or \
                 add --rejoin {group_id}:{facility_id} if it takes part again"
            )
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use kakehashi_core::clock::UtcMicros;

    #[test]
    fn one_member_is_taken_back_by_name() {
        let files = network::files();
        let mut changes = directory_files::read(&files, UtcMicros::from_micros(0)).unwrap();
        for wrong in ["G01", "G01:", "G01:F99", "G99:F03", ""] {
            assert!(!take_back(&mut changes, wrong), "{wrong}");
        }
        assert!(take_back(&mut changes, "G01:F03"));
        let marked = changes
            .iter()
            .filter(|change| matches!(change, DirectoryChange::Membership { again: true, .. }))
            .count();
        assert_eq!(marked, 1);
        let words = kept_words(&Kept::Leave {
            group_id: "G01".into(),
            facility_id: "F03".into(),
            left_at: UtcMicros::from_micros(1_780_000_000_000_000),
        });
        assert!(words.contains("2026-05-29 05:26") && words.contains("--rejoin G01:F03"), "{words}");
    }
}
