//! An inventory → what is damaged in it.

use std::path::Path;

use sqlx::Connection;

use super::super::StoreError;
use super::fault::during;
use super::inspection;
use super::reading::Reading;

const OPERATION: &str = "checking the inventory";

/// Damages told of; a broken file has them by the thousand.
const MOST_TOLD: &str = "pragma quick_check(10)";

/// Reads the whole inventory at `path`, also while it is written to, and
/// gives SQLite's word on everything that is wrong in it: nothing, if all is
/// well (sqlite.org/pragma.html#pragma_quick_check).
///
/// # Errors
/// When it is no inventory that this program can read, or so damaged that it
/// does not open.
pub async fn damages(path: &Path) -> Result<Vec<String>, StoreError> {
    let path = inspection::locate(path)?;
    inspection::inspect(&path).await?;
    let reading = Reading::of(&path)?;
    let mut connection = reading.connect(&path, OPERATION).await?;
    let told = sqlx::query_scalar::<_, String>(MOST_TOLD)
        .fetch_all(&mut connection)
        .await
        .map_err(during(OPERATION));
    let mut told = reading.judge(told)?;
    connection.close().await.map_err(during(OPERATION))?;
    told.retain(|line| line != "ok");
    Ok(told)
}
