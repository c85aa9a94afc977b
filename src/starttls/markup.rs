//! Bytes → the tags of a stream of XML, with the namespaces of their names.
//!
//! What XMPP needs of XML 1.0 and of "Namespaces in XML 1.0", and no more:
//! text is passed over, entities stay as they are, and a tag is judged once it
//! has come whole.

use std::iter;

/// A reader of tags, bounded in their length, depth and sum.
///
/// Invariants: `pending` begins where the last tag handed out ended; `open`
/// holds the elements that have begun and not ended, outermost first.
#[derive(Debug, Default)]
pub(super) struct Markup {
    pending: Vec<u8>,
    open: Vec<Scope>,
    ended: Option<Tag>,
    bytes: usize,
}

/// The beginning or the end of an element. One that is empty has both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) edge: Edge,
    /// How many elements are around it.
    pub(super) depth: usize,
    /// Empty when none is declared.
    pub(super) namespace: Vec<u8>,
    /// Its name without a prefix.
    pub(super) name: Vec<u8>,
    /// Its attribute `version`.
    pub(super) version: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Start,
    End,
}

/// Why nothing more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not well-formed.
    Malformed,
    /// More came than the limits allow.
    TooLarge,
}

/// An element that is open: its name as written, the tag that will end it, and
/// what it declares.
#[derive(Debug)]
struct Scope {
    written: Vec<u8>,
    end: Tag,
    declared: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Name and value.
type Attribute<'a> = (&'a [u8], &'a [u8]);

/// Bytes of one tag, or of the text before one: stream headers and features
/// stay below one kilobyte.
const MAX_TAG: usize = 8192;
/// Elements in one another: features have five.
const MAX_DEPTH: usize = 32;
/// Bytes in all: far above any list of features.
const MAX_BYTES: usize = 64 << 10;

/// What stands in angle brackets without being a tag, and how it ends.
const ASIDES: [(&[u8], &[u8]); 3] = [(b"<?", b"?>"), (b"<!--", b"-->"), (b"<![CDATA[", b"]]>")];

impl Markup {
    /// Takes what has arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend(bytes);
    }

    /// The next tag, if it has come whole.
    pub(super) fn next(&mut self) -> Result<Option<Tag>, Fault> {
        if let Some(end) = self.ended.take() {
            return Ok(Some(end));
        }
        loop {
            self.pass_over_text()?;
            let Some(length) = self.bracketed()? else {
                return if self.pending.len() > MAX_TAG {
                    Err(Fault::TooLarge)
                } else {
                    Ok(None)
                };
            };
            if let Some(tag) = self.take(length)? {
                return Ok(Some(tag));
            }
        }
    }

    /// What stands behind the last tag.
    pub(super) fn rest(&self) -> &[u8] {
        &self.pending
    }

    /// Drops what stands before the next `<`. Only white space may stand
    /// outside of the outermost element.
    fn pass_over_text(&mut self) -> Result<(), Fault> {
        let next = self.pending.iter().position(|byte| *byte == b'<');
        let text = self.count(next.unwrap_or(self.pending.len()))?;
        if self.open.is_empty() && !text.trim_ascii().is_empty() {
            return Err(Fault::Malformed);
        }
        Ok(())
    }

    /// Takes so many bytes, which count.
    fn count(&mut self, length: usize) -> Result<Vec<u8>, Fault> {
        self.bytes += length;
        if self.bytes > MAX_BYTES {
            return Err(Fault::TooLarge);
        }
        Ok(self.pending.drain(..length).collect())
    }

    /// The length of what `pending` begins with, up to its closing bracket;
    /// `None` while that has not come.
    fn bracketed(&self) -> Result<Option<usize>, Fault> {
        for (start, end) in ASIDES {
            if let Some(inside) = self.pending.strip_prefix(start) {
                let length = inside.windows(end.len()).position(|window| window == end);
                return Ok(length.map(|length| start.len() + length + end.len()));
            }
            if start.starts_with(&self.pending) {
                return Ok(None);
            }
        }
        let mut quote = None;
        for (place, byte) in self.pending.iter().enumerate().skip(1) {
            match (quote, *byte) {
                (None, b'>') => return Ok(Some(place + 1)),
                (None, b'"' | b'\'') => quote = Some(*byte),
                (Some(open), byte) if open == byte => quote = None,
                (_, b'<') => return Err(Fault::Malformed),
                _ => {}
            }
        }
        Ok(None)
    }

    fn take(&mut self, length: usize) -> Result<Option<Tag>, Fault> {
        if length > MAX_TAG {
            return Err(Fault::TooLarge);
        }
        let bracketed = self.count(length)?;
        if ASIDES.iter().any(|(start, _)| bracketed.starts_with(start)) {
            return Ok(None);
        }
        let inside = bracketed.strip_prefix(b"<").ok_or(Fault::Malformed)?;
        let inside = inside.strip_suffix(b">").ok_or(Fault::Malformed)?;
        match inside.strip_prefix(b"/") {
            Some(name) => self.end(name.trim_ascii_end()),
            None => self.start(inside),
        }
        .map(Some)
    }

    fn start(&mut self, inside: &[u8]) -> Result<Tag, Fault> {
        let (inside, empty) = match inside.strip_suffix(b"/") {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let (written, rest) = split_name(inside).ok_or(Fault::Malformed)?;
        let attributes = attributes(rest).ok_or(Fault::Malformed)?;
        let depth = self.open.len();
        if depth == MAX_DEPTH {
            return Err(Fault::TooLarge);
        }
        let declared: Vec<_> = attributes.iter().filter_map(declaration).collect();
        let (prefix, name) = split_prefix(written);
        let namespace = self.namespace(prefix, &declared);
        let version = attributes.iter().find(|(name, _)| *name == b"version");
        let start = Tag {
            edge: Edge::Start,
            depth,
            namespace,
            name: name.to_vec(),
            version: version.map(|(_, value)| value.to_vec()),
        };
        let end = Tag {
            edge: Edge::End,
            ..start.clone()
        };
        if empty {
            self.ended = Some(end);
        } else {
            self.open.push(Scope {
                written: written.to_vec(),
                end,
                declared,
            });
        }
        Ok(start)
    }

    fn end(&mut self, written: &[u8]) -> Result<Tag, Fault> {
        match self.open.pop() {
            Some(scope) if scope.written == written => Ok(scope.end),
            _ => Err(Fault::Malformed),
        }
    }

    /// What a prefix stands for in an element that declares `own`.
    fn namespace(&self, prefix: &[u8], own: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
        let around = self
            .open
            .iter()
            .rev()
            .map(|scope| scope.declared.as_slice());
        iter::once(own)
            .chain(around)
            .flatten()
            .find(|(declared, _)| declared == prefix)
            .map(|(_, namespace)| namespace.clone())
            .unwrap_or_default()
    }
}

/// Prefix (empty for the default) and namespace, where an attribute declares
/// one.
fn declaration((name, value): &Attribute<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    let prefix = match name.strip_prefix(b"xmlns")? {
        [b':', prefix @ ..] => prefix,
        [] => &[],
        _ => return None,
    };
    Some((prefix.to_vec(), value.to_vec()))
}

/// A name's prefix, or nothing, and the rest.
fn split_prefix(written: &[u8]) -> (&[u8], &[u8]) {
    match written.iter().position(|byte| *byte == b':') {
        Some(colon) => {
            let (prefix, name) = written.split_at(colon);
            (prefix, name.strip_prefix(b":").unwrap_or(name))
        }
        None => (&[], written),
    }
}

/// The name that this begins with, and what stands behind it.
fn split_name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"=/<>\"'".contains(byte);
    let end = text.iter().position(ends).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Names and values; `None` where the rules are broken.
fn attributes(mut text: &[u8]) -> Option<Vec<Attribute<'_>>> {
    let mut attributes = Vec::new();
    loop {
        let trimmed = text.trim_ascii_start();
        if trimmed.is_empty() {
            return Some(attributes);
        }
        let (name, rest) = split_name(trimmed)?;
        let rest = rest.trim_ascii_start().strip_prefix(b"=")?;
        let (quote, rest) = rest.trim_ascii_start().split_first()?;
        let quoted = matches!(quote, b'"' | b'\'');
        let end = rest.iter().position(|byte| byte == quote);
        let (value, rest) = rest.split_at_checked(end.filter(|_| quoted)?)?;
        attributes.push((name, value));
        text = rest.get(1..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &str) -> Result<Vec<String>, Fault> {
        let mut markup = Markup::default();
        markup.push(text.as_bytes());
        let mut tags = Vec::new();
        while let Some(tag) = markup.next()? {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let sign = if tag.edge == Edge::Start { '+' } else { '-' };
            let (namespace, name) = (text(&tag.namespace), text(&tag.name));
            tags.push(format!("{sign}{} {{{namespace}}}{name}", tag.depth));
        }
        Ok(tags)
    }

    #[test]
    fn names_get_the_namespace_that_holds_where_they_stand() {
        let text = "<?xml version='1.0'?> <a:x xmlns:a='one' xmlns=\"two\">text<y/>\
                    <a:y xmlns:a = 'three' ><a:z></a:z ></a:y><a:z b='a>b'/></a:x>";
        let found = tags(text).unwrap();
        assert_eq!(
            found,
            [
                "+0 {one}x",
                "+1 {two}y",
                "-1 {two}y",
                "+1 {three}y",
                "+2 {three}z",
                "-2 {three}z",
                "-1 {three}y",
                "+1 {one}z",
                "-1 {one}z",
                "-0 {one}x",
            ]
        );
    }

    #[test]
    fn asides_are_no_tags_whatever_stands_in_them() {
        let text = "<!-- <a> --><a><![CDATA[<b>]]><?b <c> ?></a>";
        assert_eq!(tags(text).unwrap(), ["+0 {}a", "-0 {}a"]);
    }

    #[test]
    fn the_version_is_read_in_either_quotes() {
        for header in [
            "<a version='1.0' b=\"it's\">",
            "<a b='\"' version = \"1.0\">",
        ] {
            let mut markup = Markup::default();
            markup.push(header.as_bytes());
            let tag = markup.next().unwrap().unwrap();
            assert_eq!(tag.version.as_deref(), Some(&b"1.0"[..]));
        }
    }

    #[test]
    fn what_is_not_well_formed_is_told() {
        for text in [
            "text<a>",
            "<a></b>",
            "</a>",
            "<a b>",
            "<a b=c>",
            "<a 'b'>",
            "<a b='c' = 'd'>",
            "<>",
            "<a <b>",
            "< a>",
            "<!DOCTYPE a>",
        ] {
            assert_eq!(tags(text), Err(Fault::Malformed), "{text}");
        }
    }

    #[test]
    fn a_flood_ends_by_length_by_depth_and_by_sum() {
        let long = format!("<a b='{}'>", "c".repeat(MAX_TAG));
        for text in [
            "<a>".repeat(MAX_DEPTH + 1),
            format!("<a>{}", "<b/>".repeat(MAX_BYTES / 4)),
            format!("<a>{}", "text".repeat(MAX_BYTES / 4)),
            long[..=MAX_TAG].to_owned(),
            long,
        ] {
            assert_eq!(tags(&text), Err(Fault::TooLarge));
        }
        assert!(tags(&"<a>".repeat(MAX_DEPTH)).is_ok());
    }
}
