use std::collections::BTreeSet;
use std::fmt::Write;

use aws_lc_rs::digest::{Context, SHA256};

use super::{Exclusion, Plan};

/// The form of the texts that are hashed; a change of it is another version.
const PLAN: &str = "certsweep plan 1";
const TARGETS: &str = "certsweep targets 1";

impl Plan {
    /// SHA-256, in lower-case hex, of what the plan is about: targets, ports,
    /// exclusions and shard. Two plans with the same one have the same targets
    /// under the same indices, and leave the same ones alone.
    ///
    /// The seed is not in it, nor the order in which things were written, nor
    /// what was noted about an exclusion.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut lines = Lines::begin(PLAN);
        self.write_targets(&mut lines);
        let exclusions = self.exclusions().entries().iter();
        let exclusions: BTreeSet<_> = exclusions.map(Exclusion::to_string).collect();
        for exclusion in exclusions {
            lines.push(&format!("exclusion {exclusion}"));
        }
        lines.fingerprint()
    }

    /// The same of targets, ports and shard alone. Two plans with the same one
    /// have the same targets under the same indices, whatever they leave alone.
    #[must_use]
    pub fn targets_fingerprint(&self) -> String {
        let mut lines = Lines::begin(TARGETS);
        self.write_targets(&mut lines);
        lines.fingerprint()
    }

    fn write_targets(&self, lines: &mut Lines) {
        lines.push(&format!("shard {}", self.shard()));
        for segment in self.segments() {
            lines.push(&format!("target {} {}", segment.hosts(), segment.ports()));
        }
        for address in self.named_exactly() {
            lines.push(&format!("exactly {address}"));
        }
    }
}

/// Lines of text that become a fingerprint.
struct Lines(Context);

impl Lines {
    fn begin(form: &str) -> Self {
        let mut lines = Self(Context::new(&SHA256));
        lines.push(form);
        lines
    }

    fn push(&mut self, line: &str) {
        self.0.update(line.as_bytes());
        self.0.update(b"\n");
    }

    fn fingerprint(self) -> String {
        hex(self.0.finish().as_ref())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
