use std::io::{self, Write};
use std::ops::ControlFlow;

use super::compared::{Compared, Passing};
use super::failure::Failure;
use super::inventory;
use crate::appraisal::{Appraisal, Wanted};
use crate::judge;
use crate::report::html::{About, Html, Scope};
use crate::store::{Detail, Filter, Inventory, SqliteInventory};

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
    let mut settings = head.settings.clone();
    if let Some(day) = wanted.inventory.known_at
        && let Some(before) = inventory.pruned_before().await?
        && before > day
    {
        let pruned = format!("what had ended by {before} is not kept");
        settings.push(("Pruned".to_owned(), pruned));
    }
    let about = About {
        settings,
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
    tell_changes(inventory, appraisal, wanted, &mut page).await?;
    page.end().map_err(|error| Failure::output(&error))
}

/// Tells the page what the last scan saw changed, as `certsweep diff` would;
/// of an earlier day, the last one till then.
async fn tell_changes<Out: Write + Send>(
    inventory: &SqliteInventory,
    appraisal: &mut Appraisal<'_>,
    wanted: &Wanted,
    page: &mut Html<Out>,
) -> Result<(), Failure> {
    let mut scans = inventory::scans(inventory).await?;
    if let Some(day) = wanted.inventory.known_at {
        scans.retain(|scan| scan.finished_at.unwrap_or(scan.started_at) <= day);
    }
    let Some(compared) = Compared::latest(&scans) else {
        return Ok(());
    };
    let Some(before) = &compared.before else {
        return Ok(());
    };
    page.compare(before, &compared.last);
    let filter = Filter {
        known_at: None,
        ..wanted.inventory.clone()
    };
    let passing = Passing::of(appraisal, wanted).await?;
    let mut visit = |event| {
        page.change(&event);
        ControlFlow::Continue(())
    };
    compared
        .events(inventory, &filter, passing.as_ref(), &mut visit)
        .await?;
    Ok(())
}
