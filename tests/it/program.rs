//! The program under test: its commands, run to their end, and the inventory
//! that they leave behind.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

/// The columns of the main report, in the order that scripts rely on.
pub(crate) const COLUMNS: &str = "zone,host,ip,port,sni,starttls,ptr,tls_version,protocols,\
    cipher_suite,key_exchange,client_auth,alpn,subject_cn,subject_dn,issuer_cn,issuer_dn,serial,\
    not_before,not_after,days_left,validity_days,severity,san,key_type,key_bits,\
    signature_algorithm,key_usage,eku,self_signed,is_ca,trust,trusted_by,root_dn,findings,\
    accepted,owner,tags,sha256,sha1,spki_sha256,chain_sha256,chain_not_after,installations,state,\
    previous_sha256,first_seen,last_seen,last_checked,source,scan_id,client_auth_issuers,\
    hybrid_group,trust_reason,details";

/// Every word that an outcome can be.
pub(crate) const OUTCOMES: [&str; 14] = [
    "certificate",
    "no-certificate",
    "tls-refused",
    "not-tls",
    "silent",
    "broken",
    "refused",
    "filtered",
    "unreachable",
    "unresolved",
    "excluded",
    "fresh",
    "not-attempted",
    "local-error",
];

/// No command of these tests runs longer unless it hangs.
const DEADLINE: Duration = Duration::from_mins(2);

/// A command that ended: what it was, and all that it said.
pub(crate) struct Run {
    command: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// One row of the main report: column → cell.
pub(crate) type Row = BTreeMap<String, String>;

/// A folder with an inventory in it, and where the program stands when it
/// works on it.
pub(crate) struct Inventory {
    folder: TempDir,
    namespace: Option<String>,
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        let name = format!("{command:?}");
        let mut bounded =
            assert_cmd::Command::from_std(std::mem::replace(command, Command::new("true")));
        let output = bounded
            .timeout(DEADLINE)
            .output()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        Self {
            command: name,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same for a command of [`Inventory::command`] that exits with 0, and
    /// the most memory that it ever held, in KiB.
    #[track_caller]
    pub(crate) fn measured(command: &Command) -> (Self, u64) {
        const MEASURE: &str = "import resource, subprocess, sys\n\
            code = subprocess.call(sys.argv[1:])\n\
            print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\n\
            sys.exit(code)\n";
        let mut measuring = Command::new("python3");
        measuring.args(["-c", MEASURE]);
        measuring
            .arg(command.get_program())
            .args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            measuring.current_dir(folder);
        }
        let run = Self::of(&mut quiet_environment(measuring)).exits(0);
        let peak = run.stderr.lines().last().and_then(|line| line.parse().ok());
        (run, peak.expect("no measure"))
    }

    /// Itself, after making sure of the exit status.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit status, of\n{self}");
        self
    }

    /// Itself, after making sure that the terminal was told every one of these.
    #[track_caller]
    pub(crate) fn complains_of(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.stderr.contains(word),
                "no `{word}` on stderr, of\n{self}"
            );
        }
        self
    }

    /// Its stdout as JSON lines.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line);
        let values: Result<_, _> = self.stdout.lines().map(parse).collect();
        values.unwrap_or_else(|error| panic!("not JSON lines ({error}):\n{self}"))
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            command,
            code,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "$ {command}\nexit {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---"
        )
    }
}

/// The program, deaf to the settings of the machine it is tested on.
pub(crate) fn certsweep() -> Command {
    quiet_environment(Command::new(env!("CARGO_BIN_EXE_certsweep")))
}

impl Inventory {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            namespace: None,
        }
    }

    /// An inventory filled from inside a network namespace.
    pub(crate) fn in_namespace(namespace: &str) -> Self {
        Self {
            namespace: Some(namespace.to_owned()),
            ..Self::new()
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("inventory.db")
    }

    /// A file beside the inventory.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// `certsweep COMMAND --db THIS`, for more words to be added.
    pub(crate) fn command(&self, command: &str) -> Command {
        let mut program = match &self.namespace {
            None => certsweep(),
            Some(namespace) => {
                let mut inside = Command::new("ip");
                inside.args(["netns", "exec", namespace, env!("CARGO_BIN_EXE_certsweep")]);
                quiet_environment(inside)
            }
        };
        program.current_dir(self.folder.path());
        program.arg(command).arg("--db").arg(self.path());
        program
    }

    /// Runs `certsweep COMMAND ARGUMENTS`.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, command: &str, arguments: &[S]) -> Run {
        Run::of(self.command(command).args(arguments))
    }

    /// Sweeps without a limit of rate, without PTR and without a second look:
    /// the servers are this machine's own, and each answers the first time.
    #[track_caller]
    pub(crate) fn sweep<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Run {
        Run::of(self.sweeping().args(arguments)).exits(0)
    }

    /// The same, and the most memory that it ever held, in KiB.
    #[track_caller]
    pub(crate) fn sweep_measured<S: AsRef<OsStr>>(&self, arguments: &[S]) -> (Run, u64) {
        Run::measured(self.sweeping().args(arguments))
    }

    fn sweeping(&self) -> Command {
        let mut command = self.command("scan");
        command.args(["--rate", "unlimited", "--rate-per-host", "unlimited"]);
        command.args([
            "--rate-per-network",
            "unlimited",
            "--retries",
            "0",
            "--no-ptr",
        ]);
        command
    }

    /// The rows of `report --format csv`.
    #[track_caller]
    pub(crate) fn installations(&self) -> Vec<Row> {
        let report = self.run("report", &["--format", "csv"]).exits(0);
        let mut reader = csv::Reader::from_reader(report.stdout.as_bytes());
        let rows: Result<_, _> = reader.deserialize().collect();
        rows.unwrap_or_else(|error| panic!("not CSV ({error}):\n{report}"))
    }

    /// Makes sure that the file is whole, by SQLite's own word.
    #[track_caller]
    pub(crate) fn check_integrity(&self) {
        const PROGRAM: &str = "import sqlite3, sys\n\
            print(sqlite3.connect(sys.argv[1]).execute('pragma integrity_check').fetchall())\n";
        let mut check = Command::new("python3");
        let run = Run::of(check.args(["-c", PROGRAM]).arg(self.path())).exits(0);
        assert_eq!(run.stdout.trim(), "[('ok',)]");
    }

    /// The scans of `scans --json`, oldest first.
    #[track_caller]
    pub(crate) fn scans(&self) -> Vec<serde_json::Value> {
        self.run("scans", &["--json"]).exits(0).json_lines()
    }

    /// How many targets had each outcome in the latest scan, zeros left out,
    /// after making sure that they add up to its targets.
    #[track_caller]
    pub(crate) fn latest_outcomes(&self) -> BTreeMap<String, u64> {
        let scans = self.scans();
        let latest = scans.last().expect("no scan in the inventory");
        let outcomes: BTreeMap<String, u64> =
            serde_json::from_value(latest["outcomes"].clone()).unwrap();
        assert_eq!(
            Some(outcomes.values().sum()),
            latest["targets"].as_u64(),
            "the outcomes do not add up to the targets: {latest}"
        );
        outcomes
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

/// A map of outcomes as [`Inventory::latest_outcomes`] gives it.
pub(crate) fn outcomes<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.map(|(word, count)| (word.to_owned(), count)).into()
}

fn quiet_environment(mut command: Command) -> Command {
    command
        .env_remove("CERTSWEEP_DB")
        .env_remove("RUST_LOG")
        .env("CERTSWEEP_CONFIG", "/dev/null");
    command
}
