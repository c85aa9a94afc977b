//! What each pure stage of a scan costs: `cargo bench --bench stages`. The
//! store has a measurement of its own (`store`), and so have judgement and
//! reports of a whole inventory (`appraisal`).

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measurement prints what its clock says, and may fail loudly"
)]

#[path = "sweep/flight.rs"]
#[expect(dead_code, reason = "the server of benches/sweep needs the rest")]
mod flight;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use certsweep::domain::{Der, Timestamp};
use certsweep::judge::{Assessor, Evidence, Judge, KeyFaults, Kin, Past, Policy, Pool};
use certsweep::target::Plan;
use certsweep::tls::{Client, Ladder, Step};
use certsweep::x509::{self, Certificate};

/// How long each is repeated.
const REPEATED: Duration = Duration::from_secs(2);

/// Repetitions between two looks at the clock.
const LAP: u32 = 64;

fn main() {
    // `cargo test --benches` only wants to know that it compiles.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    expansion();
    let chain = flights();
    certificates(&chain);
}

/// Prints what one repetition takes.
fn measure<T>(what: &str, mut repetition: impl FnMut() -> T) {
    let start = Instant::now();
    let mut repetitions = 0_u32;
    while start.elapsed() < REPEATED {
        for _ in 0..LAP {
            black_box(repetition());
        }
        repetitions += LAP;
    }
    let nanoseconds = start.elapsed().as_nanos() as f64 / f64::from(repetitions);
    println!("{what}: {nanoseconds:.0} ns");
}

/// A block of a /8 on three ports, in its permutation, to targets.
fn expansion() {
    let spec = "10.0.0.0/8:443,8443,9443".parse().unwrap();
    let plan = Plan::builder().targets([spec]).build().unwrap();
    let block = plan.block(7).unwrap();
    let mut positions = (0..block.len()).cycle();
    let mut next = || {
        let index = block.at(positions.next().unwrap()).unwrap();
        plan.get(index).unwrap()
    };
    measure("expansion, a target", &mut next);
    measure("expansion and exclusions, a target", || {
        plan.excluded(&next()).is_some()
    });
}

/// Hellos, and an ordinary flight of TLS 1.2 read as far as its certificates.
fn flights() -> Vec<Der> {
    let client = Client::new();
    for rung in Ladder::fast().rungs() {
        let offered = rung.offered;
        measure(&format!("hello of {offered}"), || {
            client.open(rung, None, [7; 32]).unwrap()
        });
    }
    let flight = flight::canned();
    let rung = Ladder::fast().first();
    let read = || {
        let (mut conversation, _) = client.open(rung, None, [7; 32]).unwrap();
        conversation.feed(&flight)
    };
    let size = flight.len();
    measure(&format!("hello and flight of {size} bytes"), read);
    let Step::Done(ending) = read() else {
        panic!("a whole flight ends a conversation");
    };
    ending.certificates.unwrap()
}

/// A chain of three: hashed, parsed, linked, judged.
fn certificates(chain: &[Der]) {
    let leaf = chain.first().unwrap();
    measure("SHA-256 of a leaf", || leaf.fingerprint());
    measure("parse of a leaf", || x509::parse(leaf));
    let chain: Vec<Arc<Certificate>> = chain.iter().map(|der| Arc::new(x509::parse(der))).collect();
    let now = Timestamp::from_seconds(1_800_000_000);
    let assessor = Assessor::new(Vec::new(), Pool::default());
    measure("links of a chain of three", || assessor.links(&chain));
    let faults: Vec<KeyFaults> = chain.iter().map(|read| KeyFaults::of(read)).collect();
    let assessment = assessor.assess(&chain, now);
    let judge = Judge::new(Policy::default());
    let evidence = Evidence {
        chain: &chain,
        key_faults: &faults,
        assessment: &assessment,
        place: None,
        past: &Past::default(),
        kin: &Kin::default(),
    };
    measure("judgement", || judge.judge(&evidence, now));
}
