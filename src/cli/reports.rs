//! The reports of a job: tables of the configuration → what the command line
//! writes, at the job's end.

use std::mem;
use std::path::Path;

use clap::{Args, FromArgMatches};

use super::failure::Failure;
use super::{Context, check, report};
use crate::config::{Job, JobReport};

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

/// Refuses those for which there is no folder.
pub(super) fn find_folders(reports: &[PlannedReport], day: &str) -> Result<(), Failure> {
    let mut reports = reports.iter();
    reports.try_for_each(|report| report.refuse_without_folder(day))
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
        refused.map_err(|Failure { message, hint, .. }| {
            let origin = &self.table.origin;
            Failure::usage(format_args!("{origin}: [[job.report]]: {message}")).hint(hint)
        })
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
