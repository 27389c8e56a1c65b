//! Warnings about what a plan says in two places and not the same way, and about what can never happen.

use super::lint::{FOR_THE_BAND, Lint, at_exactly, shown, sufficient};
use super::reader::Reader;
use crate::snapshot::{
    AlertRule, Comparison, Condition, ConditionKind, MetricKind, RollbackTarget, Severity, Stat, Subject,
    Trigger, TriggerMode, Window,
};
use crate::time::Span;
use crate::units::Share;

/// A count of alerts against a limit.
#[derive(Clone, Copy, PartialEq)]
struct AlertCount {
    severity: Severity,
    within: Span,
    comparison: Comparison,
    limit: u64,
}

impl AlertCount {
    fn of(condition: &Condition) -> Option<Self> {
        match condition.kind {
            ConditionKind::Alerts(severity, AlertRule::Count { within, comparison, limit }) => {
                Some(Self { severity, within, comparison, limit })
            }
            _ => None,
        }
    }

    /// The largest count that satisfies an upper limit; -1: none does.
    fn last(self) -> i128 {
        i128::from(self.limit) - i128::from(self.comparison == Comparison::Below)
    }

    /// The smallest count that satisfies a lower limit.
    fn first(self) -> i128 {
        i128::from(self.limit) + i128::from(self.comparison == Comparison::Above)
    }
}

/// The counts of alerts that each keep a gate from passing, or fire a trigger.
fn counts(condition: &Condition, is_gate: bool) -> Vec<AlertCount> {
    match &condition.kind {
        _ if condition.only_if.is_some() && !is_gate => Vec::new(),
        ConditionKind::All(inner) if is_gate => {
            inner.iter().flat_map(|inner| counts(inner, is_gate)).collect()
        }
        ConditionKind::Any(inner) if !is_gate => {
            inner.iter().flat_map(|inner| counts(inner, is_gate)).collect()
        }
        _ => AlertCount::of(condition).into_iter().collect(),
    }
}

/// What one trigger fires on, so that two can be set beside each other.
struct Rival<'a> {
    trigger: &'a Trigger,
    /// What is measured, and how: equal for two that measure the same.
    of: String,
    held: Span,
    comparison: Comparison,
    limit: f64,
    shown: String,
    /// It is the whole condition, not one way among several.
    is_whole: bool,
}

impl Lint<'_> {
    /// S1, S11 and S13 for alerts.
    pub(super) fn alert_bands(&self, reader: &mut Reader) {
        let live = || self.phase.triggers.iter().filter(|trigger| !trigger.is_dry_run);
        for gate in &self.phase.gates {
            for passes in counts(&gate.condition, true) {
                let fires = live().flat_map(|trigger| {
                    counts(&trigger.when, false).into_iter().map(move |count| (trigger, count))
                });
                let opposed = fires.filter(|(_, fires)| {
                    fires.severity == passes.severity
                        && passes.comparison.is_upper_limit()
                        && !fires.comparison.is_upper_limit()
                });
                let Some((trigger, fires)) = opposed.min_by_key(|(_, fires)| fires.first()) else { continue };
                let (path, at) = self.place(&["gates", gate.key.as_str()]);
                let names = format!("gate `{}` ({} {})", gate.key, passes.comparison.sign(), passes.limit);
                let other =
                    format!("trigger `{}` ({} {})", trigger.key, fires.comparison.sign(), fires.limit);
                match fires.first() - passes.last() - 1 {
                    0 => {}
                    1 => {
                        let message = at_exactly(&alerts(passes.last() + 1), &names, &other);
                        reader.warn("band-without-action", &path, at, message, FOR_THE_BAND);
                    }
                    2.. => {
                        let message = format!("between {names} and {other} nothing passes and nothing acts");
                        reader.warn("band-without-action", &path, at, message, FOR_THE_BAND);
                    }
                    // A longer window may well see more alerts.
                    _ if fires.within < passes.within => {}
                    _ => {
                        let message = format!("{names} passes where {other} fires");
                        reader.warn("limits-overlap", &path, at, message, "move a limit");
                    }
                }
            }
        }
    }

    fn rivals_of<'p>(&self, trigger: &'p Trigger) -> Vec<Rival<'p>> {
        let whole = matches!(trigger.when.kind, ConditionKind::Measure(_) | ConditionKind::Alerts(..));
        let measured = sufficient(&trigger.when).into_iter().map(|measure| Rival {
            trigger,
            of: format!(
                "{:?} {:?} {:?}",
                measure.query,
                measure.versus,
                measure.min_samples.is_given.then_some(measure.min_samples.count)
            ),
            held: measure.sustained.map_or(Span::ZERO, |sustained| sustained.span),
            comparison: measure.comparison,
            limit: measure.limit,
            shown: shown(self.ruleset, measure, measure.limit),
            is_whole: whole && trigger.when.only_if.is_none(),
        });
        let alerts = counts(&trigger.when, false).into_iter().map(|count| Rival {
            trigger,
            of: format!("{} alerts within {}", count.severity.name(), count.within),
            held: Span::ZERO,
            comparison: count.comparison,
            limit: count.limit as f64,
            shown: count.limit.to_string(),
            is_whole: whole,
        });
        measured.chain(alerts).collect()
    }

    /// S1, S2: two triggers on one thing that disagree by a hair, or of which one always comes first.
    pub(super) fn rivals(&self, reader: &mut Reader) {
        let all: Vec<Rival<'_>> =
            self.phase.triggers.iter().flat_map(|trigger| self.rivals_of(trigger)).collect();
        for (index, late) in all.iter().enumerate() {
            let same = |other: &&Rival<'_>| {
                other.trigger.key != late.trigger.key
                    && other.of == late.of
                    && other.comparison.is_upper_limit() == late.comparison.is_upper_limit()
            };
            let twin = all[..index].iter().find(|other| {
                same(other) && other.limit == late.limit && other.comparison != late.comparison
            });
            let (path, at) = self.place(&["triggers", late.trigger.key.as_str()]);
            if let Some(twin) = twin {
                let message = format!(
                    "triggers `{}` ({} {}) and `{}` ({} {}) look at the same thing and disagree about exactly {}",
                    twin.trigger.key,
                    twin.comparison.sign(),
                    twin.shown,
                    late.trigger.key,
                    late.comparison.sign(),
                    late.shown,
                    late.shown
                );
                let help = "keep one of them, or write the same comparison in both";
                reader.warn("limits-disagree", &path, at, message, help);
                continue;
            }
            let first = all.iter().filter(same).find(|first| self.is_first(first, late));
            if let Some(first) = first {
                let held = |rival: &Rival<'_>| match rival.held {
                    Span::ZERO => String::new(),
                    span => format!(" for {span}"),
                };
                let message = format!(
                    "trigger `{}` ({} {}{}) never decides: `{}` ({} {}{}) fires before it and rolls back as far",
                    late.trigger.key,
                    late.comparison.sign(),
                    late.shown,
                    held(late),
                    first.trigger.key,
                    first.comparison.sign(),
                    first.shown,
                    held(first)
                );
                let help =
                    "which of the two limits is meant? remove the other, or make the first `mode: manual`";
                reader.warn("trigger-never-first", &path, at, message, help);
            }
        }
    }

    /// Whether one trigger fires no later than the other and rolls back no less, so that the other changes nothing.
    fn is_first(&self, first: &Rival<'_>, late: &Rival<'_>) -> bool {
        let acts =
            |rival: &Rival<'_>| rival.trigger.mode == TriggerMode::Automatic && !rival.trigger.is_dry_run;
        let is_wider = if first.comparison.is_upper_limit() {
            first.limit > late.limit
        } else {
            first.limit < late.limit
        };
        let (one, other) = (self.target(first.trigger), self.target(late.trigger));
        let is_lower = one.iter().zip(&other).all(|(one, other)| one <= other);
        acts(first) && acts(late) && late.is_whole && is_wider && first.held <= late.held && is_lower
    }

    /// The shares that a trigger leaves at most.
    fn target(&self, trigger: &Trigger) -> Vec<Share> {
        let mut shares = self.phase.last_shares.to_vec();
        match &trigger.rollback.target {
            RollbackTarget::Zero => shares.fill(Share::ZERO),
            RollbackTarget::Phase(id) => {
                if let Some(target) = self.ruleset.plan.as_ref().and_then(|plan| plan.phases.get(id.index()))
                {
                    shares = target.last_shares.to_vec();
                }
            }
            RollbackTarget::Set(set) => set.iter().for_each(|(flag, share)| shares[flag.index()] = *share),
        }
        shares
    }

    /// Gates that cannot pass, and steps that are never applied: what lies behind them is not reached.
    pub(super) fn never(&self, reader: &mut Reader) {
        let shares = &self.phase.last_shares;
        for gate in self.phase.gates.iter().filter(|gate| !gate.is_dry_run) {
            let (path, at) = self.place(&["gates", gate.key.as_str()]);
            if gate.condition.only_if.as_ref().is_some_and(|asked| is_never(asked, shares)) {
                let message = format!(
                    "gate `{}` is always skipped: its `only_if` holds at no share of this phase",
                    gate.key
                );
                reader.warn("always-skipped", &path, at, message, "mend `only_if`, or remove the gate");
            } else if is_never(&gate.condition, shares) {
                let message = format!(
                    "gate `{}` can never pass: the shares that this phase ends with are against it",
                    gate.key
                );
                let help =
                    "the phases behind it are reached by an override only; mend the gate or the shares";
                reader.warn("gate-never-passes", &path, at, message, help);
            }
        }
        let mut held = Span::ZERO;
        for (index, step) in self.phase.steps.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|index| self.phase.steps.get(index));
            let before = before.map_or_else(|| self.shares_before(), |step| step.shares.to_vec());
            if step.only_if.as_ref().is_some_and(|asked| is_never(asked, &before)) {
                let (path, at) = self.place_of_step(index);
                let message =
                    format!("step {} is never applied: its `only_if` holds at no share before it", index + 1);
                reader.warn(
                    "step-never-applied",
                    &path,
                    at,
                    message,
                    "mend `only_if`, or the steps before it",
                );
            }
            if index + 1 < self.phase.steps.len() {
                held = held + step.hold;
            }
        }
        if let Some(duration) = self.phase.duration.filter(|duration| held > *duration) {
            let (path, at) = self.place(&["steps"]);
            let message = format!("the holds between the steps take {held}, and the phase lasts {duration}");
            reader.warn(
                "holds-longer-than-phase",
                &path,
                at,
                message,
                "lengthen the phase, or shorten the holds",
            );
        }
    }

    /// The shares that the phase begins with.
    fn shares_before(&self) -> Vec<Share> {
        let before = self.index.checked_sub(1);
        let before =
            before.and_then(|index| self.ruleset.plan.as_ref().and_then(|plan| plan.phases.get(index)));
        before.map_or_else(
            || vec![Share::ZERO; self.phase.last_shares.len()],
            |phase| phase.last_shares.to_vec(),
        )
    }

    /// Gates over an hour or less ask for no coverage; of those, these pass on one sample.
    pub(super) fn thin(&self, reader: &mut Reader) {
        for gate in self.phase.gates.iter().filter(|gate| !gate.is_dry_run) {
            let mut found = None;
            gate.condition.walk(&mut |condition| {
                let ConditionKind::Measure(measure) = &condition.kind else { return };
                let Subject::Metric(id) = measure.query.subject else { return };
                // A level now is one value, and no event is evidence too: neither is an estimate of anything.
                let is_exact =
                    measure.query.stat == Stat::Last || self.ruleset.metric(id).kind == MetricKind::Event;
                let Window::Over(over) = measure.query.window else { return };
                let over = over.max(measure.sustained.map_or(Span::ZERO, |sustained| sustained.span));
                if !is_exact && condition.coverage.is_none() && measure.min_samples.count <= 1 {
                    found = Some(over);
                }
            });
            let Some(over) = found else { continue };
            let (path, at) = self.place(&["gates", gate.key.as_str()]);
            let message = format!(
                "gate `{}` may pass on one sample: over {over} no coverage is asked for, nor more samples",
                gate.key
            );
            reader.warn("thin-evidence", &path, at, message, "add `min_samples:`, or `coverage: 90%`");
        }
    }

    /// S5: a title that names other shares than the steps set.
    pub(super) fn title(&self, reader: &mut Reader) {
        let named = percentages(&self.phase.title);
        let Some(lowest) = named.iter().copied().min() else { return };
        let set = |share: Share| self.phase.steps.iter().any(|step| step.shares.contains(&share));
        let (path, at) = self.place(&["title"]);
        let stays = self.shares_before().contains(&lowest) || self.phase.last_shares.contains(&lowest);
        if let Some(absent) = named.iter().find(|share| !(set(**share) || (stays && **share == lowest))) {
            let message = format!("the title says {absent}, and no step of the phase sets a flag to it");
            reader.warn("title-differs", &path, at, message, "mend the title, or the steps");
            return;
        }
        // From 50 % to 100 % does not begin with 25 %.
        let first = self.phase.steps.first().and_then(|step| {
            let shares = step.names.iter().map(|flag| (flag, step.shares[flag.index()]));
            shares.filter(|(_, share)| *share > Share::ZERO).min_by_key(|(_, share)| *share)
        });
        if let Some((flag, share)) = first.filter(|(_, share)| named.len() > 1 && *share < lowest) {
            let message = format!(
                "the title begins with {lowest}, and step 1 sets `{}` to {share}",
                self.ruleset.flag(*flag).key
            );
            reader.warn("title-differs", &path, at, message, "mend the title, or the first step");
        }
    }
}

/// `1 alert`, `5 alerts`.
fn alerts(count: i128) -> String {
    format!("{count} alert{}", if count == 1 { "" } else { "s" })
}

/// Whether a condition cannot hold whatever is measured: it asks for shares that these are not.
fn is_never(condition: &Condition, shares: &[Share]) -> bool {
    if condition.only_if.is_some() {
        return false;
    }
    match &condition.kind {
        ConditionKind::SharesAllZero => shares.iter().any(|share| *share > Share::ZERO),
        ConditionKind::ShareAbove(flag, least) => shares[flag.index()] <= *least,
        ConditionKind::All(inner) => inner.iter().any(|inner| is_never(inner, shares)),
        ConditionKind::Any(inner) => inner.iter().all(|inner| is_never(inner, shares)),
        ConditionKind::AtLeastOf(least, inner) => {
            inner.iter().filter(|inner| !is_never(inner, shares)).count() < *least
        }
        _ => false,
    }
}

/// The shares that a text names: `50%` and `50 %`.
fn percentages(text: &str) -> Vec<Share> {
    let mut found = Vec::new();
    for (end, _) in text.match_indices('%') {
        let before = text[..end].trim_end();
        let start = before
            .rfind(|c: char| !(c.is_ascii_digit() || c == '.'))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        found.extend(Share::parse(&format!("{}%", &before[start..])).ok());
    }
    found
}
