//! certsweep finds every TLS certificate on a network and keeps the inventory.
//!
//! A scan is a pipeline of nouns, and the modules stand in its order; each
//! knows only those above it (ARCHITECTURE.md).

#![cfg_attr(
    test,
    expect(
        clippy::string_slice,
        clippy::unreachable,
        reason = "a test knows its texts and its cases, and may fail loudly"
    )
)]

pub mod domain;
pub mod target;
pub mod tls;
pub mod starttls;
pub mod x509;
pub mod judge;
pub mod report;
pub mod pace;
pub mod net;
pub mod resolve;
pub mod store;
pub mod appraisal;
pub mod probe;
pub mod schedule;
pub mod scan;
pub mod config;
pub mod demo;
pub mod cli;
