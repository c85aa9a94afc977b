//! The only writer to the terminal: data to stdout, the rest to stderr, and
//! neither through the middle of a progress bar.

use std::convert::Infallible;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use indicatif::MultiProgress;
use rustix::termios::tcgetwinsize;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use super::failure::Failure;
use crate::domain::{clock, printable};

/// How much is told beside the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verbosity {
    /// Errors.
    Quiet,
    /// What a person at a terminal wants to know.
    Normal,
    /// A line a probe.
    Verbose,
    /// Everything.
    Trace,
}

/// How long the end waits for somebody to read of it.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// How what goes to stderr is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Shared by all that print; clones print to the same terminal.
#[derive(Clone, Debug)]
pub(super) struct Printer {
    bars: MultiProgress,
    verbosity: Verbosity,
    log_format: LogFormat,
}

impl Printer {
    pub(super) fn new(verbosity: Verbosity, log_format: LogFormat) -> Self {
        Self {
            bars: MultiProgress::new(),
            verbosity,
            log_format,
        }
    }

    pub(super) fn log_format(&self) -> LogFormat {
        self.log_format
    }

    pub(super) fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// The bars that are cleared while something else is printed.
    pub(super) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Whether a person watches what goes to stderr.
    pub(super) fn is_watched(&self) -> bool {
        self.verbosity > Verbosity::Quiet
            && self.log_format == LogFormat::Text
            && io::stderr().is_terminal()
    }

    /// The columns of the terminal that stdout is; `None` where it is none.
    #[expect(
        clippy::unused_self,
        reason = "what is known of the terminal is asked here"
    )]
    pub(super) fn width(&self) -> Option<u16> {
        let stdout = io::stdout();
        let size = stdout.is_terminal().then(|| tcgetwinsize(&stdout).ok());
        size.flatten()
            .map(|size| size.ws_col)
            .filter(|columns| *columns > 0)
    }

    /// Data on stdout, as `write` has it.
    pub(super) fn data(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let written = self.bars.suspend(|| {
            let mut stdout = io::stdout().lock();
            write(&mut stdout)?;
            stdout.flush()
        });
        written.map_err(|error| Failure::output(&error))
    }

    /// A command's last word for a person, on stdout, unless they asked for
    /// quiet.
    pub(super) fn say(&self, text: &str) -> Result<(), Failure> {
        if self.verbosity > Verbosity::Quiet {
            self.data(|out| writeln!(out, "{text}"))?;
        }
        Ok(())
    }

    /// Stdout for data that is too much for one call of [`Self::data`].
    #[expect(
        clippy::unused_self,
        reason = "all that is printed comes from a printer"
    )]
    pub(super) fn stream(&self) -> impl Write + Send + use<> {
        io::stdout()
    }

    /// A line for a person, on stderr, unless they asked for quiet.
    pub(super) fn note(&self, line: &str) {
        if self.verbosity == Verbosity::Quiet {
            return;
        }
        match self.log_format {
            LogFormat::Text => self.lines(line),
            LogFormat::Json => self.event("INFO", &json!({ "message": line.trim() })),
        }
    }

    /// What went wrong, and what to do about it.
    pub(super) fn failure(&self, failure: &Failure) {
        let Failure { message, hint, .. } = failure;
        if self.log_format == LogFormat::Json {
            return self.event("ERROR", &json!({ "message": message, "hint": hint }));
        }
        self.lines(&format!("error: {message}"));
        if let Some(hint) = hint {
            self.lines(&format!("hint: {hint}"));
        }
    }

    /// The same for as long as the program still waits for its reader, who may
    /// have stopped reading.
    pub(super) fn last_word(&self, failure: Failure) {
        let printer = self.clone();
        let (is_printing, over) = sync_channel::<Infallible>(0);
        thread::spawn(move || {
            printer.failure(&failure);
            drop(is_printing);
        });
        // It was told, or nobody listens.
        let _ = over.recv_timeout(LAST_PATIENCE);
    }

    /// Lines for a person, on stderr, whatever else they asked for. No text that
    /// they name steers the terminal: it may be a path or a word that somebody
    /// else thought of.
    pub(super) fn lines(&self, text: &str) {
        self.stderr(&inert(text));
    }

    /// A line as the log has them.
    fn event(&self, level: &str, fields: &Value) {
        let timestamp = clock::now().to_string();
        let event = json!({ "timestamp": timestamp, "level": level, "fields": fields });
        self.stderr(&event.to_string());
    }

    fn stderr(&self, text: &str) {
        // Nobody is left to tell when stderr is gone.
        let _ = self
            .bars
            .suspend(|| writeln!(io::stderr().lock(), "{text}"));
    }
}

/// The same lines, made safe to show; what lays them out stays.
fn inert(text: &str) -> String {
    let cells = |line: &str| {
        line.split('\t')
            .map(printable)
            .collect::<Vec<_>>()
            .join("\t")
    };
    text.split('\n').map(cells).collect::<Vec<_>>().join("\n")
}

impl<'a> MakeWriter<'a> for Printer {
    type Writer = LogLine;

    fn make_writer(&'a self) -> LogLine {
        LogLine(self.bars.clone())
    }
}

/// One log line on its way to stderr.
pub(super) struct LogLine(MultiProgress);

impl Write for LogLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_a_person_keeps_its_layout_and_steers_nothing() {
        let told = "no file /\x1b[2J/\r\u{202e}x:\n\t1 | y\u{9b}31m\n";
        let expected = "no file /\\u{1b}[2J/\\u{d}\\u{202e}x:\n\t1 | y\\u{9b}31m\n";
        assert_eq!(inert(told), expected);
        assert_eq!(inert(expected), expected, "what is safe stays as it is");
    }
}
