//! The inventory as one SQLite file.
//!
//! Writing: `writer` stores a batch in one transaction, table by table, with
//! the decisions made by `history` and `ledger`, which know no SQL; `moves` are
//! found when a scan is complete. Reading: `inventory` streams the views of
//! `migrations/sqlite/`, and `past` what they would have said earlier; what has a
//! million rows goes through a `cursor`.

mod absence;
mod address;
mod authorities;
mod backup;
mod certificates;
mod chains;
mod changes;
mod chronology;
mod coverage;
mod cursor;
mod declined;
mod dialects;
mod dossiers;
mod endpoints;
mod events;
mod fault;
mod file;
mod heirs;
mod histories;
mod history;
mod holders;
mod imports;
mod inspection;
mod integrity;
mod interned;
mod interval;
mod inventory;
mod journal;
mod judgements;
mod kin;
mod kept;
mod known;
mod led;
mod ledger;
mod links;
mod lock;
mod look;
mod looks;
mod moment;
mod moves;
mod names;
mod notices;
mod occupancy;
mod pages;
mod past;
mod ports;
mod prune;
mod query;
mod questions;
mod reader;
mod reading;
mod relatives;
mod renewed;
mod report;
mod reserve;
mod row;
mod scans;
mod select;
mod sessions;
mod shared;
mod statement;
mod succession;
mod surveys;
mod tally;
mod told;
mod unreached;
mod verdicts;
mod visits;
mod writer;

pub use backup::copy_inventory;
pub use integrity::damages;
pub use judgements::Judging;
pub use reader::SqliteInventory;
pub use writer::{Opened, SqliteSink};

#[cfg(test)]
mod tests;
