//! Metrics: what a program records.

use std::ffi::c_char;

use rollgate::Metric;
use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::snapshot::MetricKind;

use super::error::Status;
use super::fork;
use super::guard::status;
use super::handle::{self, EngineHandle, Kind, MetricHandle};
use super::slots::{hold, stale, with};
use super::text::{bytes, out, text, text_until_nul};

/// Finds a metric by its name. `UNKNOWN_NAME` where the plan has no such metric. Asking for an event metric makes it live:
/// zero events are evidence from here on.
///
/// # Safety
/// `name` is a NUL-terminated string; `metric` is writable.
///
/// Ownership: borrows `name`. The handle needs no end of its own: it is stale once its engine is closed. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_metric(
    engine: EngineHandle,
    name: *const c_char,
    metric: *mut MetricHandle,
) -> Status {
    status("rollgate_metric", || {
        // SAFETY: the caller's promises.
        unsafe { find(engine, text_until_nul("name", name)?, metric) }
    })
}

/// As `rollgate_metric`, for a name of `len` bytes.
///
/// # Safety
/// `name` points to `len` readable bytes; `metric` is writable.
///
/// Ownership: as of `rollgate_metric`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_metric_n(
    engine: EngineHandle,
    name: *const c_char,
    len: usize,
    metric: *mut MetricHandle,
) -> Status {
    status("rollgate_metric_n", || {
        // SAFETY: the caller's promises.
        unsafe { find(engine, text("name", name, len)?, metric) }
    })
}

/// Records one value, in the metric's unit: a sample of a distribution, a gauge's new level, a rating of a score.
///
/// Recording to a distribution takes no lock. Gauges, scores and events take one; a trigger on them fires in the call.
/// Errors: `WRONG_METRIC_KIND`, and nothing is recorded; `INVALID_ARGUMENT` for NaN or an infinite value, which is counted
/// as dropped and journalled.
///
/// # Safety
/// Any handle is fine.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_metric_record(metric: MetricHandle, value: f64) -> Status {
    status("rollgate_metric_record", || record(metric, value, |metric| metric.record(value)))
}

/// Records `count` samples of one value. As `rollgate_metric_record` otherwise.
///
/// # Safety
/// Any handle is fine.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_metric_record_many(metric: MetricHandle, value: f64, count: u64) -> Status {
    status("rollgate_metric_record_many", || record(metric, value, |metric| metric.record_many(value, count)))
}

/// Records one value of a subject: it counts in the arms that the flags give the subject now.
/// As `rollgate_metric_record` otherwise.
///
/// # Safety
/// `key` points to `len` readable bytes, or is NULL with `len` 0.
///
/// Ownership: borrows `key`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_metric_record_for(
    metric: MetricHandle,
    key: *const c_char,
    len: usize,
    value: f64,
) -> Status {
    status("rollgate_metric_record_for", || {
        // SAFETY: the caller's promise.
        let key = unsafe { bytes("key", key, len) }?;
        record(metric, value, |metric| metric.record_many_for_bytes(key, value, 1))
    })
}

/// Records one outcome of a ratio: whether it was what the ratio counts. `WRONG_METRIC_KIND` for any other metric.
///
/// # Safety
/// Any handle is fine.
///
/// Threads: any; takes no lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_metric_record_outcome(metric: MetricHandle, is_true: bool) -> Status {
    status("rollgate_metric_record_outcome", || {
        outcomes(metric, u64::from(is_true), 1, |metric| metric.record_outcomes(u64::from(is_true), 1))
    })
}

/// Records outcomes of a ratio: how many were true, of how many. `INVALID_ARGUMENT` where more were true than there were.
///
/// # Safety
/// Any handle is fine.
///
/// Threads: any; takes no lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_metric_record_outcomes(
    metric: MetricHandle,
    true_count: u64,
    total: u64,
) -> Status {
    status("rollgate_metric_record_outcomes", || {
        outcomes(metric, true_count, total, |metric| metric.record_outcomes(true_count, total))
    })
}

/// As `rollgate_metric_record_outcomes`, of a subject: they count in the arms that the flags give it now.
///
/// # Safety
/// `key` points to `len` readable bytes, or is NULL with `len` 0.
///
/// Ownership: borrows `key`. Threads: any; takes no lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_metric_record_outcomes_for(
    metric: MetricHandle,
    key: *const c_char,
    len: usize,
    true_count: u64,
    total: u64,
) -> Status {
    status("rollgate_metric_record_outcomes_for", || {
        // SAFETY: the caller's promise.
        let key = unsafe { bytes("key", key, len) }?;
        outcomes(metric, true_count, total, |metric| metric.record_outcomes_for_bytes(key, true_count, total))
    })
}

/// Counts events. Triggers on them are judged before the call returns. `WRONG_METRIC_KIND` for any other metric.
///
/// # Safety
/// Any handle is fine.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_metric_count(metric: MetricHandle, events: u64) -> Status {
    status("rollgate_metric_count", || {
        use_metric(metric, &[MetricKind::Event], |metric| metric.count(events))
    })
}

/// Records measured points of a score. `WRONG_METRIC_KIND` for any other metric.
///
/// # Safety
/// Any handle is fine.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_metric_record_points(metric: MetricHandle, points: f64) -> Status {
    status("rollgate_metric_record_points", || {
        use_metric(metric, &[MetricKind::Score], |metric| metric.record_points(points))?;
        finite(points)
    })
}

/// # Safety
/// `metric` is writable, or NULL.
unsafe fn find(engine: EngineHandle, name: &str, metric: *mut MetricHandle) -> Result<(), Error> {
    let metric = out("metric", metric)?;
    let id = hold(engine.id)?.metric_handle(name)?;
    // SAFETY: no null, and the caller's promise.
    unsafe { metric.write(MetricHandle { id }) };
    Ok(())
}

const VALUES: [MetricKind; 3] = [MetricKind::Distribution, MetricKind::Gauge, MetricKind::Score];

fn record(metric: MetricHandle, value: f64, record: impl FnOnce(&Metric)) -> Result<(), Error> {
    use_metric(metric, &VALUES, record)?;
    finite(value)
}

fn outcomes(
    metric: MetricHandle,
    true_count: u64,
    total: u64,
    record: impl FnOnce(&Metric),
) -> Result<(), Error> {
    use_metric(metric, &[MetricKind::Ratio], record)?;
    if true_count > total {
        let why = format!("{true_count} true outcomes of {total}: counted as dropped");
        return Err(Error::new(ErrorKind::InvalidArgument, why));
    }
    Ok(())
}

fn finite(value: f64) -> Result<(), Error> {
    if value.is_finite() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidArgument, format_args!("{value} is no value: counted as dropped")))
}

/// Records where the metric is of one of these kinds. What takes no lock is done under the pin; the rest with a handle of
/// its own, because a trigger that fires may take a while.
fn use_metric(metric: MetricHandle, kinds: &[MetricKind], record: impl FnOnce(&Metric)) -> Result<(), Error> {
    let mut record = Some(record);
    let locked = with(handle::engine_of(metric.id, Kind::Metric), |opened| {
        fork::check(opened)?;
        let found = opened.metric(metric.id).ok_or_else(stale)?;
        if !kinds.contains(&found.kind()) {
            let why = format!("the metric `{}` is of another kind", found.key());
            return Err(Error::new(ErrorKind::WrongMetricKind, why));
        }
        if !matches!(found.kind(), MetricKind::Distribution | MetricKind::Ratio) {
            return Ok(Some(found.clone()));
        }
        if let Some(record) = record.take() {
            record(found);
        }
        Ok(None)
    })??;
    if let (Some(metric), Some(record)) = (locked, record) {
        record(&metric);
    }
    Ok(())
}
