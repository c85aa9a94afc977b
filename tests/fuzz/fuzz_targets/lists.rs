#![no_main]
//! Any bytes as a list of targets, of exclusions or of names, and as a file
//! of the configuration.

use std::path::Path;

use certsweep::config::Config;
use certsweep::target::{Exclusions, Plan, parse_exclusions, parse_list, parse_names};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let exclusions = parse_exclusions(bytes, "list").unwrap_or_default();
    let _ = parse_names(bytes, "list");
    if let Ok(targets) = parse_list(bytes, "list") {
        let specs = targets.into_iter().map(|(spec, _)| spec);
        let plan = Plan::builder()
            .targets(specs)
            .exclusions(Exclusions::new(exclusions))
            .build();
        if let Ok(plan) = plan {
            let summary = plan.summary();
            assert_eq!(summary.targets, plan.len());
            assert!(summary.excluded <= summary.targets);
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Config::parse(text, Path::new("config.toml"));
    }
});
