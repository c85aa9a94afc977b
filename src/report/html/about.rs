use super::Scope;
use crate::judge::Rule;
use crate::report::Head;

/// What a page states of itself.
#[derive(Clone, Debug)]
pub struct About {
    /// The tool, and the moment and the trust stores it judges by.
    pub head: Head,
    /// Which rows it is of.
    pub scope: Scope,
    /// The settings that it was made with, in words: name and value.
    pub settings: Vec<(String, String)>,
    /// The rules that findings are of: [`crate::judge::ALL`].
    pub rules: &'static [&'static Rule],
}
