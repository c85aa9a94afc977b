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
    /// What a monitoring plugin says by its status.
    Plugin(Plugin),
    /// The scan ended early but in order; what was found is stored.
    Early,
}

/// The states of monitoring plugins (Monitoring Plugins Development
/// Guidelines, "Plugin Return Codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plugin {
    /// Nothing is wrong.
    Ok,
    /// Something is, but it does not matter yet.
    Warning,
    /// Something is, and it matters.
    Critical,
    /// The plugin could not tell.
    Unknown,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done | Exit::Plugin(Plugin::Ok) => 0,
            Exit::Failed | Exit::Plugin(Plugin::Warning) => 1,
            Exit::Usage | Exit::Plugin(Plugin::Critical) => 2,
            Exit::Busy | Exit::Plugin(Plugin::Unknown) => 3,
            Exit::Found => 4,
            Exit::Early => 5,
        })
    }
}
