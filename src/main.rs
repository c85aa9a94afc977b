//! certsweep, the program.

use std::process::ExitCode;

fn main() -> ExitCode {
    certsweep::cli::run().into()
}
