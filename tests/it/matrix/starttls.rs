//! Servers that begin TLS after words of their own protocol, each on the port
//! that its dialect goes by.

use std::net::SocketAddr;

use super::family::{Family, Program};
use crate::servers::{
    Authority, Dialogues, Dns, Dovecot, Identity, InspIrcd, Key, MariaDb, Postfix, Postgres,
    Prosody, Slapd, Vsftpd, Xrdp, at_port, second_loopback, seen_by_openssl,
};

const POSTFIX: Program = Program("Postfix");
const DOVECOT: Program = Program("Dovecot");
const STUB: Program = Program("stub, TLS by Python");

/// A family whose servers all show the same certificate.
struct Starttls {
    family: Family,
    identity: Identity,
    /// Its folder holds the identity's files.
    _authority: Authority,
}

impl Starttls {
    fn new(title: &'static str, name: &str) -> Self {
        let authority = Authority::new();
        Self {
            family: Family::new(title),
            identity: authority.identity(name, Key::Rsa),
            _authority: authority,
        }
    }

    /// What is asked in a dialect by its port alone.
    fn by_port(&mut self, server: &str, program: Program, address: SocketAddr) {
        self.asked(server, program, address.to_string(), address);
    }

    fn asked(&mut self, server: &str, program: Program, target: String, address: SocketAddr) {
        let chain = [
            self.identity.sha256.clone(),
            self.identity.issuer_sha256.clone(),
        ];
        self.family
            .shows_at(server, program, (target, address), &chain);
    }

    /// Makes sure that the server shows its certificate to another client.
    #[track_caller]
    fn openssl_sees(&self, address: SocketAddr, starttls: &[&str]) {
        assert_eq!(seen_by_openssl(address, starttls), self.identity.sha256);
    }
}

#[test]
fn mail() {
    let mut mail = Starttls::new("Mail", "mail.sweep.test");
    let postfix = Postfix::start(&mail.identity);
    let dovecot = Dovecot::start(&mail.identity);
    mail.openssl_sees(postfix.submission, &["smtp"]);
    mail.openssl_sees(dovecot.lmtp, &["lmtp"]);
    mail.openssl_sees(dovecot.pop3, &["pop3"]);
    mail.openssl_sees(dovecot.imap, &["imap"]);
    mail.openssl_sees(dovecot.sieve, &["sieve"]);

    mail.by_port(
        "SMTP, greeting after 6 s (postscreen)",
        POSTFIX,
        postfix.screened,
    );
    mail.by_port("SMTP, submission", POSTFIX, postfix.submission);
    let target = format!("{}/smtp", postfix.hesitant);
    mail.asked("SMTP, silent for 6 s", POSTFIX, target, postfix.hesitant);
    let target = format!("{}/lmtp", dovecot.lmtp);
    mail.asked("LMTP", DOVECOT, target, dovecot.lmtp);
    mail.by_port("POP3", DOVECOT, dovecot.pop3);
    mail.by_port("IMAP", DOVECOT, dovecot.imap);
    mail.by_port("ManageSieve", DOVECOT, dovecot.sieve);
    mail.by_port("IMAP in TLS", DOVECOT, dovecot.imaps);
    mail.by_port("POP3 in TLS", DOVECOT, dovecot.pop3s);

    let address = at_port(2526);
    let stub = Dialogues::start(&mail.identity, &[("declines", address)]);
    mail.family.gives_nothing(
        "SMTP that declines STARTTLS",
        STUB,
        (format!("{address}/smtp"), address),
        ("not-tls", "starttls-declined"),
    );
    mail.family.keep((postfix, dovecot, stub));
    mail.family.check();
}

#[test]
fn directories_and_databases() {
    let mut data = Starttls::new("Directories and databases", "data.sweep.test");
    let slapd = Slapd::start(&data.identity);
    let postgres = Postgres::start(&data.identity);
    let mariadb = MariaDb::start(&data.identity);
    // TDS 8 has no dialect before TLS: the port alone tells it.
    let tds = [
        ("mssql", at_port(1433)),
        ("mssql8", SocketAddr::new(second_loopback(), 1433)),
    ];
    let stubs = Dialogues::start(&data.identity, &tds);
    data.openssl_sees(slapd.ldap, &["ldap"]);
    data.openssl_sees(postgres.address, &["postgres"]);
    data.openssl_sees(mariadb.address, &["mysql"]);

    data.by_port("LDAP", Program("OpenLDAP (slapd)"), slapd.ldap);
    data.by_port("LDAP in TLS", Program("OpenLDAP (slapd)"), slapd.ldaps);
    data.by_port("PostgreSQL", Program("PostgreSQL"), postgres.address);
    data.by_port("MySQL", Program("MariaDB"), mariadb.address);
    data.by_port("SQL Server, TLS in TDS 7", STUB, tds[0].1);
    data.by_port("SQL Server, TDS 8", STUB, tds[1].1);
    data.family.keep((slapd, postgres, mariadb, stubs));
    data.family.check();
}

#[test]
fn files_chat_news_and_desktops() {
    let mut others = Starttls::new("Files, chat, news, desktops", "xmpp.sweep.test");
    let domain = "xmpp.sweep.test";
    let vsftpd = Vsftpd::start(&others.identity);
    let prosody = Prosody::start(domain, &others.identity);
    let inspircd = InspIrcd::start(&others.identity);
    let xrdp = Xrdp::start(&others.identity);
    let nntp = Dialogues::start(&others.identity, &[("nntp", at_port(119))]);
    let dns = Dns::start(&[(domain, prosody.clients.ip())]);
    others.openssl_sees(vsftpd.address, &["ftp"]);
    others.openssl_sees(prosody.clients, &["xmpp", "-name", domain]);
    others.openssl_sees(prosody.servers, &["xmpp-server", "-name", domain]);
    others.openssl_sees(at_port(119), &["nntp"]);
    // Not of InspIRCd: its notice before the reply is more than OpenSSL's
    // client expects.

    let family = &mut others.family;
    family.option("--resolver", &dns.address.to_string());
    others.by_port("FTP", Program("vsftpd"), vsftpd.address);
    let chat = Program("Prosody");
    for (server, address) in [
        ("XMPP, for clients", prosody.clients),
        ("XMPP, for servers", prosody.servers),
        ("XMPP in TLS", prosody.direct),
    ] {
        let target = format!("{domain}:{}", address.port());
        others.asked(server, chat, target, address);
    }
    let irc = Program("InspIRCd (GnuTLS)");
    let target = format!("{}/irc", inspircd.address);
    others.asked("IRC", irc, target, inspircd.address);
    others.by_port("IRC in TLS", irc, inspircd.direct);
    others.by_port("RDP", Program("xrdp"), xrdp.address);
    others.by_port("NNTP", STUB, at_port(119));
    others.family.keep((vsftpd, prosody, inspircd, xrdp));
    others.family.keep((nntp, dns));
    others.family.check();
}
