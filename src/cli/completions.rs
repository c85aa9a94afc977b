use clap::Command;
use clap_complete::Shell;

use super::exit::Exit;
use super::failure::Failure;
use super::printer::Printer;

/// Print what a shell needs to complete this program's words
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep completions bash > /usr/share/bash-completion/completions/certsweep
  source <(certsweep completions bash)")]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

impl Arguments {
    pub(super) fn run(self, mut program: Command, printer: &Printer) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        let name = program.get_name().to_owned();
        clap_complete::generate(self.shell, &mut program, name, &mut script);
        printer.data(|out| out.write_all(&script))?;
        Ok(Exit::Done)
    }
}
