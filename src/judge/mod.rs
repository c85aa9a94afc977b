//! Evidence → judgement: what is wrong, how much it matters, who says so.
//!
//! A pure function of stored bytes, trust stores, policy and a given now, so
//! that an old inventory can be judged again today. One rule a file, each with
//! its citation.

mod chain;
mod evidence;
mod finding;
mod judgement;
mod names;
mod rule;
mod rules;
mod trust_store;

pub use chain::{Assessor, Links, Pool};
pub use evidence::{Assessment, Evidence, Kin, Past, Place};
pub use finding::Finding;
pub use judgement::{Accepted, Judgement};
pub use names::{NameMatch, matches};
pub use rule::{Rule, Verdict};
pub use rules::ALL;
pub use trust_store::{InvalidTrustStore, TrustStore};
