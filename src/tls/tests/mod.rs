//! Conversations with servers made of bytes, and with real ones in process.

mod encrypted;
mod in_clear;
pub(crate) mod servers;
pub(crate) mod transcript;
