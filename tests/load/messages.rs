//! What the load tools send: messages of the size that hospitals and mailers send, each with an identity
//! of its own, ready for the wire. A connection writes its message once and then changes the number in
//! it, so that the tool takes as little of the machine as possible.

/// Bytes of one message, about.
pub(crate) const RECORD_BYTES: usize = 1500;

/// Where a mail goes.
pub(crate) const RECIPIENT: &str = "intake@in.kakehashi.example";
/// Where it comes from.
pub(crate) const SENDER: &str = "load@clinic.example";

/// Where the number goes: as many digits as it has.
const NUMBER: &[u8; 8] = b"########";

/// A message whose identity ends in a number of eight digits.
pub(crate) struct Numbered {
    bytes: Vec<u8>,
    places: Vec<usize>,
    next: u32,
}

impl Numbered {
    fn new(bytes: Vec<u8>) -> Self {
        let found = bytes.windows(NUMBER.len()).enumerate().filter(|(_, w)| w == NUMBER);
        let places = found.map(|(at, _)| at).collect();
        Self { bytes, places, next: 0 }
    }

    /// An ADT^A01, framed, of which `name` and the number are the control id.
    pub(crate) fn adt(name: &str) -> Self {
        let id = id(name);
        let mut message = format!(
            "MSH|^~\\&|HIS|SAKURAMI_CH|GW|CARENET|20260609102000||ADT^A01^ADT_A01|{id}|P|2.5||||||UNICODE UTF-8\r\
             EVN||20260609102000\r\
             PID|0001||99{id}^^^^PI||試験^花子^^^^^L^I~シケン^ハナコ^^^^^L^P||19400101|F|||^^桜見区^^1000000^JPN^H^桜見区緑町1-2-3||^PRN^PH^^^^^^^^^03-0000-0000\r\
             NK1|1|試験^太郎^^^^^L^I|SPO^配偶者^HL70063|^^桜見区^^1000000^JPN^H|^PRN^PH^^^^^^^^^03-0000-0001\r\
             PV1|0001|I|5E^512^2||||0123^内科^医師||||||||||||||||||||||||||||||||||||||20260609101500\r"
        );
        let mut line = 1;
        while message.len() < RECORD_BYTES {
            message.push_str(&format!(
                "NTE|{line}||経過を記した備考の一行です。数値 120/70、体温 36.5、SpO2 97%\r"
            ));
            line += 1;
        }
        let mut frame = vec![0x0b];
        frame.extend_from_slice(message.as_bytes());
        frame.extend_from_slice(b"\x1c\r");
        Self::new(frame)
    }

    /// A mail of which `name` and the number are the Message-ID, with the dot that ends it.
    pub(crate) fn mail(name: &str) -> Self {
        Self::new(mail(name))
    }

    /// The same, with the commands of the next mail behind it.
    pub(crate) fn grouped_mail(name: &str) -> Self {
        let mut bytes = mail(name);
        bytes.extend_from_slice(opening().as_bytes());
        Self::new(bytes)
    }

    /// The acknowledgement of a message of this name, as far as it tells the control id.
    pub(crate) fn accepted(name: &str) -> Self {
        Self::new(format!("MSA|AA|{}", id(name)).into_bytes())
    }

    /// The next message.
    pub(crate) fn next(&mut self) -> &[u8] {
        let mut digits = *NUMBER;
        let mut rest = self.next;
        for digit in digits.iter_mut().rev() {
            *digit = b"0123456789"[(rest % 10) as usize];
            rest /= 10;
        }
        self.next += 1;
        for place in &self.places {
            self.bytes[*place..place + digits.len()].copy_from_slice(&digits);
        }
        &self.bytes
    }
}

fn id(name: &str) -> String {
    format!("{name}-{}", String::from_utf8_lossy(NUMBER))
}

fn mail(name: &str) -> Vec<u8> {
    let id = id(name);
    let mut text = format!(
        "Message-ID: <{id}@clinic.example>\r\nDate: Tue, 9 Jun 2026 10:20:00 +0900\r\nFrom: {SENDER}\r\nTo: {RECIPIENT}\r\n\
         Subject: report {id}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n"
    );
    while text.len() < RECORD_BYTES {
        text.push_str("経過を記した本文の一行です。血圧 120/70、体温 36.5、SpO2 97%。\r\n");
    }
    text.push_str(".\r\n");
    text.into_bytes()
}

/// The commands before a mail.
pub(crate) fn opening() -> String {
    format!("MAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n")
}
