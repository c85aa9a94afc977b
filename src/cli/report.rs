use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::appraisal::Appraisal;
use super::certificate_files::{CertificateFiles, Depth, Encoding, Folder, Place};
use super::destination::Destination;
use super::exit::Exit;
use super::failure::Failure;
use super::filter::{self, Filters, Wanted};
use super::trust::TrustFlags;
use super::{Context, endpoints, html, inventory, owners};
use crate::domain::{InvalidTimestamp, Timestamp, clock, printable};
use crate::report::html::Scope;
use crate::report::{
    COVERAGE, Cbom, ENDPOINTS, Format, Head, INSTALLATIONS, Mailbox, Report, ScanRow, Table,
};
use crate::store::{Detail, Filter, Inventory, SqliteInventory, SqliteSink, StoreError};

/// Write the installations, the endpoints or the coverage of the inventory
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep report --format csv -o certificates.csv
  certsweep report --format jsonl --pem --expiring 30d
  certsweep report --format html -o certificates.html
  certsweep report --format csv --of coverage --network 10.0.0.0/16
  certsweep report --format pem --chain -o certificates/
  certsweep report --at 2026-03-01    what was known at the end of that day")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Arguments {
    /// The form
    #[arg(long, value_enum, default_value_t)]
    format: Form,

    /// What it is of
    #[arg(long, value_enum, default_value_t)]
    of: Subject,

    /// The installations known then, judged by that day: a date (its end, in
    /// UTC) or an RFC 3339 time
    #[arg(long, value_name = "DATE", value_parser = moment)]
    at: Option<Timestamp>,

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

    /// A file for each, in the directory of -o
    #[arg(long, value_enum, value_name = "BY")]
    split: Option<Split>,

    /// Only what has crossed a threshold of expiry that its owner was not
    /// written to about, and remember it; in messages
    #[arg(long)]
    notify_once: bool,

    /// Who messages are from
    #[arg(long, value_name = "ADDRESS", default_value = "certsweep@localhost")]
    mail_from: Mailbox,

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

/// What is made of the rows.
#[derive(Clone, Debug)]
enum Product {
    /// A report with a row for each.
    Table(Format),
    /// A page of installations and what is to be said of them together.
    Page,
    /// The certificates in them.
    Certificates(Encoding),
    /// A bill of materials.
    Cbom,
    /// A file for each owner.
    Owners(owners::Form),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// A row for each certificate at each question
    #[default]
    Installations,
    /// A row for each endpoint that spoke
    Endpoints,
    /// A row for each network and port: what became of its addresses
    Coverage,
}

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let product = self.product()?;
        let now = self.now()?;
        let mut wanted = self.filters.clone().into_wanted(now)?;
        wanted.inventory.known_at = self.at.map(|_| now);
        self.refuse_foreign(&wanted)?;
        let stores = self.trust.clone().stores(&context)?;
        let db = context.db();
        // Taken before anything is read, so that no two runs tell the same.
        let mut told = if self.notify_once {
            Some(SqliteSink::open(&db).await?)
        } else {
            None
        };
        let inventory = inventory::open(&db).await?;
        if let Some(at) = wanted.inventory.known_at {
            refuse_before_first_scan(&inventory, at).await?;
        }
        let mut appraisal =
            Appraisal::begin(&inventory, stores, &context.config.policy, now).await?;
        match product {
            Product::Owners(form) => {
                let folder = self.file().unwrap_or(Path::new("."));
                let mut source = owners::Source {
                    appraisal: &mut appraisal,
                    wanted: &wanted,
                };
                let count = source.write(form, told.as_mut(), folder, &db).await?;
                let folder = printable(&folder.to_string_lossy());
                context.printer.note(&format!("{count} files in {folder}"));
            }
            Product::Table(form) => {
                let mut source = Rows {
                    appraisal: &mut appraisal,
                    inventory: &inventory,
                    wanted: &wanted,
                    subject: self.of,
                    detail: if self.pem {
                        Detail::FactsAndDer
                    } else {
                        Detail::Facts
                    },
                };
                match self.file() {
                    None => source.write(context.printer.stream(), form).await?,
                    Some(path) => {
                        let mut destination = Destination::open(path, &db)?;
                        source.write(&mut destination, form).await?;
                        destination.finish()?;
                    }
                }
            }
            Product::Page => {
                let scope = Scope::of([self.filters.words(), self.trust.words()].concat());
                match self.file() {
                    None => {
                        let out = context.printer.stream();
                        html::write(&inventory, &mut appraisal, &wanted, scope, out).await?;
                    }
                    Some(path) => {
                        let mut out = Destination::open(path, &db)?;
                        html::write(&inventory, &mut appraisal, &wanted, scope, &mut out).await?;
                        out.finish()?;
                    }
                }
            }
            Product::Certificates(encoding) => {
                let place = match self.file() {
                    None => Place::Stream(BufWriter::new(context.printer.stream())),
                    Some(path) => Place::Folder(Folder::open(path, encoding)?),
                };
                let mut files = CertificateFiles::new(place, self.depth());
                appraisal
                    .installations(&wanted, Detail::FactsAndDer, |row| files.row(&row))
                    .await?;
                files.finish(&inventory).await?;
            }
            Product::Cbom => {
                let bill = bill(&mut appraisal, &wanted).await?;
                match self.file() {
                    None => write_bill(&bill, context.printer.stream(), &appraisal.head())?,
                    Some(path) => {
                        let mut destination = Destination::open(path, &db)?;
                        write_bill(&bill, &mut destination, &appraisal.head())?;
                        destination.finish()?;
                    }
                }
            }
        }
        if self.of == Subject::Installations && wanted == Wanted::default() {
            appraisal.tell_unmatched(&context.printer);
        }
        inventory.close().await;
        if let Some(told) = told {
            told.close().await?;
        }
        Ok(Exit::Done)
    }

    fn refuse_foreign(&self, wanted: &Wanted) -> Result<(), Failure> {
        if self.of == Subject::Coverage
            && let Some(flag) = filter::foreign_to_ledger(wanted)
        {
            return Err(
                Failure::usage(format_args!("the coverage knows nothing of {flag}")).hint(Some(
                    "it takes --network, --port, --zone, --name and --scan",
                )),
            );
        }
        Ok(())
    }

    /// The moment to judge by.
    fn now(&self) -> Result<Timestamp, Failure> {
        let now = clock::now();
        match self.at {
            Some(_) if self.of != Subject::Installations => {
                Err(Failure::usage("--at needs --of installations"))
            }
            // The day is not over yet.
            Some(at) if at > now && at.date() == now.date() => Ok(now),
            Some(at) if at > now => Err(Failure::usage(format_args!("--at {at} is to come")).hint(
                Some("nothing is known of the future; without --at it is now"),
            )),
            Some(at) => Ok(at),
            None => Ok(now),
        }
    }

    /// The file or directory that was named.
    fn file(&self) -> Option<&Path> {
        let named = self.output.as_deref();
        named.filter(|path| path.as_os_str() != "-")
    }

    fn depth(&self) -> Depth {
        if self.chain {
            Depth::Chain
        } else {
            Depth::Leaf
        }
    }

    fn product(&self) -> Result<Product, Failure> {
        let refuse =
            |flag: &str, needs: &str| Err(Failure::usage(format_args!("{flag} needs {needs}")));
        let of_certificates = matches!(self.format, Form::Pem | Form::Der);
        let of_installations = of_certificates
            || matches!(self.format, Form::Html | Form::Cbom | Form::Eml)
            || self.split.is_some();
        if self.notify_once && self.format != Form::Eml {
            return refuse("--notify-once", "--format eml");
        }
        if self.notify_once && self.at.is_some() {
            return refuse("--notify-once", "the present, without --at");
        }
        if self.split.is_some()
            && (of_certificates || matches!(self.format, Form::Html | Form::Cbom))
        {
            return refuse("--split owner", "--format csv, jsonl or eml");
        }
        if (self.split.is_some() || self.format == Form::Eml) && self.file().is_none() {
            return refuse("--split owner and --format eml", "-o DIRECTORY");
        }
        if self.pem && self.split.is_some() {
            return refuse("--pem", "one report, without --split");
        }
        if of_installations && self.of != Subject::Installations {
            return refuse("this form", "--of installations");
        }
        if self.chain && !of_certificates {
            return refuse("--chain", "--format pem or der");
        }
        if self.excel && self.format != Form::Csv {
            return refuse("--excel", "--format csv");
        }
        if self.pem && self.format != Form::Jsonl {
            return refuse("--pem", "--format jsonl");
        }
        if self.pem && self.of != Subject::Installations {
            return refuse("--pem", "--of installations");
        }
        if self.split.is_some() {
            let format = match self.format {
                Form::Csv if self.excel => Format::Excel,
                Form::Jsonl => Format::JsonLines,
                _ => Format::Csv,
            };
            if self.format != Form::Eml {
                return Ok(Product::Owners(owners::Form::Table(format)));
            }
        }
        match self.format {
            Form::Eml => Ok(Product::Owners(owners::Form::Message(
                self.mail_from.clone(),
            ))),
            Form::Csv if self.excel => Ok(Product::Table(Format::Excel)),
            Form::Csv => Ok(Product::Table(Format::Csv)),
            Form::Jsonl => Ok(Product::Table(Format::JsonLines)),
            Form::Html => Ok(Product::Page),
            Form::Pem => Ok(Product::Certificates(Encoding::Pem)),
            Form::Der if self.file().is_none() => refuse("--format der", "-o DIRECTORY"),
            Form::Der => Ok(Product::Certificates(Encoding::Der)),
            Form::Cbom => Ok(Product::Cbom),
        }
    }
}

/// A date, which is its last moment in UTC, or a time.
fn moment(text: &str) -> Result<Timestamp, String> {
    let end_of_day = format!("{text}T23:59:59.999999Z").parse();
    end_of_day
        .or_else(|_| text.parse())
        .map_err(|_: InvalidTimestamp| {
            "not a date like 2026-11-21, nor a time like 2026-11-21T08:00:00Z".to_owned()
        })
}

async fn refuse_before_first_scan(
    inventory: &SqliteInventory,
    at: Timestamp,
) -> Result<(), Failure> {
    let mut first: Option<ScanRow> = None;
    let mut keep = |scan| {
        first = Some(scan);
        ControlFlow::Break(())
    };
    inventory.scans(&mut keep).await?;
    let first = first.map(|scan| (scan.id, scan.started_at));
    if first.is_none_or(|(_, began)| began > at) && has_import_of(inventory, at).await? {
        return Ok(());
    }
    match first {
        Some((_, began)) if began <= at => Ok(()),
        Some((id, began)) => Err(Failure::usage(format_args!("nothing is known of {at}"))
            .hint(Some(format!("scan {id}, the first one, began at {began}")))),
        None => Err(Failure::usage(format_args!("nothing is known of {at}"))
            .hint(Some("there was no scan yet"))),
    }
}

async fn bill(appraisal: &mut Appraisal<'_>, wanted: &Wanted) -> Result<Cbom, Failure> {
    let mut bill = Cbom::default();
    let visit = |row| {
        bill.row(&row);
        ControlFlow::Continue(())
    };
    appraisal
        .installations(wanted, Detail::Facts, visit)
        .await?;
    Ok(bill)
}

fn write_bill(bill: &Cbom, out: impl Write, head: &Head) -> Result<(), Failure> {
    let mut out = BufWriter::new(out);
    bill.write(&mut out, head)
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))
}

/// Whether any certificate had been imported by then.
async fn has_import_of(inventory: &SqliteInventory, at: Timestamp) -> Result<bool, Failure> {
    let then = Filter {
        known_at: Some(at),
        ..Filter::default()
    };
    let mut found = false;
    let mut visit = |_| {
        found = true;
        ControlFlow::Break(())
    };
    inventory
        .installations(&then, Detail::Facts, &mut visit)
        .await?;
    Ok(found)
}

/// Writes everything in the inventory as CSV.
pub(super) async fn write_csv(
    inventory: &SqliteInventory,
    out: impl Write + Send,
    context: &Context,
    now: Timestamp,
) -> Result<(), Failure> {
    let stores = TrustFlags::default().stores(context)?;
    let mut appraisal = Appraisal::begin(inventory, stores, &context.config.policy, now).await?;
    let mut rows = Rows {
        appraisal: &mut appraisal,
        inventory,
        wanted: &Wanted::default(),
        subject: Subject::Installations,
        detail: Detail::Facts,
    };
    rows.write(out, Format::Csv).await
}

/// The rows that a report is made of.
struct Rows<'a, 'i> {
    appraisal: &'a mut Appraisal<'i>,
    inventory: &'a SqliteInventory,
    wanted: &'a Wanted,
    subject: Subject,
    detail: Detail,
}

impl Rows<'_, '_> {
    /// Streams them from the inventory to `out`.
    async fn write(&mut self, out: impl Write + Send, form: Format) -> Result<(), Failure> {
        let Self { wanted, detail, .. } = *self;
        match self.subject {
            Subject::Installations => {
                let mut page = Page::begin(out, form, &INSTALLATIONS, self.appraisal.head())?;
                let visit = |row| page.row(&row);
                let read = self.appraisal.installations(wanted, detail, visit).await;
                page.end(read)
            }
            Subject::Endpoints => {
                let mut page = Page::begin(out, form, &ENDPOINTS, self.appraisal.head())?;
                let mut visit = |row| page.row(&row);
                let appraisal = &mut *self.appraisal;
                let read = endpoints::read(self.inventory, appraisal, wanted, &mut visit).await;
                page.end(read)
            }
            Subject::Coverage => {
                let head = Head::at(self.appraisal.now());
                let mut page = Page::begin(out, form, &COVERAGE, head)?;
                let mut visit = |row| page.row(&row);
                let filter = &wanted.inventory;
                let read = self.inventory.coverage(filter, &mut visit).await;
                page.end(read)
            }
        }
    }
}

/// A report under way, and the first thing that went wrong with it.
struct Page<Row: 'static, Out: Write> {
    report: Report<Row, Out>,
    written: io::Result<()>,
}

impl<Row, Out: Write> Page<Row, Out> {
    fn begin(
        out: Out,
        form: Format,
        table: &'static Table<Row>,
        head: Head,
    ) -> Result<Self, Failure> {
        let report = Report::begin(out, form, table, head);
        Ok(Self {
            report: report.map_err(|error| Failure::output(&error))?,
            written: Ok(()),
        })
    }

    fn row(&mut self, row: &Row) -> ControlFlow<()> {
        self.written = self.report.row(row);
        match self.written {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    fn end(self, read: Result<(), StoreError>) -> Result<(), Failure> {
        read?;
        let ended = self.written.and_then(|()| self.report.end());
        ended.map_err(|error| Failure::output(&error))
    }
}
