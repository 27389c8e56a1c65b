//! The Prometheus exposition, read by a strict little parser.

use std::collections::{BTreeMap, BTreeSet};

use rollgate::core::snapshot::Severity;
use rollgate::core::time::Span;

use super::stage::Stage;

/// A sample: its name, its labels, its value.
type Samples = BTreeMap<(String, BTreeMap<String, String>), f64>;

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    chars.next().is_some_and(is_first) && chars.all(|c| is_first(c) || c.is_ascii_digit())
}

/// `{a="b",c="d\"e"}`; gives the labels and what comes after.
fn labels(text: &str) -> (BTreeMap<String, String>, &str) {
    let mut found = BTreeMap::new();
    let mut rest = text;
    loop {
        let (key, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label in {text}"));
        assert!(is_name(key) && !key.contains(':'), "label {key}");
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            let (at, c) = chars.next().unwrap_or_else(|| panic!("open label in {text}"));
            match c {
                '"' => break at,
                '\\' => value.push(match chars.next().map(|(_, c)| c) {
                    Some('n') => '\n',
                    Some(c @ ('\\' | '"')) => c,
                    other => panic!("escape {other:?} in {text}"),
                }),
                c => value.push(c),
            }
        };
        assert!(found.insert(key.to_owned(), value).is_none(), "label {key} twice");
        rest = &after[end + 1..];
        if let Some(after) = rest.strip_prefix('}') {
            return (found, after);
        }
        rest = rest.strip_prefix(',').unwrap_or_else(|| panic!("{text}"));
    }
}

/// Families in one piece each, HELP and TYPE before the samples, no sample twice, counters named so and never negative.
fn parse(text: &str) -> Samples {
    assert!(text.ends_with('\n'));
    let mut samples = Samples::new();
    let mut families = BTreeSet::new();
    let (mut family, mut kind, mut helped) = (String::new(), String::new(), String::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, _) = rest.split_once(' ').unwrap();
            helped = name.to_owned();
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, of) = rest.split_once(' ').unwrap();
            assert_eq!(name, helped, "TYPE without its HELP");
            assert!(is_name(name) && families.insert(name.to_owned()), "family {name}");
            assert!(matches!(of, "gauge" | "counter"), "{of}");
            assert_eq!(of == "counter", name.ends_with("_total"), "{name}");
            (family, kind) = (name.to_owned(), of.to_owned());
            continue;
        }
        let at = line.find(['{', ' ']).unwrap();
        let (name, rest) = line.split_at(at);
        assert_eq!(name, family, "a sample outside its family");
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(rest) => labels(rest),
            None => (BTreeMap::new(), rest),
        };
        let value: f64 = rest.strip_prefix(' ').unwrap().parse().unwrap();
        assert!(kind != "counter" || value >= 0.0);
        assert!(samples.insert((name.to_owned(), labels), value).is_none(), "twice: {line}");
    }
    samples
}

fn value(samples: &Samples, name: &str, labels: &[(&str, &str)]) -> f64 {
    let fits = |has: &BTreeMap<String, String>| {
        labels.iter().all(|(key, value)| has.get(*key).is_some_and(|found| found == value))
    };
    let found: Vec<f64> =
        samples.iter().filter(|((of, has), _)| of == name && fits(has)).map(|(_, value)| *value).collect();
    assert_eq!(found.len(), 1, "{name} {labels:?}");
    found[0]
}

#[test]
fn r142_the_prometheus_text_is_strict_and_in_base_units() {
    let mut stage = Stage::new();
    stage.run(Span::hours(1));
    stage.metric("database_size").record(250.0);
    stage.metric("captures").count(7);
    stage.metric("injections.done").count(3);
    stage.open_alert(Severity::Critical, "a \"quoted\" one");
    let text = stage.engine.prometheus();
    assert!(text.contains("# HELP rollgate_latency_seconds whole \"request\"\n"), "{text}");
    let samples = parse(&text);
    assert_eq!(value(&samples, "rollgate_flag_share_ratio", &[("flag", "USE_A")]), 0.5);
    assert_eq!(value(&samples, "rollgate_rollout_status", &[("status", "running")]), 1.0);
    assert_eq!(value(&samples, "rollgate_rollout_status", &[("status", "stopped")]), 0.0);
    assert_eq!(value(&samples, "rollgate_rollout_phase", &[("phase", "phase_1")]), 1.0);
    let p95 = value(&samples, "rollgate_latency_seconds", &[("stat", "p95"), ("over", "5m")]);
    assert!((p95 - 0.1).abs() < 0.0005, "{p95}");
    assert_eq!(value(&samples, "rollgate_latency_samples_total", &[]), 1_200.0);
    assert_eq!(value(&samples, "rollgate_heap_used_bytes", &[("stat", "last")]), 400e6);
    assert_eq!(value(&samples, "rollgate_database_size_bytes", &[]), 250e6);
    assert_eq!(value(&samples, "rollgate_cache_hits_ratio", &[]), 0.64);
    assert_eq!(value(&samples, "rollgate_captures_total", &[]), 7.0);
    assert_eq!(value(&samples, "rollgate_injections_done_total", &[("metric", "injections.done")]), 3.0);
    assert_eq!(value(&samples, "rollgate_alerts_open", &[("severity", "critical")]), 1.0);
    assert_eq!(value(&samples, "rollgate_gate_status", &[("name", "incidents"), ("status", "pass")]), 1.0);
    assert_eq!(value(&samples, "rollgate_gate_status", &[("name", "latency"), ("status", "not_yet")]), 1.0);
    assert_eq!(value(&samples, "rollgate_daily_status", &[("name", "latency"), ("status", "warn")]), 1.0);
    assert_eq!(value(&samples, "rollgate_rollbacks_total", &[]), 0.0);
    // Without data there is no sample, and no zero.
    assert!(samples.keys().all(|(name, _)| name != "rollgate_nps_points"));
}
