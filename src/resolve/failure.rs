use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;

use super::LookupError;
use crate::domain::{Pointer, Unresolved};

/// What a failed query says about the name, if anything.
pub(super) fn failure(error: &NetError) -> LookupError {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            LookupError::Unresolved(without_records(none.response_code))
        }
        NetError::Dns(_) => LookupError::Unresolved(Unresolved::ServerFailure),
        silent_or_garbled => LookupError::Resolver(silent_or_garbled.to_string()),
    }
}

/// What an answer without the records asked for says (RFC 2308 section 2).
pub(super) fn without_records(code: ResponseCode) -> Unresolved {
    match code {
        ResponseCode::NXDomain => Unresolved::NoSuchName,
        ResponseCode::NoError => Unresolved::NoData,
        _ => Unresolved::ServerFailure,
    }
}

/// What a failed query for the name of an address says. A server that only
/// names others to ask knows nothing of it (RFC 2308 section 2.2).
pub(super) fn without_pointer(error: &NetError) -> Pointer {
    let NetError::Dns(DnsError::NoRecordsFound(none)) = error else {
        return Pointer::Untold;
    };
    let is_referral = none.soa.is_none() && none.ns.is_some();
    match without_records(none.response_code) {
        Unresolved::NoSuchName => Pointer::Absent,
        Unresolved::NoData if !is_referral => Pointer::Absent,
        Unresolved::NoData | Unresolved::ServerFailure => Pointer::Untold,
    }
}

/// The failure of several queries for one name: the one that leaves the most
/// open, since the name may have an address as long as one query failed.
pub(super) fn least_certain(one: LookupError, other: LookupError) -> LookupError {
    if openness(&other) > openness(&one) {
        other
    } else {
        one
    }
}

fn openness(error: &LookupError) -> u8 {
    match error {
        LookupError::Unresolved(Unresolved::NoSuchName) => 0,
        LookupError::Unresolved(Unresolved::NoData) => 1,
        LookupError::Unresolved(Unresolved::ServerFailure) => 2,
        LookupError::Resolver(_) => 3,
    }
}
