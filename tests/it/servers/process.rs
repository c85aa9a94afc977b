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

/// A running child. Its stdin stays open for as long as it shall run: the
/// servers written for these tests end with it, so that none outlives a test
/// that was killed.
pub(crate) struct Process {
    name: String,
    child: Child,
    lines: Receiver<String>,
    heard: Vec<String>,
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
        }
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
        // It may have ended already, which is as good.
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
