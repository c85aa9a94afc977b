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
            Some(path) => specs.extend(list(&text_of(Path::new(path))?, path)?),
            None if argument == "-" => specs.extend(list(&stdin()?, "stdin")?),
            None => specs.push(one(argument)?),
        }
    }
    Ok(specs)
}

/// The text of a file that the operator named.
pub(super) fn text_of(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|error| Failure::usage(format_args!("{}: {error}", path.display())))
}

fn stdin() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format_args!("stdin: {error}")))?;
    Ok(text)
}

fn one(argument: &str) -> Result<TargetSpec, Failure> {
    argument.parse().map_err(|error: target::SpecError| {
        let hint = error.hint();
        Failure::usage(format_args!("target `{argument}`: {error}")).hint(hint)
    })
}

fn list(text: &str, source: &str) -> Result<Vec<TargetSpec>, Failure> {
    let specs = target::parse_list(text, source).map_err(|error| {
        let hint = error.hint();
        Failure::usage(error).hint(hint)
    })?;
    Ok(specs.into_iter().map(|(spec, _)| spec).collect())
}
