use std::net::IpAddr;

use crate::domain::{Dialect, Host, KeyType, Port, ServerName, Timestamp};

/// An endpoint of the inventory, or a name that leads to one: something to
/// look at again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KnownTarget {
    /// Address or name.
    pub host: Host,
    /// The port.
    pub port: Port,
    /// The dialect in which it spoke.
    pub dialect: Dialect,
}

/// A question that has a certificate which one open question in the dialect of
/// the port's number may not bring: it is for a name or in another dialect, names
/// ask it as well, or the same endpoint and name have one of another key type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownQuestion {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: Port,
    /// The dialect in which it spoke.
    pub dialect: Dialect,
    /// The name that was asked for.
    pub server_name: Option<ServerName>,
    /// The key type of its certificate.
    pub key_type: KeyType,
    /// Who has asked it.
    pub askers: Askers,
    /// What is known of it.
    pub standing: Standing,
    /// When it was last asked.
    pub asked_at: Timestamp,
}

/// Which targets have asked a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Askers {
    /// Those whose own question it is.
    Own,
    /// Names as well, in place of their own or beside it: it names nobody.
    Names,
}

/// Whether a known question has more of a reason to be asked than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It has none.
    Current,
    /// Its certificate ends within 30 days, or has ended: it may be renewed.
    Due,
    /// Its certificate is missing.
    Missing,
    /// Its name has been a target, and there was no such name when it was last
    /// looked up: nobody asks for it.
    NoSuchName,
}

/// When something was looked at: from the first moment to before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

/// What had no answer when it was looked at, and nothing is known to have had
/// one: filtered, refused, unreachable, unresolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dark {
    /// Addresses from the first to the last at a port, in ascending order of
    /// port and first address, none twice.
    pub addresses: Vec<(Port, IpAddr, IpAddr)>,
    /// Names at a port, in ascending order.
    pub names: Vec<(ServerName, Port)>,
}
