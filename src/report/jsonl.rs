//! Rows → JSON lines (RFC 8259, one object a line).

use std::io::{self, Write};

use pem::{EncodeConfig, LineEnding, Pem};
use serde::ser::Serialize;
use serde_json::ser::Serializer;

use super::column::Column;
use super::head::Head;
use super::inert::Inert;
use super::stretches::Stretches;
use super::table::Table;
use crate::domain::{Der, Timestamp, is_hazardous};

/// The version of the fields: it grows when one changes its meaning or goes,
/// not when one is added.
const SCHEMA: u32 = 1;

/// Writes any document as one line, as safe for a terminal as a report's.
pub fn document(out: &mut dyn io::Write, document: &serde_json::Value) -> io::Result<()> {
    document.serialize(&mut Serializer::with_formatter(
        &mut *out,
        Inert(is_hazardous),
    ))?;
    out.write_all(b"\n")
}

/// JSON lines, being written.
#[derive(Debug)]
pub(super) struct JsonLines<Out: io::Write> {
    out: io::BufWriter<Out>,
    stretches: Stretches,
    /// What every line ends with: of the report, not of a row.
    about: Vec<u8>,
    /// Reused for every row.
    line: Vec<u8>,
}

impl<Out: io::Write> JsonLines<Out> {
    pub(super) fn new(out: Out, kind: &str, head: &Head) -> io::Result<Self> {
        Ok(Self {
            out: io::BufWriter::new(out),
            stretches: Stretches::default(),
            about: about(kind, head)?,
            line: Vec::new(),
        })
    }

    /// The same with another bound of what it remembers, in bytes.
    pub(super) fn remembering(self, most: usize) -> Self {
        Self {
            stretches: Stretches::up_to(most),
            ..self
        }
    }

    /// Writes one row as one line.
    pub(super) fn row<Row>(
        &mut self,
        table: &Table<Row>,
        row: &Row,
        now: Timestamp,
    ) -> io::Result<()> {
        let line = &mut self.line;
        line.clear();
        line.push(b'{');
        let write = |columns: &[Column<Row>], line: &mut Vec<u8>| {
            columns.iter().try_for_each(|column| {
                push(line, column.name, &(column.value)(row, now))?;
                line.push(b',');
                Ok(())
            })
        };
        self.stretches.push(table, row, line, write)?;
        line.extend_from_slice(&self.about);
        if let Some(der) = (table.certificate)(row) {
            line.push(b',');
            push(line, "pem", &pem(der))?;
        }
        line.extend_from_slice(b"}\n");
        self.out.write_all(line)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A member of an object.
fn push(line: &mut Vec<u8>, name: &str, value: &impl Serialize) -> io::Result<()> {
    name.serialize(&mut Serializer::with_formatter(
        &mut *line,
        Inert(is_hazardous),
    ))?;
    line.push(b':');
    value.serialize(&mut Serializer::with_formatter(line, Inert(is_hazardous)))?;
    Ok(())
}

/// What a line says of its report.
fn about(kind: &str, head: &Head) -> io::Result<Vec<u8>> {
    let mut about = Vec::new();
    push(&mut about, "schema", &SCHEMA)?;
    for (name, text) in [("type", kind), ("tool", &head.tool)] {
        about.push(b',');
        push(&mut about, name, &text)?;
    }
    about.push(b',');
    push(&mut about, "now", &head.now.to_string())?;
    if !head.trust_stores.is_empty() {
        let stores = head.trust_stores.iter().map(ToString::to_string);
        about.push(b',');
        push(&mut about, "trust_stores", &stores.collect::<Vec<_>>())?;
    }
    if !head.settings.is_empty() {
        let settings: Vec<_> = head.stated_settings().collect();
        about.push(b',');
        push(&mut about, "settings", &settings)?;
    }
    Ok(about)
}

/// A certificate's PEM (RFC 7468), lines ending in LF.
#[must_use]
pub fn pem(der: &Der) -> String {
    let block = Pem::new("CERTIFICATE", der.as_bytes());
    pem::encode_config(&block, EncodeConfig::new().set_line_ending(LineEnding::LF))
}
