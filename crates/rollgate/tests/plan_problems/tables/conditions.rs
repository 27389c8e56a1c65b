//! What can be wrong with conditions of other kinds, and with groups of them.

use super::Case;

pub(super) const CONDITIONS: &[Case] = &[
    (
        "metric: latency, stat: p95, over: 1h,",
        "stat: p95, over: 1h,",
        "no-subject",
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
    ("gates:\n      crashes:", "gates:\n      <<: {}\n      crashes:", "unsupported", "phases[1].gates"),
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
];
