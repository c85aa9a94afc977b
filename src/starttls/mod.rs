//! The words before TLS: server bytes → what to say, until the ClientHello may
//! be sent.
//!
//! Pure: bytes in, bytes out; neither socket nor clock. One protocol a file,
//! each a [`Protocol`] in the table of [`of`]; ports, help and the
//! recognition of greetings derive from it.
//!
//! Where the server speaks in lines, a protocol is a `Script`: what it waits
//! for × a line → what to say. `replies` reads the numbered ones of mail, files
//! and news; `markup` the tags of XMPP. Those of one question and one answer
//! share `exchange`.

mod said;
mod dialogue;
mod tds;
mod carriage;
mod lines;
mod script;
mod replies;
mod smtp;
mod lmtp;
mod imap;
mod pop3;
mod ftp;
mod nntp;
mod sieve;
mod irc;
mod http;
mod markup;
mod xmpp;
mod xmpp_server;
mod exchange;
mod ber;
mod ldap;
mod postgres;
mod mysql;
mod mssql;
mod rdp;
mod protocol;
#[cfg(test)]
mod rehearsal;
#[cfg(test)]
mod tests;

pub use carriage::{BrokenCarriage, Carriage, TdsPackets};
pub use dialogue::{Circumstances, Dialogue, Turn, Verdict};
pub use protocol::{Protocol, all, by_port, of, recognised};
