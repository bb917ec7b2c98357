//! What one decision costs with few and with many rules of which none holds; printed, not asserted.
#![expect(clippy::unwrap_used, reason = "a measurement may fail where it stands")]

use kakehashi_core::directory::Network;
use kakehashi_core::envelope::{ContentHash, Envelope};
use kakehashi_core::facts::{CodeFacts, Facts, PaperTrust};
use kakehashi_core::ids::NetworkId;
use kakehashi_core::rules::RuleSet;
use kakehashi_core::vocabulary::{Channel, Format};
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

fn main() {
    let mut envelope = Envelope::empty(Channel::Email, Format::Json, ContentHash::of(b""));
    envelope.body = Some("本日の訪問では体温36.5、お変わりありません。".repeat(40));
    let facts = nothing_known();
    for count in [10, 100, 1_000, 10_000] {
        let rules = RuleSet::parse(&many_rules(count)).unwrap();
        let start = Instant::now();
        for _ in 0..1_000 {
            black_box(rules.decide(black_box(&envelope), &facts));
        }
        println!("{count} rules: {:?} each", start.elapsed() / 1_000);
    }
}

/// What the store says about a stranger's message.
fn nothing_known() -> Facts {
    let network = Network {
        id: NetworkId::new("bench"),
        name: String::new(),
        office_name: String::new(),
        office_phone: String::new(),
        office_hours: String::new(),
        gateway_fax: String::new(),
        mail_domain: "in.kakehashi.example".to_owned(),
        public_url: String::new(),
    };
    Facts {
        network,
        sender: None,
        code: CodeFacts::Absent,
        thread: None,
        addressed_group: None,
        candidates: Vec::new(),
        earlier_posts: Vec::new(),
        heard: Vec::new(),
        bounced: None,
        open_deliveries: Vec::new(),
        made_final: false,
        paper: PaperTrust::default(),
    }
}

fn many_rules(count: usize) -> String {
    let mut toml = String::new();
    for n in 0..count {
        let when = match n % 4 {
            0 => format!("{{ field = \"sender.facility_id\", is = \"f{n}\" }}"),
            1 => format!("{{ field = \"text\", contains = \"語{n}です\" }}"),
            2 => format!(
                "{{ all = [{{ field = \"channel\", is = \"hl7\" }}, {{ field = \"visit.ward\", is = \"w{n}\" }}] }}"
            ),
            _ => format!(
                "{{ any = [{{ field = \"sender.number\", is = \"03{n}\" }}, {{ field = \"sender.number\", is = \"04{n}\" }}] }}"
            ),
        };
        write!(toml, "[[rule]]\nname = \"r{n}\"\nwhen = {when}\nthen = {{ triage = \"t{n}\" }}\n").unwrap();
    }
    toml
}
