//! Rows of LaunchDarkly, GrowthBook and flagd: a file of theirs, and what it serves.
//!
//! Known answers are those of their own tests where the row says so; others follow from their documentation, and hashes
//! were computed apart.

use rollgate::core::compile::compile_config;
use rollgate::core::evaluate::{Attribute, Context, FlagRef, evaluate};
use rollgate::core::snapshot::{Snapshot, VariantValue};
use rollgate::import::{Source, import};
use serde_json::{Value, json};

/// What a flag gives: its value, null for the caller's default, or the error's code.
fn served(snapshot: &Snapshot, flag: &str, context: &Value) -> Value {
    let entries = context.as_object().unwrap();
    let lists: Vec<(&str, Vec<&str>)> = entries
        .iter()
        .filter_map(|(key, value)| {
            Some((key.as_str(), value.as_array()?.iter().filter_map(Value::as_str).collect()))
        })
        .collect();
    let mut attributes: Vec<(&str, Attribute<'_>)> = Vec::new();
    for (key, value) in entries {
        let attribute = match value {
            Value::String(text) => Attribute::Text(text),
            Value::Number(number) => Attribute::Number(number.as_f64().unwrap()),
            Value::Bool(value) => Attribute::Bool(*value),
            _ => Attribute::List(&lists.iter().find(|(name, _)| name == key).unwrap().1),
        };
        attributes.push((key, attribute));
    }
    let key = context["targeting_key"].as_str().unwrap_or_default();
    let subject = Context::new(key).with_attributes(&attributes);
    let answer = evaluate(snapshot, FlagRef::Name(flag), &subject);
    if let Some(error) = answer.error {
        return json!(error.name());
    }
    let flag = &snapshot.ruleset.flags[snapshot.ruleset.flag_of(flag).unwrap().index()];
    let Some(variants) = &flag.variants else {
        return answer.variant.map_or(Value::Null, |_| json!(answer.is_on()));
    };
    match answer.served.map(|id| &variants.list[id.index()].value) {
        None => Value::Null,
        Some(VariantValue::Boolean(value)) => json!(value),
        Some(VariantValue::String(text)) => json!(text),
        Some(VariantValue::Number(number)) => json!(number),
        Some(VariantValue::Json(text)) => serde_json::from_str(text).unwrap(),
    }
}

fn is_same(found: &Value, expected: &Value) -> bool {
    found == expected || found.as_f64().is_some_and(|number| Some(number) == expected.as_f64())
}

/// Runs a book of rows; gives how many cases held.
#[track_caller]
fn holds(source: Source, book: &str) -> usize {
    let rows: Vec<Value> = serde_json::from_str(book).unwrap();
    let (mut passed, mut failed) = (0, Vec::new());
    for row in &rows {
        let name = row["name"].as_str().unwrap();
        let imported =
            import(source, &row["file"].to_string(), "rows").unwrap_or_else(|why| panic!("{name}: {why}"));
        let ruleset = compile_config(&imported.config).unwrap_or_else(|why| panic!("{name}: {why}")).ruleset;
        let snapshot = Snapshot::initial(std::sync::Arc::new(ruleset));
        for case in row["cases"].as_array().unwrap() {
            let found = served(&snapshot, case[0].as_str().unwrap(), &case[1]);
            match is_same(&found, &case[2]) {
                true => passed += 1,
                false => {
                    failed.push(format!("{name}: {} for {}: {found}, not {}", case[0], case[1], case[2]))
                }
            }
        }
        if let Some(notes) = row.get("notes") {
            let kinds: Vec<&str> = imported.notes.iter().map(|note| note.kind.name()).collect();
            let shown: Vec<String> = imported.notes.iter().map(ToString::to_string).collect();
            if json!(kinds) != *notes {
                failed.push(format!("{name}: notes {}", shown.join("\n    ")));
            }
        }
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), passed + failed.len(), failed.join("\n"));
    passed
}

#[test]
fn flags_of_launchdarkly_serve_what_they_served() {
    assert!(holds(Source::LaunchDarkly, include_str!("../../spec/import/launchdarkly.json")) >= 60);
}

#[test]
fn features_of_growthbook_serve_what_they_served() {
    assert!(holds(Source::GrowthBook, include_str!("../../spec/import/growthbook.json")) >= 60);
}

#[test]
fn flags_of_flagd_serve_what_they_served() {
    assert!(holds(Source::Flagd, include_str!("../../spec/import/flagd.json")) >= 50);
}

/// What a person reads who gives the wrong file.
#[test]
fn a_file_of_another_shape_is_refused_with_what_was_expected() {
    for (source, text, expected) in [
        (Source::Unleash, "features:", "this is not JSON"),
        (Source::Unleash, "[]", "this is not an object; expected what Unleash's client API gives"),
        (Source::Unleash, "{ \"features\": {} }", "this has no list of features"),
        (
            Source::Unleash,
            "{ \"features\": [], \"featureStrategies\": [] }",
            "an export of Unleash's admin API",
        ),
        (Source::Unleash, "{ \"features\": [] }", "there is no flag in it"),
        (Source::LaunchDarkly, "{ \"flags\": [] }", "`flags` is a list, not an object"),
        (Source::LaunchDarkly, "{}", "this has no `flags`"),
        (Source::GrowthBook, "{ \"encryptedFeatures\": \"x\" }", "the features are encrypted"),
        (Source::GrowthBook, "{ \"features\": [] }", "`features` is a list, not an object"),
        (Source::Flagd, "{ \"flags\": 3 }", "`flags` is a number, not an object"),
        (Source::Flagd, "{ \"flags\": {} }", "there is no flag in it"),
    ] {
        let error = import(source, text, "wrong").unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// What was written in a file and does nothing here is in the notes.
#[test]
fn keys_that_nobody_knows_are_noted_and_not_dropped() {
    let text = r#"{ "features": [ { "name": "F", "enabled": true, "impressionData": true, "novel": 1, "project": "p",
        "strategies": [ { "name": "default", "daring": true }, { "name": "custom", "parameters": { "x": "1" } } ] } ] }"#;
    let imported = import(Source::Unleash, text, "notes").unwrap();
    let found: Vec<(&str, &str)> =
        imported.notes.iter().map(|note| (note.kind.name(), note.path.as_str())).collect();
    let expected = [
        ("not expressed", "features[0].strategies[0].daring"),
        ("not expressed", "features[0].strategies[1].parameters.x"),
        ("unknown operator", "features[0].strategies[1].name"),
        ("left out", "features[0]"),
        ("not expressed", "features[0].novel"),
    ];
    assert_eq!(found, expected);
    assert!(imported.notes.iter().all(|note| note.flag.as_deref() == Some("F")));
}
