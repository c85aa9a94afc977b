//! Installations → what a report makes of them: a document, certificates, or
//! a file for each owner.

use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;

use super::certificate_files::{CertificateFiles, Depth, Encoding, Folder, Place};
use super::failure::Failure;
use super::rows::{Listed, Rows, Subject};
use super::{Context, html, owners};
use crate::appraisal::{Appraisal, Wanted};
use crate::domain::{counted, printable};
use crate::report::html::Scope;
use crate::report::{Cbom, Format, Head};
use crate::store::{Detail, SqliteInventory, SqliteSink};

/// What is made of the installations.
#[derive(Clone, Debug)]
pub(super) enum Product {
    /// One document.
    Document(Document),
    /// The certificates in them.
    Certificates(Encoding),
    /// A file for each owner.
    Owners(owners::Form),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Document {
    /// A row for each.
    Table(Format),
    /// A page of installations and what is to be said of them together.
    Page,
    /// A bill of materials.
    Cbom,
}

/// A report about to be made.
pub(super) struct Making<'a> {
    pub(super) inventory: &'a SqliteInventory,
    pub(super) appraisal: Appraisal<'a>,
    pub(super) wanted: &'a Wanted,
    pub(super) subject: Subject,
    pub(super) listed: Listed,
    pub(super) detail: Detail,
    pub(super) depth: Depth,
    pub(super) scope: Scope,
    /// The file or directory that was named.
    pub(super) file: Option<&'a Path>,
    pub(super) db: &'a Path,
    pub(super) context: &'a Context,
}

impl Making<'_> {
    /// Writes what is asked for, with `told` only what owners were not told of.
    pub(super) async fn write(
        &mut self,
        product: Product,
        told: Option<&mut SqliteSink>,
    ) -> Result<(), Failure> {
        match product {
            Product::Owners(form) => self.files_of_owners(form, told).await,
            Product::Certificates(encoding) => self.certificates(encoding).await,
            Product::Document(document) => match self.file {
                None => {
                    let out = self.context.printer.stream();
                    self.document(document, out).await
                }
                Some(path) => {
                    let mut destination = self.context.destination(path, self.db)?;
                    self.document(document, &mut destination).await?;
                    destination.finish()
                }
            },
        }
    }

    async fn document(
        &mut self,
        document: Document,
        out: impl Write + Send,
    ) -> Result<(), Failure> {
        let (appraisal, wanted) = (&mut self.appraisal, self.wanted);
        match document {
            Document::Page => {
                let scope = self.scope.clone();
                html::write(self.inventory, appraisal, wanted, scope, out).await
            }
            Document::Cbom => {
                let bill = bill(appraisal, wanted).await?;
                write_bill(&bill, out, &appraisal.head())
            }
            Document::Table(form) => {
                let mut rows = Rows {
                    appraisal,
                    inventory: self.inventory,
                    wanted,
                    subject: self.subject,
                    listed: self.listed,
                    detail: self.detail,
                };
                rows.write(out, form).await
            }
        }
    }

    async fn certificates(&mut self, encoding: Encoding) -> Result<(), Failure> {
        let mode = self.context.config.file_mode.unwrap_or_default();
        let place = match self.file {
            None => Place::Stream(BufWriter::new(self.context.printer.stream())),
            Some(path) => Place::Folder(Folder::open(path, encoding, mode)?),
        };
        let mut files = CertificateFiles::new(place, self.depth);
        self.appraisal
            .installations(self.wanted, Detail::FactsAndDer, |row| files.row(&row))
            .await?;
        files.finish(self.inventory).await
    }

    async fn files_of_owners(
        &mut self,
        form: owners::Form,
        told: Option<&mut SqliteSink>,
    ) -> Result<(), Failure> {
        let folder = self.file.unwrap_or(Path::new("."));
        let mut source = owners::Source {
            appraisal: &mut self.appraisal,
            wanted: self.wanted,
            mode: self.context.config.file_mode.unwrap_or_default(),
        };
        let count = source.write(form, told, folder, self.db).await?;
        let folder = printable(&folder.to_string_lossy());
        self.context
            .printer
            .note(&format!("{} in {folder}", counted(count, "file")));
        Ok(())
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
