//! JsonLogic's conditions.

use rollgate_core::config::{Json, OneOrMany, TargetConfig};
use serde_json::Value;

use super::super::NoteKind;
use super::super::fields::Bad;
use super::super::words::{self, all, any, attribute, everybody, nobody, not, present};
use super::Asked;

/// A field of flagd's context as an attribute.
pub(super) fn attribute_of(name: &str) -> String {
    if name == "targetingKey" { "targeting_key".to_owned() } else { name.to_owned() }
}

/// Whether an operator gives true or false.
pub(super) fn is_condition(operator: &str) -> bool {
    const ALL: [&str; 19] = [
        "==",
        "===",
        "!=",
        "!==",
        "<",
        "<=",
        ">",
        ">=",
        "!",
        "!!",
        "and",
        "or",
        "in",
        "starts_with",
        "ends_with",
        "sem_ver",
        "missing",
        "missing_some",
        "some",
    ];
    ALL.contains(&operator)
}

/// The name that a `var` reads, where it has no default.
pub(super) fn var(value: &Value) -> Option<&str> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let name = match map.get("var")? {
        Value::String(name) => name,
        Value::Array(list) => match &list[..] {
            [Value::String(name)] => name,
            _ => return None,
        },
        _ => return None,
    };
    (!name.is_empty()).then_some(name.as_str())
}

/// A side of a comparison.
enum Side<'a> {
    Attribute(String),
    Value(&'a Value),
}

impl Asked<'_, '_> {
    /// Whether an expression is true, or what counts as true.
    pub(super) fn holds(&mut self, expression: &Value, path: &str, depth: u32) -> Result<TargetConfig, Bad> {
        self.count(path, depth)?;
        let map = match expression {
            Value::Object(map) if map.len() == 1 => map,
            Value::Object(_) => return Ok(self.unsaid(path, expression, "an object is no condition")),
            other => return Ok(if is_truthy(other) { everybody() } else { nobody() }),
        };
        let Some((operator, asked)) = map.iter().next() else { return Ok(nobody()) };
        let one = std::slice::from_ref(asked);
        let parts = asked.as_array().map_or(one, Vec::as_slice);
        let at = format!("{path}.{operator}");
        Ok(match operator.as_str() {
            "var" => self.truthy(expression, &at),
            "and" => all(self.each(parts, &at, depth)?).unwrap_or_else(nobody),
            "or" => any(self.each(parts, &at, depth)?),
            "!" => opposite(self.first(parts, &at, depth)?),
            "!!" => self.first(parts, &at, depth)?,
            "if" | "?:" => self.chosen(parts, &at, depth)?,
            "$ref" => {
                let referred = self.referred(asked, &at)?;
                self.holds(referred, &at, depth + 1)?
            }
            "==" | "===" => self.equals(parts, &at),
            "!=" | "!==" => opposite(self.equals(parts, &at)),
            "<" | "<=" | ">" | ">=" => self.ordered(operator, parts, &at),
            "in" => self.inside(parts, &at),
            "starts_with" | "ends_with" => self.text(operator, parts, &at),
            "sem_ver" => self.version(parts, &at),
            "missing" => self.missing(parts, &at),
            other => {
                let why = format!("`{other}` is no operator that is known; its rule never matches");
                self.draft.unknown(&at, other, why)
            }
        })
    }

    fn unsaid(&mut self, path: &str, expression: &Value, why: &str) -> TargetConfig {
        let mut shown = expression.to_string();
        if shown.len() > 80 {
            let end = (0..=80).rev().find(|end| shown.is_char_boundary(*end)).unwrap_or(0);
            shown.truncate(end);
            shown.push_str("..");
        }
        self.draft.unsaid(path, &shown, why)
    }

    fn each(&mut self, parts: &[Value], path: &str, depth: u32) -> Result<Vec<TargetConfig>, Bad> {
        parts
            .iter()
            .enumerate()
            .map(|(index, part)| self.holds(part, &format!("{path}[{index}]"), depth + 1))
            .collect()
    }

    fn first(&mut self, parts: &[Value], path: &str, depth: u32) -> Result<TargetConfig, Bad> {
        match parts.first() {
            Some(part) => self.holds(part, &format!("{path}[0]"), depth + 1),
            None => Ok(nobody()),
        }
    }

    /// An `if` among conditions: its first branch, or else the rest.
    fn chosen(&mut self, parts: &[Value], path: &str, depth: u32) -> Result<TargetConfig, Bad> {
        self.count(path, depth)?;
        Ok(match parts {
            [] => nobody(),
            [last] => self.holds(last, path, depth + 1)?,
            [condition, value, rest @ ..] => {
                let condition = self.holds(condition, path, depth + 1)?;
                let value = self.holds(value, path, depth + 1)?;
                let rest = self.chosen(rest, path, depth + 1)?;
                let both = |one: TargetConfig, two| all(vec![one, two]).unwrap_or_else(nobody);
                any(vec![both(condition.clone(), value), both(opposite(condition), rest)])
            }
        })
    }

    /// What counts as true: there, and not empty, 0 or false.
    fn truthy(&mut self, expression: &Value, path: &str) -> TargetConfig {
        let Some(name) = var(expression) else {
            return self.unsaid(path, expression, "a `var` with a default, or of a list, is not asked here");
        };
        let name = attribute_of(name);
        let empty = vec![Json::from(""), Json::Whole(0), Json::Bool(false)];
        let is_said = TargetConfig { not_in: Some(empty), ..attribute(&name) };
        all(vec![present(&name), is_said]).unwrap_or_else(nobody)
    }

    fn side<'v>(&self, value: &'v Value) -> Option<Side<'v>> {
        match value {
            Value::Object(_) => var(value).map(|name| Side::Attribute(attribute_of(name))),
            other => Some(Side::Value(other)),
        }
    }

    fn equals(&mut self, parts: &[Value], path: &str) -> TargetConfig {
        let sides = match parts {
            [left, right] => self.side(left).zip(self.side(right)),
            _ => None,
        };
        let shown = Value::Array(parts.to_vec());
        match sides {
            Some(
                (Side::Attribute(name), Side::Value(value)) | (Side::Value(value), Side::Attribute(name)),
            ) => {
                if name == "$flagd.flagKey" {
                    return if value.as_str() == Some(self.key) { everybody() } else { nobody() };
                }
                match value {
                    Value::Null => TargetConfig { present: Some(false), ..attribute(&name) },
                    Value::String(_) | Value::Number(_) | Value::Bool(_) => {
                        let what = "an attribute equals only what is of the same type; there `==` makes `5` and `\"5\"` equal";
                        self.draft.note_once(NoteKind::Changed, path, what);
                        TargetConfig { equals: words::json(value), ..attribute(&name) }
                    }
                    _ => self.unsaid(path, &shown, "no attribute equals a list or an object"),
                }
            }
            Some((Side::Value(left), Side::Value(right))) => {
                if left == right {
                    everybody()
                } else {
                    nobody()
                }
            }
            _ => {
                self.unsaid(path, &shown, "an attribute is compared with a value here, and with nothing else")
            }
        }
    }

    fn ordered(&mut self, operator: &str, parts: &[Value], path: &str) -> TargetConfig {
        let turned = |operator: &str| match operator {
            "<" => ">",
            "<=" => ">=",
            ">" => "<",
            _ => "<=",
        };
        let what = "an attribute that is missing is below, at and above nothing; there it counts as 0";
        self.draft.note_once(NoteKind::Changed, path, what);
        if parts.iter().any(|part| var(part) == Some("$flagd.timestamp")) {
            let what = "`$flagd.timestamp` is an attribute (seconds) that the host gives with each evaluation, which has no clock";
            self.draft.note_once(NoteKind::Changed, path, what);
        }
        let number = |value: &Value| match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse::<f64>().ok(),
            _ => None,
        };
        let one = |left: &Value, right: &Value| -> Option<TargetConfig> {
            match (self.side(left)?, self.side(right)?) {
                (Side::Attribute(name), Side::Value(value)) => {
                    Some(words::number(&name, operator, number(value).filter(|limit| limit.is_finite())?))
                }
                (Side::Value(value), Side::Attribute(name)) => Some(words::number(
                    &name,
                    turned(operator),
                    number(value).filter(|limit| limit.is_finite())?,
                )),
                _ => None,
            }
        };
        let found = match parts {
            [left, right] => one(left, right),
            // Between two.
            [low, middle, high] => {
                one(low, middle).zip(one(middle, high)).and_then(|(low, high)| all(vec![low, high]))
            }
            _ => None,
        };
        let shown = Value::Array(parts.to_vec());
        found.unwrap_or_else(|| self.unsaid(path, &shown, "an attribute is compared with a number here"))
    }

    /// `in`: one of a list, or a part of a text.
    fn inside(&mut self, parts: &[Value], path: &str) -> TargetConfig {
        let shown = Value::Array(parts.to_vec());
        let [needle, stack] = parts else { return self.unsaid(path, &shown, "`in` has two parts") };
        match (self.side(needle), self.side(stack)) {
            (Some(Side::Attribute(name)), Some(Side::Value(Value::Array(list)))) => {
                let is_scalar = |value: &&Value| !value.is_array() && !value.is_object() && !value.is_null();
                let values: Vec<Json> = list.iter().filter(is_scalar).filter_map(words::json).collect();
                if values.len() < list.len() {
                    self.draft.note(
                        NoteKind::NotExpressed,
                        path,
                        "expressions, lists and nothing in it equal no attribute here",
                    );
                }
                TargetConfig { r#in: Some(values), ..attribute(&name) }
            }
            (Some(Side::Value(Value::String(text))), Some(Side::Attribute(name))) => {
                let what =
                    "of a list attribute any text may have it as a part; there one must be equal to it";
                self.draft.note_once(NoteKind::Changed, path, what);
                TargetConfig { contains: Some(OneOrMany::One(text.clone())), ..attribute(&name) }
            }
            _ => self.unsaid(
                path,
                &shown,
                "`in` is asked of an attribute and a list, or of a text and an attribute",
            ),
        }
    }

    fn text(&mut self, operator: &str, parts: &[Value], path: &str) -> TargetConfig {
        let shown = Value::Array(parts.to_vec());
        let [value, Value::String(text)] = parts else {
            return self.unsaid(path, &shown, "an attribute and a text are compared here");
        };
        let Some(name) = var(value).map(attribute_of) else {
            return self.unsaid(path, &shown, "an attribute and a text are compared here");
        };
        let text = Some(OneOrMany::One(text.clone()));
        match operator {
            "starts_with" => TargetConfig { starts_with: text, ..attribute(&name) },
            _ => TargetConfig { ends_with: text, ..attribute(&name) },
        }
    }

    fn version(&mut self, parts: &[Value], path: &str) -> TargetConfig {
        let shown = Value::Array(parts.to_vec());
        let why = "an attribute is compared with a version by SemVer 2.0.0";
        let [value, Value::String(operator), Value::String(limit)] = parts else {
            return self.unsaid(path, &shown, why);
        };
        let Some(name) = var(value).map(attribute_of) else { return self.unsaid(path, &shown, why) };
        let what =
            "an attribute must be a whole version by SemVer 2.0.0; there `v1` and `1.2` are versions too";
        self.draft.note_once(NoteKind::Changed, path, what);
        let limit = whole_version(limit);
        let found = match operator.as_str() {
            "=" | "<" | "<=" | ">" | ">=" => words::version(&name, operator, &limit),
            "!=" => words::version(&name, "=", &limit).and_then(|same| all(vec![whole(&name), not(same)])),
            "^" | "~" => same_line(&name, operator, &limit),
            other => {
                let why = format!("`{other}` is no operator that is known; its rule never matches");
                return self.draft.unknown(path, &format!("sem_ver {other}"), why);
            }
        };
        found.unwrap_or_else(|| self.unsaid(path, &shown, why))
    }

    /// Whether any of some attributes is missing.
    fn missing(&mut self, parts: &[Value], path: &str) -> TargetConfig {
        let names: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
        match names {
            Some(names) => any(names
                .into_iter()
                .map(|name| TargetConfig { present: Some(false), ..attribute(&attribute_of(name)) })
                .collect()),
            None => self.unsaid(path, &Value::Array(parts.to_vec()), "names of attributes are expected"),
        }
    }
}

/// The opposite; what cannot be asked stays what it is.
fn opposite(target: TargetConfig) -> TargetConfig {
    match target {
        TargetConfig { unknown: Some(_), .. } => target,
        TargetConfig { equals: Some(value), .. } => {
            TargetConfig { equals: None, not_equals: Some(value), ..target }
        }
        TargetConfig { r#in: Some(values), .. } => {
            TargetConfig { r#in: None, not_in: Some(values), ..target }
        }
        TargetConfig { not_in: Some(values), .. } => {
            TargetConfig { r#in: Some(values), not_in: None, ..target }
        }
        TargetConfig { present: Some(is_there), .. } => TargetConfig { present: Some(!is_there), ..target },
        other => not(other),
    }
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(_) => true,
    }
}

/// `v1.2` is `1.2.0`.
fn whole_version(text: &str) -> String {
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let missing = 3_usize.saturating_sub(numbers.split('.').count());
    format!("{numbers}{}{rest}", ".0".repeat(missing))
}

/// An attribute is a version at all.
fn whole(name: &str) -> TargetConfig {
    TargetConfig { version_at_least: Some("0.0.0-0".into()), ..attribute(name) }
}

/// The same major version, or the same minor one: from its first prerelease up to the first of the next.
fn same_line(name: &str, operator: &str, limit: &str) -> Option<TargetConfig> {
    words::version(name, "=", limit)?;
    let end = limit.find(['-', '+']).unwrap_or(limit.len());
    let mut numbers = limit.get(..end)?.split('.').map(str::parse::<u64>);
    let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let (low, high) = match operator {
        "^" => (format!("{major}.0.0-0"), format!("{}.0.0-0", major.checked_add(1)?)),
        _ => (format!("{major}.{minor}.0-0"), format!("{major}.{}.0-0", minor.checked_add(1)?)),
    };
    all(vec![words::version(name, ">=", &low)?, words::version(name, "<", &high)?])
}
