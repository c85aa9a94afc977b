use std::net::IpAddr;

use crate::domain::Unresolved;
use crate::resolve::{LookupError, MAX_ADDRESSES};

/// Where the DNS has a name lead, as seen from an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// There, maybe to others as well.
    Here,
    /// To others alone.
    Elsewhere,
    /// There is no such name.
    Nowhere,
    /// The DNS did not tell.
    Unknown,
}

impl Whereabouts {
    /// By the answer to a look-up. Where it has nothing of the address's family,
    /// that may not have been asked for, or not answered; where it has as many as
    /// are kept, there may be more.
    pub(super) fn of(answer: &Result<Vec<IpAddr>, LookupError>, address: IpAddr) -> Self {
        let address = address.to_canonical();
        let led_to = |it: &IpAddr| it.to_canonical() == address;
        let is_related = |it: &IpAddr| it.to_canonical().is_ipv4() == address.is_ipv4();
        match answer {
            Ok(addresses) if addresses.iter().any(led_to) => Self::Here,
            Ok(addresses)
                if addresses.len() < MAX_ADDRESSES && addresses.iter().any(is_related) =>
            {
                Self::Elsewhere
            }
            Err(LookupError::Unresolved(Unresolved::NoSuchName)) => Self::Nowhere,
            Ok(_)
            | Err(
                LookupError::Unresolved(Unresolved::NoData | Unresolved::ServerFailure)
                | LookupError::Resolver(_),
            ) => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_elsewhere_only_where_the_whole_answer_says_so() {
        let here = IpAddr::from([10, 0, 0, 1]);
        let mapped = "::ffff:10.0.0.1".parse().unwrap();
        let other = IpAddr::from([10, 0, 0, 2]);
        let other_family = "2001:db8::1".parse().unwrap();
        let unresolved = |why| Err(LookupError::Unresolved(why));
        for (answer, expected) in [
            (Ok(vec![other, mapped]), Whereabouts::Here),
            (Ok(vec![other]), Whereabouts::Elsewhere),
            (Ok(vec![other_family, other]), Whereabouts::Elsewhere),
            (Ok(vec![other_family]), Whereabouts::Unknown),
            (Ok(vec![other; MAX_ADDRESSES]), Whereabouts::Unknown),
            (unresolved(Unresolved::NoSuchName), Whereabouts::Nowhere),
            (unresolved(Unresolved::NoData), Whereabouts::Unknown),
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
