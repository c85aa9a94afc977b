//! A summary and its report → an e-mail message (RFC 5322, RFC 2045), to be
//! sent by others.
//!
//! No text of an owner or of the network stands in a header as it is, and all
//! bodies are base64: nothing in them can end a header or a part.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::domain::{Fingerprint, Timestamp, printable};

/// An address that mail can go to, with the name of whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    name: String,
    address: String,
}

impl Default for Mailbox {
    /// That of nobody, on this machine: `certsweep@localhost`.
    fn default() -> Self {
        Self {
            name: String::new(),
            address: "certsweep@localhost".to_owned(),
        }
    }
}

/// A text that is no mailbox.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a mail address, like ops@example.com or Ops <ops@example.com>")]
pub struct InvalidMailbox(pub String);

/// A message without its attachment.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    /// Who writes.
    pub from: &'a Mailbox,
    /// Who is written to; nobody where that is not known.
    pub to: &'a [Mailbox],
    /// What about: words of ours alone, in ASCII.
    pub subject: &'a str,
    /// When.
    pub date: Timestamp,
    /// What a person reads.
    pub text: &'a str,
    /// The attachment's file name: words of ours alone.
    pub file_name: &'a str,
}

/// Longest address, RFC 5321 section 4.5.3.1.3.
const MAX_ADDRESS: usize = 254;

/// Bytes of a name in one encoded word, which may be 75 characters long (RFC
/// 2047 section 2): 12 for its frame, 60 of base64.
const ENCODED_WORD: usize = 45;

/// Bytes that are encoded at once: whole lines of 48.
const CHUNK: usize = 48 * 1024;

impl Letter<'_> {
    /// Writes the message, with what `csv` holds attached. Its lines end in
    /// CRLF and are at most 78 characters long, but for a long address.
    pub fn write(&self, out: &mut dyn Write, csv: &mut dyn Read) -> io::Result<()> {
        let seed = format!("{} {} {}", self.date.micros(), self.file_name, self.text);
        // Base64 has no `_`: no part can hold its boundary.
        let hash = Fingerprint::of(seed.as_bytes()).to_string();
        let hash = hash.get(..32).unwrap_or_default();
        let boundary = format!("_certsweep_{hash}");
        write!(out, "From: {}\r\n", self.from)?;
        let to: Vec<_> = self.to.iter().map(ToString::to_string).collect();
        if !to.is_empty() {
            write!(out, "To: {}\r\n", to.join(",\r\n "))?;
        }
        write!(out, "Subject: {}\r\n", self.subject)?;
        write!(out, "Date: {}\r\n", date(self.date))?;
        write!(out, "Message-ID: <{hash}@certsweep.invalid>\r\n")?;
        out.write_all(b"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n")?;
        write!(
            out,
            "Content-Type: multipart/mixed;\r\n boundary=\"{boundary}\"\r\n\r\n"
        )?;
        write!(
            out,
            "--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        )?;
        out.write_all(b"Content-Transfer-Encoding: base64\r\n\r\n")?;
        let text = self.text.replace('\n', "\r\n");
        base64_lines(out, &mut text.as_bytes())?;
        write!(
            out,
            "--{boundary}\r\nContent-Type: text/csv; charset=utf-8; header=present\r\n"
        )?;
        let file = self.file_name;
        write!(
            out,
            "Content-Disposition: attachment;\r\n filename=\"{file}\"\r\n"
        )?;
        out.write_all(b"Content-Transfer-Encoding: base64\r\n\r\n")?;
        base64_lines(out, csv)?;
        write!(out, "--{boundary}--\r\n")
    }
}

impl Mailbox {
    /// Where mail goes to, without the name.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Reads one mailbox, or several with commas or semicolons between them.
    ///
    /// # Errors
    /// The text, where any of them is none.
    pub fn list(text: &str) -> Result<Vec<Self>, InvalidMailbox> {
        let each = text.split([',', ';']).map(str::parse);
        let each: Result<_, InvalidMailbox> = each.collect();
        // There may be a comma in the name of a single one.
        each.or_else(|_| Ok(vec![text.parse()?]))
    }
}

impl FromStr for Mailbox {
    type Err = InvalidMailbox;

    /// Reads `ops@example.com` or `Ops <ops@example.com>`. The address is a
    /// dot-atom at a domain name, in ASCII: what is more unusual is refused.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidMailbox(text.to_owned());
        let (name, address) = match text.trim().strip_suffix('>') {
            Some(rest) => rest.split_once('<').ok_or_else(invalid)?,
            None => ("", text.trim()),
        };
        let (local, domain) = address.split_once('@').ok_or_else(invalid)?;
        let atoms = |text: &str, specials: &str| {
            let atom = |atom: &str| {
                let allowed = |c: char| c.is_ascii_alphanumeric() || specials.contains(c);
                !atom.is_empty() && atom.chars().all(allowed)
            };
            text.split('.').all(atom)
        };
        let right = address.len() <= MAX_ADDRESS
            && atoms(local, "!#$%&'*+-/=?^_`{|}~")
            && atoms(domain, "-");
        if !right {
            return Err(invalid());
        }
        Ok(Self {
            // Only what is printable may be encoded in it (RFC 2047 section 5).
            name: printable(name.trim().trim_matches('"')),
            address: address.to_owned(),
        })
    }
}

impl fmt::Display for Mailbox {
    /// As a header has it: the name in encoded words, folded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() {
            return f.write_str(&self.address);
        }
        let mut word = String::new();
        for character in self.name.chars() {
            if word.len() + character.len_utf8() > ENCODED_WORD {
                write!(f, "=?utf-8?B?{}?=\r\n ", base64(word.as_bytes()))?;
                word.clear();
            }
            word.push(character);
        }
        write!(
            f,
            "=?utf-8?B?{}?=\r\n <{}>",
            base64(word.as_bytes()),
            self.address
        )
    }
}

/// RFC 5322 section 3.3; a year that it can't write is the epoch's.
fn date(at: Timestamp) -> String {
    let time = OffsetDateTime::from_unix_timestamp(at.seconds());
    let time = time.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let text = time.format(&Rfc2822);
    text.unwrap_or_else(|_| "Thu, 01 Jan 1970 00:00:00 +0000".to_owned())
}

/// All that `source` holds, in lines of 64 characters.
fn base64_lines(out: &mut dyn Write, source: &mut dyn Read) -> io::Result<()> {
    loop {
        let mut chunk = Vec::new();
        source.take(CHUNK as u64).read_to_end(&mut chunk)?;
        if chunk.is_empty() {
            return Ok(());
        }
        for line in chunk.chunks(48) {
            write!(out, "{}\r\n", base64(line))?;
        }
    }
}

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    let block = pem::encode(&pem::Pem::new("X", bytes));
    let lines = block.lines().filter(|line| !line.starts_with('-'));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(text: &str) -> Mailbox {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn message(to: &[Mailbox], text: &str, csv: &[u8]) -> String {
        let letter = Letter {
            from: &mailbox("certsweep@localhost"),
            to,
            subject: "2 certificates",
            date: "2026-11-21T08:00:00Z".parse().unwrap(),
            text,
            file_name: "certificates.csv",
        };
        let mut out = Vec::new();
        letter.write(&mut out, &mut &*csv).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_message_has_its_headers_and_both_parts() {
        let to = mailbox("Ops <ops@example.com>");
        let said = message(&[to], "hello", b"a,b\n");
        let (headers, body) = said.split_once("\r\n\r\n").unwrap();
        for header in [
            "From: certsweep@localhost",
            "To: =?utf-8?B?T3Bz?=\r\n <ops@example.com>",
            "Subject: 2 certificates",
            "Date: Sat, 21 Nov 2026 08:00:00 +0000",
            "MIME-Version: 1.0",
        ] {
            assert!(headers.contains(header), "no {header} in\n{headers}");
        }
        assert!(
            body.contains("\r\naGVsbG8=\r\n") && body.contains("\r\nYSxiCg==\r\n"),
            "{body}"
        );
        assert!(said.ends_with("--\r\n"));
        assert!(!message(&[], "x", b"").contains("To: "));
    }

    #[test]
    fn no_text_gets_into_a_header_or_ends_a_part() {
        for hostile in [
            "x\r\nBcc: all@example.com\r\n\r\n",
            "--_certsweep_",
            "=?utf-8?Q?=0d=0aBcc?=",
            "\u{202e}\0\u{1b}[2J",
            &"ü".repeat(40_000),
        ] {
            let to = mailbox(&format!("{} <a@b.example>", hostile.trim()));
            let said = message(&[to], hostile, hostile.as_bytes());
            assert_eq!(said.matches("\r\n--_certsweep_").count(), 3);
            assert!(!said.contains("\r\nBcc"), "{said}");
            assert!(said.is_ascii() && !said.replace("\r\n", "").contains(['\r', '\n']));
            assert!(said.lines().all(|line| line.len() <= 78), "{hostile:?}");
            assert!(!said.contains(|c: char| c.is_control() && !"\r\n".contains(c)));
        }
    }

    #[test]
    fn a_message_to_several_names_them_all() {
        for text in [
            "a@x.example, B <b@y.example>",
            "a@x.example;B <b@y.example>",
        ] {
            let to = Mailbox::list(text).unwrap();
            let said = message(&to, "hello", b"");
            let header = "To: a@x.example,\r\n =?utf-8?B?Qg==?=\r\n <b@y.example>\r\n";
            assert!(said.contains(header), "{said}");
        }
        assert_eq!(Mailbox::list("Web, team <w@x.example>").unwrap().len(), 1);
        for wrong in ["", "a@x.example,", "a@x.example, the shop"] {
            assert!(Mailbox::list(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_plain_addresses_are_taken() {
        for right in ["a@b", "a.b+c@d-e.example", "\"Web, team\" <w@x.example>"] {
            mailbox(right);
        }
        for wrong in [
            "",
            "a",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            "a@b\r\nBcc: x",
            "<a@b",
            "x <a@b>>",
            "a@b,c@d",
            "a@ü.example",
            "a..b@c",
            "x <a@b\n>",
        ] {
            assert!(wrong.parse::<Mailbox>().is_err(), "{wrong:?}");
        }
        assert!(format!("{}@b", "a".repeat(300)).parse::<Mailbox>().is_err());
    }

    #[test]
    fn what_is_attached_comes_back_whole() {
        let csv: Vec<u8> = (0..150_000_u32).map(|n| n.to_be_bytes()[3]).collect();
        let said = message(&[], "", &csv);
        let attached = said.rsplit("\r\n\r\n").next().unwrap();
        let encoded = attached.split("--_certsweep").next().unwrap();
        let block = format!("-----BEGIN X-----\n{encoded}-----END X-----\n");
        assert_eq!(pem::parse(block).unwrap().contents(), csv);
    }
}
