//! What stands on the command line, in files and on stdin → target specs.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::failure::Failure;
use crate::target::{self, TargetSpec};

/// Reads every argument: a target, `@FILE`, or `-` for stdin.
pub(super) fn read(arguments: &[String]) -> Result<Vec<TargetSpec>, Failure> {
    let mut specs = Vec::new();
    for argument in arguments {
        match argument.strip_prefix('@') {
            Some(path) => specs.extend(list(&contents(Path::new(path), "target file")?, path)?),
            None if argument == "-" => specs.extend(list(&stdin()?, "stdin")?),
            None => specs.push(one(argument)?),
        }
    }
    Ok(specs)
}

/// What stands in a file that the operator named, by `said_by`.
pub(super) fn contents(path: &Path, said_by: &str) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| {
        Failure::usage(format_args!("{said_by} {}: {error}", path.display()))
            .hint(Some("name a file that can be read"))
    })
}

fn stdin() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage(format_args!("stdin: {error}")))?;
    Ok(bytes)
}

fn one(argument: &str) -> Result<TargetSpec, Failure> {
    argument.parse().map_err(|error: target::SpecError| {
        let hint = error.hint();
        // The error says what was written, unless that holds a password.
        Failure::usage(format_args!("target: {error}")).hint(hint)
    })
}

fn list(text: &[u8], source: &str) -> Result<Vec<TargetSpec>, Failure> {
    let specs = target::parse_list(text, source).map_err(|error| {
        let hint = error.hint();
        Failure::usage(error).hint(hint)
    })?;
    Ok(specs.into_iter().map(|(spec, _)| spec).collect())
}
