//! `kakehashi intake list`: intakes as they lie in the database, also beside a running program or after
//! a crash.

use super::{block_on, fail, open_beside};
use crate::cli::StoreArgs;
use std::fmt::Write as _;
use std::process::ExitCode;

pub(crate) fn list(ids_only: bool, args: &StoreArgs) -> ExitCode {
    block_on(async {
        let (store, network) = match open_beside(args).await {
            Ok(opened) => opened,
            Err(fault) => return fail(fault),
        };
        let log = store.intake_log();
        let mut text = String::new();
        if ids_only {
            match log.sender_message_ids(&network).await {
                Ok(ids) => {
                    for id in ids {
                        text.push_str(&id);
                        text.push('\n');
                    }
                }
                Err(error) => return fail(error),
            }
        } else {
            let mut rows = Vec::new();
            let mut before = None;
            loop {
                match log.list(&network, before.as_ref(), 500).await {
                    Ok(page) if page.is_empty() => break,
                    Ok(page) => {
                        before = page.last().map(|row| row.id.clone());
                        rows.extend(page);
                    }
                    Err(error) => return fail(error),
                }
            }
            for row in rows.iter().rev() {
                let id = row.sender_message_id.as_deref().unwrap_or("-");
                let rule = row.rule.as_deref().unwrap_or("-");
                // Writing into a String cannot fail.
                let _ = writeln!(
                    text,
                    "{}\t{}\t{}\t{}\t{rule}\t{id}",
                    row.received_at.to_rfc3339(),
                    row.id,
                    row.channel.code(),
                    row.state.code()
                );
            }
        }
        store.close().await;
        print!("{text}");
        ExitCode::SUCCESS
    })
}
