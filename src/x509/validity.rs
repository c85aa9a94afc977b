//! The Validity of a certificate → when it begins and ends.

use x509_parser::asn1_rs::{FromDer, Tag};
use x509_parser::time::ASN1Time;

use super::faults::Faults;
use super::walk::{self, Element};
use crate::domain::Timestamp;

/// The first second of the first year that is written as a GeneralizedTime.
const YEAR_2050: i64 = 2_524_608_000;

/// Reads notBefore and notAfter (RFC 5280 section 4.1.2.5), `None` where one
/// can't be read. A date in another form than the RFC's is a fault, and is
/// read as it is meant.
pub(super) fn read(
    period: Option<&Element<'_>>,
    faults: &mut Faults,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let times = match period {
        Some(period) => period.within(Tag::Sequence),
        None => walk::elements(&[]),
    };
    times.note_excess(2, "validity", faults);
    let mut times = times;
    let mut next = |field| {
        let time = times.next().and_then(|time| Time::read(&time));
        let Some(time) = time else {
            faults.note(field, "can't be read");
            return None;
        };
        time.note_form(field, faults);
        Some(time.moment)
    };
    (next("notBefore"), next("notAfter"))
}

/// A date as it is written.
struct Time<'a> {
    moment: Timestamp,
    is_generalized: bool,
    has_seconds: bool,
    has_fraction: bool,
    /// Z, or how far from it.
    zone: &'a [u8],
}

impl<'a> Time<'a> {
    /// What ISO 8601 allows in a UTCTime or a GeneralizedTime (X.680 sections
    /// 46 and 47). Without a zone, it is taken for UTC.
    fn read(element: &Element<'a>) -> Option<Self> {
        let is_generalized = element.is(Tag::GeneralizedTime);
        let (digits, rest) = split_digits(element.any.data);
        let (has_fraction, zone) = match rest {
            [b'.' | b',', rest @ ..] => (true, split_digits(rest).1),
            zone => (false, zone),
        };
        let has_seconds = digits.len() >= if is_generalized { 14 } else { 12 };
        if has_fraction && !has_seconds {
            // Of a minute, or of an hour: nobody writes such.
            return None;
        }
        let seconds: &[u8] = if has_seconds { b"" } else { b"00" };
        let local = seconds_in(element, &[digits, seconds, b"Z"].concat())?;
        Some(Self {
            moment: Timestamp::from_seconds(local - ahead_of_utc(zone)?),
            is_generalized,
            has_seconds,
            has_fraction,
            zone,
        })
    }

    /// RFC 5280 sections 4.1.2.5.1 and 4.1.2.5.2: seconds, none of their
    /// fractions, and Z; a year of four digits only where two do not do.
    fn note_form(&self, field: &str, faults: &mut Faults) {
        if self.is_generalized && self.moment.seconds() < YEAR_2050 {
            faults.note(field, "a GeneralizedTime before 2050");
        }
        if !self.has_seconds {
            faults.note(field, "without seconds");
        }
        if self.has_fraction {
            faults.note(field, "with a fraction of a second");
        }
        if self.zone != b"Z" {
            faults.note(field, "not in UTC, which a Z marks");
        }
    }
}

/// The digits that `text` begins with, and what comes after.
fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|octet| !octet.is_ascii_digit());
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or_default()
}

/// By how many seconds the clocks of a zone are ahead of UTC. The parser takes
/// one that is behind by minutes alone for one that is ahead.
fn ahead_of_utc(zone: &[u8]) -> Option<i64> {
    let (sign, digits) = match zone {
        b"" | b"Z" => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (digits, b"") = split_digits(digits) else {
        return None;
    };
    let number: i64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let (hours, minutes) = (number / 100, number % 100);
    let exists = digits.len() == 4 && hours < 24 && minutes < 60;
    exists.then_some(sign * (hours * 60 + minutes) * 60)
}

/// The seconds since 1970 of the moment that `text` names, in the type of
/// `element`.
fn seconds_in(element: &Element<'_>, text: &[u8]) -> Option<i64> {
    let tag = element.raw.first()?;
    let length = u8::try_from(text.len())
        .ok()
        .filter(|length| *length < 0x80)?;
    let der = [&[*tag, length], text].concat();
    let (_, time) = ASN1Time::from_der(&der).ok()?;
    Some(time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTC: u8 = 0x17;
    const GENERALIZED: u8 = 0x18;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        [&[tag, length], content].concat()
    }

    /// Reads a Validity of these times.
    fn validity(times: &[Vec<u8>]) -> ((Option<Timestamp>, Option<Timestamp>), Vec<String>) {
        let der = element(0x30, &times.concat());
        let mut faults = Faults::default();
        let read = read(Element::first(&der).as_ref(), &mut faults);
        (read, faults.into_lines())
    }

    #[test]
    fn dates_in_the_forms_of_the_rfc_are_no_fault() {
        let (read, faults) = validity(&[
            element(UTC, b"491231235959Z"),
            element(GENERALIZED, b"20500101000000Z"),
        ]);
        let (begin, end) = (read.0.unwrap(), read.1.unwrap());
        assert_eq!(begin.to_string(), "2049-12-31T23:59:59Z");
        assert_eq!(end.seconds(), YEAR_2050);
        assert_eq!(faults, [""; 0]);
    }

    #[test]
    fn a_date_in_another_form_is_a_fault_and_read_as_it_is_meant() {
        let cases = [
            (
                UTC,
                "2601010000Z",
                "2026-01-01T00:00:00Z",
                &["without seconds"][..],
            ),
            (
                UTC,
                "260101000000+0100",
                "2025-12-31T23:00:00Z",
                &["not in UTC, which a Z marks"],
            ),
            (
                UTC,
                "2601010000-0130",
                "2026-01-01T01:30:00Z",
                &["without seconds", "not in UTC, which a Z marks"],
            ),
            (
                UTC,
                "260101000000-0030",
                "2026-01-01T00:30:00Z",
                &["not in UTC, which a Z marks"],
            ),
            (
                GENERALIZED,
                "20550601000000,123456789Z",
                "2055-06-01T00:00:00Z",
                &["with a fraction of a second"],
            ),
            (
                GENERALIZED,
                "20260101000000Z",
                "2026-01-01T00:00:00Z",
                &["a GeneralizedTime before 2050"],
            ),
            (
                GENERALIZED,
                "20260101000000",
                "2026-01-01T00:00:00Z",
                &[
                    "a GeneralizedTime before 2050",
                    "not in UTC, which a Z marks",
                ],
            ),
        ];
        for (tag, written, meant, expected) in cases {
            let good = element(GENERALIZED, b"99991231235959Z");
            let (read, faults) = validity(&[element(tag, written.as_bytes()), good]);
            assert_eq!(read.0.unwrap().to_string(), meant, "{written}");
            let expected: Vec<_> = expected
                .iter()
                .map(|line| format!("notBefore: {line}"))
                .collect();
            assert_eq!(faults, expected, "{written}");
        }
    }

    #[test]
    fn a_date_that_may_mean_another_is_not_read() {
        let texts = [
            (UTC, "260101000000+2400"),
            (UTC, "260101000000-0060"),
            (UTC, "260101000000+01"),
            (UTC, "260101000000+01000"),
            (UTC, "260101000000+01:0"),
            (GENERALIZED, "205506010000.5Z"),
            (GENERALIZED, "2055060100.5Z"),
        ];
        for (tag, text) in texts {
            let good = element(GENERALIZED, b"99991231235959Z");
            let (read, faults) = validity(&[element(tag, text.as_bytes()), good]);
            assert_eq!(read.0, None, "{text}");
            assert_eq!(faults, ["notBefore: can't be read"], "{text}");
        }
    }

    #[test]
    fn two_dates_are_read_and_a_third_is_a_fault() {
        let good = element(UTC, b"260101000000Z");
        let (read, faults) = validity(&[good.clone(), good.clone(), vec![0x05, 0x00]]);
        assert!(read.0.is_some() && read.1.is_some());
        assert_eq!(faults, ["validity: 2 bytes too many"]);
        let (read, faults) = validity(&[good, element(UTC, b"261301000000Z")]);
        assert!(read.0.is_some() && read.1.is_none());
        assert_eq!(faults, ["notAfter: can't be read"]);
    }
}
