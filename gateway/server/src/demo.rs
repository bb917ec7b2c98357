//! The demo: the invented network of care-network.md 8.1 on loopback, with a catcher in place of every
//! relay and FAX provider, so that the whole loop can be tried and nothing ever leaves the machine. What
//! is caught can be answered on the members' desk, through the real listeners.

pub(crate) mod catcher;
pub(crate) mod desk;
pub(crate) mod network;
pub(crate) mod samples;
pub(crate) mod scenario;

/// Domain of the demo's mail-to-FAX provider; whatever is sent there is shown as paper.
pub(crate) const FAX_DOMAIN: &str = "fax.kakehashi.example";
/// Address from which the demo's FAX provider forwards what it received.
pub(crate) const FAX_PROVIDER: &str = "receiver@fax.kakehashi.example";
