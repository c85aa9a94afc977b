//! Sockets: a [`Pass`](crate::pace::Pass) becomes a connection, or the reason
//! why there is none; every connection closes by reset.

mod broadcast;
mod connection;
mod descriptors;
mod dialer;
mod event_loop;
mod fault;
mod idle;
mod tcp;

pub use broadcast::broadcast_addresses;
pub use connection::Connection;
pub use descriptors::descriptors;
pub use dialer::{DialError, Dialer};
pub(crate) use event_loop::EventLoops;
pub use tcp::{Settings, TcpDialer};
