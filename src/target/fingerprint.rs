use std::collections::BTreeSet;
use std::fmt::Write;

use aws_lc_rs::digest::{Context, SHA256};

use super::{Exclusion, Plan};

/// The form of the text that is hashed; a change of it is another version.
const FORM: &str = "certsweep plan 1";

impl Plan {
    /// SHA-256, in lower-case hex, of what the plan is about: targets, ports,
    /// exclusions and shard. Two plans with the same one have the same targets
    /// under the same indices, and leave the same ones alone.
    ///
    /// The seed is not in it, nor the order in which things were written, nor
    /// what was noted about an exclusion.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut context = Context::new(&SHA256);
        let mut line = |text: &str| {
            context.update(text.as_bytes());
            context.update(b"\n");
        };
        line(FORM);
        line(&format!("shard {}", self.shard()));
        for segment in self.segments() {
            line(&format!("target {} {}", segment.hosts(), segment.ports()));
        }
        for address in self.named_exactly() {
            line(&format!("exactly {address}"));
        }
        let exclusions = self.exclusions().entries().iter();
        let exclusions: BTreeSet<_> = exclusions.map(Exclusion::to_string).collect();
        for exclusion in exclusions {
            line(&format!("exclusion {exclusion}"));
        }
        hex(context.finish().as_ref())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
