use std::collections::VecDeque;
use std::net::IpAddr;

use crate::domain::Port;
use crate::pace::Network;

/// Endpoints that answered, one a network: when all of them are silent, it is
/// not one network that has gone.
#[derive(Debug)]
pub(super) struct Canaries(VecDeque<(IpAddr, Port)>);

/// So few that asking all of them at once disturbs nobody.
const MOST: usize = 16;

impl Canaries {
    /// Those of earlier scans, from all over the list.
    pub(super) fn new(known: &[(IpAddr, Port)]) -> Self {
        let mut canaries = Self(VecDeque::new());
        let stride = known.len().div_ceil(MOST).max(1);
        for (address, port) in known.iter().step_by(stride) {
            canaries.answered(*address, *port);
        }
        canaries
    }

    /// Takes one that answered just now: for the one of its network, else for
    /// the oldest.
    pub(super) fn answered(&mut self, address: IpAddr, port: Port) {
        let network = Network::of(address);
        let neighbour = self.0.iter();
        let neighbour = neighbour
            .rev()
            .position(|(its, _)| Network::of(*its) == network);
        match neighbour {
            Some(back) => {
                self.0.remove(self.0.len() - 1 - back);
            }
            None if self.0.len() >= MOST => {
                self.0.pop_front();
            }
            None => {}
        }
        self.0.push_back((address, port));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, the one first that was silent for the longest time.
    pub(super) fn list(&self) -> Vec<(IpAddr, Port)> {
        self.0.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_latest_of_each_network() {
        let mut canaries = Canaries::new(&[]);
        for last in 0..=255 {
            canaries.answered([10, 0, 0, last].into(), Port::HTTPS);
        }
        assert_eq!(canaries.list(), [([10, 0, 0, 255].into(), Port::HTTPS)]);
        for third in 1..=255 {
            canaries.answered([10, 0, third, 1].into(), Port::HTTPS);
        }
        assert_eq!(canaries.list().len(), MOST);
        let known: Vec<_> = (0..=255)
            .map(|third| ([10, 0, third, 1].into(), Port::HTTPS))
            .collect();
        let spread = Canaries::new(&known).list();
        assert_eq!(spread.len(), MOST);
        assert_eq!(spread.first(), known.first());
        assert!(spread.last() > known.get(200), "from all over");
    }
}
