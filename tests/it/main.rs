//! certsweep, the compiled program, against servers and networks that it did
//! not write, and against its own contract.
//!
//! Everything runs on loopback or in network namespaces made here. Servers are
//! child processes that end with their test; a test waits for what they say,
//! never for time to pass.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that cannot go on says why and stops"
)]

mod browser;
mod program;
mod rig;
mod simulation;
mod servers;

mod all_packets;
mod appearance;
mod bad_company;
mod bad_days;
mod broken_disk;
mod care;
mod cbom;
mod check;
mod cli;
mod engine;
mod faults;
mod figures;
mod filtering;
mod filters;
mod findings;
mod formats;
mod forms;
mod harmless;
mod history;
mod imports;
mod hostile_names;
mod hostile_texts;
mod incident;
mod interruption;
mod judgements;
mod key_types;
mod kills;
mod layers;
mod loss;
mod matrix;
mod namespace;
mod neighbours;
mod outages;
mod owners;
mod page;
mod probe;
mod probed_servers;
mod prune;
mod questions;
mod real_servers;
mod resumption;
mod security;
mod upkeep;
mod verdicts;
mod rules;
mod schedule;
mod shortage;
mod spoiled;
mod visiting;
