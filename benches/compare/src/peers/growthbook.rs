//! GrowthBook's SDK.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use growthbook_rust::growthbook::GrowthBook;
use growthbook_rust::model_public::{GrowthBookAttribute, GrowthBookAttributeValue};
use serde_json::{Value, json};

use super::list::{PLAIN, RULED, name, names};
use crate::row::{Row, check};

const PEER: &str = "growthbook-rust";

fn text(name: &str, value: &str) -> GrowthBookAttribute {
    GrowthBookAttribute::new(name.to_owned(), GrowthBookAttributeValue::String(value.to_owned()))
}

/// Its rows.
pub fn rows() -> Result<Vec<Row>, String> {
    let feature = |name: String| -> (String, Value) {
        let mut rule =
            json!({ "force": true, "coverage": 0.1, "hashAttribute": "id", "hashVersion": 2, "seed": name });
        if name == RULED {
            rule["condition"] = json!({ "country": { "$in": ["DE", "AT", "CH"] } });
        }
        (name, json!({ "defaultValue": false, "rules": [rule] }))
    };
    // With a thousand features each call would take a hundred times as long: it is measured with two.
    let features: serde_json::Map<String, Value> =
        names().filter(|name| name == PLAIN || name == RULED).map(feature).collect();
    let book = Arc::new(GrowthBook {
        forced_variations: None,
        features: serde_json::from_value(Value::Object(features)).map_err(|error| error.to_string())?,
        attributes: None,
        sticky_bucket_service: None,
        saved_groups: HashMap::new(),
    });
    let plain = |book: &GrowthBook, key: &str| book.check(black_box(PLAIN), &Some(vec![text("id", key)])).on;
    let rule = |book: &GrowthBook, key: &str, country: &str| {
        let age = GrowthBookAttribute::new("age".to_owned(), GrowthBookAttributeValue::Int(31));
        let attributes = vec![text("id", key), text("country", country), text("plan", "pro"), age];
        book.check(black_box(RULED), &Some(attributes)).on
    };
    check(PEER, |key| plain(&book, key))?;
    check(PEER, |key| rule(&book, key, "DE"))?;
    if rule(&book, "user-1", "FR") {
        return Err("the rule is not asked".to_owned());
    }
    let (one, two) = (book.clone(), book);
    Ok(vec![
        Row::new(
            name(PEER, "plain"),
            "check with two features loaded: builds attributes, hashes, JSON value and source",
            move |key| plain(&one, key),
        ),
        Row::new(name(PEER, "rule"), "the same with three more attributes, and one condition", move |key| {
            rule(&two, key, black_box("DE"))
        }),
    ])
}
