use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use ipnetwork::IpNetwork;

use super::{AddressRange, Ports, SpecError};
use crate::domain::{Host, ServerName};

/// The hosts that one text names: addresses next to each other, or a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Hosts {
    /// An address, a network or a range.
    Addresses(AddressRange),
    /// A host name.
    Name(ServerName),
}

impl Hosts {
    /// How many hosts these are.
    #[must_use]
    pub fn count(&self) -> u128 {
        match self {
            Self::Addresses(range) => range.size(),
            Self::Name(_) => 1,
        }
    }

    /// The host so many after the first.
    #[must_use]
    pub fn at(&self, offset: u128) -> Option<Host> {
        match self {
            Self::Addresses(range) => range.at(offset).map(Host::Address),
            Self::Name(name) => (offset == 0).then(|| Host::Name(name.clone())),
        }
    }

    /// Writes `hosts:ports`, with brackets where colons would be ambiguous.
    pub(super) fn write_with_ports(
        &self,
        ports: Option<&Ports>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        match (self, ports) {
            (Self::Addresses(range), Some(ports)) if range.first().is_ipv6() => {
                write!(f, "[{range}]:{ports}")
            }
            (_, Some(ports)) => write!(f, "{self}:{ports}"),
            (_, None) => write!(f, "{self}"),
        }
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses(range) => range.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl FromStr for Hosts {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(SpecError::Empty);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Addresses(AddressRange::single(address)));
        }
        if text.contains('/') {
            return parse_network(text).map(Self::Addresses);
        }
        if let Some((first, last)) = text.split_once('-')
            && let Ok(first) = first.trim_end().parse()
        {
            return parse_range(first, last.trim_start()).map(Self::Addresses);
        }
        if text.contains(':') || text.bytes().all(|byte| b"0123456789.".contains(&byte)) {
            return Err(SpecError::Address(text.to_owned()));
        }
        Ok(Self::Name(text.parse()?))
    }
}

/// Splits `hosts:ports` and takes the brackets off.
///
/// Two colons or more outside brackets are an IPv6 address and no ports.
pub(super) fn split_ports(text: &str) -> Result<(&str, Option<&str>), SpecError> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let unbalanced = || SpecError::Bracket(text.to_owned());
        let (hosts, rest) = bracketed.split_once(']').ok_or_else(unbalanced)?;
        if !hosts.contains(':') {
            return Err(unbalanced());
        }
        return match rest.strip_prefix(':') {
            Some(ports) => Ok((hosts, Some(ports))),
            None if rest.is_empty() => Ok((hosts, None)),
            None => Err(unbalanced()),
        };
    }
    match text.split_once(':') {
        Some((hosts, ports)) if !ports.contains(':') => Ok((hosts, Some(ports))),
        _ => Ok((text, None)),
    }
}

fn parse_network(text: &str) -> Result<AddressRange, SpecError> {
    let (address, _) = text.split_once('/').unwrap_or((text, ""));
    if address.parse::<IpAddr>().is_err() {
        return Err(SpecError::Network(text.to_owned()));
    }
    text.parse::<IpNetwork>()
        .map(AddressRange::from)
        .map_err(|_| SpecError::Prefix(text.to_owned()))
}

/// The end is an address, or for IPv4 the last number of one.
fn parse_range(first: IpAddr, end: &str) -> Result<AddressRange, SpecError> {
    let last = match (end.parse(), first) {
        (Ok(last), _) => last,
        (Err(_), IpAddr::V4(first)) => last_octet(first, end)?,
        (Err(_), IpAddr::V6(_)) => return Err(SpecError::RangeEnd(end.to_owned())),
    };
    Ok(AddressRange::new(first, last)?)
}

fn last_octet(first: Ipv4Addr, end: &str) -> Result<IpAddr, SpecError> {
    let digits = end.bytes().all(|byte| byte.is_ascii_digit());
    let octet = end.parse().ok().filter(|_| digits);
    let octet: u8 = octet.ok_or_else(|| SpecError::RangeEnd(end.to_owned()))?;
    let [a, b, c, _] = first.octets();
    Ok(IpAddr::from([a, b, c, octet]))
}
