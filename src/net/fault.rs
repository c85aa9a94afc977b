use std::io;

use rustix::io::Errno;

use super::DialError;
use crate::domain::LocalFault;

/// A failure before the SYN left: our own, but for a refusal on loopback,
/// which Linux reports at once.
pub(super) fn before_syn(error: &io::Error) -> DialError {
    match Errno::from_io_error(error) {
        Some(Errno::CONNREFUSED) => DialError::Refused,
        _ => DialError::Local(local(error)),
    }
}

/// A failure after the SYN left, from SO_ERROR; `None` if the connection was
/// made, and reset before we looked: its reads say so.
///
/// The words of ICMP are those of Linux: `icmp_err_convert` in
/// net/ipv4/icmp.c and `tab_unreach` in net/ipv6/icmp.c.
pub(super) fn after_syn(error: &io::Error) -> Option<DialError> {
    match Errno::from_io_error(error) {
        Some(Errno::CONNRESET | Errno::PIPE) => None,
        Some(Errno::CONNREFUSED) => Some(DialError::Refused),
        Some(Errno::TIMEDOUT) => Some(DialError::TimedOut),
        Some(errno) if said_by_icmp(errno) => Some(DialError::Unreachable),
        _ => Some(DialError::Local(local(error))),
    }
}

/// Net and host unreachable; host unknown or isolated; no such protocol;
/// source route failed; parameter problem. EACCES is ICMPv6's
/// "administratively prohibited": our own firewall says EPERM.
fn said_by_icmp(errno: Errno) -> bool {
    #[cfg(target_os = "linux")]
    if errno == Errno::NONET {
        return true;
    }
    matches!(
        errno,
        Errno::HOSTUNREACH
            | Errno::NETUNREACH
            | Errno::HOSTDOWN
            | Errno::NOPROTOOPT
            | Errno::OPNOTSUPP
            | Errno::PROTO
            | Errno::ACCESS
    )
}

/// What ran out comes back, so that the dial may be tried again; the rest
/// needs the operator.
pub(super) fn local(error: &io::Error) -> LocalFault {
    let what = error.to_string();
    match Errno::from_io_error(error) {
        Some(
            Errno::MFILE
            | Errno::NFILE
            | Errno::NOBUFS
            | Errno::NOMEM
            | Errno::AGAIN
            | Errno::ADDRNOTAVAIL
            | Errno::ADDRINUSE,
        ) => LocalFault::Exhausted(what),
        _ => LocalFault::Network(what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(errno: Errno) -> io::Error {
        errno.into()
    }

    #[test]
    fn a_failure_before_the_syn_is_ours() {
        for errno in [
            Errno::NETUNREACH,
            Errno::HOSTUNREACH,
            Errno::ACCESS,
            Errno::PERM,
            Errno::INVAL,
            Errno::NETDOWN,
            Errno::TIMEDOUT,
            Errno::CONNRESET,
        ] {
            let error = before_syn(&system(errno));
            assert!(
                matches!(error, DialError::Local(LocalFault::Network(_))),
                "{errno}: {error}"
            );
        }
        assert_eq!(before_syn(&system(Errno::CONNREFUSED)), DialError::Refused);
    }

    #[test]
    fn what_runs_out_may_be_tried_again() {
        for errno in [
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOBUFS,
            Errno::NOMEM,
            Errno::ADDRNOTAVAIL,
            Errno::AGAIN,
        ] {
            for error in [Some(before_syn(&system(errno))), after_syn(&system(errno))] {
                assert!(
                    matches!(error, Some(DialError::Local(LocalFault::Exhausted(_)))),
                    "{errno}: {error:?}"
                );
            }
        }
    }

    #[test]
    fn a_failure_after_the_syn_is_the_networks_answer() {
        let after = |errno| after_syn(&system(errno));
        assert_eq!(after(Errno::CONNREFUSED), Some(DialError::Refused));
        assert_eq!(after(Errno::TIMEDOUT), Some(DialError::TimedOut));
        for errno in [Errno::HOSTUNREACH, Errno::NETUNREACH, Errno::ACCESS] {
            assert_eq!(after(errno), Some(DialError::Unreachable), "{errno}");
        }
        for errno in [Errno::NETDOWN, Errno::PERM] {
            assert!(
                matches!(after(errno), Some(DialError::Local(LocalFault::Network(_)))),
                "{errno}"
            );
        }
    }

    #[test]
    fn a_reset_right_after_the_connection_is_no_failure_to_connect() {
        assert_eq!(after_syn(&system(Errno::CONNRESET)), None);
        assert_eq!(after_syn(&system(Errno::PIPE)), None);
    }
}
