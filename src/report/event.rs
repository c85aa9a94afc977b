//! What changed on the network.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::column::column;
use super::table::{Table, port, scan};
use super::value::Value;
use crate::domain::{Fingerprint, Port, ScanId, Timestamp, Zone};

/// Something that changed at a question.
///
/// Its texts come from the network and may hold anything; every report
/// escapes them for its own medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// What stays the same of it as long as the inventory lasts.
    pub id: String,
    /// What happened.
    pub kind: EventKind,
    /// When it was seen.
    pub at: Timestamp,
    /// The scan that saw it.
    pub scan: ScanId,
    /// From where.
    pub zone: Zone,
    /// The server name asked for, else the address.
    pub host: String,
    /// The address.
    pub ip: IpAddr,
    /// The port.
    pub port: Port,
    /// The server name sent, if any.
    pub sni: Option<String>,
    /// The STARTTLS dialect; `None` for direct TLS.
    pub starttls: Option<String>,
    /// The certificate.
    pub sha256: Fingerprint,
    /// Its subject's last common name, else its first alternative name, else
    /// its whole subject; `None` where unparsed.
    pub subject: Option<String>,
    /// Its issuer, RFC 4514.
    pub issuer_dn: Option<String>,
    /// The end of its validity.
    pub not_after: Option<Timestamp>,
    /// The certificate that it took the place of.
    pub previous: Option<Fingerprint>,
    /// That one's subject, as `subject` has it.
    pub previous_subject: Option<String>,
    /// The address that it had moved from.
    pub moved_from: Option<IpAddr>,
}

/// What may happen to a certificate at a question. Only the network does it:
/// changes of rules, trust stores or time are no events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// The first answer ever, or the first one after the last was gone.
    New,
    /// In place of one that it renews: the same subject, usages and names.
    Renewed,
    /// In place of another.
    Replaced,
    /// The same certificate in another chain, or the server began or ceased
    /// to ask its clients for certificates.
    Changed,
    /// The same certificate, or another for the same name, at another address
    /// than before.
    Moved,
    /// It came back within three looks, and takes turns with its successor.
    Alternating,
    /// Looks that should have seen it did not.
    Missing,
    /// It was missing for six days at least, or is left out of those that
    /// alternate.
    Gone,
    /// It is back after it was missing, gone or replaced.
    Returned,
}

/// A word that is no kind of event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of event")]
pub struct UnknownEventKind(pub String);

/// The events.
pub static EVENTS: Table<EventRow> = Table {
    kind: "event",
    certificate: |_| None,
    shared: |_, _| None,
    columns: &[
        column("event_id", |row, _| Value::text(&row.id)),
        column("kind", |row, _| Value::text(row.kind.as_str())),
        column("cause", |_, _| Value::text("network")),
        column("at", |row, _| row.at.into()),
        column("scan_id", |row, _| scan(row.scan)),
        column("zone", |row, _| Value::text(row.zone.as_str())),
        column("host", |row, _| Value::text(&row.host)),
        column("ip", |row, _| Value::made(row.ip)),
        column("port", |row, _| port(row.port)),
        column("sni", |row, _| row.sni.as_ref().into()),
        column("starttls", |row, _| row.starttls.as_ref().into()),
        column("subject", |row, _| row.subject.as_ref().into()),
        column("issuer_dn", |row, _| row.issuer_dn.as_ref().into()),
        column("not_after", |row, _| row.not_after.into()),
        column("sha256", |row, _| Value::made(row.sha256)),
        column("previous_sha256", |row, _| {
            row.previous.map(Value::made).into()
        }),
        column("moved_from", |row, _| {
            row.moved_from.map(Value::made).into()
        }),
    ],
};

impl EventKind {
    /// Every kind, in the order in which they are told.
    pub const ALL: [Self; 9] = [
        Self::New,
        Self::Renewed,
        Self::Replaced,
        Self::Changed,
        Self::Moved,
        Self::Alternating,
        Self::Missing,
        Self::Gone,
        Self::Returned,
    ];

    /// Its word, as reports and the inventory write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Renewed => "renewed",
            Self::Replaced => "replaced",
            Self::Changed => "changed",
            Self::Moved => "moved",
            Self::Alternating => "alternating",
            Self::Missing => "missing",
            Self::Gone => "gone",
            Self::Returned => "returned",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for EventKind {
    type Err = UnknownEventKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownEventKind(text.to_owned()))
    }
}
