//! Operators on attributes: the book `spec/operators.toml`, through plan file and engine.

use rollgate::Engine;
use rollgate::core::evaluate::{Attribute, Context};
use rollgate::read::Format;
use toml_edit::{DocumentMut, Item, Value};

const BOOK: &str = include_str!("../spec/operators.toml");

/// Calls with an attribute of this value.
fn with_attribute(value: &Value, call: impl FnOnce(Attribute<'_>)) {
    match value {
        Value::String(text) => call(Attribute::Text(text.value())),
        Value::Integer(number) => call(Attribute::Number(*number.value() as f64)),
        Value::Float(number) => call(Attribute::Number(*number.value())),
        Value::Boolean(value) => call(Attribute::Bool(*value.value())),
        Value::Array(items) => {
            let items: Vec<&str> = items.iter().map(|item| item.as_str().unwrap()).collect();
            call(Attribute::List(&items));
        }
        other => panic!("{other:?} is no value of an attribute"),
    }
}

#[test]
fn every_operator_gives_what_its_table_says() {
    let book: DocumentMut = BOOK.parse().unwrap();
    let mut rows = 0;
    for test in book["test"].as_array_of_tables().unwrap() {
        let asks = test["asks"].as_str().unwrap();
        let plan = format!(
            "{{ version: 1, name: n, conditions: {{ c: {{ attribute: v, {asks} }} }}, flags: {{
                F: {{ rules: [ {{ when: {{ attribute: v, {asks} }}, serve: true }} ] }},
                NOT: {{ rules: [ {{ when: {{ not: {{ condition: c }} }}, serve: true }} ] }} }} }}"
        );
        let engine = match Engine::builder().plan_text(&plan, Format::Yaml) {
            Ok(builder) => builder.build().unwrap(),
            Err(error) => panic!("`{asks}`: {error}"),
        };
        let mut check = |attributes: &[(&str, Attribute<'_>)], expected: bool| {
            let context = Context::new("user").with_attributes(attributes);
            let is_on = engine.evaluate("F", &context).is_on();
            assert_eq!(is_on, expected, "`{asks}` of {attributes:?}");
            assert_ne!(engine.evaluate("NOT", &context).is_on(), is_on, "not `{asks}` of {attributes:?}");
            rows += 1;
        };
        for (key, expected) in [("yes", true), ("no", false)] {
            let values = test.get(key).and_then(Item::as_array);
            for value in values.into_iter().flatten() {
                // Another attribute before it, and one of its name behind it, which does not count.
                with_attribute(value, |value| {
                    check(
                        &[("w", Attribute::Text("DE")), ("v", value), ("v", Attribute::Bool(true))],
                        expected,
                    );
                });
            }
        }
        let missing = test.get("missing").and_then(Item::as_bool).unwrap_or(false);
        check(&[("w", Attribute::Text("DE"))], missing);
    }
    assert!(rows > 250, "{rows} rows");
}

/// An engine that goes back would not end before the sun does.
#[test]
fn catastrophic_patterns_are_linear() {
    let patterns = ["^(a+)+$", "(a|a)*b", "(.*)*x", "^(a|aa)+$", "(a*)*c", "([a-z]+)*[0-9]"];
    for pattern in patterns {
        let plan = format!(
            "{{ version: 1, name: n, flags: {{ F: {{ rules: [ {{ when: {{ attribute: v, matches: \"{pattern}\" }}, serve: true }} ] }} }} }}"
        );
        let engine = Engine::builder().plan_text(&plan, Format::Yaml).unwrap().build().unwrap();
        let text = format!("{}!", "a".repeat(1_000_000));
        let attributes = [("v", Attribute::Text(&text))];
        let context = Context::new("user").with_attributes(&attributes);
        assert!(!engine.evaluate("F", &context).is_on(), "{pattern}");
    }
}

#[test]
fn the_targeting_key_is_an_attribute_too() {
    let plan = "{ version: 1, name: n, flags: { F: { rules: [ { when: { attribute: targeting_key, starts_with: staff- }, serve: true } ] } } }";
    let engine = Engine::builder().plan_text(plan, Format::Yaml).unwrap().build().unwrap();
    for (context, expected) in [
        (Context::new("staff-1"), true),
        (Context::new("user-1"), false),
        (Context::empty(), false),
        // No text: no condition on texts holds.
        (Context::of_bytes(b"staff-\xff"), false),
    ] {
        assert_eq!(engine.evaluate("F", &context).is_on(), expected, "{context:?}");
    }
    assert!(engine.is_on("F", "staff-2") && engine.flag("F").is_on("staff-2") && !engine.is_on("F", "x"));
}
