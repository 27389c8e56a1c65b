//! Warnings: what may run, and what a careful reviewer of the plan would ask about.

use super::condition::window_of;
use super::reader::Reader;
use crate::config::{Location, Node, Value};
use crate::snapshot::{
    AlertRule, Change, Comparison, Condition, ConditionKind, Measure, MetricKind, Phase, Ruleset, Stat,
    Subject, Trigger, TriggerMode, Window,
};
use crate::time::Span;
use crate::units::{Dimension, Quantity};

/// Looks at a plan that compiles.
pub(super) fn lint(reader: &mut Reader, ruleset: &Ruleset, tree: &Node) {
    let Some(plan) = &ruleset.plan else { return };
    for (index, phase) in plan.phases.iter().enumerate() {
        let lint = Lint { ruleset, tree, phase, index };
        lint.incurable(reader);
        lint.bands(reader);
        lint.holds(reader);
        lint.windows(reader);
        lint.traffic(reader);
        lint.alert_bands(reader);
        lint.rivals(reader);
        lint.never(reader);
        lint.thin(reader);
        lint.title(reader);
        lint.baselines(reader);
    }
    super::goals::targets(reader, ruleset, tree);
}

/// One phase under review.
pub(super) struct Lint<'a> {
    pub(super) ruleset: &'a Ruleset,
    pub(super) tree: &'a Node,
    pub(super) phase: &'a Phase,
    pub(super) index: usize,
}

/// The measurements that each keep a gate from passing: its own, or those of an `all`.
pub(super) fn needed(condition: &Condition) -> Vec<&Measure> {
    match &condition.kind {
        ConditionKind::Measure(measure) => vec![measure],
        ConditionKind::All(inner) => inner.iter().flat_map(needed).collect(),
        _ => Vec::new(),
    }
}

/// The measurements that each fire a trigger: its own, or those of an `any`.
pub(super) fn sufficient(condition: &Condition) -> Vec<&Measure> {
    match &condition.kind {
        _ if condition.only_if.is_some() => Vec::new(),
        ConditionKind::Measure(measure) => vec![measure],
        ConditionKind::Any(inner) => inner.iter().flat_map(sufficient).collect(),
        _ => Vec::new(),
    }
}

/// How a band is mended.
pub(super) const FOR_THE_BAND: &str = "add a manual trigger for the band, or move a limit";

/// One value at which nothing happens.
pub(super) fn at_exactly(value: &str, gate: &str, trigger: &str) -> String {
    format!("at exactly {value} {gate} does not pass and {trigger} does not fire")
}

/// The longest window that a trigger looks at before it fires.
fn reach(condition: &Condition) -> Span {
    let mut longest = Span::ZERO;
    condition.walk(&mut |inner| {
        let own = match &inner.kind {
            ConditionKind::Measure(measure) => {
                let over = match measure.query.window {
                    Window::Over(span) => span,
                    Window::Latest(_) | Window::Phase => Span::ZERO,
                };
                over.max(measure.sustained.map_or(Span::ZERO, |sustained| sustained.span))
            }
            ConditionKind::Alerts(_, rule) => match *rule {
                AlertRule::Count { within: span, .. }
                | AlertRule::QuietFor(span)
                | AlertRule::OpenFor(span) => span,
            },
            ConditionKind::Trend(trend) => match trend.window {
                Window::Over(span) => span,
                Window::Latest(_) | Window::Phase => Span::ZERO,
            },
            _ => Span::ZERO,
        };
        longest = longest.max(own);
    });
    longest
}

impl Lint<'_> {
    /// A path in this phase, and where it stands.
    pub(super) fn place(&self, rest: &[&str]) -> (String, Location) {
        let phases = self.tree.field("phases");
        let mut node = match phases.map(|node| &node.value) {
            Some(Value::List(items)) => items.get(self.index),
            _ => None,
        };
        let mut path = format!("phases[{}]", self.index);
        let mut at = node.map_or_else(Location::default, |node| node.at);
        for key in rest {
            path = format!("{path}.{key}");
            if let Some(Node { value: Value::Map(entries), .. }) = node
                && let Some((_, key_at, inner)) = entries.iter().find(|(name, _, _)| name == key)
            {
                at = *key_at;
                node = Some(inner);
            } else {
                node = None;
            }
        }
        (path, at)
    }

    /// S10: what lowering flags cannot cure stays true after the rollback.
    fn incurable(&self, reader: &mut Reader) {
        for trigger in &self.phase.triggers {
            let mut found = None;
            trigger.when.walk(&mut |condition| {
                if let ConditionKind::Measure(measure) = &condition.kind
                    && let Subject::Metric(id) = measure.query.subject
                {
                    let metric = self.ruleset.metric(id);
                    let written = self.tree.field("metrics").and_then(|node| node.field(metric.key.as_str()));
                    let is_said = written.is_some_and(|node| node.field("curable").is_some());
                    // What a size grows by is a rate, and lowering flags slows it.
                    let is_level = metric.kind == MetricKind::Gauge
                        && metric.unit.dimension() == Dimension::Size
                        && measure.query.stat != Stat::GrowthPerDay;
                    if !metric.is_curable || (is_level && !is_said) {
                        found = Some((metric, is_said));
                    }
                }
            });
            let Some((metric, is_said)) = found else { continue };
            let (path, at) = self.place(&["triggers", trigger.key.as_str()]);
            let help = if is_said {
                "expect `rollback_ineffective` in the journal, and have a person at hand".to_owned()
            } else {
                format!("say `curable: true` or `curable: false` on metric `{}`", metric.key)
            };
            let message = if metric.kind == MetricKind::Gauge {
                format!(
                    "trigger `{}` fires on `{}`, a level that lowering flags may not bring down",
                    trigger.key, metric.key
                )
            } else {
                format!(
                    "trigger `{}` fires on `{}`, which lowering flags does not cure",
                    trigger.key, metric.key
                )
            };
            reader.warn("incurable", &path, at, message, help);
        }
    }

    /// S11, S13: values at which a gate does not pass and no trigger acts, or at which both do.
    fn bands(&self, reader: &mut Reader) {
        for gate in &self.phase.gates {
            for measure in needed(&gate.condition) {
                self.band(reader, gate.key.as_str(), measure);
            }
        }
    }

    fn band(&self, reader: &mut Reader, gate: &str, passes: &Measure) {
        let is_upper = passes.comparison.is_upper_limit();
        let opposed = self.phase.triggers.iter().filter(|trigger| !trigger.is_dry_run).flat_map(|trigger| {
            let is_same = move |fires: &&Measure| {
                fires.query.subject == passes.query.subject
                    && family(fires.query.stat) == family(passes.query.stat)
                    && fires.versus == passes.versus
                    && fires.comparison.is_upper_limit() != is_upper
            };
            sufficient(&trigger.when).into_iter().filter(is_same).map(move |fires| (trigger, fires))
        });
        // The trigger nearest to the gate's limit is the one that acts first.
        let distance = |fires: &Measure| if is_upper { fires.limit } else { -fires.limit };
        let nearest = opposed.min_by(|one, two| distance(one.1).total_cmp(&distance(two.1)));
        let Some((trigger, fires)) = nearest else { return };
        let show = |limit: f64| self.show(passes, limit);
        let is_counted = passes.query.stat == Stat::Count && passes.versus.is_none();
        let gap = match (is_counted, is_upper) {
            // Between two neighbours lies no whole number.
            (true, true) => first_above(fires) - last_below(passes) - 1.0,
            (true, false) => first_above(passes) - last_below(fires) - 1.0,
            (false, true) => fires.limit - passes.limit,
            (false, false) => passes.limit - fires.limit,
        };
        let (path, at) = self.place(&["gates", gate]);
        let names = format!("gate `{gate}` ({} {})", passes.comparison.sign(), show(passes.limit));
        let other = format!("trigger `{}` ({} {})", trigger.key, fires.comparison.sign(), show(fires.limit));
        if gap == 1.0 && is_counted {
            let left = if is_upper { last_below(passes) + 1.0 } else { last_below(fires) + 1.0 };
            let message = at_exactly(&show(left), &names, &other);
            reader.warn("band-without-action", &path, at, message, FOR_THE_BAND);
        } else if gap > 0.0 {
            let message = format!("between {names} and {other} nothing passes and nothing acts");
            reader.warn("band-without-action", &path, at, message, FOR_THE_BAND);
        } else if gap < 0.0 {
            let message = format!("{names} passes where {other} fires");
            reader.warn("limits-overlap", &path, at, message, "move a limit");
        } else if !is_counted && is_strict(passes.comparison) && is_strict(fires.comparison) {
            let message = at_exactly(&show(passes.limit), &names, &other);
            reader.warn("limits-both-strict", &path, at, message, "make one of them at_most or at_least");
        }
    }

    fn show(&self, measure: &Measure, limit: f64) -> String {
        shown(self.ruleset, measure, limit)
    }

    /// A hold that ends before a trigger that guards it can have seen its whole window.
    fn holds(&self, reader: &mut Reader) {
        let last = self.phase.steps.len().saturating_sub(1);
        for (index, step) in self.phase.steps.iter().take(last).enumerate() {
            let guards = self
                .phase
                .triggers
                .iter()
                .filter(|trigger| trigger.mode == TriggerMode::Automatic && !trigger.is_dry_run);
            let longest = guards.map(|trigger| (reach(&trigger.when), trigger)).max_by_key(|(span, _)| *span);
            let Some((span, trigger)) = longest.filter(|(span, _)| *span > step.hold) else { continue };
            let (path, at) = self.place_of_step(index);
            let message = format!(
                "step {} is held for {}, shorter than the {span} that trigger `{}` looks at",
                index + 1,
                step.hold,
                trigger.key
            );
            reader.warn(
                "hold-shorter-than-window",
                &path,
                at,
                message,
                format_args!("hold it for {span} or longer"),
            );
        }
    }

    pub(super) fn place_of_step(&self, index: usize) -> (String, Location) {
        let (path, at) = self.place(&["steps"]);
        let phases = self.tree.field("phases").map(|node| &node.value);
        let steps = match phases {
            Some(Value::List(items)) => items.get(self.index).and_then(|phase| phase.field("steps")),
            _ => None,
        };
        let step = match steps.map(|node| &node.value) {
            Some(Value::List(steps)) => steps.get(index),
            _ => None,
        };
        (format!("{path}[{index}]"), step.map_or(at, |step| step.at))
    }

    /// Gates whose window cannot be covered: longer than the phase, or than its extension.
    fn windows(&self, reader: &mut Reader) {
        let duration = self.phase.duration;
        let extend = self.phase.decision.as_ref().and_then(|rule| rule.extend);
        for gate in &self.phase.gates {
            let (mut longest, mut coverage) = (Span::ZERO, 0.0);
            gate.condition.walk(&mut |condition| {
                // A window that is as long as the phase is covered whatever its length.
                if let (Some(span), Some(asked)) = (window_of(&condition.kind), condition.coverage)
                    && span.0 != u64::MAX
                    && span > longest
                {
                    (longest, coverage) = (span, asked);
                }
            });
            let needed = Span((longest.0 as f64 * coverage) as u64);
            let (path, at) = self.place(&["gates", gate.key.as_str()]);
            if let Some(duration) = duration.filter(|duration| needed > *duration) {
                let message =
                    format!("gate `{}` looks back {longest}, and the phase lasts {duration}", gate.key);
                reader.warn(
                    "window-longer-than-phase",
                    &path,
                    at,
                    message,
                    "it stays inconclusive until later; shorten one",
                );
            } else if let Some(extend) = extend.filter(|extend| needed > *extend) {
                let message =
                    format!("gate `{}` looks back {longest}, and a no-go extends by {extend}", gate.key);
                reader.warn(
                    "extend-shorter-than-window",
                    &path,
                    at,
                    message,
                    "its window begins anew with the extension",
                );
            }
        }
    }

    /// Conditions that the expected traffic cannot feed.
    fn traffic(&self, reader: &mut Reader) {
        let Some(rate) = self.ruleset.expected_traffic else { return };
        let gates = self.phase.gates.iter().map(|gate| ("gates", &gate.key, &gate.condition));
        let triggers = self.phase.triggers.iter().map(|Trigger { key, when, .. }| ("triggers", key, when));
        for (section, key, condition) in gates.chain(triggers) {
            let mut starved = None;
            condition.walk(&mut |inner| {
                let ConditionKind::Measure(measure) = &inner.kind else { return };
                let Subject::Metric(id) = measure.query.subject else { return };
                let is_traffic =
                    matches!(self.ruleset.metric(id).kind, MetricKind::Distribution | MetricKind::Ratio);
                let over = match (measure.query.window, measure.sustained) {
                    (_, Some(sustained)) => sustained.span,
                    (Window::Over(span), None) => span,
                    (Window::Phase, None) => match self.phase.duration {
                        Some(duration) => duration,
                        None => return,
                    },
                    (Window::Latest(_), None) => return,
                };
                let expected = rate * over.0 as f64 / 1e3;
                if is_traffic && expected < measure.min_samples.count as f64 {
                    starved = Some((over, expected, measure.min_samples.count));
                }
            });
            let Some((over, expected, needed)) = starved else { continue };
            let (path, at) = self.place(&[section, key.as_str()]);
            let message = format!("`{key}` needs {needed} samples in {over}; {expected:.0} are expected");
            reader.warn("traffic-too-low", &path, at, message, "lengthen its window, or lower `min_samples`");
        }
    }
}

/// A value as people read it beside this measurement's limit.
pub(super) fn shown(ruleset: &Ruleset, measure: &Measure, value: f64) -> String {
    let value = match measure.query.subject {
        Subject::Metric(id) if measure.query.stat == Stat::Fraction => ruleset.metric(id).shown(value),
        // A relative change is a part of its baseline.
        _ if measure.versus.is_some_and(|versus| versus.change == Change::Relative) => value * 100.0,
        _ => value,
    };
    Quantity { value, unit: measure.unit }.to_string()
}

/// Statistics that one limit can be read against: the last and the largest level are levels both.
pub(super) fn family(stat: Stat) -> String {
    match stat {
        Stat::Last | Stat::Max | Stat::Mean | Stat::Min => "level".into(),
        stat => stat.to_string(),
    }
}

/// The largest whole number that satisfies an upper limit.
fn last_below(measure: &Measure) -> f64 {
    match measure.comparison {
        Comparison::Below => measure.limit.ceil() - 1.0,
        _ => measure.limit.floor(),
    }
}

/// The smallest whole number that satisfies a lower limit.
fn first_above(measure: &Measure) -> f64 {
    match measure.comparison {
        Comparison::Above => measure.limit.floor() + 1.0,
        _ => measure.limit.ceil(),
    }
}

const fn is_strict(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Below | Comparison::Above)
}
