//! Evidence → judgement: what is wrong, how much it matters, who says so.
//!
//! A pure function of stored bytes, trust stores, policy and a given now, so
//! that an old inventory can be judged again today. One rule a file, each with
//! its citation.

mod chain;
mod case;
mod evidence;
mod finding;
mod gist;
#[expect(clippy::module_inception, reason = "who judges is the judge")]
mod judge;
mod judgement;
mod key_faults;
mod limits;
mod pattern;
mod policy;
mod rule;
mod rules;
mod selector;
mod trust_store;
mod weak_keys;

pub use case::Case;
pub use chain::{Assessor, Links, Pool};
pub use evidence::{Assessment, Evidence, Kin, Past, Place, Root, Unsent};
pub use finding::Finding;
pub use gist::Gist;
pub use judge::Judge;
pub use judgement::{Accepted, Judgement};
pub use key_faults::KeyFaults;
pub use limits::{InvalidLead, Lead, Limits, PointerNames};
pub use pattern::{InvalidPattern, Pattern};
pub use policy::{Acceptance, LimitChanges, Override, Owner, Policy, RuleSetting};
pub use rule::{Flaw, Rule, Verdict};
pub use rules::ALL;
pub use selector::Selector;
pub use trust_store::TrustStore;
pub use weak_keys::{InvalidChecksum, WeakKeys};

#[cfg(test)]
mod tests;
