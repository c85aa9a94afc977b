//! DER → facts. The only importer of the X.509 parser.

mod facts;

pub use facts::{Certificate, Facts, Name, ParseFault, PublicKey};
