use std::time::Duration;

use crate::domain::{ScanId, in_days, printable};

/// Which rows a report is of and what judges them, in the words of the
/// command line, and the commands that list parts of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    filters: Vec<(&'static str, String)>,
    /// What every command takes: the inventory, and the configuration.
    common: Vec<(&'static str, String)>,
    /// How far ahead its filters look for what expires, if they do.
    soon: Option<Duration>,
}

/// The filters that the coverage ledger knows: it speaks of addresses.
const OF_LEDGER: [&str; 5] = ["--network", "--port", "--zone", "--name", "--scan"];

/// The filters that ask for what is judged.
const OF_JUDGEMENT: [&str; 5] = ["--finding", "--accepted", "--severity", "--owner", "--tag"];

/// The filters that ask for the end of validity: either holds.
const OF_EXPIRY: [&str; 2] = ["--expiring", "--expired"];

/// The day that a report is of.
const DAY: &str = "--at";

/// Those that count as one have one row.
const DISTINCT: &str = "--distinct";

impl Scope {
    /// The scope of these flags: flag and value, empty for a flag that takes
    /// none.
    #[must_use]
    pub fn of(filters: Vec<(&'static str, String)>) -> Self {
        Self {
            filters,
            common: Vec::new(),
            soon: None,
        }
    }

    /// The same, whose filters look so far ahead for what expires.
    #[must_use]
    pub fn soon(self, soon: Option<Duration>) -> Self {
        Self { soon, ..self }
    }

    /// The same, of the inventory and by the configuration that these flags
    /// name.
    #[must_use]
    pub fn with(self, common: Vec<(&'static str, String)>) -> Self {
        Self { common, ..self }
    }

    /// The same, where installations that count as one have one row.
    pub(super) fn distinct(mut self) -> Self {
        self.filters.push((DISTINCT, String::new()));
        self
    }

    /// The command that lists all of it.
    pub(super) fn command(&self, verb: &str) -> String {
        self.line(verb, self.filters.iter())
    }

    /// Whether it is of an earlier day.
    pub(super) fn is_past(&self) -> bool {
        self.filters.iter().any(|(flag, _)| *flag == DAY)
    }

    /// The command that lists its certificates.
    pub(super) fn certs_command(&self) -> String {
        let known = self.filters.iter();
        self.line("certs", known.filter(|(flag, _)| *flag != DISTINCT))
    }

    /// The command that lists what of it is over; `None` where nothing can be.
    pub(super) fn expired_command(&self) -> Option<String> {
        self.of_expiry("--expired", "")
    }

    /// The command that lists what of it ends within a time; `None` where
    /// nothing can.
    pub(super) fn expiring_command(&self, within: Duration) -> Option<String> {
        let within = self.soon.map_or(within, |soon| soon.min(within));
        self.of_expiry("--expiring", &in_days(within))
    }

    /// Either of the filters on expiry holds: one of them stands in place of
    /// both, where it was given.
    fn of_expiry(&self, flag: &'static str, value: &str) -> Option<String> {
        let last = (flag, value.to_owned());
        let is_of_expiry = |flag| OF_EXPIRY.contains(&flag);
        self.in_place_of(is_of_expiry, |(given, _)| *given == flag, &last)
    }

    /// The command that lists what changed of it between two scans; `None`
    /// for what is judged of an earlier day: changes are judged as of now.
    pub(super) fn diff_command(&self, before: ScanId, last: ScanId) -> Option<String> {
        let has = |flags: &[&str]| self.filters.iter().any(|(flag, _)| flags.contains(flag));
        if self.is_past() && has(&OF_JUDGEMENT) {
            return None;
        }
        let known = self.filters.iter();
        let known = known.filter(|(flag, _)| ![DAY, DISTINCT].contains(flag));
        Some(self.line(&format!("diff {before} {last}"), known))
    }

    /// The command that shows one certificate, whose SHA-256 goes into it.
    pub(super) fn show_command(&self) -> String {
        self.line("show SHA-256", std::iter::empty())
    }

    /// The command that lists what the ledger knows of it.
    pub(super) fn ledger_command(&self, verb: &str) -> String {
        let known = self.filters.iter();
        self.line(verb, known.filter(|(flag, _)| OF_LEDGER.contains(flag)))
    }

    /// The command that lists exactly those of its rows that `flag` and
    /// `value` let through too; `None` where the command line can't say it,
    /// since the same filter repeated means either.
    pub(super) fn narrowed(&self, flag: &'static str, value: &str) -> Option<String> {
        if self.filters.iter().any(|(given, _)| *given == flag) {
            return None;
        }
        let last = (flag, value.to_owned());
        Some(self.line("report", self.filters.iter().chain([&last])))
    }

    /// The command that lists those of its rows in one of the states or
    /// severities, of which a row has just one: it stands in place of those
    /// given. `None` where it is not among them, and there can be no such row.
    pub(super) fn chosen(&self, flag: &'static str, value: &str) -> Option<String> {
        let last = (flag, value.to_owned());
        let holds = |(_, it): &(&str, String)| it == "all" || it == value;
        self.in_place_of(|given| given == flag, holds, &last)
    }

    /// The command with `last` in place of the filters of its kind; `None` if
    /// there are some of which none `holds`.
    fn in_place_of(
        &self,
        is_of_kind: impl Fn(&'static str) -> bool,
        holds: impl Fn(&(&'static str, String)) -> bool,
        last: &(&'static str, String),
    ) -> Option<String> {
        let filters = self.filters.iter();
        let (given, others): (Vec<_>, Vec<_>) = filters.partition(|(flag, _)| is_of_kind(flag));
        let is_open = given.is_empty() || given.into_iter().any(holds);
        is_open.then(|| self.line("report", others.into_iter().chain([last])))
    }

    /// A command that can be run as it stands.
    fn line<'a>(
        &'a self,
        verb: &str,
        filters: impl Iterator<Item = &'a (&'static str, String)>,
    ) -> String {
        let mut line = format!("certsweep {verb}");
        for (flag, value) in filters.chain(&self.common) {
            line.push(' ');
            line.push_str(flag);
            if !value.is_empty() {
                line.push(' ');
                line.push_str(&quoted(value));
            }
        }
        line
    }
}

/// A word as a POSIX shell takes it.
fn quoted(word: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:,@%+=".contains(character);
    if word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", printable(word).replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_LONG: Duration = Duration::from_hours(24);

    fn scope(filters: &[(&'static str, &str)]) -> Scope {
        let owned = filters
            .iter()
            .map(|(flag, value)| (*flag, (*value).to_owned()));
        Scope::of(owned.collect())
    }

    #[test]
    fn a_command_keeps_the_filters_and_quotes_them() {
        let scope = scope(&[("--name", "*.it's"), ("--network", "10.0.0.0/8")]);
        assert_eq!(
            scope.narrowed("--finding", "expired").unwrap(),
            r"certsweep report --name '*.it'\''s' --network 10.0.0.0/8 --finding expired"
        );
        assert_eq!(Scope::default().command("certs"), "certsweep certs");
    }

    #[test]
    fn every_command_names_the_inventory_and_the_configuration() {
        let scope = scope(&[("--port", "443")]).with(vec![
            ("--db", "/srv/our inventory.db".to_owned()),
            ("--config", "/etc/night.toml".to_owned()),
        ]);
        let common = "--db '/srv/our inventory.db' --config /etc/night.toml";
        let commands = [
            scope.command("report"),
            scope.clone().distinct().certs_command(),
            scope.diff_command(ScanId::new(6), ScanId::new(7)).unwrap(),
            scope.ledger_command("report --of coverage"),
            scope.expired_command().unwrap(),
            scope.expiring_command(DAY_LONG).unwrap(),
            scope.narrowed("--finding", "expired").unwrap(),
            scope.chosen("--state", "missing").unwrap(),
            scope.show_command(),
        ];
        for command in commands {
            assert!(command.ends_with(common), "{command}");
        }
    }

    #[test]
    fn a_filter_that_would_widen_the_report_makes_no_command() {
        let finding = scope(&[("--finding", "no-san")]);
        assert_eq!(finding.narrowed("--finding", "expired"), None);
    }

    #[test]
    fn a_state_takes_the_place_of_a_wider_one() {
        let missing = |scope: Scope| scope.chosen("--state", "missing");
        let command = Some("certsweep report --state missing".to_owned());
        assert_eq!(missing(Scope::default()), command);
        assert_eq!(missing(scope(&[("--state", "all")])), command);
        assert_eq!(missing(scope(&[("--state", "gone")])), None);
    }

    #[test]
    fn one_end_of_validity_takes_the_place_of_either() {
        let commands = |flags: &[(&'static str, &str)], soon: Option<Duration>| {
            let scope = scope(flags).soon(soon);
            [
                scope.expired_command(),
                scope.expiring_command(30 * DAY_LONG),
            ]
        };
        let report = |flags: &str| Some(format!("certsweep report --port 443{flags}"));
        let (port, expired) = (("--port", "443"), ("--expired", ""));
        let both = [report(" --expired"), report(" --expiring 30d")];
        assert_eq!(commands(&[port], None), both);
        assert_eq!(
            commands(&[expired, port], None),
            [report(" --expired"), None]
        );
        let expiring = [port, ("--expiring", "90d")];
        let soon = Some(90 * DAY_LONG);
        assert_eq!(commands(&expiring, soon), [None, report(" --expiring 30d")]);
        let expiring = [expired, ("--expiring", "7d"), ("--expiring", "1d"), port];
        let both = [report(" --expired"), report(" --expiring 7d")];
        assert_eq!(commands(&expiring, Some(7 * DAY_LONG)), both);
    }

    #[test]
    fn changes_are_asked_for_as_of_now() {
        let diff = |filters: &[(&'static str, &str)]| {
            let scope = scope(filters);
            scope.diff_command(ScanId::new(6), ScanId::new(7))
        };
        let owned = ("--owner", "The shop");
        assert_eq!(
            diff(&[("--port", "443"), owned, ("--no-system-roots", "")]).unwrap(),
            "certsweep diff 6 7 --port 443 --owner 'The shop' --no-system-roots"
        );
        let day = ("--at", "2026-11-21");
        assert_eq!(diff(&[day]).unwrap(), "certsweep diff 6 7");
        assert_eq!(diff(&[day, owned]), None);
    }

    #[test]
    fn an_earlier_day_is_asked_for_too() {
        let scope = scope(&[("--at", "2026-11-21")]);
        let command = "certsweep report --at 2026-11-21 --expired";
        assert_eq!(scope.expired_command().unwrap(), command);
        assert_eq!(scope.certs_command(), "certsweep certs --at 2026-11-21");
    }

    #[test]
    fn the_ledger_is_asked_only_what_it_knows() {
        let scope = scope(&[("--expired", ""), ("--port", "443")]);
        let command = scope.ledger_command("report --of coverage");
        assert_eq!(command, "certsweep report --of coverage --port 443");
    }
}
