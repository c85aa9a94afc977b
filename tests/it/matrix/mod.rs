//! Every kind of server there is, and what a scan gets of it.
//!
//! Each family starts its servers, scans them all at once, compares what was
//! found with what they were given, and then with its table in
//! `docs/servers.md`. With `CERTSWEEP_BLESS=1` it writes the table anew.

mod chains;
mod client_certificates;
mod document;
mod family;
mod groups;
mod hostile;
mod keys;
mod names;
mod own_systems;
mod protocols;
mod starttls;
mod suites;
mod thorough;
mod unusual;
mod without_certificate;
