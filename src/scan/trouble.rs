use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::breaker::Outages;
use crate::domain::{ScanId, Timestamp};
use crate::schedule::ClockJump;

/// What happened around a scan that was no target's doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// The times without a network.
    pub outages: Outages,
    /// The times without a DNS that had answered before.
    pub name_outages: Outages,
    /// The networks that began to filter us, in order.
    pub slowed: Vec<SlowedNetwork>,
    /// The jumps of the clock on the wall, as far as somebody watched it.
    pub clock_jumps: Vec<ClockJump>,
    /// The scan before it that was ahead of its clock, if one was.
    pub ahead: Option<ScanAhead>,
    /// Packets that the system lost before they left the machine.
    pub losses: Vec<Loss>,
}

/// A scan of the inventory that was at work at a time which is yet to come, by
/// the clock: that was ahead then, or is behind now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanAhead {
    /// Its number.
    pub scan: ScanId,
    /// When it was.
    pub at: Timestamp,
}

/// A counter of the system that rose while the scan ran; what other programs
/// lost is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// What the system calls it.
    pub counter: String,
    /// By how much it rose.
    pub packets: u64,
}

/// Tells what was lost since it was made. Without one nothing is known.
#[derive(Clone, Default)]
pub struct LossMeter(Option<Arc<dyn Fn() -> Vec<Loss> + Send + Sync>>);

/// A network that stopped answering while others went on: it was asked slowly,
/// at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowedNetwork {
    /// The /24 (IPv6: /64).
    pub network: String,
    /// How many of its targets stayed silent with nobody there to vouch for
    /// it: that says nothing of them.
    pub silent: u64,
}

impl LossMeter {
    /// One that is read so.
    #[must_use]
    pub fn new(read: impl Fn() -> Vec<Loss> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(read)))
    }

    /// What was lost until now.
    pub(super) fn read(&self) -> Vec<Loss> {
        self.0.as_ref().map(|read| read()).unwrap_or_default()
    }
}

impl fmt::Debug for LossMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LossMeter").finish_non_exhaustive()
    }
}

/// Networks that are told of one by one.
const MOST_NETWORKS: usize = 10;

impl Trouble {
    /// Each in a sentence, as a summary tells it and the scan's record keeps
    /// it.
    #[must_use]
    pub fn incidents(&self) -> Vec<String> {
        let mut incidents = Vec::new();
        let outages = [("network", self.outages), ("DNS", self.name_outages)];
        for (what, Outages { count, paused }) in outages {
            if count > 0 {
                let paused = humantime::format_duration(Duration::from_secs(paused.as_secs()));
                incidents.push(format!(
                    "the {what} was down {}, for {paused}",
                    times(count)
                ));
            }
        }
        let told = self.slowed.iter().take(MOST_NETWORKS);
        incidents.extend(told.map(SlowedNetwork::incident));
        match self.slowed.len().saturating_sub(MOST_NETWORKS) {
            0 => {}
            more => incidents.push(format!("{more} more networks stopped answering")),
        }
        let jumps = self.clock_jumps.iter();
        incidents.extend(
            jumps.map(|jump| {
                format!("the clock jumped {jump}: times of this scan are not in order")
            }),
        );
        incidents.extend(self.ahead.map(|ahead| ahead.to_string()));
        incidents.extend(self.losses.iter().map(|Loss { counter, packets }| {
            format!("{counter} rose by {packets}: packets were lost here, and hosts may look dark")
        }));
        incidents
    }
}

impl fmt::Display for ScanAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scan, at } = self;
        write!(
            f,
            "by the clock, scan {scan} was at work at a time yet to come, {at}: it was wrong \
             then, or is now, and so are the times in the inventory"
        )
    }
}

impl SlowedNetwork {
    fn incident(&self) -> String {
        let Self { network, silent } = self;
        let silent = match silent {
            0 => "nothing there stayed in doubt".to_owned(),
            silent => format!("{silent} of its targets stayed silent, which says nothing of them"),
        };
        format!("{network} stopped answering, and was asked again slowly at the end: {silent}")
    }
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        many => format!("{many} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_is_a_sentence_and_many_networks_are_counted() {
        assert!(Trouble::default().incidents().is_empty());
        let slowed = |last: usize| SlowedNetwork {
            network: format!("10.0.{last}.0/24"),
            silent: last as u64,
        };
        let trouble = Trouble {
            outages: Outages {
                count: 1,
                paused: Duration::from_millis(90_700),
            },
            name_outages: Outages::default(),
            slowed: (0..MOST_NETWORKS + 2).map(slowed).collect(),
            clock_jumps: vec![ClockJump {
                from: Timestamp::from_seconds(3600),
                to: Timestamp::from_seconds(0),
            }],
            ahead: Some(ScanAhead {
                scan: ScanId::new(7),
                at: Timestamp::from_seconds(7200),
            }),
            losses: vec![Loss {
                counter: "tx_dropped of eth0".to_owned(),
                packets: 9,
            }],
        };
        let incidents = trouble.incidents();
        assert_eq!(incidents.len(), MOST_NETWORKS + 5);
        assert_eq!(incidents[0], "the network was down once, for 1m 30s");
        assert!(
            incidents[1].ends_with("nothing there stayed in doubt"),
            "{incidents:?}"
        );
        assert!(
            incidents[2].contains(": 1 of its targets stayed silent"),
            "{incidents:?}"
        );
        assert!(
            incidents[13].starts_with("by the clock, scan 7 was at work at a time yet to come"),
            "{incidents:?}"
        );
        assert!(incidents[14].starts_with("tx_dropped of eth0 rose by 9: "));
        assert_eq!(incidents[11], "2 more networks stopped answering");
        assert!(
            incidents[12].starts_with("the clock jumped back by 1h"),
            "{incidents:?}"
        );
    }
}
