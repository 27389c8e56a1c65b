//! Known answers, from `tests/spec/statistics.toml` of the workspace.

use std::collections::BTreeMap;

use crate::judge::statistics::{
    binomial_tail, clustered, mann_kendall, median, mixture_log_e, mixture_width, normal_radius,
    quantile_log_e, quantile_ranks, quantile_shape, rise_p, theil_sen,
};

const SPEC: &str = include_str!("../../../../../tests/spec/statistics.toml");

/// Rows of numbers by table: every line that is not `[table]` or a comment is `name = [numbers]`.
fn spec() -> BTreeMap<&'static str, Vec<Vec<f64>>> {
    let mut tables: BTreeMap<&str, Vec<Vec<f64>>> = BTreeMap::new();
    let mut table = "";
    for line in SPEC.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_end_matches(']');
            continue;
        }
        let (_, row) = line.split_once('=').unwrap();
        let row = row.trim().trim_matches(['[', ']']).split(',');
        tables.entry(table).or_default().push(row.map(|number| number.trim().parse().unwrap()).collect());
    }
    tables
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
}

#[test]
fn the_mixtures_give_the_known_answers() {
    let spec = spec();
    assert_eq!(spec.len(), 9);
    for row in &spec["mixture_width"] {
        near(mixture_width(row[0]), row[1]);
    }
    for row in &spec["normal_radius"] {
        near(row[0] * normal_radius(row[1], row[2]), row[3]);
    }
    for row in &spec["mixture_log_e"] {
        near(mixture_log_e(row[0], row[1]), row[2]);
    }
    for row in &spec["quantile_shape"] {
        let (a, b) = quantile_shape(row[0], row[1]);
        near(a, row[2]);
        near(b, row[3]);
    }
    for row in &spec["quantile_log_e"] {
        near(quantile_log_e(row[0] as u64, row[1] as u64, row[2], 0.05), row[3]);
    }
    for row in &spec["quantile_ranks"] {
        let (below, above) = quantile_ranks(row[0] as u64, row[1], row[2]);
        assert_eq!(below.map_or(-1.0, |below| below as f64), row[3], "{row:?}");
        assert_eq!(above as f64, row[4], "{row:?}");
    }
}

#[test]
fn trends_and_clusters_give_the_known_answers() {
    let spec = spec();
    for row in &spec["trend"] {
        let (answers, values) = row.split_at(4);
        let points: Vec<_> = values.iter().enumerate().map(|(at, value)| (at as f64, *value)).collect();
        near(theil_sen(&points).unwrap(), answers[0]);
        let (s, variance) = mann_kendall(values);
        near(s, answers[1]);
        near(variance, answers[2]);
        near((s - s.signum()) / variance.sqrt(), answers[3]);
    }
    for row in &spec["clustered"] {
        let (answers, values) = row.split_at(2);
        let (sums, counts) = values.split_at(values.len() / 2);
        let found = clustered(sums.iter().copied().zip(counts.iter().copied())).unwrap();
        near(found.ratio, answers[0]);
        near(found.error, answers[1]);
    }
}

#[test]
fn the_binomial_tail_is_exact() {
    for row in &spec()["binomial_tail"] {
        let found = binomial_tail(row[0] as u64, row[1] as u64, row[2]);
        assert!((found - row[3]).abs() <= 1e-9 * row[3], "{row:?}: {found}");
    }
    assert_eq!(binomial_tail(0, 5, 0.1), 1.0);
    assert_eq!(binomial_tail(6, 5, 0.1), 0.0);
    assert_eq!(binomial_tail(1, 5, 0.0), 0.0);
    assert_eq!(binomial_tail(5, 5, 1.0), 1.0);
}

#[test]
fn clusters_without_samples_do_not_count() {
    let with_empty = [(1.0, 10.0), (0.0, 0.0), (2.0, 12.0), (3.0, 9.0), (0.0, 8.0)];
    let without = [(1.0, 10.0), (2.0, 12.0), (3.0, 9.0), (0.0, 8.0)];
    assert_eq!(clustered(with_empty.into_iter()), clustered(without.into_iter()));
    assert_eq!(clustered([(1.0, 2.0), (0.0, 0.0)].into_iter()), None);
}

#[test]
fn a_level_that_does_not_move_has_no_trend() {
    assert_eq!(rise_p(&[5.0; 28]), 1.0);
    assert!(rise_p(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]) < 0.001);
    assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), Some(2.5));
    assert_eq!(median(&mut []), None);
    assert_eq!(theil_sen(&[(1.0, 1.0)]), None);
}
