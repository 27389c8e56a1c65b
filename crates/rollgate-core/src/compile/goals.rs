//! Warnings about goals: limits that the baseline misses or fires already, targets that no gate asks for (S6).

use super::lint::{Lint, family, needed, shown, sufficient};
use super::reader::{Reader, join};
use crate::config::{Location, Node, Value};
use crate::snapshot::{BaselineSource, Measure, Ruleset, Subject};

impl Lint<'_> {
    /// S6: gates that the baseline misses, and triggers that it fires, before the rollout has begun.
    pub(super) fn baselines(&self, reader: &mut Reader) {
        for gate in &self.phase.gates {
            if let Some((measure, value)) = missed(self.ruleset, &needed(&gate.condition)) {
                let (path, at) = self.place(&["gates", gate.key.as_str()]);
                missed_by(
                    reader,
                    self.ruleset,
                    &format!("gate `{}`", gate.key),
                    (&path, at),
                    (measure, value),
                );
            }
        }
        for trigger in self.phase.triggers.iter().filter(|trigger| !trigger.is_dry_run) {
            let fires = sufficient(&trigger.when).into_iter().find_map(|measure| {
                let value = baseline(self.ruleset, measure)?;
                measure.comparison.holds(value, measure.limit).then_some((measure, value))
            });
            let Some((measure, value)) = fires else { continue };
            let (path, at) = self.place(&["triggers", trigger.key.as_str()]);
            let message = format!(
                "trigger `{}` ({} {}) fires at the baseline of {}",
                trigger.key,
                measure.comparison.sign(),
                shown(self.ruleset, measure, measure.limit),
                shown(self.ruleset, measure, value)
            );
            let help =
                "it would roll back a rollout that changes nothing; move the limit, or mend the baseline";
            reader.warn("baseline-fires", &path, at, message, help);
        }
    }
}

/// The written baseline that a measurement can be read against.
fn baseline(ruleset: &Ruleset, measure: &Measure) -> Option<f64> {
    let is_of = |metric| measure.query.subject == Subject::Metric(metric) && measure.versus.is_none();
    ruleset.baselines.iter().find_map(|baseline| match baseline.source {
        BaselineSource::Given(value)
            if is_of(baseline.metric) && family(baseline.stat) == family(measure.query.stat) =>
        {
            Some(value)
        }
        _ => None,
    })
}

/// The measurement that the baseline misses, of those that each must hold.
fn missed<'a>(ruleset: &Ruleset, measures: &[&'a Measure]) -> Option<(&'a Measure, f64)> {
    measures.iter().find_map(|measure| {
        let value = baseline(ruleset, measure)?;
        (!measure.comparison.holds(value, measure.limit)).then_some((*measure, value))
    })
}

fn missed_by(
    reader: &mut Reader,
    ruleset: &Ruleset,
    name: &str,
    (path, at): (&str, Location),
    (measure, value): (&Measure, f64),
) {
    let message = format!(
        "{name} ({} {}) is missed by the baseline of {} already",
        measure.comparison.sign(),
        shown(ruleset, measure, measure.limit),
        shown(ruleset, measure, value)
    );
    let help = "move the limit, mend the baseline, or ask for a change with `versus: baseline`";
    reader.warn("baseline-misses", path, at, message, help);
}

/// S6: targets that the baseline misses, or that every gate on the same thing is looser than.
pub(super) fn targets(reader: &mut Reader, ruleset: &Ruleset, tree: &Node) {
    let Some(plan) = &ruleset.plan else { return };
    let gates = || plan.phases.iter().flat_map(|phase| &phase.gates);
    for target in &plan.targets {
        let path = join("targets", target.key.as_str());
        let entries = tree.field("targets").map(|node| &node.value);
        let at = match entries {
            Some(Value::Map(entries)) => entries.iter().find(|(key, _, _)| target.key == **key),
            _ => None,
        };
        let at = at.map_or_else(Location::default, |(_, at, _)| *at);
        let measures = needed(&target.condition);
        if let Some(found) = missed(ruleset, &measures) {
            missed_by(reader, ruleset, &format!("target `{}`", target.key), (&path, at), found);
        }
        for measure in measures {
            let is_upper = measure.comparison.is_upper_limit();
            let same =
                gates().flat_map(|gate| needed(&gate.condition).into_iter().map(move |other| (gate, other)));
            let same: Vec<_> = same
                .filter(|(_, other)| {
                    other.query.subject == measure.query.subject
                        && family(other.query.stat) == family(measure.query.stat)
                        && other.versus == measure.versus
                        && other.comparison.is_upper_limit() == is_upper
                })
                .collect();
            let looser = |limit: f64| if is_upper { limit > measure.limit } else { limit < measure.limit };
            let Some((gate, last)) =
                same.last().filter(|_| same.iter().all(|(_, other)| looser(other.limit)))
            else {
                continue;
            };
            let message = format!(
                "target `{}` ({} {}) is stricter than every gate, gate `{}` ({} {}) the last of them",
                target.key,
                measure.comparison.sign(),
                shown(ruleset, measure, measure.limit),
                gate.key,
                last.comparison.sign(),
                shown(ruleset, last, last.limit)
            );
            let help = "the rollout completes without reaching it; tighten a gate, or move the target";
            reader.warn("target-without-gate", &path, at, message, help);
        }
    }
}
