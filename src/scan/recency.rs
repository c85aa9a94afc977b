use std::net::IpAddr;

use crate::domain::{Host, Port, ServerName, Target};
use crate::store::{Dark, KnownTarget};
use crate::target::{AddressRange, Plan};

/// What need not be looked at again yet: targets that were dark when they were
/// last looked at, not long ago, and where nothing is known.
///
/// Its memory follows the runs of the ledger, a few dozen bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recency {
    /// Ascending by port and first address, disjoint.
    dark: Vec<(Port, IpAddr, IpAddr)>,
    /// Ascending.
    dark_names: Vec<(ServerName, Port)>,
    /// Ascending.
    known: Vec<(IpAddr, Port)>,
}

impl Recency {
    /// Leaves out what was dark, but for what is known.
    #[must_use]
    pub fn new(mut dark: Dark, known: &[KnownTarget]) -> Self {
        dark.addresses.sort_unstable();
        dark.names.sort_unstable();
        let address = |target: &KnownTarget| match target.host {
            Host::Address(address) => Some((address, target.port)),
            Host::Name(_) => None,
        };
        let mut known: Vec<_> = known.iter().filter_map(address).collect();
        known.sort_unstable();
        Self {
            dark: dark.addresses,
            dark_names: dark.names,
            known,
        }
    }

    /// Whether a target is left out.
    #[must_use]
    pub fn is_fresh(&self, target: &Target) -> bool {
        let port = target.port;
        match &target.host {
            Host::Name(name) => {
                let wanted = (name, port);
                let found = self
                    .dark_names
                    .binary_search_by(|(name, port)| (name, *port).cmp(&wanted));
                found.is_ok()
            }
            Host::Address(address) => {
                let known = (address.to_canonical(), port);
                self.was_dark(target) && self.known.binary_search(&known).is_err()
            }
        }
    }

    /// How many targets of a plan it leaves out, without walking them: some
    /// of them may be excluded beside.
    #[must_use]
    pub fn count_in(&self, plan: &Plan) -> u64 {
        let runs = self.dark.iter().filter_map(|(port, first, last)| {
            let range = AddressRange::new(*first, *last).ok()?;
            Some(plan.count_at(*port, range))
        });
        let target = |host, port| Target {
            host,
            port,
            dialect: None,
        };
        let names = self.dark_names.iter();
        let names = names.map(|(name, port)| target(Host::Name(name.clone()), *port));
        let names = names.filter(|target| plan.contains(target)).count() as u64;
        let known = self.known.iter();
        let known = known.map(|(address, port)| target(Host::Address(*address), *port));
        let known = known.filter(|target| plan.contains(target) && self.was_dark(target));
        (runs.sum::<u64>() + names).saturating_sub(known.count() as u64)
    }

    fn was_dark(&self, target: &Target) -> bool {
        let Host::Address(address) = &target.host else {
            return false;
        };
        let (port, address) = (target.port, address.to_canonical());
        let begun = |run: &(Port, IpAddr, IpAddr)| (run.0, run.1) <= (port, address);
        let after = self.dark.partition_point(begun);
        let run = after.checked_sub(1).and_then(|at| self.dark.get(at));
        run.is_some_and(|(its_port, _, last)| *its_port == port && address <= *last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Dialect;

    fn target(text: &str, port: u16) -> Target {
        let host = match text.parse() {
            Ok(address) => Host::Address(address),
            Err(_) => Host::Name(text.parse().unwrap()),
        };
        Target {
            host,
            port: Port::new(port).unwrap(),
            dialect: None,
        }
    }

    #[test]
    fn what_was_dark_is_left_out_but_for_what_is_known() {
        let port = |number| Port::new(number).unwrap();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let dark = Dark {
            addresses: vec![
                (port(443), address("10.0.0.1"), address("10.0.0.9")),
                (port(443), address("2001:db8::1"), address("2001:db8::9")),
                (port(8443), address("10.0.0.20"), address("10.0.0.20")),
            ],
            names: vec![("gone.corp".parse().unwrap(), port(443))],
        };
        let known = [KnownTarget {
            host: Host::Address(address("10.0.0.5")),
            port: port(443),
            dialect: Dialect::Tls,
        }];
        let recency = Recency::new(dark, &known);
        for (text, port) in [
            ("10.0.0.1", 443),
            ("10.0.0.9", 443),
            ("::ffff:10.0.0.9", 443),
            ("2001:db8::5", 443),
            ("10.0.0.20", 8443),
            ("gone.corp", 443),
        ] {
            assert!(recency.is_fresh(&target(text, port)), "{text}:{port}");
        }
        for (text, port) in [
            ("10.0.0.0", 443),
            ("10.0.0.5", 443),
            ("10.0.0.10", 443),
            ("10.0.0.1", 8443),
            ("10.0.0.20", 443),
            ("10.0.0.20", 9443),
            ("2001:db8::a", 443),
            ("gone.corp", 8443),
            ("here.corp", 443),
        ] {
            assert!(!recency.is_fresh(&target(text, port)), "{text}:{port}");
        }
        assert!(!Recency::default().is_fresh(&target("10.0.0.1", 443)));
    }
}
