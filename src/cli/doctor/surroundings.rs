//! The clock and the name server → checks.

use std::path::Path;

use super::check::Check;
use crate::domain::{Timestamp, clock};
use crate::resolve::{self, DnsResolver};

/// No machine that runs this program is as old: 2026-01-01.
const EARLIEST: Timestamp = Timestamp::from_seconds(1_767_225_600);
/// The lifetime of the longest roots from now on: 2066-01-01.
const LATEST: Timestamp = Timestamp::from_seconds(3_029_529_600);

/// What keeps the clock right, and the file by which it shows.
const TIME_SERVICES: [(&str, &str); 4] = [
    ("systemd-timesyncd", "/run/systemd/timesync/synchronized"),
    ("chrony", "/run/chrony/chronyd.pid"),
    ("ntpd", "/run/ntpd.pid"),
    ("ntpsec", "/run/ntpsec/ntpd.pid"),
];

/// Whether the time can be right: by it certificates are judged.
pub(super) fn time() -> Check {
    let is_there = |file: &str| Path::new(file).exists();
    let service = TIME_SERVICES.iter().find(|(_, file)| is_there(file));
    time_at(clock::now(), service.map(|(name, _)| *name))
}

fn time_at(now: Timestamp, service: Option<&str>) -> Check {
    let name = "clock";
    let service = service.map_or("no time service seen".to_owned(), |name| {
        format!("set by {name}")
    });
    let found = format!("{now}, {service}");
    if now < EARLIEST || now > LATEST {
        let advice = Some("set the clock: certificates are judged by it");
        return Check::fail(name, found, advice);
    }
    Check::ok(name, found)
}

/// Whether a name server answers. Without one, addresses can still be scanned.
pub(super) async fn name_server(settings: resolve::Settings) -> Check {
    let name = "name server";
    let which = settings
        .name_server
        .map_or("the system's".to_owned(), |server| server.to_string());
    let answered = match DnsResolver::new(settings) {
        Ok(resolver) => resolver.reach().await,
        Err(error) => Err(error),
    };
    match answered {
        Ok(()) => Check::ok(name, format!("{which} answers")),
        Err(error) => Check::warn(
            name,
            format!("{which}: {error}"),
            "see /etc/resolv.conf, or name another with `resolver`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_fails() {
        assert_eq!(time_at(Timestamp::from_seconds(0), None).state, State::Fail);
        let far = Timestamp::from_seconds(4_000_000_000);
        assert_eq!(time_at(far, Some("chrony")).state, State::Fail);
        let today = "2026-11-21T08:00:00Z".parse().unwrap();
        let check = time_at(today, Some("chrony"));
        assert_eq!(
            check,
            Check::ok("clock", "2026-11-21T08:00:00Z, set by chrony")
        );
    }
}
