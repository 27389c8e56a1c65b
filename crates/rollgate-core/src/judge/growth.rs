//! How fast a level grows, and how well that is known.

use super::statistics::mann_kendall;
use crate::id::MetricId;
use crate::metrics::{Clip, Measures};
use crate::snapshot::Window;
use crate::time::{Span, Timestamp};

/// Equal parts that the window is cut into.
const PARTS: usize = 56;
/// Both ends of the interval together are wrong this often, of independent parts.
const Z: f64 = 1.959_963_984_540_054;

/// A growth rate by day, and the interval that it lies in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// The median of the slopes between all pairs of parts (Theil-Sen), by day.
    pub per_day: f64,
    /// The interval's lower end (Sen 1968: ranks of the slopes by Kendall's variance, 95 %).
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// From the middle of the first part with data to that of the last.
    pub measured: Span,
    /// Parts with data.
    pub parts: usize,
}

/// The growth of a gauge over the last `over`; `None` with data in fewer than two parts of it.
pub fn growth(windows: &impl Measures, metric: MetricId, over: Span, now: Timestamp) -> Option<Growth> {
    let clip = Clip { from: Timestamp::MIN, phase: Timestamp::MIN };
    let parts = windows.parts(metric, Window::Over(over), PARTS, clip, now);
    let (first, last) = (parts.first()?, parts.last()?);
    let mut slopes = Vec::with_capacity(parts.len() * parts.len() / 2);
    for (at, early) in parts.iter().enumerate() {
        slopes
            .extend(parts[at + 1..].iter().map(|late| (late.mean - early.mean) / (late.at_ms - early.at_ms)));
    }
    slopes.sort_by(f64::total_cmp);
    let values: Vec<f64> = parts.iter().map(|part| part.mean).collect();
    let spread = Z * mann_kendall(&values).1.max(0.0).sqrt();
    let (n, most) = (slopes.len() as f64, slopes.len().checked_sub(1)?);
    // The M1-th from below and the (M2 + 1)-th, counted from one.
    let low = (((n - spread) / 2.0).floor().max(1.0) as usize - 1).min(most);
    let high = (((n + spread) / 2.0).ceil() as usize).min(most);
    let per_day = |slope: f64| slope * 86_400_000.0;
    let middle = slopes.len() / 2;
    let median = if slopes.len().is_multiple_of(2) {
        f64::midpoint(slopes[middle - 1], slopes[middle])
    } else {
        slopes[middle]
    };
    Some(Growth {
        per_day: per_day(median),
        low: per_day(slopes[low]),
        high: per_day(slopes[high]),
        measured: Span((last.at_ms - first.at_ms).max(0.0) as u64),
        parts: parts.len(),
    })
}
