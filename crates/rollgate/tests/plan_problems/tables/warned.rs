//! What may run and should be looked at.

use super::Case;

/// As the cases that are broken, with the code and the path of the warning.
pub(crate) const WARNED: &[Case] = &[
    (
        "timezone: UTC",
        "date: 2026-12-24\nfreezes: [ { from: 2026-12-24, to: 2026-12-24 } ]",
        "planned-while-closed",
        "phases[0]",
    ),
    (
        "id: second\n    duration: 1d",
        "id: second\n    schedule: { a: { day: 9, at: \"09:00\" } }\n    duration: 1d",
        "never-due",
        "phases[1].schedule.a",
    ),
    ("timezone: UTC", "timezone: UTC", "band-without-action", "phases[0].gates.latency"),
    ("below: 200ms", "below: 500ms", "limits-both-strict", "phases[0].gates.latency"),
    ("below: 200ms", "below: 600ms", "limits-overlap", "phases[0].gates.latency"),
    ("at_least: 1 }", "at_least: 5 }", "band-without-action", "phases[1].gates.crashes"),
    (
        "slow: { when: { metric: latency, stat: p95, over: 1m, above: 500ms, for: 5m }",
        "slow: { when: { metric: heap, stat: last, above: 5GB }",
        "incurable",
        "phases[0].triggers.slow",
    ),
    (
        "crashes: { kind: event,",
        "crashes: { kind: event, curable: false,",
        "incurable",
        "phases[1].triggers.crash",
    ),
    (
        "steps: [ { set: { A: 50% } } ]",
        "steps: [ { set: { A: 20% }, hold: 30s }, { set: { A: 50% } } ]",
        "hold-shorter-than-window",
        "phases[1].steps[0]",
    ),
    (
        "over: 1h, below: 200ms",
        "over: 7d, below: 200ms",
        "window-longer-than-phase",
        "phases[0].gates.latency",
    ),
    (
        "over: 1h, below: 200ms",
        "over: phase, below: 200ms, min_samples: 90000",
        "traffic-too-low",
        "phases[0].gates.latency",
    ),
    (
        "decision: { roles: [lead] }",
        "decision: { roles: [lead], no_go: { extend: 1h } }",
        "extend-shorter-than-window",
        "phases[0].gates.quiet",
    ),
    (
        "over: 1h, below: 200ms",
        "over: 1h, below: 200ms, min_samples: 90000",
        "traffic-too-low",
        "phases[0].gates.latency",
    ),
    (
        "over: 1h, below: 200ms",
        "over: 1h, versus: baseline, change: relative, below: 5%",
        "no-baseline",
        "phases[0].gates.latency.below",
    ),
    ("gates:\n      crashes: {", "gates: {}\n    daily:\n      crashes: {", "no-gates", "phases[1]"),
    ("at_most: 0 }", "at_most: 0, dry_run: true }", "no-gates", "phases[1]"),
    (
        "when: phase_passed, channels: [chat], message: \"{phase.title} passed, {next.title} follows\"",
        "when: { before_start: 1d }, channels: [chat], message: soon",
        "notice-never-sent",
        "notices[0]",
    ),
    (
        "notices:\n",
        "channels: { chat: { frequency: incidents } }\nnotices:\n",
        "channel-frequency",
        "notices[0].channels",
    ),
    (
        "\"{phase.title} passed, {next.title} follows\"",
        "\"Dear [Customer]\"",
        "placeholder-like",
        "notices[0].message",
    ),
    (
        "    steps: [ { set: { A: 50% } } ]\n    gates:\n      crashes: { metric: crashes, stat: count, over: phase, at_most: 0 }\n    triggers:\n      crash: { when: { metric: crashes, stat: count, over: 1m, at_least: 1 }, rollback: { to: first } }",
        "    gates:\n      crashes: { metric: crashes, stat: count, over: phase, at_most: 0 }\n    triggers:\n      crash: { mode: manual, when: { metric: crashes, stat: count, over: 1m, at_least: 1 }, rollback: { to: zero } }",
        "only-manual-triggers",
        "phases[1]",
    ),
    (
        "crash: { when: { metric: crashes, stat: count, over: 1m, at_least: 1 }, rollback: { to: first } }",
        "crash: { when: { metric: crashes, stat: count, over: 1m, at_least: 1 }, rollback: { to: first } }\n      more: { when: { metric: crashes, stat: count, over: 1m, above: 1 }, rollback: { to: first } }",
        "limits-disagree",
        "phases[1].triggers.more",
    ),
    (
        "crash: { when: { metric: crashes, stat: count, over: 1m, at_least: 1 }, rollback: { to: first } }",
        "crash: { when: { metric: crashes, stat: count, over: 1m, at_least: 1 }, rollback: { to: first } }\n      more: { when: { metric: crashes, stat: count, over: 1m, at_least: 5 }, rollback: { to: first } }",
        "trigger-never-first",
        "phases[1].triggers.more",
    ),
    (
        "crashes: { metric: crashes, stat: count, over: phase",
        "crashes: { only_if: { flag: B, share_above: 50% }, metric: crashes, stat: count, over: phase",
        "always-skipped",
        "phases[1].gates.crashes",
    ),
    (
        "{ metric: crashes, stat: count, over: phase, at_most: 0 }",
        "{ shares: all_zero }",
        "gate-never-passes",
        "phases[1].gates.crashes",
    ),
    (
        "set: { A: 50% } }",
        "set: { A: 50% }, only_if: { flag: B, share_above: 50% } }",
        "step-never-applied",
        "phases[1].steps[0]",
    ),
    (
        "{ set: { A: 50% } }",
        "{ set: { A: 20% }, hold: 2d }, { set: { A: 50% } }",
        "holds-longer-than-phase",
        "phases[1].steps",
    ),
    (
        "over: 1h, below: 200ms",
        "over: 1h, below: 200ms, min_samples: 1",
        "thin-evidence",
        "phases[0].gates.latency",
    ),
    ("id: second\n", "id: second\n    title: To 60%\n", "title-differs", "phases[1].title"),
    ("id: second\n", "id: second\n    title: From 10 % to 60 %\n", "title-differs", "phases[1].title"),
    (
        "timezone: UTC",
        "baseline: { latency: { stat: p95, value: 300ms } }",
        "baseline-misses",
        "phases[0].gates.latency",
    ),
    (
        "timezone: UTC",
        "baseline: { latency: { stat: p95, value: 600ms } }",
        "baseline-fires",
        "phases[0].triggers.slow",
    ),
    (
        "timezone: UTC",
        "targets: { t: { metric: latency, stat: p95, over: 1h, below: 100ms } }",
        "target-without-gate",
        "targets.t",
    ),
];
