use std::io::{self, Write};
use std::ops::ControlFlow;

use super::appraisal::Appraisal;
use super::failure::Failure;
use super::filter::{Wanted, in_days};
use crate::judge::{self, Policy};
use crate::report::html::{About, Html, Scope};
use crate::store::{Detail, Inventory, SqliteInventory};

/// Writes the wanted installations as one HTML page, with the coverage of
/// their networks.
pub(super) async fn write(
    inventory: &SqliteInventory,
    appraisal: &mut Appraisal<'_>,
    wanted: &Wanted,
    scope: Scope,
    out: impl Write + Send,
) -> Result<(), Failure> {
    let about = About {
        head: appraisal.head(),
        scope,
        settings: settings(appraisal.policy()),
        rules: &judge::ALL,
    };
    let mut page = Html::begin(out, about);
    let mut counted: io::Result<()> = Ok(());
    let visit = |row| {
        counted = page.row(&row);
        match counted {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    let read = appraisal.installations(wanted, Detail::Facts, visit);
    read.await?;
    counted.map_err(|error| Failure::output(&error))?;
    let mut visit = |row| {
        page.coverage(&row);
        ControlFlow::Continue(())
    };
    let filter = &wanted.inventory;
    inventory.coverage(filter, &mut visit).await?;
    page.end().map_err(|error| Failure::output(&error))
}

/// What of the policy decides findings everywhere, and how much it says
/// besides.
fn settings(policy: &Policy) -> Vec<(String, String)> {
    let limits = &policy.limits;
    let expiring = format!(
        "{} before the end a warning, {} an error, {} critical",
        limits.expiring_warning, limits.expiring_error, limits.expiring_critical
    );
    let bits = format!("RSA {}, Diffie-Hellman {}", limits.rsa_bits, limits.dh_bits);
    let configured = format!(
        "rules: {}, overrides: {}, owners: {}, acceptances: {}",
        policy.rules.len(),
        policy.overrides.len(),
        policy.owners.len(),
        policy.acceptances.len()
    );
    [
        ("Expiring", expiring),
        ("Fewest bits", bits),
        ("Oldest look", in_days(limits.max_age)),
        ("Configured", configured),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
