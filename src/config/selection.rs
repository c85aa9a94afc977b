//! `names`, `networks` and `issuers` → the installations that a table is about.

use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;

use super::file::ConfigError;
use super::from_text::with_hint;
use super::network::network;
use super::source::Source;
use crate::judge::Selector;

/// A list of texts, each with its place in the file.
pub(super) type Texts = Vec<Spanned<String>>;

/// What `names`, `networks` and `issuers` say.
pub(super) struct Selection(pub(super) [Option<Spanned<Texts>>; 3]);

impl Selection {
    /// An empty list would select everything, and its writer nothing.
    pub(super) fn read(self, source: Source<'_>) -> Result<Selector, ConfigError> {
        if let Some(empty) = self
            .0
            .iter()
            .flatten()
            .find(|list| list.get_ref().is_empty())
        {
            return Err(source.refuse(empty.span(), "the list is empty"));
        }
        let [names, networks, issuers] = self.0.map(|list| list.map(Spanned::into_inner));
        Ok(Selector {
            names: parse_all(&names.unwrap_or_default(), source)?,
            networks: read_all(&networks.unwrap_or_default(), source, network)?,
            issuers: parse_all(&issuers.unwrap_or_default(), source)?,
        })
    }

    /// The same, where something must be selected.
    pub(super) fn some(
        self,
        table: Range<usize>,
        what: &str,
        source: Source<'_>,
    ) -> Result<Selector, ConfigError> {
        if self.0.iter().all(Option::is_none) {
            let problem = format!("{what} needs `names`, `networks` or `issuers`");
            let hint = "names = [\"*\"] is everything that has a name or an address".to_owned();
            return Err(source.refuse(table, &with_hint(&problem, Some(hint))));
        }
        self.read(source)
    }
}

/// Each text, read; the first that can't be is refused at its place.
pub(super) fn parse_all<T: FromStr<Err: Display>>(
    texts: &[Spanned<String>],
    source: Source<'_>,
) -> Result<Vec<T>, ConfigError> {
    let parse = |text: &str| text.parse().map_err(|error: T::Err| error.to_string());
    read_all(texts, source, parse)
}

fn read_all<T>(
    texts: &[Spanned<String>],
    source: Source<'_>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, ConfigError> {
    let one = |text: &Spanned<String>| {
        let item = read(text.get_ref());
        item.map_err(|problem| source.refuse(text.span(), &problem))
    };
    texts.iter().map(one).collect()
}
