//! Judging one condition: the walk through groups, and what every leaf is judged under.

use super::facts::Facts;
use super::fold;
use super::judgement::{Basis, Judgement};
use super::streak::Streaks;
use super::verdict::{Cause, Verdict};
use crate::metrics::{Clip, Measures};
use crate::snapshot::{Condition, ConditionKind, Gate, OnNoData, Query, Stat, Subject, Trigger, Window};
use crate::time::{Span, Timestamp};

/// Whether judging moves the streaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streaking {
    /// An evaluation instant: they move.
    Advance,
    /// A command, a recording call, a scorecard: they are read, as if this were an evaluation.
    Read,
}

/// What a condition is judged as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It must pass, on enough evidence.
    Gate,
    /// It fires when it holds.
    Trigger,
}

/// Whether `for` is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// As written.
    Written,
    /// Left out.
    None,
    /// Left out, and quantiles and ratios are of the latest samples since then that are enough.
    Since(Timestamp),
}

/// What no data means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absence {
    /// As the leaf says.
    Leaf,
    /// `on_no_data: fail` or `fire` of a group: it counts for its members.
    Act,
    /// Inside `only_if`: no data never decides whether something is asked.
    Hold,
}

/// What it comes to that a leaf holds, or that it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// Towards the gate's pass, or the trigger's firing.
    To,
    /// Away from it.
    From,
    /// Inside `only_if`, where either answer changes what is asked.
    Either,
}

/// How many `not` are around a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Polarity {
    Plain,
    Negated,
}

impl Polarity {
    const fn flipped(self) -> Self {
        match self {
            Self::Plain => Self::Negated,
            Self::Negated => Self::Plain,
        }
    }
}

/// Whether an answer is there for good: more evidence could only confirm it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// A count that is beyond its limit already, say.
    Final,
    /// It rests on what was watched, fed and kept.
    Open,
}

/// A watched part at or above this is all of it: the rest is the rounding of a division.
const WATCHED_IN_FULL: f64 = 1.0 - 1e-9;

/// Everything that one condition is judged under.
pub(super) struct Court<'a, M> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) windows: &'a M,
    pub(super) streaks: &'a mut Streaks,
    pub(super) streaking: Streaking,
    pub(super) role: Role,
    pub(super) patience: Patience,
    pub(super) clip: Clip,
    absence: Absence,
    polarity: Polarity,
}

impl<'a, M: Measures> Court<'a, M> {
    fn new(
        role: Role,
        facts: &'a Facts<'a>,
        windows: &'a M,
        streaks: &'a mut Streaks,
        streaking: Streaking,
    ) -> Self {
        // Samples from before the phase, or the rollback, measured another exposure (SEMANTICS 4.2).
        let from = match role {
            Role::Gate => facts.phase_from,
            Role::Trigger => facts.rollback_from.unwrap_or(Timestamp::MIN),
        };
        Self {
            facts,
            windows,
            streaks,
            streaking,
            role,
            patience: Patience::Written,
            clip: Clip { from, phase: facts.phase_from },
            absence: Absence::Leaf,
            polarity: Polarity::Plain,
        }
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.facts.now.observed
    }

    /// How far back a window reaches by what is written.
    pub(super) fn span_of(&self, window: Window) -> Span {
        match window {
            Window::Over(span) | Window::Latest(span) => span,
            Window::Phase => self.now().since(self.clip.phase),
        }
    }

    fn judge(&mut self, condition: &Condition) -> Judgement {
        if let Some(only_if) = &condition.only_if {
            let around = (self.absence, self.polarity);
            (self.absence, self.polarity) = (Absence::Hold, Polarity::Plain);
            let asked = self.judge(only_if);
            (self.absence, self.polarity) = around;
            let verdict = match asked.verdict {
                Verdict::Pass | Verdict::Warn => None,
                Verdict::Fail | Verdict::Skipped => Some(Verdict::Skipped),
                verdict @ Verdict::Inconclusive(_) => Some(verdict),
            };
            if let Some(verdict) = verdict {
                if self.streaking == Streaking::Advance && has_sustained(condition) {
                    // Its streaks must see every evaluation, asked or not.
                    let _ = self.judge_asked(condition);
                }
                return Judgement::new(verdict, Basis::Unasked(Box::new(asked)));
            }
        }
        self.judge_asked(condition)
    }

    fn judge_asked(&mut self, condition: &Condition) -> Judgement {
        let around = self.absence;
        if condition.on_no_data == OnNoData::Act && around == Absence::Leaf {
            self.absence = Absence::Act;
        }
        let judgement = self.judge_kind(condition);
        self.absence = around;
        judgement
    }

    fn judge_kind(&mut self, condition: &Condition) -> Judgement {
        let of_facts = |verdict| Judgement::new(verdict, Basis::Facts);
        match &condition.kind {
            ConditionKind::Measure(measure) => self.measured(condition, measure),
            ConditionKind::Trend(trend) => self.trended(condition, trend),
            ConditionKind::Alerts(severity, rule) => self.alerted(condition, *severity, rule),
            ConditionKind::Compare(compare) => self.compared(condition, compare),
            ConditionKind::Attest(attest) => of_facts(self.facts.attested(attest)),
            ConditionKind::ChecklistComplete => of_facts(self.facts.checklist()),
            ConditionKind::SharesAllZero => of_facts(self.facts.shares_all_zero()),
            ConditionKind::ShareAbove(flag, share) => of_facts(self.facts.share_above(*flag, *share)),
            ConditionKind::PhaseFor(span) => of_facts(self.phase_for(*span)),
            ConditionKind::All(members) => self.group(members, |verdicts| fold::all(verdicts)),
            ConditionKind::Any(members) => self.group(members, |verdicts| fold::any(verdicts)),
            ConditionKind::AtLeastOf(needed, members) => {
                self.group(members, |verdicts| fold::at_least_of(*needed, verdicts))
            }
            ConditionKind::Not(inner) => {
                self.polarity = self.polarity.flipped();
                let judged = self.judge(inner);
                self.polarity = self.polarity.flipped();
                Judgement::new(fold::not(judged.verdict), Basis::Group(vec![judged]))
            }
        }
    }

    /// Judges every member, also where the first decides: their streaks must see every evaluation.
    fn group(
        &mut self,
        members: &[Condition],
        fold: impl Fn(&mut dyn Iterator<Item = Verdict>) -> Verdict,
    ) -> Judgement {
        let judged: Vec<_> = members.iter().map(|member| self.judge(member)).collect();
        let verdict = fold(&mut judged.iter().map(|judgement| judgement.verdict));
        Judgement::new(verdict, Basis::Group(judged))
    }

    /// A phase that is younger is a fact; only a gate that waits for it says "not yet".
    fn phase_for(&self, span: Span) -> Verdict {
        match self.lead(false) {
            _ if self.facts.phase_watched >= span => Verdict::Pass,
            Lead::From if self.role == Role::Gate => Verdict::Inconclusive(Cause::NotYet),
            _ => Verdict::Fail,
        }
    }

    /// Whether no data decides.
    pub(super) fn is_acting(&self) -> bool {
        self.absence == Absence::Act
    }

    /// What it comes to that a leaf here holds, or does not.
    pub(super) fn lead(&self, holds: bool) -> Lead {
        match (self.absence, self.polarity) {
            (Absence::Hold, _) => Lead::Either,
            (_, Polarity::Plain) if holds => Lead::To,
            (_, Polarity::Negated) if !holds => Lead::To,
            _ => Lead::From,
        }
    }

    /// Whether dropped samples stand in the way: nothing passes a gate on a window with drops, and nothing keeps a
    /// trigger from firing on one.
    pub(super) fn is_marred(&self, drops: u64, holds: bool, proof: Proof) -> bool {
        let is_open = match self.lead(holds) {
            Lead::To => true,
            Lead::Either => proof == Proof::Open,
            Lead::From => false,
        };
        drops > 0 && self.role == Role::Gate && is_open
    }

    /// Whether an answer stands whatever is not covered: a gate fails on it, a trigger fires on it.
    pub(super) fn is_settled(&self, holds: bool, proof: Proof) -> bool {
        proof == Proof::Final && (self.role == Role::Trigger || self.lead(holds) != Lead::To)
    }

    /// The verdict of a leaf on a window of length `over` in which there is nothing.
    ///
    /// With `on_no_data` the leaf is judged so that the whole fails (a gate) or holds (a trigger): under a `not` that is
    /// the opposite, or else a gate would pass on nothing.
    pub(super) fn absent(&self, over: Span) -> Verdict {
        let held = Verdict::Inconclusive(Cause::NoData);
        if !self.is_acting() {
            return held;
        }
        match (self.role, self.polarity) {
            (Role::Gate, Polarity::Plain) => Verdict::Fail,
            (Role::Gate, Polarity::Negated) => Verdict::Pass,
            // A window that nobody watched is empty for another reason.
            (Role::Trigger, _) if !self.is_watched(over) => held,
            (Role::Trigger, Polarity::Plain) => Verdict::Pass,
            (Role::Trigger, Polarity::Negated) => Verdict::Fail,
        }
    }

    /// The part of [now - over, now] that was watched, within the phase: before it there was nothing to measure.
    ///
    /// The self-metric is always fed, so that its coverage is what was watched, whatever the other sources did.
    pub(super) fn watched(&self, over: Span) -> f64 {
        let query = Query {
            subject: Subject::Rollbacks,
            stat: Stat::Count,
            window: Window::Over(over),
            averaged_by: None,
        };
        let clip = Clip { from: self.clip.from.max(self.clip.phase), phase: self.clip.phase };
        self.windows.measure(&query, clip, self.now()).coverage
    }

    fn is_watched(&self, over: Span) -> bool {
        over > Span::ZERO && self.watched(over) >= WATCHED_IN_FULL
    }
}

/// Whether any `for` is in the condition.
fn has_sustained(condition: &Condition) -> bool {
    let mut is_found = false;
    condition.walk(&mut |inner| {
        is_found |= matches!(&inner.kind, ConditionKind::Measure(measure) if measure.sustained.is_some());
    });
    is_found
}

/// Judges a gate: its windows never reach back before the phase, or its last extension, began.
pub fn judge_gate(
    gate: &Gate,
    facts: &Facts<'_>,
    windows: &impl Measures,
    streaks: &mut Streaks,
    streaking: Streaking,
) -> Judgement {
    judge_condition(&gate.condition, facts, windows, streaks, streaking)
}

/// Judges a trigger: its windows never reach back before the last rollback. Pass: it holds, so that it fires.
pub fn judge_trigger(
    trigger: &Trigger,
    facts: &Facts<'_>,
    windows: &impl Measures,
    streaks: &mut Streaks,
    streaking: Streaking,
) -> Judgement {
    Court::new(Role::Trigger, facts, windows, streaks, streaking).judge(&trigger.when)
}

/// Judges a fired trigger on its own window after the rollback, without its `for` (SEMANTICS 5.5).
pub fn judge_settled(trigger: &Trigger, facts: &Facts<'_>, windows: &impl Measures) -> Judgement {
    let mut streaks = Streaks::default();
    let mut court = Court::new(Role::Trigger, facts, windows, &mut streaks, Streaking::Read);
    court.patience = Patience::None;
    court.judge(&trigger.when)
}

/// Judges a fired trigger on the latest samples since `from` that are enough, without its `for`: at low traffic its own
/// windows never hold enough of them to say that its condition is false.
pub fn judge_since(
    trigger: &Trigger,
    from: Timestamp,
    facts: &Facts<'_>,
    windows: &impl Measures,
) -> Judgement {
    let mut streaks = Streaks::default();
    let mut court = Court::new(Role::Trigger, facts, windows, &mut streaks, Streaking::Read);
    court.patience = Patience::Since(from);
    court.judge(&trigger.when)
}

/// Judges a condition by a gate's rules: for `only_if` of a step, targets and daily checks.
pub fn judge_condition(
    condition: &Condition,
    facts: &Facts<'_>,
    windows: &impl Measures,
    streaks: &mut Streaks,
    streaking: Streaking,
) -> Judgement {
    Court::new(Role::Gate, facts, windows, streaks, streaking).judge(condition)
}
