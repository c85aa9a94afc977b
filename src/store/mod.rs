//! Observations → the inventory, and the inventory → rows of the reports.
//!
//! Two seams: a [`Sink`] takes the batches of a scan, an [`Inventory`] tells
//! what is known across scans. Behind both is one SQLite file; what SQLite and
//! its driver call things stays in `sqlite`.

mod batch;
mod checkpoint;
mod dossier;
mod error;
mod file_mode;
mod filter;
mod import;
mod inventory;
mod known;
mod notice;
mod pruned;
mod sink;
mod sqlite;

pub use batch::{AddressRun, Batch, Lead, NameLook, NewScan, ScanEnd};
pub use checkpoint::{Checkpoint, JournalPage, Milestone, PastScan, Step};
pub use dossier::{
    ChainId, Dossier, InstallationId, KeyHost, MAX_KEY_HOSTS, MAX_KIN, PAGE, Renewal,
};
pub use error::{DatabaseFault, StoreError};
pub use file_mode::{FileMode, InvalidFileMode};
pub use filter::{
    CertificateHash, Expiry, Filter, FingerprintPrefix, InvalidHash, InvalidSerial, SerialNumber,
};
pub use import::{Import, Imported};
pub use inventory::{AddressLook, Detail, Inventory, NameRow, ScanSpan};
pub use known::{Askers, Dark, KnownQuestion, KnownTarget, Period, Standing};
pub use notice::Crossing;
pub use pruned::Pruned;
pub use sink::Sink;
pub use sqlite::{Judging, Opened, SqliteInventory, SqliteSink, copy_inventory, damages};
