//! A check → the text format that Prometheus scrapes (its "Exposition
//! formats", version 0.0.4).

use std::fmt::Write as _;
use std::io::{self, BufWriter, Read, Seek, Write};

use super::line::cut;
use super::{Check, CheckState, Installation};
use crate::domain::{ScanState, Severity, Timestamp, printable};

/// Metrics on their way out. All samples of a metric stand together, so those
/// of the second one wait in a spool while the first is written.
#[derive(Debug)]
pub struct Prometheus<Out, Spool: Write> {
    out: Out,
    spool: BufWriter<Spool>,
}

const OWN: &str = "certsweep_certificate_not_after_timestamp_seconds";
const CHAIN: &str = "certsweep_chain_not_after_timestamp_seconds";

impl<Out: Write, Spool: Read + Write + Seek> Prometheus<Out, Spool> {
    /// Begins with the certificates. `spool` is empty.
    pub fn begin(mut out: Out, spool: Spool) -> io::Result<Self> {
        let help = "End of validity of each installation's own certificate.";
        out.write_all(heading(OWN, help).as_bytes())?;
        let spool = BufWriter::new(spool);
        Ok(Self { out, spool })
    }

    /// Writes an installation's ends; what can't be read has none.
    pub fn row(&mut self, row: &Installation) -> io::Result<()> {
        let labels = labels(row);
        if let Some(end) = row.certificate.not_after {
            writeln!(self.out, "{OWN}{{{labels}}} {}", end.seconds())?;
        }
        if let Some(end) = row.chain_not_after {
            writeln!(self.spool, "{CHAIN}{{{labels}}} {}", end.seconds())?;
        }
        Ok(())
    }

    /// Ends with what the check counted.
    pub fn end(mut self, check: &Check) -> io::Result<()> {
        let help = "Earliest end of validity in each installation's chain.";
        self.out.write_all(heading(CHAIN, help).as_bytes())?;
        let mut spool = self.spool.into_inner()?;
        spool.rewind()?;
        io::copy(&mut spool, &mut self.out)?;
        self.out.write_all(counts(check).as_bytes())?;
        self.out.flush()
    }
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

fn counts(check: &Check) -> String {
    let counts = check.counts();
    let mut page = String::new();
    let mut metric = |name: &str, help: &str, samples: Vec<(String, String)>| {
        let name = format!("certsweep_{name}");
        page += &heading(&name, help);
        for (labels, value) in samples {
            // Writing to a String can't fail.
            let _ = writeln!(page, "{name}{labels} {value}");
        }
    };
    let one = |value: u64| vec![(String::new(), value.to_string())];
    let help = "Installations by the severity of their worst finding.";
    let by_severity = Severity::ALL.map(|severity| {
        let count = counts.by_severity.get(&severity).copied();
        (
            format!("{{severity=\"{severity}\"}}"),
            count.unwrap_or(0).to_string(),
        )
    });
    metric("installations_with_severity", help, by_severity.to_vec());
    let by_finding = counts.by_finding.iter().map(|((rule, severity), count)| {
        let labels = format!("{{finding=\"{rule}\",severity=\"{severity}\"}}");
        (labels, count.to_string())
    });
    metric(
        "installations_with_finding",
        "Installations by finding.",
        by_finding.collect(),
    );
    metric(
        "installations",
        "Installations that were checked.",
        one(counts.installations),
    );
    metric(
        "installations_failing",
        "Installations that make the check fail.",
        one(counts.failing),
    );
    metric(
        "installations_unjudged",
        "Installations that nobody judged.",
        one(counts.unjudged),
    );
    metric("endpoints", "Known endpoints.", one(counts.endpoints));
    let help = "Known endpoints that were not looked at for too long.";
    metric("endpoints_overdue", help, one(counts.overdue));
    let states = [
        CheckState::Ok,
        CheckState::Warning,
        CheckState::Failed,
        CheckState::Unknown,
    ];
    let states = states.map(|state| {
        let holds = u8::from(state == check.state());
        (
            format!("{{state=\"{}\"}}", state.as_str()),
            holds.to_string(),
        )
    });
    metric("check_state", "How the check stands.", states.to_vec());
    let now = vec![(String::new(), seconds(check.terms().now))];
    metric("check_timestamp_seconds", "When it was checked.", now);
    scan(check, &mut metric);
    page
}

/// The latest scan: when, how it ended, and what became of its targets.
fn scan(check: &Check, metric: &mut dyn FnMut(&str, &str, Vec<(String, String)>)) {
    let Some(scan) = check.last_scan() else {
        return;
    };
    let started = vec![(String::new(), seconds(scan.started_at))];
    metric(
        "last_scan_start_timestamp_seconds",
        "When the latest scan began.",
        started,
    );
    let finished = scan.finished_at.map(|at| (String::new(), seconds(at)));
    let help = "When the latest scan ended; absent while it runs.";
    metric(
        "last_scan_end_timestamp_seconds",
        help,
        finished.into_iter().collect(),
    );
    let states = [
        ScanState::Running,
        ScanState::Complete,
        ScanState::Stopped,
        ScanState::Interrupted,
        ScanState::Failed,
    ];
    let states = states.map(|state| {
        let holds = u8::from(state == scan.state);
        (
            format!("{{state=\"{}\"}}", state.as_str()),
            holds.to_string(),
        )
    });
    metric(
        "last_scan_state",
        "How the latest scan stands.",
        states.to_vec(),
    );
    let outcomes = scan
        .outcomes
        .iter()
        .map(|(outcome, count)| (format!("{{outcome=\"{outcome}\"}}"), count.to_string()));
    let help = "Targets of the latest scan by outcome.";
    metric("last_scan_targets", help, outcomes.collect());
}

fn seconds(at: Timestamp) -> String {
    at.seconds().to_string()
}
