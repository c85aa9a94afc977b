use std::io::{self, Write};
use std::ops::ControlFlow;

use super::appraisal::Appraisal;
use super::failure::Failure;
use super::filter::Wanted;
use crate::judge;
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
    let head = appraisal.head();
    let about = About {
        settings: head.settings.clone(),
        head,
        scope,
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
