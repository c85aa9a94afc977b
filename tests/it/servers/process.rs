//! A child process that is heard while it runs and ends with its owner.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// No child of these tests keeps us waiting longer unless it hangs.
const DEADLINE: Duration = Duration::from_mins(1);

/// No server needs longer from one line of its farewell to the next.
const GRACE: Duration = Duration::from_secs(10);

/// A running child. Its stdin stays open for as long as it shall run: the
/// servers written for these tests end with it, so that none outlives a test
/// that was killed.
pub(crate) struct Process {
    name: String,
    child: Child,
    lines: Receiver<String>,
    heard: Vec<String>,
    last_word: Signal,
}

/// A program that does not end with its stdin. The kernel ends it with the
/// thread that starts it (prctl(2), PR_SET_PDEATHSIG), so that it does not
/// outlive a test that was killed either.
pub(super) fn daemon(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", program]);
    command
}

/// The same, with no more rights than anybody has.
pub(super) fn daemon_of_nobody(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]);
    command.args(["--pdeathsig", "TERM", program]);
    command
}

/// Runs a program to its end and returns its stdout.
#[track_caller]
pub(super) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error} (tests/run installs what is needed)"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let name = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error} (tests/run installs what is needed)"));
        let (sender, lines) = channel();
        hear(child.stdout.take().unwrap(), sender.clone());
        hear(child.stderr.take().unwrap(), sender);
        Self {
            name,
            child,
            lines,
            heard: Vec::new(),
            last_word: Signal::KILL,
        }
    }

    /// The same, for a program that has children of its own: it is ended by
    /// this signal, and gets the time to end them.
    pub(crate) fn with_children(mut self, last_word: Signal) -> Self {
        self.last_word = last_word;
        self
    }

    /// What `wanted` makes of the first line, from stdout or stderr, that it
    /// makes something of.
    #[track_caller]
    pub(crate) fn wait_for<T>(&mut self, wanted: impl Fn(&str) -> Option<T>) -> T {
        while let Ok(line) = self.lines.recv_timeout(DEADLINE) {
            let found = wanted(&line);
            self.heard.push(line);
            if let Some(found) = found {
                return found;
            }
        }
        panic!(
            "{} ended, or hung, and said only:\n{}",
            self.name,
            self.heard.join("\n")
        );
    }

    /// The address at the end of the first line that starts like this:
    /// `listening TLSv1.2 127.0.0.1:4433`.
    #[track_caller]
    pub(crate) fn wait_for_address(&mut self, start: &str) -> SocketAddr {
        self.wait_for(|line| {
            let address = line.strip_prefix(start)?.split(' ').next_back()?;
            address.parse().ok()
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Closes its stdin, waits for its end, and returns the exit status and
    /// every line that it said.
    #[track_caller]
    pub(crate) fn finish(mut self) -> (Option<i32>, Vec<String>) {
        drop(self.child.stdin.take());
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(line) => self.heard.push(line),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    panic!("{} hung, and said:\n{}", self.name, self.heard.join("\n"))
                }
            }
        }
        let status = self.child.wait().unwrap();
        (status.code(), std::mem::take(&mut self.heard))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let running = matches!(self.child.try_wait(), Ok(None));
        if running && self.last_word != Signal::KILL {
            // It may end at this very moment, which is as good.
            let _ = kill_process(Pid::from_child(&self.child), self.last_word);
            // Its streams close when the last of its children is gone.
            while self.lines.recv_timeout(GRACE).is_ok() {}
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Passes a child's lines on until it closes the stream.
fn hear(stream: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            // Nobody listens any more when the test is over.
            let _ = lines.send(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
    });
}
