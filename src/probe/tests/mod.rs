//! Probes of a simulated network, under paused time.

mod dialogue;
mod network;
mod question;
mod survey;
