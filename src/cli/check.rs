use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::destination::Destination;
use super::exit::{Exit, Plugin};
use super::failure::Failure;
use super::filter::{self, Filters};
use super::trust::TrustFlags;
use super::{Context, endpoints, inventory};
use crate::appraisal::{Appraisal, Wanted};
use crate::config::TimeSpan;
use crate::domain::{ScanId, Severity, Timestamp, clock};
use crate::judge::Policy;
use crate::report::check::{
    Ages, Check, CheckState, Failing, Prometheus, Replaced, Terms, Unreplaced, check_document,
    check_text, nagios,
};
use crate::report::{EndpointLook, EndpointRow, Head, Installation, ScanRow, document};
use crate::store::{Detail, FileMode, Filter, Inventory, SqliteInventory};

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

    /// Refuses flags that name files which can't be read.
    pub(super) fn refuse_unreadable(&self) -> Result<(), Failure> {
        self.trust.refuse_unreadable()?;
        self.filters.clone().into_wanted(clock::now()).map(drop)
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
        let wanted = self.filters.clone().into_wanted(now)?.by_whole_chains();
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

/// What is counted.
struct Source<'a> {
    appraisal: Appraisal<'a>,
    policy: &'a Policy,
    inventory: &'a SqliteInventory,
    wanted: &'a Wanted,
}

impl Source<'_> {
    /// Streams the metrics of each installation while they are counted.
    async fn metrics(&mut self, check: &mut Check, mut out: Out) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::output(&error);
        let spool = tempfile::tempfile().map_err(failed)?;
        let mut page = Prometheus::begin(io::BufWriter::new(&mut out), spool).map_err(failed)?;
        self.count(check, &mut |row| page.row(row)).await?;
        page.end(check, &self.appraisal.head()).map_err(failed)?;
        out.finish(|_| Ok(()))
    }

    /// Counts installations and endpoints; what counts is shown to `counted`.
    async fn count(
        &mut self,
        check: &mut Check,
        counted: &mut (dyn FnMut(&Installation) -> io::Result<()> + Send),
    ) -> Result<(), Failure> {
        let wanted = self.wanted;
        let mut written = Ok(());
        let mut take = |row: &Installation| {
            if check.installation(row) && written.is_ok() {
                written = counted(row);
            }
        };
        let mut ages = Ages::by(self.policy);
        let renewed = self.appraisal.renewed_imports(wanted).await?;
        let mut replaced = Replaced::beside(renewed);
        let places = self.appraisal.places(wanted).await?;
        if let Some(places) = &places {
            // What the filters hide may have replaced what they show.
            let visit = |row: Installation| {
                ages.installation(&row);
                replaced.row(row);
                ControlFlow::Continue(())
            };
            self.appraisal
                .installations(places, Detail::Facts, visit)
                .await?;
            replaced.end();
        }
        let mut unreplaced = Unreplaced::but(replaced);
        let visit = |row: Installation| {
            if places.is_none() {
                ages.installation(&row);
            }
            unreplaced.row(row, &mut take);
            ControlFlow::Continue(())
        };
        self.appraisal
            .installations(wanted, Detail::Facts, visit)
            .await?;
        unreplaced.end(&mut take);
        written.map_err(|error| Failure::output(&error))?;
        if check.counts().considered == 0 {
            let wider = Wanted {
                inventory: Filter {
                    states: Filter::default().states,
                    ..wanted.inventory.clone()
                },
                chain_expiry: Vec::new(),
                findings: Vec::new(),
                accepted: Vec::new(),
                severities: Vec::new(),
                ..wanted.clone()
            };
            let visit = |_| {
                check.left_out();
                ControlFlow::Break(())
            };
            self.appraisal
                .installations(&wider, Detail::Facts, visit)
                .await?;
        }
        let mut visit = |look: EndpointLook| {
            check.endpoint(&look, ages.of(&look));
            ControlFlow::Continue(())
        };
        if wanted.asks_for_judgement() {
            let mut visit = |row: EndpointRow| visit(EndpointLook::from(&row));
            endpoints::read(self.inventory, &mut self.appraisal, wanted, &mut visit).await?;
        } else {
            let filter = &wanted.inventory;
            self.inventory.endpoint_looks(filter, &mut visit).await?;
        }
        Ok(())
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
    let nothing = Check::new(Terms {
        fail_on: Severity::Error,
        failing: Failing::ExpiryAndInvalidity,
        max_age: context.config.policy.limits.max_age,
        overdue_fails: false,
        since: None,
        now,
    });
    let mut out = Out::open(output, &context.db(), context)?;
    let spool = io::Cursor::new(Vec::new());
    let page = Prometheus::begin(io::BufWriter::new(&mut out), spool).map_err(failed)?;
    page.end(&nothing, &Head::at(now)).map_err(failed)?;
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

/// Where the check is written.
enum Out {
    File(Destination),
    Stream(Box<dyn Write + Send>),
}

impl Out {
    fn open(path: Option<&Path>, db: &Path, context: &Context) -> Result<Self, Failure> {
        match path {
            Some(path) if path.as_os_str() != "-" => Ok(Self::File(context.destination(path, db)?)),
            _ => Ok(Self::Stream(Box::new(context.printer.stream()))),
        }
    }

    /// Writes the rest; a file then takes the place of the one before it.
    fn finish(
        mut self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        write(&mut self)
            .and_then(|()| self.flush())
            .map_err(|error| Failure::output(&error))?;
        match self {
            Self::File(destination) => destination.finish(),
            Self::Stream(_) => Ok(()),
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stream(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;
    use crate::judge::{Lead, Limits};
    use crate::store::{Import, SqliteSink};
    use crate::x509;

    /// An inventory with a certificate for the years 2025 and 2026.
    async fn inventory(folder: &Path) -> SqliteInventory {
        imported(folder, 2025).await
    }

    /// The same after a certificate for that year and the next was imported.
    async fn imported(folder: &Path, year: i32) -> SqliteInventory {
        let mut params = CertificateParams::new(["check.test".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(year, 1, 1);
        params.not_after = rcgen::date_time_ymd(year + 2, 1, 1);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let der = crate::domain::Der::from(&certificate.der()[..]);
        let path = folder.join("check.db");
        let (mut sink, _) = SqliteSink::open_or_create(&path).await.unwrap();
        let import = Import {
            certificates: vec![x509::parse(&der)],
            label: None,
            at: Timestamp::from_seconds(i64::from(year)),
        };
        sink.import(import).await.unwrap();
        sink.close().await.unwrap();
        SqliteInventory::open(&path).await.unwrap()
    }

    async fn state(inventory: &SqliteInventory, policy: &Policy, now: &str) -> CheckState {
        state_of(&Wanted::default(), inventory, policy, now).await
    }

    async fn state_of(
        wanted: &Wanted,
        inventory: &SqliteInventory,
        policy: &Policy,
        now: &str,
    ) -> CheckState {
        let now = now.parse().unwrap();
        let appraisal = Appraisal::begin(inventory, Vec::new(), policy, now).await;
        let mut source = Source {
            appraisal: appraisal.ok().unwrap(),
            policy,
            inventory,
            wanted,
        };
        let mut check = Check::new(Terms {
            fail_on: Severity::Error,
            failing: Failing::ExpiryAndInvalidity,
            max_age: policy.limits.max_age,
            overdue_fails: false,
            since: None,
            now,
        });
        let counted = source.count(&mut check, &mut |_| Ok(())).await;
        assert!(counted.is_ok());
        check.state()
    }

    #[tokio::test]
    async fn a_check_turns_at_the_second_that_the_policy_draws() {
        use CheckState::{Failed, Ok, Warning};
        let folder = tempfile::tempdir().unwrap();
        let inventory = inventory(folder.path()).await;
        let usual = Policy::default();
        let cases = [
            ("2024-12-31T23:59:59Z", Failed, "not valid yet"),
            ("2025-01-01T00:00:00Z", Ok, "valid from now on"),
            ("2026-12-01T23:59:59Z", Ok, "more than 30 days left"),
            ("2026-12-02T00:00:00Z", Warning, "30 days left"),
            ("2026-12-24T23:59:59Z", Warning, "more than 7 days left"),
            ("2026-12-25T00:00:00Z", Failed, "7 days left"),
            ("2027-01-01T00:00:00Z", Failed, "its last second"),
            ("2027-01-01T00:00:01Z", Failed, "over"),
        ];
        for (now, expected, why) in cases {
            let found = state(&inventory, &usual, now).await;
            assert_eq!(found, expected, "{now}: {why}");
        }
        let patient = Policy {
            limits: Limits {
                expiring_warning: Lead::Days(2),
                expiring_error: Lead::Days(1),
                expiring_critical: Lead::Days(0),
                ..Limits::default()
            },
            ..Policy::default()
        };
        let cases = [
            ("2026-12-29T23:59:59Z", Ok),
            ("2026-12-30T00:00:00Z", Warning),
            ("2026-12-31T00:00:00Z", Failed),
        ];
        for (now, expected) in cases {
            assert_eq!(state(&inventory, &patient, now).await, expected, "{now}");
        }
        inventory.close().await;
    }

    #[tokio::test]
    async fn an_import_counts_no_more_once_its_renewal_is_imported() {
        let folder = tempfile::tempdir().unwrap();
        let usual = Policy::default();
        let now = "2027-02-01T00:00:00Z";
        let before = inventory(folder.path()).await;
        assert_eq!(state(&before, &usual, now).await, CheckState::Failed);
        before.close().await;
        let after = imported(folder.path(), 2026).await;
        assert_eq!(state(&after, &usual, now).await, CheckState::Ok);
        // What filters hide renews what they show.
        let expired = Wanted::by(Filter {
            expiry: vec![crate::store::Expiry::Expired {
                now: now.parse().unwrap(),
            }],
            ..Filter::default()
        });
        let state = state_of(&expired, &after, &usual, now).await;
        assert_eq!(state, CheckState::Ok);
        after.close().await;
    }
}
