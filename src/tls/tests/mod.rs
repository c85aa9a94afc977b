//! Conversations with servers made of bytes, and with real ones in process.

mod encrypted;
mod in_clear;
mod old_servers;
mod old_versions;
mod scripted;
mod sealed;
pub(crate) mod servers;
pub(crate) mod transcript;
