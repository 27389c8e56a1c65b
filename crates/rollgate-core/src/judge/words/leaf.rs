//! Trends, alerts, comparisons and facts of the rollout in words.

use super::compose::{Text, cause, clock, covered, dropped, percent, uncovered};
use super::target::{margin_of, stat_name};
use crate::id::FlagId;
use crate::judge::alert::QUIET_COVERAGE;
use crate::judge::compare::{CLUSTERS_MIN, Compared};
use crate::judge::facts::Facts;
use crate::judge::finding::Evidence;
use crate::judge::judgement::AlertReading;
use crate::judge::trend::{PARTS, PARTS_MIN, Trended};
use crate::judge::verdict::{Cause, Verdict};
use crate::metrics::Arm;
use crate::snapshot::{
    AlertRule, Attest, Compare, Comparison, Condition, Metric, Severity, Trend, TrendDirection, Window,
};
use crate::time::Span;
use crate::units::{Quantity, Share, Unit};

fn quantity(metric: Option<&Metric>, stored: f64) -> Quantity {
    Quantity {
        value: metric.map_or(stored, |metric| metric.shown(stored)),
        unit: metric.map_or(Unit::Count, |metric| metric.unit),
    }
}

pub(super) fn trend_text(
    condition: &Condition,
    trend: &Trend,
    seen: &Trended,
    verdict: Verdict,
    facts: &Facts<'_>,
) -> Text {
    let metric = facts.ruleset.metrics.get(trend.metric.index());
    let name = metric.map_or("metric", |metric| metric.key.as_str());
    let over = match trend.window {
        Window::Over(span) | Window::Latest(span) => format!(" over {span}"),
        Window::Phase => " over the phase".into(),
    };
    let (rising, steady) = match trend.direction {
        TrendDirection::NotRising => ("rising", "not rising"),
        TrendDirection::NotFalling => ("falling", "not falling"),
    };
    let excuse = match (verdict, seen.moved) {
        _ if seen.parts == 0 => Some("no data".into()),
        (Verdict::Inconclusive(Cause::TooFewSamples), _) | (_, None) => {
            Some(format!("only {} of {PARTS} parts have data, {PARTS_MIN} needed", seen.parts))
        }
        (Verdict::Inconclusive(Cause::Coverage), _) => {
            Some(uncovered(seen.measurement.coverage, condition.coverage))
        }
        (Verdict::Inconclusive(Cause::Drops), _) => Some(dropped(seen.measurement.drops)),
        _ => None,
    };
    if let Some(why) = excuse {
        let actual = match verdict {
            Verdict::Inconclusive(Cause::Coverage) => covered(seen.measurement.coverage),
            _ => why.clone(),
        };
        return Text { sentence: format!("{name}{over}: {why}"), actual };
    }
    let state = if verdict == Verdict::Fail { rising } else { steady };
    let sign = match trend.direction {
        TrendDirection::NotRising => 1.0,
        TrendDirection::NotFalling => -1.0,
    };
    let signed = |part: f64| format!("{}{}", if part > 0.0 { "+" } else { "" }, percent(part));
    let moved = match seen.moved.unwrap_or(0.0) {
        moved if moved.is_finite() => format!("{} in the window", signed(sign * moved)),
        _ => "away from about 0".into(),
    };
    let p = if seen.p < 0.000_5 { "p<0.001".into() } else { format!("p={:.3}", seen.p) };
    let words = format!(
        "{state}: {moved}, {} allowed ({p}, {} of {PARTS} parts have data)",
        signed(sign * trend.tolerance),
        seen.parts
    );
    Text { sentence: format!("{name}{over} is {words}"), actual: format!("{state} ({moved})") }
}

pub(super) fn trend_evidence(trend: &Trend, seen: &Trended, verdict: Verdict, facts: &Facts<'_>) -> Evidence {
    let metric = facts.ruleset.metrics.get(trend.metric.index());
    let (way, sign) = match trend.direction {
        TrendDirection::NotRising => ("not_rising", 1.0),
        TrendDirection::NotFalling => ("not_falling", -1.0),
    };
    Evidence {
        subject: format!("{way}({})", metric.map_or("metric", |metric| metric.key.as_str())),
        value: seen.moved.filter(|moved| moved.is_finite()).map(|moved| sign * moved * 100.0),
        target: format!("≤ {}", percent(trend.tolerance)),
        threshold: Some(trend.tolerance * 100.0),
        unit: Unit::Percent.symbol(),
        window: Some(seen.measurement.written),
        from: Some(facts.now.wall_of(seen.measurement.from)),
        to: Some(facts.now.wall_of(seen.measurement.to)),
        n: seen.measurement.n,
        coverage: seen.measurement.coverage,
        drops: seen.measurement.drops,
        since: None,
        pooled: None,
        verdict,
        cause: cause(verdict),
    }
}

fn plural(n: u64, severity: Severity) -> String {
    format!("{n} {} alert{}", severity.name(), if n == 1 { "" } else { "s" })
}

pub(super) fn alert_text(
    condition: &Condition,
    severity: Severity,
    rule: &AlertRule,
    seen: &AlertReading,
    verdict: Verdict,
    facts: &Facts<'_>,
) -> Text {
    let name = severity.name();
    if verdict == Verdict::Inconclusive(Cause::NoData) {
        let why = "no data, their source is not live";
        return Text { sentence: format!("{name} alerts: {why}"), actual: why.into() };
    }
    if verdict == Verdict::Inconclusive(Cause::Coverage) {
        let asked = condition.coverage.or(match rule {
            AlertRule::QuietFor(_) => Some(QUIET_COVERAGE),
            AlertRule::Count { .. } | AlertRule::OpenFor(_) => None,
        });
        let why = uncovered(seen.coverage, asked);
        let sentence = format!("{name} alerts within {}: {why}", seen.window);
        return Text { sentence, actual: covered(seen.coverage) };
    }
    match *rule {
        AlertRule::Count { within, comparison, limit } => {
            let alerts = plural(seen.opened, severity);
            let holds = comparison.holds(seen.opened as f64, limit as f64);
            let stands = match (comparison, holds) {
                (Comparison::Below, true) | (Comparison::AtLeast, false) => "below",
                (Comparison::Below, false) => "not below",
                (Comparison::Above, true) | (Comparison::AtMost, false) => "above",
                (Comparison::Above, false) => "not above",
                (Comparison::AtMost, true) => "at most",
                (Comparison::AtLeast, true) => "at least",
            };
            Text {
                sentence: format!("{alerts} within {within}, {stands} {limit}"),
                actual: seen.opened.to_string(),
            }
        }
        AlertRule::QuietFor(span) => {
            let actual = match seen.at {
                Some(at) if at >= facts.now.observed => match seen.open_since {
                    Some(since) => format!("one is open (since {})", clock(facts, since)),
                    None => "one was open just now".into(),
                },
                Some(at) => format!("the last one was open {} ago", facts.now.observed.since(at)),
                None => "none was seen".into(),
            };
            let quiet = if verdict.is_passing() { "quiet" } else { "not quiet" };
            Text { sentence: format!("{name} alerts: {quiet} for {span}, {actual}"), actual }
        }
        AlertRule::OpenFor(span) => match seen.at {
            Some(since) => {
                let open = facts.now.observed.since(since);
                let stands = if verdict.is_passing() { "at least" } else { "less than" };
                let sentence = format!(
                    "a {name} alert is open for {open}, {stands} {span} (since {})",
                    clock(facts, since)
                );
                Text { sentence, actual: format!("open for {open}") }
            }
            None => Text { sentence: format!("no {name} alert is open"), actual: "none open".into() },
        },
    }
}

pub(super) fn alert_evidence(
    severity: Severity,
    rule: &AlertRule,
    seen: &AlertReading,
    verdict: Verdict,
    facts: &Facts<'_>,
) -> Evidence {
    let now = facts.now.observed;
    let (subject, value, target, threshold) = match *rule {
        AlertRule::Count { comparison, limit, .. } => {
            ("opened", Some(seen.opened as f64), format!("{} {limit}", comparison.sign()), Some(limit as f64))
        }
        AlertRule::QuietFor(span) => ("quiet", None, format!("for {span}"), None),
        AlertRule::OpenFor(span) => ("open", None, format!("for {span}"), None),
    };
    Evidence {
        subject: format!("{subject}({} alerts)", severity.name()),
        value: value.filter(|_| seen.is_live || seen.opened > 0),
        target,
        threshold,
        unit: Unit::Count.symbol(),
        window: Some(seen.window),
        from: Some(facts.now.wall_of(now - seen.window)),
        to: Some(facts.now.wall),
        n: seen.opened,
        coverage: seen.coverage,
        drops: 0,
        since: seen.at.map(|at| facts.now.wall_of(at)),
        pooled: None,
        verdict,
        cause: cause(verdict),
    }
}

fn compare_name(compare: &Compare, metric: Option<&Metric>) -> String {
    let name = metric.map_or("metric", |metric| metric.key.as_str());
    stat_name(compare.stat).map_or_else(|| name.to_owned(), |stat| format!("{stat}({name})"))
}

pub(super) fn compare_text(
    condition: &Condition,
    compare: &Compare,
    seen: &Compared,
    verdict: Verdict,
    facts: &Facts<'_>,
) -> Text {
    let metric = facts.ruleset.metrics.get(compare.metric.index());
    let name = compare_name(compare, metric);
    let flag = facts.ruleset.flags.get(compare.flag.index()).map_or("flag", |flag| flag.key.as_str());
    let missing = match (seen.missing, seen.on, seen.off) {
        (Some(Arm::On), None, _) => Some("no data of ON"),
        (Some(Arm::Off), _, None) => Some("no data of OFF"),
        (Some(Arm::On), ..) => Some("nobody is ON now, so that there is nothing to compare"),
        (Some(Arm::Off), ..) => Some("nobody is OFF now, so that there is nothing to compare with"),
        (None, None, _) | (None, _, None) => Some("no data since the shares changed"),
        (None, Some(_), Some(_)) => None,
    };
    if let Some(why) = missing {
        return Text { sentence: format!("{name} of {flag}: {why}"), actual: why.into() };
    }
    let (on, off) = (seen.on.unwrap_or_default(), seen.off.unwrap_or_default());
    let actual = format!("ON {}, OFF {}", quantity(metric, on), quantity(metric, off));
    let margin = margin_of(compare, facts);
    let sure = percent(compare.confidence);
    let says = match (verdict, seen.clusters) {
        (Verdict::Pass | Verdict::Warn, _) => format!("at most {margin}"),
        (Verdict::Fail, _) => format!("more than {margin}"),
        (Verdict::Inconclusive(Cause::Drops), _) => dropped(seen.drops),
        (Verdict::Inconclusive(Cause::Coverage), _) => uncovered(seen.coverage, condition.coverage),
        (_, Some(clusters)) => {
            format!("too few subjects: in {clusters} hash buckets, {CLUSTERS_MIN} needed")
        }
        (_, None) => format!("not decided yet whether it is at most {margin}"),
    };
    let sentence =
        format!("{name} of {flag}: {actual}, {says} (confidence {sure}), n={}+{}", seen.n_on, seen.n_off);
    Text { sentence, actual }
}

pub(super) fn compare_evidence(
    compare: &Compare,
    seen: &Compared,
    verdict: Verdict,
    facts: &Facts<'_>,
) -> Evidence {
    let metric = facts.ruleset.metrics.get(compare.metric.index());
    let shown = |stored: f64| quantity(metric, stored).value;
    let since = seen.pair.map(|pair| pair.since);
    Evidence {
        subject: format!("{}: ON against OFF", compare_name(compare, metric)),
        value: seen.on.map(shown),
        target: format!("at most {} than OFF", margin_of(compare, facts)),
        threshold: seen.off.map(shown),
        unit: metric.map_or(Unit::Count, |metric| metric.unit).symbol(),
        window: since.map(|since| facts.now.observed.since(since)),
        from: since.map(|since| facts.now.wall_of(since)),
        to: Some(facts.now.wall),
        n: seen.n_on.saturating_add(seen.n_off),
        coverage: seen.coverage,
        drops: seen.drops,
        since: None,
        pooled: None,
        verdict,
        cause: cause(verdict),
    }
}

pub(super) fn attest_text(attest: &Attest, verdict: Verdict, facts: &Facts<'_>) -> Text {
    let item = &attest.item;
    let Some(statement) = facts.statement(attest) else {
        let roles: Vec<&str> = attest
            .roles
            .iter()
            .filter_map(|role| facts.ruleset.roles.get(role.index()).map(|rule| rule.key.as_str()))
            .collect();
        let by = if roles.is_empty() { String::new() } else { format!(" by {}", roles.join(" or ")) };
        return Text { sentence: format!("{item} not attested yet{by}"), actual: "not attested yet".into() };
    };
    let required = attest.roles.iter().find_map(|role| {
        let key = &facts.ruleset.roles.get(role.index())?.key;
        statement.roles.contains(key).then_some(key)
    });
    let by = required.or(statement.roles.first()).unwrap_or(&statement.by);
    let actual = match (attest.all_of, statement.passed) {
        _ if !statement.is_true => "objected to".into(),
        (Some(_), Some((passed, of))) => format!("{passed} of {of} passed"),
        (Some(least), None) => format!("attested without its numbers, {least} needed"),
        (None, _) => "attested".into(),
    };
    let needed = match (verdict, attest.all_of) {
        (Verdict::Fail, Some(least)) if statement.is_true => format!(", all of at least {least} needed"),
        _ => String::new(),
    };
    let colon = if statement.passed.is_some() { ":" } else { "" };
    Text { sentence: format!("{item}{colon} {actual} by {by}{needed}"), actual }
}

/// The first few, and how many more there are.
fn listed(mut names: impl Iterator<Item = String>) -> String {
    let few: Vec<String> = names.by_ref().take(5).collect();
    let more = names.count();
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    few.join(", ") + &tail
}

pub(super) fn checklist_text(facts: &Facts<'_>) -> Text {
    let (checked, of) = facts.checklist_count();
    let actual = format!("{checked}/{of}");
    let missing = listed(facts.unchecked().map(|item| item.key.to_string()));
    let tail = if missing.is_empty() { String::new() } else { format!(", not {missing}") };
    Text { sentence: format!("checklist: {actual} checked{tail}"), actual }
}

pub(super) fn shares_text(facts: &Facts<'_>) -> Text {
    let exposed = facts.shares.iter().zip(&facts.ruleset.flags).filter(|(share, _)| share.ppm() > 0);
    let exposed = listed(exposed.map(|(share, flag)| format!("{} {share}", flag.key)));
    let actual = if exposed.is_empty() { "all 0%".into() } else { exposed };
    Text { sentence: format!("shares: {actual}"), actual }
}

pub(super) fn share_text(flag: FlagId, above: Share, facts: &Facts<'_>) -> Text {
    let name = facts.ruleset.flags.get(flag.index()).map_or("flag", |flag| flag.key.as_str());
    let share = facts.share_of(flag);
    let stands = if share > above { "above" } else { "not above" };
    Text { sentence: format!("{name} is at {share}, {stands} {above}"), actual: share.to_string() }
}

pub(super) fn phase_text(span: Span, verdict: Verdict, facts: &Facts<'_>) -> Text {
    let actual = facts.phase_watched.to_string();
    let of = if verdict.is_passing() { ", at least" } else { " of" };
    Text { sentence: format!("phase running for {actual}{of} {span}"), actual }
}
