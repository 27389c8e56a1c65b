//! The reference of the plan file, as people read it: made of the schema, with examples out of a real plan.

use std::fmt::Write as _;

use rollgate::core::config::Node;
use serde_json::Value;

use super::places::{self, Seen};

/// An example longer than this says less than the section that it is of.
const EXAMPLE_MAX: usize = 72;

const OPENING: &str = "\
<!-- Made by `cargo xtask schema`; a test compares it with the types. Change the types. -->

A plan is YAML, TOML or JSON; keys and values are the same in each. Every key that is not here is refused, with its line.
What stands under *default* holds where the key is left out; a dash means that there is none. Examples are of
`examples/plans/every-key.yaml`, which has every key.

";

/// The whole reference, as Markdown.
pub(crate) fn reference(schema: &Value, plan: &Node) -> String {
    let seen = places::walk(schema, plan);
    let mut out = OPENING.to_owned();
    section(&mut out, schema, &seen, "Config", schema);
    for (name, inner) in schema["$defs"].as_object().unwrap() {
        section(&mut out, schema, &seen, name, inner);
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// A type's name as it is shown.
fn title(name: &str) -> &str {
    match name {
        "Config" => "Plan",
        other => other.strip_suffix("Config").unwrap_or(other),
    }
}

fn section(out: &mut String, schema: &Value, seen: &Seen, name: &str, body: &Value) {
    let _ = writeln!(out, "## {}\n\n{}\n", title(name), said(body));
    if body["properties"].is_object() {
        keys(out, schema, seen, name, body);
        forms(out, body);
    } else if let Some(words) = body["oneOf"].as_array() {
        out.push_str("| value | meaning |\n| --- | --- |\n");
        for word in words {
            let value = match (word["const"].as_str(), word["properties"].as_object()) {
                (Some(word), _) => format!("`{word}`"),
                (None, Some(keys)) => {
                    let keys = keys.iter().map(|(key, inner)| format!("`{key}`: {}", kind(inner)));
                    format!("a map with {}", keys.collect::<Vec<_>>().join(", "))
                }
                (None, None) => kind(word),
            };
            let _ = writeln!(out, "| {value} | {} |", cell(&said(word)));
        }
        out.push('\n');
    }
}

/// The table of a map's keys.
fn keys(out: &mut String, schema: &Value, seen: &Seen, name: &str, body: &Value) {
    let mut keys: Vec<(&String, &Value)> = body["properties"].as_object().unwrap().iter().collect();
    if name == "GateConfig" {
        // A gate is a condition with a key more: the others stand there.
        let conditions = schema["$defs"]["ConditionConfig"]["properties"].as_object().unwrap();
        keys.retain(|(key, _)| !conditions.contains_key(*key));
        out.push_str("It has the keys of a [Condition](#condition), and:\n\n");
    }
    out.push_str("| key | type | meaning | default | example |\n| --- | --- | --- | --- | --- |\n");
    let required = body["required"].as_array().map_or(&[][..], Vec::as_slice);
    for (key, inner) in keys {
        let (meaning, default) = split_default(&said(inner));
        let default = if required.iter().any(|name| name == key) {
            "required".to_owned()
        } else {
            default.unwrap_or_else(|| "–".to_owned())
        };
        let example =
            example(seen, name, key).map_or_else(|| "–".to_owned(), |text| format!("`{key}: {text}`"));
        let cells = [format!("`{key}`"), kind(inner), meaning, default, example].map(|text| cell(&text));
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out.push('\n');
}

/// Which keys go together, where a map has forms.
fn forms(out: &mut String, body: &Value) {
    let Some(forms) = body["oneOf"].as_array().filter(|forms| forms[0]["propertyNames"].is_object()) else {
        return;
    };
    if body["properties"].get("dry_run").is_some() {
        return;
    }
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let all: Vec<Vec<String>> = forms.iter().map(|form| names(&form["propertyNames"]["enum"])).collect();
    let common: Vec<&String> =
        all[0].iter().filter(|key| all.iter().all(|form| form.contains(*key))).collect();
    let code = |keys: Vec<&String>| {
        let keys: Vec<String> = keys.into_iter().map(|key| format!("`{key}`")).collect();
        if keys.is_empty() { "–".to_owned() } else { keys.join(", ") }
    };
    out.push_str(
        "Which keys go together:\n\n| needs | and exactly one of | may have |\n| --- | --- | --- |\n",
    );
    for (form, known) in forms.iter().zip(&all) {
        let needs = names(&form["required"]);
        let one: Vec<String> = form["oneOf"].as_array().map_or_else(Vec::new, |limits| {
            limits.iter().flat_map(|limit| names(&limit["required"])).collect()
        });
        let may =
            known.iter().filter(|key| !needs.contains(key) && !one.contains(key) && !common.contains(key));
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            code(needs.iter().collect()),
            code(one.iter().collect()),
            code(may.collect())
        );
    }
    let _ = writeln!(out, "\nWith any of them: {}.\n", code(common));
}

/// A description, without the links that only the sources know.
fn said(body: &Value) -> String {
    body["description"].as_str().unwrap_or_default().replace("[`", "`").replace("`]", "`")
}

/// Takes the default out of a description: what stands before `unless written`, or the value called `the default`.
fn split_default(text: &str) -> (String, Option<String>) {
    const MARK: &str = " unless written";
    if let Some(end) = text.find(MARK) {
        let before = text[..end].trim_end_matches(',');
        let start = [": ", "; "].iter().filter_map(|mark| before.rfind(mark)).max();
        if let Some(start) = start {
            let rest = text[end + MARK.len()..].trim_start_matches(['.', ',', ' ']);
            let mut meaning = text[..start].to_owned();
            if rest.is_empty() {
                meaning.push('.');
            } else {
                let _ = write!(meaning, "; {rest}");
            }
            return (meaning, Some(before[start + 2..].to_owned()));
        }
    }
    let default = text.find("` (the default)").and_then(|end| {
        let start = text[..end].rfind('`')?;
        Some(text[start..=end].to_owned())
    });
    (text.to_owned(), default)
}

/// What a value is, in words.
fn kind(schema: &Value) -> String {
    if let Some(path) = schema["$ref"].as_str() {
        let name = title(path.rsplit('/').next().unwrap_or_default());
        return format!("[{name}](#{})", name.to_lowercase());
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        other => other.as_str(),
    };
    match types {
        Some("array") => format!("list of {}", kind(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("map of names to {}", kind(&schema["additionalProperties"]))
        }
        Some("object") => "map".to_owned(),
        Some("integer") => "whole number".to_owned(),
        Some("number") => "number".to_owned(),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("string") => "text".to_owned(),
        _ => match schema["anyOf"].as_array() {
            Some(branches) => branches.iter().map(kind).collect::<Vec<_>>().join(" or "),
            None => "any".to_owned(),
        },
    }
}

/// The shortest value that the key has in the plan, unless it is too long for a table.
fn example(seen: &Seen, name: &str, key: &str) -> Option<String> {
    let of = |name: &str| seen.examples.get(&(name.to_owned(), key.to_owned()));
    // A key of conditions may stand in gates only, and the other way round.
    let is_condition = matches!(name, "ConditionConfig" | "GateConfig");
    let found =
        of(name).or_else(|| is_condition.then(|| of("GateConfig").or_else(|| of("ConditionConfig")))?)?;
    let shortest = found.iter().map(flow).min_by_key(|text| text.chars().count())?;
    (shortest.chars().count() <= EXAMPLE_MAX && shortest != "~").then_some(shortest)
}

/// A value as YAML writes it on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Null => "~".to_owned(),
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, inner)| format!("{key}: {}", flow(inner)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A text, quoted where it would be read as something else.
fn scalar(text: &str) -> String {
    let is_number = text.parse::<f64>().is_ok();
    let has_mark = text.starts_with(['%', '{', '[', '&', '*', '#', '!', '|', '>', '@', '`', '"', '\'', '-'])
        || text.contains([',', '{', '}', '[', ']', '#'])
        || text.contains(": ");
    // A time of day is a number to the base of 60 for older readers.
    let is_time = text.contains(':') && text.starts_with(|c: char| c.is_ascii_digit());
    if is_number || has_mark || is_time { format!("{text:?}") } else { text.to_owned() }
}

/// Text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
