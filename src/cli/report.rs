use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::certificate_files::{Depth, Encoding};
use super::day::{self, Day};
use super::exit::Exit;
use super::failure::Failure;
use super::filter::{self, Filters};
use super::printer::Printer;
use super::product::{Document, Making, Product};
use super::reports::{Naming, Written};
use super::rows::{Listed, Subject};
use super::trust::TrustFlags;
use super::unlisted::unlisted;
use super::{Context, inventory, owners};
use crate::appraisal::{Appraisal, Wanted};
use crate::domain::{clock, printable};
use crate::judge::Policy;
use crate::report::html::Scope;
use crate::report::{Format, Mailbox};
use crate::store::{Detail, SqliteSink};

/// Write the installations, the endpoints or the coverage of the inventory
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep report --format csv -o certificates.csv
  certsweep report --format jsonl --pem --expiring 30d
  certsweep report --format html -o certificates.html
  certsweep report --format csv --of coverage --network 10.0.0.0/16
  certsweep report --format pem --chain -o certificates/
  certsweep report --format eml --notify-once -o mail/
  certsweep report --at 2026-03-01    what was known at the end of that day")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Arguments {
    /// The form
    #[arg(long, value_enum, default_value_t)]
    format: Form,

    /// What it is of
    #[arg(long, value_enum, default_value_t)]
    of: Subject,

    #[command(flatten)]
    day: Day,

    /// Where to write it, - for stdout; for certificates a directory, where
    /// each becomes SHA256.pem or SHA256.der [default: stdout]
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,

    /// CSV for Excel: byte-order mark, CRLF, cells cut at 32,000 characters
    #[arg(long)]
    excel: bool,

    /// The certificates themselves, in JSON lines of installations
    #[arg(long)]
    pem: bool,

    /// Not only the servers' own certificates but all that they sent, in PEM
    /// and DER
    #[arg(long)]
    chain: bool,

    /// One row for a certificate on more ports of a host than the policy's
    /// `ports_per_host`, as it is counted elsewhere; in CSV and JSON lines
    #[arg(long)]
    distinct: bool,

    /// A file for each, in the directory of -o
    #[arg(long, value_enum, value_name = "BY")]
    split: Option<Split>,

    /// Only what has crossed a threshold of expiry that its owner was not
    /// written to about, and remember it; in messages, which never replace
    /// earlier ones
    #[arg(long)]
    notify_once: bool,

    /// Who messages are from [default: certsweep@localhost]
    #[arg(long, value_name = "ADDRESS")]
    mail_from: Option<Mailbox>,

    #[command(flatten)]
    filters: Filters,

    #[command(flatten)]
    trust: TrustFlags,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// RFC 4180
    #[default]
    Csv,
    /// One JSON object a line
    Jsonl,
    /// One page for a browser, with nothing to load
    Html,
    /// Each certificate once, RFC 7468
    Pem,
    /// Each certificate once, as received
    Der,
    /// CycloneDX 1.6, a cryptography bill of materials
    Cbom,
    /// A message for each owner with the CSV attached (RFC 5322); it is
    /// written and never sent
    Eml,
}

/// What has a file of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Split {
    /// Each owner's installations, by [[owner]] of the configuration
    Owner,
}

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        self.refuse_contradictions()?;
        self.refuse_foreign()?;
        let now = self.day.now()?;
        let known_at = self.day.is_past().then_some(now);
        let mut wanted = self
            .filters
            .clone()
            .into_wanted(now, &context.config.policy)?;
        wanted.inventory.known_at = known_at;
        let stores = self.trust.clone().stores(&context)?;
        let db = context.db();
        // Taken before anything is read, so that no two runs tell the same.
        let mut told = if self.notify_once {
            Some(SqliteSink::open(&db).await?)
        } else {
            None
        };
        let inventory = inventory::open_for(&db, &wanted).await?;
        if let Some(at) = known_at {
            day::vet(&inventory, at, &context.printer).await?;
        }
        let policy = &context.config.policy;
        let appraisal = match known_at {
            Some(at) => Appraisal::begin_at(&inventory, stores, policy, at).await?,
            None => Appraisal::begin(&inventory, stores, policy, now).await?,
        };
        let mut making = Making {
            inventory: &inventory,
            appraisal,
            wanted: &wanted,
            subject: self.of,
            listed: if self.distinct {
                Listed::Distinct
            } else {
                Listed::All
            },
            detail: self.detail(),
            depth: self.depth(),
            scope: self.scope().with(context.words()),
            file: self.file(),
            db: &db,
            context: &context,
        };
        making.write(self.product(), told.as_mut()).await?;
        if self.of == Subject::Installations && wanted == Wanted::default() {
            tell_unmatched(&making.appraisal, &context.printer);
        }
        if self.of == Subject::Coverage {
            for line in unlisted(&inventory).await?.lines() {
                context.printer.note(&format!("note: {line}"));
            }
        }
        inventory.close().await;
        if let Some(told) = told {
            told.close().await?;
        }
        Ok(Exit::Done)
    }

    fn refuse_foreign(&self) -> Result<(), Failure> {
        if self.of == Subject::Coverage
            && let Some(flag) = filter::foreign_to_ledger(&self.filters)
        {
            return Err(
                Failure::usage(format_args!("the coverage knows nothing of {flag}")).hint(Some(
                    "it takes --network, --port, --zone, --name and --scan",
                )),
            );
        }
        Ok(())
    }

    /// The file or directory that was named.
    fn file(&self) -> Option<&Path> {
        let named = self.output.as_deref();
        named.filter(|path| path.as_os_str() != "-")
    }

    /// What it is written as; `None` where that is no file.
    pub(super) fn written(&self) -> Option<Written> {
        self.file()?;
        Some(match self.product() {
            Product::Document(_) => Written::File,
            Product::Owners(_) if !self.notify_once => {
                Written::Folder(Naming::Owner(match self.format {
                    Form::Jsonl => "jsonl",
                    Form::Eml => "eml",
                    _ => "csv",
                }))
            }
            Product::Certificates(_) | Product::Owners(_) => Written::Folder(Naming::Contents),
        })
    }

    /// Refuses flags that name files which can't be read, owners that nobody
    /// knows, or a day to come.
    pub(super) fn refuse_unreadable(&self, policy: &Policy) -> Result<(), Failure> {
        self.day.now()?;
        self.trust.refuse_unreadable()?;
        let filters = self.filters.clone();
        filters.into_wanted(clock::now(), policy).map(drop)
    }

    /// What narrows the report, in the words of the command line.
    fn scope(&self) -> Scope {
        let filters = [self.filters.words(), self.trust.words()].concat();
        Scope::of(self.day.words().into_iter().chain(filters).collect()).soon(self.filters.soon())
    }

    fn detail(&self) -> Detail {
        if self.pem {
            Detail::FactsAndDer
        } else {
            Detail::Facts
        }
    }

    fn depth(&self) -> Depth {
        if self.chain {
            Depth::Chain
        } else {
            Depth::Leaf
        }
    }

    /// The first flag that makes no sense beside the others.
    pub(super) fn refuse_contradictions(&self) -> Result<(), Failure> {
        use Form::{Cbom, Csv, Der, Eml, Html, Jsonl, Pem};
        let (form, to_stdout) = (self.format, self.file().is_none());
        let (split, of_others) = (self.split.is_some(), self.of != Subject::Installations);
        let has_rows = matches!(form, Csv | Jsonl);
        let format = format!("--format {}", form.word());
        let contradictions = [
            (self.excel && form != Csv, "--excel", "--format csv"),
            (self.pem && form != Jsonl, "--pem", "--format jsonl"),
            (self.pem && of_others, "--pem", "--of installations"),
            (self.pem && split, "--pem", "one report, without --split"),
            (
                self.chain && !matches!(form, Pem | Der),
                "--chain",
                "--format pem or der",
            ),
            (
                self.distinct && !has_rows,
                "--distinct",
                "--format csv or jsonl",
            ),
            (
                self.distinct && of_others,
                "--distinct",
                "--of installations",
            ),
            (
                self.distinct && split,
                "--distinct",
                "one report, without --split",
            ),
            (
                split && matches!(form, Html | Pem | Der | Cbom),
                "--split owner",
                "--format csv, jsonl or eml",
            ),
            (split && of_others, "--split owner", "--of installations"),
            (split && to_stdout, "--split owner", "-o DIRECTORY"),
            (!has_rows && of_others, &format, "--of installations"),
            (
                self.day.is_past() && of_others,
                "--at",
                "--of installations",
            ),
            (
                matches!(form, Der | Eml) && to_stdout,
                &format,
                "-o DIRECTORY",
            ),
            (
                self.notify_once && form != Eml,
                "--notify-once",
                "--format eml",
            ),
            (
                self.mail_from.is_some() && form != Eml,
                "--mail-from",
                "--format eml",
            ),
            (
                self.notify_once && self.day.is_past(),
                "--notify-once",
                "the present, without --at",
            ),
        ];
        match contradictions.iter().find(|(is_one, ..)| *is_one) {
            None => Ok(()),
            Some((_, flag, needs)) => Err(Failure::usage(format_args!("{flag} needs {needs}"))),
        }
    }

    /// What is asked for, where nothing contradicts it.
    fn product(&self) -> Product {
        let table = match self.format {
            Form::Jsonl => Format::JsonLines,
            _ if self.excel => Format::Excel,
            _ => Format::Csv,
        };
        match self.format {
            Form::Csv | Form::Jsonl if self.split.is_some() => {
                Product::Owners(owners::Form::Table(table))
            }
            Form::Csv | Form::Jsonl => Product::Document(Document::Table(table)),
            Form::Html => Product::Document(Document::Page),
            Form::Pem => Product::Certificates(Encoding::Pem),
            Form::Der => Product::Certificates(Encoding::Der),
            Form::Cbom => Product::Document(Document::Cbom),
            Form::Eml => {
                let from = self.mail_from.clone().unwrap_or_default();
                Product::Owners(owners::Form::Message(from))
            }
        }
    }
}

impl Form {
    /// Its word on the command line.
    fn word(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Tells which acceptances of the configuration were of no use, after all of
/// an inventory was judged.
fn tell_unmatched(appraisal: &Appraisal<'_>, printer: &Printer) {
    for acceptance in appraisal.unmatched() {
        let (origin, finding) = (&acceptance.origin, acceptance.finding);
        let line = format!("note: {origin}: no {finding} to accept any more");
        printer.note(&printable(&line));
    }
}
