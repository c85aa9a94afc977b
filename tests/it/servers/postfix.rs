//! Postfix: SMTP with STARTTLS, at once and after a wait.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{daemon, run};
use super::{Identity, Process, open_folder, own_loopback};

/// A running Postfix that takes no mail.
pub(crate) struct Postfix {
    /// Where postscreen(8) waits six seconds, in the middle of its greeting.
    pub(crate) screened: SocketAddr,
    /// Where smtpd(8) greets at once.
    pub(crate) submission: SocketAddr,
    /// Where smtpd(8) says nothing for six seconds.
    pub(crate) hesitant: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Postfix {
    pub(crate) fn start(identity: &Identity) -> Self {
        Self::start_at(own_loopback(), identity)
    }

    /// The same, on another address of this machine.
    pub(crate) fn start_at(ip: IpAddr, identity: &Identity) -> Self {
        let folder = open_folder();
        let [screened, submission, hesitant] =
            [25, 587, 2525].map(|port| SocketAddr::new(ip, port));
        let path = |name: &str| folder.path().join(name);
        for name in ["conf", "queue", "data"] {
            fs::create_dir(path(name)).unwrap();
        }
        run(Command::new("chown").arg("postfix").arg(path("data")));
        let main = format!(
            "compatibility_level = 3.6\n\
             queue_directory = {queue}\n\
             data_directory = {data}\n\
             maillog_file = /dev/stdout\n\
             inet_interfaces = 127.0.0.1\n\
             inet_protocols = ipv4\n\
             myhostname = mail.sweep.test\n\
             mydestination =\n\
             mynetworks =\n\
             alias_maps =\n\
             alias_database =\n\
             local_recipient_maps =\n\
             smtpd_relay_restrictions = reject\n\
             smtpd_tls_cert_file = {chain}\n\
             smtpd_tls_key_file = {key}\n\
             smtpd_tls_security_level = may\n\
             postscreen_greet_wait = 6s\n\
             postscreen_greet_banner = please wait\n\
             postscreen_access_list =\n\
             postscreen_cache_map =\n",
            queue = path("queue").display(),
            data = path("data").display(),
            chain = identity.chain.display(),
            key = identity.key.display(),
        );
        let services = format!(
            "{screened} inet n - n - 1 postscreen\n\
             smtpd pass - - n - - smtpd\n\
             tlsproxy unix - - n - 0 tlsproxy\n\
             {submission} inet n - n - - smtpd\n\
             {hesitant} inet n - n - - smtpd\n\
             \x20 -o smtpd_delay_reject=no\n\
             \x20 -o {{ smtpd_client_restrictions = sleep 6 }}\n\
             rewrite unix - - n - - trivial-rewrite\n\
             anvil unix - - n - 1 anvil\n\
             tlsmgr unix - - n - 1 tlsmgr\n\
             postlog unix-dgram n - n - 1 postlogd\n"
        );
        fs::write(path("conf/main.cf"), main).unwrap();
        fs::write(path("conf/master.cf"), services).unwrap();

        // Makes the folders of the queue.
        run(Command::new("postfix")
            .arg("-c")
            .arg(path("conf"))
            .arg("check"));
        let programs = run(Command::new("postconf").args(["-h", "daemon_directory"]));
        let mut command = daemon(&format!("{}/master", programs.trim()));
        command.arg("-s").arg("-c").arg(path("conf"));
        command.env("MAIL_CONFIG", path("conf"));
        let mut process = Process::start(&mut command).with_children(Signal::TERM);
        process.wait_for(|line| line.contains("daemon started").then_some(()));
        Self {
            screened,
            submission,
            hesitant,
            _process: process,
            _folder: folder,
        }
    }
}
