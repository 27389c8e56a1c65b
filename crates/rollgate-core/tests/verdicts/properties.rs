//! Zero evidence never passes, whatever the condition: random ones as plans write them, on windows with nothing in them.

use proptest::prelude::*;
use rollgate_core::config::Node;
use rollgate_core::judge::Verdict;
use rollgate_core::time::Span;

use crate::TABLE;
use crate::stage::play;
use crate::table::{Row, items, list, map, read, text};

fn keys(pairs: &[(&str, &str)]) -> Vec<(String, Node)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect()
}

/// A measurement of any kind and statistic against a limit that zero, or nothing, might seem to keep.
fn measurement() -> impl Strategy<Value = Vec<(String, Node)>> {
    let subject = prop::sample::select(vec![
        ("latency", "p95", "1m", "0ms"),
        ("latency", "p50", "phase", "200ms"),
        ("latency", "mean", "1m", "0ms"),
        ("latency", "max", "1h", "200ms"),
        ("latency", "count", "1m", "0"),
        ("latency", "per_minute", "1m", "1"),
        ("errors", "ratio", "1m", "0%"),
        ("cache", "ratio", "phase", "100%"),
        ("cache", "count", "1m", "1"),
        ("heap", "last", "1m", "0MB"),
        ("heap", "max", "phase", "500MB"),
        ("heap", "growth_per_day", "1h", "0MB"),
        ("tickets", "count", "1m", "0"),
        ("tickets", "count", "phase", "1"),
        ("tickets", "per_hour", "1h", "1"),
        ("nps", "nps", "1h", "0"),
        ("nps", "count", "1h", "0"),
        ("rollgate.rollbacks", "count", "1m", "0"),
        ("rollgate.rollbacks", "count", "phase", "0"),
    ]);
    let comparison = prop::sample::select(vec!["below", "above", "at_most", "at_least"]);
    (subject, comparison, any::<(bool, bool, bool)>()).prop_map(
        |((metric, stat, over, limit), comparison, (sustained, few, covered))| {
            let mut pairs = keys(&[("metric", metric), ("stat", stat), ("over", over), (comparison, limit)]);
            // A window of the whole phase has no shorter one to last.
            pairs.extend(sustained.then(|| keys(&[("for", "5m")])).into_iter().flatten());
            pairs.extend(few.then(|| keys(&[("min_samples", "0")])).into_iter().flatten());
            pairs.extend(covered.then(|| keys(&[("coverage", "1%")])).into_iter().flatten());
            pairs
        },
    )
}

fn leaf() -> impl Strategy<Value = Vec<(String, Node)>> {
    let other = prop::sample::select(vec![
        vec![("alerts", "critical"), ("within", "1h"), ("at_most", "0")],
        vec![("alerts", "critical"), ("within", "1h"), ("at_least", "1")],
        vec![("alerts", "critical"), ("quiet_for", "1h")],
        vec![("alerts", "critical"), ("open_for", "1h")],
        vec![("metric", "heap"), ("trend", "not_rising"), ("over", "1h"), ("tolerance", "5%")],
        vec![("compare", "latency"), ("stat", "p95"), ("flag", "NEW"), ("not_worse_by", "5%")],
        vec![("compare", "errors"), ("flag", "NEW"), ("not_worse_by", "5pp")],
        vec![("attest", "ready")],
        vec![("checklist", "complete")],
    ]);
    prop_oneof![3 => measurement(), 1 => other.prop_map(|pairs| keys(&pairs))]
}

fn tree() -> impl Strategy<Value = Vec<(String, Node)>> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        let members = || {
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|members| list(members.into_iter().map(map).collect()))
        };
        let one = |key: &'static str| move |node: Node| vec![(key.to_owned(), node)];
        let group = prop_oneof![
            members().prop_map(one("all")),
            members().prop_map(one("any")),
            inner.clone().prop_map(|member| vec![("not".to_owned(), map(member))]),
            members().prop_map(|members| {
                let n = if items(&members).len() > 1 { "2" } else { "1" };
                let mut pairs = keys(&[("n", n)]);
                pairs.push(("conditions".into(), members));
                vec![("at_least_of".to_owned(), map(pairs))]
            }),
        ];
        (group, prop::option::weighted(0.2, inner.clone()), any::<bool>()).prop_map(
            |(mut group, asked, acts)| {
                group.extend(asked.map(|asked| ("only_if".to_owned(), map(asked))));
                group.extend(acts.then(|| keys(&[("on_no_data", "fail")])).into_iter().flatten());
                group
            },
        )
    })
}

/// Why there is nothing to judge by: no source, only values that are none, or no time.
fn lacks() -> Vec<(&'static str, Span, Vec<Node>)> {
    let feed = |source: &str| items(read(source).field("feed").unwrap()).to_vec();
    let nan = "feed = [{ at = '1s', metric = 'latency', value = nan, count = 500 }, { at = '1s', metric = 'heap', value = \
               nan }, { at = '1s', metric = 'nps', points = nan }, { at = '1s', metric = 'errors', true = 0, total = 0 }]";
    vec![
        ("nothing was recorded", Span::hours(2), Vec::new()),
        ("only values that are none were", Span::minutes(10), feed(nan)),
        ("there was no time", Span::ZERO, feed("feed = [{ live = ['tickets', 'alerts'] }]")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn zero_evidence_never_passes(when in tree()) {
        let table = read(TABLE);
        // The self-metric is live by nature: only where there was no time is it no evidence.
        let has_own = format!("{when:?}").contains("rollgate.rollbacks");
        for (name, at, feed) in lacks() {
            if has_own && at > Span::ZERO {
                continue;
            }
            let row = Row {
                name: name.to_owned(),
                when: map(when.clone()),
                plan: Some(map(keys(&[("evaluate_every", "1m")]))),
                feed,
                given: Vec::new(),
                at,
                gate: Some(String::new()),
                trigger: None,
                since: None,
                is_without_evidence: true,
            };
            let verdict = play(&table, &row).gate;
            prop_assert!(!verdict.is_some_and(Verdict::is_passing), "{name}: {verdict:?}");
        }
    }
}
