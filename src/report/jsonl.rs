//! Rows → JSON lines (RFC 8259, one object a line).

use std::io;

use pem::{EncodeConfig, LineEnding, Pem};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::ser::Formatter;

use super::head::Head;
use super::table::Table;
use crate::domain::{Der, is_hazardous};

/// The version of the fields: it grows when one changes its meaning or goes,
/// not when one is added.
const SCHEMA: u32 = 1;

/// Writes any document as one line, as safe for a terminal as a report's.
pub fn document(out: &mut dyn io::Write, document: &serde_json::Value) -> io::Result<()> {
    document.serialize(&mut serde_json::Serializer::with_formatter(
        &mut *out, Inert,
    ))?;
    out.write_all(b"\n")
}

/// Writes one row as one line.
pub(super) fn row<Row>(
    out: &mut impl io::Write,
    table: &Table<Row>,
    row: &Row,
    head: &Head,
) -> io::Result<()> {
    let line = Line { table, row, head };
    line.serialize(&mut serde_json::Serializer::with_formatter(
        &mut *out, Inert,
    ))?;
    out.write_all(b"\n")
}

/// Compact JSON in which no string holds a character that steers a terminal
/// or ends a line elsewhere than at its end: they are written `\uXXXX`, which
/// reads back the same.
pub(super) struct Inert;

impl Formatter for Inert {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for part in fragment.split_inclusive(is_hazardous) {
            let hazard = part.chars().next_back().filter(|last| is_hazardous(*last));
            let plain = part.len() - hazard.map_or(0, char::len_utf8);
            out.write_all(part.get(..plain).unwrap_or_default().as_bytes())?;
            if let Some(hazard) = hazard {
                for unit in hazard.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

/// A row's columns under their names, and what only JSON has room for.
struct Line<'a, Row: 'static> {
    table: &'a Table<Row>,
    row: &'a Row,
    head: &'a Head,
}

impl<Row> Serialize for Line<'_, Row> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let now = self.head.now;
        let mut object = serializer.serialize_map(None)?;
        for column in self.table.columns {
            object.serialize_entry(column.name, &(column.value)(self.row, now))?;
        }
        object.serialize_entry("schema", &SCHEMA)?;
        object.serialize_entry("type", self.table.kind)?;
        object.serialize_entry("tool", &self.head.tool)?;
        object.serialize_entry("now", &now.to_string())?;
        if !self.head.trust_stores.is_empty() {
            let stores = self.head.trust_stores.iter().map(ToString::to_string);
            object.serialize_entry("trust_stores", &stores.collect::<Vec<_>>())?;
        }
        if !self.head.settings.is_empty() {
            let settings: Vec<_> = self.head.stated_settings().collect();
            object.serialize_entry("settings", &settings)?;
        }
        if let Some(der) = (self.table.certificate)(self.row) {
            object.serialize_entry("pem", &pem(der))?;
        }
        object.end()
    }
}

/// A certificate's PEM (RFC 7468), lines ending in LF.
#[must_use]
pub fn pem(der: &Der) -> String {
    let block = Pem::new("CERTIFICATE", der.as_bytes());
    pem::encode_config(&block, EncodeConfig::new().set_line_ending(LineEnding::LF))
}
