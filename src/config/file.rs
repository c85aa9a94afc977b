use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::exclusion::WrittenExclusion;
use super::from_text::with_hint;
use super::network::{self, NetworkOptions};
use super::options::Options;
use super::policy::{self, AcceptTable, OwnerTable, PolicyTable};
use super::report::JobReport;
use super::source::Source;
use crate::judge::Policy;
use crate::store::{FileMode, InvalidFileMode};
use crate::target::TargetSpec;

/// A configuration file, read and checked.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where it stood; `None` when there was none.
    pub path: Option<PathBuf>,
    /// The inventory it names.
    pub db: Option<PathBuf>,
    /// Whom it lets in to the inventory and the reports; `None` where it says
    /// nothing.
    pub file_mode: Option<FileMode>,
    /// `[scan]`: what holds for every scan.
    pub scan: Options,
    /// `[[job]]`: scans with a name.
    pub jobs: Vec<Job>,
    /// `[[network]]`: what is otherwise in some networks.
    pub networks: Vec<NetworkOptions>,
    /// `[policy]`, `[[owner]]` and `[[accept]]`: what to judge by.
    pub policy: Policy,
}

/// A named scan.
#[derive(Clone, Debug)]
pub struct Job {
    /// What `--job` calls it.
    pub name: String,
    /// What it scans, each as on the command line, and known to be right but
    /// for what stands in files.
    pub targets: Vec<String>,
    /// What it changes of `[scan]`.
    pub options: Options,
    /// What is written at its end, in this order.
    pub reports: Vec<JobReport>,
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
struct Written {
    db: Option<Spanned<PathBuf>>,
    file_mode: Option<Spanned<String>>,
    #[serde(default)]
    scan: Options,
    #[serde(default)]
    job: Vec<Spanned<Options>>,
    #[serde(default)]
    network: Vec<NetworkOptions>,
    #[serde(default)]
    policy: PolicyTable,
    #[serde(default)]
    owner: Vec<OwnerTable>,
    #[serde(default)]
    accept: Vec<Spanned<AcceptTable>>,
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
        match fs::read(path) {
            Ok(bytes) => Self::parse(decode(&bytes, path)?, path),
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
        let source = Source { path, text };
        let file: Written = toml::from_str(text).map_err(|error| ConfigError::Invalid {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        if let Some(db) = &file.db
            && db.get_ref().as_os_str().is_empty()
        {
            return Err(source.refuse(db.span(), "`db` is empty"));
        }
        if let Some(name) = &file.scan.name {
            let problem = "`name` belongs in a [[job]], not in [scan]";
            return Err(source.refuse(name.span(), problem));
        }
        if let Some(targets) = &file.scan.targets {
            let problem = "`targets` belongs in a [[job]], not in [scan]";
            return Err(source.refuse(targets.span(), problem));
        }
        if let Some(reports) = &file.scan.report {
            let problem = "`report` belongs in a [[job]], not in [scan]";
            return Err(source.refuse(reports.span(), problem));
        }
        let mut jobs: Vec<Job> = Vec::new();
        for table in file.job {
            let (name, job) = Job::read(table, source)?;
            if jobs.iter().any(|earlier| earlier.name == job.name) {
                return Err(source.refuse(name, "an earlier [[job]] has this name"));
            }
            jobs.push(job);
        }
        Ok(Self {
            path: Some(path.to_owned()),
            db: file.db.map(Spanned::into_inner),
            file_mode: file
                .file_mode
                .map(|text| read_file_mode(&text, source))
                .transpose()?,
            scan: with_exclusions(file.scan, source)?,
            jobs,
            networks: network::distinct(file.network, source)?,
            policy: policy::read_policy(file.policy, file.owner, file.accept, source)?,
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

impl Job {
    /// Reads its table; the span is that of its name.
    fn read(
        table: Spanned<Options>,
        source: Source<'_>,
    ) -> Result<(Range<usize>, Self), ConfigError> {
        let span = table.span();
        let mut options = table.into_inner();
        let Some(name) = options.name.take() else {
            return Err(source.refuse(span, "a [[job]] needs a `name`"));
        };
        let place = name.span();
        if name.get_ref().is_empty() {
            return Err(source.refuse(place, "the `name` is empty"));
        }
        let targets = options.targets.take().map(Spanned::into_inner);
        let reports = options.report.take().map(Spanned::into_inner);
        let reports = reports.unwrap_or_default().into_iter();
        let reports = reports.map(|table| {
            let span = table.span();
            let origin = source.origin(&span);
            JobReport::read(table.into_inner(), name.get_ref(), origin)
                .map_err(|problem| source.refuse(span, &problem.to_string()))
        });
        let job = Self {
            name: name.get_ref().clone(),
            targets: checked_targets(targets.unwrap_or_default(), source)?,
            reports: reports.collect::<Result<_, _>>()?,
            options: with_exclusions(options, source)?,
        };
        Ok((place, job))
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

/// The text of a file, which TOML has in UTF-8.
fn decode<'file>(bytes: &'file [u8], path: &Path) -> Result<&'file str, ConfigError> {
    str::from_utf8(bytes).map_err(|_| {
        let before = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let line = before.matches('\n').count() + 1;
        ConfigError::Invalid {
            path: path.to_owned(),
            problem: format!("line {line} is not UTF-8"),
        }
    })
}

fn read_file_mode(text: &Spanned<String>, source: Source<'_>) -> Result<FileMode, ConfigError> {
    text.get_ref().parse().map_err(|error: InvalidFileMode| {
        let problem = with_hint(&error, Some(error.hint().to_owned()));
        source.refuse(text.span(), &problem)
    })
}

/// The options with what their section excludes, each at its line.
fn with_exclusions(mut options: Options, source: Source<'_>) -> Result<Options, ConfigError> {
    let read = |text: Spanned<String>| {
        let origin = source.origin(&text.span());
        WrittenExclusion::read(text.get_ref(), origin)
            .map_err(|problem| source.refuse(text.span(), &problem))
    };
    let texts = options.exclude_texts.take();
    let exclusions = texts.map(|texts| texts.into_iter().map(read).collect());
    options.exclude = exclusions.transpose()?;
    Ok(options)
}

/// The targets of a job as they are written. Those that stand elsewhere, in
/// `@FILE` or on the standard input, are read when it runs.
fn checked_targets(
    targets: Vec<Spanned<String>>,
    source: Source<'_>,
) -> Result<Vec<String>, ConfigError> {
    let check = |target: Spanned<String>| {
        let text = target.get_ref();
        let is_elsewhere = text.starts_with('@') || text == "-";
        match text.parse::<TargetSpec>() {
            Err(error) if !is_elsewhere => {
                let problem = with_hint(&error, error.hint());
                Err(source.refuse(target.span(), &problem))
            }
            Ok(_) | Err(_) => Ok(target.into_inner()),
        }
    };
    targets.into_iter().map(check).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What is said of a wrong file.
    pub(in crate::config) fn problem(text: &str) -> String {
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
    fn names_between_commas_are_refused_with_how_a_list_is_written() {
        let list = problem("[scan]\nsni = [\"a.example,b.example\"]");
        assert!(list.contains("line 2, column 7"), "{list}");
        let told = "`a.example,b.example` is not a host name\n\
            hint: `sni` is a list of host names";
        assert!(list.contains(told), "{list}");
    }

    #[test]
    fn a_wrong_exclusion_is_pointed_at_among_right_ones() {
        let in_scan = problem("[scan]\nexclude = [\"10.0.0.1\", \"bad..x\"]\n");
        assert!(
            in_scan.contains(
                "2 | exclude = [\"10.0.0.1\", \"bad..x\"]\n  |                        ^^^^^^^^\n"
            ),
            "{in_scan}"
        );
        assert!(in_scan.contains("\nhint: an exclusion is"), "{in_scan}");
        let in_job = problem("[[job]]\nname = \"a\"\nexclude = [\n  \"::1\",\n  \"\",\n]\n");
        assert!(in_job.contains("line 5, column 3"), "{in_job}");
        assert!(in_job.contains("empty exclusion"), "{in_job}");
        let kind = problem("[scan]\nexclude = [5]\n");
        assert!(kind.contains("line 2, column 12"), "{kind}");
    }

    #[test]
    fn an_exclusion_of_the_file_is_of_its_line_and_not_of_the_flag() {
        let text = "[scan]\nexclude = [\n  \"10.0.0.9/24 reason=fragile\",\n]\n\
                    [[job]]\nname = \"a\"\nexclude = [\":22\"]\n";
        let config = Config::parse(text, Path::new("c.toml")).unwrap();
        let shown = |options: &Options| {
            let exclusions = options.exclude.iter().flatten();
            let shown =
                exclusions.map(|written| (written.text().to_owned(), written.exclusion().why()));
            shown.collect::<Vec<_>>()
        };
        let network = (
            "10.0.0.9/24 reason=fragile".to_owned(),
            "10.0.0.0/24 (c.toml:3): fragile".to_owned(),
        );
        let port = (":22".to_owned(), ":22 (c.toml:7)".to_owned());
        assert_eq!(shown(&config.scan), std::slice::from_ref(&network));
        let job = config.job("a").unwrap().options.clone();
        assert_eq!(shown(&job.or(config.scan.clone())), [port, network]);
    }

    #[test]
    fn a_wrong_target_of_a_job_is_pointed_at_when_the_file_is_read() {
        let wrong = problem("[[job]]\nname = \"a\"\ntargets = [\"::1\", \"10.0.0.0/99\"]\n");
        assert!(
            wrong.contains(
                "3 | targets = [\"::1\", \"10.0.0.0/99\"]\n  |                   ^^^^^^^^^^^^^\n"
            ),
            "{wrong}"
        );
        assert!(wrong.contains("\nhint: a network is"), "{wrong}");
        let elsewhere = "[[job]]\nname = \"a\"\ntargets = [\"@no such file\", \"-\"]\n";
        let config = Config::parse(elsewhere, Path::new("c.toml")).unwrap();
        assert_eq!(config.jobs[0].targets, ["@no such file", "-"]);
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
    fn an_empty_path_or_name_is_pointed_at() {
        let db = problem("\ndb = \"\"\n");
        assert!(
            db.contains("2 | db = \"\"\n  |      ^^\n`db` is empty"),
            "{db}"
        );
        let name = problem("[[job]]\nname = \"\"\n");
        assert!(name.contains("line 2, column 8"), "{name}");
        let list = problem("[scan]\nexclude_file = [\"a\", \"\"]\n");
        assert!(list.contains("line 2, column 16"), "{list}");
    }

    #[test]
    fn a_file_mode_that_lets_everybody_in_is_pointed_at() {
        let world = problem("\nfile_mode = \"0644\"\n");
        assert!(
            world.contains(
                "2 | file_mode = \"0644\"\n  |             ^^^^^^\n\
                 the file mode `0644` lets everybody in\nhint: "
            ),
            "{world}"
        );
        let number = problem("file_mode = 640\n");
        assert!(number.contains("invalid type"), "{number}");
        let group = Config::parse("file_mode = \"0640\"\n", Path::new("c.toml"));
        assert_eq!(group.unwrap().file_mode, Some(FileMode::GROUP_READS));
    }

    #[test]
    fn a_file_in_another_encoding_is_refused_with_its_line() {
        let error = decode(b"# all\nnote = \"Gr\xf6\xdfe\"\n", Path::new("c.toml"));
        assert_eq!(
            error.unwrap_err().to_string(),
            "c.toml: line 2 is not UTF-8"
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
