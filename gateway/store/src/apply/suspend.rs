//! 停止 of an endpoint: its state, what waits for it, and the codes that are out there, in one step. It
//! never touches what is being sent at this moment; that attempt ends as it ends.

use super::{Applied, Applying};
use crate::StoreError;
use crate::value::args;
use crate::view::Wake;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::SuspendReason;
use kakehashi_core::ids::{DeliveryId, EndpointId};

impl Applying<'_> {
    pub(super) async fn suspend(
        &mut self,
        endpoint: &EndpointId,
        why: SuspendReason,
    ) -> Result<Applied, StoreError> {
        let (n, at) = (self.network, self.at());
        let stopped = self
            .tx
            .run(
                "UPDATE endpoints SET state = 'suspended' \
                 WHERE network_id = $1 AND endpoint_id = $2 AND state <> 'suspended'",
                args![n, endpoint],
            )
            .await?;
        let waiting = self
            .tx
            .rows(
                "UPDATE deliveries SET state = 'recalled', state_at = $3, last_detail = $4 \
                 WHERE network_id = $1 AND endpoint_id = $2 AND state = 'held' AND claimed_by IS NULL \
                 RETURNING delivery_id",
                args![n, endpoint, at, "宛先を停止しました"],
            )
            .await?;
        for row in &waiting {
            // They never left, so their codes can only be guessed.
            let delivery: DeliveryId = row.reader().id()?;
            self.revoke("delivery_id", delivery.as_str(), at).await?;
        }
        if why == SuspendReason::WrongRecipient {
            self.revoke("endpoint_id", endpoint.as_str(), at).await?;
        }
        self.wake(Wake::Delivery);
        Ok(Applied::of(stopped + waiting.len() as u64))
    }

    async fn revoke(&mut self, column: &str, id: &str, at: UtcMicros) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE reply_codes SET revoked_at = $3 \
             WHERE network_id = $1 AND {column} = $2 AND revoked_at IS NULL"
        );
        self.tx.run(sql, args![self.network, id, at]).await?;
        Ok(())
    }
}
