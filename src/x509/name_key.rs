//! Names → what is the same for all ways of writing one name.

use super::Name;
use crate::domain::Fingerprint;

/// A distinguished name as names are compared: letter case, runs of spaces
/// and string types make no difference (RFC 5280 section 7.1, in essence).
/// Hashed, since a hostile name may be long and is compared often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameKey(Fingerprint);

impl NameKey {
    /// The key of a name.
    #[must_use]
    pub fn of(name: &Name) -> Self {
        let words: Vec<_> = name.distinguished_name.split_whitespace().collect();
        Self(Fingerprint::of(words.join(" ").to_lowercase().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_runs_of_spaces_make_no_other_name() {
        let key = |name: &str| {
            NameKey::of(&Name {
                common_name: None,
                distinguished_name: name.to_owned(),
            })
        };
        assert_eq!(key("CN=Größe,O=A  Company"), key("CN=GRÖßE,O=a company"));
        assert_ne!(key("CN=A Company"), key("CN=ACompany"));
        assert_ne!(key("CN=A,O=B"), key("CN=A+O=B"));
    }
}
