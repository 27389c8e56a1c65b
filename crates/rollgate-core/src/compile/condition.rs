//! Conditions: one subject, one comparison, and the keys that go with any.

use super::compare::compare;
use super::flags::unknown;
use super::measure::{COMPARISONS, comparison, metric};
use super::reader::{Item, Map, Reader};
use crate::config::Value;
use crate::id::{FlagId, Key, RoleId};
use crate::limits::{CONDITION_DEPTH_MAX, CONDITIONS_MAX};
use crate::snapshot::{
    AlertRule, Attest, Baseline, Condition, ConditionKind, Flag, Metric, OnNoData, RoleRule, Severity, Window,
};
use crate::time::Span;

/// What conditions refer to.
pub(super) struct Names<'a> {
    pub(super) flags: &'a [Flag],
    pub(super) metrics: &'a [Metric],
    pub(super) roles: &'a [RoleRule],
    pub(super) baselines: &'a [Baseline],
    pub(super) streaks: usize,
}

/// Where a condition stands: gates ask for coverage and may fail without data, triggers may fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Gate,
    Trigger,
    Shown,
}

const SEVERITIES: [(&str, Severity); 3] =
    [("info", Severity::Info), ("warning", Severity::Warning), ("critical", Severity::Critical)];

/// What a condition may be of; each has exactly one.
const SUBJECTS: [&str; 12] = [
    "metric",
    "alerts",
    "compare",
    "attest",
    "checklist",
    "shares",
    "flag",
    "phase_for",
    "all",
    "any",
    "not",
    "at_least_of",
];

/// Compiles a condition that stands in a map of its own.
pub(super) fn condition(
    reader: &mut Reader,
    names: &mut Names<'_>,
    item: &Item<'_>,
    usage: Use,
    depth: usize,
) -> Option<Condition> {
    let mut map = reader.map(item, "a condition: a map with a subject and a comparison")?;
    let condition = as_written(reader, names, &mut map, item, usage, depth);
    reader.close(map);
    condition
        .map(|condition| if depth == 0 { inherited(condition, Group::default(), usage) } else { condition })
}

/// Compiles the condition whose keys are in `map`; the caller closes it.
pub(super) fn condition_in(
    reader: &mut Reader,
    names: &mut Names<'_>,
    map: &mut Map<'_>,
    item: &Item<'_>,
    usage: Use,
) -> Option<Condition> {
    as_written(reader, names, map, item, usage, 0)
        .map(|condition| inherited(condition, Group::default(), usage))
}

/// What a group's keys say for its members.
#[derive(Clone, Copy, Default)]
struct Group {
    coverage: Option<f64>,
    warn_within: Option<f64>,
}

/// Gives the members of groups what the group says, and gates over an hour their coverage.
fn inherited(mut condition: Condition, group: Group, usage: Use) -> Condition {
    condition.only_if = condition.only_if.map(|asked| Box::new(inherited(*asked, Group::default(), usage)));
    let group = Group {
        coverage: condition.coverage.or(group.coverage),
        warn_within: condition.warn_within.or(group.warn_within),
    };
    let each =
        |members: Vec<Condition>| members.into_iter().map(|inner| inherited(inner, group, usage)).collect();
    condition.kind = match condition.kind {
        ConditionKind::All(members) => ConditionKind::All(each(members)),
        ConditionKind::Any(members) => ConditionKind::Any(each(members)),
        ConditionKind::AtLeastOf(needed, members) => ConditionKind::AtLeastOf(needed, each(members)),
        ConditionKind::Not(inner) => ConditionKind::Not(Box::new(inherited(*inner, group, usage))),
        leaf => {
            let is_long = window_of(&leaf).is_some_and(|span| span > Span::hours(1));
            condition.coverage = group.coverage.or((usage == Use::Gate && is_long).then_some(0.9));
            condition.warn_within = group.warn_within;
            leaf
        }
    };
    condition
}

/// A condition as it is written, before its groups and defaults are looked at.
fn as_written(
    reader: &mut Reader,
    names: &mut Names<'_>,
    map: &mut Map<'_>,
    item: &Item<'_>,
    usage: Use,
    depth: usize,
) -> Option<Condition> {
    if depth > CONDITION_DEPTH_MAX {
        reader.error_help(
            "too-deep",
            &item.path,
            item.at(),
            format_args!("groups lie more than {CONDITION_DEPTH_MAX} deep"),
            "write fewer groups inside groups",
        );
        return None;
    }
    let only_if =
        map.take("only_if").and_then(|item| condition(reader, names, &item, usage, depth + 1)).map(Box::new);
    let warn_within = map.take("warn_within").and_then(|item| reader.part(&item));
    let act = if usage == Use::Trigger { "fire" } else { "fail" };
    let on_no_data = map
        .take("on_no_data")
        .and_then(|item| reader.word(&item, &[("hold", OnNoData::Hold), (act, OnNoData::Act)]))
        .unwrap_or_default();
    let coverage = map.take("coverage").and_then(|item| reader.part(&item));
    let written: Vec<&str> = SUBJECTS
        .into_iter()
        .filter(|subject| map.has(subject) && !(*subject == "flag" && map.has("compare")))
        .collect();
    let kind = match written[..] {
        [one] => subject(reader, names, map, item, usage, depth, one),
        [] => {
            reader.error_help(
                "no-subject",
                &item.path,
                item.key_at(),
                "the condition says nothing about what it is of",
                format_args!("add one of {}", SUBJECTS.join(", ")),
            );
            SUBJECTS.into_iter().for_each(|subject| drop(map.take(subject)));
            None
        }
        _ => {
            reader.error_help(
                "two-subjects",
                &item.path,
                item.key_at(),
                format_args!("a condition has one subject, this one has {}", written.join(" and ")),
                "write two conditions under `all`",
            );
            SUBJECTS.into_iter().for_each(|subject| drop(map.take(subject)));
            None
        }
    }?;
    Some(Condition { only_if, warn_within, on_no_data, coverage, kind })
}

/// The window of a condition, `for` included; a phase-long one is longer than any.
pub(super) fn window_of(kind: &ConditionKind) -> Option<Span> {
    let of = |window: Window| match window {
        Window::Over(span) => Some(span),
        Window::Phase => Some(Span(u64::MAX)),
        Window::Latest(_) => None,
    };
    match kind {
        ConditionKind::Measure(measure) => {
            of(measure.query.window).max(measure.sustained.map(|sustained| sustained.span))
        }
        ConditionKind::Trend(trend) => of(trend.window),
        // Since the last change of shares, inside the phase.
        ConditionKind::Compare(_) => Some(Span(u64::MAX)),
        ConditionKind::Alerts(_, AlertRule::QuietFor(span) | AlertRule::Count { within: span, .. }) => {
            Some(*span)
        }
        _ => None,
    }
}

fn subject(
    reader: &mut Reader,
    names: &mut Names<'_>,
    map: &mut Map<'_>,
    item: &Item<'_>,
    usage: Use,
    depth: usize,
    subject: &'static str,
) -> Option<ConditionKind> {
    let value = map.take(subject)?;
    match subject {
        "metric" => metric(reader, names, map, item, &value),
        "alerts" => alerts(reader, map, item, &value),
        "compare" => compare(reader, names, map, item, &value),
        "attest" => attest(reader, names, map, &value),
        "checklist" => reader.word(&value, &[("complete", ())]).map(|()| ConditionKind::ChecklistComplete),
        "shares" => reader.word(&value, &[("all_zero", ())]).map(|()| ConditionKind::SharesAllZero),
        "flag" => {
            let flag = flag(reader, names, &value);
            let share = map.take("share_above").or_else(|| missing(reader, item, "share_above", "a share"));
            let share = share.and_then(|item| reader.share(&item));
            Some(ConditionKind::ShareAbove(flag?, share?))
        }
        "phase_for" => reader.span(&value, Span(1)).map(ConditionKind::PhaseFor),
        "not" => condition(reader, names, &value, usage, depth + 1)
            .map(|inner| ConditionKind::Not(Box::new(inner))),
        "all" => group(reader, names, &value, usage, depth).map(ConditionKind::All),
        "any" => group(reader, names, &value, usage, depth).map(ConditionKind::Any),
        _ => {
            let mut map = reader.map(&value, "a map with n and conditions")?;
            let n = map.take("n").or_else(|| missing(reader, &value, "n", "how many must hold"));
            let n = n.and_then(|item| reader.whole(&item, 1));
            let inner = map
                .take("conditions")
                .or_else(|| missing(reader, &value, "conditions", "a list of conditions"))
                .and_then(|item| group(reader, names, &item, usage, depth));
            reader.close(map);
            let (n, inner) = (n?, inner?);
            if n > inner.len() as u64 {
                reader.error_help(
                    "out-of-range",
                    &value.path,
                    value.at(),
                    format_args!("{n} of {} conditions can never hold", inner.len()),
                    "lower `n`, or add conditions",
                );
            }
            Some(ConditionKind::AtLeastOf(n as usize, inner))
        }
    }
}

/// A key that must be there and is not.
pub(super) fn missing<'a>(reader: &mut Reader, item: &Item<'_>, key: &str, what: &str) -> Option<Item<'a>> {
    reader.error_help(
        "missing-key",
        &item.path,
        item.key_at(),
        format_args!("`{key}` is missing"),
        format_args!("add `{key}:` with {what}"),
    );
    None
}

fn group(
    reader: &mut Reader,
    names: &mut Names<'_>,
    item: &Item<'_>,
    usage: Use,
    depth: usize,
) -> Option<Vec<Condition>> {
    let items = reader.list(item, "a list of conditions", CONDITIONS_MAX);
    if items.is_empty() {
        if matches!(&item.node.value, Value::List(written) if written.is_empty()) {
            let message = "a group needs at least one condition";
            reader.error_help("empty-group", &item.path, item.at(), message, "add one, or remove the group");
        }
        return None;
    }
    let written = items.len();
    let inner: Vec<Condition> =
        items.iter().filter_map(|item| condition(reader, names, item, usage, depth + 1)).collect();
    (inner.len() == written).then_some(inner)
}

/// Looks a flag up.
pub(super) fn flag(reader: &mut Reader, names: &Names<'_>, item: &Item<'_>) -> Option<FlagId> {
    let name = reader.text(item)?;
    let found = names.flags.iter().position(|flag| flag.key == *name.as_str());
    if found.is_none() {
        unknown(
            reader,
            "unknown-flag",
            "flag",
            item,
            &name,
            names.flags.iter().map(|flag| flag.key.as_str()),
        );
    }
    found.map(|index| FlagId(index as u16))
}

/// The role of this name.
pub(super) fn role(reader: &mut Reader, names: &[RoleRule], item: &Item<'_>) -> Option<RoleId> {
    let name = reader.text(item)?;
    let found = names.iter().position(|role| role.key == *name.as_str());
    if found.is_none() {
        let known = names.iter().map(|role| role.key.as_str());
        unknown(reader, "unknown-role", "role", item, &name, known);
    }
    found.map(|index| RoleId(index as u16))
}

/// Reads the roles of a list.
pub(super) fn roles(reader: &mut Reader, names: &[RoleRule], item: Option<Item<'_>>) -> Vec<RoleId> {
    let Some(item) = item else { return Vec::new() };
    let mut roles = Vec::new();
    for item in reader.list(&item, "a list of roles", CONDITIONS_MAX) {
        match role(reader, names, &item) {
            Some(role) if roles.contains(&role) => {
                let message = format!("`{}` is listed already", names[role.index()].key);
                reader.error_help("duplicate-entry", &item.path, item.at(), message, "remove one of the two");
            }
            Some(role) => roles.push(role),
            None => {}
        }
    }
    roles
}

fn alerts(
    reader: &mut Reader,
    map: &mut Map<'_>,
    item: &Item<'_>,
    value: &Item<'_>,
) -> Option<ConditionKind> {
    let severity = reader.word(value, &SEVERITIES);
    let quiet = map.take("quiet_for");
    let open = map.take("open_for");
    let within = map.take("within");
    // "No alerts for 4 h" may mean that it was quiet so long, or that none lasted so long.
    let lasting = map.take("for");
    let asked = [&quiet, &open, &within].iter().filter(|item| item.is_some()).count();
    if lasting.is_some() || asked > 1 {
        let at = lasting.or(open).or(within).map_or(item.key_at(), |item| item.key_at());
        reader.error_help(
            "ambiguous-alerts",
            &item.path,
            at,
            "it can be read in two ways: that no alert came for so long, or that one lasted so long",
            "write `quiet_for: 4h` (none opened or open), or `open_for: 4h` (one lasted), or `within:` with a comparison",
        );
        COMPARISONS.iter().for_each(|(key, _)| drop(map.take(key)));
        return None;
    }
    let rule = match (quiet, open, within) {
        (Some(quiet), None, None) => reader.span(&quiet, Span::seconds(1)).map(AlertRule::QuietFor),
        (None, Some(open), None) => reader.span(&open, Span::seconds(1)).map(AlertRule::OpenFor),
        (None, None, Some(within)) => {
            let within = reader.span(&within, Span::seconds(1));
            let limit = comparison(reader, map, item)
                .and_then(|(comparison, item)| Some((comparison, reader.whole(&item, 0)?)));
            within.zip(limit).map(|(within, (comparison, limit))| AlertRule::Count {
                within,
                comparison,
                limit,
            })
        }
        _ if COMPARISONS.iter().any(|(key, _)| map.has(key)) => {
            COMPARISONS.iter().for_each(|(key, _)| drop(map.take(key)));
            reader.error_help(
                "missing-key",
                &item.path,
                item.key_at(),
                "in how long a time alerts are counted is not said",
                "add `within:` with a length of time, for example `within: 1h`",
            );
            None
        }
        _ => {
            reader.error_help(
                "missing-key",
                &item.path,
                item.key_at(),
                "what is asked of the alerts is not said",
                "add `within:` with a comparison, or `quiet_for:`, or `open_for:`",
            );
            None
        }
    };
    Some(ConditionKind::Alerts(severity?, rule?))
}

fn attest(
    reader: &mut Reader,
    names: &Names<'_>,
    map: &mut Map<'_>,
    value: &Item<'_>,
) -> Option<ConditionKind> {
    let item = reader.text(value)?;
    let roles = roles(reader, names.roles, map.take("roles"));
    let all_of = map.take("all_of").and_then(|item| reader.whole(&item, 1));
    Some(ConditionKind::Attest(Attest { item: Key::new(item), roles, all_of }))
}
