//! Two figures of a hospital's ordinary day: what connections cost that say nothing for days, and how long an
//! answer takes when the gateway is half as busy as it can be. `load idle [N]` and `load half [SECONDS]`.
//! Prints what it measured and passes no judgement.

use crate::large::large;
use crate::messages::Numbered;
use crate::senders::{self, Way};
use crate::slow::slow;
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::{Gateway, Start, serve};
use kakehashi_tests::network::Network;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

/// Connections of the measurement at half load.
const CONNECTIONS: usize = 32;
/// Connections that are opened at once; the listener's queue holds not many more.
const AT_ONCE: usize = 100;

/// Runs a mode, if `arguments` name one.
pub(crate) fn mode(arguments: &[&str]) -> Option<ExitCode> {
    let result = match arguments {
        ["idle", rest @ ..] => idle(rest.first().and_then(|n| n.parse().ok()).unwrap_or(10_000)),
        ["large", rest @ ..] => {
            let number = |at: usize| rest.get(at).and_then(|n| n.parse().ok());
            large(number(0).unwrap_or(50), number(1).unwrap_or(1))
        }
        ["slow", rest @ ..] => slow(rest.first().and_then(|n| n.parse().ok()).unwrap_or(5_000)),
        ["half", rest @ ..] => half(rest.first().and_then(|n| n.parse().ok()).unwrap_or(10)),
        _ => return None,
    };
    Some(match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("load: {fault}");
            ExitCode::FAILURE
        }
    })
}

/// Resident memory with `count` open MLLP connections, of which each has had one message.
fn idle(count: usize) -> Result<(), String> {
    let network = Network::new(&Database::Sqlite);
    let mut text = std::fs::read_to_string(network.config()).map_err(|e| e.to_string())?;
    text.push_str(&format!("[intake]\nmax_connections = {0}\nmax_per_peer = {0}\n", count + AT_ONCE));
    std::fs::write(network.config(), text).map_err(|e| e.to_string())?;
    let mut gateway = serve(&network.config());
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        std::thread::sleep(Duration::from_secs(5));
        let before = gateway.resident_bytes();
        let begun = Instant::now();
        let mut open = Vec::with_capacity(count);
        while open.len() < count {
            let wanted = AT_ONCE.min(count - open.len());
            let mut opening = JoinSet::new();
            for _ in 0..wanted {
                opening.spawn(TcpStream::connect(gateway.mllp));
            }
            for stream in opening.join_all().await {
                let number = open.len();
                open.push(stream.map_err(|e| {
                    format!(
                        "connection {number}: {e}; the limit of open files (ulimit -n) must be above {count}"
                    )
                })?);
            }
        }
        let opened = begun.elapsed();
        std::thread::sleep(Duration::from_secs(3));
        let silent = gateway.resident_bytes();
        // One message each, as after a morning; then nothing again.
        let mut waiting = open.into_iter().enumerate();
        let mut open = Vec::with_capacity(count);
        while open.len() < count {
            let mut talking = JoinSet::new();
            for (number, mut stream) in waiting.by_ref().take(AT_ONCE) {
                talking.spawn(async move {
                    exchange(&mut stream, &format!("I{number:07}")).await.map(|()| stream)
                });
            }
            for stream in talking.join_all().await {
                open.push(stream.map_err(|e| format!("a message over an idle connection: {e}"))?);
            }
        }
        std::thread::sleep(Duration::from_secs(5));
        let after = gateway.resident_bytes();
        let begun = Instant::now();
        let mut fresh = TcpStream::connect(gateway.mllp).await.map_err(|e| e.to_string())?;
        exchange(&mut fresh, "FRESH").await.map_err(|e| e.to_string())?;
        println!(
            "{count} idle connections ({:.1} s to open): {} before, {} silent, {} after a message each; \
             a new sender is answered in {:.1} ms",
            opened.as_secs_f64(),
            megabytes(before),
            megabytes(silent),
            megabytes(after),
            begun.elapsed().as_secs_f64() * 1000.0
        );
        Ok::<(), String>(())
    })?;
    gateway.stop();
    Ok(())
}

pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1_000_000.0)
}

/// Latency of answers at half of what the same gateway takes at most, on both databases if there are two.
fn half(seconds: u64) -> Result<(), String> {
    for database in Database::all() {
        let kind = format!("{database:?}").split(['(', ' ', '{']).next().unwrap_or_default().to_owned();
        let folder =
            tempfile::tempdir_in(std::env::var_os("KAKEHASHI_LOAD_DIR").unwrap_or_else(|| ".".into()))
                .map_err(|e| e.to_string())?;
        let mut gateway = Start::new(folder.path(), &database).start();
        let most =
            senders::run(Way::Mllp, gateway.mllp, CONNECTIONS, seconds, "FULL").map_err(|e| e.to_string())?;
        // What piled up is settled before, so that only the answers' own work is measured.
        rest(&gateway);
        let rate = most.per_second / 2.0;
        let waits = paced(gateway.mllp, rate, seconds)?;
        let at = |share: usize| waits.get(waits.len() * share / 100).copied().unwrap_or(f64::NAN);
        println!(
            "{kind}: at most {:.0}/s over {CONNECTIONS} connections (p99 {:.1} ms); at half load, {rate:.0}/s: \
             p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms of {} answers",
            most.per_second,
            most.p99,
            at(50),
            at(99),
            waits.last().copied().unwrap_or(f64::NAN),
            waits.len()
        );
        gateway.stop();
    }
    Ok(())
}

/// Until the program does nothing any more, at most two minutes.
pub(crate) fn rest(gateway: &Gateway) {
    let end = Instant::now() + Duration::from_secs(120);
    let mut before = busy_ticks(gateway);
    while Instant::now() < end {
        std::thread::sleep(Duration::from_secs(2));
        let now = busy_ticks(gateway);
        if now.saturating_sub(before) < 10 {
            return;
        }
        before = now;
    }
}

/// Hundredths of a second that the program has computed.
fn busy_ticks(gateway: &Gateway) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", gateway.pid())).unwrap_or_default();
    // Fields 14 and 15, counted behind the name, which may hold blanks.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

/// Milliseconds from the moment at which each message was due until its answer, ascending. A sender that is
/// late because the answer before was late counts that too.
fn paced(address: SocketAddr, rate: f64, seconds: u64) -> Result<Vec<f64>, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let local = LocalSet::new();
    let step = Duration::from_secs_f64(CONNECTIONS as f64 / rate.max(1.0));
    let mut waits = local.block_on(&runtime, async {
        let begun = Instant::now() + Duration::from_millis(200);
        let senders: Vec<_> = (0..CONNECTIONS)
            .map(|connection| {
                tokio::task::spawn_local(async move {
                    let mut stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    let mut due = begun + step.mul_f64(connection as f64 / CONNECTIONS as f64);
                    let mut waits = Vec::new();
                    let mut number = 0;
                    while due < begun + Duration::from_secs(seconds) {
                        tokio::time::sleep_until(due.into()).await;
                        exchange(&mut stream, &format!("H{connection:02}-{number:07}")).await?;
                        waits.push(due.elapsed().as_secs_f64() * 1000.0);
                        number += 1;
                        due += step;
                    }
                    Ok::<_, std::io::Error>(waits)
                })
            })
            .collect();
        let mut all = Vec::new();
        for sender in senders {
            all.extend(sender.await.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?);
        }
        Ok::<Vec<f64>, String>(all)
    })?;
    waits.sort_by(f64::total_cmp);
    Ok(waits)
}

/// One message of this name and its answer.
async fn exchange(stream: &mut TcpStream, name: &str) -> std::io::Result<()> {
    stream.write_all(Numbered::adt(name).next()).await?;
    let mut answer = Vec::with_capacity(512);
    while !answer.ends_with(b"\x1c\r") {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let mut accepted = Numbered::accepted(name);
    let wanted = accepted.next();
    let found = answer.windows(wanted.len()).any(|w| w == wanted);
    if found { Ok(()) } else { Err(std::io::ErrorKind::InvalidData.into()) }
}
