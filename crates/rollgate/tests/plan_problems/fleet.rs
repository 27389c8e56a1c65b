//! Sources of metrics: what a plan may take from a server, and what it is told otherwise.

use rollgate::core::compile::Problems;
use rollgate::core::snapshot::{Scope, Secret};
use rollgate::read::{Format, ruleset};

use crate::tables::PLAN;

fn problems(text: &str) -> String {
    match ruleset(text, Format::Yaml) {
        Ok(compiled) => Problems(compiled.warnings).to_string(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn what_cannot_come_from_a_query_is_told_what_to_write() {
    for (metric, says) in [
        ("latency: { kind: distribution,", "a quantile from Prometheus is a gauge here"),
        ("errors: { kind: ratio,", "a ratio from Prometheus is a gauge here"),
        ("crashes: { kind: event,", "a rate or an increase from Prometheus is a gauge here"),
    ] {
        let (key, kind) = metric.split_once('{').unwrap();
        let text = PLAN.replacen(metric, &format!("{key}{{ source: {{ promql: up }}, {kind}"), 1);
        assert!(problems(&text).contains(says), "{}", problems(&text));
    }
}

#[test]
fn answers_are_no_ratings_that_could_be_counted() {
    let plan = PLAN.replacen("nps: { kind: score }", "nps: { kind: score, source: { promql: nps } }", 1);
    let gate = |condition: &str| {
        let quiet = "quiet: { alerts: critical, quiet_for: 4h }";
        problems(&plan.replacen(
            quiet,
            &format!("{quiet}\n      happy: {{ metric: nps, over: 1h, {condition} }}"),
            1,
        ))
    };
    assert!(!gate("above: 30").contains("wrong-source"), "{}", gate("above: 30"));
    for condition in ["above: 30, min_samples: 50", "stat: count, at_least: 50"] {
        let found = gate(condition);
        assert!(found.contains("wrong-source") && found.contains("no ratings"), "{found}");
    }
}

#[test]
fn no_problem_repeats_a_secret() {
    for written in ["secret: hunter2", "url: \"http://ann:hunter2@host\"", "secret: \"env:hunter2!\""] {
        let found = problems(&PLAN.replacen("timezone: UTC", &format!("prometheus: {{ {written} }}"), 1));
        assert!(found.contains("secret-in-plan") && !found.contains("hunter2"), "{found}");
    }
}

#[test]
fn what_is_written_is_what_applies_and_the_rest_is_the_fleets() {
    let written = "fleet: { quorum: 3, alerts: instance }\nprometheus: { url: \"https://prom.example.org/base/\", secret: file:/run/token }";
    let text = PLAN
        .replacen("timezone: UTC", written, 1)
        .replacen("heap: { kind: gauge,", "heap: { source: { promql: max(heap) }, kind: gauge,", 1)
        .replacen("crashes: { kind: event,", "crashes: { scope: instance, kind: event,", 1);
    let compiled = ruleset(&text, Format::Yaml).unwrap();
    assert!(compiled.warnings.iter().all(|warning| warning.code != "no-effect"));
    let ruleset = compiled.ruleset;
    assert_eq!((ruleset.quorum, ruleset.alerts), (3, Scope::Instance));
    let prometheus = ruleset.prometheus.as_ref().unwrap();
    assert_eq!(prometheus.url.as_deref(), Some("https://prom.example.org/base"));
    assert_eq!(prometheus.secret, Some(Secret::File("/run/token".into())));
    assert_eq!(prometheus.timeout.to_string(), "5s");
    let metric = |key: &str| ruleset.metric(ruleset.metric_of(key).unwrap());
    assert_eq!(metric("heap").source.as_ref().unwrap().every.to_string(), "30s");
    assert_eq!((metric("heap").scope, metric("crashes").scope), (Scope::Fleet, Scope::Instance));
    // Nothing of it written, nothing of it asked for.
    let plain = rollgate::read::ruleset(PLAN, Format::Yaml).unwrap().ruleset;
    assert_eq!((plain.quorum, plain.alerts, plain.prometheus), (1, Scope::Fleet, None));
    assert!(plain.metrics.iter().all(|metric| metric.scope == Scope::Fleet && metric.source.is_none()));
}

#[test]
fn a_server_that_no_metric_comes_from_is_named() {
    let found = problems(&PLAN.replacen("timezone: UTC", "prometheus: { url: \"http://host:9090\" }", 1));
    assert!(found.contains("no-effect") && found.contains("no metric comes from this server"), "{found}");
}
