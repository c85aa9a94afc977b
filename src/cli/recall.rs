//! What the inventory says to a scan that is about to begin: where to look
//! again, and where not yet.

use std::path::Path;
use std::time::Duration;

use super::failure::Failure;
use super::inventory;
use crate::config::Settings;
use crate::domain::{Target, Timestamp};
use crate::probe::dialects;
use crate::scan::{Expected, KnownNames, Recency};
use crate::store::{Dark, Inventory, KnownQuestion, KnownTarget, Period};
use crate::target::{Plan, PlanBuilder, PlanError, Ports, TargetSpec};

/// What is known at the moment a scan begins. One that is gone on with is told
/// what was known when it began: its targets stay the same.
#[derive(Debug, Default)]
pub(super) struct Recall {
    known: Vec<KnownTarget>,
    questions: Vec<KnownQuestion>,
    names: KnownNames,
    dark: Dark,
}

/// What the inventory says of a plan's targets.
pub(super) struct Counts {
    /// That many endpoints of it are among them.
    pub(super) known: usize,
    /// At one address and port so many questions are known, at most.
    pub(super) questions: usize,
    /// And so many that stand beside one of another type of key.
    pub(super) by_key_type: usize,
    /// That many are left out.
    pub(super) fresh: u64,
}

impl Recall {
    /// Reads what is known, and what else the settings ask for, from the
    /// inventory at `db`; where there is none, nothing is known.
    pub(super) async fn read(
        db: &Path,
        settings: &Settings,
        at: Timestamp,
    ) -> Result<Self, Failure> {
        if !db.exists() {
            return Ok(Self::default());
        }
        let inventory = inventory::open(db).await?;
        let zone = &settings.zone;
        let known = inventory.known(zone, at).await?;
        let questions = inventory.known_questions(zone, at).await?;
        let dark = match settings.refresh {
            None => Dark::default(),
            Some(refresh) => inventory.dark(zone, period(at, refresh)).await?,
        };
        inventory.close().await;
        Ok(Self {
            known,
            questions,
            names: if settings.known.all {
                KnownNames::All
            } else {
                KnownNames::Listed
            },
            dark,
        })
    }

    /// The plan of what the operator wrote (`written`, from `builder`) and
    /// what is known.
    pub(super) fn plan(
        &self,
        builder: PlanBuilder,
        written: &Plan,
        settings: &Settings,
    ) -> Result<Plan, PlanError> {
        let forms = self.known.iter();
        let specs = forms.filter_map(|known| {
            let target = form(known, written, settings.known.all)?;
            let excluded = written.excluded(&target).is_some();
            (!excluded).then(|| spec(target))
        });
        if settings.known.first {
            builder.first(specs).build()
        } else if settings.known.all {
            builder.targets(specs).build()
        } else {
            builder.build()
        }
    }

    /// How many targets of a plan are known, and how many are left out.
    pub(super) fn count_in(self, plan: &Plan) -> Counts {
        let is_target = |known: &&KnownTarget| form(known, plan, false).is_some();
        Counts {
            known: self.known.iter().filter(is_target).count(),
            questions: most(&self.questions, <[_]>::len),
            by_key_type: most(&self.questions, beside_others),
            fresh: self.into_recency().count_in(plan),
        }
    }

    /// What of the scan's targets is left out.
    pub(super) fn into_recency(self) -> Recency {
        Recency::new(self.dark, &self.known)
    }

    /// What of a plan may be expected to answer.
    pub(super) fn expected(&self, plan: &Plan) -> Expected {
        Expected::new(&self.known, &self.questions, self.names, plan)
    }
}

/// The most of these that one address and port has, as counted there.
fn most(ascending: &[KnownQuestion], count: impl Fn(&[KnownQuestion]) -> usize) -> usize {
    let place = |it: &KnownQuestion| (it.address, it.port);
    let places = ascending.chunk_by(|one, next| place(one) == place(next));
    places.map(count).max().unwrap_or(0)
}

/// How many questions of an address and port stand beside one of another type
/// of key.
fn beside_others(ascending: &[KnownQuestion]) -> usize {
    let names = ascending
        .chunk_by(|one, next| (one.dialect, &one.server_name) == (next.dialect, &next.server_name));
    names.map(<[_]>::len).filter(|types| *types > 1).sum()
}

/// The period that ends at a moment.
fn period(until: Timestamp, length: Duration) -> Period {
    let length = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
    Period {
        from: Timestamp::from_micros(until.micros().saturating_sub(length)),
        until,
    }
}

/// The target that asks what is known: the one that the operator wrote, if
/// they did; else, if it shall be one, with the dialect forced where the port
/// does not tell it.
fn form(known: &KnownTarget, written: &Plan, add: bool) -> Option<Target> {
    let with = |dialect| Target {
        host: known.host.clone(),
        port: known.port,
        dialect,
    };
    let (plain, forced) = (with(None), with(Some(known.dialect)));
    if written.contains(&plain) {
        return Some(plain);
    }
    if written.contains(&forced) {
        return Some(forced);
    }
    let by_number = dialects::first(&plain) == known.dialect;
    add.then_some(if by_number { plain } else { forced })
}

fn spec(target: Target) -> TargetSpec {
    let ports = Ports::one(target.port, target.dialect);
    TargetSpec::host(target.host, ports)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::domain::{Dialect, KeyType, Port};
    use crate::store::{Askers, Standing};

    #[test]
    fn what_is_known_is_counted_where_there_is_most_of_it() {
        let known = |host, name: Option<&str>, key_type| KnownQuestion {
            address: IpAddr::from([10, 0, 0, host]),
            port: Port::HTTPS,
            dialect: Dialect::Tls,
            server_name: name.map(|name| name.parse().unwrap()),
            key_type,
            askers: Askers::Own,
            standing: Standing::Current,
            asked_at: Timestamp::from_seconds(0),
        };
        let questions = [
            known(1, None, KeyType::Rsa),
            known(2, None, KeyType::Rsa),
            known(2, None, KeyType::Ecdsa),
            known(2, Some("a.corp"), KeyType::Ecdsa),
            known(3, Some("a.corp"), KeyType::Rsa),
            known(3, Some("b.corp"), KeyType::Rsa),
        ];
        assert_eq!(most(&questions, <[_]>::len), 3);
        assert_eq!(most(&questions, beside_others), 2);
        assert_eq!(most(&[], <[_]>::len), 0);
    }
}
