//! What is left behind by a renewal that nobody saw happen.

use super::dossiers::{dossiers_by, facts, of};
use super::*;

const DAY: i64 = 86_400;

/// How a look finds an old certificate at one host and a new one at another,
/// and what that one is not.
struct Found {
    old: (i64, i64),
    new: (i64, i64),
    change: fn(&mut Facts, &mut Facts),
}

impl Default for Found {
    /// A year each, of which the first ends in 20 days.
    fn default() -> Self {
        Self {
            old: (-345, 20),
            new: (-1, 364),
            change: |_, _| {},
        }
    }
}

impl Found {
    fn batch(&self) -> Batch {
        let mut seen = batch(vec![
            presenting("10.0.0.1", 443, &["old"], 10),
            presenting("10.0.0.2", 443, &["new"], 10),
        ]);
        let mut own = ["old", "new"].map(|name| facts(&mut seen, name).clone());
        for (facts, (from, to)) in own.iter_mut().zip([self.old, self.new]) {
            facts.subject = named("shop");
            facts.alternative_names = vec!["Shop.test".to_owned()];
            facts.not_before = Some(at(from * DAY));
            facts.not_after = Some(at(to * DAY));
        }
        let [old, new] = &mut own;
        (self.change)(old, new);
        for (facts, name) in own.into_iter().zip(["old", "new"]) {
            *super::dossiers::facts(&mut seen, name) = facts;
        }
        seen
    }

    /// Whether the new one is told to be the old one's successor.
    async fn is_heir(&self) -> bool {
        let mut store = Store::new().await;
        store.scan(self.batch()).await;
        is_heir(&store, None, 0).await
    }
}

/// The same of a store; judged on a day.
async fn is_heir(store: &Store, known_at: Option<Timestamp>, day: i64) -> bool {
    let filter = Filter {
        known_at,
        judged_at: Some(at(day * DAY)),
        ..every_state()
    };
    let all = dossiers_by(store, &filter).await;
    let successor = of(&all, "old", "10.0.0.1").successor;
    assert!(successor.is_none_or(|it| it == hash_of("new")));
    if let Some(new) = all.iter().find(|it| it.row.ip == Some(ip("10.0.0.2"))) {
        assert_eq!(new.successor, None);
    }
    successor.is_some()
}

#[tokio::test]
async fn what_is_due_is_left_behind_where_its_renewal_is_elsewhere() {
    assert!(Found::default().is_heir().await);
    let over = Found {
        old: (-400, -35),
        ..Found::default()
    };
    assert!(over.is_heir().await);
    let of_many_names = Found {
        change: |old, new| {
            let names = |some: &[&str]| some.iter().map(ToString::to_string).collect();
            old.alternative_names = names(&["a.test", "b.test", "c.test", "d.test", "e.test"]);
            new.alternative_names = names(&["c.test", "d.test", "e.test"]);
        },
        ..Found::default()
    };
    assert!(of_many_names.is_heir().await);
}

#[tokio::test]
async fn hosts_with_a_certificate_each_are_not_left_behind() {
    let old = [(-300, 65), (-334, 31), (-67, 23), (-1, 364)];
    for old in old {
        let found = Found {
            old,
            ..Found::default()
        };
        assert!(!found.is_heir().await, "{old:?}");
    }
    // It began no later, is to begin, ends no later, or is due as well.
    for new in [(-345, 400), (1, 400), (-10, 20), (-340, 25)] {
        let found = Found {
            new,
            ..Found::default()
        };
        assert!(!found.is_heir().await, "{new:?}");
    }
    let changes: [fn(&mut Facts, &mut Facts); 7] = [
        |_, new| new.subject = named("other"),
        |_, new| new.alternative_names = vec!["other.test".to_owned()],
        |_, new| new.extended_key_usage = Some(vec!["clientAuth".to_owned()]),
        |old, _| old.self_signed = Some(true),
        |_, new| new.self_signed = Some(true),
        |_, new| new.self_signed = None,
        |old, new| {
            old.alternative_names.clear();
            new.alternative_names.clear();
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let found = Found {
            change,
            ..Found::default()
        };
        assert!(!found.is_heir().await, "change {number}");
    }
}

#[tokio::test]
async fn nothing_is_left_behind_by_what_is_in_use_nowhere() {
    let mut store = Store::new().await;
    let mut seen = Found::default().batch();
    let new = seen.observations.pop().unwrap();
    store.scan(seen).await;
    assert!(!is_heir(&store, None, 0).await, "not seen yet");
    let mut seen = Found::default().batch();
    seen.observations = vec![Observation {
        at: at(DAY),
        ..new.clone()
    }];
    store.scan(seen).await;
    assert!(is_heir(&store, None, 2).await);
    assert!(is_heir(&store, Some(at(DAY)), 1).await);
    assert!(!is_heir(&store, Some(at(DAY - 1)), 1).await, "not by then");
    for day in [2, 3, 4, 10, 11, 12] {
        let refusing = looking("10.0.0.2", 443, refused(), day * DAY);
        store.scan(batch(vec![refusing])).await;
    }
    assert!(!is_heir(&store, None, 13).await, "gone");
    assert!(is_heir(&store, Some(at(DAY)), 1).await);
}

#[tokio::test]
async fn what_is_not_judged_is_not_looked_for() {
    let mut store = Store::new().await;
    store.scan(Found::default().batch()).await;
    let all = dossiers_by(&store, &every_state()).await;
    assert_eq!(of(&all, "old", "10.0.0.1").successor, None);
}
