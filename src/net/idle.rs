use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use socket2::Domain;
use tokio::net::TcpStream;

/// The sockets of a dialer between one connection and the next: reset, still
/// bound to its source address, still registered with the runtime.
///
/// There are never more of them, with those in use, than were in use at one
/// moment: a dial that finds none of its family closes one of the other.
#[derive(Debug, Default)]
pub(super) struct IdleSockets {
    by_family: Mutex<ByFamily>,
}

#[derive(Debug, Default)]
struct ByFamily {
    v4: Vec<TcpStream>,
    v6: Vec<TcpStream>,
}

impl IdleSockets {
    /// The one that was given back last: its memory is the warmest.
    pub(super) fn take(&self, family: Domain) -> Option<TcpStream> {
        let mut by_family = self.lock();
        let (own, other) = by_family.of(family);
        if own.is_empty() {
            let makes_room = other.pop();
            // Closed behind the lock.
            drop((by_family, makes_room));
            return None;
        }
        own.pop()
    }

    /// Takes a socket that is connected to nowhere.
    pub(super) fn give_back(&self, family: Domain, socket: TcpStream) {
        self.lock().of(family).0.push(socket);
    }

    fn lock(&self) -> MutexGuard<'_, ByFamily> {
        self.by_family
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl ByFamily {
    /// Those of a family, and the others.
    fn of(&mut self, family: Domain) -> (&mut Vec<TcpStream>, &mut Vec<TcpStream>) {
        let mut families = (&mut self.v4, &mut self.v6);
        if family == Domain::IPV6 {
            mem::swap(&mut families.0, &mut families.1);
        }
        families
    }
}

#[cfg(test)]
impl IdleSockets {
    /// How many there are of IPv4, and of IPv6.
    pub(super) fn count(&self) -> (usize, usize) {
        let by_family = self.lock();
        (by_family.v4.len(), by_family.v6.len())
    }
}
