//! Putting the gateway together from its configuration: store, workers, listeners, pages. Everything
//! that runs is started here, and stopped here in the order in which nothing is lost: first the
//! listeners, then the workers, then the store.

pub(crate) mod mailways;

use crate::config::{Config, RelayTls, Secret, TlsFiles};
use crate::readers::Readers;
use crate::rules_file::RulesInForce;
use kakehashi_core::clock::{Clock, SystemClock};
use kakehashi_core::fax_route::RouteBook;
use kakehashi_core::ids::NetworkId;
use kakehashi_core::link::LinkMemory;
use kakehashi_core::port::IntakeDesk;
use kakehashi_core::vocabulary::Authenticity;
use kakehashi_email::send::{DkimKey, EmailOutlet, RelayConfig, RelayTls as OutletTls, SenderConfig};
use kakehashi_fax::failover::{FailoverOutlet, Route};
use kakehashi_fax::http::HttpFaxOutlet;
use kakehashi_fax::send::FaxOutlet;
use kakehashi_fax::spool::SpoolOutlet;
use kakehashi_hl7::listen::MllpConfig;
use kakehashi_hl7::listen::folder::FolderConfig;
use kakehashi_hl7::send::Hl7Outlet;
use kakehashi_mqtt::listen::MqttConfig;
use kakehashi_pipeline::{Deliverer, Desk, Outlets, Settler, Supervisor};
use kakehashi_render::Renderer;
use kakehashi_store::{Store, StoreConfig, StoreError};
use kakehashi_web::{PageImages, WebState};
use kakehashi_wire::tls::ServerConfig;
use metrics_exporter_prometheus::PrometheusHandle;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartFault {
    /// An address is taken or not ours.
    #[error("cannot listen on {address} for {what} ({detail}); choose another address or stop what uses it")]
    Listen { address: String, what: &'static str, detail: String },
    /// The database cannot be used.
    #[error("database: {0}")]
    Store(#[from] StoreError),
    /// A certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] kakehashi_wire::tls::TlsFault),
    /// The relay's settings cannot be used.
    #[error("mail relay: {0}")]
    Relay(String),
    /// The rule file has errors.
    #[error(transparent)]
    Rules(#[from] crate::rules_file::RulesFault),
    /// There is no DNS to ask.
    #[error("sender_proof: {0}; set sender_proof.dns_server, or mend the system's resolver settings")]
    Resolver(String),
    /// Templates or fonts are broken.
    #[error("renderer: {0}")]
    Render(String),
    /// The network was never imported.
    #[error("network {0:?} is not in the database; `kakehashi directory import FOLDER` brings it in")]
    NoNetwork(String),
    /// A secret cannot be read.
    #[error("{path}: {detail}; check the file and its rights")]
    SecretFile { path: String, detail: String },
}

/// Where the listeners ended up (ports may have been 0).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) http: SocketAddr,
    pub(crate) smtp: Option<SocketAddr>,
    pub(crate) lmtp: Option<SocketAddr>,
    pub(crate) mllp: Option<SocketAddr>,
}

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) addresses: Addresses,
    pub(crate) store: Store,
    pub(crate) network: NetworkId,
    shutdown: CancellationToken,
    listeners: TaskTracker,
    workers: Supervisor,
    ready: Arc<AtomicBool>,
}

/// Listening sockets, bound before anything else so that a taken port is known at once.
struct Sockets {
    http: TcpListener,
    smtp: Option<TcpListener>,
    lmtp: Option<TcpListener>,
    mllp: Vec<TcpListener>,
}

async fn bind(address: &str, what: &'static str) -> Result<TcpListener, StartFault> {
    TcpListener::bind(address).await.map_err(|e| StartFault::Listen {
        address: address.to_owned(),
        what,
        detail: e.to_string(),
    })
}

impl Sockets {
    async fn bind(config: &Config) -> Result<Self, StartFault> {
        let http = bind(&config.http.listen, "http").await?;
        let smtp = match &config.smtp {
            Some(smtp) => Some(bind(&smtp.listen, "smtp").await?),
            None => None,
        };
        let lmtp = match &config.lmtp {
            Some(lmtp) => Some(bind(&lmtp.listen, "lmtp").await?),
            None => None,
        };
        let mut mllp = Vec::with_capacity(config.mllp.len());
        for section in &config.mllp {
            mllp.push(bind(&section.listen, "mllp").await?);
        }
        Ok(Self { http, smtp, lmtp, mllp })
    }
}

/// The store settings of a configuration.
pub(crate) fn store_config(config: &Config) -> StoreConfig {
    StoreConfig {
        database_url: config.database_url(),
        blob_folder: config.data_dir.join("blobs"),
        max_connections: config.database.max_connections,
    }
}

impl Gateway {
    /// Starts everything. `extra` adds pages (the demo's desk) to the router.
    pub(crate) async fn start(
        config: &Config,
        store: Store,
        metrics: Option<PrometheusHandle>,
        extra: axum::Router,
    ) -> Result<Self, StartFault> {
        let network = NetworkId::new(config.network.clone());
        if !store.networks().await?.iter().any(|n| n.id == network) {
            return Err(StartFault::NoNetwork(config.network.clone()));
        }
        let sockets = Sockets::bind(config).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let shutdown = CancellationToken::new();
        let listeners = TaskTracker::new();
        let ready = Arc::new(AtomicBool::new(false));

        let rules = match &config.rules.file {
            Some(file) => {
                let rules = RulesInForce::from_file(file)?;
                let worker = store.worker(&network);
                let follow = rules.clone().follow(file.clone(), worker, Arc::clone(&clock), shutdown.clone());
                listeners.spawn(follow);
                rules
            }
            None => RulesInForce::built_in(),
        };
        rules.record(&store.worker(&network), clock.as_ref()).await;
        let renderer = Arc::new(Renderer::new().map_err(|e| StartFault::Render(e.to_string()))?);
        let book = Arc::new(kakehashi_pipeline::StoredRoutes::new(store.clone(), network.clone()));
        let public_url = store.worker(&network).network().await?.public_url;
        let outlets = outlets(config, &public_url, book)?;
        let readers = readers(config);
        let desk: Arc<dyn IntakeDesk> = Arc::new(Desk::new(
            store.clone(),
            network.clone(),
            Arc::clone(&clock),
            config.intake.max_message_bytes,
        ));

        let mut workers = Supervisor::default();
        let worker = format!("{}-{:08x}", std::process::id(), rand::random::<u32>());
        let current = {
            let rules = rules.clone();
            Arc::new(move || rules.now())
        };
        let settler = Settler::new(
            store.clone(),
            network.clone(),
            Arc::clone(&clock),
            Arc::new(readers.clone()),
            current.clone(),
            worker.clone(),
        )
        .with_sender_check(mailways::sender_check(config)?);
        workers.start(Arc::new(settler), store.wakes());
        let deliverer = Deliverer::new(
            store.clone(),
            network.clone(),
            Arc::clone(&clock),
            Arc::clone(&renderer),
            outlets,
            worker,
        )
        .with_fallbacks(fallbacks(config));
        workers.start(Arc::new(deliverer), store.wakes());

        let addresses = Addresses {
            http: local(&sockets.http),
            smtp: sockets.smtp.as_ref().map(local),
            lmtp: sockets.lmtp.as_ref().map(local),
            mllp: sockets.mllp.first().map(local),
        };
        let open_connections: Vec<Arc<AtomicU64>> = config.mllp.iter().map(|_| Arc::default()).collect();
        let mail = mailways::MailSockets { smtp: sockets.smtp, lmtp: sockets.lmtp };
        mailways::start(config, mail, &desk, &clock, &shutdown, &listeners)?;
        let links: Arc<dyn LinkMemory> = Arc::new(store.links(&network));
        let listening = (sockets.mllp, open_connections.as_slice(), &links);
        start_listeners(config, listening, &desk, &clock, &shutdown, &listeners)?;
        let previews = Arc::clone(&renderer);
        let state = WebState {
            store: store.clone(),
            network: network.clone(),
            clock,
            rules: current,
            desk,
            page_images: Arc::new(FaxPageImages),
            ocr: config.ocr.as_ref().map(kakehashi_ocr::OcrProfile::engine),
            message_view: Arc::new(readers),
            interfaces: crate::interfaces::status(config, open_connections),
            preview: Arc::new(move |job| previews.sheet_pdf(job).map(|p| p.pdf).map_err(|e| e.to_string())),
            rendering: {
                let renderer = Arc::clone(&renderer);
                Arc::new(move |job| renderer.render(job).map_err(|e| e.to_string()))
            },
            metrics_text: Arc::new(move || {
                metrics.as_ref().map(PrometheusHandle::render).unwrap_or_default()
            }),
            ready: {
                let ready = Arc::clone(&ready);
                Arc::new(move || ready.load(Ordering::Relaxed))
            },
            fax_secrets: Arc::new(
                config.fax.http.iter().map(|p| (p.name.clone(), p.callback_secret.clone())).collect(),
            ),
            secure_cookies: config.http.secure_cookies,
        };
        let app = kakehashi_web::router(state).merge(extra);
        let stop = shutdown.clone();
        listeners.spawn(async move {
            let service = app.into_make_service_with_connect_info::<SocketAddr>();
            let served = axum::serve(sockets.http, service)
                .with_graceful_shutdown(async move { stop.cancelled().await })
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "gateway.http: ended");
            }
        });
        ready.store(true, Ordering::Relaxed);
        Ok(Self { addresses, store, network, shutdown, listeners, workers, ready })
    }

    /// Stops in order; what was accepted is finished or stays for the next start.
    pub(crate) async fn stop(self) {
        self.ready.store(false, Ordering::Relaxed);
        self.shutdown.cancel();
        self.listeners.close();
        if tokio::time::timeout(Duration::from_secs(5), self.listeners.wait()).await.is_err() {
            tracing::warn!("gateway.stop: a listener did not end in time");
        }
        self.workers.stop(Duration::from_secs(10)).await;
        self.store.close().await;
    }
}

/// A listener's TLS, if files are configured.
fn tls(files: Option<&TlsFiles>) -> Result<Option<Arc<ServerConfig>>, kakehashi_wire::tls::TlsFault> {
    files
        .map(|f| kakehashi_wire::tls::server_config(&f.certificate, &f.key, f.client_ca.as_deref()))
        .transpose()
}

fn local(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)))
}

fn start_listeners(
    config: &Config,
    (mllp, open, links): (Vec<TcpListener>, &[Arc<AtomicU64>], &Arc<dyn LinkMemory>),
    desk: &Arc<dyn IntakeDesk>,
    clock: &Arc<dyn Clock>,
    shutdown: &CancellationToken,
    listeners: &TaskTracker,
) -> Result<(), StartFault> {
    for ((section, listener), open) in config.mllp.iter().zip(mllp).zip(open) {
        let mllp = MllpConfig {
            interface: section.interface.name.clone(),
            profile: section.interface.clone(),
            max_frame_bytes: usize::try_from(config.intake.max_message_bytes).unwrap_or(usize::MAX),
            max_connections: config.intake.max_connections,
            max_per_peer: config.intake.max_per_peer,
            open: Arc::clone(open),
            tls: tls(section.tls.as_ref())?,
            answers_to: section.interface.answers_to()?,
            memory: Arc::clone(links),
            ..MllpConfig::default()
        };
        listeners.spawn(kakehashi_hl7::listen::serve(
            listener,
            mllp,
            Arc::clone(desk),
            Arc::clone(clock),
            shutdown.clone(),
        ));
    }
    for section in &config.hl7_folder {
        let folder = FolderConfig {
            path: section.path.clone(),
            kind: section.kind,
            profile: section.interface.clone(),
            seen_file: seen_file(config, &section.path),
            every_seconds: section.every_seconds,
            stable_seconds: i64::try_from(section.stable_seconds).unwrap_or(i64::MAX),
            since: section.since.as_deref().map(|day| day.replace('-', "")),
            max_file_bytes: config.intake.max_message_bytes,
        };
        listeners.spawn(kakehashi_hl7::listen::folder::serve(
            folder,
            Arc::clone(desk),
            Arc::clone(clock),
            shutdown.clone(),
        ));
    }
    if let Some(section) = &config.mqtt {
        let mqtt = MqttConfig {
            host: section.host.clone(),
            port: section.port,
            client_id: section.client_id.clone(),
            username: section.username.clone(),
            password: section.password.as_ref().map(|p| p.expose().to_owned()),
            topic: section.topic.clone(),
            ca: section.ca.clone(),
            topic_proves: if section.topics_bound_to_logins {
                Authenticity::ApiKey
            } else {
                Authenticity::Network
            },
            ..MqttConfig::default()
        };
        listeners.spawn(kakehashi_mqtt::listen::serve(
            mqtt,
            Arc::clone(desk),
            Arc::clone(clock),
            shutdown.clone(),
        ));
    }
    Ok(())
}

/// Where is remembered what a watched folder gave: a file of ours, named by the folder's path.
fn seen_file(config: &Config, folder: &Path) -> std::path::PathBuf {
    let name = kakehashi_core::envelope::ContentHash::of(folder.as_os_str().as_encoded_bytes());
    let name: String = name.hex().chars().take(16).collect();
    config.data_dir.join("folders").join(format!("{name}.seen"))
}

/// The readers with the configured profiles.
pub(crate) fn readers(config: &Config) -> Readers {
    Readers {
        fax_providers: config.fax.providers.clone(),
        interfaces: config
            .hl7_folder
            .iter()
            .map(|f| &f.interface)
            .chain(config.mllp.iter().map(|m| &m.interface))
            .map(|interface| (interface.name.clone(), interface.clone()))
            .collect(),
    }
}

/// The outlets with the configured relays and inboxes.
pub(crate) fn outlets(
    config: &Config,
    public_url: &str,
    book: Arc<dyn RouteBook>,
) -> Result<Outlets, StartFault> {
    let dkim = dkim(config)?;
    let email = sender(config, &config.mail.from, dkim)?;
    // Providers know their customers by the sender's address, so FAX jobs leave under their own.
    let inboxes = config.mllp.iter().filter_map(|m| Some((m.interface.name.clone(), m.outgoing.clone()?)));
    let hl7 = Arc::new(Hl7Outlet::new(inboxes)?);
    let mut routes = Vec::new();
    for profile in std::iter::once(&config.fax.send).chain(&config.fax.fallback) {
        let carrier = sender(config, &profile.from, None)?;
        let outlet = Arc::new(FaxOutlet::new(profile.clone(), carrier));
        routes.push(Route { name: profile.name.clone(), outlet });
    }
    for profile in &config.fax.http {
        let outlet = Arc::new(HttpFaxOutlet::new(profile.clone(), public_url));
        let route = Route { name: profile.name.clone(), outlet };
        routes.insert(if profile.first { 0 } else { routes.len() }, route);
    }
    if let Some(spool) = &config.fax.spool {
        let route = Route { name: "spool".to_owned(), outlet: Arc::new(SpoolOutlet::new(spool.clone())) };
        routes.insert(if spool.first { 0 } else { routes.len() }, route);
    }
    Ok(Outlets { email, fax: Arc::new(FailoverOutlet::new(routes, Arc::new(SystemClock), book)), hl7 })
}

/// FAX numbers of hospitals for what their inboxes do not take, by interface.
fn fallbacks(config: &Config) -> BTreeMap<String, String> {
    let named = config.mllp.iter().filter_map(|m| {
        let number = m.outgoing.as_ref()?.fallback_fax.clone()?;
        Some((m.interface.name.clone(), number))
    });
    named.collect()
}

fn sender(config: &Config, from: &str, dkim: Option<Arc<DkimKey>>) -> Result<Arc<EmailOutlet>, StartFault> {
    let sender = SenderConfig {
        from_address: from.to_owned(),
        from_name: Some(config.mail.from_name.clone()),
        return_path: None,
    };
    EmailOutlet::new(sender, relays(config)?, dkim, Arc::new(SystemClock))
        .map(Arc::new)
        .map_err(|e| StartFault::Relay(e.to_string()))
}

/// The key that signs mails, if one is configured.
pub(crate) fn dkim(config: &Config) -> Result<Option<Arc<DkimKey>>, StartFault> {
    let Some(section) = &config.mail.dkim else { return Ok(None) };
    let pem = read_secret(&section.key_file)?;
    DkimKey::from_pem(&section.domain, &section.selector, pem.expose())
        .map(|key| Some(Arc::new(key)))
        .map_err(|e| StartFault::Relay(format!("{}: {e}", section.key_file.display())))
}

fn relays(config: &Config) -> Result<Vec<RelayConfig>, StartFault> {
    let mail = &config.mail;
    let password = |plain: Option<&Secret>, file: Option<&PathBuf>| match (plain, file) {
        (Some(password), _) => Ok(Some(password.clone())),
        (None, Some(path)) => read_secret(path).map(Some),
        (None, None) => Ok(None),
    };
    let relay = |host: &str, port, tls, username: Option<&String>, password: Option<Secret>| RelayConfig {
        host: host.to_owned(),
        port,
        tls: match tls {
            RelayTls::None => OutletTls::Plain,
            RelayTls::Starttls => OutletTls::Required,
            RelayTls::Implicit => OutletTls::Implicit,
        },
        credentials: username.cloned().zip(password.map(|p| p.expose().to_owned())),
        hostname: config.smtp.as_ref().map_or_else(|| "localhost".to_owned(), |smtp| smtp.hostname.clone()),
        pool_size: mail.max_connections.min(4),
        max_connections: mail.max_connections,
        mails_per_minute: mail.mails_per_minute,
        root_certificate: None,
    };
    let secret = password(mail.password.as_ref(), mail.password_file.as_ref())?;
    let mut all = vec![relay(&mail.host, mail.port, mail.tls, mail.username.as_ref(), secret)];
    if let Some(second) = &mail.second_relay {
        let secret = password(None, second.password_file.as_ref())?;
        all.push(relay(&second.host, second.port, second.tls, second.username.as_ref(), secret));
    }
    Ok(all)
}

fn read_secret(path: &Path) -> Result<Secret, StartFault> {
    std::fs::read_to_string(path)
        .map(|text| Secret::new(text.trim_end().to_owned()))
        .map_err(|e| StartFault::SecretFile { path: path.display().to_string(), detail: e.to_string() })
}

/// Pictures of PDF pages by the FAX adapter's renderer. Pages are asked for from 1.
struct FaxPageImages;

impl PageImages for FaxPageImages {
    fn pdf_page_png(&self, pdf: &[u8], page: usize) -> Result<Vec<u8>, String> {
        let index = page.checked_sub(1).ok_or("pages are counted from 1")?;
        kakehashi_fax::pages::pdf_page_png(pdf, index, 1240).map_err(|e| e.to_string())
    }

    fn turned_png(&self, png: &[u8], degrees: u16) -> Result<Vec<u8>, String> {
        crate::box_crops::page_of(png).map(|page| page.turned(degrees).to_png())
    }

    fn box_png(&self, page: &[u8], name: &str) -> Option<Vec<u8>> {
        let crops = crate::box_crops::of_page(&crate::box_crops::page_of(page).ok()?);
        crops.into_iter().find(|(id, _)| id == name).map(|(_, patch)| patch.to_png())
    }
}
