//! A mail that is too large to be held while it arrives: its bytes go to the desk's spool piece by piece,
//! the header alone stays, because the identity is read from it. A disk that fails is told at the end
//! of the data, in the answer to the message.

use super::data::DataReader;
use super::identity::{self, Identity};
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::port::Spool;
use kakehashi_core::raw_bytes::RawBytes;
use sha2::{Digest as _, Sha256};
use std::io;

/// Bytes held before they go to the spool.
pub(super) const PIECE_BYTES: usize = 256 * 1024;

/// A mail on its way to the spool.
pub(crate) struct LargeMail {
    spool: Box<dyn Spool>,
    /// None until the first piece.
    header: Option<Vec<u8>>,
    below: Sha256,
    broken: bool,
}

impl LargeMail {
    pub(crate) fn new(spool: Box<dyn Spool>) -> Self {
        Self { spool, header: None, below: Sha256::new(), broken: false }
    }

    /// The header; empty before the first piece.
    pub(crate) fn header(&self) -> &[u8] {
        self.header.as_deref().unwrap_or_default()
    }

    /// Whether the disk failed: whoever fetches a mail himself need not go on.
    pub(crate) const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Takes what the reader holds, if that is a piece and the header is complete.
    pub(super) async fn take_from(&mut self, reader: &mut DataReader) {
        if reader.held() >= PIECE_BYTES && !reader.in_header() {
            self.write(reader.drain()).await;
        }
    }

    /// Takes the next bytes. The first ones hold the whole header.
    pub(crate) async fn write(&mut self, bytes: Vec<u8>) {
        if self.header.is_some() {
            self.below.update(&bytes);
        } else {
            let (header, below) = identity::split(&bytes);
            self.header = Some(header.to_vec());
            self.below.update(below);
        }
        if !self.broken {
            self.broken = self.spool.write(bytes).await.is_err();
        }
    }

    /// With the last bytes: the whole mail and by what it is known.
    pub(crate) async fn finish(
        mut self,
        rest: Vec<u8>,
        recipients: &[String],
    ) -> io::Result<(RawBytes, Identity)> {
        self.write(rest).await;
        let bytes = self.spool.finish().await?;
        let below = ContentHash::from_digest(&self.below.finalize().into());
        let identity =
            identity::of_parts(&self.header.unwrap_or_default(), &below, bytes.content_hash(), recipients);
        Ok((bytes, identity))
    }
}

#[cfg(test)]
mod tests {
    use super::super::data::DataLimits;
    use super::*;
    use kakehashi_core::port::BoxFuture;

    #[derive(Default)]
    struct InMemory {
        bytes: Vec<u8>,
        fails: bool,
    }

    impl Spool for InMemory {
        fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
            self.bytes.extend(bytes);
            Box::pin(async move { if self.fails { Err(io::Error::other("full")) } else { Ok(()) } })
        }

        fn finish(self: Box<Self>) -> BoxFuture<'static, io::Result<RawBytes>> {
            let kept = if self.fails { Err(io::Error::other("full")) } else { Ok(self.bytes.into()) };
            Box::pin(async move { kept })
        }
    }

    fn mail(header: &str) -> Vec<u8> {
        let line = format!("{}\r\n", "x".repeat(70));
        format!("{header}\r\n{}", line.repeat(10_000)).into_bytes()
    }

    async fn through(mail: &[u8], cut: usize, fails: bool) -> io::Result<(RawBytes, Identity)> {
        let limits = DataLimits { message_bytes: 2_000_000, line_bytes: 1_000, header_bytes: 400_000 };
        let mut reader = DataReader::new(limits);
        let mut large = LargeMail::new(Box::new(InMemory { fails, ..InMemory::default() }));
        let mut pieces = 0;
        for piece in mail.chunks(cut) {
            assert_eq!(reader.take(piece), None);
            large.take_from(&mut reader).await;
            pieces += usize::from(reader.held() == 0);
        }
        assert_eq!(reader.take(b".\r\n"), Some(3));
        assert!(pieces > 0, "nothing went to the spool while it arrived");
        let rest = reader.finish().map_err(|fault| io::Error::other(format!("{fault:?}")))?;
        large.finish(rest, &["to@in.example".to_owned()]).await
    }

    #[tokio::test]
    async fn known_by_the_same_as_if_it_were_held() {
        let long =
            format!("Message-ID: <1@b.example>\r\nFrom: a@b.example\r\n{}", "X-Y: z\r\n".repeat(40_000));
        for header in
            ["Message-ID: <1@b.example>\r\nFrom: a@b.example\r\n", "From: a@b.example\r\n", "", &long]
        {
            let mail = mail(header);
            for cut in [1_009, 65_536] {
                let (bytes, identity) = through(&mail, cut, false).await.unwrap();
                assert!(*bytes.whole().unwrap() == mail, "{cut}");
                assert_eq!(identity, identity::of(&mail, &["to@in.example".to_owned()]));
            }
        }
    }

    #[tokio::test]
    async fn a_disk_that_fails_is_told_at_the_end() {
        assert!(through(&mail("From: a@b.example\r\n"), 4_096, true).await.is_err());
    }
}
