//! `kakehashi demo`: the whole gateway on loopback with an invented network and a catcher for all that
//! would leave.

use super::{StopSignal, block_on, embedded, fail};
use crate::cli::DemoArgs;
use crate::demo::catcher::{Catcher, CatcherDesk};
use crate::demo::{desk, network, scenario};
use crate::directory_files;
use crate::gateway::{Addresses, Gateway};
use crate::telemetry;
use kakehashi_core::clock::{Clock, SystemClock};
use kakehashi_core::directory::Network;
use kakehashi_core::ids::NetworkId;
use kakehashi_email::listen::SmtpConfig;
use kakehashi_hl7::listen::MllpConfig;
use kakehashi_store::{DirectoryChange, Store, StoreConfig};
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) fn run(args: &DemoArgs) -> ExitCode {
    telemetry::start_logging(false, "warn");
    let metrics = telemetry::start_metrics();
    block_on(async {
        let stop = match StopSignal::listen() {
            Ok(stop) => stop,
            Err(error) => return fail(format!("signals cannot be listened for: {error}")),
        };
        match start(args, metrics).await {
            Ok((gateway, stop_catcher)) => {
                announce(gateway.addresses);
                stop.wait().await;
                gateway.stop().await;
                stop_catcher.cancel();
                ExitCode::SUCCESS
            }
            Err(fault) => fail(fault),
        }
    })
}

async fn start(
    args: &DemoArgs,
    metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
) -> Result<(Gateway, CancellationToken), String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    std::fs::create_dir_all(&args.data_dir)
        .map_err(|e| format!("{}: {e}; choose another --data-dir", args.data_dir.display()))?;

    let catcher = Catcher::new(args.data_dir.join("caught")).map_err(|e| e.to_string())?;
    let stop_catcher = CancellationToken::new();
    let socket = TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
    let catcher_address = socket.local_addr().map_err(|e| e.to_string())?;
    let catcher_desk = Arc::new(CatcherDesk { catcher: Arc::clone(&catcher), clock: Arc::clone(&clock) });
    let smtp = SmtpConfig { hostname: "catcher.kakehashi.example".to_owned(), ..SmtpConfig::default() };
    tokio::spawn(kakehashi_email::listen::serve(
        socket,
        smtp,
        catcher_desk,
        Arc::clone(&clock),
        stop_catcher.clone(),
    ));

    let socket = TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
    let hospital_address = socket.local_addr().map_err(|e| e.to_string())?;
    let hospital_desk = Arc::new(CatcherDesk { catcher: Arc::clone(&catcher), clock: Arc::clone(&clock) });
    let inbox = MllpConfig { interface: network::HOSPITAL.to_owned(), ..MllpConfig::default() };
    tokio::spawn(kakehashi_hl7::listen::serve(
        socket,
        inbox,
        hospital_desk,
        Arc::clone(&clock),
        stop_catcher.clone(),
    ));

    let hospital = args.hospital.clone().unwrap_or_else(|| hospital_address.to_string());
    let config = network::config(args, catcher_address, hospital);
    let settings = StoreConfig { database_url: config.database_url(), ..embedded(&args.data_dir) };
    let store = Store::open(&settings, Arc::clone(&clock)).await.map_err(|e| e.to_string())?;
    let id = NetworkId::new(config.network.clone());
    let known = store.networks().await.map_err(|e| e.to_string())?.iter().any(|n| n.id == id);
    if !known {
        let now = clock.now();
        let mut changes = directory_files::read(&network::files(), now)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
        if !args.quiet_hours {
            network::lift_quiet_hours(&mut changes);
        }
        store.directory(&id).apply(changes, now).await.map_err(|e| e.to_string())?;
    }
    let pages = desk::router(desk::Desk {
        catcher: Arc::clone(&catcher),
        clock: Arc::clone(&clock),
        names: Arc::new(network::names()),
    });
    let gateway = Gateway::start(&config, store, metrics, pages).await.map_err(|e| e.to_string())?;
    if let Some(smtp) = gateway.addresses.smtp {
        catcher.set_gateway(smtp);
    }
    set_public_url(&gateway, clock.as_ref()).await?;
    if !known && let Err(fault) = scenario::play(gateway.addresses, &catcher, clock.as_ref()).await {
        tracing::warn!(%fault, "demo: the discharge could not be played");
    }
    Ok((gateway, stop_catcher))
}

/// Links must lead to where the pages are today; with port 0 that is known only now.
async fn set_public_url(gateway: &Gateway, clock: &dyn Clock) -> Result<(), String> {
    let networks = gateway.store.networks().await.map_err(|e| e.to_string())?;
    let Some(network) = networks.into_iter().find(|n| n.id == gateway.network) else { return Ok(()) };
    let public_url = format!("http://{}", gateway.addresses.http);
    if network.public_url == public_url {
        return Ok(());
    }
    let change = DirectoryChange::Network(Network { public_url, ..network });
    let applied = gateway.store.directory(&gateway.network).apply(vec![change], clock.now()).await;
    applied.map(|_| ()).map_err(|e| e.to_string())
}

/// What listens where, and three things to try. Whoever reads our output may have gone: never a fault.
fn announce(addresses: Addresses) {
    let program = std::env::current_exe()
        .ok()
        .and_then(|path| {
            let here = std::env::current_dir().ok()?;
            Some(path.strip_prefix(here).map_or_else(|_| path.clone(), std::path::Path::to_path_buf))
        })
        .map_or_else(|| "kakehashi".to_owned(), |path| path.display().to_string());
    let http = addresses.http;
    let smtp = addresses.smtp.map(|a| a.to_string()).unwrap_or_default();
    let mllp = addresses.mllp.map(|a| a.to_string()).unwrap_or_default();
    let desk = scenario::desk_url(addresses);
    let text = format!(
        "http {http}
smtp {smtp}
mllp {mllp}
ready

架け橋デモ / kakehashi demo. 外へは何も送りません / nothing leaves this machine.

  ウェブ / web     http://{http}/    ログイン / login: watabe (事務局), saeki (クリニック)    合言葉 / password: sakurami-demo
  メンバーの机 / members' desk    {desk}    届いたメールとFAXを見て、返事をする / read and answer mails and FAX pages

試す / try (別の端末に貼る / paste into another terminal):

1. メール / a mail
{program} send mail --smtp {smtp} --from hinata@st.example --to g-7k2m9q@in.kakehashi.example --subject '夕方の様子' --body '[至急] 17時の訪問で下肢のむくみが強くなっています。体重46.9kg。明朝の往診で診ていただけますか。'

2. 病院のHL7 / an HL7 message over MLLP
{program} send hl7 --mllp {mllp} --sample transfer

3. 記録ソフトのメモ / a care note by HTTP
{program} send note --url http://{http} --key demo-key-hidamari --group つばき01 --title 'デイの様子' --body '昼食8割、水分600ml。午後の体操は座って参加されました。'

終了 / stop: Ctrl-C
"
    );
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
