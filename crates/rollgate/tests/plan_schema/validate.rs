//! Validates against the part of JSON Schema 2020-12 that the plan's schema uses; any other keyword fails the test.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::Regex;
use serde_json::Value;

/// A schema to validate against.
pub(crate) struct Validator<'a> {
    root: &'a Value,
    patterns: RefCell<HashMap<String, Regex>>,
}

impl<'a> Validator<'a> {
    pub(crate) fn new(root: &'a Value) -> Self {
        Self { root, patterns: RefCell::default() }
    }

    /// What is wrong with an instance, each with its place.
    pub(crate) fn problems(&self, instance: &Value) -> Vec<String> {
        let mut problems = Vec::new();
        self.validate(self.root, instance, "", &mut problems);
        problems
    }

    pub(crate) fn accepts(&self, schema: &Value, instance: &Value) -> bool {
        let mut problems = Vec::new();
        self.validate(schema, instance, "", &mut problems);
        problems.is_empty()
    }

    /// What a `$ref` points to, with the name of it.
    pub(crate) fn resolve(&self, schema: &'a Value) -> (&'a Value, Option<&'a str>) {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let name = reference.strip_prefix("#/$defs/").unwrap();
                (&self.root["$defs"][name], Some(name))
            }
            None => (schema, None),
        }
    }

    fn validate(&self, schema: &Value, instance: &Value, at: &str, problems: &mut Vec<String>) {
        let rules = match schema {
            Value::Bool(true) => return,
            Value::Bool(false) => return problems.push(format!("{at}: nothing may stand here")),
            other => other.as_object().unwrap(),
        };
        for (keyword, rule) in rules {
            let why = match keyword.as_str() {
                "$schema" | "$defs" | "$id" | "title" | "description" => None,
                // Read with their partners.
                "then" => None,
                "$ref" => {
                    let name = rule.as_str().and_then(|rule| rule.strip_prefix("#/$defs/")).unwrap();
                    self.validate(&self.root["$defs"][name], instance, at, problems);
                    None
                }
                "properties"
                | "additionalProperties"
                | "propertyNames"
                | "required"
                | "minProperties"
                | "dependentRequired" => {
                    self.object(keyword, rules, instance, at, problems);
                    None
                }
                "items" => {
                    for (index, item) in instance.as_array().into_iter().flatten().enumerate() {
                        self.validate(rule, item, &format!("{at}[{index}]"), problems);
                    }
                    None
                }
                "if" => {
                    if self.accepts(rule, instance) {
                        self.validate(&schema["then"], instance, at, problems);
                    }
                    None
                }
                "anyOf" | "oneOf" => {
                    let fitting = rule
                        .as_array()
                        .unwrap()
                        .iter()
                        .filter(|branch| self.accepts(branch, instance))
                        .count();
                    let fits = if keyword == "oneOf" { fitting == 1 } else { fitting > 0 };
                    (!fits).then(|| format!("{fitting} branches of {keyword} fit"))
                }
                "pattern" => {
                    let pattern = rule.as_str().unwrap();
                    let mut known = self.patterns.borrow_mut();
                    let known =
                        known.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).unwrap());
                    let holds = instance.as_str().is_none_or(|text| known.is_match(text));
                    (!holds).then(|| format!("{instance} is not of the form {pattern}"))
                }
                _ => scalar(keyword, rule, instance),
            };
            problems.extend(why.map(|why| format!("{at}: {why}")));
        }
    }

    fn object(
        &self,
        keyword: &str,
        rules: &serde_json::Map<String, Value>,
        instance: &Value,
        at: &str,
        problems: &mut Vec<String>,
    ) {
        let Some(object) = instance.as_object() else { return };
        let rule = &rules[keyword];
        match keyword {
            "properties" => {
                for (key, value) in object {
                    if let Some(schema) = rule.get(key) {
                        self.validate(schema, value, &format!("{at}.{key}"), problems);
                    }
                }
            }
            "additionalProperties" => {
                let listed = rules.get("properties");
                for (key, value) in object {
                    if listed.and_then(|listed| listed.get(key)).is_none() {
                        self.validate(rule, value, &format!("{at}.{key}"), problems);
                    }
                }
            }
            "propertyNames" => {
                for key in object.keys() {
                    self.validate(rule, &key.clone().into(), &format!("{at}.{key} (the key)"), problems);
                }
            }
            "required" => {
                for key in rule.as_array().unwrap().iter().filter_map(Value::as_str) {
                    if !object.contains_key(key) {
                        problems.push(format!("{at}: `{key}` is missing"));
                    }
                }
            }
            "minProperties" => {
                if object.len() < rule.as_u64().unwrap() as usize {
                    problems.push(format!("{at}: has too few entries"));
                }
            }
            _ => {
                for (key, needs) in rule.as_object().unwrap() {
                    for other in needs.as_array().unwrap().iter().filter_map(Value::as_str) {
                        if object.contains_key(key) && !object.contains_key(other) {
                            problems.push(format!("{at}: `{key}` without `{other}`"));
                        }
                    }
                }
            }
        }
    }
}

fn scalar(keyword: &str, rule: &Value, instance: &Value) -> Option<String> {
    let holds = match keyword {
        "type" => match rule {
            Value::String(name) => is_of(name, instance),
            other => other.as_array().unwrap().iter().any(|name| is_of(name.as_str().unwrap(), instance)),
        },
        "const" => rule == instance,
        "enum" => rule.as_array().unwrap().contains(instance),
        "minimum" => instance.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
        "maximum" => instance.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
        "minItems" => instance.as_array().is_none_or(|items| items.len() >= rule.as_u64().unwrap() as usize),
        other => panic!("this validator does not know `{other}`: {rule}"),
    };
    (!holds).then(|| format!("{instance} breaks {keyword} {rule}"))
}

fn is_of(name: &str, instance: &Value) -> bool {
    match name {
        "null" => instance.is_null(),
        "boolean" => instance.is_boolean(),
        "integer" => instance.is_i64() || instance.is_u64(),
        "number" => instance.is_number(),
        "string" => instance.is_string(),
        "array" => instance.is_array(),
        "object" => instance.is_object(),
        other => panic!("there is no type `{other}`"),
    }
}
