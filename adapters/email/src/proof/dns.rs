//! Where DNS records come from: the system's resolver, one server, or a fixed set that is never asked
//! beyond, by which the checks run without a network. Keeps nothing between mails but what the resolver
//! itself caches.

use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::DomainKey;
use mail_auth::dmarc::Dmarc;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::spf::Spf;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{
    ArcOutput, AuthenticatedMessage, DkimOutput, DmarcOutput, DnsError, Error, MX, MessageAuthenticator,
    Parameters, RecordSet, ResolverCache, SpfOutput, Txt,
};
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

/// A source of records.
#[derive(Debug, Clone)]
pub enum Dns {
    /// `/etc/resolv.conf`.
    System,
    /// This server by UDP and TCP.
    Server(SocketAddr),
    /// These records and no others.
    Fixed(FixedRecords),
}

/// Records by name.
#[derive(Debug, Clone, Default)]
pub struct FixedRecords {
    /// TXT records: name without a final dot, text.
    pub txt: Vec<(String, String)>,
    /// Addresses of names.
    pub addresses: Vec<(String, IpAddr)>,
}

/// A source that is asked.
pub(super) struct Asked {
    resolver: MessageAuthenticator,
    fixed: Option<Fixed>,
}

impl Asked {
    pub(super) fn new(dns: Dns) -> Result<Self, String> {
        let nobody = || ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        let (resolver, fixed) = match dns {
            Dns::System => (MessageAuthenticator::new_system_conf(), None),
            Dns::Server(address) => {
                let mut server = NameServerConfig::udp_and_tcp(address.ip());
                for connection in &mut server.connections {
                    connection.port = address.port();
                }
                let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
                (MessageAuthenticator::new(config, ResolverOpts::default()), None)
            }
            Dns::Fixed(records) => {
                let resolver = MessageAuthenticator::new(nobody(), ResolverOpts::default());
                (resolver, Some(Fixed::new(&records)))
            }
        };
        Ok(Self { resolver: resolver.map_err(|e| e.to_string())?, fixed })
    }

    pub(super) async fn dkim<'x>(&'x self, message: &'x AuthenticatedMessage<'x>) -> Vec<DkimOutput<'x>> {
        match &self.fixed {
            None => self.resolver.verify_dkim(message).await,
            Some(fixed) => self.resolver.verify_dkim(fixed.with(message)).await,
        }
    }

    pub(super) async fn arc<'x>(&'x self, message: &'x AuthenticatedMessage<'x>) -> ArcOutput<'x> {
        match &self.fixed {
            None => self.resolver.verify_arc(message).await,
            Some(fixed) => self.resolver.verify_arc(fixed.with(message)).await,
        }
    }

    pub(super) async fn spf(&self, asked: SpfParameters<'_>) -> SpfOutput {
        match &self.fixed {
            None => self.resolver.verify_spf(asked).await,
            Some(fixed) => self.resolver.verify_spf(fixed.with(asked)).await,
        }
    }

    pub(super) async fn dmarc(&self, asked: DmarcParameters<'_>) -> DmarcOutput {
        match &self.fixed {
            None => self.resolver.verify_dmarc(asked).await,
            Some(fixed) => self.resolver.verify_dmarc(fixed.with(asked)).await,
        }
    }
}

/// A cache that knows everything, so that the resolver behind it is never asked.
struct Known<K, V> {
    records: HashMap<K, V>,
    /// For every other name.
    other: V,
}

impl<K: Hash + Eq, V: Clone> ResolverCache<K, V> for Known<K, V> {
    fn get<Q>(&self, name: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        Some(self.records.get(name).unwrap_or(&self.other).clone())
    }

    fn remove<Q>(&self, _: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: K, _: V, _: Instant) {}
}

type Names<V> = Known<Box<str>, V>;

struct Fixed {
    txt: Names<Txt>,
    mx: Names<RecordSet<MX>>,
    v4: Names<RecordSet<Ipv4Addr>>,
    v6: Names<RecordSet<Ipv6Addr>>,
    ptr: Known<IpAddr, RecordSet<Box<str>>>,
}

type Offline<'x, P> = Parameters<
    'x,
    P,
    Names<Txt>,
    Names<RecordSet<MX>>,
    Names<RecordSet<Ipv4Addr>>,
    Names<RecordSet<Ipv6Addr>>,
    Known<IpAddr, RecordSet<Box<str>>>,
>;

impl Fixed {
    fn new(records: &FixedRecords) -> Self {
        let name = |n: &str| format!("{}.", n.trim_end_matches('.').to_ascii_lowercase()).into_boxed_str();
        let mut txt = HashMap::new();
        for (owner, text) in &records.txt {
            let parsed = if owner.contains("._domainkey.") {
                DomainKey::parse(text.as_bytes()).map(|r| Txt::DomainKey(Arc::new(r)))
            } else if owner.starts_with("_dmarc.") {
                Dmarc::parse(text.as_bytes()).map(|r| Txt::Dmarc(Arc::new(r)))
            } else {
                Spf::parse(text.as_bytes()).map(|r| Txt::Spf(Arc::new(r)))
            };
            txt.insert(name(owner), parsed.unwrap_or_else(Txt::Error));
        }
        let mut v4: HashMap<Box<str>, Vec<Ipv4Addr>> = HashMap::new();
        let mut v6: HashMap<Box<str>, Vec<Ipv6Addr>> = HashMap::new();
        for (owner, address) in &records.addresses {
            match address {
                IpAddr::V4(ip) => v4.entry(name(owner)).or_default().push(*ip),
                IpAddr::V6(ip) => v6.entry(name(owner)).or_default().push(*ip),
            }
        }
        Self {
            txt: Known { records: txt, other: Txt::Error(Error::Dns(DnsError::InvalidRecordType)) },
            mx: Known { records: HashMap::new(), other: set(Vec::new()) },
            v4: Known { records: v4.into_iter().map(|(k, v)| (k, set(v))).collect(), other: set(Vec::new()) },
            v6: Known { records: v6.into_iter().map(|(k, v)| (k, set(v))).collect(), other: set(Vec::new()) },
            ptr: Known { records: HashMap::new(), other: set(Vec::new()) },
        }
    }

    fn with<P>(&self, params: P) -> Offline<'_, P> {
        Offline {
            params,
            cache_txt: Some(&self.txt),
            cache_mx: Some(&self.mx),
            cache_ptr: Some(&self.ptr),
            cache_ipv4: Some(&self.v4),
            cache_ipv6: Some(&self.v6),
        }
    }
}

fn set<T>(records: Vec<T>) -> RecordSet<T> {
    RecordSet { rrset: records.into(), dnssec_status: mail_auth::DnssecStatus::Indeterminate }
}
