use std::time::Duration;

use serde_json::{Value, json};

use super::network::NetworkOptions;
use super::options::Options;
use super::profile::Profile;
use super::settings::{GRACE, Settings};
use super::timeout::Timeout;
use crate::pace::Limits;
use crate::probe::Timeouts;
use crate::scan::{Approach, Visits};
use crate::schedule::{Hours, TimeZone};
use crate::target::{AddressRange, ByNetwork, Ports};
use crate::tls::Ladder;

/// What a scan runs with at an address, of all that may differ from network
/// to network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The ports of targets that name none.
    pub ports: Ports,
    /// How much is asked.
    pub profile: Profile,
    /// Which protocol sets are tried.
    pub ladder: Ladder,
    /// What its hosts are spared.
    pub limits: Limits,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// Later looks at a target that did not answer.
    pub retries: u32,
    /// When it may be asked, beside the hours of the scan itself; `None`:
    /// always.
    pub hours: Option<Hours>,
}

impl Terms {
    /// Those that hold outside of all networks.
    pub(super) fn elsewhere(settings: &Settings) -> Self {
        Self {
            ports: settings.ports.clone(),
            profile: settings.profile,
            ladder: settings.ladder.clone(),
            limits: Limits {
                rate_per_host: settings.rates.per_host,
                rate_per_network: settings.rates.per_network,
                connections_per_host: settings.concurrency_per_host,
            },
            timeouts: settings.timeouts,
            retries: settings.retries,
            hours: None,
        }
    }

    /// Those of each network, in the order in which they are written.
    ///
    /// A network takes over what it does not say itself from the smallest one
    /// around it. A flag holds against every network; but how hard a network
    /// is asked (profile, rates, connections), a flag can only lower.
    pub(super) fn of_each(
        elsewhere: &Self,
        networks: &[NetworkOptions],
        flags: &Options,
        time_zone: &TimeZone,
    ) -> Vec<(AddressRange, Self)> {
        let mut from_outside: Vec<_> = networks.iter().collect();
        from_outside.sort_by_key(|network| std::cmp::Reverse(network.range().size()));
        let mut known: Vec<(AddressRange, Self)> = Vec::new();
        for network in from_outside {
            let around = ByNetwork::new(elsewhere, known.iter().map(|(range, it)| (*range, it)));
            let terms = around.at(network.range().first()).within(network, flags);
            let window = network.window.clone();
            let own = window.map(|window| Hours::new(window, time_zone.clone()));
            let terms = Self {
                hours: own.or(terms.hours),
                ..terms
            };
            known.push((network.range(), terms));
        }
        let place = |range: &AddressRange| {
            let mut networks = networks.iter();
            networks.position(|network| network.range() == *range)
        };
        known.sort_by_key(|(range, _)| place(range));
        known
    }

    /// Those of a network that lies within these.
    fn within(&self, network: &NetworkOptions, flags: &Options) -> Self {
        let profile = network.profile.map_or(self.profile, |wanted| {
            flags.profile.map_or(wanted, |flag| flag.min(wanted))
        });
        let ladder = if flags.protocol_sets.is_some() || profile == self.profile {
            self.ladder.clone()
        } else {
            profile.settings().ladder
        };
        Self {
            ports: otherwise(flags.ports.as_ref(), network.ports.as_ref(), &self.ports),
            profile,
            ladder,
            limits: self.limits_within(network, flags),
            timeouts: self.timeouts_within(network, flags),
            retries: otherwise(
                flags.retries.as_ref(),
                network.retries.as_ref(),
                &self.retries,
            ),
            hours: self.hours.clone(),
        }
    }

    fn limits_within(&self, network: &NetworkOptions, flags: &Options) -> Limits {
        // A network's profile lowers what holds around it, and raises nothing.
        let of_profile = network.profile.map(Profile::settings);
        let of_profile = of_profile.as_ref().map(Self::elsewhere);
        let around = of_profile.map_or(self.limits, |of_profile| {
            lowest(self.limits, of_profile.limits)
        });
        let said = Limits {
            rate_per_host: network.rate_per_host.unwrap_or(around.rate_per_host),
            rate_per_network: network.rate_per_network.unwrap_or(around.rate_per_network),
            connections_per_host: network
                .concurrency_per_host
                .unwrap_or(around.connections_per_host),
        };
        let flagged = Limits {
            rate_per_host: flags.rate_per_host.unwrap_or(said.rate_per_host),
            rate_per_network: flags.rate_per_network.unwrap_or(said.rate_per_network),
            connections_per_host: flags
                .concurrency_per_host
                .unwrap_or(said.connections_per_host),
        };
        lowest(said, flagged)
    }

    fn timeouts_within(&self, network: &NetworkOptions, flags: &Options) -> Timeouts {
        let decide = |flag: Option<Timeout>, own: Option<Timeout>, around| {
            let own = own.filter(|_| flag.is_none());
            own.map_or(around, Duration::from)
        };
        Timeouts {
            connect: decide(
                flags.connect_timeout,
                network.connect_timeout,
                self.timeouts.connect,
            ),
            greeting: self.timeouts.greeting,
            handshake: decide(
                flags.handshake_timeout,
                network.handshake_timeout,
                self.timeouts.handshake,
            ),
            target: decide(
                flags.target_timeout,
                network.target_timeout,
                self.timeouts.target,
            ),
        }
    }

    /// How hard it is asked.
    #[must_use]
    pub fn approach(&self) -> Approach {
        Approach {
            ladder: self.ladder.clone(),
            retries: self.retries,
            depth: self.profile.depth(),
        }
    }

    /// When its addresses may be asked.
    #[must_use]
    pub fn visits(&self) -> Option<Visits> {
        let hours = self.hours.clone()?;
        Some(Visits {
            hours,
            drain: self.timeouts.target + GRACE,
        })
    }

    /// As the inventory keeps it with a scan: the keys of `[[network]]`.
    pub(super) fn describe(&self, range: AddressRange) -> Value {
        let duration = |value| humantime::format_duration(value).to_string();
        json!({
            "cidr": range.to_string(),
            "ports": self.ports.to_string(),
            "profile": self.profile.to_string(),
            "protocol_sets": self.ladder.to_string(),
            "rate_per_host": self.limits.rate_per_host.to_string(),
            "rate_per_network": self.limits.rate_per_network.to_string(),
            "concurrency_per_host": self.limits.connections_per_host,
            "connect_timeout": duration(self.timeouts.connect),
            "handshake_timeout": duration(self.timeouts.handshake),
            "target_timeout": duration(self.timeouts.target),
            "retries": self.retries,
            "window": self.hours.as_ref().map(ToString::to_string),
        })
    }
}

/// What a network says, unless a flag has said something.
fn otherwise<T: Clone>(flag: Option<&T>, own: Option<&T>, around: &T) -> T {
    let own = own.filter(|_| flag.is_none());
    own.unwrap_or(around).clone()
}

/// Of each limit the lower one.
fn lowest(one: Limits, other: Limits) -> Limits {
    Limits {
        rate_per_host: one.rate_per_host.min(other.rate_per_host),
        rate_per_network: one.rate_per_network.min(other.rate_per_network),
        connections_per_host: one.connections_per_host.min(other.connections_per_host),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    /// The terms at an address, with flags as a `[scan]` would have them.
    fn terms(flags: &str, file: &str, address: &str) -> Terms {
        let parse = |text: &str| Config::parse(text, Path::new("c.toml")).unwrap();
        let flags = parse(&format!("[scan]\n{flags}")).scan;
        let config = parse(file);
        let settings = Settings::from(flags.clone().or(config.scan));
        let settings = settings.within_networks(&config.networks, &flags);
        settings.terms().at(address.parse().unwrap()).clone()
    }

    const PLANT: &str = "
        [[network]]
        cidr = \"10.9.0.0/16\"
        profile = \"gentle\"
        ports = \"443,5696\"
        retries = 0
        [[network]]
        cidr = \"10.0.0.0/8\"
        rate_per_network = 50
        connect_timeout = \"2s\"
        [[network]]
        cidr = \"10.9.1.0/24\"
        rate_per_host = 3
    ";

    #[test]
    fn a_network_takes_over_what_holds_around_it() {
        let inner = terms("", PLANT, "10.9.1.1");
        assert_eq!(inner.profile, Profile::Gentle);
        assert_eq!(inner.ladder, Ladder::gentle());
        assert_eq!(inner.ports.to_string(), "443,5696");
        assert_eq!(inner.limits.rate_per_host.to_string(), "3");
        assert_eq!(inner.limits.rate_per_network.to_string(), "50");
        assert_eq!(inner.limits.connections_per_host.get(), 1);
        assert_eq!(inner.timeouts.connect, Duration::from_secs(2));
        assert_eq!(inner.retries, 0);
        let outer = terms("", PLANT, "64:ff9b::10.8.0.1");
        assert_eq!(outer.profile, Profile::Standard);
        assert_eq!(outer.limits.rate_per_network.to_string(), "50");
        assert_eq!(outer.retries, 1);
        let elsewhere = terms("", PLANT, "192.168.0.1");
        assert_eq!(elsewhere, Terms::elsewhere(&Settings::default()));
    }

    #[test]
    fn the_hours_of_a_network_are_its_own_or_those_around_it() {
        let file = "[scan]\ntz = \"UTC\"\nwindow = \"20:00-08:00\"\n
            [[network]]\ncidr = \"10.0.0.0/8\"\nwindow = \"22:00-06:00\"\n
            [[network]]\ncidr = \"10.9.0.0/16\"\nwindow = \"sat 00:00-24:00\"\n
            [[network]]\ncidr = \"10.9.1.0/24\"\nretries = 0\n";
        let hours = |address: &str| terms("", file, address).hours.map(|it| it.to_string());
        assert_eq!(hours("10.1.1.1").as_deref(), Some("22:00-06:00 (UTC)"));
        let saturday = Some("sat 00:00-24:00 (UTC)");
        assert_eq!(hours("10.9.0.1").as_deref(), saturday);
        assert_eq!(hours("10.9.1.1").as_deref(), saturday);
        assert_eq!(hours("192.168.0.1"), None, "the scan's own hold as well");
    }

    #[test]
    fn a_flag_holds_against_a_network_but_asks_no_harder() {
        let flags = "profile = \"thorough\"\nports = \"8443\"\nrate_per_host = 100\n\
                     concurrency_per_host = 9\nconnect_timeout = \"9s\"\nretries = 3\n";
        let terms = terms(flags, PLANT, "10.9.1.1");
        assert_eq!(terms.profile, Profile::Gentle);
        assert_eq!(terms.ladder, Ladder::gentle());
        assert_eq!(terms.ports.to_string(), "8443");
        assert_eq!(terms.limits.rate_per_host.to_string(), "3");
        assert_eq!(terms.limits.connections_per_host.get(), 1);
        assert_eq!(terms.timeouts.connect, Duration::from_secs(9));
        assert_eq!(terms.retries, 3);
    }

    #[test]
    fn a_flag_lowers_what_a_network_allows() {
        let file = "[[network]]\ncidr = \"10.0.0.0/8\"\nprofile = \"thorough\"\n\
                    rate_per_host = 100\nrate_per_network = \"unlimited\"\n";
        let flags = "profile = \"gentle\"\nrate_per_host = 2\n";
        let terms = terms(flags, file, "10.0.0.1");
        assert_eq!(terms.profile, Profile::Gentle);
        assert_eq!(terms.ladder, Ladder::gentle());
        assert_eq!(terms.limits.rate_per_host.to_string(), "2");
        assert_eq!(terms.limits.rate_per_network.to_string(), "unlimited");
    }

    #[test]
    fn a_profile_of_a_network_raises_nothing() {
        let file = "[scan]\nrate_per_host = 2\n\
                    [[network]]\ncidr = \"10.0.0.0/8\"\nprofile = \"thorough\"\n\
                    [[network]]\ncidr = \"10.1.0.0/16\"\nprofile = \"gentle\"\n";
        let limit = |address: &str| terms("", file, address).limits.rate_per_host.to_string();
        assert_eq!(limit("10.0.0.1"), "2");
        assert_eq!(limit("10.1.0.1"), "1");
    }
}
