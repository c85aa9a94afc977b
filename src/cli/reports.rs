//! The reports of a job: tables of the configuration → what the command line
//! writes, at the job's end.

use std::mem;
use std::path::{Path, PathBuf};

use clap::{Args, FromArgMatches};

use super::destination::{is_of_inventory, settled};
use super::failure::Failure;
use super::{Context, check, report};
use crate::config::{Job, JobReport};
use crate::judge::Policy;

/// A report that is sure to be understood.
pub(super) struct PlannedReport {
    table: JobReport,
    job: String,
}

/// The reports of a job, each read once before anything is sent: a mistake in
/// one is no surprise in the morning.
pub(super) fn of(job: &Job) -> Result<Vec<PlannedReport>, Failure> {
    let planned = job.reports.iter().map(|table| {
        let planned = PlannedReport {
            table: table.clone(),
            job: job.name.clone(),
        };
        planned.refuse_contradictions()?;
        Ok(planned)
    });
    planned.collect()
}

/// Refuses those that could not be written, as far as can be told before: no
/// folder, no such file to be written, or to be read, or the place of another.
pub(super) fn vet(reports: &[PlannedReport], day: &str, context: &Context) -> Result<(), Failure> {
    let mut taken: Vec<(PathBuf, Written)> = Vec::new();
    for report in reports {
        report.refuse_without_folder(day)?;
        let arguments = report.arguments(day)?;
        let named = |failure| report.named(failure);
        arguments
            .refuse_unreadable(&context.config.policy)
            .map_err(named)?;
        let path = report.table.path(day);
        let Some(written) = arguments.written() else {
            continue;
        };
        let place = settled(Path::new(&path));
        refuse_place(&place, written, &context.db()).map_err(named)?;
        let mut others = taken.iter().filter(|(other, _)| *other == place);
        if others.any(|(_, other)| other.collides_with(written)) {
            let problem = format!("another report of the job is written to {path} too");
            let failure = Failure::usage(problem).hint(Some("give each a `path` of its own"));
            return Err(report.named(failure));
        }
        taken.push((place, written));
    }
    Ok(())
}

/// Says in the metrics that earlier runs of the job have written that nothing is
/// known: it does not run.
pub(super) fn tell_unknown(
    reports: &[PlannedReport],
    day: &str,
    context: &Context,
) -> Result<(), Failure> {
    for report in reports {
        if let Ok(Writer::Check(arguments)) = report.arguments(day)
            && arguments.file().is_some_and(Path::is_file)
        {
            arguments.tell_unknown(context.clone())?;
        }
    }
    Ok(())
}

/// Refuses what can't be written there: something else has the name.
fn refuse_place(place: &Path, written: Written, db: &Path) -> Result<(), Failure> {
    let shown = place.display();
    let problem = match written {
        _ if is_of_inventory(place, db) => format!("{shown} is the inventory itself"),
        Written::File if place.is_dir() => format!("{shown} is a folder"),
        Written::Folder(_) if place.exists() && !place.is_dir() => {
            format!("{shown} is no folder")
        }
        Written::File | Written::Folder(_) => return Ok(()),
    };
    Err(Failure::usage(problem).hint(Some("correct `path`")))
}

/// Writes them all, also when one fails; then that failure is returned.
///
/// The paths hold the day's date.
pub(super) async fn write(
    reports: Vec<PlannedReport>,
    day: &str,
    context: &Context,
) -> Result<(), Failure> {
    let mut outcome = Ok(());
    for report in reports {
        if let Err(failure) = report.write(day, context).await
            && let Err(earlier) = mem::replace(&mut outcome, Err(failure))
        {
            context.printer.failure(&earlier);
        }
    }
    outcome
}

/// The command that writes a report.
enum Writer {
    Report(report::Arguments),
    Check(check::Arguments),
}

/// What a report is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// One file.
    File,
    /// Files in a folder.
    Folder(Naming),
}

/// How the files in a folder get their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// After what they hold: nothing takes the place of another.
    Contents,
    /// After whose they are, and their form: those of this one take the place
    /// of those before.
    Owner(&'static str),
}

impl Written {
    /// Whether something of the one would be lost at the place of the other.
    fn collides_with(self, other: Self) -> bool {
        match (self, other) {
            (Self::Folder(Naming::Owner(one)), Self::Folder(Naming::Owner(other))) => one == other,
            (Self::Folder(_), Self::Folder(_)) => false,
            (Self::File, _) | (_, Self::File) => true,
        }
    }
}

impl Writer {
    /// What it is written as; `None` where that is no file.
    fn written(&self) -> Option<Written> {
        match self {
            Self::Report(arguments) => arguments.written(),
            Self::Check(arguments) => arguments.file().map(|_| Written::File),
        }
    }

    fn refuse_unreadable(&self, policy: &Policy) -> Result<(), Failure> {
        match self {
            Self::Report(arguments) => arguments.refuse_unreadable(policy),
            Self::Check(arguments) => arguments.refuse_unreadable(policy),
        }
    }
}

/// Formats of `check` that are none of `report`.
const CHECKS: [&str; 4] = ["text", "json", "prometheus", "nagios"];

impl PlannedReport {
    async fn write(&self, day: &str, context: &Context) -> Result<(), Failure> {
        let context = context.clone();
        let written = match self.arguments(day)? {
            Writer::Report(arguments) => arguments.run(context).await,
            Writer::Check(arguments) => arguments.run(context).await,
        };
        // What a check finds, or that it can't tell, is in what it writes.
        written.map(drop).map_err(|failure| {
            let Failure { message, hint, .. } = failure;
            let path = self.table.path(day);
            let message = format_args!("report {path} of job {}: {message}", self.job);
            Failure::failed(message).hint(hint)
        })
    }

    fn refuse_contradictions(&self) -> Result<(), Failure> {
        let refused = match self.arguments("1970-01-01")? {
            Writer::Report(arguments) => arguments.refuse_contradictions(),
            Writer::Check(_) => Ok(()),
        };
        refused.map_err(|failure| self.named(failure))
    }

    /// What is wrong with it, and where it stands.
    fn named(&self, Failure { message, hint, .. }: Failure) -> Failure {
        let origin = &self.table.origin;
        Failure::usage(format_args!("{origin}: [[job.report]]: {message}")).hint(hint)
    }

    fn refuse_without_folder(&self, day: &str) -> Result<(), Failure> {
        let path = self.table.path(day);
        let Some(folder) = Path::new(&path).parent() else {
            return Ok(());
        };
        if folder.as_os_str().is_empty() || folder.is_dir() {
            return Ok(());
        }
        let (origin, folder) = (&self.table.origin, folder.display());
        let problem = format!("{origin}: [[job.report]]: there is no folder {folder}");
        Err(Failure::usage(problem).hint(Some("make it, or correct `path`")))
    }

    /// Its options, as the command line has them.
    fn arguments(&self, day: &str) -> Result<Writer, Failure> {
        if CHECKS.contains(&self.table.format.as_str()) {
            self.parse("check", day).map(Writer::Check)
        } else {
            self.parse("report", day).map(Writer::Report)
        }
    }

    fn parse<T: Args + FromArgMatches>(
        &self,
        command: &'static str,
        day: &str,
    ) -> Result<T, Failure> {
        let format = format!("--format={}", self.table.format);
        let path = format!("--output={}", self.table.path(day));
        let words = [format, path].into_iter().chain(self.table.options.clone());
        T::augment_args(clap::Command::new(command).no_binary_name(true))
            .disable_help_flag(true)
            .try_get_matches_from(words)
            .and_then(|matches| T::from_arg_matches(&matches))
            .map_err(|error| {
                let said = error.to_string();
                let problem = said.lines().next().unwrap_or_default();
                let problem = problem.trim_start_matches("error: ");
                let origin = &self.table.origin;
                Failure::usage(format_args!("{origin}: [[job.report]]: {problem}")).hint(Some(
                    format!("its keys are the options of `certsweep {command}`"),
                ))
            })
    }
}
