//! A value → one CSV cell that no spreadsheet runs.

use std::fmt::Write;

use super::value::Value;

/// Which programs a CSV report is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// Those that take cells of any length.
    Whole,
    /// Spreadsheets, which drop or refuse long ones.
    Cut,
}

/// Where a cell is cut for spreadsheets, in UTF-16 units: Excel's limit is
/// 32,767 of them.
const MAX_UNITS: usize = 32_000;

/// Writes a value's cell into `cell`, in place of what it held.
///
/// Numbers, booleans and times are as they are. In texts the control
/// characters that RFC 4180 has no room for (all but TAB, LF and CR) are
/// written `\u{…}`, and what would run as a formula gets a leading `'`.
pub(super) fn write(value: &Value<'_>, length: Length, cell: &mut String) {
    cell.clear();
    match value {
        Value::Absent => {}
        Value::Text(text) => push_text(text, cell),
        Value::Json(text) => push_text(text, cell),
        Value::Number(number) => push(number, cell),
        Value::Boolean(boolean) => push(boolean, cell),
        Value::Time(time) => push(time, cell),
        Value::List(items) => push_list(items, cell),
        Value::Counts(tally) => {
            let counts = tally.iter().map(|(kind, count)| format!("{kind}={count}"));
            push_list(&counts.collect::<Vec<_>>(), cell);
        }
    }
    let text = !matches!(value, Value::Number(_) | Value::Boolean(_) | Value::Time(_));
    if text && runs_as_formula(cell) {
        cell.insert(0, '\'');
    }
    if length == Length::Cut {
        cut(cell);
    }
}

fn push(value: impl std::fmt::Display, cell: &mut String) {
    // Writing to a String can't fail.
    let _ = write!(cell, "{value}");
}

fn push_text(text: &str, cell: &mut String) {
    if text.chars().all(is_allowed) {
        cell.push_str(text);
        return;
    }
    for character in text.chars() {
        if is_allowed(character) {
            cell.push(character);
        } else {
            push(character.escape_unicode(), cell);
        }
    }
}

/// Items joined by `|`; `|` and `\` inside them stand behind a `\`, also the
/// `\` of what is written for a control character.
fn push_list(items: &[String], cell: &mut String) {
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            cell.push('|');
        }
        push_item(item, cell);
    }
}

fn push_item(item: &str, cell: &mut String) {
    let is_plain = |character| is_allowed(character) && !matches!(character, '|' | '\\');
    if item.chars().all(is_plain) {
        cell.push_str(item);
        return;
    }
    for character in item.chars() {
        if !is_plain(character) {
            cell.push('\\');
        }
        if is_allowed(character) {
            cell.push(character);
        } else {
            push(character.escape_unicode(), cell);
        }
    }
}

/// Whether a cell has room for the character as it is.
fn is_allowed(character: char) -> bool {
    !character.is_control() || matches!(character, '\t' | '\n' | '\r')
}

/// Whether a spreadsheet would read the cell as a formula: it begins, after
/// blanks and what can't be seen, with one of `= + - @` (or their full-width
/// forms), or with TAB, CR or LF (OWASP, "CSV Injection").
fn runs_as_formula(cell: &str) -> bool {
    let unseen = |character: char| {
        character.is_whitespace() || matches!(character, '\u{200b}'..='\u{200f}' | '\u{feff}')
    };
    let formula = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    cell.starts_with(['\t', '\r', '\n']) || cell.trim_start_matches(unseen).starts_with(formula)
}

/// Cuts at [`MAX_UNITS`], and says by how many characters.
fn cut(cell: &mut String) {
    if cell.len() <= MAX_UNITS {
        return;
    }
    let mut units = 0;
    let end = cell.char_indices().find(|(_, character)| {
        units += character.len_utf16();
        units > MAX_UNITS
    });
    let Some((end, _)) = end else {
        return;
    };
    let rest = cell.get(end..).map_or(0, |rest| rest.chars().count());
    cell.truncate(end);
    push(format_args!("…(+{rest})"), cell);
}
