use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};

use time::Date;

use super::embedding::{MOST_READINGS, embedded, embeds};
use super::fragile::fragile;
use super::pieces::Pieces;
use super::special::{broadcast, special_purpose};
use super::{AddressRange, Exclusion, Hosts, Ports, Scope};
use crate::domain::{Port, ServerName};

/// Everything that is never touched: what the operator listed, behind it the
/// special-purpose networks, and behind these the fragile ports.
///
/// An excluded IPv4 address is excluded in every form by which IPv6 reaches
/// it: mapped (::ffff:0:0/96, RFC 4291 section 2.5.5.2), through NAT64
/// (64:ff9b::/96, RFC 6052 section 2.1; 64:ff9b:1::/48, RFC 8215) and 6to4
/// (2002::/16, RFC 3056 section 2). Where several exclusions hold, the one
/// listed first answers.
///
/// A look-up is a binary search for each form.
#[derive(Clone, Debug)]
pub struct Exclusions {
    /// Those of the operator first; an exclusion's rank is its position.
    entries: Vec<Exclusion>,
    /// How many of them the operator listed.
    listed: usize,
    /// Ranks in ascending order, up to the first that is about every port:
    /// none behind that is ever asked.
    pieces: Pieces<Box<[usize]>>,
    names: HashMap<ServerName, Vec<usize>>,
    /// The first exclusion of each port that is excluded on every host.
    everywhere: BTreeMap<Port, usize>,
    /// The exclusion of each fragile port, which holds where nobody names it.
    fragile: BTreeMap<Port, usize>,
}

/// What holds for some host: the way from a port to the exclusion.
#[derive(Clone, Copy)]
pub(super) struct Rules<'list> {
    exclusions: &'list Exclusions,
    ranks: &'list [usize],
    /// Those of the IPv4 addresses that it embeds, the likeliest first.
    embedded: [&'list [usize]; MOST_READINGS],
}

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
        for (rank, entry) in entries.iter().enumerate() {
            if let Some(name) = entry.scope().name() {
                names.entry(name.clone()).or_default().push(rank);
            }
        }
        let everywhere = by_port(entries.iter().zip(0..));
        let pieces = pieces(&entries);
        let first_fragile = entries.len();
        entries.extend(fragile());
        let fragile = by_port(entries.iter().zip(0..).skip(first_fragile));
        Self {
            entries,
            listed,
            pieces,
            names,
            everywhere,
            fragile,
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

    /// The exclusion of a port that lies in a range of ports without being
    /// named, if it is a fragile one.
    pub(super) fn of_swept(&self, ports: &Ports, port: Port) -> Option<&Exclusion> {
        self.entries.get(self.rank_of_swept(ports, port)?)
    }

    /// The same by its rank.
    pub(super) fn rank_of_swept(&self, ports: &Ports, port: Port) -> Option<usize> {
        let rank = self.fragile.get(&port).copied();
        rank.filter(|_| ports.merely_sweeps(port))
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
        let rules = self.rules(address);
        let mut ranks = rules.ranks.iter().chain(rules.likeliest());
        ranks.any(|rank| self.is_built_in(*rank))
    }

    /// The rules for one name.
    pub(super) fn name_rules(&self, name: &ServerName) -> Rules<'_> {
        Rules {
            ranks: self.names.get(name).map_or(&[][..], Vec::as_slice),
            ..self.no_rules()
        }
    }

    /// The rules for one address.
    pub(super) fn rules(&self, address: IpAddr) -> Rules<'_> {
        let ranks = |address| self.pieces.at(address).map_or(&[][..], |ranks| ranks);
        Rules {
            exclusions: self,
            ranks: ranks(address),
            embedded: embedded(address)
                .map(|embedded| embedded.map_or(&[][..], |address| ranks(address.into()))),
        }
    }

    /// Cuts a range into parts with the same rules each, in ascending order,
    /// the parts between exclusions included.
    pub(super) fn cut(&self, range: AddressRange) -> Vec<(AddressRange, Rules<'_>)> {
        let parts = self.pieces.cut(range).into_iter();
        parts
            .flat_map(|(part, ranks)| {
                if embeds(&part) {
                    return self.cut_by_address(part);
                }
                let ranks = ranks.map_or(&[][..], |ranks| ranks);
                vec![(
                    part,
                    Rules {
                        ranks,
                        ..self.no_rules()
                    },
                )]
            })
            .collect()
    }

    /// The same where each address may embed another. Nobody lists more of
    /// them than can be walked: IPv6 networks are small.
    fn cut_by_address(&self, range: AddressRange) -> Vec<(AddressRange, Rules<'_>)> {
        let mut parts: Vec<(AddressRange, Rules<'_>)> = Vec::new();
        for address in range.iter() {
            let (single, rules) = (AddressRange::single(address), self.rules(address));
            if let Some((previous, its_own)) = parts.last_mut()
                && its_own.say_the_same(&rules)
                && let Some(joined) = previous.joined(&single)
            {
                *previous = joined;
            } else {
                parts.push((single, rules));
            }
        }
        parts
    }

    fn no_rules(&self) -> Rules<'_> {
        Rules {
            exclusions: self,
            ranks: &[],
            embedded: [&[]; MOST_READINGS],
        }
    }
}

impl Default for Exclusions {
    /// The special-purpose networks alone.
    fn default() -> Self {
        Self::new([])
    }
}

impl<'list> Rules<'list> {
    /// The rank of the first exclusion that holds for the port.
    ///
    /// What the operator listed holds however an embedded address may be read,
    /// a special-purpose network by the likeliest reading alone: most addresses
    /// can be read as one of those.
    pub(super) fn first(self, port: Port) -> Option<usize> {
        let Self { exclusions, .. } = self;
        let holds = |rank: &usize| {
            let entry = exclusions.entries.get(*rank);
            entry.is_some_and(|exclusion| exclusion.holds_on(port))
        };
        let first = |ranks: &[usize]| ranks.iter().copied().find(holds);
        let here = [first(self.ranks), first(self.likeliest())];
        let otherwise = self.embedded.iter().skip(1);
        let otherwise = otherwise
            .filter_map(|ranks| first(ranks))
            .filter(|rank| !exclusions.is_built_in(*rank));
        let everywhere = exclusions.everywhere.get(&port).copied();
        let all = here.into_iter().flatten().chain(otherwise);
        all.chain(everywhere).min()
    }

    /// Whether no port is excluded by them.
    pub(super) fn is_empty(self) -> bool {
        let of_hosts = self.ranks.is_empty() && self.embedded.iter().all(|ranks| ranks.is_empty());
        of_hosts && self.exclusions.everywhere.is_empty()
    }

    fn likeliest(self) -> &'list [usize] {
        let [likeliest, ..] = self.embedded;
        likeliest
    }

    fn say_the_same(self, other: &Self) -> bool {
        self.ranks == other.ranks && self.embedded == other.embedded
    }
}

/// The rank of the first exclusion of each port that is excluded on every
/// host.
fn by_port<'entry>(
    entries: impl Iterator<Item = (&'entry Exclusion, usize)>,
) -> BTreeMap<Port, usize> {
    let mut ranks = BTreeMap::new();
    for (entry, rank) in entries {
        if let (Scope::Everywhere, Some(ports)) = (entry.scope(), entry.ports()) {
            for (port, _) in ports.iter() {
                ranks.entry(port).or_insert(rank);
            }
        }
    }
    ranks
}

fn pieces(entries: &[Exclusion]) -> Pieces<Box<[usize]>> {
    let ranges = entries
        .iter()
        .enumerate()
        .filter_map(|(rank, entry)| match entry.scope() {
            Scope::Hosts(Hosts::Addresses(range)) => Some((*range, rank)),
            Scope::Hosts(Hosts::Name(_)) | Scope::Everywhere => None,
        });
    let is_about_every_port = |rank: &usize| {
        let entry = entries.get(*rank);
        entry.is_some_and(|exclusion| exclusion.ports().is_none())
    };
    Pieces::of(ranges, |labels| {
        let mut ranks = Vec::new();
        for rank in labels.iter() {
            ranks.push(rank);
            if is_about_every_port(&rank) {
                break;
            }
        }
        Some(ranks.into_boxed_slice())
    })
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
        assert_eq!(case("192.168.2.1", 22), ":22");
        assert_eq!(case("2001:db8::1", 9100), ":9100");
        assert_eq!(case("192.168.2.1", 443), "");
    }

    #[test]
    fn every_ipv6_form_of_an_excluded_ipv4_address_is_excluded() {
        let list = exclusions("10.1.2.0/24");
        for form in [
            "10.1.2.3",
            "::ffff:10.1.2.3",
            "64:ff9b::10.1.2.3",
            "64:ff9b:1::10.1.2.3",
            "64:ff9b:1:abcd:ef:1234:10.1.2.3",
            "64:ff9b:1:344:a:102:300:0",
            "64:ff9b:1:30a:1:203::",
            "64:ff9b:1:a01:2:300::",
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
            "64:ff9b:1::10.1.3.3",
            "64:ff9b:1:a01:3:300::",
            "64:ff9b:2::10.1.2.3",
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
            "192.0.0.8",
            "198.51.100.1",
            "203.0.113.9",
            "100.100.100.200",
            "168.63.129.16",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "fd00:ec2::254",
            "2001:db8::1",
            "3fff::1",
            "64:ff9b:1::169.254.169.254",
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
            "100.64.0.1",
            "198.18.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1:a00:0:500::",
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
