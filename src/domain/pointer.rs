/// What the DNS says of the name of an address, its PTR record (RFC 1035
/// section 3.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pointer {
    /// It was not asked, or did not tell: silence, a server's failure, one that
    /// knows only others to ask. What was known before may be so still.
    #[default]
    Untold,
    /// It has none, or none that can be a name.
    Absent,
    /// It has this one. It comes from the network: any text.
    Name(String),
}

impl Pointer {
    /// The name, if there is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Untold | Self::Absent => None,
        }
    }
}
