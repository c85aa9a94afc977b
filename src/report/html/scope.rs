use crate::domain::{ScanId, printable};

/// Which rows a report is of and what judges them, in the words of the
/// command line, and the commands that list parts of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    filters: Vec<(&'static str, String)>,
    /// What every command takes: the inventory, and the configuration.
    common: Vec<(&'static str, String)>,
}

/// The filters that the coverage ledger knows: it speaks of addresses.
const OF_LEDGER: [&str; 5] = ["--network", "--port", "--zone", "--name", "--scan"];

/// The filters that ask for what is judged.
const OF_JUDGEMENT: [&str; 4] = ["--finding", "--accepted", "--owner", "--tag"];

/// The day that a report is of.
const DAY: &str = "--at";

/// Those that count as one have one row.
const DISTINCT: &str = "--distinct";

/// What only reports take.
const OF_REPORTS: [&str; 2] = [DAY, DISTINCT];

impl Scope {
    /// The scope of these flags: flag and value, empty for a flag that takes
    /// none.
    #[must_use]
    pub fn of(filters: Vec<(&'static str, String)>) -> Self {
        Self {
            filters,
            common: Vec::new(),
        }
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

    /// The command that lists its certificates; `None` for an earlier day,
    /// which only reports know.
    pub(super) fn certs_command(&self) -> Option<String> {
        let known = self.filters.iter();
        let known = known.filter(|(flag, _)| !OF_REPORTS.contains(flag));
        (!self.is_past()).then(|| self.line("certs", known))
    }

    /// The command that lists what changed of it between two scans; `None`
    /// for what is judged of an earlier day: changes are judged as of now.
    pub(super) fn diff_command(&self, before: ScanId, last: ScanId) -> Option<String> {
        let has = |flags: &[&str]| self.filters.iter().any(|(flag, _)| flags.contains(flag));
        if self.is_past() && has(&OF_JUDGEMENT) {
            return None;
        }
        let known = self.filters.iter();
        let known = known.filter(|(flag, _)| !OF_REPORTS.contains(flag));
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
    pub(super) fn narrowed(&self, verb: &str, flag: &'static str, value: &str) -> Option<String> {
        let last = (flag, value.to_owned());
        if flag == "--state" {
            return self.in_state(verb, &last);
        }
        let same = |given: &str| kind(given) == kind(flag);
        if self.filters.iter().any(|(given, _)| same(given)) {
            return None;
        }
        Some(self.line(verb, self.filters.iter().chain([&last])))
    }

    /// States are a set: the narrower one stands in place of the wider.
    fn in_state(&self, verb: &str, last: &(&'static str, String)) -> Option<String> {
        let is_state = |(flag, _): &&(&str, String)| *flag == "--state";
        let mut given = self.filters.iter().filter(is_state).peekable();
        let holds = given.peek().is_none() || given.any(|it| it.1 == "all" || it.1 == last.1);
        let others = self.filters.iter().filter(|it| !is_state(it));
        holds.then(|| self.line(verb, others.chain([last])))
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

/// Filters of one kind mean either of them.
fn kind(flag: &str) -> &str {
    match flag {
        "--expired" => "--expiring",
        other => other,
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
            scope.narrowed("report", "--expired", "").unwrap(),
            r"certsweep report --name '*.it'\''s' --network 10.0.0.0/8 --expired"
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
            scope.clone().distinct().certs_command().unwrap(),
            scope.diff_command(ScanId::new(6), ScanId::new(7)).unwrap(),
            scope.ledger_command("report --of coverage"),
            scope.narrowed("report", "--expired", "").unwrap(),
            scope.narrowed("report", "--state", "missing").unwrap(),
            scope.show_command(),
        ];
        for command in commands {
            assert!(command.ends_with(common), "{command}");
        }
    }

    #[test]
    fn a_filter_that_would_widen_the_report_makes_no_command() {
        let expiring = scope(&[("--expiring", "30d")]);
        assert_eq!(expiring.narrowed("report", "--expired", ""), None);
        let finding = scope(&[("--finding", "no-san")]);
        assert_eq!(finding.narrowed("report", "--finding", "expired"), None);
    }

    #[test]
    fn a_state_takes_the_place_of_a_wider_one() {
        let missing = |scope: Scope| scope.narrowed("report", "--state", "missing");
        let command = Some("certsweep report --state missing".to_owned());
        assert_eq!(missing(Scope::default()), command);
        assert_eq!(missing(scope(&[("--state", "all")])), command);
        assert_eq!(missing(scope(&[("--state", "gone")])), None);
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
    fn an_earlier_day_is_asked_of_reports_alone() {
        let scope = scope(&[("--at", "2026-11-21")]);
        let command = "certsweep report --at 2026-11-21 --expired";
        assert_eq!(scope.narrowed("report", "--expired", "").unwrap(), command);
        assert_eq!(scope.certs_command(), None);
    }

    #[test]
    fn the_ledger_is_asked_only_what_it_knows() {
        let scope = scope(&[("--expired", ""), ("--port", "443")]);
        let command = scope.ledger_command("report --of coverage");
        assert_eq!(command, "certsweep report --of coverage --port 443");
    }
}
