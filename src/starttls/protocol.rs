use crate::domain::{Dialect, Port};

use super::{
    Circumstances, Dialogue, ftp, http, imap, irc, ldap, lmtp, mssql, mysql, nntp, pop3, postgres,
    rdp, sieve, smtp, xmpp, xmpp_server,
};

/// A protocol in which TLS begins after some words.
#[derive(Debug)]
pub struct Protocol {
    /// Its word.
    pub dialect: Dialect,
    /// What it is and where that is written down, for help and docs.
    pub title: &'static str,
    /// The ports that take it by number.
    pub ports: &'static [u16],
    /// The application protocols that a hello in it names (RFC 7301): some
    /// servers insist on theirs where TLS comes without the words, and many
    /// refuse the web's, so as not to be taken for a web server (RFC 7301
    /// section 3.2). Empty: none of its own.
    pub application_protocols: &'static [&'static [u8]],
    /// Whether bytes that a server said unasked are this protocol's greeting.
    pub greets_with: fn(&[u8]) -> bool,
    /// Begins a dialogue.
    pub begin: fn(Circumstances<'_>) -> Box<dyn Dialogue>,
}

/// The protocol of a dialect; `None` for TLS itself.
#[must_use]
pub const fn of(dialect: Dialect) -> Option<&'static Protocol> {
    match dialect {
        Dialect::Tls => None,
        Dialect::Smtp => Some(&smtp::PROTOCOL),
        Dialect::Lmtp => Some(&lmtp::PROTOCOL),
        Dialect::Imap => Some(&imap::PROTOCOL),
        Dialect::Pop3 => Some(&pop3::PROTOCOL),
        Dialect::Ftp => Some(&ftp::PROTOCOL),
        Dialect::Ldap => Some(&ldap::PROTOCOL),
        Dialect::Xmpp => Some(&xmpp::PROTOCOL),
        Dialect::XmppServer => Some(&xmpp_server::PROTOCOL),
        Dialect::Postgres => Some(&postgres::PROTOCOL),
        Dialect::Mysql => Some(&mysql::PROTOCOL),
        Dialect::Mssql => Some(&mssql::PROTOCOL),
        Dialect::Rdp => Some(&rdp::PROTOCOL),
        Dialect::Nntp => Some(&nntp::PROTOCOL),
        Dialect::Sieve => Some(&sieve::PROTOCOL),
        Dialect::Irc => Some(&irc::PROTOCOL),
        Dialect::Http => Some(&http::PROTOCOL),
    }
}

/// Every protocol, in the order of the help text.
pub fn all() -> impl Iterator<Item = &'static Protocol> {
    Dialect::ALL.iter().filter_map(|dialect| of(*dialect))
}

/// The protocol that a port takes by its number.
#[must_use]
pub fn by_port(port: Port) -> Option<&'static Protocol> {
    all().find(|protocol| protocol.ports.contains(&port.number()))
}

/// The protocol whose greeting these bytes are.
#[must_use]
pub fn recognised(greeting: &[u8]) -> Option<&'static Protocol> {
    all().find(|protocol| (protocol.greets_with)(greeting))
}
