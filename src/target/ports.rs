use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::fragile::{fragile_ranges, is_fragile};
use crate::domain::{Dialect, InvalidPort, Port, UnknownDialect};

/// A set of ports, each with the dialect the operator forced on it, if any.
/// Never empty; cheap to clone.
///
/// A port with a forced dialect is not in it without one: the forced one
/// wins. Two forced dialects on one port are two entries.
///
/// Of the fragile ports, behind which machines may print or stop over what
/// they are sent, it knows which were named by number or in a set, and which
/// are merely swept: they lie in a range.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ports {
    /// Ascending.
    entries: Arc<[(Port, Option<Dialect>)]>,
    /// The fragile ones that nothing but a range brought, ascending.
    swept: Arc<[Port]>,
}

/// Why a text names no ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortsError {
    /// Nothing, or nothing between two commas.
    #[error("empty port in `{0}`")]
    Empty(String),
    /// A number out of range, or no number.
    #[error(transparent)]
    Port(#[from] InvalidPort),
    /// A range whose end is below its start.
    #[error("port range ends before it starts: {first}-{last}")]
    Backwards {
        /// The port written first.
        first: Port,
        /// The port written last.
        last: Port,
    },
    /// A word that is no named set.
    #[error("`{0}` is neither a port nor a named set of ports")]
    UnknownSet(String),
    /// A dialect that nobody here speaks.
    #[error("{error} (in `{item}`)")]
    Dialect {
        /// The whole entry.
        item: String,
        /// What is wrong with it.
        error: UnknownDialect,
    },
}

/// The named sets; `all` is every one of these.
const NAMED: &[(&str, &[u16])] = &[
    ("web", &[443, 4443, 8443, 9443, 10443]),
    ("mail", &[24, 25, 110, 143, 465, 587, 993, 995, 2525, 4190]),
    ("directory", &[389, 636, 3268, 3269]),
    ("database", &[1433, 2484, 3306, 5432, 6380, 27017]),
    ("kmip", &[5696]),
    ("remote", &[2376, 2379, 2380, 3389, 5986, 6443, 10250]),
    (
        "messaging",
        &[4222, 5222, 5223, 5269, 5671, 6667, 6697, 8883, 9093],
    ),
    ("infra", &[21, 119, 563, 853, 990, 5061, 5349, 6514, 8200]),
];

/// The set of all named sets.
const ALL: &str = "all";

impl Ports {
    /// One port.
    #[must_use]
    pub fn one(port: Port, dialect: Option<Dialect>) -> Self {
        Self {
            entries: Arc::from([(port, dialect)]),
            swept: Arc::default(),
        }
    }

    /// Those from a first to a last, as a range has them.
    pub(super) fn between(first: Port, last: Port) -> Self {
        let ports = between(first, last).map(|port| (port, None));
        Self::from_entries(ports.collect(), between(first, last).collect())
    }

    /// The words that stand for sets of ports, in the order of the help text.
    pub fn set_names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|(name, _)| *name).chain([ALL])
    }

    /// The ports that a range does not name, in ascending order, neighbours as
    /// ranges: printers print what these are sent, and controllers stop.
    #[must_use]
    pub fn fragile_numbers() -> Vec<String> {
        let numbers = fragile_ranges();
        numbers
            .map(|(first, last)| {
                if first == last {
                    first.to_string()
                } else {
                    format!("{first}-{last}")
                }
            })
            .collect()
    }

    /// Its ports in ascending order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Port, Option<Dialect>)> + '_ {
        self.entries.iter().copied()
    }

    /// How many entries it has, at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entry at a position of [`Self::iter`].
    #[must_use]
    pub fn at(&self, position: usize) -> Option<(Port, Option<Dialect>)> {
        self.entries.get(position).copied()
    }

    /// Whether the port is in it, in whatever dialect.
    #[must_use]
    pub fn contains(&self, port: Port) -> bool {
        self.entries
            .binary_search_by_key(&port, |entry| entry.0)
            .is_ok()
    }

    /// Whether the port is in it with this dialect forced, or with none.
    pub(super) fn lists(&self, port: Port, dialect: Option<Dialect>) -> bool {
        self.entries.binary_search(&(port, dialect)).is_ok()
    }

    /// Whether the port is a fragile one that is not named by itself.
    #[must_use]
    pub fn merely_sweeps(&self, port: Port) -> bool {
        self.swept.binary_search(&port).is_ok()
    }

    /// The fragile ports that are not named by themselves.
    pub(super) fn swept(&self) -> &[Port] {
        &self.swept
    }

    /// Whether any of its ports has a forced dialect.
    #[must_use]
    pub fn forces_a_dialect(&self) -> bool {
        self.entries.iter().any(|(_, dialect)| dialect.is_some())
    }

    /// Every port of all the sets; `None` if there are no sets.
    pub(super) fn union<'set>(sets: impl IntoIterator<Item = &'set Self>) -> Option<Self> {
        let sets: Vec<_> = sets.into_iter().collect();
        let entries: Vec<_> = sets.iter().flat_map(|set| set.iter()).collect();
        let swept = sets.iter().flat_map(|set| set.swept.iter().copied());
        let is_named = |port: &Port| {
            let mut sets = sets.iter();
            sets.any(|set| set.contains(*port) && !set.merely_sweeps(*port))
        };
        let swept = swept.filter(|port| !is_named(port)).collect();
        (!entries.is_empty()).then(|| Self::from_entries(entries, swept))
    }

    /// Those that `others` does not have; `None` if it has them all.
    pub(super) fn without(&self, others: &Self) -> Option<Self> {
        let is_left = |(port, dialect): &(Port, Option<Dialect>)| !others.lists(*port, *dialect);
        let left: Vec<_> = self.iter().filter(is_left).collect();
        let ports = left.iter().map(|(port, _)| *port);
        let swept = ports.filter(|port| self.merely_sweeps(*port)).collect();
        (!left.is_empty()).then(|| Self::from_entries(left, swept))
    }

    /// The entries, and of their ports those that only ranges brought.
    fn from_entries(mut entries: Vec<(Port, Option<Dialect>)>, mut ranged: Vec<Port>) -> Self {
        entries.sort_unstable();
        // No dialect sorts first, so a port's last entry tells whether one is
        // forced on it: from behind, the bare entry of such a port goes.
        let mut later = None;
        let mut kept = Vec::with_capacity(entries.len());
        entries.dedup();
        for (port, dialect) in entries.into_iter().rev() {
            if dialect.is_some() || later != Some(port) {
                kept.push((port, dialect));
            }
            later = Some(port);
        }
        kept.reverse();
        ranged.retain(|port| is_fragile(*port));
        ranged.sort_unstable();
        ranged.dedup();
        Self {
            entries: Arc::from(kept),
            swept: Arc::from(ranged),
        }
    }
}

impl Default for Ports {
    /// HTTPS.
    fn default() -> Self {
        Self::one(Port::HTTPS, None)
    }
}

impl FromStr for Ports {
    type Err = PortsError;

    /// Reads `443,8443,9000-9010,web,2525/smtp`, mixed freely.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut entries = Vec::new();
        let (mut ranged, mut named) = (Vec::new(), Vec::new());
        for item in text.split(',').map(str::trim) {
            if item.is_empty() {
                return Err(PortsError::Empty(text.to_owned()));
            }
            let (ports, dialect) = match item.split_once('/') {
                Some((ports, word)) => (ports, Some(parse_dialect(item, word)?)),
                None => (item, None),
            };
            let item = parse_item(ports)?;
            let ports = match &item {
                Item::Range(ports) => {
                    ranged.extend_from_slice(ports);
                    ports
                }
                Item::Named(ports) => {
                    named.extend_from_slice(ports);
                    ports
                }
            };
            entries.extend(ports.iter().map(|port| (*port, dialect)));
        }
        ranged.retain(|port| is_fragile(*port) && !named.contains(port));
        Ok(Self::from_entries(entries, ranged))
    }
}

impl fmt::Display for Ports {
    /// In ascending order, neighbours as ranges; it reads back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In a range, a port that is named by itself would be one no more.
        let fits = |port| !is_fragile(port) || self.merely_sweeps(port);
        let follows = |earlier: &(Port, Option<Dialect>), later: &(Port, Option<Dialect>)| {
            let adjacent = earlier.0.number() + 1 == later.0.number();
            earlier.1 == later.1 && adjacent && fits(earlier.0) && fits(later.0)
        };
        let mut separator = "";
        for run in self.entries.chunk_by(follows) {
            let (Some((first, dialect)), Some((last, _))) = (run.first(), run.last()) else {
                continue;
            };
            write!(f, "{separator}{first}")?;
            if first != last || self.merely_sweeps(*first) {
                write!(f, "-{last}")?;
            }
            if let Some(dialect) = dialect {
                write!(f, "/{dialect}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

impl PortsError {
    /// What would be accepted.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Empty(_) | Self::Port(_) | Self::UnknownSet(_) => {
                let sets: Vec<_> = Ports::set_names().collect();
                Some(format!(
                    "ports are numbers, ranges like 9000-9010 and the sets {}, \
                     separated by commas",
                    sets.join(", ")
                ))
            }
            Self::Backwards { first, last } => Some(format!("write {last}-{first}")),
            Self::Dialect { .. } => {
                let dialects: Vec<_> = Dialect::ALL.iter().map(|it| it.as_str()).collect();
                Some(format!("the dialects are {}", dialects.join(", ")))
            }
        }
    }
}

fn parse_dialect(item: &str, word: &str) -> Result<Dialect, PortsError> {
    let word = word.trim().to_ascii_lowercase();
    word.parse().map_err(|error| PortsError::Dialect {
        item: item.to_owned(),
        error,
    })
}

/// The ports of one entry.
enum Item {
    /// A range, which names none of them.
    Range(Vec<Port>),
    /// A number or a named set.
    Named(Vec<Port>),
}

fn parse_item(text: &str) -> Result<Item, PortsError> {
    let text = text.trim();
    if text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return named_set(text).map(Item::Named);
    }
    let Some((first, last)) = text.split_once('-') else {
        return Ok(Item::Named(vec![text.parse()?]));
    };
    let first: Port = first.trim_end().parse()?;
    let last: Port = last.trim_start().parse()?;
    if last < first {
        return Err(PortsError::Backwards { first, last });
    }
    Ok(Item::Range(between(first, last).collect()))
}

fn between(first: Port, last: Port) -> impl Iterator<Item = Port> {
    (first.number()..=last.number()).filter_map(Port::new)
}

fn named_set(word: &str) -> Result<Vec<Port>, PortsError> {
    let wanted = |name: &str| word.eq_ignore_ascii_case(name) || word.eq_ignore_ascii_case(ALL);
    let ports: Vec<_> = NAMED
        .iter()
        .filter(|(name, _)| wanted(name))
        .flat_map(|(_, numbers)| *numbers)
        .filter_map(|number| Port::new(*number))
        .collect();
    if ports.is_empty() {
        return Err(PortsError::UnknownSet(word.to_owned()));
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<u16> {
        let ports: Ports = text.parse().unwrap();
        ports.iter().map(|(port, _)| port.number()).collect()
    }

    #[test]
    fn numbers_ranges_and_sets_mix_and_merge() {
        assert_eq!(
            numbers(" 443 , 8443,9000-9002,kmip,443 "),
            [443, 5696, 8443, 9000, 9001, 9002]
        );
        assert_eq!(numbers("WEB"), [443, 4443, 8443, 9443, 10443]);
        assert_eq!(numbers("1-65535").len(), 65535);
    }

    #[test]
    fn all_is_every_named_set() {
        let every: Vec<_> = NAMED.iter().map(|(name, _)| *name).collect();
        assert_eq!(numbers("all"), numbers(&every.join(",")));
        assert_eq!(numbers("all").len(), 51);
        assert_eq!(Ports::set_names().last(), Some("all"));
    }

    #[test]
    fn a_forced_dialect_wins_over_none() {
        for text in ["443,443/tls", "443/tls,443", "443/tls,web"] {
            let ports: Ports = text.parse().unwrap();
            assert_eq!(
                ports.iter().next(),
                Some((Port::HTTPS, Some(Dialect::Tls))),
                "{text}"
            );
        }
        assert_eq!("443,443/TLS".parse::<Ports>().unwrap().len(), 1);
    }

    #[test]
    fn a_fragile_port_is_named_by_its_number_and_not_by_a_range() {
        let swept = |text: &str| text.parse::<Ports>().unwrap().swept.len();
        assert_eq!(swept("9100-9107"), 8);
        assert_eq!(swept("9100-9107,9100,9103/tls"), 6);
        assert_eq!(swept("9100,9101"), 0);
        assert_eq!(swept("8000-9000"), 0);
        let read = |text: &str| text.parse::<Ports>().unwrap();
        let (range, number, other) = (read("9099-9101"), read("9100"), read("9101-9110"));
        let union = Ports::union([&range, &number, &other]).unwrap();
        let named = Port::new(9100).unwrap();
        assert!(range.merely_sweeps(named) && !union.merely_sweeps(named));
        assert_eq!(union.to_string(), "9099,9100,9101-9110");
    }

    #[test]
    fn what_is_printed_reads_back() {
        for (text, shown) in [
            ("443", "443"),
            ("443,444,445,8443", "443-445,8443"),
            ("443,444/tls,445/tls", "443,444-445/tls"),
            ("1-65535", "1-65535"),
            ("kmip/tls", "5696/tls"),
            ("9100,9101", "9100,9101"),
            ("9099-9101,9100", "9099,9100,9101-9101"),
            ("102-102/tls", "102-102/tls"),
        ] {
            let ports: Ports = text.parse().unwrap();
            assert_eq!(ports.to_string(), shown);
            assert_eq!(shown.parse(), Ok(ports));
        }
    }

    #[test]
    fn each_fault_has_its_own_error_and_a_hint() {
        type Check = fn(&PortsError) -> bool;
        let cases: [(&str, Check); 8] = [
            ("", |e| matches!(e, PortsError::Empty(_))),
            ("443,,8443", |e| matches!(e, PortsError::Empty(_))),
            ("0", |e| matches!(e, PortsError::Port(_))),
            ("65536", |e| matches!(e, PortsError::Port(_))),
            ("1-2-3", |e| matches!(e, PortsError::Port(_))),
            ("90-80", |e| matches!(e, PortsError::Backwards { .. })),
            ("wbe", |e| matches!(e, PortsError::UnknownSet(_))),
            ("443/spdy", |e| matches!(e, PortsError::Dialect { .. })),
        ];
        for (text, check) in cases {
            let error = text.parse::<Ports>().unwrap_err();
            assert!(check(&error), "{text}: {error}");
            assert!(error.hint().is_some(), "{text}");
        }
        let error = "443/spdy".parse::<Ports>().unwrap_err();
        for dialect in Dialect::ALL {
            assert!(error.hint().unwrap().contains(dialect.as_str()));
        }
    }
}
