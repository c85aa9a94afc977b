//! A check → the text format that Prometheus scrapes (its "Exposition
//! formats", version 0.0.4).

use std::fmt::Write as _;
use std::io::{self, BufWriter, Read, Seek, Write};

use super::line::cut;
use super::{Check, CheckState, Installation, ScanRow};
use crate::domain::{ScanState, Severity, Timestamp, printable};
use crate::report::Head;

/// Metrics on their way out. All samples of a metric stand together, so those
/// of the second and the third wait in spools while the first is written.
#[derive(Debug)]
pub struct Prometheus<Out, Spool: Write> {
    out: Out,
    chains: BufWriter<Spool>,
    all: BufWriter<Spool>,
}

const OWN: &str = "certsweep_certificate_not_after_timestamp_seconds";
const CHAIN: &str = "certsweep_chain_not_after_timestamp_seconds";
const ALL: &str = "certsweep_earliest_end_timestamp_seconds";

impl<Out: Write, Spool: Read + Write + Seek> Prometheus<Out, Spool> {
    /// Begins with the certificates. The spools are empty.
    pub fn begin(mut out: Out, [chains, all]: [Spool; 2]) -> io::Result<Self> {
        let help = "End of validity of each installation's own certificate.";
        out.write_all(heading(OWN, help).as_bytes())?;
        Ok(Self {
            out,
            chains: BufWriter::new(chains),
            all: BufWriter::new(all),
        })
    }

    /// Writes an installation's ends; what can't be read has none.
    pub fn row(&mut self, row: &Installation) -> io::Result<()> {
        let labels = labels(row);
        if let Some(end) = row.certificate.not_after {
            writeln!(self.out, "{OWN}{{{labels}}} {}", end.seconds())?;
        }
        if let Some(end) = row.chain_not_after {
            writeln!(self.chains, "{CHAIN}{{{labels}}} {}", end.seconds())?;
        }
        if let Some(end) = row.earliest_end() {
            writeln!(self.all, "{ALL}{{{labels}}} {}", end.seconds())?;
        }
        Ok(())
    }

    /// Ends with what the check counted, and what it was judged by.
    pub fn end(self, check: &Check, head: &Head) -> io::Result<()> {
        let mut out = self.pour()?;
        out.write_all(counts(check).as_bytes())?;
        out.write_all(standing(check.state(), check.terms().now).as_bytes())?;
        if let Some(scan) = check.last_scan() {
            out.write_all(last_scan(scan).as_bytes())?;
        }
        out.write_all(judged_by(head).as_bytes())?;
        out.flush()
    }

    /// Ends where nothing could be read: nothing is counted, and all that is
    /// told is that nothing is known.
    pub fn end_unknown(self, head: &Head) -> io::Result<()> {
        let mut out = self.pour()?;
        out.write_all(standing(CheckState::Unknown, head.now).as_bytes())?;
        out.write_all(judged_by(head).as_bytes())?;
        out.flush()
    }

    /// Writes out what waited.
    fn pour(mut self) -> io::Result<Out> {
        let help = "Earliest end of validity of all that each installation's server sends.";
        self.out.write_all(heading(CHAIN, help).as_bytes())?;
        pour(self.chains, &mut self.out)?;
        let help = "Earliest end of validity of all that each installation rests on: what its \
            server sends, and what trust in it rests on and is not sent.";
        self.out.write_all(heading(ALL, help).as_bytes())?;
        pour(self.all, &mut self.out)?;
        Ok(self.out)
    }
}

/// Writes out a spool.
fn pour(spool: BufWriter<impl Read + Write + Seek>, out: &mut impl Write) -> io::Result<()> {
    let mut spool = spool.into_inner()?;
    spool.rewind()?;
    io::copy(&mut spool, out).map(drop)
}

/// What tells an installation from all others, and no control characters. Two
/// series with the same labels would void the whole file, so what identifies a
/// row (its zone, host, port, dialect and certificate) is never cut.
fn labels(row: &Installation) -> String {
    let text = |text: Option<&String>| text.map(|text| cut(text));
    let pairs = [
        ("zone", row.zone.as_ref().map(ToString::to_string)),
        ("host", Some(printable(&row.host))),
        ("ip", row.ip.map(|ip| ip.to_string())),
        ("port", row.port.map(|port| port.to_string())),
        ("starttls", text(row.starttls.as_ref())),
        ("sha256", Some(row.certificate.sha256.to_string())),
        ("subject_cn", text(row.certificate.subject_cn.as_ref())),
        ("issuer_cn", text(row.certificate.issuer_cn.as_ref())),
        ("state", Some(row.state.as_str().to_owned())),
        ("source", Some(row.source.as_str().to_owned())),
    ];
    let pairs = pairs.map(|(name, value)| {
        let value = escaped(&value.unwrap_or_default());
        format!("{name}=\"{value}\"")
    });
    pairs.join(",")
}

/// A label's value: `\`, `"` and line feeds stand behind a `\`.
fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

fn heading(name: &str, help: &str) -> String {
    format!("# HELP {name} {help}\n# TYPE {name} gauge\n")
}

/// Metrics of a few samples each.
#[derive(Debug, Default)]
struct Page(String);

/// One sample: its labels in braces, if any, and its value.
#[derive(Debug)]
struct Sample {
    labels: String,
    value: i64,
}

impl Sample {
    fn count(count: u64) -> Self {
        Self::of(String::new(), count)
    }

    fn time(at: Timestamp) -> Self {
        Self {
            labels: String::new(),
            value: at.seconds(),
        }
    }

    fn of(labels: String, count: u64) -> Self {
        Self {
            labels,
            value: i64::try_from(count).unwrap_or(i64::MAX),
        }
    }

    /// 1 for the state that holds, 0 for the others.
    fn state(state: &str, holds: bool) -> Self {
        Self::of(format!("{{state=\"{state}\"}}"), u64::from(holds))
    }
}

impl Page {
    fn metric(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = Sample>) {
        let name = format!("certsweep_{name}");
        self.0 += &heading(&name, help);
        for Sample { labels, value } in samples {
            // Writing to a String can't fail.
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }

    fn count(&mut self, name: &str, help: &str, count: u64) {
        self.metric(name, help, [Sample::count(count)]);
    }
}

/// What was counted. Where not all could be judged, or there was nothing to
/// judge, a zero would be good news that nobody has: there is no sample then.
fn counts(check: &Check) -> String {
    let counts = check.counts();
    let is_known = counts.considered > 0 && counts.unjudged == 0;
    let told = |count: u64, is_known| (count > 0 || is_known).then_some(count);
    let mut page = Page::default();
    let help = "Installations by the severity of their worst finding; 0 only where that is known.";
    let by_severity = Severity::ALL.into_iter().filter_map(|severity| {
        let count = counts.by_severity.get(&severity).copied();
        let count = told(count.unwrap_or(0), is_known)?;
        Some(Sample::of(format!("{{severity=\"{severity}\"}}"), count))
    });
    page.metric("installations_with_severity", help, by_severity);
    let by_finding = counts.by_finding.iter().map(|((rule, severity), count)| {
        let labels = format!("{{finding=\"{rule}\",severity=\"{severity}\"}}");
        Sample::of(labels, *count)
    });
    let help = "Installations by finding.";
    page.metric("installations_with_finding", help, by_finding);
    let help = "Installations that were checked.";
    page.count("installations", help, counts.installations);
    let help = "Installations that make the check fail; absent where that is not known.";
    let failing = told(counts.failing, is_known).map(Sample::count);
    page.metric("installations_failing", help, failing);
    let help = "Installations that nobody judged.";
    page.count("installations_unjudged", help, counts.unjudged);
    page.count("endpoints", "Known endpoints.", counts.endpoints);
    let help = "Known endpoints that were not looked at for too long; absent without any.";
    let is_known = counts.considered > 0 || counts.endpoints > 0;
    let overdue = told(counts.overdue, is_known).map(Sample::count);
    page.metric("endpoints_overdue", help, overdue);
    page.0
}

/// How the check stands, and of when that is.
fn standing(now: CheckState, at: Timestamp) -> String {
    let mut page = Page::default();
    let states = [
        CheckState::Ok,
        CheckState::Warning,
        CheckState::Failed,
        CheckState::Unknown,
    ];
    let states = states.map(|state| Sample::state(state.as_str(), state == now));
    page.metric("check_state", "How the check stands.", states);
    let checked = [Sample::time(at)];
    page.metric("check_timestamp_seconds", "When it was checked.", checked);
    page.0
}

/// The program and the trust stores.
fn judged_by(head: &Head) -> String {
    let mut page = Page::default();
    let tool = Sample::of(format!("{{tool=\"{}\"}}", escaped(&cut(&head.tool))), 1);
    page.metric("build_info", "The program that checked.", [tool]);
    let stores = head.trust_stores.iter().map(|store| {
        let name = escaped(&printable(&store.name));
        let labels = format!("{{store=\"{name}\",sha256=\"{}\"}}", store.hash);
        Sample::of(labels, store.roots as u64)
    });
    let help = "Roots of each trust store judged by.";
    page.metric("trust_store_roots", help, stores);
    page.0
}

/// The latest scan: when, how it ended, and what became of its targets.
fn last_scan(scan: &ScanRow) -> String {
    let mut page = Page::default();
    let started = [Sample::time(scan.started_at)];
    let help = "When the latest scan began.";
    page.metric("last_scan_start_timestamp_seconds", help, started);
    let ended = scan.finished_at.map(Sample::time);
    let help = "When the latest scan ended; absent while it runs.";
    page.metric("last_scan_end_timestamp_seconds", help, ended);
    let states = [
        ScanState::Running,
        ScanState::Complete,
        ScanState::Stopped,
        ScanState::Interrupted,
        ScanState::Failed,
    ];
    let states = states.map(|state| Sample::state(state.as_str(), state == scan.state));
    page.metric("last_scan_state", "How the latest scan stands.", states);
    let outcomes = scan
        .outcomes
        .iter()
        .map(|(outcome, count)| Sample::of(format!("{{outcome=\"{outcome}\"}}"), count));
    let help = "Targets of the latest scan by outcome.";
    page.metric("last_scan_targets", help, outcomes);
    page.0
}
