use std::fmt::Display;
use std::io;

use super::exit::Exit;

/// Why a command did not do its work, and what to do about it.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// Whether the end waits for nobody who reads of it.
    pub(super) is_abort: bool,
}

impl Failure {
    /// The operator asked for something that can't be: exit 2.
    pub(super) fn usage(error: impl Display) -> Self {
        Self::new(Exit::Usage, error)
    }

    /// It should have worked: exit 1.
    pub(super) fn failed(error: impl Display) -> Self {
        Self::new(Exit::Failed, error)
    }

    /// The operator would not wait any longer: exit 1.
    pub(super) fn aborted(error: impl Display) -> Self {
        Self {
            is_abort: true,
            ..Self::failed(error)
        }
    }

    /// Another writer holds the inventory: exit 3.
    pub(super) fn busy(error: impl Display) -> Self {
        Self::new(Exit::Busy, error)
    }

    pub(super) fn hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }

    /// What was printed could not be written; whoever closed a pipe has read
    /// enough, which is success.
    pub(super) fn output(error: &io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::BrokenPipe => Exit::Done,
            _ => Exit::Failed,
        };
        Self::new(exit, format_args!("can't write the output: {error}"))
    }

    fn new(exit: Exit, error: impl Display) -> Self {
        Self {
            exit,
            message: error.to_string(),
            hint: None,
            is_abort: false,
        }
    }
}
