//! Flags → a check of the inventory, in the form that monitoring reads.

mod out;
mod source;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::exit::{Exit, Plugin};
use super::failure::Failure;
use super::filter::{self, Filters};
use super::trust::TrustFlags;
use super::{Context, inventory};
use crate::appraisal::Appraisal;
use crate::config::TimeSpan;
use crate::domain::{ScanId, Severity, Timestamp, clock};
use crate::judge::Policy;
use crate::report::check::{
    Check, CheckState, Failing, Prometheus, Terms, check_document, check_text, nagios,
};
use crate::report::{Head, ScanRow, document};
use crate::store::FileMode;
use out::Out;
use source::Source;

/// Tell monitoring what fails: certificates about to end, and endpoints that
/// were not looked at
///
/// Exits 0 if nothing fails, 4 if something does, and 1 if it can't tell: no
/// inventory, or nothing in it. Endpoints that were not looked at fail it with
/// --max-age, or --fail-on warning and below; else they are a warning. With
/// --format nagios 0, 2, 3, and 1 for warnings.
///
/// --expiring and --expired look at the whole chain here: what the server sends,
/// and the root that trust in it rests on.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep check
  certsweep check --fail-on warning --network 10.0.0.0/16
  certsweep check --format nagios
  certsweep check --format prometheus -o /var/lib/node_exporter/certsweep.prom")]
pub(super) struct Arguments {
    /// The form
    #[arg(long, value_enum, default_value_t)]
    format: Form,

    /// One JSON document, as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,

    /// Fail on every finding from this severity up [default: error, and only
    /// on expiry and invalidity]
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Severity>,

    /// How long ago a known endpoint may have been looked at, or the check
    /// fails [default: what the policy says, else 8d, and a warning only]
    #[arg(long, value_name = "TIME")]
    max_age: Option<TimeSpan>,

    /// Only what was first seen after this scan
    #[arg(long, value_name = "SCAN", value_parser = filter::scan_id)]
    new_since: Option<ScanId>,

    /// Where to write it [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    filters: Filters,

    #[command(flatten)]
    trust: TrustFlags,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a person
    #[default]
    Text,
    /// One JSON document
    Json,
    /// For Prometheus's node_exporter, textfile collector
    Prometheus,
    /// For Nagios and its kin: their line, their exit statuses
    Nagios,
}

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let form = self.form();
        let (output, now) = (self.output.clone(), clock::now());
        let examined = self.examine(form, &context, now).await;
        match (form, examined) {
            (Form::Nagios, Ok(state)) => Ok(Exit::Plugin(plugin(state))),
            // A closed pipe is no failure: nobody reads on.
            (Form::Prometheus, Err(failure)) if failure.exit != Exit::Done => {
                // What was written before would be scraped on and on.
                unknown_metrics(output.as_deref(), &context, now)?;
                Err(failure)
            }
            (_, Ok(CheckState::Ok | CheckState::Warning)) => Ok(Exit::Done),
            (_, Ok(CheckState::Failed)) => Ok(Exit::Found),
            (_, Ok(CheckState::Unknown)) => Ok(Exit::Failed),
            (_, Err(failure)) => Err(failure),
        }
    }

    /// Says in the metrics that were asked for that nothing is known: the
    /// configuration can't be read, and `context` has none. A file that holds
    /// no metrics stays as it is, since it might be the inventory that only the
    /// configuration names; those who might read it still may.
    pub(super) fn tell_unknown(&self, mut context: Context) -> Result<(), Failure> {
        if self.form() != Form::Prometheus {
            return Ok(());
        }
        if let Some(path) = self.file()
            && path.is_file()
        {
            if !holds_metrics(path).unwrap_or(false) {
                return Ok(());
            }
            context.config.file_mode = FileMode::of(path);
        }
        unknown_metrics(self.file(), &context, clock::now())
    }

    /// Refuses flags that name files which can't be read, or owners that nobody
    /// knows.
    pub(super) fn refuse_unreadable(&self, policy: &Policy) -> Result<(), Failure> {
        self.trust.refuse_unreadable()?;
        let filters = self.filters.clone();
        filters.into_wanted(clock::now(), policy).map(drop)
    }

    /// The file that was named.
    pub(super) fn file(&self) -> Option<&Path> {
        let named = self.output.as_deref();
        named.filter(|path| path.as_os_str() != "-")
    }

    /// Whether its output is a monitoring plugin's.
    pub(super) fn is_plugin(&self) -> bool {
        self.form() == Form::Nagios
    }

    fn form(&self) -> Form {
        if self.json { Form::Json } else { self.format }
    }

    async fn examine(
        self,
        form: Form,
        context: &Context,
        now: Timestamp,
    ) -> Result<CheckState, Failure> {
        let filters = self.filters.clone();
        let wanted = filters.into_wanted(now, &context.config.policy)?;
        let wanted = wanted.by_whole_chains();
        let stores = self.trust.clone().stores(context)?;
        let db = context.db();
        let inventory = inventory::open_for(&db, &wanted).await?;
        let policy = self.policy(&context.config.policy);
        let mut source = Source {
            appraisal: Appraisal::begin(&inventory, stores, &policy, now).await?,
            policy: &policy,
            inventory: &inventory,
            wanted: &wanted,
        };
        let scans = inventory::scans(&inventory).await?;
        let mut check = Check::new(Terms {
            fail_on: self.fail_on.unwrap_or(Severity::Error),
            failing: match self.fail_on {
                Some(_) => Failing::Everything,
                None => Failing::ExpiryAndInvalidity,
            },
            max_age: policy.limits.max_age,
            overdue_fails: self.max_age.is_some(),
            since: self
                .new_since
                .map(|scan| end_of(scan, &scans))
                .transpose()?,
            now,
        });
        if let Some(last) = scans.into_iter().next_back() {
            check.scan(last);
        }
        let out = Out::open(self.output.as_deref(), &db, context)?;
        if form == Form::Prometheus {
            source.metrics(&mut check, out).await?;
        } else {
            source.count(&mut check, &mut |_| Ok(())).await?;
            let head = source.appraisal.head();
            out.finish(|out| match form {
                Form::Json => document(out, &check_document(&check, &head)),
                Form::Nagios => out.write_all(nagios(&check, &head).as_bytes()),
                Form::Text | Form::Prometheus => {
                    out.write_all(check_text(&check, &head).as_bytes())
                }
            })?;
        }
        inventory.close().await;
        Ok(check.state())
    }

    /// What to judge by: the configuration's policy, but for what flags say.
    fn policy(&self, configured: &Policy) -> Policy {
        let mut policy = configured.clone();
        if let Some(max_age) = self.max_age {
            policy.set_max_age(max_age.into());
        }
        policy
    }
}

/// Whether a file begins as a page of metrics does.
fn holds_metrics(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    let file = File::open(path)?;
    let length = METRICS_BEGIN.len() as u64;
    file.take(length).read_to_end(&mut beginning)?;
    Ok(beginning == METRICS_BEGIN)
}

/// How every page of metrics begins.
const METRICS_BEGIN: &[u8] = b"# HELP certsweep_";

/// Writes metrics that say nothing but that nothing is known.
fn unknown_metrics(
    output: Option<&Path>,
    context: &Context,
    now: Timestamp,
) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::output(&error);
    let mut out = Out::open(output, &context.db(), context)?;
    let spools = <[io::Cursor<Vec<u8>>; 2]>::default();
    let page = Prometheus::begin(io::BufWriter::new(&mut out), spools).map_err(failed)?;
    page.end_unknown(&Head::at(now)).map_err(failed)?;
    out.finish(|_| Ok(()))
}

/// The moment from which on nothing is this scan's. One that was killed has no
/// end: there it is the beginning of the next; without a next, all that there
/// is may be its own.
fn end_of(id: ScanId, scans: &[ScanRow]) -> Result<Timestamp, Failure> {
    let mut later = scans.iter().skip_while(|scan| scan.id != id);
    let scan = later.next().ok_or_else(|| inventory::no_such_scan(id))?;
    let next = later.next().map(|next| next.started_at);
    let end = scan.finished_at.or(next);
    Ok(end.unwrap_or(Timestamp::from_micros(i64::MAX)))
}

fn plugin(state: CheckState) -> Plugin {
    match state {
        CheckState::Ok => Plugin::Ok,
        CheckState::Warning => Plugin::Warning,
        CheckState::Failed => Plugin::Critical,
        CheckState::Unknown => Plugin::Unknown,
    }
}
