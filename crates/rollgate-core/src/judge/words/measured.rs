//! Measurements in words: `p95(injection_latency) over 1m is 612 ms, above 500 ms for 10m10s (since 10:14:20), n=5400`.

use super::compose::{Text, clock, covered, dropped, percent, uncovered};
use super::target::{averaged, cell, limit_of, name_of, shown, stat_name};
use crate::judge::facts::Facts;
use crate::judge::finding::Evidence;
use crate::judge::judgement::Reading;
use crate::judge::measure::{Sight, claim};
use crate::judge::verdict::{Cause, Verdict};
use crate::metrics::Gap;
use crate::snapshot::{Comparison, Condition, Measure, Window};
use crate::time::Span;

/// `p95(injection_latency)`, or the metric alone where it has one statistic.
fn subject(measure: &Measure, facts: &Facts<'_>) -> String {
    let name = name_of(measure.query.subject, facts);
    stat_name(measure.query.stat).map_or_else(|| name.to_owned(), |stat| format!("{stat}({name})"))
}

/// The window that was read: with `for` and low traffic it is wider than `over`.
fn window(measure: &Measure, reading: &Reading) -> Option<Span> {
    let read = reading.measurement.to.since(reading.measurement.from);
    match measure.query.window {
        Window::Over(over) if measure.sustained.is_some() && read.0 > over.0.saturating_mul(5) / 4 => {
            Some(read)
        }
        Window::Over(over) => Some(over),
        Window::Phase => Some(read),
        Window::Latest(_) => None,
    }
}

fn over(measure: &Measure, reading: &Reading) -> String {
    match (measure.query.window, window(measure, reading)) {
        (Window::Phase, _) => " over the phase".into(),
        (_, Some(span)) => format!(" over {span}"),
        (_, None) => String::new(),
    }
}

/// How the value stands to the limit, where that is known.
fn relation(comparison: Comparison, sight: Sight) -> &'static str {
    match (comparison, sight) {
        (_, Sight::Unclear | Sight::Blind(_)) => "too close to",
        (Comparison::Below, Sight::Holds) => "below",
        (Comparison::Below, Sight::Broken) => "not below",
        (Comparison::Above, Sight::Holds) => "above",
        (Comparison::Above, Sight::Broken) => "not above",
        (Comparison::AtMost, Sight::Holds) => "at most",
        (Comparison::AtMost, Sight::Broken) => "above",
        (Comparison::AtLeast, Sight::Holds) => "at least",
        (Comparison::AtLeast, Sight::Broken) => "below",
    }
}

/// Why there is no verdict, with its numbers; `None` where the value itself says it.
fn excuse(condition: &Condition, measure: &Measure, reading: &Reading, verdict: Verdict) -> Option<String> {
    let measurement = &reading.measurement;
    // Of a source that is not live, what came may have decided nevertheless.
    let is_blind = reading.range.is_none() || matches!(verdict, Verdict::Inconclusive(_));
    if let (Err(gap), true) = (measurement.value, is_blind) {
        return Some(match gap {
            Gap::Empty => "no data".into(),
            Gap::NotLive => "no data, its source is not live".into(),
            Gap::Stale => match measure.query.window {
                Window::Latest(age) => format!("no data, the latest value is older than {age}"),
                _ => "no data, the latest value is too old".into(),
            },
        });
    }
    let Verdict::Inconclusive(cause) = verdict else { return None };
    match cause {
        Cause::TooFewSamples => {
            let few = format!("only {} of {} samples", measurement.n, measure.min_samples.count);
            let tail = reading.tail.map_or_else(String::new, |tail| {
                format!(", {} of {} beyond the limit, which may be chance", tail.beyond, tail.n)
            });
            Some(few + &tail)
        }
        Cause::Coverage => Some(uncovered(measurement.coverage, condition.coverage)),
        Cause::Drops => Some(dropped(measurement.drops)),
        Cause::NoBaseline if reading.baseline == Some(0.0) => {
            Some("its baseline is 0, against which nothing is relative".into())
        }
        Cause::NoBaseline => Some("no baseline yet".into()),
        Cause::NoData => Some("no data".into()),
        Cause::NotYet | Cause::Undecided | Cause::Unattested => None,
    }
}

fn value_words(measure: &Measure, reading: &Reading, facts: &Facts<'_>) -> Option<String> {
    let range = reading.range?;
    let value = shown(measure, range.value, measure.versus.is_some(), facts);
    let value = value.told_from(limit_of(measure, facts));
    let mut notes = Vec::new();
    if let Some(by) = measure.query.averaged_by {
        notes.push(averaged(by));
    }
    if let Some(pooled) = reading.measurement.pooled {
        notes.push(format!("{} pooled", shown(measure, pooled, false, facts)));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
    let against = match (measure.versus, reading.baseline, reading.measurement.value) {
        (Some(_), Some(baseline), Ok(current)) => {
            let (now, then) = (shown(measure, current, false, facts), shown(measure, baseline, false, facts));
            format!(" against its baseline ({now} now, {then} then)")
        }
        _ => String::new(),
    };
    let sign = if measure.versus.is_some() && range.value > 0.0 { "+" } else { "" };
    Some(format!("{sign}{value}{against}{notes}"))
}

/// ` for 10m10s (since 10:14:20)`; where the streak goes on without being seen now, that.
fn lasting(measure: &Measure, reading: &Reading, sight: Option<Sight>, facts: &Facts<'_>) -> String {
    let (Some(sustained), Some(since)) = (measure.sustained, reading.since) else { return String::new() };
    let lasted = facts.now.observed.since(since);
    let of = if lasted < sustained.span { format!(" of {}", sustained.span) } else { String::new() };
    let lead = if sight == Some(Sight::Holds) { "" } else { " now; its streak goes on" };
    format!("{lead} for {lasted}{of} (since {})", clock(facts, since))
}

pub(super) fn text(
    condition: &Condition,
    measure: &Measure,
    reading: &Reading,
    verdict: Verdict,
    facts: &Facts<'_>,
) -> Text {
    let name = format!("{}{}", subject(measure, facts), over(measure, reading));
    let value = value_words(measure, reading, facts);
    let excuse = excuse(condition, measure, reading, verdict);
    let (Some(value), Some(range)) = (value, &reading.range) else {
        let why = excuse.unwrap_or_else(|| "no data".into());
        let now = match reading.measurement.value {
            Ok(value) => format!(" (it is {})", shown(measure, value, false, facts)),
            Err(_) => String::new(),
        };
        let lasting = lasting(measure, reading, None, facts);
        return Text { sentence: format!("{name}: {why}{now}{lasting}"), actual: why };
    };
    let actual = cell(measure, shown(measure, range.value, measure.versus.is_some(), facts));
    if let Some(why) = excuse {
        let brief = match verdict {
            Verdict::Inconclusive(Cause::Coverage) => covered(reading.measurement.coverage),
            _ => why.clone(),
        };
        return Text {
            sentence: format!("{name}: {why} (it is {value})"),
            actual: format!("{actual}, {brief}"),
        };
    }
    let sight = claim(measure.comparison, measure.limit, range);
    let compared = shown(measure, range.value, measure.versus.is_some(), facts);
    let limit = limit_of(measure, facts).told_from(compared);
    let stands = format!("{} {limit}", relation(measure.comparison, sight));
    let unclear = match sight {
        Sight::Unclear => {
            let edge = |stored| shown(measure, stored, measure.versus.is_some(), facts);
            format!(" to tell ({} to {})", edge(range.low), edge(range.high))
        }
        _ => String::new(),
    };
    let tail =
        reading.tail.map_or_else(String::new, |tail| format!(" ({} of {} beyond it)", tail.beyond, tail.n));
    let close = if verdict == Verdict::Warn { ", close to it" } else { "" };
    let lasting = lasting(measure, reading, Some(sight), facts);
    let covered = condition
        .coverage
        .map_or_else(String::new, |_| format!("; {} covered", percent(reading.measurement.coverage)));
    let n = reading.measurement.n;
    Text {
        sentence: format!("{name} is {value}, {stands}{unclear}{tail}{close}{lasting}, n={n}{covered}"),
        actual,
    }
}

pub(super) fn evidence(
    measure: &Measure,
    reading: &Reading,
    verdict: Verdict,
    facts: &Facts<'_>,
) -> Evidence {
    let limit = limit_of(measure, facts);
    let is_change = measure.versus.is_some();
    let measurement = &reading.measurement;
    Evidence {
        subject: subject(measure, facts),
        value: reading.range.map(|range| shown(measure, range.value, is_change, facts).value),
        target: format!("{} {limit}", measure.comparison.sign()),
        threshold: Some(limit.value),
        unit: limit.unit.symbol(),
        window: window(measure, reading),
        from: Some(facts.now.wall_of(measurement.from)),
        to: Some(facts.now.wall_of(measurement.to)),
        n: measurement.n,
        coverage: measurement.coverage,
        drops: measurement.drops,
        since: reading.since.map(|since| facts.now.wall_of(since)),
        pooled: measurement.pooled.map(|pooled| shown(measure, pooled, false, facts).value),
        verdict,
        cause: super::compose::cause(verdict),
    }
}
