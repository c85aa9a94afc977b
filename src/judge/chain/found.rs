use super::member::Member;
use super::pool::MAX_NAMESAKES;
use super::trail::{End, Trail};

/// The trails that were found, by what was sent and the stores or with the
/// help of others.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) trails: Vec<Trail>,
    /// Whether there may be more of them.
    pub(super) is_cut: bool,
}

/// Most trails kept: there are two or three where authorities cross-sign. With
/// the help of others, most that lead to a store.
pub(super) const MAX_TRAILS: usize = 8;
/// Most trails kept that lead to no store with the help of others: besides the
/// first of them, one by each namesake, so that none hides another.
const MAX_ASTRAY: usize = MAX_TRAILS + MAX_NAMESAKES;

impl Found {
    /// Keeps a trail, if there is room. Those that others lead astray take no
    /// room from those that lead to a store, and one that is left out leaves
    /// nothing open.
    pub(super) fn keep(&mut self, trail: Trail) {
        self.is_cut |= trail.end == End::GivenUp;
        let is_astray = is_astray(&trail);
        self.is_cut |= !is_astray && self.is_full();
        let has_room = if is_astray {
            self.has_room_astray(&trail)
        } else {
            !self.is_full()
        };
        if has_room {
            self.trails.push(trail);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.trails.len() - self.astray().count() >= MAX_TRAILS
    }

    fn has_room_astray(&self, trail: &Trail) -> bool {
        let number = self.astray().count();
        let first = |trail: &Trail| trail.borrowed().next().map(Member::fingerprint);
        let is_another = || self.astray().all(|other| first(other) != first(trail));
        number < MAX_TRAILS || (number < MAX_ASTRAY && is_another())
    }

    fn astray(&self) -> impl Iterator<Item = &Trail> {
        self.trails.iter().filter(|trail| is_astray(trail))
    }
}

/// Whether it leads to no store with the help of others.
fn is_astray(trail: &Trail) -> bool {
    trail.goes_by_others() && !matches!(trail.end, End::Anchor(_))
}
