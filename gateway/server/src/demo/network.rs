//! The invented network as directory files and as a configuration. The same files serve as the example
//! that `kakehashi directory example` writes.

use super::{FAX_DOMAIN, FAX_PROVIDER};
use crate::cli::DemoArgs;
use crate::config::{
    Config, DatabaseSection, FaxSection, HttpSection, IntakeSection, MailSection, MllpSection, RelayTls,
    RulesSection, Secret, SmtpSection,
};
use crate::directory_files::{self, Files};
use kakehashi_core::clock::UtcMicros;
use kakehashi_fax::provider::{FaxProviderProfile, NumberPlace};
use kakehashi_fax::send::{FaxSendProfile, PageFormat};
use kakehashi_hl7::{InterfaceProfile, OutboxProfile};
use kakehashi_store::DirectoryChange;
use std::collections::BTreeMap;
use std::net::SocketAddr;

const FILES: &[(&str, &str)] = &[
    ("network.toml", include_str!("../../demo/directory/network.toml")),
    ("facilities.csv", include_str!("../../demo/directory/facilities.csv")),
    ("staff.csv", include_str!("../../demo/directory/staff.csv")),
    ("endpoints.csv", include_str!("../../demo/directory/endpoints.csv")),
    ("logins.csv", include_str!("../../demo/directory/logins.csv")),
    ("patients.csv", include_str!("../../demo/directory/patients.csv")),
    ("identifiers.csv", include_str!("../../demo/directory/identifiers.csv")),
    ("groups.csv", include_str!("../../demo/directory/groups.csv")),
    ("consents.csv", include_str!("../../demo/directory/consents.csv")),
];

/// The interface of the demo's hospital.
pub(crate) const HOSPITAL: &str = "sakurami_ch";

/// The directory files by name.
pub(crate) fn files() -> Files {
    FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// Nothing rings anywhere, and whoever tries the demo at night wants to see the loop as well.
pub(crate) fn lift_quiet_hours(changes: &mut [DirectoryChange]) {
    for change in changes {
        if let DirectoryChange::Endpoint(endpoint) = change {
            endpoint.settings.quiet_hours = None;
        }
    }
}

/// Facility names by folded number or address.
pub(crate) fn names() -> BTreeMap<String, String> {
    // Without the logins: hashing their passwords takes longer than everything else at a start.
    let mut files = files();
    files.remove("logins.csv");
    let changes = directory_files::read(&files, UtcMicros::from_micros(0)).unwrap_or_default();
    let facilities: BTreeMap<_, _> = changes
        .iter()
        .filter_map(|change| match change {
            DirectoryChange::Facility(facility) => Some((facility.id.clone(), facility.name.clone())),
            _ => None,
        })
        .collect();
    changes
        .iter()
        .filter_map(|change| match change {
            DirectoryChange::Endpoint(endpoint) => {
                Some((endpoint.address.clone(), facilities.get(&endpoint.facility_id)?.clone()))
            }
            _ => None,
        })
        .collect()
}

/// The demo's configuration: everything on loopback, mail, FAX and what goes to the hospital to the catcher.
pub(crate) fn config(args: &DemoArgs, catcher: SocketAddr, hospital: String) -> Config {
    Config {
        network: "sakurami".to_owned(),
        data_dir: args.data_dir.clone(),
        database: DatabaseSection {
            url: args.database_url.clone().map(Secret::new),
            ..DatabaseSection::default()
        },
        intake: IntakeSection::default(),
        http: HttpSection { listen: args.http.clone(), secure_cookies: false },
        smtp: Some(SmtpSection {
            listen: args.smtp.clone(),
            hostname: "in.kakehashi.example".to_owned(),
            tls: None,
            trusted_relays: Vec::new(),
            xclient: false,
        }),
        lmtp: None,
        imap: Vec::new(),
        sender_proof: None,
        mllp: vec![MllpSection {
            listen: args.mllp.clone(),
            tls: None,
            interface: interface(),
            outgoing: Some(OutboxProfile {
                address: hospital,
                receiving_application: "HIS".to_owned(),
                receiving_facility: "SAKURAMI_CH".to_owned(),
                ..OutboxProfile::default()
            }),
        }],
        hl7_folder: Vec::new(),
        mqtt: None,
        mail: MailSection {
            host: catcher.ip().to_string(),
            port: catcher.port(),
            tls: RelayTls::None,
            username: None,
            password: None,
            password_file: None,
            from: "intake@in.kakehashi.example".to_owned(),
            from_name: "桜見区在宅連携ネットワーク".to_owned(),
            max_connections: 8,
            mails_per_minute: None,
            second_relay: None,
            dkim: None,
        },
        fax: FaxSection {
            send: FaxSendProfile {
                address_pattern: format!("{{number}}@{FAX_DOMAIN}"),
                from: "fax@in.kakehashi.example".to_owned(),
                subject: "kakehashi [{message_id}]".to_owned(),
                report_within_seconds: 1800,
                pages: 50,
                name: "FAX".to_owned(),
                format: PageFormat::Pdf,
                body: String::new(),
                attachment: "fax-{delivery_id}".to_owned(),
            },
            fallback: Vec::new(),
            http: Vec::new(),
            spool: None,
            providers: vec![FaxProviderProfile {
                name: "demo".to_owned(),
                from: vec![FAX_PROVIDER.to_owned()],
                number_in: NumberPlace::Usual,
            }],
        },
        ocr: None,
        rules: RulesSection::default(),
        log_json: false,
    }
}

fn interface() -> InterfaceProfile {
    InterfaceProfile {
        name: HOSPITAL.to_owned(),
        facility_name: Some("桜見中央病院".to_owned()),
        ward_names: [("5E", "5階東"), ("4W", "4階西"), ("3E", "3階東")]
            .into_iter()
            .map(|(code, name)| (code.to_owned(), name.to_owned()))
            .collect(),
        ..InterfaceProfile::default()
    }
}
