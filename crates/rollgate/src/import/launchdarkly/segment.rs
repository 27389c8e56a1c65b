//! LaunchDarkly's segments as conditions: who is included, who is excluded, and rules.

use rollgate_core::config::{FlagConfig, OneOrMany, ServeConfig, TargetConfig};
use serde_json::Value;

use super::super::NoteKind;
use super::super::draft::{Draft, key_of, never};
use super::super::fields::{Bad, Fields};
use super::super::words::{all, any, nobody, not, share};
use super::File;
use super::clause::{attribute_of, clauses, keys};
use super::rollout::Rollout;

/// The name of a segment's condition.
pub(super) fn condition_key(key: &str) -> String {
    key_of(&format!("segment-{key}"), |_| false)
}

/// Reads one segment.
pub(super) fn read(key: &str, value: &Value, file: &File<'_>, draft: &mut Draft) {
    let name = condition_key(key);
    if draft.has_condition(&name) {
        let what = format!("`{name}` is the name of another segment already; this one is left out");
        draft.note(NoteKind::Malformed, &format!("segments.{key}"), what);
        return;
    }
    let condition = condition(key, value, file, draft).unwrap_or_else(|bad| never(&draft.bad(&bad)));
    draft.conditions.push((name, condition));
}

fn condition(key: &str, value: &Value, file: &File<'_>, draft: &mut Draft) -> Result<TargetConfig, Bad> {
    let path = format!("segments.{key}");
    let mut fields = Fields::of(value, &path)?;
    if fields.is("unbounded")? {
        let what = "the keys of a big segment are not in the file";
        return Ok(draft.unsaid(&fields.at("unbounded"), &format!("big segment {key}"), what));
    }
    let salt = fields.text("salt")?.unwrap_or_default().to_owned();
    let mut included = listed(&mut fields, "included", "includedContexts")?;
    let excluded = listed(&mut fields, "excluded", "excludedContexts")?;
    let at = fields.at("rules");
    let mut rules = Vec::new();
    for (index, value) in fields.list("rules")?.iter().enumerate() {
        let mut one = Fields::of(value, &format!("{at}[{index}]"))?;
        rules.push(rule(&mut one, key, &salt, index, file, draft)?);
        let _ = one.text("id")?;
        one.close(draft, &[]);
    }
    let left = fields.leave(&["name", "description", "tags", "unboundedContextKind"]);
    for key in ["key", "version", "deleted", "generation", "sel"] {
        let _ = fields.has(key);
    }
    fields.close(draft, &left);
    if !rules.is_empty() {
        let mut parts = Vec::new();
        if !excluded.is_empty() {
            parts.push(not(any(excluded)));
        }
        parts.push(any(rules));
        included.extend(all(parts));
    }
    Ok(any(included))
}

/// Keys of users, and of contexts of other kinds.
fn listed(
    fields: &mut Fields<'_>,
    of_users: &'static str,
    of_contexts: &'static str,
) -> Result<Vec<TargetConfig>, Bad> {
    let mut found: Vec<TargetConfig> = keys("user", fields.texts(of_users)?).into_iter().collect();
    let at = fields.at(of_contexts);
    for (index, value) in fields.list(of_contexts)?.iter().enumerate() {
        let mut one = Fields::of(value, &format!("{at}[{index}]"))?;
        let kind = one.text("contextKind")?.unwrap_or("user");
        found.extend(keys(kind, one.texts("values")?));
    }
    Ok(found)
}

fn rule(
    fields: &mut Fields<'_>,
    key: &str,
    salt: &str,
    index: usize,
    file: &File<'_>,
    draft: &mut Draft,
) -> Result<TargetConfig, Bad> {
    let mut parts = clauses(fields, file, draft)?;
    let kind = fields.text("rolloutContextKind")?;
    let name = fields.text("bucketBy")?.filter(|name| !name.is_empty()).unwrap_or("key");
    let by = attribute_of(kind.unwrap_or("user"), name, kind.is_some());
    if parts.iter().any(is_unknown) {
        // Only this rule of the segment: its others still say who is in it.
        return Ok(nobody());
    }
    let weight = fields.number("weight")?.filter(|weight| *weight >= 0.0);
    if let Some(weight) = weight {
        let helper = file.helper_key(&format!("segment-{key}.rule-{}", index + 1), draft);
        let mut own = Rollout::of_key(key, salt, &fields.path);
        own.set_by(&by);
        let of = weight.min(100_000.0).floor();
        if of != weight {
            let what = format!("a weight of {weight} is taken as {of}");
            draft.note(NoteKind::Changed, &fields.at("weight"), what);
        }
        let flag = FlagConfig {
            description: Some(format!("Who is in a part of a segment; made for {}", fields.path)),
            share: Some(share(of as u64, 100_000)),
            bucketing: Some(own.bucketing()),
            ..FlagConfig::default()
        };
        draft.flags.push((helper.clone(), flag));
        let is_in = TargetConfig {
            flag: Some(helper),
            serves: Some(OneOrMany::One(ServeConfig::Side(true))),
            ..TargetConfig::default()
        };
        // Whoever lacks what is hashed is at the very beginning.
        let missing = own.missing().filter(|_| of > 0.0);
        parts.push(any([is_in].into_iter().chain(missing).collect()));
    }
    Ok(all(parts).unwrap_or_else(super::super::words::everybody))
}

/// Whether a condition has something that nobody knows.
fn is_unknown(target: &TargetConfig) -> bool {
    target.unknown.is_some()
        || target.not.as_deref().is_some_and(is_unknown)
        || target.all.iter().chain(&target.any).flatten().any(is_unknown)
}
