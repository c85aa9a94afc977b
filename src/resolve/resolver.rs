use std::future::Future;
use std::net::IpAddr;

use crate::domain::{Pointer, ServerName, Unresolved};

/// Asks the DNS: the system's resolver, a chosen one, or a simulated one.
pub trait Resolver: Send + Sync + 'static {
    /// Every address of a name, A and AAAA, without duplicates, at most
    /// [`MAX_ADDRESSES`]; never empty.
    ///
    /// Cancel safe.
    fn addresses(
        &self,
        name: &ServerName,
    ) -> impl Future<Output = Result<Vec<IpAddr>, LookupError>> + Send;

    /// The PTR name of an address: any failure is [`Pointer::Untold`].
    ///
    /// Cancel safe.
    fn pointer(&self, address: IpAddr) -> impl Future<Output = Pointer> + Send;
}

/// Most addresses of one name that are looked at: a name with more is a
/// content network's, or hostile.
pub const MAX_ADDRESSES: usize = 64;

/// Why a name gave no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The DNS answered that there is none.
    #[error("unresolved")]
    Unresolved(Unresolved),
    /// The resolver did not answer, or could not be asked: our side's fault.
    #[error("{0}")]
    Resolver(String),
}
