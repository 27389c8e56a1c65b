//! Unleash's own specification of its clients (`Unleash/client-specification`): every case of it.

use std::path::Path;

use rollgate::core::compile::compile_config;
use rollgate::core::evaluate::{Attribute, Context, FlagRef, evaluate};
use rollgate::core::snapshot::{Snapshot, VariantValue};
use rollgate::import::{Imported, Source, import};
use serde_json::{Value, json};

/// The specification, where it lies beside the workspace.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
const INDEX: &str = "peer-suites/unleash-client-specification/specifications/index.json";

/// Cases that do not come out as the specification says, each with its reason.
const EXCEPTIONS: [(&str, &str); 0] = [];

/// How a host gives Unleash's context: the user is the targeting key, everything else an attribute.
fn attributes(context: &Value) -> Vec<(&str, Attribute<'_>)> {
    let own = context.as_object().into_iter().flatten();
    let properties = context["properties"].as_object().into_iter().flatten();
    let texts = own.chain(properties).filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
    texts.filter(|(key, _)| *key != "userId").map(|(key, text)| (key, Attribute::Text(text))).collect()
}

/// What a case asks: whether a feature is on, and the variant as Unleash's clients give it.
fn answer(snapshot: &Snapshot, flag: &str, context: &Value) -> (bool, Value) {
    let attributes = attributes(context);
    let key = context["userId"].as_str().unwrap_or_default();
    let subject = Context::new(key).with_attributes(&attributes);
    let answer = evaluate(snapshot, FlagRef::Name(flag), &subject);
    let nothing = json!({ "name": "disabled", "enabled": false, "feature_enabled": answer.is_on() });
    let of_flag = snapshot.ruleset.flag_of(flag).map(|id| &snapshot.ruleset.flags[id.index()]);
    let variants = of_flag.and_then(|flag| flag.variants.as_deref());
    let (Some(variants), Some(id), true) = (variants, answer.served, answer.is_on()) else {
        return (answer.is_on(), nothing);
    };
    let served = &variants.list[id.index()];
    if served.key == *"disabled" {
        return (true, nothing);
    }
    let payload = match &served.value {
        VariantValue::String(text) => json!({ "type": "string", "value": &**text }),
        VariantValue::Number(number) => json!({ "type": "number", "value": number.to_string() }),
        VariantValue::Json(text) => json!({ "type": "json", "value": &**text }),
        VariantValue::Boolean(value) => json!(value),
    };
    let name = served.key.as_str();
    (true, json!({ "name": name, "payload": payload, "enabled": true, "feature_enabled": true }))
}

fn read(text: &str) -> (Imported, Snapshot) {
    let imported = import(Source::Unleash, text, "unleash").unwrap();
    let ruleset = compile_config(&imported.config).unwrap_or_else(|problems| panic!("{problems}")).ruleset;
    (imported, Snapshot::initial(std::sync::Arc::new(ruleset)))
}

#[test]
fn every_case_of_unleashs_own_specification_holds() {
    let index = Path::new(BESIDE).join(INDEX);
    let Ok(text) = std::fs::read_to_string(&index) else {
        eprintln!("{} is not there: its cases are not tested", index.display());
        return;
    };
    let files: Vec<String> = serde_json::from_str(&text).unwrap();
    let (mut passed, mut failed, mut excused) = (0, Vec::new(), Vec::new());
    for file in &files {
        let text = std::fs::read_to_string(index.with_file_name(file)).unwrap();
        let suite: Value = serde_json::from_str(&text).unwrap();
        let (_, snapshot) = read(&suite["state"].to_string());
        for (list, is_of_variants) in [("tests", false), ("variantTests", true)] {
            for case in suite[list].as_array().into_iter().flatten() {
                let name = format!("{file}: {}", case["description"].as_str().unwrap());
                let (is_on, variant) =
                    answer(&snapshot, case["toggleName"].as_str().unwrap(), &case["context"]);
                let found = if is_of_variants { variant } else { json!(is_on) };
                match (found == case["expectedResult"], EXCEPTIONS.iter().any(|(other, _)| *other == name)) {
                    (true, false) => passed += 1,
                    (false, true) => excused.push(name),
                    _ => failed
                        .push(format!("{name}\n  expected {}\n  found    {found}", case["expectedResult"])),
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), passed + failed.len(), failed.join("\n"));
    assert_eq!((passed, excused.len()), (279, EXCEPTIONS.len()));
}
