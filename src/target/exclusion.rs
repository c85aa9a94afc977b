use std::fmt;

use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::hosts::split_ports;
use super::{Hosts, Origin, Ports, SpecError};
use crate::domain::{Port, ServerName};

/// Something that is never touched, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    scope: Scope,
    ports: Option<Ports>,
    origin: Origin,
    reason: Option<String>,
    owner: Option<String>,
    until: Option<Date>,
}

/// The hosts an exclusion is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// These. A name stands for itself, as a target and as a server name to
    /// send, not for the addresses it resolves to: those are listed as such.
    Hosts(Hosts),
    /// Every host: the exclusion is about ports.
    Everywhere,
}

/// Why a text is no exclusion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExclusionError {
    /// Nothing written.
    #[error("empty exclusion")]
    Empty,
    /// What is excluded.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A URL: whether its host or only its port is meant is anyone's guess.
    #[error("`{0}` is a URL")]
    Url(String),
    /// A port with a dialect: a port is left alone in every dialect.
    #[error("`{0}` excludes a dialect")]
    Dialect(String),
    /// Something behind the exclusion that is no `key=value`.
    #[error("`{0}` is not key=value")]
    Stray(String),
    /// A key that no exclusion has.
    #[error("`{0}=` is not known here")]
    UnknownKey(String),
    /// The same key twice.
    #[error("`{0}=` stands there twice")]
    Duplicate(&'static str),
    /// A quotation mark too few.
    #[error("the quotes of `{0}=` are not closed")]
    Unclosed(&'static str),
    /// No such day.
    #[error("`{0}` is not a date")]
    Date(String),
}

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

impl Exclusion {
    /// Reads `WHAT reason=... owner=... until=YYYY-MM-DD`, where all but WHAT
    /// (an address, network, range or name, each with `:PORTS` or without, or
    /// `:PORTS` alone) may be missing.
    ///
    /// A value in double quotes ends with them; any other runs to the next
    /// `key=` or to the end.
    pub fn parse(text: &str, origin: Origin) -> Result<Self, ExclusionError> {
        let text = text.trim();
        let (what, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let (scope, ports) = parse_what(what)?;
        let mut exclusion = Self {
            scope,
            ports,
            origin,
            reason: None,
            owner: None,
            until: None,
        };
        let mut rest = rest.trim_start();
        while !rest.is_empty() {
            rest = exclusion.take_note(rest)?.trim_start();
        }
        Ok(exclusion)
    }

    /// Hosts that the program itself leaves alone.
    pub(super) fn built_in(hosts: Hosts, reason: &str) -> Self {
        Self::of_program(Scope::Hosts(hosts), None, reason)
    }

    /// Ports that the program itself leaves alone.
    pub(super) fn built_in_ports(ports: Ports, reason: &str) -> Self {
        Self::of_program(Scope::Everywhere, Some(ports), reason)
    }

    fn of_program(scope: Scope, ports: Option<Ports>, reason: &str) -> Self {
        Self {
            scope,
            ports,
            origin: Origin::of("built in"),
            reason: Some(reason.to_owned()),
            owner: None,
            until: None,
        }
    }

    /// The hosts it is about.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The ports it is about; `None` is every port.
    #[must_use]
    pub const fn ports(&self) -> Option<&Ports> {
        self.ports.as_ref()
    }

    /// Where it was written.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// The last day it was meant to hold. It holds on after that.
    #[must_use]
    pub const fn until(&self) -> Option<Date> {
        self.until
    }

    /// Whether its last day has gone by. It still excludes: to touch a machine
    /// because a date has passed is for a person to decide.
    #[must_use]
    pub fn has_lapsed(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }

    /// What to tell its owner once its last day has gone by; `None` until then:
    /// `10.0.0.0/24 (exclude.txt:3): lapsed after 2026-01-31 and still holds;
    /// owner ops`.
    #[must_use]
    pub fn lapse(&self, today: Date) -> Option<String> {
        let until = self.until.filter(|_| self.has_lapsed(today))?;
        let owner = self.owner.as_ref();
        let owner = owner.map(|owner| format!("; owner {owner}"));
        Some(format!(
            "{self} ({}): lapsed after {until} and still holds{}",
            self.origin,
            owner.unwrap_or_default()
        ))
    }

    /// Whether it is about this port, on the hosts it is about.
    #[must_use]
    pub fn holds_on(&self, port: Port) -> bool {
        self.ports.as_ref().is_none_or(|ports| ports.contains(port))
    }

    /// What is excluded, where that was written, and what was noted about it:
    /// `10.0.0.0/24 (exclude.txt:3): fragile; owner ops; until 2027-01-31`.
    /// Whether that day has gone by is for [`Self::lapse`] to say.
    #[must_use]
    pub fn why(&self) -> String {
        let notes = [
            self.reason.clone(),
            self.owner.as_ref().map(|owner| format!("owner {owner}")),
            self.until.map(|until| format!("until {until}")),
        ];
        let notes: Vec<_> = notes.into_iter().flatten().collect();
        let separator = if notes.is_empty() { "" } else { ": " };
        format!("{self} ({}){separator}{}", self.origin, notes.join("; "))
    }

    /// Takes one `key=value` off the front and returns what follows it.
    fn take_note<'text>(&mut self, text: &'text str) -> Result<&'text str, ExclusionError> {
        let (key, value) = split_key(text)?;
        let (value, rest) = split_value(key, value)?;
        let taken = match key {
            Key::Reason => self.reason.replace(value.to_owned()).is_some(),
            Key::Owner => self.owner.replace(value.to_owned()).is_some(),
            Key::Until => self.until.replace(parse_date(value)?).is_some(),
        };
        if taken {
            return Err(ExclusionError::Duplicate(key.as_str()));
        }
        Ok(rest)
    }
}

impl fmt::Display for Exclusion {
    /// What is excluded; it reads back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.scope, &self.ports) {
            (Scope::Hosts(hosts), ports) => hosts.write_with_ports(ports.as_ref(), f),
            (Scope::Everywhere, Some(ports)) => write!(f, ":{ports}"),
            (Scope::Everywhere, None) => f.write_str("everything"),
        }
    }
}

impl Scope {
    /// The name, if that is what is excluded.
    pub(super) const fn name(&self) -> Option<&ServerName> {
        match self {
            Self::Hosts(Hosts::Name(name)) => Some(name),
            Self::Hosts(Hosts::Addresses(_)) | Self::Everywhere => None,
        }
    }
}

impl ExclusionError {
    /// What would be accepted.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Empty
            | Self::Spec(SpecError::Empty | SpecError::Address(_) | SpecError::Name(_)) => {
                "an exclusion is an address, a network, a range or a host name, with \
                 :PORTS or without, or :PORTS alone"
            }
            Self::Spec(error) => return error.hint(),
            Self::Url(_) => "write the host, or HOST:PORT",
            Self::Dialect(_) => "write the port without what follows the `/`",
            Self::Stray(_) | Self::UnknownKey(_) | Self::Unclosed(_) => {
                "after the exclusion there may be reason=\"...\" owner=\"...\" \
                 until=2027-01-31"
            }
            Self::Duplicate(_) => "keep one of the two",
            Self::Date(_) => "write a date as 2027-01-31",
        };
        Some(hint.to_owned())
    }
}

/// What may be noted about an exclusion.
#[derive(Clone, Copy)]
enum Key {
    Reason,
    Owner,
    Until,
}

impl Key {
    const ALL: [Self; 3] = [Self::Reason, Self::Owner, Self::Until];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Reason => "reason",
            Self::Owner => "owner",
            Self::Until => "until",
        }
    }
}

fn parse_what(what: &str) -> Result<(Scope, Option<Ports>), ExclusionError> {
    if what.is_empty() {
        return Err(ExclusionError::Empty);
    }
    if what.contains("://") {
        return Err(ExclusionError::Url(what.to_owned()));
    }
    let (scope, ports) = match what.strip_prefix(':') {
        Some(ports) if !ports.contains(':') => (Scope::Everywhere, Some(ports)),
        _ => {
            let (hosts, ports) = split_ports(what)?;
            (Scope::Hosts(hosts.parse()?), ports)
        }
    };
    let ports: Option<Ports> = match ports {
        Some(ports) => Some(ports.parse().map_err(SpecError::from)?),
        None => None,
    };
    if ports.as_ref().is_some_and(Ports::forces_a_dialect) {
        return Err(ExclusionError::Dialect(what.to_owned()));
    }
    Ok((scope, ports))
}

/// The key that the text begins with, and what follows its `=`.
fn split_key(text: &str) -> Result<(Key, &str), ExclusionError> {
    let stray = || {
        let word = text.split_whitespace().next().unwrap_or_default();
        ExclusionError::Stray(word.to_owned())
    };
    let (word, value) = text.split_once('=').ok_or_else(stray)?;
    if !is_key(word) {
        return Err(stray());
    }
    let key = Key::ALL.into_iter().find(|key| key.as_str() == word);
    let key = key.ok_or_else(|| ExclusionError::UnknownKey(word.to_owned()))?;
    Ok((key, value))
}

/// The value that the text begins with, and what follows it.
fn split_value(key: Key, text: &str) -> Result<(&str, &str), ExclusionError> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted
            .split_once('"')
            .ok_or(ExclusionError::Unclosed(key.as_str()));
    }
    let next_key = text
        .char_indices()
        .filter(|(_, character)| character.is_whitespace())
        .map(|(position, _)| position)
        .find(|position| text.get(*position..).is_some_and(begins_with_key));
    let (value, rest) = text.split_at(next_key.unwrap_or(text.len()));
    Ok((value.trim(), rest))
}

/// A word that looks like a key ends a value even if nobody knows it, so that
/// a misspelt `untill=` is not swallowed by the reason before it.
fn begins_with_key(text: &str) -> bool {
    text.trim_start()
        .split_once('=')
        .is_some_and(|(word, _)| is_key(word))
}

fn is_key(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn parse_date(text: &str) -> Result<Date, ExclusionError> {
    Date::parse(text, DATE).map_err(|_| ExclusionError::Date(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exclusion(text: &str) -> Exclusion {
        Exclusion::parse(text, Origin::of("-x")).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn every_form_is_read_and_reads_back() {
        for (text, shown) in [
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.9/24", "10.0.0.0/24"),
            ("10.0.0.1-50:22", "10.0.0.1-10.0.0.50:22"),
            ("Printer.corp", "printer.corp"),
            ("printer.corp:443,9100", "printer.corp:443,9100"),
            (":22,9000-9010", ":22,9000-9010"),
            ("::/0", "::/0"),
            ("::1", "::1"),
            ("[2001:db8::/32]:443", "[2001:db8::/32]:443"),
        ] {
            assert_eq!(exclusion(text).to_string(), shown, "{text}");
            assert_eq!(exclusion(shown), exclusion(text), "{text}");
        }
    }

    #[test]
    fn notes_are_read_quoted_or_bare() {
        let text = "10.0.0.1 reason=breaks, x:a=b=c owner=\"The ops team\" until=2027-01-31";
        let exclusion = exclusion(text);
        assert_eq!(
            exclusion.why(),
            "10.0.0.1 (-x): breaks, x:a=b=c; owner The ops team; until 2027-01-31"
        );
        assert_eq!(exclusion.owner(), Some("The ops team"));
    }

    #[test]
    fn a_lapsed_exclusion_says_so_the_day_after() {
        let exclusion = exclusion("10.0.0.1 until=2026-02-28");
        let day = |text: &str| parse_date(text).unwrap();
        assert!(!exclusion.has_lapsed(day("2026-02-28")));
        assert!(exclusion.has_lapsed(day("2026-03-01")));
    }

    #[test]
    fn a_lapse_is_told_with_its_line_and_its_owner() {
        let origin = Origin::line("exclude.txt", 3);
        let lapse = |text: &str| {
            let exclusion = Exclusion::parse(text, origin.clone()).unwrap();
            exclusion.lapse(parse_date("2026-02-01").unwrap())
        };
        assert_eq!(
            lapse("10.0.0.1 reason=old owner=ops until=2026-01-31").as_deref(),
            Some("10.0.0.1 (exclude.txt:3): lapsed after 2026-01-31 and still holds; owner ops")
        );
        assert_eq!(
            lapse(":22 until=2026-01-31").as_deref(),
            Some(":22 (exclude.txt:3): lapsed after 2026-01-31 and still holds")
        );
        assert_eq!(lapse("10.0.0.1 owner=ops until=2026-02-01"), None);
        assert_eq!(lapse("10.0.0.1 owner=ops"), None);
    }

    #[test]
    fn each_fault_has_its_own_error_and_a_hint() {
        type Check = fn(&ExclusionError) -> bool;
        let cases: [(&str, Check); 13] = [
            ("", |e| matches!(e, ExclusionError::Empty)),
            ("  ", |e| matches!(e, ExclusionError::Empty)),
            (":", |e| matches!(e, ExclusionError::Spec(_))),
            ("10.0.0.0/40", |e| matches!(e, ExclusionError::Spec(_))),
            ("https://a/", |e| matches!(e, ExclusionError::Url(_))),
            (":443/tls", |e| matches!(e, ExclusionError::Dialect(_))),
            ("a fragile", |e| matches!(e, ExclusionError::Stray(_))),
            ("a - b=c", |e| matches!(e, ExclusionError::Stray(_))),
            ("a reason=x untill=2027-01-31", |e| {
                matches!(e, ExclusionError::UnknownKey(_))
            }),
            ("a owner=x owner=y", |e| {
                matches!(e, ExclusionError::Duplicate("owner"))
            }),
            ("a reason=\"x", |e| {
                matches!(e, ExclusionError::Unclosed("reason"))
            }),
            ("a until=2026-02-30", |e| {
                matches!(e, ExclusionError::Date(_))
            }),
            ("a until=", |e| matches!(e, ExclusionError::Date(_))),
        ];
        for (text, check) in cases {
            let error = Exclusion::parse(text, Origin::of("-x")).unwrap_err();
            assert!(check(&error), "{text}: {error:?}");
            assert!(error.hint().is_some(), "{text}");
        }
    }
}
