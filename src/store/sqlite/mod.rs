//! The inventory as one SQLite file.
//!
//! Writing: `writer` stores a batch in one transaction, table by table, with
//! the decisions made by `history` and `ledger`, which know no SQL. Reading:
//! `reader` streams the views of `migrations/sqlite/0002_views.sql`.

mod address;
mod certificates;
mod chains;
mod coverage;
mod dossiers;
mod endpoints;
mod fault;
mod file;
mod history;
mod inspection;
mod interned;
mod judgements;
mod ledger;
mod lock;
mod moment;
mod names;
mod questions;
mod reader;
mod reading;
mod report;
mod row;
mod select;
mod statement;
mod surveys;
mod writer;

pub use judgements::Judging;
pub use reader::SqliteInventory;
pub use writer::{Opened, SqliteSink};

#[cfg(test)]
mod tests;
