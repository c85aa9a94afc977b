//! Probes of a simulated network, under paused time.

mod dialogue;
mod handshake;
mod network;
mod question;
mod survey;
