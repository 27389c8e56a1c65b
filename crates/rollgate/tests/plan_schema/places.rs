//! Walks a plan and its schema side by side.

use std::collections::{BTreeMap, BTreeSet};

use rollgate::core::compile::{Problem, compile};
use rollgate::core::config::{Location, Node, Value as Tree};
use serde_json::Value;

use super::json;
use super::validate::Validator;

/// A map with fixed keys that stands in the plan.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its type in the schema.
    pub(crate) name: String,
    /// Where it stands, step by step.
    pub(crate) steps: Vec<Step>,
    /// The keys that the schema allows there.
    pub(crate) keys: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// What a walk has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) maps: Vec<Place>,
    /// Type and key.
    pub(crate) keys: BTreeSet<(String, String)>,
    /// Values that type and key have there, in the plan's order.
    pub(crate) examples: BTreeMap<(String, String), Vec<Value>>,
    /// The keys that each form of a condition needs.
    pub(crate) forms: BTreeSet<String>,
}

/// The types with fixed keys, and their keys.
pub(crate) fn structs(schema: &Value) -> Vec<(String, BTreeSet<String>)> {
    let mut found = vec![("Config".to_owned(), keys_of(schema))];
    for (name, inner) in schema["$defs"].as_object().unwrap() {
        if inner["additionalProperties"] == Value::Bool(false) {
            found.push((name.clone(), keys_of(inner)));
        }
    }
    found
}

fn keys_of(schema: &Value) -> BTreeSet<String> {
    schema["properties"].as_object().unwrap().keys().cloned().collect()
}

/// Every map of the plan that has fixed keys.
pub(crate) fn walk(schema: &Value, plan: &Node) -> Seen {
    let mut seen = Seen::default();
    let validator = Validator::new(schema);
    visit(&validator, schema, "Config", plan, &mut Vec::new(), &mut seen);
    seen
}

fn visit<'a>(
    validator: &Validator<'a>,
    schema: &'a Value,
    name: &str,
    node: &Node,
    steps: &mut Vec<Step>,
    seen: &mut Seen,
) {
    let (schema, named) = validator.resolve(schema);
    let name = named.unwrap_or(name);
    match &node.value {
        Tree::List(items) => {
            for (index, item) in items.iter().enumerate() {
                steps.push(Step::Index(index));
                visit(validator, &schema["items"], name, item, steps, seen);
                steps.pop();
            }
        }
        Tree::Map(entries) if schema["additionalProperties"] == Value::Bool(false) => {
            let mut keys = keys_of(schema);
            if let Some(form) = form_of(validator, schema, node) {
                seen.forms.insert(form["required"].to_string());
                let names = form["propertyNames"]["enum"].as_array().unwrap();
                keys = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            }
            seen.maps.push(Place { name: name.to_owned(), steps: steps.clone(), keys });
            for (key, _, inner) in entries {
                seen.keys.insert((name.to_owned(), key.clone()));
                seen.examples.entry((name.to_owned(), key.clone())).or_default().push(json(inner));
                steps.push(Step::Key(key.clone()));
                visit(validator, &schema["properties"][key], name, inner, steps, seen);
                steps.pop();
            }
        }
        Tree::Map(entries) if schema["additionalProperties"].is_object() => {
            for (key, _, inner) in entries {
                steps.push(Step::Key(key.clone()));
                visit(validator, &schema["additionalProperties"], name, inner, steps, seen);
                steps.pop();
            }
        }
        Tree::Map(_) => {
            let branches = schema["oneOf"].as_array().unwrap();
            let fitting = branches.iter().find(|branch| validator.accepts(branch, &json(node))).unwrap();
            visit(validator, fitting, name, node, steps, seen);
        }
        Tree::Scalar(_) => {}
    }
}

/// The form of a condition that this one has.
fn form_of<'a>(validator: &Validator<'a>, schema: &'a Value, node: &Node) -> Option<&'a Value> {
    let forms = schema["oneOf"]
        .as_array()
        .filter(|forms| forms.iter().any(|form| form.get("propertyNames").is_some()))?;
    let instance = json(node);
    Some(forms.iter().find(|form| validator.accepts(form, &instance)).unwrap())
}

/// The same plan with one more key in a map of it.
fn with_key(plan: &Node, steps: &[Step], key: &str) -> Node {
    let mut plan = plan.clone();
    let mut node = &mut plan;
    for step in steps {
        node = match (step, &mut node.value) {
            (Step::Index(index), Tree::List(items)) => &mut items[*index],
            (Step::Key(key), Tree::Map(entries)) => {
                &mut entries.iter_mut().find(|(name, _, _)| name == key).unwrap().2
            }
            other => panic!("{other:?}"),
        };
    }
    let Tree::Map(entries) = &mut node.value else { panic!("{steps:?}") };
    // A list is wrong for most keys, which is no matter: known is what is asked for.
    let value = Node { value: Tree::List(Vec::new()), at: Location::default() };
    entries.push((key.to_owned(), Location::default(), value));
    plan
}

fn path_of(steps: &[Step], key: &str) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Index(index) => path.push_str(&format!("[{index}]")),
            Step::Key(key) if path.is_empty() => path.push_str(key),
            Step::Key(key) => path.push_str(&format!(".{key}")),
        }
    }
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn problems(plan: &Node) -> Vec<Problem> {
    match compile(plan) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0,
    }
}

/// Asks the compiler which keys it knows at a place, by one that it cannot know, and compares with the schema's.
pub(crate) fn check(schema: &Value, plan: &Node, place: &Place) {
    const STRANGER: &str = "zzzzzzzzzz";
    let at = path_of(&place.steps, STRANGER);
    let wrong = with_key(plan, &place.steps, STRANGER);
    assert!(!Validator::new(schema).problems(&json(&wrong)).is_empty(), "the schema accepts {at}");
    let found = problems(&wrong);
    let refusal = found.iter().find(|problem| problem.code == "unknown-key" && problem.path == at);
    let Some(refusal) = refusal else { panic!("the compiler accepts {at}: {found:?}") };
    let known = refusal.help.as_deref().and_then(|help| help.strip_prefix("known here: ")).unwrap();
    let known: BTreeSet<String> = known.split(", ").map(str::to_owned).collect();
    let unread: Vec<&String> = place.keys.difference(&known).collect();
    assert!(unread.is_empty(), "{at} ({}): the compiler does not read {unread:?}", place.name);
    // What is asked for to say that it does not go with the rest is refused by both.
    for key in known.difference(&place.keys) {
        let with = with_key(plan, &place.steps, key);
        assert!(
            !problems(&with).is_empty(),
            "{at}: the compiler reads `{key}`, and the schema has no such key"
        );
    }
}
