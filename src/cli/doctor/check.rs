use std::fmt::Write;

use serde_json::{Value, json};

/// How something on this machine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Nothing to do.
    Ok,
    /// Scans work, but less well than they could, or for fewer targets.
    Warn,
    /// Scans or reports do not work, or what they say would be wrong.
    Fail,
}

/// One thing that was looked at, and what to change if it is not well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) state: State,
    pub(super) found: String,
    pub(super) advice: Option<String>,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl Check {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Ok,
            found: found.into(),
            advice: None,
        }
    }

    pub(super) fn warn(
        name: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Warn,
            advice: Some(advice.into()),
            ..Self::ok(name, found)
        }
    }

    pub(super) fn fail(
        name: &'static str,
        found: impl Into<String>,
        advice: Option<impl Into<String>>,
    ) -> Self {
        Self {
            state: State::Fail,
            advice: advice.map(Into::into),
            ..Self::ok(name, found)
        }
    }

    /// A line for a person, and what to change on one below it.
    pub(super) fn text(&self) -> String {
        let Self {
            name, state, found, ..
        } = self;
        let mut text = format!("{:<4}  {name:<13}  {found}\n", state.as_str());
        if let Some(advice) = &self.advice {
            // Writing to a String can't fail.
            let _ = writeln!(text, "{:21}to change: {advice}", "");
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "check": self.name,
            "state": self.state.as_str(),
            "found": self.found,
            "advice": self.advice,
        })
    }
}
