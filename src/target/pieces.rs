use std::net::IpAddr;

use super::AddressRange;
use super::sweep::{Labels, sweep};

/// What holds where on the address line: disjoint ranges in ascending order,
/// each with what holds in it. A look-up is one binary search.
#[derive(Clone, Debug)]
pub(super) struct Pieces<T>(Vec<(AddressRange, T)>);

impl<T: PartialEq> Pieces<T> {
    /// Cuts labelled ranges, which may overlap, and keeps of each piece what
    /// `decide` makes of the labels over it. Neighbours that come to the same
    /// are one.
    pub(super) fn of(
        ranges: impl IntoIterator<Item = (AddressRange, usize)>,
        mut decide: impl FnMut(&Labels) -> Option<T>,
    ) -> Self {
        let mut pieces: Vec<(AddressRange, T)> = Vec::new();
        sweep(ranges, |range, labels| {
            let Some(held) = decide(labels) else {
                return;
            };
            if let Some((previous, its_own)) = pieces.last_mut()
                && *its_own == held
                && let Some(joined) = previous.joined(&range)
            {
                *previous = joined;
            } else {
                pieces.push((range, held));
            }
        });
        Self(pieces)
    }
}

impl<T> Pieces<T> {
    /// What holds at an address.
    pub(super) fn at(&self, address: IpAddr) -> Option<&T> {
        let address = address.to_canonical();
        let (range, held) = self.0.get(self.first_from(address))?;
        range.contains(address).then_some(held)
    }

    /// Cuts a range where what holds changes, in ascending order, the parts
    /// where nothing does included.
    pub(super) fn cut(&self, range: AddressRange) -> Vec<(AddressRange, Option<&T>)> {
        let mut parts = Vec::new();
        let mut rest = Some(range);
        for (piece, held) in self.0.iter().skip(self.first_from(range.first())) {
            let Some(uncut) = rest else { break };
            let Some(covered) = uncut.intersection(piece) else {
                break;
            };
            parts.extend(uncut.before(&covered).map(|part| (part, None)));
            parts.push((covered, Some(held)));
            rest = uncut.after(&covered);
        }
        parts.extend(rest.map(|part| (part, None)));
        parts
    }

    /// The ranges with what holds in them, in ascending order.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (AddressRange, T)> {
        self.0.into_iter()
    }

    /// The position of the first piece that does not end before the address.
    fn first_from(&self, address: IpAddr) -> usize {
        self.0.partition_point(|(range, _)| range.last() < address)
    }
}
