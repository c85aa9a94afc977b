//! A plan and the kernel's word → whether its neighbour table is too small.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::kernel::{Family, Kernel, MOST_BY_DEFAULT};
use crate::scan::{NeighbourTable, Neighbours, SOUGHT};
use crate::target::{AddressRange, ByNetwork, Plan};

/// More targets in the networks of one family that this machine is attached to
/// than its neighbour table holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Crowd {
    family: Family,
    attached: Vec<AddressRange>,
    /// Addresses of targets there.
    addresses: u64,
    /// The entries of the table (arp(7), `gc_thresh3`).
    remembered: u64,
    /// How long the kernel keeps one of a host that is there.
    keeps: Duration,
}

/// The crowds that a plan meets: one a family at most.
pub(super) fn crowds(plan: &Plan, kernel: &Kernel) -> Vec<Crowd> {
    let crowds = Family::ALL.into_iter();
    crowds
        .filter_map(|family| Crowd::of(plan, kernel, family))
        .collect()
}

/// How the scan keeps to what the tables hold.
pub(super) fn neighbours(crowds: &[Crowd], kernel: &Kernel) -> Neighbours {
    Neighbours::new(crowds.iter().map(|crowd| {
        let (kernel, family) = (kernel.clone(), crowd.family);
        NeighbourTable {
            networks: crowd.attached.clone(),
            places: crowd.at_a_time(),
            keeps: crowd.keeps,
            present: Box::new(move || kernel.present_neighbours(family)),
        }
    }))
}

impl Crowd {
    fn of(plan: &Plan, kernel: &Kernel, family: Family) -> Option<Self> {
        let remembered = kernel.most_neighbours(family).unwrap_or(MOST_BY_DEFAULT);
        let attached = kernel.attached(family);
        let table = ByNetwork::new((), attached.iter().map(|range| (*range, ())));
        let within = plan.within(&table);
        let addresses = within.iter().map(|within| within.addresses).sum();
        (addresses > remembered).then(|| Self {
            keeps: kernel.keeps_neighbours_for(family),
            family,
            attached,
            addresses,
            remembered,
        })
    }

    /// Half of the table: the system needs some of it itself.
    fn at_a_time(&self) -> NonZeroUsize {
        let half = usize::try_from(self.remembered / 2).unwrap_or(usize::MAX);
        NonZeroUsize::new(half).unwrap_or(NonZeroUsize::MIN)
    }

    /// The least that sweeping it takes where every address is somebody's.
    pub(super) fn time_of_hosts(&self) -> Duration {
        self.time(self.keeps)
    }

    /// The least that it takes where none is, and a call waits so long.
    pub(super) fn time_of_none(&self, connect: Duration) -> Duration {
        self.time(match self.family {
            Family::V4 => connect + SOUGHT,
            Family::V6 => self.keeps,
        })
    }

    /// With so much for each that has a place.
    fn time(&self, each: Duration) -> Duration {
        let rounds = self.addresses.div_ceil(self.at_a_time().get() as u64);
        // The first round waits for nobody.
        each.saturating_mul(u32::try_from(rounds - 1).unwrap_or(u32::MAX))
    }

    /// What it means, and what to change.
    pub(super) fn warning(&self) -> String {
        format!(
            "{} targets are in networks of this machine, whose neighbour table holds {}: {} \
             of them at a time, each {} for up to {} (sysctl \
             net.{}.neigh.default.gc_thresh3={} allows more)",
            self.addresses,
            self.remembered,
            self.at_a_time(),
            match self.family {
                Family::V4 => "that is there",
                Family::V6 => "of them",
            },
            humantime::format_duration(self.keeps),
            self.family.word(),
            self.addresses.saturating_mul(2),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn plan(spec: &str) -> Plan {
        let spec = spec.parse().unwrap();
        Plan::builder().targets([spec]).build().unwrap()
    }

    #[test]
    fn targets_beyond_the_neighbour_table_are_paced_and_others_are_not() {
        let root = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        file("sys/net/ipv4/neigh/default/gc_thresh3", "1024\n");
        let routes = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n\
            eth0\t0000000A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\n";
        file("net/route", routes);
        let kernel = Kernel::at(root.path(), root.path());
        for outside in ["10.0.0.0/22", "10.1.0.0/16", "192.168.0.0/16"] {
            assert_eq!(crowds(&plan(outside), &kernel), [], "{outside}");
        }
        let met = crowds(&plan("10.0.0.0/20"), &kernel);
        let [crowd] = &met[..] else {
            panic!("{met:?}");
        };
        assert_eq!((crowd.addresses, crowd.at_a_time().get()), (4096, 512));
        assert_eq!(crowd.time_of_hosts(), Duration::from_secs(7 * 50));
        let none = crowd.time_of_none(Duration::from_secs(2));
        assert_eq!(none, Duration::from_secs(7 * 5));
        assert!(
            crowd
                .warning()
                .contains("net.ipv4.neigh.default.gc_thresh3=8192")
        );
        let nothing = Kernel::at("/nonexistent", "/nonexistent");
        assert_eq!(crowds(&plan("10.0.0.0/8"), &nothing), []);
    }

    #[test]
    fn each_family_has_a_table_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        file("sys/net/ipv6/neigh/default/gc_thresh3", "1024\n");
        let zeros = "0".repeat(32);
        let route = format!(
            "fd77{} 40 {zeros} 00 {zeros} 00000100 00000001 00000000 00000001 eth0\n",
            "0".repeat(28)
        );
        file("net/ipv6_route", &route);
        let kernel = Kernel::at(root.path(), root.path());
        for outside in ["fd77::/118", "fd78::/116", "10.0.0.0/16"] {
            assert_eq!(crowds(&plan(outside), &kernel), [], "{outside}");
        }
        let met = crowds(&plan("fd77::/116"), &kernel);
        assert_eq!(met.len(), 1);
        assert!(
            met[0]
                .warning()
                .contains("net.ipv6.neigh.default.gc_thresh3=8192")
        );
    }
}
