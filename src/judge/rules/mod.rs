//! The rules, one a file.

use super::Rule;

/// Every rule, in the order of reports.
pub static ALL: [&Rule; 0] = [];
