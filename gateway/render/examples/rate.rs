//! How fast pages are made: `cargo run --release -p kakehashi-render --example rate -- [PAGES] [THREADS]`. Every
//! page has a text of its own, so that nothing is remembered from the page before; the figures of
//! docs/figures.md. Never a test: it passes or fails nothing.

use kakehashi_core::job::JobContent;
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::vocabulary::Channel;
use kakehashi_render::{Renderer, samples};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let argument = |at: usize, otherwise: u64| -> u64 {
        std::env::args().nth(at).and_then(|a| a.parse().ok()).unwrap_or(otherwise)
    };
    let (pages, threads) = (argument(1, 400), argument(2, 2));
    let renderer = Renderer::new()?;
    for n in 0..20 {
        let _ = renderer.render(&job(n))?;
    }
    let next = AtomicU64::new(20);
    let begin = Instant::now();
    let mut times: Vec<u128> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= pages + 20 {
                            return mine;
                        }
                        let begin = Instant::now();
                        if renderer.render(&job(n)).is_ok() {
                            mine.push(begin.elapsed().as_micros());
                        }
                    }
                })
            })
            .collect();
        workers.into_iter().filter_map(|w| w.join().ok()).flatten().collect()
    });
    let seconds = begin.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or(0) as f64 / 1000.0;
    println!(
        "{} pages on {threads} threads: {:.0} pages a minute, median {:.1} ms, 95 % {:.1} ms",
        times.len(),
        times.len() as f64 / seconds * 60.0,
        at(50),
        at(95)
    );
    Ok(())
}

/// A post of one page with words and a code of its own.
fn job(n: u64) -> kakehashi_core::job::DeliveryJob {
    let mut job = samples::discharge(Channel::Fax);
    if let JobContent::Posts(posts) = &mut job.content {
        posts.code = ReplyCode::from_random(0x0777_0000_0000 + n * 7919);
        for item in &mut posts.items {
            item.post.body = format!("{n}回目のお知らせです。\n{}", item.post.body);
            item.post.title = Some(format!("退院のお知らせ {n}"));
        }
    }
    job
}
