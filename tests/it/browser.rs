//! A real browser: what a page becomes in it, and what it asks for.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

/// What became of a page.
#[derive(Debug, Deserialize)]
pub(crate) struct Visit {
    /// What each expression is.
    pub(crate) results: Vec<Value>,
    /// Every URL asked for besides the page's own.
    pub(crate) requests: Vec<String>,
    /// What the console, the policy or a dialog said.
    pub(crate) complaints: Vec<String>,
    /// From the navigation to the load event.
    pub(crate) milliseconds: u64,
}

/// Opens a file in headless Chromium, without a network, and evaluates these
/// expressions in it, one after the other, promises awaited; `press Tab` and
/// `press Enter` are keys, `show print light` and `show screen dark` media and
/// colour schemes.
#[track_caller]
pub(crate) fn visit(page: &Path, steps: &[&str]) -> Visit {
    let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/browser.py");
    let mut child = Command::new("python3")
        .arg(driver)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let order = json!({ "page": page, "steps": steps }).to_string();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(order.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the browser's driver: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}
