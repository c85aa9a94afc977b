//! What reports are made of: rows, before anything is escaped.

mod certificate;
mod coverage;
mod endpoint;
mod installation;
mod scan;

pub use certificate::{CertificateRow, CertificateUse};
pub use coverage::Coverage;
pub use endpoint::{EndpointLook, EndpointRow, QuestionRow};
pub use installation::{Installation, InstallationState, SessionRow, Source};
pub use scan::ScanRow;
