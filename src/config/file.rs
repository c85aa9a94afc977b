use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::options::Options;

/// A configuration file, read and checked.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where it stood; `None` when there was none.
    pub path: Option<PathBuf>,
    /// The inventory it names.
    pub db: Option<PathBuf>,
    /// `[scan]`: what holds for every scan.
    pub scan: Options,
    /// `[[job]]`: scans with a name.
    pub jobs: Vec<Job>,
}

/// A named scan.
#[derive(Clone, Debug)]
pub struct Job {
    /// What `--job` calls it.
    pub name: String,
    /// What it scans, each as on the command line.
    pub targets: Vec<String>,
    /// What it changes of `[scan]`.
    pub options: Options,
}

/// Why a configuration file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The system did not give it.
    #[error("{path}: {source}")]
    Read {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no valid configuration; the message shows line, column and caret.
    #[error("{path}: {problem}")]
    Invalid {
        /// Where it is.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// Nothing in it has this name.
    #[error("there is no job `{name}`")]
    NoSuchJob {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    db: Option<PathBuf>,
    #[serde(default)]
    scan: Options,
    #[serde(default)]
    job: Vec<Spanned<Options>>,
}

/// The file that is read when nobody names one, if it exists.
const SYSTEM_FILE: &str = "/etc/certsweep/config.toml";

impl Config {
    /// Reads the file at `path`, or the system's where none is named and it
    /// exists.
    ///
    /// # Errors
    ///
    /// When a named file can't be read, or what is in it is not valid.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let named = path.is_some();
        let path = path.unwrap_or(Path::new(SYSTEM_FILE));
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !named => Ok(Self::default()),
            Err(source) => Err(ConfigError::Read {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Reads the text of the file at `path`.
    ///
    /// # Errors
    ///
    /// When it is not valid.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let invalid = |problem: String| ConfigError::Invalid {
            path: path.to_owned(),
            problem,
        };
        let file: File = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
        let refuse = |span, problem: &str| Err(invalid(point(text, span, problem)));
        if let Some(name) = &file.scan.name {
            return refuse(name.span(), "`name` belongs in a [[job]], not in [scan]");
        }
        if let Some(targets) = &file.scan.targets {
            return refuse(
                targets.span(),
                "`targets` belongs in a [[job]], not in [scan]",
            );
        }
        let mut jobs: Vec<Job> = Vec::new();
        for table in file.job {
            let span = table.span();
            let mut options = table.into_inner();
            let Some(name) = options.name.take() else {
                return refuse(span, "a [[job]] needs a `name`");
            };
            if jobs.iter().any(|job| job.name == *name.get_ref()) {
                return refuse(name.span(), "an earlier [[job]] has this name");
            }
            let targets = options.targets.take().map(Spanned::into_inner);
            jobs.push(Job {
                name: name.into_inner(),
                targets: targets.unwrap_or_default(),
                options,
            });
        }
        Ok(Self {
            path: Some(path.to_owned()),
            db: file.db,
            scan: file.scan,
            jobs,
        })
    }

    /// The job of this name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn job(&self, name: &str) -> Result<&Job, ConfigError> {
        let job = self.jobs.iter().find(|job| job.name == name);
        job.ok_or_else(|| ConfigError::NoSuchJob {
            name: name.to_owned(),
            known: self.jobs.iter().map(|job| job.name.clone()).collect(),
        })
    }
}

impl ConfigError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => Some("--config names the file to read".to_owned()),
            Self::Invalid { .. } => None,
            Self::NoSuchJob { known, .. } if known.is_empty() => {
                Some("the configuration has no [[job]]".to_owned())
            }
            Self::NoSuchJob { known, .. } => Some(format!("its jobs: {}", known.join(", "))),
        }
    }
}

/// A problem the parser does not know, shown the way it shows its own.
fn point(text: &str, span: Range<usize>, problem: &str) -> String {
    let before = text.get(..span.start).unwrap_or(text);
    let number = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(start..).and_then(|rest| rest.lines().next());
    let line = line.unwrap_or_default();
    let indent = before.chars().count() - before.get(..start).unwrap_or_default().chars().count();
    let shown = text.get(span).and_then(|spanned| spanned.lines().next());
    let carets = "^".repeat(shown.unwrap_or_default().chars().count().max(1));
    let gutter = " ".repeat(number.to_string().len());
    format!(
        "TOML parse error at line {number}, column {column}\n{gutter} |\n\
         {number} | {line}\n{gutter} | {space}{carets}\n{problem}\n",
        column = indent + 1,
        space = " ".repeat(indent),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let error = Config::parse(text, Path::new("c.toml")).unwrap_err();
        error.to_string()
    }

    #[test]
    fn a_wrong_file_is_refused_with_line_and_caret() {
        let unknown = problem("[scan]\nrtae = 5\n");
        assert!(
            unknown.contains("c.toml: TOML parse error at line 2"),
            "{unknown}"
        );
        assert!(unknown.contains("^^^^"), "{unknown}");
        assert!(unknown.contains("unknown field `rtae`"), "{unknown}");
        let range = problem("[scan]\nrate = 0\n");
        assert!(
            range.contains("line 2") && range.contains("`0` is not a rate"),
            "{range}"
        );
        let kind = problem("[scan]\nretries = \"many\"\n");
        assert!(
            kind.contains("line 2") && kind.contains("invalid type"),
            "{kind}"
        );
        let port = problem("[[job]]\nname = \"a\"\nports = \"443,70000\"\n");
        assert!(port.contains("line 3") && port.contains("70000"), "{port}");
        assert!(port.contains("\nhint: ports are numbers"), "{port}");
    }

    #[test]
    fn a_job_needs_a_name_of_its_own() {
        let missing = problem("[[job]]\ntargets = [\"::1\"]\n");
        assert!(
            missing.contains("line 1") && missing.contains("needs a `name`"),
            "{missing}"
        );
        let twice = problem("[[job]]\nname = \"a\"\n[[job]]\nname = \"a\"\n");
        assert!(twice.contains("line 4, column 8"), "{twice}");
        let misplaced = problem("[scan]\n\ntargets = [\"::1\"]\n");
        assert!(misplaced.contains("line 3, column 11"), "{misplaced}");
        assert!(
            misplaced.contains("3 | targets = [\"::1\"]\n  |           ^^^^^^^"),
            "{misplaced}"
        );
    }

    #[test]
    fn a_job_is_found_by_name() {
        let text = "[[job]]\nname = \"night\"\ntargets = [\"10.0.0.0/24\"]\nrate = \"unlimited\"\n";
        let config = Config::parse(text, Path::new("c.toml")).unwrap();
        let job = config.job("night").unwrap();
        assert_eq!(job.targets, ["10.0.0.0/24"]);
        assert!(job.options.rate.is_some());
        let hint = config.job("day").unwrap_err().hint();
        assert_eq!(hint.as_deref(), Some("its jobs: night"));
    }
}
