//! Looks without an answer, network by network → which networks have begun to
//! filter us.
//!
//! Pure: time comes in as an argument. What comes here is vouched for by the
//! [breaker](super::breaker): others answer. Where somebody has answered in
//! this scan and many looks in a row have no answer, the network is doubted,
//! and those who answered there decide. If they are silent too it is slowed:
//! its looks are set aside to the end of the block, and come back one by one.
//!
//! Invariant: a look without an answer, in a network where somebody answered,
//! is held until somebody answers there after it, however many there are: a
//! block bounds them.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::Port;
use crate::pace::Network;

/// Looks without an answer in a row after which a network is doubted for the
/// first time; each later time it takes twice as many.
const PATIENCE: u32 = 16;

/// Endpoints of a network that decide: the latest that answered.
const CANARIES: usize = 3;

/// How long a network is left alone at least before its looks come back.
pub const REST: Duration = Duration::from_secs(30);

/// How long after a look of a network that has come back the next one comes.
pub const RETURN_SPACING: Duration = Duration::from_millis(250);

/// Networks that are remembered; beyond, those where nothing is held are
/// forgotten.
const MOST_WARDS: usize = 1 << 14;

/// Where a look got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) network: Network,
    /// How many silent looks it counts for.
    pub(super) weight: u32,
    /// When the look began.
    pub(super) began: Instant,
}

/// Decides on the looks `H` that got no answer.
#[derive(Debug)]
pub(super) struct Quarantine<H> {
    wards: HashMap<Network, Ward<H>>,
    /// Networks whose canaries are to be asked, once each.
    doubted: Vec<Network>,
}

/// One network where somebody answered.
#[derive(Debug)]
struct Ward<H> {
    canaries: VecDeque<(IpAddr, Port)>,
    answered_at: Instant,
    doubt: u32,
    patience: u32,
    held: Vec<H>,
    stage: Stage<H>,
}

#[derive(Debug)]
enum Stage<H> {
    Trusted,
    /// Its canaries are silent.
    Slowed {
        since: Instant,
        aside: Vec<H>,
    },
    /// The block has nothing else left: what was set aside comes back.
    Returning {
        next: Instant,
        aside: Vec<H>,
        /// When somebody first answered since then.
        answered: Option<Instant>,
    },
}

impl<H> Quarantine<H> {
    pub(super) fn new() -> Self {
        Self {
            wards: HashMap::new(),
            doubted: Vec::new(),
        }
    }

    /// Somebody answers: returns the looks in its network that this vouches
    /// for. Where looks are set aside, a late answer to an early question
    /// proves nothing of them.
    pub(super) fn answered(&mut self, address: IpAddr, port: Port, now: Instant) -> Vec<H> {
        let network = Network::of(address);
        if self.wards.len() >= MOST_WARDS && !self.wards.contains_key(&network) {
            self.wards.retain(|_, ward| ward.holds_anything());
        }
        let ward = self.wards.entry(network).or_insert_with(|| Ward {
            canaries: VecDeque::new(),
            answered_at: now,
            doubt: 0,
            patience: PATIENCE,
            held: Vec::new(),
            stage: Stage::Trusted,
        });
        ward.canaries.retain(|canary| *canary != (address, port));
        ward.canaries.push_back((address, port));
        if ward.canaries.len() > CANARIES {
            ward.canaries.pop_front();
        }
        ward.answered_at = now;
        ward.doubt = 0;
        let mut vouched = mem::take(&mut ward.held);
        if let Stage::Returning {
            aside, answered, ..
        } = &mut ward.stage
            && answered.is_none()
        {
            *answered = Some(now);
            // They came back while the network was still filtering.
            aside.append(&mut vouched);
        }
        vouched
    }

    /// Decides on a look without an answer; returns it if it is to be told as
    /// it is.
    pub(super) fn take(&mut self, place: Place, look: H) -> Option<H> {
        let Place {
            network,
            weight,
            began,
        } = place;
        let Some(ward) = self.wards.get_mut(&network) else {
            return Some(look);
        };
        match &mut ward.stage {
            // It was under way when the network was slowed.
            Stage::Slowed { aside, .. } => aside.push(look),
            Stage::Returning {
                aside, answered, ..
            } if answered.is_some_and(|at| began < at) => aside.push(look),
            Stage::Returning { .. } => ward.held.push(look),
            Stage::Trusted => {
                ward.held.push(look);
                let before = ward.doubt;
                ward.doubt = before.saturating_add(weight);
                if before < ward.patience && ward.doubt >= ward.patience {
                    self.doubted.push(network);
                }
            }
        }
        None
    }

    /// Those who may be asked are there again: what was doubted still is.
    pub(super) fn doubt_again(&mut self) {
        let wards = self.wards.iter();
        let doubted = wards.filter(|(_, ward)| {
            matches!(ward.stage, Stage::Trusted) && ward.doubt >= ward.patience
        });
        self.doubted = doubted.map(|(network, _)| *network).collect();
    }

    pub(super) fn is_doubted(&self) -> bool {
        !self.doubted.is_empty()
    }

    /// The networks whose canaries are to be asked, each told once.
    pub(super) fn take_doubted(&mut self) -> Vec<Network> {
        mem::take(&mut self.doubted)
    }

    /// Those who answered in a network.
    pub(super) fn canaries(&self, network: Network) -> Vec<(IpAddr, Port)> {
        let ward = self.wards.get(&network).into_iter();
        ward.flat_map(|ward| ward.canaries.iter().copied())
            .collect()
    }

    /// A canary answered: it takes more to doubt the network again. Returns
    /// the looks that this vouches for.
    pub(super) fn reassure(&mut self, network: Network, now: Instant) -> Vec<H> {
        let Some(ward) = self.wards.get_mut(&network) else {
            return Vec::new();
        };
        ward.patience = ward.patience.saturating_mul(2);
        ward.doubt = 0;
        ward.answered_at = now;
        if ward.is_returning_without_more() {
            ward.stage = Stage::Trusted;
        }
        mem::take(&mut ward.held)
    }

    /// No canary of a network may be asked: doubt begins anew. Returns the
    /// looks that nobody vouches for.
    pub(super) fn let_doubt_be(&mut self, network: Network) -> Vec<H> {
        let Some(ward) = self.wards.get_mut(&network) else {
            return Vec::new();
        };
        ward.doubt = 0;
        mem::take(&mut ward.held)
    }

    /// No canary of a network answered, asked since then: unless somebody else
    /// has there, the network is slowed, which is told.
    pub(super) fn slow(&mut self, network: Network, asked: Instant, now: Instant) -> bool {
        match self.wards.get_mut(&network) {
            Some(ward) if ward.answered_at < asked && matches!(ward.stage, Stage::Trusted) => {
                let aside = mem::take(&mut ward.held);
                ward.stage = Stage::Slowed { since: now, aside };
                true
            }
            Some(_) | None => false,
        }
    }

    /// Whether a network is slowed, and nobody has answered there since.
    pub(super) fn is_slowed(&self, network: Network) -> bool {
        let ward = self.wards.get(&network);
        ward.is_some_and(|ward| !matches!(ward.stage, Stage::Trusted))
    }

    /// Sets a look aside, if its network is slowed; else returns it.
    pub(super) fn set_aside(&mut self, network: Network, look: H) -> Option<H> {
        let stage = self.wards.get_mut(&network).map(|ward| &mut ward.stage);
        match stage {
            Some(Stage::Slowed { aside, .. } | Stage::Returning { aside, .. }) => {
                aside.push(look);
                None
            }
            Some(Stage::Trusted) | None => Some(look),
        }
    }

    /// Nothing else is left of the block: what was set aside comes back, and
    /// the looks are returned that there is too little reason to doubt.
    pub(super) fn come_back(&mut self, now: Instant) -> Vec<H> {
        let mut told = Vec::new();
        for ward in self.wards.values_mut() {
            if ward.is_returning_without_more() && ward.held.is_empty() {
                ward.stage = Stage::Trusted;
            }
            match &mut ward.stage {
                Stage::Slowed { since, aside } if !aside.is_empty() => {
                    ward.stage = Stage::Returning {
                        next: now.max(*since + REST),
                        aside: mem::take(aside),
                        answered: None,
                    };
                }
                Stage::Trusted if ward.doubt < ward.patience => told.append(&mut ward.held),
                Stage::Trusted | Stage::Slowed { .. } | Stage::Returning { .. } => {}
            }
        }
        told
    }

    /// When the next look comes back.
    pub(super) fn next_return(&self) -> Option<Instant> {
        let next = self.wards.values().filter_map(|ward| match &ward.stage {
            Stage::Returning { next, aside, .. } if !aside.is_empty() => Some(*next),
            Stage::Returning { .. } | Stage::Slowed { .. } | Stage::Trusted => None,
        });
        next.min()
    }

    /// The looks that come back now, one a network.
    pub(super) fn returning(&mut self, now: Instant) -> Vec<H> {
        let mut back = Vec::new();
        for ward in self.wards.values_mut() {
            if let Stage::Returning { next, aside, .. } = &mut ward.stage
                && *next <= now
            {
                *next = now + RETURN_SPACING;
                back.extend(aside.pop());
            }
        }
        back
    }

    /// Networks from which everything has come back, with looks that nobody
    /// vouches for.
    pub(super) fn returned(&self) -> Vec<Network> {
        let returned = |ward: &Ward<H>| ward.is_returning_without_more() && !ward.held.is_empty();
        let wards = self.wards.iter();
        wards
            .filter(|(_, ward)| returned(ward))
            .map(|(network, _)| *network)
            .collect()
    }

    /// Nobody answers in a network to the last: it stays slowed. Returns the
    /// looks that nobody vouches for.
    pub(super) fn give_up(&mut self, network: Network, now: Instant) -> Vec<H> {
        let Some(ward) = self.wards.get_mut(&network) else {
            return Vec::new();
        };
        if ward.is_returning_without_more() {
            ward.stage = Stage::Slowed {
                since: now,
                aside: Vec::new(),
            };
        }
        mem::take(&mut ward.held)
    }

    /// The scan is over: returns the looks that were had, to be told as they
    /// are. Those that were set aside count as not had.
    pub(super) fn empty(&mut self) -> Vec<H> {
        let wards = self.wards.values_mut();
        wards.flat_map(|ward| mem::take(&mut ward.held)).collect()
    }

    /// The scan is over: returns the looks that were set aside.
    pub(super) fn empty_aside(&mut self) -> Vec<H> {
        let wards = self.wards.values_mut();
        let aside = wards.flat_map(|ward| match &mut ward.stage {
            Stage::Slowed { aside, .. } | Stage::Returning { aside, .. } => mem::take(aside),
            Stage::Trusted => Vec::new(),
        });
        aside.collect()
    }
}

impl<H> Ward<H> {
    fn holds_anything(&self) -> bool {
        !self.held.is_empty() || !matches!(self.stage, Stage::Trusted)
    }

    fn is_returning_without_more(&self) -> bool {
        matches!(&self.stage, Stage::Returning { aside, .. } if aside.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn network() -> Network {
        Network::of(HOST)
    }

    fn place() -> Place {
        Place {
            network: network(),
            weight: 1,
            began: Instant::now(),
        }
    }

    /// One in whose network somebody has answered.
    fn quarantine() -> Quarantine<u32> {
        let mut quarantine = Quarantine::new();
        assert!(
            quarantine
                .answered(HOST, Port::HTTPS, Instant::now())
                .is_empty()
        );
        quarantine
    }

    /// The same, doubted and slowed.
    fn slowed() -> Quarantine<u32> {
        let mut quarantine = quarantine();
        for look in 0..PATIENCE {
            assert_eq!(quarantine.take(place(), look), None);
        }
        let now = Instant::now();
        assert_eq!(quarantine.take_doubted(), [network()]);
        assert!(quarantine.slow(network(), now + RETURN_SPACING, now));
        quarantine
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_answered_nothing_is_held() {
        let mut dark = Quarantine::new();
        for look in 0..1000 {
            assert_eq!(dark.take(place(), look), Some(look));
        }
        assert!(!dark.is_doubted());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_vouches_for_its_network_alone() {
        let mut quarantine = quarantine();
        let other = IpAddr::from([10, 0, 1, 1]);
        let now = Instant::now();
        assert_eq!(quarantine.take(place(), 7), None);
        assert!(quarantine.answered(other, Port::HTTPS, now).is_empty());
        assert_eq!(quarantine.answered(HOST, Port::HTTPS, now), [7]);
    }

    #[tokio::test(start_paused = true)]
    async fn each_doubt_that_was_wrong_makes_it_more_patient() {
        let mut quarantine = quarantine();
        for times in [PATIENCE, 2 * PATIENCE, 4 * PATIENCE] {
            for look in 1..times {
                quarantine.take(place(), look);
            }
            assert!(!quarantine.is_doubted(), "{times}");
            quarantine.take(place(), 0);
            assert_eq!(quarantine.take_doubted(), [network()]);
            assert_eq!(quarantine.canaries(network()), [(HOST, Port::HTTPS)]);
            let vouched = quarantine.reassure(network(), Instant::now());
            assert_eq!(vouched.len(), times as usize);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_in_a_slowed_network_is_no_evidence_however_much_is_set_aside() {
        let mut quarantine = slowed();
        let other = IpAddr::from([10, 0, 1, 1]);
        quarantine.answered(other, Port::HTTPS, Instant::now());
        for look in 0..1 << 18 {
            assert_eq!(quarantine.set_aside(network(), look), None);
        }
        assert_eq!(quarantine.take(place(), 7), None, "it was under way");
        quarantine.come_back(Instant::now());
        assert_eq!(quarantine.take(place(), 8), None, "it came back");
        for look in 0..PATIENCE {
            let elsewhere = Place {
                network: Network::of(other),
                ..place()
            };
            assert_eq!(quarantine.take(elsewhere, look), None);
        }
        assert_eq!(quarantine.take_doubted(), [Network::of(other)]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_set_aside_comes_back_one_by_one_after_a_rest() {
        let mut quarantine = slowed();
        let now = Instant::now();
        assert_eq!(quarantine.set_aside(network(), 100), None);
        assert_eq!(quarantine.next_return(), None, "the block has more");
        assert!(quarantine.come_back(now).is_empty());
        let first = quarantine.next_return().unwrap();
        assert_eq!(first, now + REST);
        assert!(quarantine.returning(now).is_empty());
        for back in 0..=PATIENCE {
            let at = first + back * RETURN_SPACING;
            assert_eq!(quarantine.next_return(), Some(at));
            assert_eq!(quarantine.returning(at).len(), 1);
        }
        assert_eq!(quarantine.next_return(), None);
        assert!(quarantine.empty_aside().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_is_trusted_again_when_it_answers_to_the_last() {
        let mut quarantine = slowed();
        let now = Instant::now() + REST;
        quarantine.come_back(now);
        let mut back = Vec::new();
        while let Some(at) = quarantine.next_return() {
            back.extend(quarantine.returning(at));
        }
        assert_eq!(back.len(), PATIENCE as usize);
        assert_eq!(quarantine.take(place(), 5), None);
        assert!(quarantine.is_slowed(network()));
        assert_eq!(quarantine.returned(), [network()]);
        assert_eq!(quarantine.reassure(network(), now), [5]);
        assert!(!quarantine.is_slowed(network()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_answer_after_a_return_vouches_for_nothing_before_it() {
        let mut quarantine = slowed();
        let now = Instant::now() + REST;
        quarantine.come_back(now);
        for look in quarantine.returning(now) {
            assert_eq!(quarantine.take(place(), look), None);
        }
        assert!(quarantine.answered(HOST, Port::HTTPS, now).is_empty());
        let mut back = 0;
        while let Some(at) = quarantine.next_return() {
            back += quarantine.returning(at).len();
        }
        assert_eq!(back, PATIENCE as usize, "all of them come back");
        let began = now;
        assert_eq!(quarantine.take(Place { began, ..place() }, 7), None);
        assert_eq!(quarantine.answered(HOST, Port::HTTPS, now), [7]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_that_stays_silent_stays_slowed() {
        let mut quarantine = slowed();
        let now = Instant::now() + REST;
        quarantine.come_back(now);
        while let Some(at) = quarantine.next_return() {
            for look in quarantine.returning(at) {
                assert_eq!(quarantine.take(place(), look), None);
            }
        }
        assert_eq!(quarantine.returned(), [network()]);
        let told = quarantine.give_up(network(), now);
        assert_eq!(told.len(), PATIENCE as usize);
        assert!(quarantine.is_slowed(network()));
        assert!(quarantine.returned().is_empty());
        assert_eq!(quarantine.set_aside(network(), 1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_while_canaries_are_asked_speaks_for_the_network() {
        let mut quarantine = quarantine();
        let asked = Instant::now();
        tokio::time::advance(RETURN_SPACING).await;
        quarantine.answered(HOST, Port::HTTPS, Instant::now());
        assert!(!quarantine.slow(network(), asked, Instant::now()));
    }
}
