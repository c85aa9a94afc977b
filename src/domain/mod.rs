//! The words of certsweep, one noun a file. Nothing here does I/O.

mod alert;
mod attempt;
mod certificate;
mod cipher_suite;
pub mod clock;
mod dialect;
mod early_end;
mod endpoint;
mod host;
mod key_exchange;
mod key_type;
mod named_group;
mod observation;
mod outcome;
mod phase;
mod port;
mod presented;
mod protocol_set;
mod purpose;
mod question;
mod remembered;
mod scan;
mod server_name;
mod severity;
mod survey;
mod tally;
mod target;
mod text;
mod timestamp;
mod tls_version;
mod trust;
mod zone;

pub use alert::Alert;
pub use attempt::{Attempt, Resort};
pub use certificate::{Chain, Der, Fingerprint, InvalidFingerprint};
pub use cipher_suite::CipherSuite;
pub use dialect::{Dialect, UnknownDialect};
pub use early_end::EarlyEnd;
pub use endpoint::{Endpoint, Transport};
pub use host::Host;
pub use key_exchange::KeyExchange;
pub use key_type::KeyType;
pub use named_group::{NamedGroup, UnknownGroup};
pub use observation::Observation;
pub use outcome::{
    Broken, LocalFault, NoCertificate, NotTls, Outcome, OutcomeKind, Refusal, UnknownOutcome,
    Unresolved,
};
pub use phase::Phase;
pub use port::{InvalidPort, Port};
pub use presented::{ClientAuth, Presented, Session, UnknownClientAuth};
pub use protocol_set::{InvalidProtocolSet, ProtocolSet};
pub use purpose::Purpose;
pub use question::Question;
pub use remembered::{Remembered, weight_of};
pub use scan::{ScanId, ScanState, UnknownScanState};
pub use server_name::{InvalidServerName, ServerName};
pub use severity::{Severity, UnknownSeverity};
pub use survey::{Acceptance, HybridGroup, Survey};
pub use tally::Tally;
pub use target::Target;
pub use text::{counted, in_days, is_hazardous, printable};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use tls_version::{TlsVersion, UnknownTlsVersion};
pub use trust::{Trust, UnknownTrust};
pub use zone::{InvalidZone, Zone};
