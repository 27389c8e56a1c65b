//! flagd: flags with variants, and targeting in JsonLogic.
//!
//! An expression becomes rules: each branch of an `if` one, in their order, and `fractional` a split. A flag of true and
//! false is on or off; every other one has its variants.

mod fractional;
mod logic;

use rollgate_core::config::{FlagConfig, Named, RuleConfig, ServeConfig, TargetConfig, VariantConfig};
use serde_json::{Map, Value};

use super::NoteKind;
use super::draft::{Draft, key_of};
use super::fields::{Bad, Fields, kind};
use super::words::{self, all, share};

/// How many expressions one flag may have, with those that it refers to: a few that refer to each other make millions.
const EXPRESSIONS_MAX: u32 = 20_000;
/// How deep they may lie in each other.
const DEPTH_MAX: u32 = 64;

/// Reads a file.
pub(super) fn read(root: &Value, draft: &mut Draft) -> Result<(), String> {
    let Some(entries) = root.as_object() else { return Err("this is not an object".into()) };
    let flags = match entries.get("flags") {
        Some(Value::Object(flags)) => flags,
        None => return Err("this has no `flags`".into()),
        Some(other) => return Err(format!("`flags` is {}, not an object", kind(other))),
    };
    for key in entries.keys() {
        if key == "metadata" {
            draft.note(
                NoteKind::LeftOut,
                key,
                "metadata: a plan has no place for it, and no evaluation reads it",
            );
        } else if !["flags", "$evaluators", "$schema"].contains(&key.as_str()) {
            draft.note(
                NoteKind::NotExpressed,
                key,
                "this key is not known here; whatever it does is not done",
            );
        }
    }
    let empty = Map::new();
    let evaluators = entries.get("$evaluators").and_then(Value::as_object).unwrap_or(&empty);
    for (key, value) in flags {
        let path = format!("flags.{key}");
        draft.flag(key, &path, |draft| flag(key, value, &path, evaluators, flags, draft));
    }
    Ok(())
}

/// How a flag serves its variants.
enum Form {
    /// On is true, off is false: which of the two a variant is.
    Sides(Vec<(String, bool)>),
    /// Names there and here.
    Variants(Vec<(String, String)>),
}

impl Form {
    fn of(variants: &Map<String, Value>, default: Option<&str>, path: &str, draft: &mut Draft) -> Self {
        let sides: Option<Vec<(String, bool)>> =
            variants.iter().map(|(name, value)| Some((name.clone(), value.as_bool()?))).collect();
        match sides {
            // Without a default the caller's is served, which off is not.
            Some(sides) if default.is_some() => Self::Sides(sides),
            _ => {
                let mut names: Vec<(String, String)> = Vec::with_capacity(variants.len());
                for name in variants.keys() {
                    let ours = key_of(name, |name| names.iter().any(|(_, other)| other == name));
                    if ours != *name {
                        let what =
                            format!("the variant `{name}` is `{ours}` here: names have no white space");
                        draft.note(NoteKind::Changed, path, what);
                    }
                    names.push((name.clone(), ours));
                }
                Self::Variants(names)
            }
        }
    }

    fn serve(&self, name: &str) -> Option<ServeConfig> {
        match self {
            Self::Sides(sides) => {
                sides.iter().find(|(other, _)| other == name).map(|(_, side)| ServeConfig::Side(*side))
            }
            Self::Variants(names) => {
                let found = names.iter().find(|(other, _)| other == name);
                found.map(|(_, ours)| ServeConfig::Variant(ours.clone()))
            }
        }
    }
}

fn flag(
    key: &str,
    value: &Value,
    path: &str,
    evaluators: &Map<String, Value>,
    flags: &Map<String, Value>,
    draft: &mut Draft,
) -> Result<FlagConfig, Bad> {
    let mut fields = Fields::of(value, path)?;
    let state = fields.text("state")?.unwrap_or("ENABLED");
    let default = fields.text("defaultVariant")?;
    let at = fields.at("variants");
    let variants = fields.take("variants").ok_or_else(|| Bad::new(&at, "it is missing"))?;
    let Some(variants) = variants.as_object().filter(|variants| !variants.is_empty()) else {
        return Err(Bad::new(&at, "expected an object with at least one variant"));
    };
    if let Some(default) = default.filter(|default| !variants.contains_key(*default)) {
        return Err(Bad::new(&fields.at("defaultVariant"), format!("there is no variant `{default}`")));
    }
    let form = Form::of(variants, default, &at, draft);
    let default_serve = default.and_then(|default| form.serve(default));
    let mut flag = FlagConfig { enabled: (state == "DISABLED").then_some(false), ..FlagConfig::default() };
    let mut asked = Asked {
        key,
        form: &form,
        default: default_serve.clone(),
        evaluators,
        flags,
        rules: Vec::new(),
        left: EXPRESSIONS_MAX,
        helpers: 0,
        draft,
    };
    if let Some(targeting) =
        fields.take("targeting").filter(|value| value.as_object().is_none_or(|map| !map.is_empty()))
    {
        let at = fields.at("targeting");
        asked.serve(targeting, &at, &[], 0)?;
    }
    let rules = asked.rules;
    let left = fields.leave(&["metadata", "description"]);
    fields.close(draft, &left);
    flag.rules = (!rules.is_empty()).then_some(rules);
    match (&form, default_serve) {
        (Form::Sides(_), Some(ServeConfig::Side(is_on))) => flag.share = Some(share(u64::from(is_on), 1)),
        (Form::Variants(names), serve) => {
            let own = match serve {
                Some(ServeConfig::Variant(name)) => Some(name),
                _ => None,
            };
            let values: Vec<Value> = variants.values().cloned().collect();
            flag.value_type = words::common_type(&values);
            // Everybody who is left gets the default, as what is served on; off it is served too.
            flag.share = own.is_some().then(|| share(1, 1));
            flag.variants = Some(Named(written(names, &values, own.as_ref(), &at)?));
            flag.default = own;
        }
        _ => {}
    }
    Ok(flag)
}

/// The variants with their values; all of the share is the default's, or that of the first where there is none.
fn written(
    names: &[(String, String)],
    values: &[Value],
    default: Option<&String>,
    at: &str,
) -> Result<Vec<(String, VariantConfig)>, Bad> {
    let whole = default.or(names.first().map(|(_, name)| name));
    let variant = |((_, name), value): (&(String, String), &Value)| {
        let value = words::json(value).ok_or_else(|| Bad::new(at, "a number that no double holds"))?;
        let share = (whole == Some(name)).then(|| share(1, 1));
        Ok((name.clone(), VariantConfig { value: Some(value), share, ..VariantConfig::default() }))
    };
    names.iter().zip(values).map(variant).collect()
}

/// One flag while its rules are written.
struct Asked<'a, 'd> {
    key: &'a str,
    form: &'a Form,
    default: Option<ServeConfig>,
    evaluators: &'a Map<String, Value>,
    flags: &'a Map<String, Value>,
    rules: Vec<RuleConfig>,
    /// Expressions that may still come.
    left: u32,
    helpers: u32,
    draft: &'d mut Draft,
}

impl<'a> Asked<'a, '_> {
    /// Counts an expression.
    fn count(&mut self, path: &str, depth: u32) -> Result<(), Bad> {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 || depth > DEPTH_MAX {
            let most = format!("more than {EXPRESSIONS_MAX} expressions, or {DEPTH_MAX} in each other");
            return Err(Bad::new(path, most));
        }
        Ok(())
    }

    /// The expression that another refers to.
    fn referred(&mut self, name: &Value, path: &str) -> Result<&'a Value, Bad> {
        let found = name.as_str().and_then(|name| self.evaluators.get(name));
        found.ok_or_else(|| Bad::new(path, format!("there is no evaluator {name}")))
    }

    fn push(&mut self, when: &[TargetConfig], serve: Option<ServeConfig>) {
        self.rules.push(RuleConfig { when: all(when.to_vec()), serve, ..RuleConfig::default() });
    }

    /// The default, for whoever gets this far; at the very end it needs no rule.
    fn default(&mut self, when: &[TargetConfig], path: &str) {
        if when.is_empty() {
            return;
        }
        match self.default.clone() {
            Some(serve) => self.push(when, Some(serve)),
            // Off, without a variant for it, is the caller's default.
            None if matches!(self.form, Form::Variants(_)) => self.push(when, Some(ServeConfig::Side(false))),
            None => self.draft.note(NoteKind::Changed, path, "nothing is served here there; here it is off"),
        }
    }

    /// Writes what an expression serves to those for whom all of `when` holds.
    fn serve(
        &mut self,
        expression: &Value,
        path: &str,
        when: &[TargetConfig],
        depth: u32,
    ) -> Result<(), Bad> {
        self.count(path, depth)?;
        let map = match expression {
            Value::Null => {
                self.default(when, path);
                return Ok(());
            }
            Value::String(name) => return self.variant(name, path, when),
            Value::Bool(value) => return self.variant(if *value { "true" } else { "false" }, path, when),
            Value::Object(map) if map.len() == 1 => map,
            other => {
                let what =
                    format!("{other} is no variant; there this is an error, here the default is served");
                self.draft.note(NoteKind::Malformed, path, what);
                self.default(when, path);
                return Ok(());
            }
        };
        for (operator, asked) in map {
            let at = format!("{path}.{operator}");
            match operator.as_str() {
                "if" | "?:" => self.branches(asked, &at, when, depth)?,
                "fractional" => self.fractional(asked, &at, when, depth)?,
                "$ref" => {
                    let referred = self.referred(asked, &at)?;
                    self.serve(referred, &at, when, depth + 1)?;
                }
                _ if logic::is_condition(operator) => {
                    // A condition gives the variant `true` or `false`.
                    let target = self.holds(expression, path, depth + 1)?;
                    let inner: Vec<TargetConfig> = when.iter().cloned().chain([target]).collect();
                    self.variant("true", path, &inner)?;
                    self.variant("false", path, when)?;
                }
                other => {
                    let why =
                        format!("`{other}` is no operator that gives a variant here; its rule never matches");
                    let never = self.draft.unknown(&at, other, why);
                    let inner: Vec<TargetConfig> = when.iter().cloned().chain([never]).collect();
                    let any = self.default.clone().unwrap_or(ServeConfig::Side(false));
                    self.push(&inner, Some(any));
                    self.default(when, path);
                }
            }
        }
        Ok(())
    }

    fn variant(&mut self, name: &str, path: &str, when: &[TargetConfig]) -> Result<(), Bad> {
        match self.form.serve(name) {
            Some(serve) => self.push(when, Some(serve)),
            None => {
                let what = format!(
                    "there is no variant `{name}`; there this is an error, here the default is served"
                );
                self.draft.note(NoteKind::Malformed, path, what);
                self.default(when, path);
            }
        }
        Ok(())
    }

    fn branches(&mut self, asked: &Value, path: &str, when: &[TargetConfig], depth: u32) -> Result<(), Bad> {
        let one = std::slice::from_ref(asked);
        let parts = asked.as_array().map_or(one, Vec::as_slice);
        let mut chunks = parts.chunks(2).enumerate();
        for (index, chunk) in &mut chunks {
            let at = |part: usize| format!("{path}[{}]", 2 * index + part);
            match chunk {
                [condition, value] => {
                    let target = self.holds(condition, &at(0), depth + 1)?;
                    let inner: Vec<TargetConfig> = when.iter().cloned().chain([target]).collect();
                    self.serve(value, &at(1), &inner, depth + 1)?;
                }
                [last] => return self.serve(last, &at(0), when, depth + 1),
                _ => {}
            }
        }
        self.default(when, path);
        Ok(())
    }
}
