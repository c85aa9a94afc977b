//! Which certificate renews which, for the history of a question and for whoever
//! asks later.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use sqlx::SqliteConnection;

use super::super::StoreError;
use super::row;
use super::statement::ManyRows;
use crate::domain::{Purpose, Timestamp};

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
    purpose: Purpose,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
}

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
                found.insert(stored.id, Traits::read(&stored)?);
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

    /// Whether `new` renews `old`, see [`Purpose::renews`].
    pub(super) fn renews(&self, old: i64, new: i64) -> bool {
        match (self.0.get(&old), self.0.get(&new)) {
            (Some(before), Some(after)) => old != new && after.purpose.renews(&before.purpose),
            _ => false,
        }
    }

    /// Whether `new` ends later than `old`.
    pub(super) fn outlasts(&self, old: i64, new: i64) -> bool {
        let end = |certificate| self.0.get(certificate).and_then(|it| it.not_after);
        end(&old).zip(end(&new)).is_some_and(|(old, new)| new > old)
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
    fn read(stored: &Stored) -> Result<Self, sqlx::Error> {
        Ok(Self {
            purpose: Purpose::new(
                &stored.subject,
                &texts(stored.names.as_deref())?,
                &texts(stored.key_usage.as_deref())?,
                &texts(stored.extended_key_usage.as_deref())?,
            ),
            not_before: stored.not_before.map(Timestamp::from_micros),
            not_after: stored.not_after.map(Timestamp::from_micros),
        })
    }
}

/// A list of texts; none where it is null.
fn texts(json: Option<&str>) -> Result<Vec<String>, sqlx::Error> {
    let texts = json.map(serde_json::from_str).transpose();
    Ok(texts.map_err(row::impossible)?.unwrap_or_default())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    /// Certificates of these names, valid from and to these days.
    pub(in super::super) fn relatives(certificates: &[(i64, &str, i64, i64)]) -> Relatives {
        let traits = |name: &str, from: i64, to: i64| Traits {
            purpose: Purpose::new(&format!("CN={name}"), &[name.to_owned()], &[], &[]),
            not_before: Some(Timestamp::from_seconds(from * DAY)),
            not_after: Some(Timestamp::from_seconds(to * DAY)),
        };
        let certificates = certificates.iter();
        Relatives(
            certificates
                .map(|(id, name, from, to)| (*id, traits(name, *from, *to)))
                .collect(),
        )
    }

    #[test]
    fn only_certificates_that_are_known_are_renewed_and_by_others() {
        assert!(!Relatives::default().renews(1, 2));
        let known = relatives(&[(1, "a", 0, 90), (2, "a", 60, 150)]);
        assert!(!known.renews(1, 1) && known.renews(1, 2));
        assert!(known.outlasts(1, 2) && !known.outlasts(2, 1) && !known.outlasts(1, 1));
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
