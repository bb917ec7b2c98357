//! Who really handed the mail over: the peer, or, behind relays of our own, the first host outside as
//! the outermost of them wrote it down. Header lines below those of a trusted relay were written by
//! strangers and are never read.

use super::ProofConfig;
use super::results::{self, Claims};
use kakehashi_core::port::Origin;
use mail_auth::AuthenticatedMessage;
use std::net::IpAddr;

/// What is known of the host outside.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// A trusted relay has checked already.
    Told(Claims),
    /// Its address, and the name it gave.
    Known {
        /// Address.
        ip: IpAddr,
        /// EHLO.
        helo: Option<String>,
    },
    /// It cannot be told: a mailbox that keeps no trace.
    Hidden,
}

/// Most lines of trace that are read.
const MAX_TRACE: usize = 20;

pub(super) fn client(config: &ProofConfig, origin: &Origin, message: &AuthenticatedMessage<'_>) -> Client {
    let peer = origin.peer.as_deref().and_then(|p| p.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical());
    // A mailbox or LMTP hands over what a server of ours has taken.
    let mailbox = matches!(origin.listener.as_str(), "imap" | "lmtp");
    let ours = |ip: &IpAddr| config.trusted_relays.contains(ip);
    match peer {
        Some(ip) if !ours(&ip) && !mailbox => return Client::Known { ip, helo: origin.helo.clone() },
        None if !mailbox => return Client::Hidden,
        _ => {}
    }
    let fields = || message.headers.iter().map(|(name, value)| (*name, String::from_utf8_lossy(value)));
    let claims = fields()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"authentication-results"))
        .take(MAX_TRACE)
        .filter_map(|(_, value)| results::parse(&value))
        .find(|claims| config.authserv_ids.iter().any(|id| id.eq_ignore_ascii_case(&claims.by)));
    if let Some(claims) = claims {
        return Client::Told(claims);
    }
    fields()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"received"))
        .take(MAX_TRACE)
        .map(|(_, value)| from_part(&value))
        // The first line is the relay's own; it names whom it had before it.
        .find_map(|(ip, helo)| match ip {
            None => Some(Client::Hidden),
            Some(ip) if ours(&ip) || ip.is_loopback() => None,
            Some(ip) => Some(Client::Known { ip, helo }),
        })
        .unwrap_or(Client::Hidden)
}

/// `from helo (name [203.0.113.9]) by …` (RFC 5321 4.4): address and name of whom the line speaks.
fn from_part(value: &str) -> (Option<IpAddr>, Option<String>) {
    let unfolded = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let Some(rest) = unfolded.strip_prefix("from ") else { return (None, None) };
    let part = rest.split(" by ").next().unwrap_or(rest);
    let helo = part.split(' ').next().filter(|h| !h.starts_with(['(', '['])).map(str::to_owned);
    let ip = part.rsplit('[').find_map(|piece| {
        let inner = piece.split(']').next()?;
        let bare = inner.strip_prefix("IPv6:").or_else(|| inner.strip_prefix("ipv6:")).unwrap_or(inner);
        bare.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
    });
    (ip, helo)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, header: &str) -> Client {
        let config = ProofConfig {
            trusted_relays: vec!["10.0.0.5".parse().unwrap(), "10.0.0.6".parse().unwrap()],
            authserv_ids: vec!["mx.office.example".to_owned()],
            ..ProofConfig::default()
        };
        let origin = Origin { peer: Some(peer.to_owned()), helo: Some("h".to_owned()), ..Origin::default() };
        let mail = format!("{header}From: a@st.example\r\n\r\nx\r\n");
        client(&config, &origin, &AuthenticatedMessage::parse(mail.as_bytes()).unwrap())
    }

    #[test]
    fn trace_of_strangers_is_not_believed() {
        let forged = "Authentication-Results: mx.office.example; dmarc=pass\r\n\
                      Received: from x ([198.51.100.1]) by mx.office.example\r\n";
        let ip = |text: &str| text.parse().unwrap();
        assert_eq!(
            of("203.0.113.9", forged),
            Client::Known { ip: ip("203.0.113.9"), helo: Some("h".into()) }
        );
        assert!(matches!(of("10.0.0.5", forged), Client::Told(c) if c.dmarc_passed));
        let other = "Authentication-Results: mx.else.example; dmarc=pass\r\n\
                     Received: from inner (inner [10.0.0.6])\r\n\tby mx; x\r\n\
                     Received: from mail.st.example (p.st.example [IPv6:2001:db8::7]) by inner; x\r\n\
                     Received: from forged ([192.0.2.1]) by y\r\n";
        assert_eq!(
            of("10.0.0.5", other),
            Client::Known { ip: ip("2001:db8::7"), helo: Some("mail.st.example".into()) }
        );
        assert_eq!(of("10.0.0.5", "Received: by y with x\r\n"), Client::Hidden);
        assert_eq!(of("10.0.0.5", ""), Client::Hidden);
    }
}
