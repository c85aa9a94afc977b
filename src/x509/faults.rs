use std::fmt::Display;

/// What is wrong with one certificate's encoding, a line each.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<String>);

/// Enough to judge a certificate by; a hostile one could have a line for
/// every few of its bytes.
const MAX_LINES: usize = 32;

impl Faults {
    /// Notes that `what` is wrong with `field`, once; past the limit it is
    /// dropped.
    pub(super) fn note(&mut self, field: &str, what: impl Display) {
        if self.0.len() == MAX_LINES {
            return;
        }
        let line = format!("{field}: {what}");
        if !self.0.contains(&line) {
            self.0.push(line);
        }
    }

    /// The lines, in the order noted.
    pub(super) fn into_lines(self) -> Vec<String> {
        self.0
    }
}
