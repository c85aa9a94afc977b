use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::hosts::split_ports;
use super::{Hosts, Ports, PortsError, RangeError};
use crate::domain::{Host, InvalidServerName, Port, ServerName};

/// One thing the operator wrote: hosts, and the ports it names itself.
///
/// An address, a network, a range or a name, each with `:PORTS` or without;
/// or a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TargetSpec {
    hosts: Hosts,
    ports: Option<Ports>,
}

/// Why a text is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Nothing written.
    #[error("empty target")]
    Empty,
    /// It looks like an address, and isn't.
    #[error("`{0}` is not an address")]
    Address(String),
    /// An address with an interface (RFC 4007 section 11).
    #[error("`{0}` names an interface")]
    Interface(String),
    /// A slash, and no network.
    #[error("`{0}` is not a network")]
    Network(String),
    /// A prefix longer than the address, or no number.
    #[error("`{0}` has no such prefix length")]
    Prefix(String),
    /// What follows the dash is no address.
    #[error("`{0}` is not the end of a range")]
    RangeEnd(String),
    /// The ends don't fit.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// More IPv6 addresses than any scan gets through.
    #[error("`{0}` has more than {MAX_IPV6} IPv6 addresses")]
    TooLarge(String),
    /// Not an IPv6 address between brackets, or something odd after them.
    #[error("`{0}` is not [IPV6] or [IPV6]:PORTS")]
    Bracket(String),
    /// No address and no host name.
    #[error(transparent)]
    Name(#[from] InvalidServerName),
    /// The ports after the colon.
    #[error(transparent)]
    Ports(#[from] PortsError),
    /// A URL whose scheme has no port we know.
    #[error("`{0}://` is not a scheme that is known here")]
    Scheme(String),
    /// A URL with a user name or password, which is not repeated here.
    #[error("the URL has a user name or password in it")]
    Credentials,
}

/// Most addresses of one IPv6 network or range. Nobody gets through a /64 by
/// counting; 2^20 is what a block holds, and a /108 or a long list of hosts.
const MAX_IPV6: u128 = 1 << 20;

/// The schemes of URLs and their ports (IANA Service Name Registry).
const SCHEMES: &[(&str, u16)] = &[
    ("https", 443),
    ("http", 80),
    ("ldaps", 636),
    ("imaps", 993),
    ("pop3s", 995),
    ("smtps", 465),
    ("ftps", 990),
];

impl TargetSpec {
    /// One address; without ports, it is asked on the plan's.
    #[must_use]
    pub const fn address(address: IpAddr, ports: Option<Ports>) -> Self {
        let range = super::AddressRange::single(address);
        Self {
            hosts: Hosts::Addresses(range),
            ports,
        }
    }

    /// One name; without ports, it is asked on the plan's.
    #[must_use]
    pub const fn name(name: ServerName, ports: Option<Ports>) -> Self {
        Self {
            hosts: Hosts::Name(name),
            ports,
        }
    }

    /// One host on these ports.
    #[must_use]
    pub fn host(host: Host, ports: Ports) -> Self {
        match host {
            Host::Address(address) => Self::address(address, Some(ports)),
            Host::Name(name) => Self::name(name, Some(ports)),
        }
    }

    /// Its hosts.
    #[must_use]
    pub const fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// The ports it names itself; they replace the plan's.
    #[must_use]
    pub const fn ports(&self) -> Option<&Ports> {
        self.ports.as_ref()
    }
}

impl FromStr for TargetSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some((scheme, rest)) = text.split_once("://") {
            return parse_url(scheme, rest);
        }
        if text.contains('%') {
            return Err(SpecError::Interface(text.to_owned()));
        }
        let (hosts, ports) = split_ports(text)?;
        let hosts: Hosts = hosts.parse()?;
        if let Hosts::Addresses(range) = &hosts
            && range.first().is_ipv6()
            && range.size() > MAX_IPV6
        {
            return Err(SpecError::TooLarge(range.to_string()));
        }
        let ports = ports.map(str::parse).transpose()?;
        Ok(Self { hosts, ports })
    }
}

impl fmt::Display for TargetSpec {
    /// In its canonical form; it reads back as the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hosts.write_with_ports(self.ports.as_ref(), f)
    }
}

impl SpecError {
    /// What would be accepted.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Ports(error) => return error.hint(),
            Self::Scheme(_) => {
                let schemes: Vec<_> = SCHEMES.iter().map(|(scheme, _)| *scheme).collect();
                return Some(format!("the schemes are {}", schemes.join(", ")));
            }
            Self::Empty | Self::Address(_) | Self::Name(_) => {
                "a target is an address, a network (10.0.0.0/24), a range (10.0.0.1-50), \
                 a host name, any of them with :PORTS, or a URL"
            }
            Self::Interface(_) => "write the address without `%` and choose with --source",
            Self::Network(_) | Self::Prefix(_) => {
                "a network is ADDRESS/LENGTH: 10.0.0.0/24 (0 to 32) or \
                 2001:db8::/120 (0 to 128)"
            }
            Self::RangeEnd(_) | Self::Range(_) => {
                "a range is 10.0.0.1-10.0.0.50, 10.0.0.1-50 or 2001:db8::1-2001:db8::ff"
            }
            Self::TooLarge(_) => {
                "IPv6 networks up to a /108 can be swept; list the hosts of larger ones by \
                 address or name"
            }
            Self::Bracket(_) => "write [2001:db8::1]:443 or [2001:db8::/120]:443,8443",
            Self::Credentials => "write the URL without what stands before the `@`",
        };
        Some(hint.to_owned())
    }
}

/// The host and the port of `scheme://host:port/path`; the rest says nothing
/// about where to look.
fn parse_url(scheme: &str, rest: &str) -> Result<TargetSpec, SpecError> {
    let known = SCHEMES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(scheme))
        .and_then(|(_, number)| Port::new(*number));
    let default = known.ok_or_else(|| SpecError::Scheme(scheme.to_owned()))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(SpecError::Credentials);
    }
    let (host, port) = split_ports(authority)?;
    let port = match port {
        // An empty port is the default one (RFC 3986 section 6.2.3).
        None | Some("") => default,
        Some(port) => port.parse().map_err(PortsError::from)?,
    };
    let ports = Some(Ports::one(port, None));
    match host.parse() {
        Ok(address) => Ok(TargetSpec::address(address, ports)),
        Err(_) if host.is_empty() => Err(SpecError::Empty),
        Err(_) => Ok(TargetSpec::name(host.parse()?, ports)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> TargetSpec {
        text.parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn every_form_of_the_manual_is_read() {
        for (text, canonical) in [
            ("10.0.0.1", "10.0.0.1"),
            (" 10.0.0.1 ", "10.0.0.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:DB8::1]:443,8443", "[2001:db8::1]:443,8443"),
            ("10.0.0.77/24", "10.0.0.0/24"),
            ("10.0.0.0/24:443,8443", "10.0.0.0/24:443,8443"),
            ("10.0.0.0/8:web", "10.0.0.0/8:443,4443,8443,9443,10443"),
            ("[2001:db8::/120]:443", "[2001:db8::/120]:443"),
            ("2001:db8::/120", "2001:db8::/120"),
            ("10.0.0.1-10.0.0.50", "10.0.0.1-10.0.0.50"),
            ("10.0.0.1-50", "10.0.0.1-10.0.0.50"),
            ("10.0.0.1-50:8443/tls", "10.0.0.1-10.0.0.50:8443/tls"),
            ("2001:db8::1-2001:db8::ff", "2001:db8::1-2001:db8::ff"),
            (
                "[2001:db8::1-2001:db8::ff]:1",
                "[2001:db8::1-2001:db8::ff]:1",
            ),
            ("web-01.Example.com", "web-01.example.com"),
            ("10-0-0-1.example", "10-0-0-1.example"),
            ("name:8000-8002", "name:8000-8002"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("[::ffff:10.0.0.1]:443", "10.0.0.1:443"),
            ("https://Host.example/path?q=a:b#f", "host.example:443"),
            ("HTTPS://10.0.0.1:8443", "10.0.0.1:8443"),
            ("http://host/", "host:80"),
            ("https://[2001:db8::1]:8443/x", "[2001:db8::1]:8443"),
            ("https://host:/", "host:443"),
            ("ldaps://dc.corp", "dc.corp:636"),
        ] {
            assert_eq!(spec(text).to_string(), canonical, "{text}");
            assert_eq!(spec(canonical), spec(text), "{text}");
        }
    }

    #[test]
    fn each_fault_has_its_own_error_and_a_hint() {
        type Check = fn(&SpecError) -> bool;
        let cases: [(&str, Check); 25] = [
            ("", |e| matches!(e, SpecError::Empty)),
            (":443", |e| matches!(e, SpecError::Empty)),
            ("https://", |e| matches!(e, SpecError::Empty)),
            ("10.0.0.300", |e| matches!(e, SpecError::Address(_))),
            ("010.0.0.1", |e| matches!(e, SpecError::Address(_))),
            ("10.0.0", |e| matches!(e, SpecError::Address(_))),
            ("2001:db8::1::2", |e| matches!(e, SpecError::Address(_))),
            ("a:443:444", |e| matches!(e, SpecError::Address(_))),
            ("fe80::1%eth0", |e| matches!(e, SpecError::Interface(_))),
            ("10.0.0.0/33", |e| matches!(e, SpecError::Prefix(_))),
            ("10.0.0/24", |e| matches!(e, SpecError::Network(_))),
            ("name/24", |e| matches!(e, SpecError::Network(_))),
            ("10.0.0.1-256", |e| matches!(e, SpecError::RangeEnd(_))),
            ("10.0.0.1-+5", |e| matches!(e, SpecError::RangeEnd(_))),
            ("2001:db8::1-ff", |e| matches!(e, SpecError::RangeEnd(_))),
            ("10.0.0.9-1", |e| matches!(e, SpecError::Range(_))),
            ("10.0.0.1-::1", |e| matches!(e, SpecError::Range(_))),
            ("2001:db8::/64", |e| matches!(e, SpecError::TooLarge(_))),
            ("::/0", |e| matches!(e, SpecError::TooLarge(_))),
            ("[::1", |e| matches!(e, SpecError::Bracket(_))),
            ("[::1]443", |e| matches!(e, SpecError::Bracket(_))),
            ("*.example.com", |e| matches!(e, SpecError::Name(_))),
            ("10.0.0.1:", |e| matches!(e, SpecError::Ports(_))),
            ("gopher://a", |e| matches!(e, SpecError::Scheme(_))),
            ("https://u:p@a/", |e| matches!(e, SpecError::Credentials)),
        ];
        for (text, check) in cases {
            let error = text.parse::<TargetSpec>().unwrap_err();
            assert!(check(&error), "{text}: {error:?}");
            assert!(error.hint().is_some(), "{text}");
        }
    }

    #[test]
    fn the_largest_ipv6_network_is_a_108() {
        assert_eq!(spec("2001:db8::/108").hosts().count(), 1 << 20);
        assert!("2001:db8::/107".parse::<TargetSpec>().is_err());
        assert_eq!(spec("0.0.0.0/0").hosts().count(), 1 << 32);
    }

    #[test]
    fn a_password_in_a_url_is_not_repeated() {
        let error = "https://admin:hunter2@host/".parse::<TargetSpec>();
        assert!(!format!("{:?}", error.unwrap_err()).contains("hunter2"));
    }
}
