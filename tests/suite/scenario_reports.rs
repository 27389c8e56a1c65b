//! The dashboards and the baseline table of the rollout plan's document, out of the memory-system plan.

use rollgate::Report;
use rollgate::core::report::{Form, Row, RowStatus, Scorecard, Section};
use rollgate::core::time::Span;
use rollgate_tests::{EM, Scenario};

/// A line of a dashboard: the gate or its part, what its target says, what is measured, its status.
type Line<'a> = (&'a str, &'a str, &'a str, RowStatus);

/// Every row of a card, and every part of one: name, target, actual, status.
fn lines(card: &Scorecard) -> Vec<(String, String, String, RowStatus)> {
    let rows = card.rows.iter().flat_map(|row| {
        let own = (row.metric.to_string(), row.target.clone(), row.actual.clone(), row.status);
        let parts = row
            .parts
            .iter()
            .map(|part| (part.metric.to_string(), part.target.clone(), part.actual.clone(), part.status));
        std::iter::once(own).chain(parts)
    });
    rows.collect()
}

/// Each line of the document's dashboard is there once, and the rows that decide are these and the criteria that the
/// document's dashboards leave out, in the plan's order.
#[track_caller]
fn holds(card: &Scorecard, wanted: &[Line<'_>], beside: &[&str]) {
    let found = lines(card);
    for (name, target, actual, status) in wanted {
        let of_it: Vec<_> = found.iter().filter(|line| line.0 == *name && line.1.contains(target)).collect();
        let [line] = of_it[..] else { panic!("{name} {target} {} times: {found:#?}", of_it.len()) };
        assert!(line.2.starts_with(actual) && line.3 == *status, "{name} {actual} {status:?}: {line:?}");
    }
    let is_shown = |row: &Row| {
        let parts = row.parts.iter().map(|part| &part.metric);
        parts.chain([&row.metric]).any(|name| wanted.iter().any(|line| *name == *line.0))
    };
    let gates = || card.rows.iter().filter(|row| row.section == Section::Gate);
    let rest: Vec<&str> = gates().filter(|row| !is_shown(row)).map(|row| row.metric.as_str()).collect();
    assert_eq!(rest, beside);
    assert_eq!(gates().count(), wanted.len() + beside.len());
}

#[test]
fn r138_r139_the_three_dashboards_of_the_document_have_their_seven_eight_and_ten_rows() {
    let pass = RowStatus::Pass;
    let mut s = Scenario::entering("ten_percent");
    s.attest(EM, "team_confident");
    s.coast(Span::days(7));
    let week_1: [Line<'_>; 7] = [
        ("critical_incidents", "count ≤ 0 (phase)", "0", pass),
        ("latency", "p95 < 200 ms (daily mean, 7d)", "120", pass),
        ("errors", "< 0.5% (7d)", "0.01%", pass),
        ("cache", "> 60% (7d)", "80%", pass),
        ("max(heap_used)", "max < 500 MB (7d)", "300 MB", pass),
        ("no_rollbacks", "count ≤ 0 (7d)", "0", pass),
        ("no_complaints", "count ≤ 0 (phase)", "0", pass),
    ];
    let card = s.engine.scorecard(Form::Phase);
    holds(&card, &week_1, &["quiet", "team_confident"]);
    assert_eq!(card.overall, pass);
    let mut s = Scenario::entering("fifty_percent");
    s.coast(Span::days(7) + Span::hours(1));
    let week_2: [Line<'_>; 8] = [
        ("critical_incidents", "count ≤ 0 (phase)", "0", pass),
        ("latency", "p95 < 200 ms (daily mean, 7d)", "120", pass),
        ("errors", "< 0.3% (7d)", "0.01%", pass),
        ("cache", "> 70% (7d)", "80%", pass),
        ("max(heap_used)", "max < 500 MB (7d)", "300 MB", pass),
        ("no_rollbacks", "count ≤ 0 (7d)", "0", pass),
        ("nps", "> 0 points (7d)", "35 points", pass),
        ("sharing_errors", "< 3/min (1h)", "0/min", pass),
    ];
    holds(&s.engine.scorecard(Form::Phase), &week_2, &["quiet", "ab_latency", "ab_errors"]);
    let mut s = Scenario::entering("hundred_percent");
    s.coast(Span::days(8));
    let week_3: [Line<'_>; 10] = [
        ("critical_incidents", "count ≤ 0 (phase)", "0", pass),
        ("latency", "p95 < 200 ms (daily mean, 7d)", "120", pass),
        ("db_latency", "p95 < 50 ms (daily mean, 7d)", "12", pass),
        ("rag_latency", "p95 < 1000 ms (daily mean, 7d)", "26", pass),
        ("errors", "< 0.1% (7d)", "0.01%", pass),
        ("cache", "> 70% (7d)", "80%", pass),
        ("heap", "max < 500 MB (7d)", "300 MB", pass),
        ("no_rollbacks", "count ≤ 0 (7d)", "0", pass),
        ("satisfaction", "> 30 points (7d)", "35 points", pass),
        ("last(database_size)", "last < 500 MB", "120 MB", pass),
    ];
    let card = s.engine.scorecard(Form::Final);
    holds(&card, &week_3, &["quiet", "sharing_errors", "team_confident"]);
    let text = card.to_text();
    let heading = text.lines().find(|line| line.starts_with("Metric")).unwrap();
    assert!(heading.contains("7-Day Average") && heading.contains("Target") && heading.contains("Status"));
    assert!(card.to_markdown().contains("| Metric | Target | 7-Day Average | Status |"));
    let json = serde_json::to_value(&card).unwrap();
    let capacity = json["rows"].as_array().unwrap().iter().find(|row| row["metric"] == "capacity").unwrap();
    assert_eq!(capacity["parts"].as_array().unwrap().len(), 4);
}

#[test]
fn r138_a_criterion_that_is_not_met_is_the_one_row_that_fails_and_fails_the_dashboard() {
    let (pass, fail) = (RowStatus::Pass, RowStatus::Fail);
    let mut s = Scenario::entering("ten_percent");
    s.attest(EM, "team_confident");
    s.traffic.errors = 60;
    s.coast(Span::days(7));
    let card = s.engine.scorecard(Form::Phase);
    let week: [Line<'_>; 7] = [
        ("critical_incidents", "count ≤ 0 (phase)", "0", pass),
        ("latency", "p95 < 200 ms (daily mean, 7d)", "120", pass),
        ("errors", "< 0.5% (7d)", "0.6%", fail),
        ("cache", "> 60% (7d)", "80%", pass),
        ("max(heap_used)", "max < 500 MB (7d)", "300 MB", pass),
        ("no_rollbacks", "count ≤ 0 (7d)", "0", pass),
        ("no_complaints", "count ≤ 0 (phase)", "0", pass),
    ];
    holds(&card, &week, &["quiet", "team_confident"]);
    assert_eq!(card.overall, fail);
    let text = card.to_text();
    let failed: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.ends_with("FAIL"))
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(failed, [vec!["errors", "<", "0.5%", "(7d)", "0.6%", "FAIL"], vec!["Overall:", "FAIL"]]);
    let markdown = card.to_markdown();
    assert!(markdown.contains("| errors | &lt; 0.5% (7d) | 0.6% | FAIL |"), "{markdown}");
}

#[test]
fn r040_the_baseline_table_of_the_document_has_its_seven_rows() {
    let mut s = Scenario::entering("ten_percent");
    s.coast(Span::hours(24));
    let document = s.engine.report(Report::Baseline);
    let table = &document.tables[0];
    assert_eq!(table.columns, ["Metric", "Baseline", "Target", "Now", "Against baseline", "Status"]);
    let wanted = [
        ("p95(injection_latency)", "N/A", "p95 < 200 ms (daily mean, 7d)", "120", "N/A"),
        ("p95(db_query_latency)", "N/A", "p95 < 50 ms (daily mean, 7d)", "12", "N/A"),
        ("p95(rag_search_latency)", "N/A", "p95 < 1000 ms (daily mean, 7d)", "26", "N/A"),
        ("mean(heap_used)", "200 MB", "max < 500 MB (7d)", "300 MB", "+100 MB (+50%)"),
        ("per_hour(context_overflows)", "5/h", "< 10/h (1d)", "0/h", "-5/h (-100%)"),
        ("request_errors", "0.01%", "< 0.1% (7d)", "0.01%", "0 pp (0%)"),
        ("session_success", "99.9%", "> 99.5% (1d)", "99.9%", "0 pp (0%)"),
    ];
    for (metric, baseline, target, now, against) in wanted {
        let row = table.rows.iter().find(|row| row[0].text == metric);
        let row: Vec<&str> =
            row.unwrap_or_else(|| panic!("{metric}")).iter().map(|cell| &*cell.text).collect();
        assert_eq!((row[1], row[2], row[4]), (baseline, target, against), "{metric}");
        assert!(row[3].starts_with(now), "{metric}: {}", row[3]);
    }
    // What is not there is not there in numbers either.
    let row = table.rows.iter().find(|row| row[0].text == "p95(injection_latency)").unwrap();
    assert_eq!((row[1].value, row[4].value), (None, None));
}
