//! Rows of the inventory → CSV, JSON lines, terminal lists.
//!
//! A `table` says once what a row's columns are and hold; each format escapes
//! them for its own medium.

mod cbom;
mod cell;
pub mod changes;
pub mod check;
mod column;
mod csv;
mod distinct;
mod event;
mod head;
pub mod html;
mod inert;
mod installations;
mod jsonl;
pub mod list;
mod live;
mod mail;
pub mod page;
mod row;
mod stretches;
mod table;
mod value;
mod writer;

pub use cbom::Cbom;
pub use column::Column;
pub use distinct::Distinct;
pub use event::{EVENTS, EventKind, EventRow, UnknownEventKind};
pub use head::{Head, StatedStore};
pub use installations::INSTALLATIONS;
pub use jsonl::{document, pem};
pub use live::{SIGHTINGS, SPEAKERS};
pub use mail::{InvalidMailbox, Letter, Mailbox};
pub use row::{
    CertificateRow, CertificateUse, Coverage, EndpointLook, EndpointRow, Installation,
    InstallationState, QuestionRow, ScanRow, SessionRow, Source,
};
pub use table::{CERTIFICATES, COVERAGE, ENDPOINTS, SCANS, Table};
pub use writer::{Format, Report};

#[cfg(test)]
pub(crate) mod tests;
