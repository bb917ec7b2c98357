//! 試行 that is over, without three hundred sheets.

use kakehashi_core::clock::{SystemClock, UtcMicros};
use kakehashi_core::commit::{Actor, Commit, Effect, SheetCheck};
use kakehashi_core::ids::{IntakeId, NetworkId};
use kakehashi_fax::pages::Page;
use kakehashi_store::{Store, StoreConfig};
use kakehashi_tests::database::Database;
use kakehashi_tests::network::Network;
use std::sync::Arc;

const PHARMACY: &str = "0300000105";

/// A network whose trial is over; nothing waits in it but a blank page.
pub(crate) fn over(database: &Database) -> Network {
    let network = Network::new(database);
    // Some message, so that there is an intake on which the trial can lean.
    let mut gateway = network.start("2026-06-09 09:00:00");
    network.fax(&gateway, PHARMACY, &[Page::white_a4(98.0)]);
    network.settled();
    gateway.stop();
    trust(&network, database);
    network
}

/// As after a trial of 300 sheets on which machine and person agreed.
fn trust(network: &Network, database: &Database) {
    let data = network.config().parent().unwrap().join("data");
    let url = match database {
        Database::Sqlite => format!("sqlite:{}", data.join("kakehashi.db").display()),
        Database::Postgres(url) => url.clone(),
    };
    let config = StoreConfig { database_url: url, blob_folder: data.join("blobs"), max_connections: 2 };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(&config, Arc::new(SystemClock)).await.unwrap();
        let id = NetworkId::new("sakurami");
        let intakes = store.office(&id).intakes(None, 1).await.unwrap();
        let intake: IntakeId = intakes[0].id.clone();
        let check = |n: u32| {
            Effect::CheckSheet(SheetCheck {
                intake_id: intake.clone(),
                envelope_index: 1000 + n,
                marks: Vec::new(),
                said: vec!["acknowledge".to_owned()],
                decided: vec!["acknowledge".to_owned()],
            })
        };
        let at = UtcMicros::from_rfc3339("2026-06-10T09:00:00+09:00").unwrap();
        let commit = Commit { at, actor: Actor::Operator, effects: (0..300).map(check).collect() };
        store.commit(&id, commit).await.unwrap();
        assert!(store.office(&id).paper_trust().await.unwrap().is_earned());
        store.close().await;
    });
}
