//! The rules, one a file.

use std::fmt::Display;

use super::Rule;

mod expired;
mod expiring;
mod not_yet_valid;
mod invalid;
mod self_signed;
mod untrusted;
mod incomplete_chain;
mod unchecked;
mod chain_order;
mod extra_certificates;
pub(super) mod name_mismatch;
mod no_san;
mod wildcard;
mod weak_key;
mod weak_signature;
mod validity_too_long;
mod key_reuse;
mod shared_key;
mod key_unchanged;
mod renewal_incomplete;
mod renewal_habit;
mod stale_endpoint;
mod ca_as_leaf;
mod eku_missing;
mod eku_wrong;
mod legacy_protocol;
mod weak_dh;
mod no_forward_secrecy;
mod must_staple;
mod not_pq_ready;
mod issuer_not_approved;
mod encoding;
pub(super) mod many_ports;
mod ephemeral;

/// Every rule, in the order of reports.
pub static ALL: [&Rule; 34] = [
    &expired::RULE,
    &expiring::RULE,
    &not_yet_valid::RULE,
    &invalid::RULE,
    &self_signed::RULE,
    &untrusted::RULE,
    &incomplete_chain::RULE,
    &unchecked::RULE,
    &chain_order::RULE,
    &extra_certificates::RULE,
    &name_mismatch::RULE,
    &no_san::RULE,
    &wildcard::RULE,
    &weak_key::RULE,
    &weak_signature::RULE,
    &validity_too_long::RULE,
    &key_reuse::RULE,
    &shared_key::RULE,
    &key_unchanged::RULE,
    &renewal_incomplete::RULE,
    &renewal_habit::RULE,
    &stale_endpoint::RULE,
    &ca_as_leaf::RULE,
    &eku_missing::RULE,
    &eku_wrong::RULE,
    &legacy_protocol::RULE,
    &weak_dh::RULE,
    &no_forward_secrecy::RULE,
    &must_staple::RULE,
    &not_pq_ready::RULE,
    &issuer_not_approved::RULE,
    &encoding::RULE,
    &many_ports::RULE,
    &ephemeral::RULE,
];

/// The most items that a finding's detail lists.
const LISTED: usize = 5;

/// Some of the items, as a detail lists them, and how many are left out.
fn some_of(items: &[impl Display]) -> String {
    let listed: Vec<String> = items.iter().take(LISTED).map(ToString::to_string).collect();
    match items.len().saturating_sub(LISTED) {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}
