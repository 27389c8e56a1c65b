//! The JSON Schema from the types of the plan file.

use rollgate_core::config::Config;
use serde_json::{Map, Value, json};

/// The schema as it is committed.
pub(crate) fn schema() -> Value {
    let generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    let mut schema = serde_json::to_value(generator.into_root_schema_for::<Config>()).unwrap();
    tidy(&mut schema);
    let Value::Object(body) = schema else { unreachable!("a schema of a struct is an object") };
    let mut whole = Map::new();
    whole.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    whole.insert("title".into(), json!("rollgate plan, version 1"));
    whole.extend(body.into_iter().filter(|(key, _)| key != "$schema" && key != "title"));
    Value::Object(whole)
}

/// Options are keys that may be left out, not keys that may be null; but a map with nothing behind it is an empty map.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [one] = &types[..] {
                    let one = one.clone();
                    map.insert("type".into(), one);
                }
            }
            if let Some(Value::Array(branches)) = map.get_mut("anyOf") {
                branches.retain(|branch| *branch != json!({ "type": "null" }));
                if let [Value::Object(one)] = &branches[..] {
                    let one = one.clone();
                    map.shift_remove("anyOf");
                    for (key, value) in one {
                        map.entry(key).or_insert(value);
                    }
                }
            }
            // How a program holds a number says nothing to who writes it.
            map.shift_remove("format");
            map.values_mut().for_each(tidy);
            let needs_more = ["required", "oneOf", "minProperties"].iter().any(|key| map.contains_key(*key));
            if map.get("type") == Some(&json!("object")) && !needs_more {
                map.insert("type".into(), json!(["object", "null"]));
            }
        }
        _ => {}
    }
}
