use std::fmt;
use std::net::IpAddr;

use crate::domain::ServerName;

use super::Carriage;

/// One connection's words before TLS, in one protocol.
///
/// Every dialogue bounds what it keeps of the server's words.
pub trait Dialogue: fmt::Debug + Send {
    /// What the client says unasked; empty where the server greets first.
    fn open(&mut self) -> Vec<u8>;

    /// Takes what was read, in portions of any size: how it was cut changes
    /// neither what is said nor how it ends. Not called again after
    /// [`Turn::Ready`] or [`Turn::Over`].
    fn feed(&mut self, bytes: &[u8]) -> Turn;

    /// What the server has said so far, bounded by
    /// [`Verdict::MAX_SAID`]: all that is known when the connection ends in
    /// the middle.
    fn said(&self) -> &[u8];
}

/// What to do after some bytes were fed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Read on.
    NeedMore,
    /// Write these, then read on.
    Send(Vec<u8>),
    /// The ClientHello may be sent.
    Ready {
        /// Words to write just before it, to which there is no reply; mostly
        /// none. They are not carried.
        words: Vec<u8>,
        /// How TLS travels from here on.
        carriage: Carriage,
        /// What came behind the server's last word, still carried: it belongs
        /// to TLS.
        early: Vec<u8>,
    },
    /// No TLS will come of it.
    Over(Verdict),
}

/// How a dialogue ended without TLS.
///
/// What tells them apart, in every protocol: until the first unit of the
/// protocol (line, message, element) has come whole and is one that opens it,
/// the server is `Foreign`; a refusal in the place of the greeting opens it
/// too. From then on an answer that the protocol knows, and that is not the
/// go-ahead, is `Declined`, and one that it doesn't know is `Malformed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It speaks the protocol and will not begin TLS: what it said.
    Declined(Vec<u8>),
    /// It speaks the protocol, to which no TLS belongs: what it said.
    Plain(Vec<u8>),
    /// It speaks something else: its first bytes.
    Foreign(Vec<u8>),
    /// It begins as the protocol does, and breaks its rules.
    Malformed,
    /// More than the dialogue's limits allow.
    TooLarge,
}

/// What a dialogue may have to name.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The name the server is known by, if it has one.
    pub server_name: Option<&'a ServerName>,
    /// The address that is dialled.
    pub address: IpAddr,
}

impl Circumstances<'_> {
    /// The server as the host of a URL (RFC 3986 section 3.2.2), as XMPP
    /// (RFC 7622 section 3.2) and HTTP write it too: its name, else the
    /// address, IPv6 in brackets.
    pub(super) fn host(&self) -> String {
        match (self.server_name, self.address) {
            (Some(name), _) => name.to_string(),
            (None, IpAddr::V4(address)) => address.to_string(),
            (None, IpAddr::V6(address)) => format!("[{address}]"),
        }
    }
}

impl Verdict {
    /// Most bytes kept of what a server said.
    pub const MAX_SAID: usize = 512;
}
