use std::fmt;
use std::str::FromStr;

/// How a connection becomes TLS: at once, or after words of another protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// The ClientHello is the first thing on the wire.
    #[default]
    Tls,
    /// STARTTLS for SMTP (RFC 3207).
    Smtp,
    /// The same for LMTP (RFC 2033).
    Lmtp,
    /// STARTTLS for IMAP (RFC 9051 section 6.2.1).
    Imap,
    /// STLS for POP3 (RFC 2595 section 4).
    Pop3,
    /// AUTH TLS for FTP (RFC 4217).
    Ftp,
    /// The StartTLS operation of LDAP (RFC 4511 section 4.14).
    Ldap,
    /// STARTTLS for XMPP, as a client (RFC 6120 section 5).
    Xmpp,
    /// The same, as another server.
    XmppServer,
    /// PostgreSQL's SSLRequest.
    Postgres,
    /// MySQL's and MariaDB's SSLRequest.
    Mysql,
    /// Microsoft SQL Server: TLS inside of TDS 7 (MS-TDS section 2.2.6.5).
    Mssql,
    /// RDP with TLS (MS-RDPBCGR section 2.2.1.1).
    Rdp,
    /// STARTTLS for NNTP (RFC 4642).
    Nntp,
    /// STARTTLS for ManageSieve (RFC 5804 section 2.2).
    Sieve,
    /// STARTTLS for IRC (IRCv3 `tls`).
    Irc,
    /// Plain HTTP, of which the Server header is read; no TLS follows.
    Http,
}

/// A dialect nobody here speaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a dialect")]
pub struct UnknownDialect(pub String);

impl Dialect {
    /// Every dialect, in the order of the help text.
    pub const ALL: &[Self] = &[
        Self::Tls,
        Self::Smtp,
        Self::Lmtp,
        Self::Imap,
        Self::Pop3,
        Self::Ftp,
        Self::Ldap,
        Self::Xmpp,
        Self::XmppServer,
        Self::Postgres,
        Self::Mysql,
        Self::Mssql,
        Self::Rdp,
        Self::Nntp,
        Self::Sieve,
        Self::Irc,
        Self::Http,
    ];

    /// Its word, as flags, reports and the inventory write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Smtp => "smtp",
            Self::Lmtp => "lmtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Ftp => "ftp",
            Self::Ldap => "ldap",
            Self::Xmpp => "xmpp",
            Self::XmppServer => "xmpp-server",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Mssql => "mssql",
            Self::Rdp => "rdp",
            Self::Nntp => "nntp",
            Self::Sieve => "sieve",
            Self::Irc => "irc",
            Self::Http => "http",
        }
    }
}

impl Dialect {
    /// Its word where TLS is not the first thing said, as the `starttls`
    /// column writes it.
    #[must_use]
    pub fn starttls(self) -> Option<&'static str> {
        (self != Self::Tls).then(|| self.as_str())
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|dialect| dialect.as_str() == text)
            .ok_or_else(|| UnknownDialect(text.to_owned()))
    }
}
