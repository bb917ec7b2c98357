//! A DNS server on loopback that knows the TXT records it is given and nothing else: the checks of a
//! sender run against it without any network.

use std::net::{SocketAddr, UdpSocket};

/// Starts one; its thread ends with the test.
///
/// # Panics
/// There is no free port.
#[must_use]
pub fn serve(records: &[(&str, &str)]) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap_or_else(|e| panic!("dns: {e}"));
    let address = socket.local_addr().unwrap_or_else(|e| panic!("dns: {e}"));
    let records: Vec<(String, String)> =
        records.iter().map(|(name, text)| (name.to_ascii_lowercase(), (*text).to_owned())).collect();
    std::thread::spawn(move || {
        let mut buffer = [0_u8; 1500];
        while let Ok((size, peer)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = answer(&buffer[..size], &records) {
                let _ = socket.send_to(&answer, peer);
            }
        }
    });
    address
}

/// RFC 1035 section 4: header, the question again, and one TXT answer or "no such name".
fn answer(question: &[u8], records: &[(String, String)]) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(question.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
    let end = at + 4;
    let is_txt = question.get(at..at + 2)? == [0, 16];
    let name = labels.join(".");
    let found = records.iter().find(|(n, _)| *n == name);
    let text = found.filter(|_| is_txt).map(|(_, text)| text.as_bytes());
    let mut out = question.get(..2)?.to_vec();
    // Answer, recursion available; 3 is "no such name".
    out.extend([
        0x81,
        if found.is_some() { 0x80 } else { 0x83 },
        0,
        1,
        0,
        u8::from(text.is_some()),
        0,
        0,
        0,
        0,
    ]);
    out.extend(question.get(12..end)?);
    if let Some(text) = text {
        // A key of 2048 bits needs two of the strings of which a record is made.
        let strings: Vec<&[u8]> = text.chunks(255).collect();
        let length = u16::try_from(text.len() + strings.len()).ok()?;
        out.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
        out.extend(length.to_be_bytes());
        for string in strings {
            out.push(u8::try_from(string.len()).ok()?);
            out.extend(string);
        }
    }
    Some(out)
}
