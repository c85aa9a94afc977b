use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use super::address_range::{AddressRange, predecessor, successor};

/// The labels of the ranges that lie over one piece of the address line.
#[derive(Default)]
pub(super) struct Labels(BTreeMap<usize, usize>);

impl Labels {
    /// Each label once, in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.keys().copied()
    }

    fn apply(&mut self, edge: &Edge) {
        match edge.side {
            Side::Opens => *self.0.entry(edge.label).or_default() += 1,
            Side::Closes => {
                if let Some(count) = self.0.get_mut(&edge.label) {
                    *count -= 1;
                    if *count == 0 {
                        self.0.remove(&edge.label);
                    }
                }
            }
        }
    }
}

/// Where a range begins, or the first address after it.
struct Edge {
    at: IpAddr,
    side: Side,
    label: usize,
}

enum Side {
    Opens,
    Closes,
}

/// Cuts overlapping labelled ranges into disjoint pieces, in ascending order,
/// and shows each piece with the labels over it (a sweep line: n log n).
pub(super) fn sweep(
    ranges: impl IntoIterator<Item = (AddressRange, usize)>,
    mut visit: impl FnMut(AddressRange, &Labels),
) {
    let mut open = Labels::default();
    let mut piece_starts = None;
    for edge in edges(ranges) {
        if let Some(first) = piece_starts.filter(|first| *first < edge.at)
            && let Some(last) = predecessor(edge.at)
        {
            visit(AddressRange::between(first, last), &open);
        }
        open.apply(&edge);
        piece_starts = (!open.0.is_empty()).then_some(edge.at);
    }
    if let Some(first) = piece_starts {
        // Only a range up to the very last address has no closing edge.
        let last = IpAddr::V6(Ipv6Addr::from_bits(u128::MAX));
        visit(AddressRange::between(first, last), &open);
    }
}

/// The edges of the ranges, in the order of the address line.
fn edges(ranges: impl IntoIterator<Item = (AddressRange, usize)>) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (range, label) in ranges {
        edges.push(Edge {
            at: range.first(),
            side: Side::Opens,
            label,
        });
        edges.extend(successor(range.last()).map(|at| Edge {
            at,
            side: Side::Closes,
            label,
        }));
    }
    // Stable, and a range opens before it closes: no label closes unopened.
    edges.sort_by_key(|edge| edge.at);
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(ranges: &[(&str, &str)]) -> Vec<(String, Vec<usize>)> {
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        let ranges = ranges
            .iter()
            .map(|(first, last)| AddressRange::new(parse(first), parse(last)).unwrap());
        let mut pieces = Vec::new();
        sweep(ranges.enumerate().map(|(label, range)| (range, label)), {
            |range, labels| pieces.push((range.to_string(), labels.iter().collect()))
        });
        pieces
    }

    #[test]
    fn overlaps_become_pieces_of_their_own() {
        assert_eq!(
            pieces(&[("10.0.0.0", "10.0.0.9"), ("10.0.0.5", "10.0.0.20")]),
            [
                ("10.0.0.0-10.0.0.4".to_owned(), vec![0]),
                ("10.0.0.5-10.0.0.9".to_owned(), vec![0, 1]),
                ("10.0.0.10-10.0.0.20".to_owned(), vec![1]),
            ]
        );
    }

    #[test]
    fn the_ends_of_both_families_are_reached() {
        let last = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
        assert_eq!(
            pieces(&[("255.255.255.255", "255.255.255.255"), ("::", last)]),
            [
                ("255.255.255.255".to_owned(), vec![0]),
                ("::/0".to_owned(), vec![1]),
            ]
        );
        assert_eq!(
            pieces(&[("0.0.0.0", "255.255.255.255")]),
            [("0.0.0.0/0".to_owned(), vec![0])]
        );
        assert_eq!(pieces(&[(last, last)]), [(last.to_owned(), vec![0])]);
    }

    #[test]
    fn the_same_range_twice_is_one_piece() {
        assert_eq!(
            pieces(&[("::1", "::1"), ("::1", "::1"), ("::2", "::2")]),
            [("::1".to_owned(), vec![0, 1]), ("::2".to_owned(), vec![2]),]
        );
    }
}
