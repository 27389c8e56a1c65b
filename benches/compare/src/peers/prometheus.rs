//! The `prometheus` crate's histogram.

use prometheus::{Histogram, HistogramOpts};

use super::list::name;
use crate::row::Row;

/// Its rows.
pub fn rows() -> Result<Vec<Row>, String> {
    let histogram = Histogram::with_opts(
        HistogramOpts::new("latency", "of the bench")
            .buckets(vec![5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0]),
    );
    let histogram = histogram.map_err(|error| error.to_string())?;
    let record = Row::of_values(
        name("prometheus", "record"),
        "counts the value in one of 11 buckets, and sums it, in atomics that all threads share",
        move |value| histogram.observe(value),
    );
    Ok(vec![record.on_two_threads(), record])
}
