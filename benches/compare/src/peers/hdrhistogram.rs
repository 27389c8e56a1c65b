//! The `hdrhistogram` crate in a lock.

use std::sync::Mutex;

use hdrhistogram::Histogram;

use super::list::name;
use crate::row::Row;

/// Its rows.
pub fn rows() -> Result<Vec<Row>, String> {
    let histogram = Histogram::<u64>::new_with_bounds(1, 60_000_000, 2).map_err(|error| error.to_string())?;
    let histogram = Mutex::new(histogram);
    let record = Row::of_values(
        name("hdrhistogram", "record"),
        "counts the value in microseconds in its bucket of 1 %, behind a lock",
        move |value: f64| {
            histogram.lock().map(|mut histogram| histogram.saturating_record((value * 1e3) as u64)).is_ok()
        },
    );
    Ok(vec![record.on_two_threads(), record])
}
