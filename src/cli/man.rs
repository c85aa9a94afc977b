use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;

use super::exit::Exit;
use super::failure::Failure;
use super::printer::Printer;

/// Print the manual page of this program, or of one of its commands
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep man | man -l -
  certsweep man scan > certsweep-scan.1
  certsweep man --folder /usr/share/man/man1      every page, each in its file")]
pub(super) struct Arguments {
    /// One of the commands, instead of the program
    #[arg(value_name = "COMMAND", conflicts_with = "folder")]
    command: Option<String>,

    /// Write every page into this folder
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(self, program: Command, printer: &Printer) -> Result<Exit, Failure> {
        match self.folder {
            Some(folder) => write_all(program, &folder)?,
            None => print(program, self.command.as_deref(), printer)?,
        }
        Ok(Exit::Done)
    }
}

fn write_all(program: Command, folder: &Path) -> Result<(), Failure> {
    let written = clap_mangen::generate_to(program, folder);
    written.map_err(|error| {
        let problem = format!("{}: {error}", folder.display());
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Failure::usage(problem).hint(Some("--folder names a directory that is there"))
            }
            _ => Failure::failed(problem),
        }
    })
}

fn print(mut program: Command, name: Option<&str>, printer: &Printer) -> Result<(), Failure> {
    // Gives each command the name and the options that it has from here.
    program.build();
    let command = match name {
        None => &program,
        Some(name) => program.find_subcommand(name).ok_or_else(|| {
            let hint = Some("`certsweep help` lists them");
            Failure::usage(format_args!("there is no command `{name}`")).hint(hint)
        })?,
    };
    let mut page = Vec::new();
    let rendered = Man::new(command.clone()).render(&mut page);
    rendered.map_err(|error| Failure::output(&error))?;
    printer.data(|out| out.write_all(&page))
}
