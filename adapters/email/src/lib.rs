//! The e-mail adapter: `listen` takes mails over SMTP, `read` turns their bytes into Envelopes, `send`
//! hands rendered mails to a relay. It never stores anything and never decides what a mail leads to.

pub mod listen;
pub mod read;
pub mod send;
