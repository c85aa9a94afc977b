use std::ops::Range;
use std::path::Path;

use super::file::ConfigError;
use crate::target::Origin;

/// The text of a configuration file, and where in it something stands.
#[derive(Clone, Copy)]
pub(super) struct Source<'file> {
    pub(super) path: &'file Path,
    pub(super) text: &'file str,
}

impl Source<'_> {
    /// The file and the line of what stands at `span`.
    pub(super) fn origin(self, span: &Range<usize>) -> Origin {
        Origin::line(&self.path.display().to_string(), self.line_number(span))
    }

    /// A problem with what stands at `span` that the parser does not know,
    /// shown the way it shows its own.
    pub(super) fn refuse(self, span: Range<usize>, problem: &str) -> ConfigError {
        ConfigError::Invalid {
            path: self.path.to_owned(),
            problem: self.point(span, problem),
        }
    }

    fn point(self, span: Range<usize>, problem: &str) -> String {
        let before = self.before(&span);
        let number = self.line_number(&span);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text.get(start..).and_then(|rest| rest.lines().next());
        let line = line.unwrap_or_default();
        let indent = before
            .get(start..)
            .map_or(0, |indent| indent.chars().count());
        let shown = self
            .text
            .get(span)
            .and_then(|spanned| spanned.lines().next());
        let carets = "^".repeat(shown.unwrap_or_default().chars().count().max(1));
        let gutter = " ".repeat(number.to_string().len());
        format!(
            "TOML parse error at line {number}, column {column}\n{gutter} |\n\
             {number} | {line}\n{gutter} | {space}{carets}\n{problem}\n",
            column = indent + 1,
            space = " ".repeat(indent),
        )
    }

    fn line_number(self, span: &Range<usize>) -> usize {
        self.before(span).matches('\n').count() + 1
    }

    fn before(&self, span: &Range<usize>) -> &str {
        self.text.get(..span.start).unwrap_or(self.text)
    }
}
