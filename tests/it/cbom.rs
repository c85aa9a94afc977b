//! The bill of materials, against the schema that its authors publish.

use std::process::{Command, Stdio};

use rcgen::{CertificateParams, DnType, KeyPair};

use crate::program::Inventory;
use crate::servers::{Authority, Key, SServer};

/// What the schema says of a document; nothing where it is right.
pub(crate) fn faults(inventory: &Inventory, document: &str) -> String {
    let path = inventory.file("bill.json", document);
    let validator = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/cyclonedx/validate.py"
    );
    let validation = Command::new("python3")
        .arg(validator)
        .stdin(Stdio::from(std::fs::File::open(path).unwrap()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&validation.stderr).into_owned();
    assert_eq!(validation.status.success(), said.is_empty(), "{said}");
    said
}

#[test]
fn a_bill_of_materials_is_what_the_schema_wants() {
    let authority = Authority::new();
    let identity = authority.identity("bill.sweep.test", Key::Rsa);
    let server = SServer::start(&identity, &["-tls1_2"]);
    let inventory = Inventory::new();
    inventory.sweep(&[server.address.to_string()]);
    let mut hostile = CertificateParams::new(["x".to_owned()]).unwrap();
    let name = "=cmd|' /C calc'!A1\"</script>\u{202e}\n\u{1b}[2J/../";
    hostile.distinguished_name.push(DnType::CommonName, name);
    let hostile = hostile.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let hostile = inventory.file("hostile.pem", &hostile.pem());
    inventory
        .run("import", &[&identity.chain, &hostile])
        .exits(0);

    let bill = inventory
        .run("report", &["--format", "cbom"])
        .exits(0)
        .stdout;
    assert_eq!(faults(&inventory, &bill), "");
    assert!(!bill.contains(['\u{1b}', '\u{202e}']), "{bill}");
    let bill: serde_json::Value = serde_json::from_str(&bill).unwrap();
    let components = bill["components"].as_array().unwrap();
    let mut references: Vec<_> = components
        .iter()
        .map(|component| component["bom-ref"].as_str().unwrap())
        .collect();
    let find = |reference: &str| {
        let found = components.iter().find(|one| one["bom-ref"] == reference);
        found.unwrap_or_else(|| panic!("no {reference} in {bill:#}"))
    };
    let certificate = find(&format!("certificate/{}", identity.sha256));
    let place = &certificate["evidence"]["occurrences"][0]["location"];
    assert_eq!(*place, server.address.to_string());
    let properties = &certificate["cryptoProperties"]["certificateProperties"];
    assert_eq!(properties["subjectName"], "CN=bill.sweep.test");
    assert_eq!(properties["notValidAfter"], "2037-01-01T00:00:00Z");
    for reference in ["signatureAlgorithmRef", "subjectPublicKeyRef"] {
        find(properties[reference].as_str().unwrap());
    }
    let protocol = &find("protocol/TLSv1.2")["cryptoProperties"]["protocolProperties"];
    assert_eq!(
        (&protocol["type"], &protocol["version"]),
        (&"tls".into(), &"1.2".into())
    );
    assert!(protocol["cipherSuites"][0]["name"].is_string());
    let count = references.len();
    references.sort_unstable();
    references.dedup();
    assert_eq!(references.len(), count, "a reference is used twice");
}

#[test]
fn the_schema_finds_what_is_wrong() {
    let inventory = Inventory::new();
    let wrong = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"x"}]}"#;
    assert!(faults(&inventory, wrong).contains("components"));
}
