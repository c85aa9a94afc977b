//! One column of a report, and what several rows have in common in it.

use std::sync::Arc;

use super::row::{CertificateRow, SessionRow};
use super::value::Value;
use crate::domain::{Fingerprint, Timestamp};
use crate::judge::Judgement;

/// What a column is of: the row itself, its session, its certificate, what came
/// above that, or what was said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Row,
    Session,
    Certificate,
    Chain,
    Judgement,
}

/// What several rows have in common.
#[derive(Clone, Debug)]
pub(super) enum Shared {
    Session(Arc<SessionRow>),
    Certificate(Arc<CertificateRow>),
    Chain(Arc<[Fingerprint]>),
    Judgement(Arc<Judgement>),
}

/// One column.
#[derive(Debug)]
pub struct Column<Row> {
    /// Its name, in the header and in JSON.
    pub name: &'static str,
    /// What it is of.
    pub(super) of: Of,
    /// What it holds of a row.
    pub(super) value: Said<Row>,
}

/// What a row says in a column, at the moment that the report judges by.
type Said<Row> = for<'a> fn(&'a Row, Timestamp) -> Value<'a>;

/// A column that each row says for itself.
pub(super) const fn column<Row>(name: &'static str, value: Said<Row>) -> Column<Row> {
    Of::Row.column(name, value)
}

impl Of {
    /// A column that says the same of every row with the same one of these.
    pub(super) const fn column<Row>(self, name: &'static str, value: Said<Row>) -> Column<Row> {
        Column {
            name,
            of: self,
            value,
        }
    }
}

impl Shared {
    /// Where it is in memory: as long as it is there, nothing else is.
    pub(super) fn address(&self) -> usize {
        match self {
            Self::Session(session) => Arc::as_ptr(session).addr(),
            Self::Certificate(certificate) => Arc::as_ptr(certificate).addr(),
            Self::Chain(chain) => chain.as_ptr().addr(),
            Self::Judgement(judgement) => Arc::as_ptr(judgement).addr(),
        }
    }

    /// About how many bytes of memory it takes.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Session(session) => session.weight(),
            Self::Certificate(certificate) => certificate.weight(),
            Self::Chain(chain) => size_of_val(&**chain),
            Self::Judgement(judgement) => judgement.weight(),
        }
    }
}

impl<Row> Copy for Column<Row> {}

impl<Row> Clone for Column<Row> {
    fn clone(&self) -> Self {
        *self
    }
}
