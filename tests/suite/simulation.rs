//! Five hundred seeds of the simulator, and that they reach what they are for.

use std::path::Path;

use rollgate_tests::sim::{Settings, print_failure, run};

#[test]
fn five_hundred_random_rollouts_break_no_promise_and_reach_every_situation() {
    let report = run(Settings { from: 0, seeds: 500, threads: 2, failures_max: 3 }, &|_| {});
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/sim");
    let coverage = report.coverage.clone();
    let failures: Vec<String> =
        report.failures.into_iter().map(|failure| print_failure(failure, &folder)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));

    let least = [
        ("evaluations", 50_000),
        ("oracle: must fire (automatic)", 300),
        ("oracle: must fire (manual)", 50),
        ("oracle says Yes", 500),
        ("oracle says No", 30_000),
        ("oracle says Few", 1_000),
        ("oracle says Blind", 1_000),
        ("phase passed on its gates", 100),
        ("step with only_if applied", 100),
        ("fired at once", 100),
        ("replayed byte for byte", 15),
        ("restart", 200),
        ("restart that lost records", 20),
        ("fault: calendar set", 500),
        ("fault: store away", 300),
        ("rollback by decision", 15),
        ("rollback by trigger", 400),
        ("command start: done", 300),
        ("command set: done", 150),
        ("command set: Refused", 300),
        ("command retry: done", 300),
        ("command approve: done", 10),
        ("command dismiss: done", 10),
        ("command stop: done", 30),
        ("command capture_baseline: done", 5),
        ("record decided", 300),
        ("record extended", 15),
        ("record proposal_lapsed", 20),
        ("record rollback_ineffective", 50),
        ("record dropped", 500),
        ("record completed", 40),
        ("record paused", 60),
        ("verdict PASS", 500),
        ("verdict FAIL", 100),
        ("verdict INCONCLUSIVE coverage", 30),
        ("verdict INCONCLUSIVE drops", 10),
        ("verdict INCONCLUSIVE no_data", 30),
        ("verdict INCONCLUSIVE too_few_samples", 10),
        ("verdict INCONCLUSIVE unattested", 20),
        ("verdict SKIPPED", 10),
        ("actions: started", 300),
        ("actions: succeeded", 200),
        ("actions: failed", 60),
        ("actions: gave something else", 5),
        ("actions: no result in time", 20),
        ("actions: succeeded too late", 10),
        ("actions: a result of something else refused", 200),
        ("actions: step applied after its actions", 100),
        ("actions: done anew after a closed calendar", 1),
        ("calendar: step in an open one", 200),
        ("calendar: step on a day on which the clocks change", 50),
        ("calendar: step held", 15),
        ("calendar: phase held", 10),
        ("calendar: a command refused", 300),
        ("calendar: rolled back in a closed one", 8),
        ("calendar: fell in a closed one by trigger", 10),
        ("calendar: rose in a closed one by operator", 10),
        ("calendar: entered by an override", 2),
        ("notices: delivered", 400),
        ("notices: delivered after failures", 30),
        ("notices: delivered by a later process", 8),
        ("notices: failed", 1_000),
        ("notices: refused", 150),
        ("notices: a sink panicked", 200),
        ("notices: no sink", 800),
        ("notices: given up", 15),
        ("notices: owed at phase_started", 400),
        ("notices: owed at rolled_back", 250),
        ("notices: owed at reminder", 400),
        ("notices: owed by the calendar", 40),
        ("notices: decided the same without sinks", 20),
        ("reminder", 400),
        ("reminder missed", 300),
    ];
    let short: Vec<String> = least
        .into_iter()
        .filter(|(name, least)| coverage.of(name) < *least)
        .map(|(name, least)| format!("{name}: {} of {least}", coverage.of(name)))
        .collect();
    assert!(short.is_empty(), "the simulator reaches too little:\n{}", short.join("\n"));
    assert!(coverage.kinds("fired: ") >= 15, "too few kinds of triggers fire:\n{coverage}");
    assert!(coverage.kinds("status ") == 7, "not every status is reached:\n{coverage}");
}
