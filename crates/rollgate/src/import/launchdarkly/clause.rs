//! LaunchDarkly's clauses: an attribute of a context, an operator, values.

use rollgate_core::config::{Json, OneOrMany, TargetConfig};
use serde_json::Value;

use super::super::NoteKind;
use super::super::draft::{Draft, never};
use super::super::fields::{Bad, Fields};
use super::super::words::{self, all, any, attribute, nobody, not, present};
use super::{File, segment};

/// An attribute of a context of a kind as one of ours.
pub(super) fn attribute_of(kind: &str, name: &str, is_reference: bool) -> String {
    let path = match name.strip_prefix('/').filter(|_| is_reference) {
        Some(path) => path
            .split('/')
            .map(|part| part.replace("~1", "/").replace("~0", "~"))
            .collect::<Vec<_>>()
            .join("."),
        None => name.to_owned(),
    };
    match (kind, path.as_str()) {
        ("user", "key") => "targeting_key".to_owned(),
        ("user", _) => path,
        (kind, path) => format!("{kind}.{path}"),
    }
}

/// All clauses of a rule.
pub(super) fn clauses(
    fields: &mut Fields<'_>,
    file: &File<'_>,
    draft: &mut Draft,
) -> Result<Vec<TargetConfig>, Bad> {
    let at = fields.at("clauses");
    let read = fields.list("clauses")?.iter().enumerate();
    read.map(|(index, value)| clause(value, &format!("{at}[{index}]"), file, draft)).collect()
}

fn clause(value: &Value, path: &str, file: &File<'_>, draft: &mut Draft) -> Result<TargetConfig, Bad> {
    let mut fields = Fields::of(value, path)?;
    let operator = fields.must("op")?;
    let is_negated = fields.is("negate")?;
    let kind = fields.text("contextKind")?;
    let name = fields.text("attribute")?.unwrap_or_default();
    let values = fields.list("values")?;
    let at = fields.at("values");
    fields.close(draft, &[]);
    if operator == "segmentMatch" {
        let found = segments(values, &at, file, draft);
        return Ok(if is_negated { not(found) } else { found });
    }
    if name.is_empty() {
        return Err(Bad::new(path, "the clause names no attribute"));
    }
    let is_kind = name == "kind" || (kind.is_some() && name == "/kind");
    let name =
        if is_kind { "kind".to_owned() } else { attribute_of(kind.unwrap_or("user"), name, kind.is_some()) };
    let Some(found) = Clause { name: &name, values, path: &at }.target(operator, draft) else {
        let why = format!("`{operator}` is no operator that is known; its rule never matches");
        return Ok(draft.unknown(&format!("{path}.op"), operator, why));
    };
    if !is_negated || found.unknown.is_some() {
        return Ok(found);
    }
    // An attribute that is not there passes no clause, negated or not; a context always has a kind.
    let there = (!is_kind).then(|| present(&name));
    Ok(all(there.into_iter().chain([not(found)]).collect()).unwrap_or_else(nobody))
}

fn segments(values: &[Value], path: &str, file: &File<'_>, draft: &mut Draft) -> TargetConfig {
    let mut found = Vec::with_capacity(values.len());
    for value in values {
        match value.as_str() {
            Some(key) if file.segments.contains_key(key) => {
                let condition = Some(segment::condition_key(key));
                found.push(TargetConfig { condition, ..TargetConfig::default() });
            }
            _ => {
                draft.note(NoteKind::Malformed, path, format!("there is no segment {value}; nobody is in it"))
            }
        }
    }
    any(found)
}

struct Clause<'a> {
    name: &'a str,
    values: &'a [Value],
    path: &'a str,
}

impl Clause<'_> {
    /// The condition; `None`: the operator is not known.
    fn target(&self, operator: &str, draft: &mut Draft) -> Option<TargetConfig> {
        let one = attribute(self.name);
        Some(match operator {
            "in" => {
                let of = |value: &Value| {
                    (!value.is_array() && !value.is_object()).then(|| words::json(value)).flatten()
                };
                TargetConfig { r#in: Some(self.read("a text, a number or a truth value", of, draft)), ..one }
            }
            "startsWith" => TargetConfig { starts_with: Some(self.texts(draft)), ..one },
            "endsWith" => TargetConfig { ends_with: Some(self.texts(draft)), ..one },
            "contains" => TargetConfig { contains: Some(self.texts(draft)), ..one },
            "matches" => self.patterns(draft),
            "lessThan" => self.numbers("<", draft),
            "lessThanOrEqual" => self.numbers("<=", draft),
            "greaterThan" => self.numbers(">", draft),
            "greaterThanOrEqual" => self.numbers(">=", draft),
            "before" => self.times(true, draft),
            "after" => self.times(false, draft),
            "semVerEqual" => self.versions("=", draft),
            "semVerLessThan" => self.versions("<", draft),
            "semVerGreaterThan" => self.versions(">", draft),
            _ => return None,
        })
    }

    /// The values that are of a type; the others pass nothing, there as here.
    fn read<T>(&self, what: &str, of: impl Fn(&Value) -> Option<T>, draft: &mut Draft) -> Vec<T> {
        let mut found = Vec::with_capacity(self.values.len());
        for value in self.values {
            match of(value) {
                Some(value) => found.push(value),
                None => draft.note(
                    NoteKind::Malformed,
                    self.path,
                    format!("{value} is not {what}; nothing equals it"),
                ),
            }
        }
        found
    }

    fn texts(&self, draft: &mut Draft) -> OneOrMany {
        OneOrMany::Many(self.read("a text", |value| value.as_str().map(str::to_owned), draft))
    }

    fn patterns(&self, draft: &mut Draft) -> TargetConfig {
        let texts = self.read("a text", |value| value.as_str().map(str::to_owned), draft);
        let mut found = Vec::with_capacity(texts.len());
        for text in texts {
            match words::pattern(&text) {
                Ok(pattern) => found.push(TargetConfig { matches: Some(pattern), ..attribute(self.name) }),
                Err(why) => {
                    let why = why.replace('\n', " ");
                    let what = format!("the pattern cannot be used ({why}); its rule never matches");
                    draft.note(NoteKind::Malformed, self.path, what);
                    return never(&format!("matches {text}"));
                }
            }
        }
        any(found)
    }

    fn numbers(&self, order: &str, draft: &mut Draft) -> TargetConfig {
        let what = "a text that is a number is compared as one; there it is no number";
        draft.note_once(NoteKind::Changed, self.path, what);
        let limits = self.read("a number", Value::as_f64, draft);
        any(limits.into_iter().map(|limit| words::number(self.name, order, limit)).collect())
    }

    fn times(&self, is_before: bool, draft: &mut Draft) -> TargetConfig {
        let of = |value: &Value| match value {
            Value::String(text) => words::time(text),
            other => words::time_of_millis(other.as_f64()?),
        };
        let times = self.read("a time", of, draft);
        let one = |time| match is_before {
            true => TargetConfig { before: Some(time), ..attribute(self.name) },
            false => TargetConfig { after: Some(time), ..attribute(self.name) },
        };
        any(times.into_iter().map(one).collect())
    }

    fn versions(&self, order: &str, draft: &mut Draft) -> TargetConfig {
        let what =
            "an attribute must be a whole version by SemVer 2.0.0; there `2` and `2.1` are versions too";
        draft.note_once(NoteKind::Changed, self.path, what);
        let of = |value: &Value| words::version(self.name, order, &whole_version(value.as_str()?));
        any(self.read("a version", of, draft))
    }
}

/// `2` and `2.1` are `2.0.0` and `2.1.0`.
fn whole_version(text: &str) -> String {
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let missing = 3_usize.saturating_sub(numbers.split('.').count());
    format!("{numbers}{}{rest}", ".0".repeat(missing))
}

/// A list of keys as a condition; `None` for nobody.
pub(super) fn keys(kind: &str, keys: Vec<String>) -> Option<TargetConfig> {
    let values: Vec<Json> = keys.into_iter().map(Json::Text).collect();
    let name = attribute_of(kind, "key", false);
    (!values.is_empty()).then(|| TargetConfig { r#in: Some(values), ..attribute(&name) })
}
