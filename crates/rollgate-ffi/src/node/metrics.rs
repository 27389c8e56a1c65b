//! Metrics and alerts.

use std::rc::Rc;
use std::time::Duration;

use napi_sys as sys;
use rollgate::Metric;
use rollgate::core::snapshot::Severity;

use super::call::{Answer, Call, Env, carried, guarded, is_undefined, number, whole};
use super::objects::{self, function};
use super::seat::Seat;
use super::text;
use super::throw::Thrown;

/// A metric of a seat: its place among those that were asked for.
struct SeatMetric {
    seat: Rc<Seat>,
    place: usize,
}

impl SeatMetric {
    /// Records, unless the engine is closed: then there is nothing to record into.
    #[inline]
    fn record(&self, record: impl FnOnce(&Metric)) {
        self.seat.read(|live| live.metrics.get(self.place).map(record));
    }
}

/// `metric(engine, name)`: `{ kind }` and its functions.
pub(super) fn metric(call: &Call) -> Answer {
    let seat = call.seat()?;
    let name = call.text(1, "name")?;
    let metric = seat.engine()?.metric(&name)?;
    let env = call.env;
    let kind = env.string(metric.kind().name())?;
    let place = seat.change(|live| {
        live.metrics.push(metric);
        live.metrics.len() - 1
    });
    let metric = Rc::new(SeatMetric { seat, place: place.ok_or_else(Thrown::closed)? });
    let of = |callback| function(env, Some(callback), metric.clone());
    objects::object(
        env,
        &[
            ("kind", kind),
            ("record", of(record)?),
            ("recordFor", of(record_for)?),
            ("recordOutcomes", of(record_outcomes)?),
            ("recordOutcomesFor", of(record_outcomes_for)?),
            ("recordElapsed", of(record_elapsed)?),
            ("count", of(count)?),
            ("recordPoints", of(record_points)?),
        ],
    )
}

/// A callback that reads its arguments, and records.
macro_rules! recording {
    ($(#[$doc:meta])* $name:ident, $arguments:literal, $act:expr) => {
        $(#[$doc])*
        unsafe extern "C" fn $name(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
            let run = || {
                // SAFETY: both are those of this call.
                let (env, metric, arguments) = unsafe { carried::<$arguments>(env, info) }?;
                // SAFETY: `metric` gave the function a metric, which lives as long as it.
                let metric = unsafe { &*metric.cast_const().cast::<SeatMetric>() };
                let act: fn(Env, &SeatMetric, [sys::napi_value; $arguments]) -> Result<(), Thrown> = $act;
                act(env, metric, arguments)?;
                env.undefined()
            };
            // SAFETY: `env` is that of this call.
            unsafe { guarded(env, run) }
        }
    };
}

recording!(
    /// `(value, count)`
    record, 2, |env, metric, [value, count]| {
    let value = number(env, value, "value")?;
    let count = optional_count(env, count)?;
    metric.record(|metric| metric.record_many(value, count));
    Ok(())
});

recording!(
    /// `(key, value, count)`
    record_for, 3, |env, metric, [key, value, count]| {
    let value = number(env, value, "value")?;
    let count = optional_count(env, count)?;
    text::with(env, key, "key", |key| metric.record(|metric| metric.record_many_for(key, value, count)))
});

recording!(
    /// `(true, total)`
    record_outcomes, 2, |env, metric, [true_count, total]| {
    let true_count = whole(number(env, true_count, "true")?, "true")?;
    let total = whole(number(env, total, "total")?, "total")?;
    metric.record(|metric| metric.record_outcomes(true_count, total));
    Ok(())
});

recording!(
    /// `(key, true, total)`
    record_outcomes_for, 3, |env, metric, [key, true_count, total]| {
    let true_count = whole(number(env, true_count, "true")?, "true")?;
    let total = whole(number(env, total, "total")?, "total")?;
    text::with(env, key, "key", |key| {
        metric.record(|metric| metric.record_outcomes_for(key, true_count, total));
    })
});

recording!(
    /// `(ms, key)`; the key may be `undefined`
    record_elapsed, 2, |env, metric, [ms, key]| {
    let ms = number(env, ms, "ms")?;
    let elapsed = Duration::try_from_secs_f64(ms / 1e3)
        .map_err(|error| Thrown::out_of_range(format_args!("ms: {error}")))?;
    if is_undefined(env, key)? {
        metric.record(|metric| metric.record_elapsed(elapsed));
        return Ok(());
    }
    text::with(env, key, "key", |key| metric.record(|metric| metric.record_elapsed_for(key, elapsed)))
});

recording!(
    /// `(events)`
    count, 1, |env, metric, [events]| {
    let events = optional_count(env, events)?;
    metric.record(|metric| metric.count(events));
    Ok(())
});

recording!(
    /// `(points)`
    record_points, 1, |env, metric, [points]| {
    let points = number(env, points, "points")?;
    metric.record(|metric| metric.record_points(points));
    Ok(())
});

/// A count; 1 where it is `undefined`.
fn optional_count(env: Env, value: sys::napi_value) -> Result<u64, Thrown> {
    if is_undefined(env, value)? { Ok(1) } else { whole(number(env, value, "count")?, "count") }
}

/// `openAlert(engine, severity, id)`
pub(super) fn open_alert(call: &Call) -> Answer {
    let engine = call.engine()?;
    let severity = call.text(1, "severity")?;
    let id = call.text(2, "id")?;
    let severity = Severity::of_name(&severity).ok_or_else(|| {
        Thrown::out_of_range(format_args!("severity: expected info, warning or critical, found `{severity}`"))
    })?;
    engine.alerts().open_alert(severity, &id)?;
    call.env.undefined()
}

/// `closeAlert(engine, id)`
pub(super) fn close_alert(call: &Call) -> Answer {
    let engine = call.engine()?;
    let id = call.text(1, "id")?;
    engine.alerts().close_alert(&id);
    call.env.undefined()
}

/// `watchAlerts(engine)`: no alerts are evidence from here on.
pub(super) fn watch_alerts(call: &Call) -> Answer {
    call.engine()?.alerts();
    call.env.undefined()
}
