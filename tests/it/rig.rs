//! A scan about to run on a simulated network.

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex};

use certsweep::domain::{Fingerprint, Observation, ScanId, clock};
use certsweep::pace::{Pacer, Rate, Rates};
use certsweep::probe::{Prober, Timeouts};
use certsweep::scan::{
    Approach, Depth, Expected, FurtherNames, KnownNames, LossMeter, Neighbours, Pointers, Progress,
    Reach, Recency, Scan, ScanError, Settings, Sighting, Stop, Summary, VisitingHours,
};
use certsweep::schedule::ClockJumps;
use certsweep::store::{KnownQuestion, KnownTarget, NewScan};
use certsweep::target::{ByNetwork, Exclusion, Exclusions, Plan, Shard, parse_exclusions};

use crate::simulation::{Memory, Names, Network, Peer, flight};

/// Few enough that a test can count its connections.
const TWO_RUNGS: &str = "tls1.2+tls1.1+tls1.0,tls1.3";

/// Everything around the engine, simulated.
pub(crate) struct Rig {
    pub(crate) network: Network,
    pub(crate) names: Names,
    pub(crate) memory: Memory,
    pub(crate) targets: Vec<String>,
    pub(crate) exclude: Vec<String>,
    pub(crate) shard: Shard,
    pub(crate) rates: Rates,
    pub(crate) ladder: &'static str,
    pub(crate) retries: u32,
    pub(crate) depth: Depth,
    pub(crate) further: Vec<&'static str>,
    pub(crate) reach: Reach,
    /// The certificates told of while they came: endpoint and name.
    pub(crate) told: Arc<Mutex<Vec<String>>>,
    pub(crate) recency: Recency,
    pub(crate) hours: VisitingHours,
    pub(crate) neighbours: Neighbours,
    /// Endpoints that answered in earlier scans.
    pub(crate) known: Vec<KnownTarget>,
    /// What certificates are known for.
    pub(crate) questions: Vec<KnownQuestion>,
    pub(crate) known_names: KnownNames,
    /// Targets that come before the others.
    pub(crate) first: Vec<String>,
    pub(crate) stop: Stop,
    pub(crate) resumes: Option<ScanId>,
}

impl Rig {
    pub(crate) fn new(network: Network, targets: &[&str]) -> Self {
        Self {
            network,
            names: Names::of(&[]),
            memory: Memory::default(),
            targets: targets.iter().map(ToString::to_string).collect(),
            exclude: Vec::new(),
            shard: Shard::WHOLE,
            rates: Rates {
                overall: Rate::Unlimited,
                per_host: Rate::Unlimited,
                per_network: Rate::Unlimited,
            },
            ladder: TWO_RUNGS,
            retries: 0,
            depth: Depth::Names,
            further: Vec::new(),
            reach: Reach::WhereTheyResolve,
            told: Arc::default(),
            recency: Recency::default(),
            hours: VisitingHours::default(),
            neighbours: Neighbours::default(),
            known: Vec::new(),
            questions: Vec::new(),
            known_names: KnownNames::Listed,
            first: Vec::new(),
            stop: Stop::default(),
            resumes: None,
        }
    }

    /// One that takes about forty seconds without retries.
    pub(crate) fn of_forty_seconds(network: Network) -> Self {
        let mut rig = Self::new(network, &["10.0.0.0/22"]);
        rig.rates.overall = Rate::PerSecond(NonZeroU32::new(25).unwrap());
        rig
    }

    fn plan(&self) -> Plan {
        let specs = self.targets.iter().map(|text| text.parse().unwrap());
        let exclusions = parse_exclusions(self.exclude.join("\n"), "exclude").unwrap();
        Plan::builder()
            .targets(specs)
            .first(self.first.iter().map(|text| text.parse().unwrap()))
            .exclusions(Exclusions::new(exclusions))
            .seed(7)
            .shard(self.shard)
            .build()
            .unwrap()
    }

    pub(crate) async fn run(&self) -> Result<Summary, ScanError> {
        let plan = Arc::new(self.plan());
        let guarded = Arc::clone(&plan);
        let record = new_scan(&plan);
        let pacer = Pacer::new(self.rates, NonZeroUsize::MAX, move |address, port| {
            guarded.excluded_at(address, port).map(Exclusion::why)
        });
        let hours = self.hours.clone();
        let pacer = pacer.within(move |address, longest| hours.allow(address, longest));
        let scan = Scan {
            expected: Expected::new(&self.known, &self.questions, self.known_names, &plan),
            plan,
            recency: self.recency.clone(),
            settings: Settings {
                zone: "sim".parse().unwrap(),
                approach: ByNetwork::from(Approach {
                    ladder: self.ladder.parse().unwrap(),
                    retries: self.retries,
                    depth: self.depth,
                }),
                hours: self.hours.clone(),
                neighbours: self.neighbours.clone(),
                workers: NonZeroUsize::new(512).unwrap(),
                pointers: Pointers::LookUp,
                further_names: FurtherNames {
                    names: self.further.iter().map(|it| it.parse().unwrap()).collect(),
                    reach: self.reach,
                },
            },
            prober: Prober::new(self.network.clone(), Arc::new(pacer), Timeouts::default()),
            resolver: self.names.clone(),
            progress: Arc::new(Progress::default()),
            resumes: self.resumes,
            event_loops: Vec::new(),
            clock_jumps: ClockJumps::default(),
            ahead: None,
            losses: LossMeter::default(),
        };
        let sink = Box::new(self.memory.clone());
        let told = Arc::clone(&self.told);
        let watch = move |sighting: Sighting<'_>| {
            let seen = sighting.observation;
            told.lock().unwrap().push(told_of(seen));
        };
        let summary = scan.run(sink, record, self.stop.clone(), watch).await?;
        assert_eq!(
            summary.outcomes.total(),
            summary.targets,
            "the outcomes add up"
        );
        Ok(summary)
    }
}

/// `10.0.0.8:443 www.sim rsa certificate`.
pub(crate) fn told_of(seen: &Observation) -> String {
    let mut line = seen.endpoint.to_string();
    line.extend(seen.server_name.iter().map(|name| format!(" {name}")));
    line.extend(seen.asked_for.iter().map(|key_type| format!(" {key_type}")));
    format!("{line} {}", seen.outcome.kind())
}

fn new_scan(plan: &Plan) -> NewScan {
    NewScan {
        started_at: clock::now(),
        targets: plan.len(),
        zone: "sim".parse().unwrap(),
        note: None,
        settings: "{}".to_owned(),
        seed: plan.seed(),
        plan: Fingerprint::of(plan.fingerprint().as_bytes()),
        identity: Fingerprint::of(plan.targets_fingerprint().as_bytes()),
        operator: "somebody".to_owned(),
        tool_version: "0".to_owned(),
    }
}

/// A server on every address that ends in so many, dark and closed others.
pub(crate) fn varied(address: SocketAddr, _: usize) -> Peer {
    let IpAddr::V4(ip) = address.ip() else {
        return Peer::Unreachable;
    };
    match ip.octets()[3] % 8 {
        0 => Peer::Says(flight(&[&ip.octets(), b"intermediate"])),
        1 => Peer::Closed,
        2 => Peer::Silent,
        3 => Peer::Says(b"220 mail.sim ESMTP\r\n".to_vec()),
        4 => Peer::Unreachable,
        _ => Peer::Dark,
    }
}
