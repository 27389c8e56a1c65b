//! GrowthBook's conditions: objects in the manner of MongoDB's queries.

use rollgate_core::config::{Json, TargetConfig};
use serde_json::{Map, Value};

use super::super::NoteKind;
use super::super::draft::{Draft, never};
use super::super::fields::{Bad, join, kind};
use super::super::words::{self, all, any, attribute, nobody, not};
use super::experiment::attribute_of;

/// All that an object asks: everything of it.
pub(super) fn condition(
    value: &Value,
    path: &str,
    groups: &Map<String, Value>,
    draft: &mut Draft,
) -> Result<Option<TargetConfig>, Bad> {
    Mongo { groups, draft }.object(value, path, "")
}

struct Mongo<'a, 'd> {
    groups: &'a Map<String, Value>,
    draft: &'d mut Draft,
}

impl Mongo<'_, '_> {
    /// `None`: everybody.
    fn object(&mut self, value: &Value, path: &str, prefix: &str) -> Result<Option<TargetConfig>, Bad> {
        let Some(map) = value.as_object() else {
            return Err(Bad::new(path, format!("expected an object, found {}", kind(value))));
        };
        let mut parts = Vec::with_capacity(map.len());
        for (key, value) in map {
            let at = join(path, key);
            match key.as_str() {
                "$and" => parts.extend(self.each(value, &at, prefix)?.into_iter().flatten()),
                // None of no conditions is everybody, as there.
                "$or" => parts.extend(self.or(value, &at, prefix)?),
                "$nor" => parts.push(not(self.or(value, &at, prefix)?.unwrap_or_else(words::everybody))),
                "$not" => {
                    parts.push(opposite(self.object(value, &at, prefix)?.unwrap_or_else(words::everybody)))
                }
                name => parts.push(self.value(&format!("{prefix}{name}"), value, &at)?),
            }
        }
        Ok(all(parts))
    }

    fn each(&mut self, value: &Value, path: &str, prefix: &str) -> Result<Vec<Option<TargetConfig>>, Bad> {
        let Some(list) = value.as_array() else {
            return Err(Bad::new(path, format!("expected a list, found {}", kind(value))));
        };
        list.iter()
            .enumerate()
            .map(|(index, part)| self.object(part, &format!("{path}[{index}]"), prefix))
            .collect()
    }

    fn or(&mut self, value: &Value, path: &str, prefix: &str) -> Result<Option<TargetConfig>, Bad> {
        let parts: Option<Vec<TargetConfig>> = self.each(value, path, prefix)?.into_iter().collect();
        // One that is for everybody is enough.
        Ok(parts.filter(|parts| !parts.is_empty()).map(any))
    }

    /// What an attribute is asked: a value it equals, or operators.
    fn value(&mut self, name: &str, value: &Value, path: &str) -> Result<TargetConfig, Bad> {
        let ours = attribute_of(name);
        let one = attribute(&ours);
        Ok(match value {
            Value::Null => TargetConfig { present: Some(false), ..one },
            Value::String(_) | Value::Number(_) | Value::Bool(_) => {
                let what = "an attribute equals only what is of the same type; there `5` and `\"5\"`, or true and 1, are equal";
                self.draft.note_once(NoteKind::Changed, path, what);
                TargetConfig { equals: words::json(value), ..one }
            }
            Value::Array(_) => {
                self.draft.unsaid(path, &format!("{name} = a list"), "no attribute equals a list")
            }
            Value::Object(map) if map.keys().all(|key| key.starts_with('$')) && !map.is_empty() => {
                let mut parts = Vec::with_capacity(map.len());
                for (operator, asked) in map {
                    parts.push(self.operator(name, operator, asked, &join(path, operator))?);
                }
                all(parts).unwrap_or_else(nobody)
            }
            Value::Object(_) => {
                self.draft.unsaid(path, &format!("{name} = an object"), "no attribute equals an object")
            }
        })
    }

    fn operator(
        &mut self,
        name: &str,
        operator: &str,
        asked: &Value,
        path: &str,
    ) -> Result<TargetConfig, Bad> {
        let ours = attribute_of(name);
        let one = attribute(&ours);
        Ok(match operator {
            "$eq" => self.value(name, asked, path)?,
            "$ne" => opposite(self.value(name, asked, path)?),
            "$in" => self.listed(&ours, asked, path, None),
            "$nin" => opposite_of_list(self.listed(&ours, asked, path, None)),
            "$ini" => self.listed(&ours, asked, path, Some(true)),
            "$nini" => opposite_of_list(self.listed(&ours, asked, path, Some(true))),
            "$inGroup" => self.group(&ours, asked, path),
            "$notInGroup" => opposite(self.group(&ours, asked, path)),
            "$exists" => TargetConfig { present: Some(is_truthy(asked)), ..one },
            "$not" => opposite(self.value(name, asked, path)?),
            "$lt" => self.number(&ours, "<", asked, path),
            "$lte" => self.number(&ours, "<=", asked, path),
            "$gt" => self.number(&ours, ">", asked, path),
            "$gte" => self.number(&ours, ">=", asked, path),
            "$regex" => self.regex(&ours, asked, path, ""),
            "$regexi" => self.regex(&ours, asked, path, "(?i)"),
            "$notRegex" => opposite(self.regex(&ours, asked, path, "")),
            "$notRegexi" => opposite(self.regex(&ours, asked, path, "(?i)")),
            "$veq" => self.version(&ours, "=", asked, path),
            "$vne" => opposite(self.version(&ours, "=", asked, path)),
            "$vlt" => self.version(&ours, "<", asked, path),
            "$vlte" => self.version(&ours, "<=", asked, path),
            "$vgt" => self.version(&ours, ">", asked, path),
            "$vgte" => self.version(&ours, ">=", asked, path),
            "$all" | "$alli" => self.every(&ours, asked, path, (operator == "$alli").then_some(true)),
            "$elemMatch" => self.element(name, asked, path)?,
            "$size" | "$type" => {
                let why = "a list's length and a value's type are not asked here";
                self.draft.unsaid(path, operator, why)
            }
            _ => {
                let why = format!("`{operator}` is no operator that is known; its rule never matches");
                self.draft.unknown(path, operator, why)
            }
        })
    }

    /// Scalars of a list; a list attribute matches with any of its texts.
    fn listed(&mut self, name: &str, asked: &Value, path: &str, ignore_case: Option<bool>) -> TargetConfig {
        let Some(list) = asked.as_array() else {
            self.draft.note(
                NoteKind::Malformed,
                path,
                "this is no list, so the condition holds for nobody, as there",
            );
            return never("a list that is none");
        };
        let is_scalar = |value: &&Value| !value.is_array() && !value.is_object() && !value.is_null();
        let values: Vec<Json> = list.iter().filter(is_scalar).filter_map(words::json).collect();
        if values.len() < list.len() {
            self.draft.note(
                NoteKind::NotExpressed,
                path,
                "lists, objects and nothing in it equal no attribute here",
            );
        }
        TargetConfig { r#in: Some(values), ignore_case, ..attribute(name) }
    }

    fn group(&mut self, name: &str, asked: &Value, path: &str) -> TargetConfig {
        let group = asked.as_str().and_then(|id| self.groups.get(id));
        match group {
            Some(Value::Array(_)) => self.listed(name, group.unwrap_or(&Value::Null), path, None),
            Some(_) => self.draft.unsaid(path, "saved group", "the saved group is not a list of values"),
            None => {
                let what = format!("there is no saved group {asked}; nobody is in it, as there");
                self.draft.note(NoteKind::Malformed, path, what);
                nobody_of(name)
            }
        }
    }

    fn number(&mut self, name: &str, order: &str, asked: &Value, path: &str) -> TargetConfig {
        let limit = match asked {
            Value::Number(number) => number.as_f64(),
            // Two texts are compared by their letters there.
            Value::String(text) => {
                let number = text.trim().parse::<f64>().ok();
                if number.is_some() {
                    let what = "compared as numbers; there two texts are compared by their letters";
                    self.draft.note_once(NoteKind::Changed, path, what);
                }
                number
            }
            _ => None,
        };
        let what = "an attribute that is missing is below, at and above nothing; there it counts as 0";
        self.draft.note_once(NoteKind::Changed, path, what);
        match limit.filter(|limit| limit.is_finite()) {
            Some(limit) => words::number(name, order, limit),
            None => self.time(name, order, asked, path),
        }
    }

    /// Times are texts there, which are ordered as times where they are written alike.
    fn time(&mut self, name: &str, order: &str, asked: &Value, path: &str) -> TargetConfig {
        let Some(time) = asked.as_str().and_then(words::time) else {
            return self.draft.unsaid(
                path,
                &format!("{order} {asked}"),
                "texts are not ordered by their letters here",
            );
        };
        let what = "compared as times; there the texts are compared by their letters";
        self.draft.note(NoteKind::Changed, path, what);
        let one = attribute(name);
        match order {
            "<" => TargetConfig { before: Some(time), ..one },
            "<=" => TargetConfig { not_after: Some(time), ..one },
            ">" => TargetConfig { after: Some(time), ..one },
            _ => TargetConfig { not_before: Some(time), ..one },
        }
    }

    fn regex(&mut self, name: &str, asked: &Value, path: &str, flags: &str) -> TargetConfig {
        let text = asked.as_str().unwrap_or_default();
        match words::pattern(&format!("{flags}{text}")) {
            Ok(pattern) => TargetConfig { matches: Some(pattern), ..attribute(name) },
            Err(why) => {
                let why = why.replace('\n', " ");
                let what = format!("the pattern cannot be used ({why}); its rule never matches");
                self.draft.note(NoteKind::Malformed, path, what);
                never(&format!("$regex {text}"))
            }
        }
    }

    fn version(&mut self, name: &str, order: &str, asked: &Value, path: &str) -> TargetConfig {
        let what = "versions are SemVer 2.0.0, of the attribute too; there any text with points is one, and a leading v goes";
        self.draft.note_once(NoteKind::Changed, path, what);
        let text = asked.as_str().map(|text| text.strip_prefix('v').unwrap_or(text));
        match text.and_then(|limit| words::version(name, order, limit)) {
            Some(target) => target,
            None => {
                self.draft.unsaid(path, &format!("version {asked}"), "this is no version by SemVer 2.0.0")
            }
        }
    }

    /// Each must be in the list.
    fn every(&mut self, name: &str, asked: &Value, path: &str, ignore_case: Option<bool>) -> TargetConfig {
        let Some(list) = asked.as_array() else {
            self.draft.note(
                NoteKind::Malformed,
                path,
                "this is no list, so the condition holds for nobody, as there",
            );
            return never("a list that is none");
        };
        let texts: Option<Vec<Json>> = list.iter().map(|value| value.as_str().map(Json::from)).collect();
        match texts {
            Some(texts) => {
                let what = "a single text counts as a list of one here";
                self.draft.note_once(NoteKind::Changed, path, what);
                let each = texts.into_iter().map(|text| TargetConfig {
                    equals: Some(text),
                    ignore_case,
                    ..attribute(name)
                });
                all(each.collect()).unwrap_or_else(words::everybody)
            }
            None => self.draft.unsaid(path, "$all", "lists of attributes are lists of texts here"),
        }
    }

    /// One element of a list of texts that passes.
    fn element(&mut self, name: &str, asked: &Value, path: &str) -> Result<TargetConfig, Bad> {
        let operators = asked.as_object().filter(|map| map.len() == 1);
        let single = operators.and_then(|map| map.iter().next());
        Ok(match single {
            Some((operator, asked))
                if ["$eq", "$in", "$ini", "$regex", "$regexi"].contains(&operator.as_str()) =>
            {
                let what = "a single text counts as a list of one here";
                self.draft.note_once(NoteKind::Changed, path, what);
                self.operator(name, operator, asked, &join(path, operator))?
            }
            _ => {
                let why = "of an element only what it equals, or a pattern, is asked here";
                self.draft.unsaid(path, "$elemMatch", why)
            }
        })
    }
}

fn nobody_of(name: &str) -> TargetConfig {
    TargetConfig { r#in: Some(Vec::new()), ..attribute(name) }
}

/// The opposite; what cannot be asked stays what it is.
fn opposite(target: TargetConfig) -> TargetConfig {
    match target {
        TargetConfig { unknown: Some(_), .. } => target,
        TargetConfig { equals: Some(value), .. } => {
            TargetConfig { equals: None, not_equals: Some(value), ..target }
        }
        TargetConfig { r#in: Some(_), .. } => opposite_of_list(target),
        other => not(other),
    }
}

fn opposite_of_list(target: TargetConfig) -> TargetConfig {
    match target.r#in {
        Some(values) => TargetConfig { r#in: None, not_in: Some(values), ..target },
        None => TargetConfig { ..target },
    }
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Whether a value passes what a feature asks of its parent; `None`: that is not decided here.
pub(super) fn passes_value(asked: &Value, value: &Value) -> Option<bool> {
    let map = asked.as_object()?;
    let mut passes = true;
    for (key, asked) in map {
        passes &= match key.as_str() {
            "value" => passes_one(asked, value)?,
            "$not" => !passes_value(asked, value)?,
            "$and" => {
                let each: Option<Vec<bool>> =
                    asked.as_array()?.iter().map(|one| passes_value(one, value)).collect();
                each?.into_iter().all(|passes| passes)
            }
            "$or" => {
                let each: Option<Vec<bool>> =
                    asked.as_array()?.iter().map(|one| passes_value(one, value)).collect();
                let each = each?;
                each.is_empty() || each.into_iter().any(|passes| passes)
            }
            _ => return None,
        };
    }
    Some(passes)
}

fn passes_one(asked: &Value, value: &Value) -> Option<bool> {
    let Some(map) = asked.as_object() else { return Some(asked == value) };
    let mut passes = true;
    for (operator, asked) in map {
        let list = || asked.as_array().map(|list| list.contains(value));
        let order = || value.as_f64()?.partial_cmp(&asked.as_f64()?);
        passes &= match operator.as_str() {
            "$eq" => asked == value,
            "$ne" => asked != value,
            "$in" => list()?,
            "$nin" => !list()?,
            "$exists" => is_truthy(asked) != value.is_null(),
            "$not" => !passes_one(asked, value)?,
            "$gt" => order()?.is_gt(),
            "$gte" => order()?.is_ge(),
            "$lt" => order()?.is_lt(),
            "$lte" => order()?.is_le(),
            _ => return None,
        };
    }
    Some(passes)
}
