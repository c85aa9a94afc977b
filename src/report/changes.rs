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
        if let Some(origin) = row.moved_from {
            writeln!(self.out, "    from {origin}")?;
        }
        match row.previous {
            Some(previous) if previous != row.sha256 => {
                let indent = "    in place of";
                let subject = row.previous_subject.as_deref();
                let subject = short(subject.unwrap_or("unparsed"), SUBJECT);
                let sha256 = beginning(previous);
                writeln!(
                    self.out,
                    "{indent:30} {subject:SUBJECT$} {:10} {sha256}",
                    ""
                )
            }
            _ => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Port, ScanId, Timestamp, Zone};

    fn event(kind: EventKind, address: &str) -> EventRow {
        EventRow {
            id: "1-began".to_owned(),
            kind,
            at: Timestamp::from_seconds(0),
            scan: ScanId::new(1),
            zone: Zone::default(),
            host: address.to_owned(),
            ip: address.parse().unwrap(),
            port: Port::HTTPS,
            sni: None,
            starttls: None,
            sha256: Fingerprint::of(b"certificate"),
            subject: Some("a.example".to_owned()),
            issuer_dn: None,
            not_after: Some(Timestamp::from_seconds(86_400)),
            previous: None,
            previous_subject: None,
            moved_from: None,
        }
    }

    fn told(events: &[EventRow]) -> String {
        let mut out = Vec::new();
        let mut changes = Changes::begin(&mut out, "Scan 2 against scan 1").unwrap();
        for row in events {
            changes.event(row).unwrap();
        }
        changes.end().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn events_are_told_kind_by_kind_a_line_each() {
        let mut moved = event(EventKind::Moved, "10.0.0.3");
        moved.moved_from = Some("10.0.0.2".parse().unwrap());
        let text = told(&[
            event(EventKind::New, "10.0.0.1"),
            event(EventKind::New, "2001:db8::1"),
            moved,
        ]);
        assert_eq!(
            text,
            "Scan 2 against scan 1\n\
             \n\
             new: first seen there\n  \
             10.0.0.1:443                 a.example                  1970-01-02 03d66dd088\n  \
             [2001:db8::1]:443            a.example                  1970-01-02 03d66dd088\n\
             \n\
             moved: at another address than before\n  \
             10.0.0.3:443                 a.example                  1970-01-02 03d66dd088\n    \
             from 10.0.0.2\n\
             \n\
             2 new, 1 moved\n"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 80));
        assert_eq!(told(&[]), "Scan 2 against scan 1\n\nnothing changed\n");
    }

    #[test]
    fn what_was_replaced_stands_below_what_took_its_place() {
        let mut replaced = event(EventKind::Replaced, "10.0.0.1");
        replaced.previous = Some(Fingerprint::of(b"before"));
        replaced.previous_subject = Some("old.example".to_owned());
        let text = told(&[replaced]);
        let lines: Vec<_> = text.lines().skip(3).take(2).collect();
        assert_eq!(
            lines,
            [
                "  10.0.0.1:443                 a.example                  1970-01-02 03d66dd088",
                "    in place of                old.example                           6db7d803e7",
            ]
        );
    }

    #[test]
    fn what_the_network_says_steers_no_terminal_and_breaks_no_line() {
        let mut hostile = event(EventKind::New, "10.0.0.1");
        hostile.subject = Some("\u{1b}[2J\n\u{202e}".repeat(1000));
        hostile.previous = Some(Fingerprint::of(b"before"));
        hostile.previous_subject.clone_from(&hostile.subject);
        hostile.starttls = Some("\u{7}".to_owned());
        let text = told(std::slice::from_ref(&hostile));
        let life = life(Fingerprint::of(b"other"), &[hostile]);
        for text in [text, life] {
            assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text}");
            assert!(text.lines().count() <= 7, "{text}");
        }
    }

    #[test]
    fn every_kind_has_a_meaning_and_reads_back() {
        for kind in EventKind::ALL {
            assert!(!meaning(kind).is_empty());
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("lost".parse::<EventKind>().is_err());
    }

    #[test]
    fn a_life_tells_what_was_before_and_what_came_after() {
        let row = event(EventKind::Renewed, "10.0.0.1");
        let (before, it) = (Fingerprint::of(b"before"), row.sha256);
        let row = EventRow {
            previous: Some(before),
            ..row
        };
        let start = "  1970-01-01 00:00  renewed     10.0.0.1:443";
        let rows = [row];
        let replaced = &before.to_string()[..10];
        assert_eq!(
            life(it, &rows),
            format!("{start}, in place of {replaced}\n")
        );
        let successor = &it.to_string()[..10];
        assert_eq!(life(before, &rows), format!("{start}, by {successor}\n"));
        assert_eq!(life(it, &[]), "");
    }
}
