use crate::domain::Dialect;

use super::super::{all, recognised};

/// What servers say unasked, and the dialect that surely is, if any.
const BANNERS: &[(Option<Dialect>, &[u8])] = &[
    // SMTP
    (Some(Dialect::Smtp), b"220 mail.example.com ESMTP Postfix (Debian/GNU)\r\n"),
    (Some(Dialect::Smtp), b"220-mail.example.com ESMTP Exim 4.96 #2 Sat, 21 Nov 2026 10:00:00 +0000 \r\n220-We do not authorize the use of this system to transport unsolicited, \r\n220 and/or bulk e-mail.\r\n"),
    (Some(Dialect::Smtp), b"220 ftp.example.com ESMTP Sendmail 8.17.1.9/8.17.1.9/Debian-2; Sat, 21 Nov 2026 10:00:00 GMT; (No UCE/UBE) logging access from: localhost(OK)-localhost [127.0.0.1]\r\n"),
    (Some(Dialect::Smtp), b"220 mail.example.com ESMTP OpenSMTPD\r\n"),
    (Some(Dialect::Smtp), b"220 mail.example.com ESMTP\r\n"),
    (Some(Dialect::Smtp), b"220 EX01.corp.example Microsoft ESMTP MAIL Service ready at Sat, 21 Nov 2026 10:00:00 +0100\r\n"),
    (Some(Dialect::Smtp), b"220 mx.google.com ESMTP 5b1f17b1804b1-47a9 - gsmtp\r\n"),
    (Some(Dialect::Smtp), b"220 hp-printer Simple SMTP Server ready\n"),
    (Some(Dialect::Smtp), b"220-********\r\n220-* KEEP OUT *\r\n220 mail.example.com SMTP\r\n"),
    // LMTP
    (Some(Dialect::Lmtp), b"220 imap.example.com Cyrus LMTP 3.6.1-4+deb12u2 server ready\r\n"),
    (Some(Dialect::Lmtp), b"220 mail.example.com LMTP Server (JAMES Protocols Server) ready\r\n"),
    // Dovecot does not say that this is LMTP.
    (None, b"220 imap.example.com Dovecot (Debian) ready.\r\n"),
    // FTP
    (Some(Dialect::Ftp), b"220 (vsFTPd 3.0.3)\r\n"),
    (Some(Dialect::Ftp), b"220 ProFTPD Server (Debian) [::ffff:127.0.0.1]\r\n"),
    (Some(Dialect::Ftp), b"220---------- Welcome to Pure-FTPd [privsep] [TLS] ----------\r\n220-You are user number 1 of 50 allowed.\r\n220-Local time is now 10:00. Server port: 21.\r\n220 You will be disconnected after 15 minutes of inactivity.\r\n"),
    (Some(Dialect::Ftp), b"220 smtp.example.com FTP server (Version 6.4/OpenBSD/Linux-ftpd-0.17) ready.\r\n"),
    (Some(Dialect::Ftp), b"220-FileZilla Server 1.7.0\r\n220 Please visit https://filezilla-project.org/\r\n"),
    (Some(Dialect::Ftp), b"220 Microsoft FTP Service\r\n"),
    (Some(Dialect::Ftp), b"220 bftpd 6.1 at 192.0.2.1 ready.\r\n"),
    (None, b"220 Welcome.\r\n"),
    (None, b"220 mail.example.com FTP and SMTP\r\n"),
    (None, b"421 Too many connections from your internet address (FTP)\r\n"),
    // NNTP
    (Some(Dialect::Nntp), b"200 news.example.com InterNetNews server INN 2.7.1 ready (transit mode)\r\n"),
    (Some(Dialect::Nntp), b"201 news.example.com InterNetNews NNRP server INN 2.7.1 ready (no posting)\r\n"),
    (Some(Dialect::Nntp), b"200 Leafnode NNTP Daemon, version 1.12.0 running at localhost\r\n"),
    (None, b"200 poppassd v1.8.5 hello, who are you?\r\n"),
    // IMAP
    (Some(Dialect::Imap), b"* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS LOGINDISABLED] Dovecot (Debian) ready.\r\n"),
    (Some(Dialect::Imap), b"* OK imap.example.com Cyrus IMAP 3.6.1-4+deb12u2 server ready\r\n"),
    (Some(Dialect::Imap), b"* OK [CAPABILITY IMAP4rev1 UIDPLUS CHILDREN NAMESPACE STARTTLS] Courier-IMAP ready. Copyright 1998-2022 Double Precision, Inc.  See COPYING for distribution information.\r\n"),
    (Some(Dialect::Imap), b"* PREAUTH [CAPABILITY IMAP4rev1] Logged in as root\r\n"),
    (None, b"* ACAP (IMPLEMENTATION \"CommuniGate Pro ACAP 5.1\") (STARTTLS)\r\n"),
    (None, b"* AUTH \"DIGEST-MD5\"\r\n* STARTTLS\r\n* OK MUPDATE \"host\" \"Cyrus\" \"3.6\" \"(master)\"\r\n"),
    // POP3
    (Some(Dialect::Pop3), b"+OK Dovecot (Debian) ready.\r\n"),
    (Some(Dialect::Pop3), b"+OK <1.1@imap.example.com> [XMECH] Cyrus POP3 3.6.1 server ready\r\n"),
    (Some(Dialect::Pop3), b"+OK Hello there.\r\n"),
    (Some(Dialect::Pop3), b"+OK\r\n"),
    // ManageSieve
    (Some(Dialect::Sieve), b"\"IMPLEMENTATION\" \"Dovecot (Debian) Pigeonhole\"\r\n\"SIEVE\" \"fileinto\"\r\n\"STARTTLS\"\r\nOK \"Dovecot ready.\"\r\n"),
    (Some(Dialect::Sieve), b"\"IMPLEMENTATION\" \"Cyrus timsieved 3.6.1\"\r\nOK\r\n"),
    // IRC
    (Some(Dialect::Irc), b":irc.example.net NOTICE * :*** Looking up your hostname...\r\n"),
    (Some(Dialect::Irc), b":irc.example.net NOTICE Auth :*** Looking up your hostname...\r\n"),
    (Some(Dialect::Irc), b"NOTICE AUTH :*** Processing connection to irc.example.net\r\n"),
    (None, b"ERROR :Closing Link: 192.0.2.1 (Too many connections)\r\n"),
    // What nobody here speaks
    (None, b""),
    (None, b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"),
    (None, b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27"),
    (None, b"login: "),
    (None, b"RFB 003.008\n"),
    (None, b"@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n"),
    (None, b"220 dict.example.com dictd 1.13.1/rf on Linux <auth.mime> <1.2.3@dict.example.com>\r\n"),
    (None, b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n"),
    (None, b"<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'>"),
    (None, b"\x15\x03\x01\x00\x02\x02\x28"),
    (None, b"-ERR unknown command 'HELP'\r\n"),
    (None, b"OK MPD 0.23.12\n"),
    (None, b"( success ( 2 2 ( ) ( edit-pipeline ) ) ) "),
];

/// MySQL's handshake packet: its dialect is told by bytes, not by words.
const MYSQL: &[u8] = b"\x5b\x00\x00\x00\x0a5.5.5-10.11.6-MariaDB-0+deb12u1\x00\x1e\x00\x00\x00";

#[test]
fn a_greeting_is_told_only_where_it_is_sure() {
    for (dialect, banner) in BANNERS {
        let found = recognised(banner).map(|protocol| protocol.dialect);
        assert_eq!(found, *dialect, "{}", String::from_utf8_lossy(banner));
    }
}

#[test]
fn no_greeting_is_that_of_two_protocols() {
    for banner in BANNERS.iter().map(|(_, banner)| *banner).chain([MYSQL]) {
        for length in 0..=banner.len() {
            let prefix = &banner[..length];
            let count = all().filter(|it| (it.greets_with)(prefix)).count();
            assert!(count <= 1, "{}", String::from_utf8_lossy(prefix));
        }
    }
}

#[test]
fn what_was_told_from_a_part_of_a_greeting_stays_true() {
    for (dialect, banner) in BANNERS {
        for length in 0..banner.len() {
            let found = recognised(&banner[..length]).map(|protocol| protocol.dialect);
            assert!(found.is_none() || found == *dialect);
        }
    }
}

#[test]
fn a_line_dialogue_hands_on_a_greeting_of_another_protocol() {
    use super::{End, Transcript};

    for (asked, greeting) in [
        (Dialect::Smtp, "220 (vsFTPd 3.0.3)"),
        (Dialect::Smtp, "220 host Cyrus LMTP 3.6.1 server ready"),
        (Dialect::Lmtp, "220 host ESMTP Postfix"),
        (Dialect::Ftp, "220 host ESMTP Postfix"),
    ] {
        let transcript = Transcript::of_lines(asked, &format!("S: {greeting}"));
        assert_eq!(transcript.ends(), End::Foreign, "{greeting}");
    }
}
