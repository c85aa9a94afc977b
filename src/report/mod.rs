//! Rows of the inventory → CSV, JSON lines, terminal lists.

mod row;

pub use row::{
    CertificateRow, Coverage, EndpointRow, Installation, InstallationState, ScanRow, Source,
};
