//! The demo as a person runs it into a pipe: its story, and that the README shows what it really prints.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Command;

/// What the demo prints. It runs in a folder that has no plan in it: the plan is part of the program.
fn demo() -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rollgate"))
        .arg("demo")
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}\n{stderr}");
    (stdout, stderr)
}

/// Set it to put what the demo prints into the README; then read what changed before it is committed.
const BLESS: &str = "ROLLGATE_BLESS";

/// What the README shows of it: from a line that starts so, up to the blank line before one that starts so.
const SHOWN: [(&str, &str); 4] = [
    ("rollgate demo", "Phase 0"),
    ("Phase 1: 10% Rollout ─", "Phase 1: 10% Rollout, again"),
    ("Phase 3", "Scorecard of Phase 0"),
    ("Final scorecard of Phase 3", "Final scorecard of Phase 4"),
];

fn bless(demo: &str) {
    let part = |(from, to): &(&str, &str)| {
        let from =
            demo.match_indices(from).map(|(at, _)| at).find(|at| *at == 0 || demo[..*at].ends_with('\n'));
        let rest = &demo[from.unwrap()..];
        let end = if to.is_empty() { rest.len() } else { rest.find(&format!("\n{to}")).unwrap() };
        rest[..end].trim_end().to_owned()
    };
    let parts: Vec<String> = SHOWN.iter().map(part).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once("```text\nrollgate demo\n").unwrap();
    let (_, after) = rest.split_once("\n```\n").unwrap();
    std::fs::write(path, format!("{before}```text\n{}\n```\n{after}", parts.join("\n[...]\n"))).unwrap();
}

/// The parts of the README's block that starts with this line; `[...]` stands between them.
fn shown_in_readme(first: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let (_, rest) = readme.split_once(&format!("```text\n{first}\n")).unwrap();
    let block = format!("{first}\n{}", rest.split_once("```").unwrap().0);
    block.split("[...]\n").map(|part| part.trim_matches('\n').to_owned()).collect()
}

#[test]
fn the_demo_rolls_back_by_itself_recovers_and_reaches_100_percent_as_the_readme_shows() {
    let (demo, stderr) = demo();
    // The story, in its order.
    let mut rest = &*demo;
    for told in [
        "Phase 0: Pre-Deployment ─",
        "GO            engineering_manager",
        "GO            product_manager",
        "Phase 1: 10% Rollout ─",
        "USE_ENHANCED_INJECTION and USE_HIERARCHICAL_TIERS 0% → 10%",
        "(simulated)   injections get 6 times slower",
        "━ ROLLED BACK to zero ━",
        "trigger latency: p95(injection_latency) over ",
        "above 500 ms for 10m",
        "USE_ENHANCED_INJECTION and USE_HIERARCHICAL_TIERS 10% → 0%",
        "contingency   a retry needs root_cause and fix_validated",
        "attested      root_cause",
        "attested      fix_validated",
        "retry         by on_call",
        "Phase 1: 10% Rollout, again ─",
        "Phase 2: 50% Rollout ─",
        "Phase 3: 100% Rollout ─",
        "USE_CROSS_AGENT_SHARING 50% → 100%",
        "completed     every flag at 100%, 38 days after the start",
        "Phase 4: Stabilization ─",
        "attested      remove_legacy_consensus, by engineering_manager",
        "ended         stable; the rollout ends 52 days after the start",
        "1 rollback; ",
        "journal records, and their hash chain holds",
        "Scorecard of Phase 0: Pre-Deployment",
        "Scorecard of Phase 1: 10% Rollout",
        "Scorecard of Phase 2: 50% Rollout",
        "Final scorecard of Phase 3: 100% Rollout",
        "7-Day Average",
        "Final scorecard of Phase 4: Stabilization",
    ] {
        let Some((_, after)) = rest.split_once(told) else {
            panic!("`{told}` is not told in its place:\n{demo}")
        };
        rest = after;
    }
    assert_eq!(demo.matches("ROLLED BACK").count(), 1);
    assert_eq!(demo.matches("\nOverall: PASS\n").count(), 5, "people decided on what passes:\n{demo}");
    // How it looks in a pipe.
    assert!(!demo.contains('\u{1b}') && !stderr.contains('\u{1b}'), "colours and bars are for terminals");
    assert!(stderr.trim().starts_with("52 days in ") && stderr.trim().lines().count() == 1, "{stderr}");
    let widest = demo.lines().max_by_key(|line| line.chars().count()).unwrap();
    assert!(widest.chars().count() <= 100, "{widest}");
    let longest = demo.split("\nPhase ").take(6).map(|phase| phase.lines().count()).max();
    assert!(longest <= Some(20), "a phase fits on a screen");
    // The README shows it word for word.
    if std::env::var_os(BLESS).is_some() {
        bless(&demo);
    }
    let mut rest = &*demo;
    for part in shown_in_readme("rollgate demo") {
        let Some((_, after)) = rest.split_once(&*part) else {
            panic!("{BLESS}=1 mends the README; the demo does not print\n{part}\n\nit prints\n{demo}")
        };
        rest = after;
    }
}
