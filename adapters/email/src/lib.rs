//! The e-mail adapter: `listen` takes mails over SMTP and LMTP, `imap` fetches them from a mailbox, `proof`
//! checks who sent them, `read` turns their bytes into Envelopes, `send`
//! hands rendered mails to a relay. It never stores anything and never decides what a mail leads to.

pub mod imap;
pub mod listen;
pub mod proof;
pub mod read;
pub mod send;
