//! A small plan that is right, and everything that can be wrong with it.

/// A small plan that is right; each case changes one thing.
pub(crate) const PLAN: &str = "\
version: 1
name: small
timezone: UTC
expected_traffic: 1/s
flags:
  A: { bucketing: { salt: s } }
  B: { bucketing: { salt: s }, within: A, share_of: total }
metrics:
  latency: { kind: distribution, unit: ms, arms: [A] }
  errors: { kind: ratio, good: down }
  crashes: { kind: event, good: down }
  heap: { kind: gauge, unit: MB }
  nps: { kind: score }
  unsure: { kind: ratio, arms: [A] }
roles: { lead: {}, ops: {} }
phases:
  - id: first
    duration: 1d
    steps: [ { set: { A: 10%, B: 5% } } ]
    gates:
      latency: { metric: latency, stat: p95, over: 1h, below: 200ms }
      quiet: { alerts: critical, quiet_for: 4h }
    triggers:
      slow: { when: { metric: latency, stat: p95, over: 1m, above: 500ms, for: 5m }, rollback: { to: zero } }
    decision: { roles: [lead] }
  - id: second
    duration: 1d
    steps: [ { set: { A: 50% } } ]
    gates:
      crashes: { metric: crashes, stat: count, over: phase, at_most: 0 }
    triggers:
      crash: { when: { metric: crashes, stat: count, over: 1m, at_least: 1 }, rollback: { to: first } }
notices:
  - { when: phase_passed, channels: [chat], message: \"{phase.title} passed, {next.title} follows\" }
";

/// What is replaced, by what; the code and the path of the problem that follows.
pub(crate) const BROKEN: &[(&str, &str, &str, &str)] = &[
    (
        "rollback: { to: first }",
        "rollback: { set: { A: 0%, B: 60% } }",
        "target-not-lower",
        "phases[1].triggers.crash.rollback.set",
    ),
    (
        "decision: { roles: [lead] }",
        "decision: { roles: [lead], rollbacks: { second: zero } }",
        "invalid-key",
        "phases[0].decision.rollbacks.second",
    ),
    ("stat: p95, over: 1h,", "stat: p1e1, over: 1h,", "wrong-stat", "phases[0].gates.latency.stat"),
    ("stat: p95, over: 1h,", "stat: p100, over: 1h,", "wrong-stat", "phases[0].gates.latency.stat"),
    ("flags:\n  A: {", "flags: {}\nrisks:\n  A: {", "no-flags", "flags"),
    ("flags:\n  A: {", "risks:\n  A: {", "no-flags", "flags"),
    ("version: 1", "version: 2", "wrong-version", "version"),
    ("name: small", "nane: small", "unknown-key", "nane"),
    ("name: small\n", "", "missing-key", ""),
    ("timezone: UTC", "timezone: Mars/Olympus", "unknown-zone", "timezone"),
    (
        "A: { bucketing: { salt: s } }",
        "A: { bucketing: { salt: s }, share: 10% }",
        "share-in-plan",
        "flags.A.share",
    ),
    (", share_of: total }", " }", "nested-without-share-of", "flags.B"),
    ("within: A, share_of: total", "share_of: total", "share-of-without-within", "flags.B"),
    ("within: A,", "within: X,", "unknown-flag", "flags.B.within"),
    ("within: A,", "within: B,", "within-cycle", "flags.B.within"),
    ("B: { bucketing: { salt: s }", "B: { bucketing: { salt: t }", "salts-differ", "flags.B.within"),
    ("kind: distribution, unit: ms", "kind: distributoin, unit: ms", "wrong-value", "metrics.latency.kind"),
    ("kind: distribution, unit: ms", "kind: distribution", "missing-key", "metrics.latency"),
    (
        "kind: distribution, unit: ms",
        "kind: distribution, unit: apples",
        "unknown-unit",
        "metrics.latency.unit",
    ),
    ("errors: { kind: ratio,", "errors: { kind: ratio, unit: ms,", "wrong-unit", "metrics.errors"),
    ("arms: [A]", "arms: [Z]", "unknown-flag", "metrics.latency.arms[0]"),
    ("id: second", "id: first", "duplicate-id", "phases[1].id"),
    ("id: second\n    duration: 1d", "id: second\n    duration: 1mo", "wrong-duration", "phases[1].duration"),
    ("id: first\n    duration: 1d", "id: first\n    duration: open", "unreachable-phase", "phases[1]"),
    ("set: { A: 50% }", "set: { A: 5% }", "share-falls", "phases[1].steps[0].set"),
    ("set: { A: 50% }", "set: {}", "empty-set", "phases[1].steps[0].set"),
    ("set: { A: 50% }", "set: { A: 1 }", "wrong-share", "phases[1].steps[0].set.A"),
    ("set: { A: 50% }", "set: { B: 60%, A: 50% }", "child-above-parent", "phases[1].steps[0].set"),
    ("set: { A: 50% }", "set: { Q: 50% }", "unknown-flag", "phases[1].steps[0].set.Q"),
    ("below: 200ms }", "below: 200MB }", "wrong-unit", "phases[0].gates.latency.below"),
    ("below: 200ms }", "below: 200 }", "missing-unit", "phases[0].gates.latency.below"),
    ("below: 200ms }", "below: 200ms, above: 1ms }", "two-comparisons", "phases[0].gates.latency"),
    (", below: 200ms }", " }", "no-comparison", "phases[0].gates.latency"),
    (
        "metric: latency, stat: p95, over: 1h,",
        "metric: latncy, stat: p95, over: 1h,",
        "unknown-metric",
        "phases[0].gates.latency.metric",
    ),
    (
        "metric: latency, stat: p95, over: 1h,",
        "metric: latency, over: 1h,",
        "missing-key",
        "phases[0].gates.latency",
    ),
    (
        "metric: latency, stat: p95, over: 1h,",
        "metric: latency, stat: last, over: 1h,",
        "wrong-stat",
        "phases[0].gates.latency.stat",
    ),
    (
        "metric: latency, stat: p95, over: 1h,",
        "metric: latency, stat: p95,",
        "missing-key",
        "phases[0].gates.latency",
    ),
    (
        "metric: latency, stat: p95, over: 1h,",
        "stat: p95, over: 1h,",
        "no-subject",
        "phases[0].gates.latency",
    ),
    (
        "metric: latency, stat: p95,",
        "metric: latency, shares: all_zero,",
        "two-subjects",
        "phases[0].gates.latency",
    ),
    (
        "rollback: { to: first }",
        "rollback: { to: second }",
        "target-not-lower",
        "phases[1].triggers.crash.rollback.to",
    ),
    (
        "rollback: { to: first }",
        "rollback: { to: third }",
        "unknown-phase",
        "phases[1].triggers.crash.rollback.to",
    ),
    (
        "rollback: { to: first }",
        "rollback: { set: { A: 60% } }",
        "target-not-lower",
        "phases[1].triggers.crash.rollback.set",
    ),
    ("rollback: { to: first }", "rollback: {}", "missing-key", "phases[1].triggers.crash.rollback"),
    ("crash: { when:", "crash: { mode: manual, when:", "no-automatic-trigger", "phases[1]"),
    ("crash: { when:", "crash: { dry_run: true, when:", "no-automatic-trigger", "phases[1]"),
    (
        "decision: { roles: [lead] }",
        "decision: { roles: [boss] }",
        "unknown-role",
        "phases[0].decision.roles[0]",
    ),
    ("{next.title} follows", "{next.name} follows", "unknown-placeholder", "notices[0].message"),
    ("when: phase_passed", "when: completed", "unknown-placeholder", "notices[0].message"),
    ("name: small\n", "name: small\nname: again\n", "duplicate-key", "name"),
    ("name: small\n", "name: &anchor small\n", "unsupported", "name"),
    ("  - id: second", "  - id: [second", "syntax", ""),
    ("name: small\n", "name: small\nphases: []\n#", "no-phases", "phases"),
    (
        "A: { bucketing: { salt: s } }",
        "A: { bucketing: { salt: s }, always_on: tester }",
        "wrong-type",
        "flags.A.always_on",
    ),
    ("A: { bucketing: { salt: s } }", "A: { enabled: on }", "wrong-type", "flags.A.enabled"),
    ("A: { bucketing: { salt: s } }", "\"A B\": {}", "invalid-key", "flags.A B"),
    ("share_of: total }", "share_of: everybody }", "wrong-value", "flags.B.share_of"),
    ("arms: [A]", "arms: [A, A]", "duplicate-entry", "metrics.latency.arms[1]"),
    ("latency: { kind", "rollgate.latency: { kind", "invalid-key", "metrics.rollgate.latency"),
    ("unit: ms, arms: [A]", "unit: ms, max_gap: 10", "wrong-duration", "metrics.latency.max_gap"),
    ("timezone: UTC", "evaluate_every: 10ms", "out-of-range", "evaluate_every"),
    ("timezone: UTC", "evaluate_every: 2h", "out-of-range", "evaluate_every"),
    ("timezone: UTC", "expected_traffic: 20", "wrong-number", "expected_traffic"),
    ("timezone: UTC", "expected_traffic: NaN/s", "wrong-number", "expected_traffic"),
    ("timezone: UTC", "date: tomorrow", "wrong-date", "date"),
    ("timezone: UTC", "daily: { at: \"9\" }", "wrong-time", "daily.at"),
    ("timezone: UTC", "daily: { at: \"24:00\" }", "wrong-time", "daily.at"),
    ("timezone: UTC", "daily: { at: \"+9:00\" }", "wrong-time", "daily.at"),
    ("timezone: UTC", "baseline: { latency: { stat: p95 } }", "missing-key", "baseline.latency"),
    (
        "timezone: UTC",
        "baseline: { latency: { stat: p95, value: 5MB } }",
        "wrong-unit",
        "baseline.latency.value",
    ),
    ("timezone: UTC", "baseline: { latncy: { stat: p95, value: 5ms } }", "unknown-metric", "baseline.latncy"),
    (
        "timezone: UTC",
        "baseline: { latency: { stat: p95, capture_over: 1000d } }",
        "out-of-range",
        "baseline.latency.capture_over",
    ),
    ("timezone: UTC", "risks: { r: { triggers: [slwo] } }", "unknown-trigger", "risks.r.triggers[0]"),
    ("id: second", "id: zero", "invalid-key", "phases[1].id"),
    ("  - id: second\n    duration: 1d", "  - duration: 1d", "missing-key", "phases[1]"),
    ("id: second\n    duration: 1d", "id: second", "missing-key", "phases[1]"),
    (
        "id: second\n    duration: 1d",
        "id: second\n    duration: 1d\n    gatse: {}",
        "unknown-key",
        "phases[1].gatse",
    ),
    ("id: second\n    duration: 1d", "id: second\n    duration: 30", "wrong-duration", "phases[1].duration"),
    ("id: second\n    duration: 1d", "id: second\n    duration: -1d", "wrong-duration", "phases[1].duration"),
    ("id: second\n    duration: 1d", "id: second\n    duration: 20y", "wrong-duration", "phases[1].duration"),
    (
        "id: second\n    duration: 1d",
        "id: second\n    duration: 1d\n    checklist: { a: { owner: boss } }",
        "unknown-role",
        "phases[1].checklist.a.owner",
    ),
    (
        "id: second\n    duration: 1d",
        "id: second\n    duration: 1d\n    checklist: { a: { due: soon } }",
        "wrong-date",
        "phases[1].checklist.a.due",
    ),
    ("set: { A: 50% }", "hold: 1h", "missing-key", "phases[1].steps[0]"),
    ("set: { A: 50% }", "set: { A: -50% }", "wrong-share", "phases[1].steps[0].set.A"),
    ("set: { A: 50% }", "set: { A: 50.00001% }", "wrong-share", "phases[1].steps[0].set.A"),
    ("set: { A: 50% }", "set: { A: .inf }", "wrong-share", "phases[1].steps[0].set.A"),
    ("set: { A: 50% }", "set: [ A ]", "wrong-type", "phases[1].steps[0].set"),
    ("over: 1h, below: 200ms", "over: 1h, below: NaN", "wrong-number", "phases[0].gates.latency.below"),
    ("over: 1h, below: 200ms", "over: 1h, below: .inf", "wrong-number", "phases[0].gates.latency.below"),
    ("over: 1h, below: 200ms", "over: 1h, below: -200ms", "out-of-range", "phases[0].gates.latency.below"),
    (
        "over: 1h, below: 200ms",
        "over: 1h, below: 200 apples",
        "unknown-unit",
        "phases[0].gates.latency.below",
    ),
    ("over: 1h, below: 200ms", "over: 200d, below: 200ms", "out-of-range", "phases[0].gates.latency.over"),
    (
        "over: 1h, below: 200ms",
        "over: 1h, for: 200d, below: 200ms",
        "out-of-range",
        "phases[0].gates.latency.for",
    ),
    (
        "over: 1h, below: 200ms",
        "over: 1h, averaged_by: 2h, below: 200ms",
        "out-of-range",
        "phases[0].gates.latency.averaged_by",
    ),
    (
        "stat: p95, over: 1h, below: 200ms",
        "stat: per_minute, over: 1h, averaged_by: 10m, below: 2",
        "wrong-stat",
        "phases[0].gates.latency.averaged_by",
    ),
    (
        "over: 1h, below: 200ms",
        "over: 1h, below: 200ms, min_samples: many",
        "wrong-number",
        "phases[0].gates.latency.min_samples",
    ),
    (
        "over: 1h, below: 200ms",
        "over: 1h, below: 200ms, warn_within: 1",
        "wrong-number",
        "phases[0].gates.latency.warn_within",
    ),
    (
        "over: 1h, below: 200ms",
        "over: 1h, below: 200ms, coverage: 110%",
        "wrong-number",
        "phases[0].gates.latency.coverage",
    ),
    (
        "over: 1h, below: 200ms",
        "over: 1h, below: 200ms, on_no_data: fire",
        "wrong-value",
        "phases[0].gates.latency.on_no_data",
    ),
    (
        "over: 1h, below: 200ms",
        "over: 1h, below: 200ms, versus: baseline",
        "missing-key",
        "phases[0].gates.latency",
    ),
    (
        "over: 1h, below: 200ms",
        "over: 1h, below: 200ms, change: relative",
        "missing-key",
        "phases[0].gates.latency",
    ),
    (
        "over: 1h, below: 200ms",
        "over: 1h, versus: baseline, change: relative, below: 200ms",
        "missing-unit",
        "phases[0].gates.latency.below",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { metric: errors, over: 1h, below: 200% }",
        "out-of-range",
        "phases[0].gates.latency.below",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { metric: errors, over: 1h, below: 5 }",
        "missing-unit",
        "phases[0].gates.latency.below",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { metric: nps, over: 1h, above: 30% }",
        "wrong-unit",
        "phases[0].gates.latency.above",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { metric: nps, over: 1h, above: 300 points }",
        "out-of-range",
        "phases[0].gates.latency.above",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { metric: crashes, stat: per_minute, over: 1h, below: 5ms }",
        "wrong-unit",
        "phases[0].gates.latency.below",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { metric: crashes, trend: not_rising, over: 1h, tolerance: 5% }",
        "wrong-kind",
        "phases[0].gates.latency",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { metric: heap, trend: not_rising, over: 1h }",
        "missing-key",
        "phases[0].gates.latency",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { alerts: critical }",
        "missing-key",
        "phases[0].gates.latency",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { alerts: bad, quiet_for: 1h }",
        "wrong-value",
        "phases[0].gates.latency.alerts",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { compare: latency, stat: p95, flag: B, not_worse_by: 5% }",
        "not-an-arm",
        "phases[0].gates.latency",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { compare: latency, stat: max, flag: A, not_worse_by: 5% }",
        "wrong-stat",
        "phases[0].gates.latency",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { compare: latency, stat: p95, flag: A, not_worse_by: -5% }",
        "out-of-range",
        "phases[0].gates.latency.not_worse_by",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { compare: latency, stat: p95, flag: A, not_worse_by: 5 }",
        "missing-unit",
        "phases[0].gates.latency.not_worse_by",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { compare: latency, stat: p95, flag: A, not_worse_by: 5MB }",
        "wrong-unit",
        "phases[0].gates.latency.not_worse_by",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { compare: latency, stat: p95, flag: A, not_worse_by: 5%, confidence: 40% }",
        "out-of-range",
        "phases[0].gates.latency.confidence",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { compare: unsure, flag: A, not_worse_by: 5% }",
        "missing-key",
        "phases[0].gates.latency",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { attest: it, roles: [boss] }",
        "unknown-role",
        "phases[0].gates.latency.roles[0]",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { attest: it, all_of: 0 }",
        "wrong-number",
        "phases[0].gates.latency.all_of",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { checklist: complete }",
        "no-checklist",
        "phases[0].gates.latency",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { flag: A }",
        "missing-key",
        "phases[0].gates.latency",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { all: [] }",
        "empty-group",
        "phases[0].gates.latency.all",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { any: [ { metric: latncy } ] }",
        "unknown-metric",
        "phases[0].gates.latency.any[0].metric",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { at_least_of: { conditions: [ { phase_for: 1h } ] } }",
        "missing-key",
        "phases[0].gates.latency.at_least_of",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { at_least_of: { n: 1 } }",
        "missing-key",
        "phases[0].gates.latency.at_least_of",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency: { at_least_of: { n: 2, conditions: [ { phase_for: 1h } ] } }",
        "out-of-range",
        "phases[0].gates.latency.at_least_of",
    ),
    (
        "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }",
        "latency:",
        "no-subject",
        "phases[0].gates.latency",
    ),
    (
        "rollback: { to: first }",
        "rollback: { to: first, set: { A: 0% } }",
        "missing-key",
        "phases[1].triggers.crash.rollback",
    ),
    (
        "rollback: { to: first }",
        "rollback: { set: {} }",
        "empty-set",
        "phases[1].triggers.crash.rollback.set",
    ),
    ("set: { A: 50% }", "set: { A: 10% }", "target-not-lower", "phases[1].triggers.crash.rollback.to"),
    ("crash: { when:", "crash: { mode: maybe, when:", "wrong-value", "phases[1].triggers.crash.mode"),
    ("crash: { when: {", "crash: { whne: {", "missing-key", "phases[1].triggers.crash"),
    (", rollback: { to: first }", "", "missing-key", "phases[1].triggers.crash"),
    (
        "crash: { when:",
        "crash: { approve_by: [boss], when:",
        "unknown-role",
        "phases[1].triggers.crash.approve_by[0]",
    ),
    ("decision: { roles: [lead] }", "decision: { roles: [] }", "missing-key", "phases[0].decision"),
    ("decision: { roles: [lead] }", "decision: {}", "missing-key", "phases[0].decision"),
    (
        "decision: { roles: [lead] }",
        "decision: { roles: [lead, lead] }",
        "duplicate-entry",
        "phases[0].decision.roles[1]",
    ),
    (
        "decision: { roles: [lead] }",
        "decision: { roles: [lead], no_go: {} }",
        "missing-key",
        "phases[0].decision.no_go",
    ),
    (
        "decision: { roles: [lead] }",
        "decision: { roles: [lead], rollbacks: { full: second } }",
        "target-not-lower",
        "phases[0].decision.rollbacks.full",
    ),
    (
        "decision: { roles: [lead] }",
        "contingency: { to: nowhere }",
        "unknown-phase",
        "phases[0].contingency.to",
    ),
    ("channels: [chat], ", "", "missing-key", "notices[0]"),
    ("channels: [chat], ", "channels: [], ", "missing-key", "notices[0]"),
    ("when: phase_passed, ", "", "missing-key", "notices[0]"),
    ("when: phase_passed, ", "when: {}, ", "missing-key", "notices[0].when"),
    ("when: phase_passed, ", "when: phase_failed, ", "wrong-value", "notices[0].when"),
    (", message: \"{phase.title} passed, {next.title} follows\"", "", "missing-key", "notices[0]"),
    (
        "\"{phase.title} passed, {next.title} follows\"",
        "\"half a {brace\"",
        "unknown-placeholder",
        "notices[0].message",
    ),
    (
        "when: phase_passed, channels: [chat], message: \"{phase.title} passed, {next.title} follows\"",
        "when: { before_start: 1d }, channels: [chat], message: \"from {date} on\"",
        "unknown-placeholder",
        "notices[0].message",
    ),
    ("roles: { lead: {}, ops: {} }", "roles: { lead: {}, ops: {}, lead: {} }", "duplicate-key", "roles.lead"),
    ("gates:\n      crashes:", "gates:\n      <<: {}\n      crashes:", "unsupported", "phases[1].gates"),
    ("name: small\n", "name: !!str small\n", "unsupported", "name"),
    ("name: small\n", "name: &anchor small\ntitle: *anchor\n", "unsupported", "title"),
    (
        "alerts: critical, quiet_for: 4h",
        "alerts: critical, for: 4h",
        "ambiguous-alerts",
        "phases[0].gates.quiet",
    ),
    (
        "alerts: critical, quiet_for: 4h",
        "alerts: critical, quiet_for: 4h, open_for: 4h",
        "ambiguous-alerts",
        "phases[0].gates.quiet",
    ),
    (
        "    steps: [ { set: { A: 50% } } ]\n    gates:\n      crashes: { metric: crashes, stat: count, over: phase, at_most: 0 }\n    triggers:\n      crash: { when: { metric: crashes, stat: count, over: 1m, at_least: 1 }, rollback: { to: first } }\n",
        "    gates:\n      crashes: { metric: crashes, stat: count, over: phase, at_most: 0 }\n",
        "no-trigger",
        "phases[1]",
    ),
    ("timezone: UTC", "total: 3d", "total-differs", "total"),
];

/// The same for what may run and should be looked at.
pub(crate) const WARNED: &[(&str, &str, &str, &str)] = &[
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
