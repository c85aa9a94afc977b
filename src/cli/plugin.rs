//! A failure → what a monitoring plugin says of it (Monitoring Plugins
//! Development Guidelines, "Plugin Return Codes"): a line on stdout, and that
//! it can't tell. One that says nothing, or exits otherwise, would be taken
//! for what it is not.

use std::ffi::OsString;
use std::io::Write;

use super::exit::{Exit, Plugin};
use super::printer::Printer;
use crate::domain::printable;

/// Whether a command line asks for a plugin's output, right or wrong as the
/// rest of it may be.
pub(super) fn is_asked_for(words: impl IntoIterator<Item = OsString>) -> bool {
    let words = words.into_iter();
    let words: Vec<_> = words.skip_while(|word| word != "check").collect();
    let next = words.iter().skip(1);
    let mut pairs = words.iter().zip(next);
    pairs.any(|(flag, form)| flag == "--format" && form == "nagios")
        || words.iter().any(|word| word == "--format=nagios")
}

/// Says why it can't tell.
pub(super) fn unknown(why: &str, printer: &Printer) -> Exit {
    let why = printable(why).replace('|', "/");
    let line = |out: &mut dyn Write| writeln!(out, "CERTSWEEP UNKNOWN - {why}");
    // Where nobody reads it, the exit status alone says so.
    let _ = printer.data(line);
    Exit::Plugin(Plugin::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_asked_for_whatever_else_is_wrong() {
        let asks = |line: &str| is_asked_for(line.split(' ').map(OsString::from));
        for line in [
            "certsweep check --format nagios",
            "certsweep check --format=nagios",
            "certsweep --db x check --bogus --format nagios --max-age never",
        ] {
            assert!(asks(line), "{line}");
        }
        for line in [
            "certsweep check",
            "certsweep check --format",
            "certsweep check --format json",
            "certsweep report --format nagios",
            "certsweep --format nagios check",
        ] {
            assert!(!asks(line), "{line}");
        }
    }
}
