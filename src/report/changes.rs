//! Events → lines for a terminal.
//!
//! Whatever comes from the network goes through [`printable`]: the result
//! holds no control character but LF.
//!
//! [`printable`]: crate::domain::printable

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;

use super::event::{EventKind, EventRow};
use super::list::{date, minute, short};
use crate::domain::Fingerprint;

/// Events kind by kind, a line each, being written as they come.
#[derive(Debug)]
pub struct Changes<Out> {
    out: Out,
    /// How many there were of each kind, in the order in which they came.
    counts: Vec<(EventKind, u64)>,
}

/// Columns of a place, which is never cut, and of a subject, which is.
const PLACE: usize = 28;
const SUBJECT: usize = 26;

impl<Out: Write> Changes<Out> {
    /// Begins with a line that says of what they are.
    pub fn begin(mut out: Out, title: &str) -> io::Result<Self> {
        writeln!(out, "{title}")?;
        let counts = Vec::new();
        Ok(Self { out, counts })
    }

    /// Writes one, below the heading of its kind if that is another than the
    /// last one's.
    pub fn event(&mut self, row: &EventRow) -> io::Result<()> {
        match self.counts.last_mut() {
            Some((kind, count)) if *kind == row.kind => *count += 1,
            _ => {
                let kind = row.kind;
                writeln!(self.out, "\n{kind}: {}", meaning(kind))?;
                self.counts.push((kind, 1));
            }
        }
        let place = place(row);
        let subject = short(row.subject.as_deref().unwrap_or("unparsed"), SUBJECT);
        let ends = row.not_after.map(date).unwrap_or_default();
        let sha256 = beginning(row.sha256);
        writeln!(
            self.out,
            "  {place:PLACE$} {subject:SUBJECT$} {ends:10} {sha256}"
        )?;
        match row.moved_from {
            Some(origin) => writeln!(self.out, "    from {origin}"),
            None => Ok(()),
        }
    }

    /// Ends with the count of each kind.
    pub fn end(mut self) -> io::Result<()> {
        let counts = self.counts.iter();
        let counts: Vec<_> = counts
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        if counts.is_empty() {
            writeln!(self.out, "\nnothing changed")?;
        } else {
            writeln!(self.out, "\n{}", counts.join(", "))?;
        }
        self.out.flush()
    }
}

/// What became of a certificate, a line an event; empty without any.
#[must_use]
pub fn life(certificate: Fingerprint, events: &[EventRow]) -> String {
    let mut text = String::new();
    for row in events {
        let other = match row.previous {
            _ if row.sha256 != certificate => format!(", by {}", beginning(row.sha256)),
            Some(previous) => format!(", in place of {}", beginning(previous)),
            None => String::new(),
        };
        let origin = row.moved_from;
        let origin = origin.map_or_else(String::new, |origin| format!(", from {origin}"));
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "  {}  {:11} {}{origin}{other}",
            minute(row.at),
            row.kind,
            place(row)
        );
    }
    text
}

/// `10.0.0.1:443`, or `a.example:25/smtp` where a name was asked for in a
/// dialect.
fn place(row: &EventRow) -> String {
    let endpoint = match &row.sni {
        Some(sni) => format!("{}:{}", short(sni, 60), row.port),
        None => SocketAddr::new(row.ip, row.port.number()).to_string(),
    };
    let dialect = row.starttls.as_deref();
    let dialect = dialect.map_or_else(String::new, |dialect| format!("/{}", short(dialect, 16)));
    format!("{endpoint}{dialect}")
}

/// Enough of a fingerprint to ask for more.
fn beginning(sha256: Fingerprint) -> String {
    sha256.to_string().chars().take(10).collect()
}

const fn meaning(kind: EventKind) -> &'static str {
    match kind {
        EventKind::New => "first seen there",
        EventKind::Renewed => "in place of one of the same subject and names",
        EventKind::Replaced => "in place of another",
        EventKind::Changed => "in another chain, or other wishes for client certificates",
        EventKind::Moved => "at another address than before",
        EventKind::Alternating => "takes turns with another",
        EventKind::Missing => "not seen where it should be",
        EventKind::Gone => "missing for six days at least, or left out of turns",
        EventKind::Returned => "back after it was missing, gone or replaced",
    }
}
