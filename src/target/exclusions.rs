use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use time::Date;

use super::special::{broadcast, special_purpose};
use super::sweep::sweep;
use super::{AddressRange, Exclusion, Hosts, Scope};
use crate::domain::{Port, ServerName};

/// Everything that is never touched: what the operator listed, and behind it
/// the special-purpose networks.
///
/// An excluded IPv4 address is excluded in every form by which IPv6 reaches
/// it: mapped (::ffff:0:0/96, RFC 4291 section 2.5.5.2), through NAT64
/// (64:ff9b::/96, RFC 6052 section 2.1) and 6to4 (2002::/16, RFC 3056 section
/// 2). Where several exclusions hold, the one listed first answers.
///
/// A look-up is one binary search.
#[derive(Clone, Debug)]
pub struct Exclusions {
    /// Those of the operator first; an exclusion's rank is its position.
    entries: Vec<Exclusion>,
    /// How many of them the operator listed.
    listed: usize,
    /// Disjoint, in ascending order.
    pieces: Vec<Piece>,
    names: HashMap<ServerName, Vec<usize>>,
    /// The first exclusion of each port that is excluded on every host.
    everywhere: BTreeMap<Port, usize>,
}

/// Addresses under the same exclusions.
#[derive(Clone, Debug)]
struct Piece {
    range: AddressRange,
    /// Ranks in ascending order, up to the first that is about every port:
    /// none behind that is ever asked.
    ranks: Box<[usize]>,
}

/// What holds for some host: the way from a port to the exclusion.
#[derive(Clone, Copy)]
pub(super) struct Rules<'list> {
    exclusions: &'list Exclusions,
    ranks: &'list [usize],
}

/// NAT64's well-known prefix, 64:ff9b::/96.
const NAT64: u128 = 0x0064_ff9b << 96;
/// 6to4's prefix, 2002::/16; the IPv4 address follows it.
const SIX_TO_FOUR: u128 = 0x2002 << 112;
/// Where the IPv4 address stands in a 6to4 address.
const SIX_TO_FOUR_SHIFT: u32 = 80;

impl Exclusions {
    /// What the operator listed, in that order, and the special-purpose
    /// networks.
    #[must_use]
    pub fn new(listed: impl IntoIterator<Item = Exclusion>) -> Self {
        Self::on_networks(listed, [])
    }

    /// The same on a machine whose own networks have these broadcast
    /// addresses.
    #[must_use]
    pub fn on_networks(
        listed: impl IntoIterator<Item = Exclusion>,
        broadcasts: impl IntoIterator<Item = Ipv4Addr>,
    ) -> Self {
        let mut entries: Vec<_> = listed.into_iter().collect();
        let listed = entries.len();
        entries.extend(special_purpose());
        entries.extend(broadcasts.into_iter().map(broadcast));
        let mut names: HashMap<_, Vec<_>> = HashMap::new();
        let mut everywhere = BTreeMap::new();
        for (rank, entry) in entries.iter().enumerate() {
            if let Some(name) = entry.scope().name() {
                names.entry(name.clone()).or_default().push(rank);
            }
            if let (Scope::Everywhere, Some(ports)) = (entry.scope(), entry.ports()) {
                for (port, _) in ports.iter() {
                    everywhere.entry(port).or_insert(rank);
                }
            }
        }
        Self {
            pieces: pieces(&entries),
            entries,
            listed,
            names,
            everywhere,
        }
    }

    /// The exclusion that holds for a port of an address, if one does.
    #[must_use]
    pub fn covers(&self, address: IpAddr, port: Port) -> Option<&Exclusion> {
        let rank = self.rules(address).first(port)?;
        self.entries.get(rank)
    }

    /// As [`Self::covers`], by what the operator listed alone: for an address
    /// that a target names by itself, the special-purpose networks don't hold.
    #[must_use]
    pub fn listed_covers(&self, address: IpAddr, port: Port) -> Option<&Exclusion> {
        let rank = self.rules(address).first(port)?;
        self.listed().get(rank)
    }

    /// The exclusion that holds for a port of a name, as a target and as a
    /// server name to send. The addresses it resolves to are asked by
    /// [`Self::covers`].
    #[must_use]
    pub fn covers_name(&self, name: &ServerName, port: Port) -> Option<&Exclusion> {
        let rank = self.name_rules(name).first(port)?;
        self.entries.get(rank)
    }

    /// The exclusion of a name on every port, if there is one: such a name is
    /// not even resolved.
    #[must_use]
    pub fn covers_name_wholly(&self, name: &ServerName) -> Option<&Exclusion> {
        let ranks = self.names.get(name).into_iter().flatten();
        ranks
            .filter_map(|rank| self.entries.get(*rank))
            .find(|exclusion| exclusion.ports().is_none())
    }

    /// What the operator listed, in that order.
    #[must_use]
    pub fn listed(&self) -> &[Exclusion] {
        self.entries.get(..self.listed).unwrap_or_default()
    }

    /// What the operator listed for a time that has gone by. It still holds;
    /// [`Exclusion::lapse`] says so in words.
    pub fn lapsed(&self, today: Date) -> impl Iterator<Item = &Exclusion> {
        self.listed()
            .iter()
            .filter(move |exclusion| exclusion.has_lapsed(today))
    }

    /// All exclusions by rank: the listed ones, then those built in.
    pub(super) fn entries(&self) -> &[Exclusion] {
        &self.entries
    }

    /// Whether the exclusion of this rank comes with the program.
    pub(super) const fn is_built_in(&self, rank: usize) -> bool {
        rank >= self.listed
    }

    /// Whether a special-purpose network has a say about the address.
    pub(super) fn is_special_purpose(&self, address: IpAddr) -> bool {
        let mut ranks = self.rules(address).ranks.iter();
        ranks.any(|rank| self.is_built_in(*rank))
    }

    /// The rules for one name.
    pub(super) fn name_rules(&self, name: &ServerName) -> Rules<'_> {
        let ranks = self.names.get(name).map_or(&[][..], Vec::as_slice);
        Rules {
            exclusions: self,
            ranks,
        }
    }

    /// The rules for one address.
    pub(super) fn rules(&self, address: IpAddr) -> Rules<'_> {
        let address = address.to_canonical();
        let piece = self
            .pieces
            .get(self.first_piece_from(address))
            .filter(|piece| piece.range.contains(address));
        Rules {
            exclusions: self,
            ranks: piece.map_or(&[], |piece| &piece.ranks),
        }
    }

    /// Cuts a range into parts with the same rules each, in ascending order,
    /// the parts between exclusions included.
    pub(super) fn cut(&self, range: AddressRange) -> Vec<(AddressRange, Rules<'_>)> {
        let free = Rules {
            exclusions: self,
            ranks: &[],
        };
        let mut parts = Vec::new();
        let mut rest = Some(range);
        let from = self.first_piece_from(range.first());
        for piece in self.pieces.iter().skip(from) {
            let Some(uncut) = rest else { break };
            let Some(covered) = uncut.intersection(&piece.range) else {
                break;
            };
            parts.extend(uncut.before(&covered).map(|part| (part, free)));
            let ranks = &*piece.ranks;
            parts.push((covered, Rules { ranks, ..free }));
            rest = uncut.after(&covered);
        }
        parts.extend(rest.map(|part| (part, free)));
        parts
    }

    /// The position of the first piece that does not end before the address.
    fn first_piece_from(&self, address: IpAddr) -> usize {
        self.pieces
            .partition_point(|piece| piece.range.last() < address)
    }
}

impl Default for Exclusions {
    /// The special-purpose networks alone.
    fn default() -> Self {
        Self::new([])
    }
}

impl Rules<'_> {
    /// The rank of the first exclusion that holds for the port.
    pub(super) fn first(self, port: Port) -> Option<usize> {
        let entry = |rank: &usize| self.exclusions.entries.get(*rank);
        let here = self
            .ranks
            .iter()
            .copied()
            .find(|rank| entry(rank).is_some_and(|exclusion| exclusion.holds_on(port)));
        let everywhere = self.exclusions.everywhere.get(&port).copied();
        here.into_iter().chain(everywhere).min()
    }

    /// Whether no port is excluded.
    pub(super) fn is_empty(self) -> bool {
        self.ranks.is_empty() && self.exclusions.everywhere.is_empty()
    }
}

fn pieces(entries: &[Exclusion]) -> Vec<Piece> {
    let ranges = entries
        .iter()
        .enumerate()
        .filter_map(|(rank, entry)| match entry.scope() {
            Scope::Hosts(Hosts::Addresses(range)) => Some((rank, *range)),
            Scope::Hosts(Hosts::Name(_)) | Scope::Everywhere => None,
        })
        .flat_map(|(rank, range)| forms(range).map(move |form| (form, rank)));
    let mut pieces: Vec<Piece> = Vec::new();
    sweep(ranges, |range, labels| {
        let mut ranks = Vec::new();
        for rank in labels.iter() {
            ranks.push(rank);
            if entries
                .get(rank)
                .is_some_and(|entry| entry.ports().is_none())
            {
                break;
            }
        }
        let ranks = ranks.into_boxed_slice();
        if let Some(previous) = pieces.last_mut()
            && previous.ranks == ranks
            && let Some(joined) = previous.range.joined(&range)
        {
            previous.range = joined;
        } else {
            pieces.push(Piece { range, ranks });
        }
    });
    pieces
}

/// A range, and for IPv4 the IPv6 ranges by which it can be reached.
fn forms(range: AddressRange) -> impl Iterator<Item = AddressRange> {
    let embedded = match (range.first(), range.last()) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            let (first, last) = (u128::from(first.to_bits()), u128::from(last.to_bits()));
            let address = |bits: u128| IpAddr::V6(Ipv6Addr::from_bits(bits));
            let below = (1 << SIX_TO_FOUR_SHIFT) - 1;
            let nat64 = (NAT64 | first, NAT64 | last);
            let six_to_four = (
                SIX_TO_FOUR | first << SIX_TO_FOUR_SHIFT,
                SIX_TO_FOUR | last << SIX_TO_FOUR_SHIFT | below,
            );
            let between = |(first, last)| AddressRange::between(address(first), address(last));
            [Some(between(nat64)), Some(between(six_to_four))]
        }
        _ => [None, None],
    };
    std::iter::once(range).chain(embedded.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::target::parse_exclusions;

    fn exclusions(text: &str) -> Exclusions {
        Exclusions::new(parse_exclusions(text, "exclude.txt").unwrap())
    }

    fn why(exclusions: &Exclusions, address: &str, port: u16) -> Option<String> {
        exclusions
            .covers(address.parse().unwrap(), Port::new(port).unwrap())
            .map(ToString::to_string)
    }

    #[test]
    fn the_exclusion_listed_first_answers() {
        let list = exclusions("10.0.0.0/24:22\n10.0.0.5\n10.0.0.0/8\n:22\n:9100");
        let case = |address, port| why(&list, address, port).unwrap_or_default();
        assert_eq!(case("10.0.0.5", 22), "10.0.0.0/24:22");
        assert_eq!(case("10.0.0.5", 443), "10.0.0.5");
        assert_eq!(case("10.0.0.6", 443), "10.0.0.0/8");
        assert_eq!(case("10.0.1.5", 22), "10.0.0.0/8");
        assert_eq!(case("192.0.2.1", 22), ":22");
        assert_eq!(case("2001:db8::1", 9100), ":9100");
        assert_eq!(case("192.0.2.1", 443), "");
    }

    #[test]
    fn every_ipv6_form_of_an_excluded_ipv4_address_is_excluded() {
        let list = exclusions("10.1.2.0/24");
        for form in [
            "10.1.2.3",
            "::ffff:10.1.2.3",
            "64:ff9b::10.1.2.3",
            "2002:a01:203::1",
            "2002:a01:203:ffff:ffff:ffff:ffff:ffff",
        ] {
            assert_eq!(
                why(&list, form, 443),
                Some("10.1.2.0/24".to_owned()),
                "{form}"
            );
        }
        for other in [
            "10.1.3.3",
            "64:ff9b::10.1.3.3",
            "2002:a01:303::1",
            "::10.1.2.3",
        ] {
            assert_eq!(why(&list, other, 443), None, "{other}");
        }
    }

    #[test]
    fn special_purpose_networks_are_excluded_loopback_and_private_ones_not() {
        let list = Exclusions::default();
        for address in [
            "0.1.2.3",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "febf::1",
            "ff02::1",
        ] {
            assert!(why(&list, address, 443).is_some(), "{address}");
            let address = address.parse().unwrap();
            assert_eq!(list.listed_covers(address, Port::HTTPS), None, "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "::1",
            "fc00::1",
            "fec0::1",
        ] {
            assert_eq!(why(&list, address, 443), None, "{address}");
        }
        let reason = why(&list, "255.255.255.255", 1);
        assert_eq!(reason.as_deref(), Some("255.255.255.255"));
    }

    #[test]
    fn a_name_is_excluded_as_itself() {
        let list = exclusions("printer.corp:443\n:22\nother.corp");
        let covers = |name: &str, port| {
            let name = name.parse().unwrap();
            let exclusion = list.covers_name(&name, Port::new(port).unwrap());
            exclusion.map(ToString::to_string).unwrap_or_default()
        };
        assert_eq!(covers("Printer.corp", 443), "printer.corp:443");
        assert_eq!(covers("printer.corp", 8443), "");
        assert_eq!(covers("other.corp", 8443), "other.corp");
        assert_eq!(covers("free.corp", 22), ":22");
        assert_eq!(covers("sub.printer.corp", 443), "");
    }

    #[test]
    fn a_lapsed_exclusion_is_listed_and_still_holds() {
        let list = exclusions("10.0.0.1 until=2026-01-31\n10.0.0.2 until=2026-02-01");
        let today = Date::from_calendar_date(2026, time::Month::February, 1).unwrap();
        let lapsed: Vec<_> = list.lapsed(today).map(ToString::to_string).collect();
        assert_eq!(lapsed, ["10.0.0.1"]);
        assert!(why(&list, "10.0.0.1", 443).is_some());
    }

    #[test]
    fn excluding_all_of_ipv6_leaves_ipv4() {
        let list = exclusions("::/0");
        assert!(why(&list, "2001:db8::1", 443).is_some());
        assert_eq!(why(&list, "10.0.0.1", 443), None);
        assert_eq!(why(&list, "::ffff:10.0.0.1", 443), None);
    }

    #[test]
    fn a_hundred_thousand_exclusions_are_answered_for() {
        let address = |number: u32| Ipv4Addr::from_bits((10 << 24) | number);
        let lines: Vec<_> = (0..100_000_u32)
            .map(|number| address(8 * number).to_string())
            .collect();
        let list = exclusions(&lines.join("\n"));
        for number in (0..800_000_u32).step_by(7) {
            let covered = list.covers(address(number).into(), Port::HTTPS);
            assert_eq!(covered.is_some(), number % 8 == 0, "{number}");
        }
    }

    #[test]
    fn a_range_is_cut_where_the_rules_change() {
        let list = exclusions("10.0.0.4-7\n10.0.0.6-9:22\n10.0.0.15");
        let range = AddressRange::new("10.0.0.0".parse().unwrap(), "10.0.0.15".parse().unwrap());
        let shown: Vec<_> = list
            .cut(range.unwrap())
            .into_iter()
            .map(|(part, rules)| format!("{part} {:?}", rules.ranks))
            .collect();
        assert_eq!(
            shown,
            [
                "10.0.0.0/30 []",
                "10.0.0.4/30 [0]",
                "10.0.0.8/31 [1]",
                "10.0.0.10-10.0.0.14 []",
                "10.0.0.15 [2]",
            ]
        );
        let free = AddressRange::single("10.0.1.1".parse().unwrap());
        assert_eq!(list.cut(free).len(), 1);
    }
}
