use std::fmt;

/// A key-exchange group's code point (IANA "TLS Supported Groups"); unknown
/// ones are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedGroup(pub u16);

impl fmt::Display for NamedGroup {
    /// Its IANA name, else its code point, `0x2a2a`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}
