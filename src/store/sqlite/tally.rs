//! How many targets had each outcome, as the inventory writes it: a JSON
//! object of every outcome's word and its count.

use serde_json::{Map, Value};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::row;
use crate::domain::Tally;

pub(super) fn json(tally: &Tally) -> String {
    let counts = tally
        .iter()
        .map(|(outcome, count)| (outcome.as_str().to_owned(), count.into()));
    Value::Object(counts.collect()).to_string()
}

pub(super) fn read(row: &SqliteRow, column: usize) -> Result<Tally, sqlx::Error> {
    let counts: &str = row.try_get(column)?;
    let counts: Map<String, Value> = serde_json::from_str(counts).map_err(row::impossible)?;
    let mut tally = Tally::default();
    for (word, count) in &counts {
        let outcome = word.parse().map_err(row::impossible)?;
        tally.add_many(outcome, count.as_u64().unwrap_or_default());
    }
    Ok(tally)
}
