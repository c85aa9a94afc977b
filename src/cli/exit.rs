use std::process::ExitCode;

/// How the program ends; what scripts and monitoring rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// It failed.
    Failed,
    /// Wrong usage or configuration; nothing was changed.
    Usage,
    /// Another writer holds this inventory.
    Busy,
    /// What was asked for was found: changes, findings.
    Found,
    /// The scan ended early but in order; what was found is stored.
    Early,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Busy => 3,
            Exit::Found => 4,
            Exit::Early => 5,
        })
    }
}
