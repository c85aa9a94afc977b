//! What the kernel allows, and what scans with the settings of today would
//! need → checks. Pure.

use super::check::Check;
use crate::cli::kernel::Table;

/// What a scan with the configured settings needs of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needs {
    /// Connections in flight.
    pub(super) in_flight: u64,
    /// Descriptors for everything else.
    pub(super) reserved: u64,
    /// Tables of descriptors that a scan has, each as large as the limit.
    pub(super) tables: u64,
    /// New connections a second.
    pub(super) per_second: u64,
}

/// Linux' own default (nf_conntrack-sysctl).
const UNANSWERED_TRACKED_FOR: u64 = 120;

/// Fewer, and two connections to one port of one host can't always be told
/// apart by their local ports (RFC 6056 section 3.2 wants as many as can be).
const FEWEST_PORTS: u64 = 1_000;

pub(super) fn descriptors(limit: u64, needs: Needs) -> Check {
    let name = "descriptors";
    let in_one = needs.in_flight.div_ceil(needs.tables.max(1));
    let wanted = in_one.saturating_add(needs.reserved);
    let allowed = limit.saturating_sub(needs.reserved);
    let allowed = allowed.saturating_mul(needs.tables);
    if limit >= wanted {
        let in_flight = needs.in_flight;
        let found = format!("{limit}, enough for {in_flight} connections in flight");
        return Check::ok(name, found);
    }
    let advice = format!("ulimit -n {wanted}, or LimitNOFILE={wanted} in a systemd unit");
    if allowed == 0 {
        let found = format!("{limit}, too few for any scan");
        return Check::fail(name, found, Some(advice));
    }
    let found = format!(
        "{limit}: {allowed} connections in flight instead of {}",
        needs.in_flight
    );
    Check::warn(name, found, advice)
}

pub(super) fn ports(available: Option<u64>) -> Check {
    let name = "local ports";
    match available {
        None => Check::ok(name, "not to be seen here"),
        Some(ports) if ports < FEWEST_PORTS => Check::warn(
            name,
            format!("{ports} to connect from"),
            "sysctl -w net.ipv4.ip_local_port_range=\"32768 60999\"",
        ),
        Some(ports) => Check::ok(name, format!("{ports} to connect from")),
    }
}

/// Where more neighbours are targets than the table holds, a scan waits until it
/// has forgotten others.
pub(super) fn neighbours(most: Option<u64>, attached: Option<u64>) -> Check {
    let name = "neighbours";
    let (Some(most), Some(attached)) = (most, attached) else {
        return Check::ok(name, "not to be seen here");
    };
    let found = format!("{most} remembered, {attached} addresses in the largest attached network");
    if attached <= most {
        return Check::ok(name, found);
    }
    let sysctl = "sysctl -w net.ipv4.neigh.default.gc_thresh3";
    let advice = format!(
        "{sysctl}={}: a sweep of that network waits until others are forgotten",
        attached.saturating_mul(2)
    );
    Check::warn(name, found, advice)
}

pub(super) fn tracking(tracked: Option<Table>, kept_for: Option<u64>, needs: Needs) -> Check {
    let name = "conntrack";
    let Some(Table { used, most }) = tracked else {
        return Check::ok(name, "this machine tracks no connections");
    };
    let kept_for = kept_for.unwrap_or(UNANSWERED_TRACKED_FOR);
    let dark = needs.per_second.saturating_mul(kept_for);
    let found = format!("{used} of {most} in use, {dark} more for a sweep of dark addresses");
    if used.saturating_add(dark) <= most {
        return Check::ok(name, found);
    }
    let wanted = used.saturating_add(dark).saturating_mul(2);
    let advice =
        format!("sysctl -w net.netfilter.nf_conntrack_max={wanted}, a lower rate, or notrack");
    Check::warn(name, found, advice)
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    const NEEDS: Needs = Needs {
        in_flight: 1_000,
        reserved: 64,
        tables: 1,
        per_second: 100,
    };

    #[test]
    fn descriptors_suffice_for_all_for_some_or_for_none() {
        assert_eq!(descriptors(1_064, NEEDS).state, State::Ok);
        let some = descriptors(1_063, NEEDS);
        assert_eq!(some.state, State::Warn);
        assert_eq!(
            some.found,
            "1063: 999 connections in flight instead of 1000"
        );
        assert!(some.advice.unwrap().contains("ulimit -n 1064"));
        assert_eq!(descriptors(65, NEEDS).state, State::Warn);
        assert_eq!(descriptors(64, NEEDS).state, State::Fail);
        assert_eq!(descriptors(u64::MAX, NEEDS).state, State::Ok);
    }

    #[test]
    fn the_limit_holds_for_each_table_by_itself() {
        let needs = Needs { tables: 2, ..NEEDS };
        assert_eq!(descriptors(564, needs).state, State::Ok);
        let some = descriptors(563, needs);
        assert_eq!(some.found, "563: 998 connections in flight instead of 1000");
        assert!(some.advice.unwrap().contains("ulimit -n 564"));
    }

    #[test]
    fn a_network_that_overflows_the_neighbour_table_is_warned_of() {
        assert_eq!(neighbours(Some(1_024), Some(256)).state, State::Ok);
        assert_eq!(neighbours(Some(1_024), Some(1_024)).state, State::Ok);
        let large = neighbours(Some(1_024), Some(65_536));
        assert_eq!(large.state, State::Warn);
        assert!(large.advice.unwrap().contains("gc_thresh3=131072"));
        assert_eq!(neighbours(None, Some(65_536)).state, State::Ok);
    }

    #[test]
    fn a_firewall_that_a_dark_sweep_would_fill_is_warned_of() {
        let tracked = |used| Some(Table { used, most: 12_010 });
        assert_eq!(tracking(tracked(10), None, NEEDS).state, State::Ok);
        let full = tracking(tracked(11), None, NEEDS);
        assert_eq!(full.state, State::Warn);
        assert!(full.advice.unwrap().contains("nf_conntrack_max=24022"));
        assert_eq!(tracking(tracked(11), Some(60), NEEDS).state, State::Ok);
        assert_eq!(tracking(None, None, NEEDS).state, State::Ok);
    }

    #[test]
    fn few_local_ports_are_warned_of() {
        assert_eq!(ports(Some(28_232)).state, State::Ok);
        assert_eq!(ports(Some(100)).state, State::Warn);
        assert_eq!(ports(None).state, State::Ok);
    }
}
