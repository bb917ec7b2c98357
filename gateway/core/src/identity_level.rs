//! 本人確認レベル (care-network.md 6.2): how strong the evidence is that a message comes from the facility
//! it seems to come from. A level is what was shown, not what is allowed; a number, an address or a name
//! in a message alone is never more than I1.

use crate::decide::doubt;
use crate::envelope::Envelope;
use crate::facts::Facts;
use crate::vocabulary::{Authenticity, Channel, EndpointState, IdentityLevel};

/// The level of one message. `code_stands` says that the reply code or thread it carries is valid and
/// belongs to the sender's facility.
#[must_use]
pub fn of(envelope: &Envelope, facts: &Facts, code_stands: bool) -> IdentityLevel {
    let Some(sender) = &facts.sender else { return IdentityLevel::I0 };
    match sender.endpoint.state {
        EndpointState::Verified => {}
        // A code that comes back from a stale number is as good as a new handshake.
        EndpointState::Stale if code_stands => {}
        EndpointState::Stale | EndpointState::Unverified | EndpointState::Suspended => {
            return IdentityLevel::I0;
        }
    }
    if envelope.warnings.iter().any(|w| w.code == doubt::AUTHENTICATION_FAILED) {
        // Somebody writes in this address's name, and its own domain says so.
        return IdentityLevel::I0;
    }
    if sender.endpoint.settings.require_proof
        && envelope.channel == Channel::Email
        && matches!(envelope.sender.authenticity, Authenticity::None | Authenticity::Network)
    {
        return IdentityLevel::I0;
    }
    match envelope.sender.authenticity {
        // Whether a login has its second factor is the matter of the login page.
        Authenticity::Login => IdentityLevel::I4,
        Authenticity::ClientCertificate | Authenticity::ApiKey => IdentityLevel::I2,
        Authenticity::None
        | Authenticity::Spf
        | Authenticity::Dkim
        | Authenticity::Dmarc
        | Authenticity::Network => {
            if code_stands {
                IdentityLevel::I2
            } else {
                IdentityLevel::I1
            }
        }
    }
}
