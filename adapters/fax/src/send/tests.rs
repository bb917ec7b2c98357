use super::*;
use kakehashi_core::ids::DeliveryId;
use std::sync::Mutex;

struct Caught {
    outcome: Outcome,
    mails: Mutex<Vec<RenderedMail>>,
}

impl MailCarrier for Caught {
    fn submit<'a>(&'a self, mail: &'a RenderedMail, _deadline: Duration) -> BoxFuture<'a, Outcome> {
        self.mails.lock().unwrap().push(mail.clone());
        let outcome = self.outcome.clone();
        Box::pin(async move { outcome })
    }
}

fn profile() -> FaxSendProfile {
    toml::from_str("address_pattern = \"{number}@fax.example\"\nfrom = \"fax-out@in.renkei.example.jp\"")
        .unwrap()
}

fn delivery(number: &str, pages: u32) -> RenderedDelivery {
    RenderedDelivery {
        delivery_id: DeliveryId::new("01JTEST"),
        attempt: 1,
        content: RenderedContent::Fax(RenderedFax {
            number: number.to_owned(),
            to_name: "みどり訪問看護".to_owned(),
            pdf: b"%PDF-1.7 ...".to_vec(),
            pages,
            message_id: "01JTEST@in.renkei.example.jp".to_owned(),
        }),
    }
}

async fn send(outcome: Outcome, item: &RenderedDelivery) -> (Outcome, Vec<RenderedMail>) {
    let carrier = Arc::new(Caught { outcome, mails: Mutex::default() });
    let outlet = FaxOutlet::new(profile(), carrier.clone());
    let outcome = outlet.send(item, Duration::from_secs(5)).await;
    let mails = carrier.mails.lock().unwrap().clone();
    (outcome, mails)
}

#[tokio::test]
async fn a_taken_mail_is_a_job_handed_off() {
    let (outcome, mails) = send(Outcome::Delivered("250 ok".to_owned()), &delivery("0300000104", 2)).await;
    assert_eq!(
        outcome,
        Outcome::HandedOff { job: "01JTEST@in.renkei.example.jp".to_owned(), report_within_seconds: 1800 }
    );
    let mail = &mails[0];
    assert_eq!(mail.to, "0300000104@fax.example");
    assert_eq!(mail.message_id, "01JTEST@in.renkei.example.jp");
    assert_eq!(mail.attachments[0].name, "fax-01JTEST.pdf");
    assert!(!mail.subject.contains("みどり") && mail.text.is_empty());
    // A report that quotes the subject names the job.
    let text = format!("宛先FAX番号：0300000104\n件名：{}\n送信結果：成功", mail.subject);
    let report = crate::provider::tests::mail((None, "a@fax.example"), "FAX送信が成功しました", &text, None);
    assert_eq!(
        crate::report::read_report(&report, &[]).unwrap().original.as_deref(),
        Some("01JTEST@in.renkei.example.jp")
    );
}

#[tokio::test]
async fn faults_of_the_carrier_stay_faults() {
    let fault = SendFault::TimedOut("no answer".to_owned());
    for outcome in [
        Outcome::Unknown(fault.clone()),
        Outcome::Failed(fault.clone()),
        Outcome::RetryAfter { wait: None, cause: fault },
    ] {
        assert_eq!(send(outcome.clone(), &delivery("0300000104", 1)).await.0, outcome);
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_not_given_away() {
    for (number, pages) in
        [("119", 1), ("0300000104@evil.example,a", 1), ("+12125550100", 1), ("", 1), ("0300000104", 51)]
    {
        let (outcome, mails) = send(Outcome::Delivered(String::new()), &delivery(number, pages)).await;
        assert!(matches!(outcome, Outcome::Failed(SendFault::Unsendable(_))), "{number}");
        assert!(mails.is_empty(), "{number}");
    }
}

#[tokio::test]
async fn a_wrong_profile_is_found_at_start() {
    let carrier = Arc::new(Caught { outcome: Outcome::Delivered(String::new()), mails: Mutex::default() });
    let good = FaxOutlet::new(profile(), carrier.clone()).check().await;
    assert_eq!(good[0].level, FindingLevel::Good);
    let bad = FaxSendProfile {
        address_pattern: "fax.example".to_owned(),
        from: "x".to_owned(),
        subject: "FAX".to_owned(),
        report_within_seconds: 1,
        ..profile()
    };
    let found = FaxOutlet::new(bad, carrier).check().await;
    assert_eq!(found.len(), 4);
}
