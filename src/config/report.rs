use toml::{Table, Value};

use crate::target::Origin;

/// A report that is written at the end of a job: `[[job.report]]`.
///
/// Its keys are the options of `certsweep report`, or of `certsweep check`
/// for the formats of that, without the dashes before them; `path` is `-o`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobReport {
    /// Where it stands.
    pub origin: Origin,
    /// Its `format`; `csv` where it names none.
    pub format: String,
    /// Where it goes, with `{date}` still in it.
    path: String,
    /// Options and values, as on a command line; `format` and `path` are not
    /// among them.
    pub options: Vec<String>,
}

/// A table that is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReport {
    /// Nobody would find it.
    #[error("a [[job.report]] needs a `path`")]
    NoPath,
    /// A path has only these.
    #[error("`{0}`: a path may hold {{job}} and {{date}}, and no other braces")]
    Placeholder(String),
    /// It would lead into a directory that nobody wrote.
    #[error("a job whose name has a `/` can't have {{job}} in a path")]
    JobWithSlash,
    /// No option of a command line.
    #[error("`{0}` takes a text, a number, true, or a list of texts")]
    Value(String),
}

impl JobReport {
    /// Reads the table of a job of this name.
    pub(super) fn read(table: Table, job: &str, origin: Origin) -> Result<Self, InvalidReport> {
        let (mut format, mut path) = ("csv".to_owned(), None);
        let mut options = Vec::new();
        for (key, value) in table {
            match (key.as_str(), value) {
                ("format", Value::String(text)) => format = text,
                ("path", Value::String(text)) if !text.is_empty() => path = Some(text),
                ("format" | "path" | "output", _) => return Err(InvalidReport::Value(key)),
                (_, value) => options.extend(words(&key, value)?),
            }
        }
        let path = path.ok_or(InvalidReport::NoPath)?;
        if path.contains("{job}") && job.contains('/') {
            return Err(InvalidReport::JobWithSlash);
        }
        if path
            .replace("{job}", "")
            .replace("{date}", "")
            .contains(['{', '}'])
        {
            return Err(InvalidReport::Placeholder(path));
        }
        Ok(Self {
            origin,
            format,
            path: path.replace("{job}", job),
            options,
        })
    }

    /// Where it goes on a date, which is written `2026-11-21`.
    #[must_use]
    pub fn path(&self, date: &str) -> String {
        self.path.replace("{date}", date)
    }
}

/// A key and its value as on a command line.
fn words(key: &str, value: Value) -> Result<Vec<String>, InvalidReport> {
    let flag = format!("--{}", key.replace('_', "-"));
    let text = |value| match value {
        Value::String(text) => Some(text),
        Value::Integer(number) => Some(number.to_string()),
        _ => None,
    };
    let refuse = || InvalidReport::Value(key.to_owned());
    let values = match value {
        Value::Boolean(true) => return Ok(vec![flag]),
        Value::Boolean(false) => return Ok(Vec::new()),
        Value::Array(values) => values.into_iter().map(text).collect(),
        value => text(value).map(|value| vec![value]),
    };
    let values = values.ok_or_else(refuse)?.into_iter();
    Ok(values.map(|value| format!("{flag}={value}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, job: &str) -> Result<JobReport, InvalidReport> {
        JobReport::read(text.parse().unwrap(), job, Origin::of("c.toml"))
    }

    #[test]
    fn the_keys_become_the_options_of_a_command_line() {
        let text = "path = \"/srv/{job}-{date}.csv\"\nof = \"endpoints\"\nexcel = true\n\
                    expired = false\nport = [443, 8443]\nfail_on = \"error\"\n";
        let report = read(text, "nightly").unwrap();
        assert_eq!(report.format, "csv");
        assert_eq!(report.path("2026-11-21"), "/srv/nightly-2026-11-21.csv");
        assert_eq!(
            report.options,
            [
                "--excel",
                "--fail-on=error",
                "--of=endpoints",
                "--port=443",
                "--port=8443"
            ]
        );
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for (text, job) in [
            ("format = \"csv\"", "a"),
            ("path = \"\"", "a"),
            ("path = \"{month}.csv\"", "a"),
            ("path = \"{job.csv\"", "a"),
            ("path = \"{job}.csv\"", "a/b"),
            ("path = \"a\"\nformat = 5", "a"),
            ("path = \"a\"\noutput = \"b\"", "a"),
            ("path = \"a\"\nname = { a = 1 }", "a"),
            ("path = \"a\"\nport = [[443]]", "a"),
        ] {
            assert!(read(text, job).is_err(), "{text}");
        }
        let plain = read("path = \"x.csv\"", "a/b").unwrap();
        assert_eq!(plain.path("2026-11-21"), "x.csv");
    }
}
