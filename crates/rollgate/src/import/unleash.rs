//! Unleash: features with strategies, constraints, segments, variants and dependencies.
//!
//! A strategy is a rule that goes on to the next one for whoever it leaves out, as there any strategy may turn a feature
//! on. The last one, where it is for everybody, is the flag's own share, so that it can be raised like any other.

mod constraint;
mod delta;
mod strategy;
mod variant;

use rollgate_core::config::{FlagConfig, Named, OneOrMany, RuleConfig, ServeConfig, TargetConfig};
use serde_json::Value;

use super::NoteKind;
use super::draft::{Draft, never};
use super::fields::{Bad, Fields, join};
use super::words::{all, share};
use strategy::Strategy;
use variant::{Choice, Owner, Table};

/// The name of what is served where a feature is on and has no variant.
const NO_VARIANT: &str = "disabled";

/// A dependency on another feature.
struct Dependency {
    parent: String,
    is_enabled: bool,
    variants: Vec<String>,
    path: String,
}

/// A feature whose dependencies are still to be looked at: they may stand behind it.
struct Waiting {
    key: String,
    dependencies: Vec<Dependency>,
    /// The names of variants there and here; empty where a feature that is on has none.
    names: Vec<(String, String)>,
}

/// Reads a file.
pub(super) fn read(root: &Value, draft: &mut Draft) -> Result<(), String> {
    let Some(entries) = root.as_object() else { return Err("this is not an object".into()) };
    if entries.contains_key("featureStrategies") {
        return Err("this is an export of Unleash's admin API, which has no finished strategies".into());
    }
    let state = match (entries.get("events"), entries.get("features")) {
        (Some(Value::Array(events)), _) => delta::state(events, draft),
        (_, Some(Value::Array(features))) => {
            let segments = entries.get("segments").and_then(Value::as_array);
            let at = |list: &'static str| move |index: usize| format!("{list}[{index}]");
            let located = |list: &[Value], at: &dyn Fn(usize) -> String| {
                list.iter().enumerate().map(|(index, value)| (at(index), value.clone())).collect()
            };
            delta::State {
                features: located(features, &at("features")),
                segments: segments.map(|list| located(list, &at("segments"))).unwrap_or_default(),
            }
        }
        _ => return Err("this has no list of features".into()),
    };
    for key in entries.keys() {
        if !["events", "features", "segments", "version", "query", "meta"].contains(&key.as_str()) {
            let what = "this key is not known here; whatever it does is not done";
            draft.note(NoteKind::NotExpressed, key, what);
        }
    }
    for (path, segment) in &state.segments {
        read_segment(segment, path, draft);
    }
    let mut waiting = Vec::new();
    for (path, feature) in &state.features {
        let Some(name) = feature.get("name").and_then(Value::as_str) else {
            draft.note(NoteKind::Malformed, path, "a feature without a name; there is no such flag");
            continue;
        };
        draft.flag(name, path, |draft| {
            let (flag, of_flag) = read_feature(feature, path, name, draft)?;
            waiting.push(of_flag);
            Ok(flag)
        });
    }
    depend(&waiting, draft);
    Ok(())
}

/// The name of a segment's condition.
fn segment_key(id: &Value) -> String {
    match id {
        Value::String(text) => super::draft::key_of(&format!("segment-{text}"), |_| false),
        other => super::draft::key_of(&format!("segment-{other}"), |_| false),
    }
}

fn read_segment(segment: &Value, path: &str, draft: &mut Draft) {
    let id = segment.get("id").cloned().unwrap_or(Value::Null);
    let key = segment_key(&id);
    if draft.has_condition(&key) {
        draft.note(NoteKind::Malformed, path, "a segment of this id is there already; the first counts");
        return;
    }
    let read = Fields::of(segment, path).and_then(|mut fields| {
        let parts = constraint::constraints(&mut fields, draft)?;
        let left =
            fields.leave(&["name", "description", "createdAt", "createdBy", "project", "usedInFeatures"]);
        let _ = fields.take("id");
        fields.close(draft, &left);
        Ok(parts)
    });
    let condition = match read {
        // A segment without constraints is everybody.
        Ok(parts) => all(parts).unwrap_or_else(super::words::everybody),
        Err(bad) => never(&draft.bad(&bad)),
    };
    draft.conditions.push((key, condition));
}

fn read_feature(
    feature: &Value,
    path: &str,
    name: &str,
    draft: &mut Draft,
) -> Result<(FlagConfig, Waiting), Bad> {
    let mut fields = Fields::of(feature, path)?;
    let _ = fields.take("name");
    let description = fields.text("description")?.map(str::to_owned);
    let is_enabled = fields.is("enabled")?;
    let of_feature = variant::list(&mut fields, &Owner { salt: name, stickiness: "default" }, draft)?;
    let mut strategies = Vec::new();
    let has_strategies = !fields.list("strategies")?.is_empty();
    for (index, value) in fields.list("strategies")?.iter().enumerate() {
        let at = format!("{}[{index}]", fields.at("strategies"));
        strategies.extend(strategy::read(value, &at, name, draft)?);
    }
    if !has_strategies {
        // Without any a feature is on for everybody.
        strategies.push(Strategy::everybody());
    }
    let dependencies = dependencies(&mut fields)?;
    let left =
        fields.leave(&["impressionData", "stale", "project", "type", "createdAt", "lastSeenAt", "favorite"]);
    fields.close(draft, &left);

    let mut flag = FlagConfig { description, ..FlagConfig::default() };
    let mut rules = Vec::new();
    if !is_enabled {
        let off = Some(ServeConfig::Side(false));
        rules.push(RuleConfig {
            name: Some("disabled in Unleash".into()),
            serve: off,
            ..RuleConfig::default()
        });
    }
    let names = write(&mut flag, &mut rules, strategies, of_feature, path, draft);
    flag.rules = (!rules.is_empty()).then_some(rules);
    Ok((flag, Waiting { key: name.to_owned(), dependencies, names }))
}

/// Writes strategies as rules, and the last one for everybody as the flag's share.
fn write(
    flag: &mut FlagConfig,
    rules: &mut Vec<RuleConfig>,
    mut strategies: Vec<Strategy>,
    of_feature: Option<Choice>,
    path: &str,
    draft: &mut Draft,
) -> Vec<(String, String)> {
    let last = strategies.pop_if(|last| last.is_share());
    let of = |strategy: &Strategy| strategy.choice.clone().or_else(|| of_feature.clone());
    let choices: Vec<Option<Choice>> = strategies.iter().chain(&last).map(of).collect();
    // What those get whom the flag's own share turns on: it is the last strategy's.
    let own = match &last {
        Some(last) => of(last),
        None => of_feature.clone().or_else(|| choices.iter().flatten().next().cloned()),
    };
    let mut table = Table::default();
    for choice in own.iter().chain(choices.iter().flatten()) {
        table.add(choice, path, draft);
    }
    if !table.is_empty() && (choices.iter().any(Option::is_none) || own.is_none()) {
        table.add_nothing(NO_VARIANT);
    }
    for (strategy, choice) in strategies.into_iter().zip(&choices) {
        let overrides = strategy.choice.is_none().then_some(of_feature.as_ref()).flatten();
        strategy::overrides(&strategy, overrides, &table, rules);
        strategy::lacking(&strategy, choice.as_ref(), &table, rules);
        strategy::rules(strategy, choice.as_ref(), own.as_ref(), &table, rules);
    }
    if let Some(last) = last {
        let overrides = last.choice.is_none().then_some(of_feature.as_ref()).flatten();
        strategy::overrides(&last, overrides, &table, rules);
        strategy::lacking(&last, own.as_ref(), &table, rules);
        flag.share = Some(share(last.part.percent, 100));
        flag.bucketing = last.part.bucketing;
    }
    table.write(flag, own.as_ref());
    table.names()
}

fn dependencies(fields: &mut Fields<'_>) -> Result<Vec<Dependency>, Bad> {
    let at = fields.at("dependencies");
    let read = fields.list("dependencies")?.iter().enumerate().map(|(index, value)| {
        let mut one = Fields::of(value, &format!("{at}[{index}]"))?;
        let parent = one.must("feature")?.to_owned();
        let is_enabled = !one.has("enabled") || one.is("enabled")?;
        Ok(Dependency { parent, is_enabled, variants: one.texts("variants")?, path: one.path })
    });
    read.collect()
}

/// Writes dependencies as prerequisites, now that every feature is known.
fn depend(waiting: &[Waiting], draft: &mut Draft) {
    for child in waiting.iter().filter(|child| !child.dependencies.is_empty()) {
        let mut wanted: Vec<(String, OneOrMany<ServeConfig>)> = Vec::new();
        let mut never = None;
        for dependency in &child.dependencies {
            let parent = waiting.iter().find(|parent| parent.key == dependency.parent);
            let name = &dependency.parent;
            match parent {
                None if draft.has(name) => {
                    never = Some((dependency, format!("`{name}` cannot be read, so this feature is off")));
                }
                None => {
                    never = Some((dependency, format!("there is no feature `{name}`, so this one is off")))
                }
                Some(parent) if !parent.dependencies.is_empty() => {
                    let why =
                        "has dependencies itself; Unleash then leaves this feature off, and so it is here";
                    never = Some((dependency, format!("`{name}` {why}")));
                }
                Some(parent) => match asked(dependency, parent) {
                    Some(serves) if wanted.iter().all(|(other, _)| other != name) => {
                        wanted.push((name.clone(), serves));
                    }
                    Some(_) => never = Some((dependency, format!("`{name}` is named twice"))),
                    None => never = Some((dependency, format!("`{name}` has none of these variants"))),
                },
            }
        }
        let Some((_, flag)) = draft.flags.iter_mut().find(|(key, _)| *key == child.key) else { continue };
        flag.prerequisites = (!wanted.is_empty()).then_some(Named(wanted));
        let Some((dependency, why)) = never else { continue };
        let off = RuleConfig {
            name: Some(format!("depends on {}", dependency.parent)),
            serve: Some(ServeConfig::Side(false)),
            ..RuleConfig::default()
        };
        flag.rules.get_or_insert_default().insert(0, off);
        let (flag, path) = (Some(child.key.clone()), join(&dependency.path, "feature"));
        draft.notes.push(super::Note { kind: NoteKind::NotExpressed, flag, path, what: why });
    }
}

/// What a parent must serve; `None`: nothing that it can.
fn asked(dependency: &Dependency, parent: &Waiting) -> Option<OneOrMany<ServeConfig>> {
    let side = |is_on| Some(OneOrMany::One(ServeConfig::Side(is_on)));
    if !dependency.is_enabled {
        return side(false);
    }
    if dependency.variants.is_empty() {
        return side(true);
    }
    if parent.names.is_empty() {
        // Without variants a feature that is on has the variant `disabled`.
        return dependency.variants.iter().any(|name| name == NO_VARIANT).then(|| side(true)).flatten();
    }
    let ours = parent.names.iter().filter(|(theirs, _)| dependency.variants.contains(theirs));
    let serves: Vec<ServeConfig> = ours.map(|(_, ours)| ServeConfig::Variant(ours.clone())).collect();
    (!serves.is_empty()).then_some(OneOrMany::Many(serves))
}

/// A condition by the name of a segment.
fn of_segment(id: &Value, path: &str, draft: &mut Draft) -> TargetConfig {
    let key = segment_key(id);
    if draft.has_condition(&key) {
        return TargetConfig { condition: Some(key), ..TargetConfig::default() };
    }
    let why = format!("there is no segment {id}");
    draft.unsaid(path, &key, &why)
}
