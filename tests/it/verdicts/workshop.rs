//! What only OpenSSL makes.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::authority::NAME;

/// A folder for what OpenSSL makes.
pub(super) struct Workshop {
    folder: TempDir,
}

impl Workshop {
    pub(super) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let extensions = format!(
            "subjectAltName=DNS:{NAME}\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n\
             basicConstraints=critical,CA:FALSE\nauthorityKeyIdentifier=keyid\n"
        );
        fs::write(folder.path().join("extensions.cnf"), extensions).unwrap();
        Self { folder }
    }

    /// Makes a key and a root of that name, and returns the root.
    pub(super) fn root(&self, name: &str, key: &[&str]) -> Vec<u8> {
        self.run(&[&["genpkey", "-out", &format!("{name}.key")], key].concat());
        self.run(&[
            "req",
            "-x509",
            "-new",
            "-days",
            "3000",
            "-subj",
            &format!("/CN=Root {name}"),
            "-addext",
            "keyUsage=critical,keyCertSign",
            "-key",
            &format!("{name}.key"),
            "-out",
            &format!("{name}.pem"),
        ]);
        self.der(&format!("{name}.pem"))
    }

    /// A certificate for [`NAME`] that a root signs.
    pub(super) fn leaf(&self, issuer: &str, arguments: &[&str]) -> Vec<u8> {
        self.request();
        let (certificate, key) = (format!("{issuer}.pem"), format!("{issuer}.key"));
        let issue = [
            "x509",
            "-req",
            "-days",
            "300",
            "-in",
            "leaf.csr",
            "-CA",
            &certificate,
            "-CAkey",
            &key,
            "-CAcreateserial",
            "-out",
            "leaf.pem",
        ];
        self.run(&[&issue, arguments].concat());
        self.der("leaf.pem")
    }

    pub(super) fn self_signed(&self, key: &str, command: &[&str]) -> Vec<u8> {
        let (key, subject) = (format!("{key}.key"), format!("/CN={NAME}"));
        let arguments = [
            "-days", "300", "-key", &key, "-subj", &subject, "-out", "own.pem",
        ];
        self.run(&[command, &arguments].concat());
        self.der("own.pem")
    }

    /// A certificate without extensions that its own key signs.
    pub(super) fn version_1(&self) -> Vec<u8> {
        self.request();
        self.run(&[
            "x509", "-req", "-days", "300", "-in", "leaf.csr", "-signkey", "leaf.key", "-out",
            "own.pem",
        ]);
        self.der("own.pem")
    }

    fn request(&self) {
        self.run(&[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-out",
            "leaf.key",
        ]);
        self.run(&[
            "req",
            "-new",
            "-key",
            "leaf.key",
            "-subj",
            &format!("/CN={NAME}"),
            "-out",
            "leaf.csr",
        ]);
    }

    fn der(&self, file: &str) -> Vec<u8> {
        let file = PathBuf::from(file);
        let out = file.with_extension("der");
        self.run(&[
            "x509",
            "-in",
            file.to_str().unwrap(),
            "-outform",
            "DER",
            "-out",
            out.to_str().unwrap(),
        ]);
        fs::read(self.folder.path().join(out)).unwrap()
    }

    fn run(&self, arguments: &[&str]) {
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(self.folder.path());
        let output = command.output().expect("openssl (tests/run installs it)");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
    }
}
