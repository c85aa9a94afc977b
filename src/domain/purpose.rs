use std::collections::BTreeSet;
use std::hash::Hash;

/// What a certificate is for: by this one renews another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Purpose {
    subject: String,
    key_usage: BTreeSet<String>,
    extended_key_usage: BTreeSet<String>,
    names: BTreeSet<String>,
}

/// Names that a renewal has to keep all of; of more it keeps half.
const ALL_NAMES: usize = 4;

impl Purpose {
    /// Of a certificate with this subject (RFC 4514) and these alternative
    /// names, in no order.
    #[must_use]
    pub fn new(
        subject: &str,
        names: &[String],
        key_usage: &[String],
        extended_key_usage: &[String],
    ) -> Self {
        let set = |texts: &[String]| texts.iter().cloned().collect();
        Self {
            subject: subject.to_owned(),
            key_usage: set(key_usage),
            extended_key_usage: set(extended_key_usage),
            names: names.iter().map(|name| name.to_lowercase()).collect(),
        }
    }

    /// What it has in common with all that it renews or is renewed by, and one
    /// of its names or none: of two purposes with none of these in common, the
    /// one does not renew the other.
    pub(super) fn traits<'a>(&'a self, name: Option<&'a str>) -> impl Hash + 'a {
        let usages = (&self.key_usage, &self.extended_key_usage);
        (&self.subject, usages, name)
    }

    /// Its names, in lower case.
    pub(super) fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// How many of its names have to be looked up until one of those that a
    /// renewal keeps is among them.
    pub(super) fn names_to_look_up(&self) -> usize {
        match self.names.len() {
            0 => 0,
            1..=ALL_NAMES => 1,
            many => many / 2 + 1,
        }
    }

    /// Whether this is what `old` was, for another time: the same subject, key
    /// usage and extended key usage, and the names of the old one, all of up to
    /// four, half of more. The type of the key is no part of it.
    #[must_use]
    pub fn renews(&self, old: &Self) -> bool {
        let kept = old.names.intersection(&self.names).count();
        let names_kept = if old.names.len() <= ALL_NAMES {
            kept == old.names.len()
        } else {
            kept * 2 >= old.names.len()
        };
        let is_named = !(old.subject.is_empty() && old.names.is_empty());
        is_named
            && names_kept
            && self.subject == old.subject
            && self.key_usage == old.key_usage
            && self.extended_key_usage == old.extended_key_usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    fn named(subject: &str, names: &[&str]) -> Purpose {
        Purpose::new(subject, &texts(names), &[], &[])
    }

    #[test]
    fn a_renewal_keeps_every_name_of_up_to_four_and_half_of_more() {
        let renews = |old: &[&str], new: &[&str]| named("CN=a", new).renews(&named("CN=a", old));
        assert!(renews(&[], &["a"]));
        assert!(renews(&["a", "b"], &["A", "b", "c"]));
        assert!(!renews(&["a", "b"], &["a", "c"]));
        assert!(!renews(&["a", "b", "c", "d"], &["a", "b", "c", "e"]));
        assert!(renews(&["a", "b", "c", "d", "e", "f"], &["a", "b", "c"]));
        assert!(renews(&["a", "b", "c", "d", "e"], &["a", "b", "c"]));
        assert!(!renews(
            &["a", "b", "c", "d", "e"],
            &["a", "b", "x", "y", "z"]
        ));
    }

    #[test]
    fn a_renewal_keeps_subject_and_usages() {
        let old = named("CN=a", &["a"]);
        assert!(!named("CN=b", &["a"]).renews(&old));
        let names = texts(&["a"]);
        let signing = Purpose::new("CN=a", &names, &texts(&["digitalSignature"]), &[]);
        let for_clients = Purpose::new("CN=a", &names, &[], &texts(&["clientAuth"]));
        for other in [signing, for_clients] {
            assert!(other.renews(&other) && !other.renews(&old) && !old.renews(&other));
        }
    }

    #[test]
    fn what_has_no_name_at_all_renews_nothing() {
        assert!(!named("", &[]).renews(&named("", &[])));
        assert!(named("", &["a"]).renews(&named("", &["a"])));
    }
}
