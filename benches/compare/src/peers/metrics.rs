//! Histogram handles of the `metrics` crate.

use std::sync::Arc;

use metrics::{Histogram, Key, Level, Metadata, Recorder};
use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_util::storage::AtomicBucket;

use super::list::name;
use crate::row::Row;

/// Its rows.
pub fn rows() -> Result<Vec<Row>, String> {
    let bucket = Arc::new(AtomicBucket::<f64>::new());
    let handle = Histogram::from_arc(bucket.clone());
    let record = Row::of_values(
        name("metrics", "record"),
        "appends the value to a list that the scrape empties (emptied outside of the time)",
        move |value| handle.record(value),
    );
    let record = record.settled_by(move || bucket.clear());
    let recorder = PrometheusBuilder::new().build_recorder();
    let metadata = Metadata::new("bench", Level::INFO, None);
    let exported = recorder.register_histogram(&Key::from_name("latency"), &metadata);
    let scrape = recorder.handle();
    let exported = Row::of_values(
        name("metrics-exporter-prometheus", "record"),
        "the same, and reads the clock (emptied outside of the time)",
        move |value| exported.record(value),
    );
    let exported = exported.settled_by(move || scrape.run_upkeep());
    Ok(vec![record.on_two_threads(), record, exported.on_two_threads(), exported])
}
