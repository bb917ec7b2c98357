//! A FAX provider over HTTP (docs/fax-http.md), simulated by a server that knows the document and nothing of
//! the gateway's inside: it takes jobs, keeps repetitions apart by their key, and tells results signed.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use base64::Engine as _;
use kakehashi_core::fax_result::signature;
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::Gateway;
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7, receipt};
use kakehashi_tests::office::agent;
use kakehashi_tests::wait;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECRET: &str = "a-secret-of-at-least-24-signs";
const PHARMACY: &str = "0300000105";
const GROUP: &str = "つばき01";

/// Jobs as they came, oldest first.
type Jobs = Arc<Mutex<Vec<Value>>>;

fn provider() -> (u16, Jobs) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let jobs: Jobs = Arc::default();
    let kept = Arc::clone(&jobs);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let (mut length, mut authorized) = (0, false);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                let lower = line.to_ascii_lowercase();
                if let Some(n) = lower.strip_prefix("content-length:") {
                    length = n.trim().parse().unwrap_or(0);
                }
                authorized |= lower.starts_with("authorization: bearer the-token");
                line.clear();
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_err() {
                continue;
            }
            let (status, answer) = match serde_json::from_slice::<Value>(&body) {
                Ok(job) if authorized => {
                    let mut jobs = kept.lock().unwrap();
                    let at = jobs.iter().position(|j| j["key"] == job["key"]).unwrap_or_else(|| {
                        jobs.push(job);
                        jobs.len() - 1
                    });
                    ("202 Accepted", json!({ "job": format!("J-{at}") }).to_string())
                }
                Ok(_) => ("401 Unauthorized", String::new()),
                Err(_) => ("400 Bad Request", String::new()),
            };
            let mut stream = reader.into_inner();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
                answer.len()
            );
        }
    });
    (port, jobs)
}

/// Tells a result; returns the status of the answer.
fn tell(gateway: &Gateway, name: &str, body: &str, header: &str) -> u16 {
    let url = gateway.url(&format!("/api/v1/fax-results/{name}"));
    let request =
        agent().post(url).header("X-Fax-Signature", header).header("Content-Type", "application/json");
    request.send(body.as_bytes()).unwrap().status().as_u16()
}

#[test]
fn jobs_and_results_over_http() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let (port, jobs) = provider();
        let config = std::fs::read_to_string(network.config()).unwrap();
        let section = format!(
            "\n[[fax.http]]\nname = \"web\"\nurl = \"http://127.0.0.1:{port}/v1/jobs\"\ntoken = \"the-token\"\n\
             callback_secret = \"{SECRET}\"\nfirst = true\n"
        );
        std::fs::write(network.config(), config + &section).unwrap();
        let mut gateway = network.start("2026-06-09 10:19:50");
        let discharge = hl7("ja02_adt_a03_discharge_iso2022jp.hl7");
        Mllp::connect(gateway.mllp).unwrap().exchange(&discharge).unwrap().unwrap();
        let of = |number: &str| {
            let jobs = jobs.lock().unwrap();
            jobs.iter().position(|j| j["number"] == number).map(|at| (format!("J-{at}"), jobs[at].clone()))
        };
        let (job, told) = wait::until("the pharmacy's job", Duration::from_secs(40), || of(PHARMACY));
        let pdf =
            base64::engine::general_purpose::STANDARD.decode(told["file_base64"].as_str().unwrap()).unwrap();
        assert!(pdf.starts_with(b"%PDF-"));
        assert!(told["callback_url"].as_str().unwrap().ends_with("/api/v1/fax-results/web"));
        assert!(network.relay.to(PHARMACY).is_empty(), "one way only");
        let state = |facility: &str| {
            let topics = network.topics(GROUP);
            receipt(&topics[0]["topic"], facility)["deliveries"][0]["state"].as_str().unwrap_or("").to_owned()
        };
        wait::until("受渡し済", Duration::from_secs(20), || (state("F05") == "handed_off").then_some(()));

        // The program's clock shows June; results are signed with the time that the provider has.
        let now = kakehashi_core::clock::UtcMicros::from_rfc3339("2026-06-09T10:21:00+09:00").unwrap();
        let body = json!({ "job": job, "state": "delivered" }).to_string();
        assert_eq!(
            tell(&gateway, "web", &body, &signature(b"another-secret-of-24-signs..", now, body.as_bytes())),
            403
        );
        assert_eq!(tell(&gateway, "other", &body, &signature(SECRET.as_bytes(), now, body.as_bytes())), 403);
        let unknown = json!({ "job": "J-999", "state": "delivered" }).to_string();
        assert_eq!(
            tell(&gateway, "web", &unknown, &signature(SECRET.as_bytes(), now, unknown.as_bytes())),
            204
        );
        assert_eq!(state("F05"), "handed_off");
        assert_eq!(tell(&gateway, "web", &body, &signature(SECRET.as_bytes(), now, body.as_bytes())), 204);
        assert_eq!(state("F05"), "delivered");

        // 話し中 is repeated by itself, later; a wrong number never, and its number is stopped.
        let (care_manager, _) =
            wait::until("the care manager's job", Duration::from_secs(40), || of("0300000104"));
        let busy = json!({ "job": care_manager, "state": "failed", "cause": "busy" }).to_string();
        assert_eq!(tell(&gateway, "web", &busy, &signature(SECRET.as_bytes(), now, busy.as_bytes())), 204);
        assert_eq!(state("F04"), "held", "it is called again by itself");
        gateway.stop();
    }
}
