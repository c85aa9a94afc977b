use std::fmt::Write;

use askama::Template;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::about::About;
use super::breakdown::{Bar, Breakdown, Label, share};
use super::changes::Changes;
use super::figures::{Figures, RuleFigures, SOON};
use super::ledger::Ledger;
use super::scope::Scope;
use super::table::{COLUMNS, Column};
use super::text::Count;
use super::timeline::Drawing;
use super::worst::WorstRows;
use crate::domain::Severity;

/// The page, ready to be written.
#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct Document<'a> {
    policy: String,
    style: &'static str,
    script: &'static str,
    about: &'a About,
    scope: String,
    /// Installations that count as one with others.
    absorbed: Count,
    headlines: Vec<Headline>,
    severities: Vec<SeverityLine>,
    groups: Vec<Group>,
    timeline: Drawing,
    charts: Vec<Chart>,
    ledger: &'a Ledger,
    ledger_command: String,
    changes: Option<ComparedScans<'a>>,
    columns: &'static [Column],
    rows: &'a WorstRows,
    shown_rows: Count,
    left_out: Count,
    all_rows: String,
    show_command: String,
}

/// A number that the page opens with.
struct Headline {
    count: Count,
    /// What is counted.
    unit: &'static str,
    tone: &'static str,
    /// What lists exactly these.
    command: String,
}

/// Installations whose worst finding is of one severity.
struct SeverityLine {
    word: &'static str,
    count: Count,
    share: String,
    /// What lists exactly these.
    command: Option<String>,
    /// Where its part of the bar begins, and how long it is, in thousandths.
    start: u64,
    length: u64,
}

/// The rules whose worst finding is of one severity.
struct Group {
    word: &'static str,
    rules: Vec<RuleLine>,
}

struct RuleLine {
    id: &'static str,
    title: &'static str,
    advice: &'static str,
    citation: &'static str,
    count: Count,
    /// `3 critical, 12 warning`, where they differ.
    split: String,
    accepted: Count,
    command: Option<String>,
}

impl RuleLine {
    /// How many have it, or where nobody minds, how many did.
    fn shown(&self) -> Count {
        match self.count {
            Count(0) => self.accepted,
            count => count,
        }
    }
}

struct Chart {
    title: &'static str,
    unit: &'static str,
    kind: &'static str,
    bars: Vec<Bar>,
}

/// What changed, and the command that lists exactly that.
struct ComparedScans<'a> {
    changes: &'a Changes,
    command: Option<String>,
}

const STYLE: &str = include_str!("../../../templates/report.css");
const SCRIPT: &str = include_str!("../../../templates/report.js");

/// Protocol versions that nobody should accept any more (RFC 6176, RFC 7568,
/// RFC 8996).
const LEGACY: [&str; 4] = ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"];

impl<'a> Document<'a> {
    pub(super) fn of(
        about: &'a About,
        figures: &'a Figures,
        rows: &'a WorstRows,
        ledger: &'a Ledger,
        changes: Option<&'a Changes>,
    ) -> Self {
        let counted = match figures.absorbed {
            0 => about.scope.clone(),
            _ => about.scope.clone().distinct(),
        };
        Self {
            policy: policy(),
            style: STYLE,
            script: SCRIPT,
            about,
            scope: about.scope.command("report"),
            absorbed: Count(figures.absorbed),
            headlines: headlines(&counted, figures),
            severities: severities(&counted, figures),
            groups: groups(about, &counted, figures),
            timeline: figures.charts.timeline.drawing(),
            charts: charts(figures),
            ledger,
            ledger_command: about.scope.ledger_command("report --of coverage"),
            changes: changes.map(|changes| ComparedScans {
                changes,
                command: about.scope.diff_command(changes.before, changes.last),
            }),
            columns: &COLUMNS,
            rows,
            shown_rows: Count(u64::try_from(rows.len()).unwrap_or(u64::MAX)),
            left_out: Count(rows.left_out()),
            all_rows: about.scope.command("report --format csv"),
            show_command: about.scope.show_command(),
        }
    }
}

/// Nothing may be loaded or sent, and nothing runs but what we wrote: a hash
/// for each inline block (CSP level 3, section 6.7.3.3).
fn policy() -> String {
    let hash = |text: &str| {
        let digest = digest::digest(&digest::SHA256, text.as_bytes());
        STANDARD.encode(digest)
    };
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; \
         base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
}

/// Those that the report's filters leave no room for are left out.
fn headlines(scope: &Scope, figures: &Figures) -> Vec<Headline> {
    let alarming = |count: u64, tone| if count == 0 { "" } else { tone };
    let headlines = [
        (
            figures.installations,
            "installations: a certificate where it is used",
            "",
            Some(scope.command("report")),
        ),
        (
            figures.certificates(),
            "different certificates",
            "",
            Some(scope.certs_command()),
        ),
        (
            figures.expired,
            "installations of expired certificates",
            alarming(figures.expired, "critical"),
            scope.expired_command(),
        ),
        (
            figures.expiring,
            "installations that expire within 30 days",
            alarming(figures.expiring, "warning"),
            scope.expiring_command(SOON),
        ),
        (
            figures.missing,
            "installations no longer seen where they were",
            "",
            scope.chosen("--state", "missing"),
        ),
    ];
    let headlines = headlines.into_iter();
    let headlines = headlines.filter_map(|(count, unit, tone, command)| {
        Some(Headline {
            count: Count(count),
            unit,
            tone,
            command: command?,
        })
    });
    headlines.collect()
}

/// Worst first, then those without a finding.
fn severities(scope: &Scope, figures: &Figures) -> Vec<SeverityLine> {
    let words = Severity::ALL.into_iter().map(Severity::as_str);
    let counted = std::iter::once("none").chain(words).zip(figures.ranks);
    let total = figures.installations;
    let mut before = 0;
    let mut lines = Vec::new();
    for (word, count) in counted.collect::<Vec<_>>().into_iter().rev() {
        let start = before * 1000 / total.max(1);
        before += count;
        lines.push(SeverityLine {
            word,
            count: Count(count),
            share: share(count, total),
            command: scope.chosen("--severity", word),
            start,
            length: before * 1000 / total.max(1) - start,
        });
    }
    lines
}

/// The rules that found something, worst and most frequent first.
fn groups(about: &About, counted: &Scope, figures: &Figures) -> Vec<Group> {
    let worst_first = Severity::ALL.into_iter().rev().map(Some).chain([None]);
    let group = |severity: Option<Severity>| {
        let findings = figures.findings.iter();
        let mut found: Vec<_> = findings.filter(|(_, it)| it.worst() == severity).collect();
        found.sort_unstable_by_key(|(id, it)| (std::cmp::Reverse(it.installations()), **id));
        Group {
            word: severity.map_or("accepted", Severity::as_str),
            rules: found
                .into_iter()
                .map(|(id, it)| rule_line(about, counted, id, it))
                .collect(),
        }
    };
    worst_first
        .map(group)
        .filter(|group| !group.rules.is_empty())
        .collect()
}

fn rule_line(about: &About, counted: &Scope, id: &'static str, figures: &RuleFigures) -> RuleLine {
    let rule = about.rules.iter().find(|rule| rule.id == id);
    RuleLine {
        id,
        title: rule.map_or(id, |rule| rule.title),
        advice: rule.map_or("", |rule| rule.advice),
        citation: rule.map_or("", |rule| rule.citation),
        count: Count(figures.installations()),
        split: split(figures),
        accepted: Count(figures.accepted),
        command: match figures.worst() {
            Some(_) => counted.narrowed("--finding", id),
            None => counted.narrowed("--accepted", id),
        },
    }
}

/// How a rule's installations divide by severity, worst first; empty where
/// they do not.
fn split(figures: &RuleFigures) -> String {
    let counted = Severity::ALL.into_iter().zip(figures.severities).rev();
    let seen: Vec<_> = counted.filter(|(_, count)| *count > 0).collect();
    let mut text = String::new();
    for (severity, count) in &seen {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a String can't fail.
        let _ = write!(text, "{separator}{} {severity}", Count(*count));
    }
    if seen.len() > 1 { text } else { String::new() }
}

fn charts(figures: &Figures) -> Vec<Chart> {
    let charts = &figures.charts;
    let of_certificates = |title, kind, breakdown: &Breakdown| Chart {
        title,
        unit: "certificates",
        kind,
        bars: breakdown.bars(figures.certificates()),
    };
    let of_installations = |title, unit, kind, breakdown: &Breakdown| Chart {
        title,
        unit,
        kind,
        bars: breakdown.bars(figures.installations),
    };
    let protocols = "installations whose endpoint accepts it";
    vec![
        of_certificates("By issuer", "Issuer", &charts.issuers),
        of_certificates("By key", "Key", &charts.keys),
        of_installations("By protocol", protocols, "Protocol", &charts.protocols),
        of_installations("By network", "installations", "Network", &charts.networks),
    ]
}

impl Bar {
    /// Whether it stands for a protocol that is a fault in itself.
    fn is_legacy(&self) -> bool {
        matches!(&self.label, Label::Theirs(label) if LEGACY.contains(&label.as_str()))
    }
}
