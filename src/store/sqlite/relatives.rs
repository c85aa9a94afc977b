//! Which certificate renews which: the one definition of it, for the history of
//! a question and for whoever asks later.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use sqlx::SqliteConnection;

use super::super::StoreError;
use super::row;
use super::statement::ManyRows;
use crate::domain::Timestamp;

const FIND: ManyRows = ManyRows {
    operation: "reading what certificates have in common",
    before: "select json_group_array(json_array(id, subject_dn, key_usage, eku, san, \
             not_before, not_after)) from certificates where subject_dn is not null and id in (",
    columns: 1,
    after: ")",
};

/// What certificates have in common by which one renews another.
#[derive(Clone, Debug, Default)]
pub(super) struct Relatives(HashMap<i64, Traits>);

/// An element of what [`FIND`] finds.
#[derive(Deserialize)]
struct Stored {
    id: i64,
    subject: String,
    key_usage: Option<String>,
    extended_key_usage: Option<String>,
    names: Option<String>,
    not_before: Option<i64>,
    not_after: Option<i64>,
}

/// What a renewal keeps, and how long it may wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Traits {
    subject: String,
    key_usage: Option<BTreeSet<String>>,
    extended_key_usage: Option<BTreeSet<String>>,
    names: BTreeSet<String>,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
}

/// Names that a renewal has to keep all of; of more it keeps half.
const ALL_NAMES: usize = 4;

impl Relatives {
    /// Reads the traits of these certificates; those that could not be parsed
    /// have none, and no relatives.
    pub(super) async fn find(
        connection: &mut SqliteConnection,
        wanted: &BTreeSet<i64>,
    ) -> Result<Self, StoreError> {
        let wanted: Vec<_> = wanted.iter().copied().collect();
        let mut found = HashMap::new();
        FIND.fetch_elements(
            connection,
            &wanted,
            |values, id| {
                values.push_bind(*id);
            },
            |stored: Stored| {
                found.insert(stored.id, Traits::read(stored)?);
                Ok(())
            },
        )
        .await?;
        Ok(Self(found))
    }

    /// The same of certificates of which one may have renewed the other.
    pub(super) async fn of_pairs(
        connection: &mut SqliteConnection,
        pairs: impl Iterator<Item = (i64, i64)>,
    ) -> Result<Self, StoreError> {
        let wanted = pairs.flat_map(|(old, new)| [old, new]).collect();
        Self::find(connection, &wanted).await
    }

    /// Whether `new` is what `old` was, for another time: the same subject,
    /// key usage and extended key usage, and the names of the old one, all of
    /// up to four, half of more.
    pub(super) fn renews(&self, old: i64, new: i64) -> bool {
        match (self.0.get(&old), self.0.get(&new)) {
            (Some(before), Some(after)) => old != new && after.renew(before),
            _ => false,
        }
    }

    /// Whether half of a certificate's validity was over, so that a renewal
    /// is nothing out of the ordinary.
    pub(super) fn is_due(&self, old: i64, at: Timestamp) -> bool {
        let traits = self.0.get(&old);
        let validity = traits.and_then(|old| old.not_before.zip(old.not_after));
        validity.is_some_and(|(from, to)| at.since(from) >= to.since(from) / 2)
    }
}

impl Traits {
    fn renew(&self, old: &Self) -> bool {
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

    fn read(stored: Stored) -> Result<Self, sqlx::Error> {
        let names = texts(stored.names.as_deref())?.unwrap_or_default();
        Ok(Self {
            subject: stored.subject,
            key_usage: texts(stored.key_usage.as_deref())?,
            extended_key_usage: texts(stored.extended_key_usage.as_deref())?,
            names: names.iter().map(|name| name.to_lowercase()).collect(),
            not_before: stored.not_before.map(Timestamp::from_micros),
            not_after: stored.not_after.map(Timestamp::from_micros),
        })
    }
}

/// A list of texts in no order; `None` where it is null.
fn texts(json: Option<&str>) -> Result<Option<BTreeSet<String>>, sqlx::Error> {
    let texts = json.map(serde_json::from_str).transpose();
    texts.map_err(row::impossible)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    /// Certificates of these names, valid from and to these days.
    pub(in super::super) fn relatives(certificates: &[(i64, &str, i64, i64)]) -> Relatives {
        let traits = |name: &str, from: i64, to: i64| Traits {
            subject: format!("CN={name}"),
            names: BTreeSet::from([name.to_owned()]),
            not_before: Some(Timestamp::from_seconds(from * DAY)),
            not_after: Some(Timestamp::from_seconds(to * DAY)),
            ..Traits::default()
        };
        let certificates = certificates.iter();
        Relatives(
            certificates
                .map(|(id, name, from, to)| (*id, traits(name, *from, *to)))
                .collect(),
        )
    }

    fn named(subject: &str, names: &[&str]) -> Traits {
        Traits {
            subject: subject.to_owned(),
            names: names.iter().map(ToString::to_string).collect(),
            ..Traits::default()
        }
    }

    #[test]
    fn a_renewal_keeps_every_name_of_up_to_four_and_half_of_more() {
        let renews = |old: &[&str], new: &[&str]| named("CN=a", new).renew(&named("CN=a", old));
        assert!(renews(&[], &["a"]));
        assert!(renews(&["a", "b"], &["a", "b", "c"]));
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
        assert!(!named("CN=b", &["a"]).renew(&old));
        let usage = |usage: &str| Some(BTreeSet::from([usage.to_owned()]));
        let signing = Traits {
            key_usage: usage("digitalSignature"),
            ..old.clone()
        };
        let for_clients = Traits {
            extended_key_usage: usage("clientAuth"),
            ..old.clone()
        };
        for other in [signing, for_clients] {
            assert!(other.renew(&other) && !other.renew(&old) && !old.renew(&other));
        }
    }

    #[test]
    fn what_has_no_name_at_all_renews_nothing() {
        assert!(!named("", &[]).renew(&named("", &[])));
        assert!(named("", &["a"]).renew(&named("", &["a"])));
        assert!(!Relatives::default().renews(1, 2));
        assert!(!relatives(&[(1, "a", 0, 90)]).renews(1, 1));
    }

    #[test]
    fn a_renewal_is_due_from_half_of_the_validity_on() {
        let relatives = relatives(&[(1, "a", 10, 100)]);
        let at = |second| Timestamp::from_seconds(second);
        assert!(!relatives.is_due(1, at(55 * DAY - 1)));
        assert!(relatives.is_due(1, at(55 * DAY)));
        assert!(!relatives.is_due(2, at(0)));
    }
}
