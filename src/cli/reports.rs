//! The reports of a job: tables of the configuration → what the command line
//! writes, at the job's end.

use std::mem;

use clap::{Args, FromArgMatches};

use super::exit::Exit;
use super::failure::Failure;
use super::{Context, report};
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
        planned.arguments("1970-01-01")?;
        Ok(planned)
    });
    planned.collect()
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

impl PlannedReport {
    async fn write(&self, day: &str, context: &Context) -> Result<(), Failure> {
        let arguments = self.arguments(day)?;
        let written = arguments.run(context.clone()).await;
        let path = self.table.path(day);
        match written {
            Ok(Exit::Failed) => Err(Failure::failed("not written")),
            Ok(_) => Ok(()),
            Err(failure) => Err(failure),
        }
        .map_err(|failure| {
            let message = format_args!("report {path} of job {}: {}", self.job, failure.message);
            Failure::failed(message).hint(failure.hint)
        })
    }

    /// Its options, as the command line has them.
    fn arguments(&self, day: &str) -> Result<report::Arguments, Failure> {
        let command = clap::Command::new("report").no_binary_name(true);
        let command = report::Arguments::augment_args(command).disable_help_flag(true);
        let format = format!("--format={}", self.table.format);
        let path = format!("--output={}", self.table.path(day));
        let words = [format, path].into_iter().chain(self.table.options.clone());
        command
            .try_get_matches_from(words)
            .and_then(|matches| report::Arguments::from_arg_matches(&matches))
            .map_err(|error| {
                let said = error.to_string();
                let problem = said.lines().next().unwrap_or_default();
                let problem = problem.trim_start_matches("error: ");
                Failure::usage(format_args!(
                    "{}: [[job.report]]: {problem}",
                    self.table.origin
                ))
                .hint(Some("its keys are the options of `certsweep report`"))
            })
    }
}
