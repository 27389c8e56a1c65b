//! What one run measured: `target/bench/summary.json`, and what it was measured on.

use std::fs;

use serde_json::Value;

/// The rows.
pub(super) const SUMMARY: &str = "target/bench/summary.json";
/// The machine, the day, and the peers that were left out.
pub(super) const ABOUT: &str = "target/bench/about.json";

/// Peers that flags are read with, and peers that samples are recorded with.
pub(super) const READERS: [&str; 6] = [
    "unleash-yggdrasil",
    "eppo_core",
    "launchdarkly-server-sdk-evaluation",
    "growthbook-rust",
    "statsig-rust",
    "flagd-evaluation-engine",
];
pub(super) const RECORDERS: [&str; 3] = ["metrics", "prometheus", "hdrhistogram"];

/// Rows that every run has.
const OWN: [&str; 18] = [
    "floor/xxh3",
    "rollgate/handle",
    "rollgate/handle_2t",
    "rollgate/by_name_1000",
    "rollgate/rule_by_name",
    "rollgate/rule_evaluate",
    "rollgate/missing",
    "rollgate/all_1000",
    "rollgate/all_1000_one_salt",
    "rollgate/counted",
    "rollgate/counted_by_name",
    "rollgate/evaluate",
    "rollgate/view",
    "rollgate/record",
    "rollgate/record_2t",
    "rollgate/record_for_key",
    "rollgate/publish_p999",
    "rollgate/publish_p999_handle",
];

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) ns: f64,
    pub(super) median: f64,
    pub(super) allocs: Option<f64>,
    pub(super) over_floor: Option<f64>,
    pub(super) versus: Vec<(String, f64)>,
    pub(super) does: String,
}

impl Row {
    fn of(value: &Value) -> Option<Self> {
        let number = |key: &str| value.get(key).and_then(Value::as_f64);
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let versus = value.get("versus")?.as_object()?.iter();
        Some(Self {
            name: text("name")?,
            ns: number("ns_min").filter(|ns| ns.is_finite() && *ns > 0.0)?,
            median: number("ns_median")?,
            allocs: number("allocs"),
            over_floor: number("over_floor"),
            versus: versus.filter_map(|(peer, ratio)| Some((peer.clone(), ratio.as_f64()?))).collect(),
            does: text("does").unwrap_or_default(),
        })
    }

    /// How many times longer this peer takes.
    pub(super) fn over(&self, peer: &str) -> Option<f64> {
        self.versus.iter().find(|(name, _)| name == peer).map(|(_, ratio)| *ratio)
    }

    /// The peer that is nearest, and how many times longer it takes.
    pub(super) fn nearest(&self) -> Option<&(String, f64)> {
        let peers = self.versus.iter().filter(|(name, _)| name != "one thread" && name != "quiet");
        peers.min_by(|one, two| one.1.total_cmp(&two.1))
    }
}

/// All rows of a summary.
///
/// # Errors
/// Where a row cannot be read.
pub(super) fn parse(text: &str) -> Result<Vec<Row>, String> {
    let values: Vec<Value> = serde_json::from_str(text).map_err(|error| format!("{SUMMARY}: {error}"))?;
    values
        .iter()
        .map(|value| Row::of(value).ok_or_else(|| format!("{SUMMARY}: cannot read {value}")))
        .collect()
}

/// The rows of the last run.
pub(super) fn read() -> Result<Vec<Row>, String> {
    parse(
        &fs::read_to_string(SUMMARY)
            .map_err(|error| format!("{SUMMARY}: {error}; run cargo xtask bench first"))?,
    )
}

/// Names that a summary must have and has not. A peer that was left out, with its reason, owes none.
pub(super) fn missing(rows: &[Row], left_out: &[String]) -> Vec<String> {
    let is_in = |peer: &&&str| !left_out.iter().any(|name| name == **peer);
    let readers = READERS.iter().filter(is_in).flat_map(|peer| ["plain", "rule"].map(|row| (peer, row)));
    let recorders =
        RECORDERS.iter().filter(is_in).flat_map(|peer| ["record", "record_2t"].map(|row| (peer, row)));
    let peers = readers.chain(recorders).map(|(peer, row)| format!("peer/{peer}/{row}"));
    let all = OWN.iter().map(|name| (*name).to_owned()).chain(peers);
    all.filter(|name| rows.iter().all(|row| row.name != *name)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may fail loudly.

    use super::*;

    fn row(name: &str) -> String {
        format!(
            r#"{{"name":"{name}","ns_min":2.5,"ns_median":3,"allocs":0,"over_floor":1,"versus":{{"a":4,"b":2}}}}"#
        )
    }

    fn all() -> Vec<Row> {
        let names = missing(&[], &[]);
        assert_eq!(names.len(), OWN.len() + 2 * (READERS.len() + RECORDERS.len()));
        let rows: Vec<String> = names.iter().map(|name| row(name)).collect();
        parse(&format!("[{}]", rows.join(","))).unwrap()
    }

    #[test]
    fn every_name_is_owed() {
        let all = all();
        assert_eq!(missing(&all, &[]), [""; 0]);
        for index in 0..all.len() {
            let mut some = all.clone();
            let name = some.remove(index).name;
            assert_eq!(missing(&some, &[]), [name]);
        }
    }

    #[test]
    fn a_peer_that_was_left_out_owes_none() {
        let all: Vec<Row> = all().into_iter().filter(|row| !row.name.contains("statsig")).collect();
        assert_eq!(missing(&all, &[]), ["peer/statsig-rust/plain", "peer/statsig-rust/rule"]);
        assert_eq!(missing(&all, &["statsig-rust".to_owned()]), [""; 0]);
    }

    #[test]
    fn a_row_without_a_time_is_no_row() {
        assert!(parse(&format!("[{}]", row("a"))).is_ok());
        for wrong in ["0", "-1", "null"] {
            assert!(parse(&format!("[{}]", row("a").replace("2.5", wrong))).is_err(), "{wrong}");
        }
        assert!(parse("{}").is_err());
    }

    #[test]
    fn the_nearest_peer_is_the_fastest() {
        let rows = parse(&format!("[{}]", row("a"))).unwrap();
        assert_eq!(rows[0].nearest(), Some(&("b".to_owned(), 2.0)));
        assert_eq!((rows[0].over("a"), rows[0].over("c")), (Some(4.0), None));
    }
}
