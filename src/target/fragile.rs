//! Ports behind which machines stand that take any bytes for orders: printers
//! print them, and controllers of plants have been seen to stop.

use super::{Exclusion, Ports};
use crate::domain::Port;

/// First port, last port, what stands there and who says so.
///
/// Those that speak TLS are not among them, however delicate the machine: IPP
/// (631, RFC 8010 section 8.1), Fox over TLS (4911), secure IEC 104 (19998)
/// and secure DNP3 (19999). Nor is 2222, where EtherNet/IP speaks UDP and
/// most others SSH.
const FRAGILE: &[(u16, u16, &str)] = &[
    (
        102,
        102,
        "S7 controllers (ISO on TCP, RFC 1006; nmap s7-info)",
    ),
    (502, 502, "Modbus controllers (IANA mbap)"),
    (515, 515, "printers (LPD, RFC 1179)"),
    (
        789,
        789,
        "Red Lion controllers (Crimson v3; Redpoint cr3-fingerprint)",
    ),
    (
        1089,
        1091,
        "Foundation Fieldbus (IANA ff-annunc, ff-fms, ff-sm)",
    ),
    (
        1911,
        1911,
        "building controllers (Niagara Fox; nmap fox-info)",
    ),
    (
        1962,
        1962,
        "Phoenix Contact controllers (PCWorx; nmap pcworx-info)",
    ),
    (2404, 2404, "substations (IEC 60870-5-104, IANA iec-104)"),
    (
        2455,
        2455,
        "WAGO and CODESYS controllers (IANA wago-io-system)",
    ),
    (5094, 5094, "HART field devices (IANA hart-ip)"),
    (
        9100,
        9107,
        "printers that print what they are sent (JetDirect; nmap-service-probes Exclude)",
    ),
    (9600, 9600, "Omron controllers (FINS; nmap omron-info)"),
    (
        18245,
        18246,
        "GE controllers (SRTP; Denton et al., Digital Investigation 22, 2017)",
    ),
    (20000, 20000, "substations (DNP3, IANA dnp)"),
    (
        34962,
        34964,
        "PROFINET devices (IANA profinet-rt, profinet-rtm, profinet-cm)",
    ),
    (34980, 34980, "EtherCAT devices (IANA ethercat)"),
    (
        44818,
        44818,
        "Rockwell controllers (EtherNet/IP, IANA EtherNet-IP-2)",
    ),
    (47808, 47808, "building controllers (BACnet, IANA bacnet)"),
];

/// Whether a port is asked only where the operator gives it by its number.
pub(super) fn is_fragile(port: Port) -> bool {
    let number = port.number();
    FRAGILE
        .iter()
        .any(|(first, last, _)| (*first..=*last).contains(&number))
}

/// The first and the last port of each line of the table.
pub(super) fn fragile_ranges() -> impl Iterator<Item = (u16, u16)> {
    FRAGILE.iter().map(|(first, last, _)| (*first, *last))
}

/// The exclusions that hold for ports which only a range brought.
pub(super) fn fragile() -> impl Iterator<Item = Exclusion> {
    FRAGILE.iter().filter_map(|(first, last, reason)| {
        let (first, last) = (Port::new(*first)?, Port::new(*last)?);
        let ports = if first == last {
            Ports::one(first, None)
        } else {
            Ports::between(first, last)
        };
        Some(Exclusion::built_in_ports(ports, reason))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_named_once_and_says_why() {
        let exclusions: Vec<_> = fragile().collect();
        assert_eq!(exclusions.len(), FRAGILE.len());
        for (first, last, reason) in FRAGILE {
            assert!(first <= last && reason.contains('('), "{first}");
        }
        assert!(FRAGILE.is_sorted_by(|one, next| one.1 < next.0));
    }

    #[test]
    fn no_named_set_holds_a_fragile_port() {
        let all: Ports = "all".parse().unwrap();
        let fragile: Vec<_> = all.iter().filter(|(port, _)| is_fragile(*port)).collect();
        assert_eq!(fragile, []);
    }

    #[test]
    fn ports_that_speak_tls_are_asked() {
        for number in [631, 4911, 19998, 19999, 443] {
            assert!(!is_fragile(Port::new(number).unwrap()), "{number}");
        }
    }
}
