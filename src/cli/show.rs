use std::fmt::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;

use ipnetwork::IpNetwork;

use super::exit::Exit;
use super::failure::Failure;
use super::trust::TrustFlags;
use super::unlisted::unlisted;
use super::{Context, inventory};
use crate::appraisal::{Appraisal, Wanted};
use crate::domain::{Dialect, Fingerprint, Port, ServerName, clock, printable};
use crate::report::{Installation, InstallationState, changes, page};
use crate::store::{
    AddressLook, CertificateHash, Detail, Filter, FingerprintPrefix, Inventory, NameRow,
    SqliteInventory,
};

/// Show one certificate, or one endpoint and what is known of its address
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep show 3f9a
  certsweep show 10.0.0.7:443
  certsweep show 10.0.0.8        any address ever targeted, dark ones too
  certsweep show www.example.com any name ever targeted")]
pub(super) struct Arguments {
    /// The beginning of a certificate's SHA-256, IP:PORT, IP, or a name
    #[arg(value_name = "FINGERPRINT|IP:PORT|NAME")]
    what: String,

    #[command(flatten)]
    trust: TrustFlags,
}

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let stores = self.trust.stores(&context)?;
        let inventory = inventory::open(&context.db()).await?;
        let policy = &context.config.policy;
        let mut appraisal = Appraisal::begin(&inventory, stores, policy, clock::now()).await?;
        let text = if let Ok(endpoint) = self.what.parse::<SocketAddr>() {
            let port = Port::new(endpoint.port());
            let port = port.ok_or_else(|| Failure::usage("a port is from 1 to 65535"))?;
            endpoint_text(
                &inventory,
                endpoint.ip().to_canonical(),
                port,
                &mut appraisal,
            )
            .await?
        } else if let Ok(address) = self.what.parse::<IpAddr>() {
            let address = address.to_canonical();
            looks_text(&inventory, address, None).await?
        } else if let Ok(prefix) = self.what.parse() {
            certificate_text(&inventory, &self.what, &prefix, &mut appraisal).await?
        } else if let Ok(name) = self.what.parse::<ServerName>() {
            name_text(&inventory, &name).await?
        } else {
            let what = printable(&self.what);
            return Err(Failure::usage(format_args!("can't show `{what}`"))
                .hint(Some("the beginning of a SHA-256, IP:PORT, IP or a name")));
        };
        inventory.close().await;
        context.printer.data(|out| out.write_all(text.as_bytes()))?;
        Ok(Exit::Done)
    }
}

async fn certificate_text(
    inventory: &SqliteInventory,
    written: &str,
    prefix: &FingerprintPrefix,
    appraisal: &mut Appraisal<'_>,
) -> Result<String, Failure> {
    let found = inventory.certificate(prefix).await?;
    match found.as_slice() {
        [] => Err(Failure::failed(format_args!(
            "no certificate's SHA-256 begins with {written}"
        ))),
        [one] => {
            let sha256 = one.certificate.sha256;
            let wanted = Wanted::by(Filter {
                certificates: vec![CertificateHash::Sha256(sha256)],
                states: InstallationState::ALL.to_vec(),
                ..Filter::default()
            });
            let mut installations = Vec::new();
            let keep = |row| keep_in(&mut installations, row);
            appraisal
                .installations(&wanted, Detail::Facts, keep)
                .await?;
            let now = appraisal.now();
            let mut text = page::certificate(&one.certificate, &installations, now);
            if installations.len() == MOST_PLACES {
                // Writing to a String can't fail.
                let _ = writeln!(text, "\nall of them: certsweep report --cert {sha256}");
            }
            text += &chain_text(inventory, &installations).await?;
            text += &below(inventory, sha256).await?;
            let life = changes::life(sha256, &inventory.life(sha256).await?);
            if !life.is_empty() {
                let _ = write!(text, "\nHistory\n{life}");
            }
            Ok(text)
        }
        several => {
            let list = several.iter().map(|one| one.certificate.sha256.to_string());
            let list: Vec<_> = list.collect();
            Err(Failure::failed(format_args!(
                "more than one certificate's SHA-256 begins with {written}"
            ))
            .hint(Some(format!("one of {}", list.join(", ")))))
        }
    }
}

/// What the certificate is sent along with where it was seen last: a line
/// each.
async fn chain_text(
    inventory: &SqliteInventory,
    installations: &[Installation],
) -> Result<String, Failure> {
    let latest = installations.iter().max_by_key(|row| row.last_seen);
    let chain = latest.map(|row| &*row.chain).unwrap_or_default();
    let mut text = String::new();
    for member in chain.iter().take(MOST_MEMBERS) {
        let Ok(prefix) = member.to_string().parse() else {
            continue;
        };
        for found in inventory.certificate(&prefix).await? {
            // Writing to a String can't fail.
            let _ = writeln!(text, "  {}", page::chain_member(&found.certificate));
        }
    }
    Ok(match text.as_str() {
        "" => text,
        members => format!("\nChain\n{members}"),
    })
}

/// Certificates of a chain that are shown; servers send two or three.
const MOST_MEMBERS: usize = 10;

/// Where other certificates are installed whose chain it stands in.
async fn below(inventory: &SqliteInventory, sha256: Fingerprint) -> Result<String, Failure> {
    let filter = Filter {
        authorities: vec![sha256],
        ..Filter::default()
    };
    let mut rows = Vec::new();
    let mut keep = |row: Installation| {
        if row.certificate.sha256 == sha256 {
            ControlFlow::Continue(())
        } else {
            keep_in(&mut rows, row)
        }
    };
    inventory
        .installations(&filter, Detail::Facts, &mut keep)
        .await?;
    let mut text = String::new();
    for row in &rows {
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "In the chain of:  {} at {}",
            row.certificate.sha256,
            page::place(row)
        );
    }
    if rows.len() == MOST_PLACES {
        let _ = writeln!(text, "all of them:      certsweep report --ca {sha256}");
    }
    Ok(text)
}

async fn endpoint_text(
    inventory: &SqliteInventory,
    address: IpAddr,
    port: Port,
    appraisal: &mut Appraisal<'_>,
) -> Result<String, Failure> {
    let endpoints = inventory.endpoint(address, port).await?;
    if endpoints.is_empty() {
        return looks_text(inventory, address, Some(port)).await;
    }
    let mut text = String::new();
    for endpoint in endpoints {
        let wanted = Wanted::by(Filter {
            networks: vec![IpNetwork::from(address)],
            ports: vec![port],
            zones: vec![endpoint.zone.clone()],
            states: InstallationState::ALL.to_vec(),
            ..Filter::default()
        });
        let mut installations = Vec::new();
        let of_this_dialect = |row: &Installation| {
            row.starttls.as_deref().unwrap_or(Dialect::Tls.as_str()) == endpoint.dialect
        };
        let keep = |row| {
            if of_this_dialect(&row) {
                keep_in(&mut installations, row)
            } else {
                ControlFlow::Continue(())
            }
        };
        appraisal
            .installations(&wanted, Detail::Facts, keep)
            .await?;
        let questions = inventory.questions(&endpoint).await?;
        text += &page::endpoint(&endpoint, &questions, &installations, appraisal.now());
    }
    Ok(text)
}

/// Installations that are shown at once; a report lists them all.
const MOST_PLACES: usize = 100;

fn keep_in(rows: &mut Vec<Installation>, row: Installation) -> ControlFlow<()> {
    if rows.len() == MOST_PLACES {
        return ControlFlow::Break(());
    }
    rows.push(row);
    ControlFlow::Continue(())
}

/// What is known of a name: what the ledger says, a line a port, and whether
/// certificates are for it.
async fn name_text(inventory: &SqliteInventory, name: &ServerName) -> Result<String, Failure> {
    let mut text = ledger_text(name, &inventory.name(name).await?);
    let mut certificates = format!("its certificates: certsweep certs --name {name}");
    let is_pruned = inventory.pruned_before().await?.is_some();
    let wildcard = match wildcard_over(name) {
        Some(pattern) if is_in_a_certificate(inventory, &pattern).await? => Some(pattern),
        Some(_) | None => None,
    };
    if text.is_empty()
        && !is_pruned
        && wildcard.is_none()
        && !is_in_a_certificate(inventory, name.as_str()).await?
    {
        return Err(Failure::failed(format_args!(
            "nothing is known of `{name}`: it is no name that was looked at or that a \
             certificate is for, no address, and no beginning of a SHA-256"
        ))
        .hint(Some(
            "`certsweep certs` and `certsweep endpoints` list what is",
        )));
    }
    if text.is_empty() {
        text = unknown_text(inventory, name).await?;
    }
    if let Some(pattern) = wildcard {
        // Writing to a String can't fail.
        let _ = write!(certificates, " --name '{pattern}'");
    }
    Ok(text + &certificates + "\n")
}

/// The pattern for the one wildcard that covers a name (RFC 9525 section 6.3: it
/// stands for one label); `None` where none can.
fn wildcard_over(name: &ServerName) -> Option<String> {
    let (_, parent) = name.as_str().split_once('.')?;
    Some(format!("[*].{parent}"))
}

async fn is_in_a_certificate(inventory: &SqliteInventory, name: &str) -> Result<bool, Failure> {
    let filter = Filter {
        names: vec![name.to_owned()],
        ..Filter::default()
    };
    let mut found = false;
    let mut visit = |_: Installation| {
        found = true;
        ControlFlow::Break(())
    };
    let read = inventory.installations(&filter, Detail::Facts, &mut visit);
    read.await?;
    Ok(found)
}

/// What the ledger says of a name, a line a port.
fn ledger_text(name: &ServerName, rows: &[NameRow]) -> String {
    let mut text = String::new();
    for row in rows {
        let detail = match row.detail.as_str() {
            "" => String::new(),
            detail => format!(" ({})", printable(detail)),
        };
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "{name}:{}  {}{detail}  {}  scan {}  zone {}",
            row.port, row.outcome, row.at, row.scan, row.zone
        );
    }
    text
}

/// What the ledger says, a line a port.
async fn looks_text(
    inventory: &SqliteInventory,
    address: IpAddr,
    port: Option<Port>,
) -> Result<String, Failure> {
    let looks = inventory.address(address).await?;
    let mut text = String::new();
    let wanted = |look: &&AddressLook| port.is_none_or(|port| look.port == port);
    for look in looks.iter().filter(wanted) {
        let endpoint = SocketAddr::new(address, look.port.number());
        // Writing to a String can't fail.
        let _ = write!(text, "{endpoint}  {}", look.outcome);
        if !look.detail.is_empty() {
            let _ = write!(text, " ({})", printable(&look.detail));
        }
        let _ = writeln!(
            text,
            "  {}  scan {}  zone {}",
            look.at, look.scan, look.zone
        );
    }
    if text.is_empty() {
        let what = port.map_or_else(
            || address.to_string(),
            |port| SocketAddr::new(address, port.number()).to_string(),
        );
        return unknown_text(inventory, &what).await;
    }
    Ok(text)
}

/// What is said of a target of which nothing is known.
async fn unknown_text(
    inventory: &SqliteInventory,
    what: &(impl fmt::Display + Sync),
) -> Result<String, Failure> {
    let known = match inventory.pruned_before().await? {
        None => format!("{what}  never looked at\n"),
        Some(before) => {
            format!("{what}  not looked at, or nothing is kept: pruned up to {before}\n")
        }
    };
    Ok(known + &unlisted(inventory).await?)
}
