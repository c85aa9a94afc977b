use std::net::IpAddr;

use crate::domain::Unresolved;
use crate::resolve::LookupError;

/// Where the DNS has a name lead, as seen from an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// There, maybe to others as well.
    Here,
    /// To others alone.
    Elsewhere,
    /// It has no address.
    Nowhere,
    /// The DNS did not tell.
    Unknown,
}

impl Whereabouts {
    /// By the answer to a look-up.
    pub(super) fn of(answer: &Result<Vec<IpAddr>, LookupError>, address: IpAddr) -> Self {
        let led_to = |it: &IpAddr| it.to_canonical() == address.to_canonical();
        match answer {
            Ok(addresses) if addresses.iter().any(led_to) => Self::Here,
            Ok(_) => Self::Elsewhere,
            Err(LookupError::Unresolved(Unresolved::NoSuchName | Unresolved::NoData)) => {
                Self::Nowhere
            }
            Err(LookupError::Unresolved(Unresolved::ServerFailure) | LookupError::Resolver(_)) => {
                Self::Unknown
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_an_address_is_nowhere_and_one_that_nobody_tells_of_unknown() {
        let here = IpAddr::from([10, 0, 0, 1]);
        let mapped = "::ffff:10.0.0.1".parse().unwrap();
        let other = IpAddr::from([10, 0, 0, 2]);
        let unresolved = |why| Err(LookupError::Unresolved(why));
        for (answer, expected) in [
            (Ok(vec![other, mapped]), Whereabouts::Here),
            (Ok(vec![other]), Whereabouts::Elsewhere),
            (unresolved(Unresolved::NoSuchName), Whereabouts::Nowhere),
            (unresolved(Unresolved::NoData), Whereabouts::Nowhere),
            (unresolved(Unresolved::ServerFailure), Whereabouts::Unknown),
            (
                Err(LookupError::Resolver("no answer".to_owned())),
                Whereabouts::Unknown,
            ),
        ] {
            assert_eq!(Whereabouts::of(&answer, here), expected, "{answer:?}");
        }
    }
}
