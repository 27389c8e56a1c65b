//! flagd's in-process engine, as its Rust provider calls it.

use std::hint::black_box;
use std::sync::Arc;

use flagd_evaluation_engine::{FeatureFlag, FlagParser, Operator};
use open_feature::EvaluationContext;
use serde_json::{Value, json};

use super::list::{PLAIN, RULED, name, names};
use crate::row::{Row, check};

const PEER: &str = "flagd-evaluation-engine";

struct Loaded {
    flags: std::collections::HashMap<String, FeatureFlag>,
    operator: Operator,
}

impl Loaded {
    fn is_on(&self, flag: &str, context: &EvaluationContext) -> bool {
        let Some(flag_of) = self.flags.get(black_box(flag)) else { return false };
        let variant = self.operator.apply(flag, &flag_of.get_targeting(), context).ok().flatten();
        let variant = variant.as_deref().unwrap_or(&flag_of.default_variant);
        flag_of.variants.get(variant).and_then(Value::as_bool).unwrap_or(false)
    }
}

/// Its rows.
pub fn rows() -> Result<Vec<Row>, String> {
    let flag = |name: String| -> (String, Value) {
        let split = json!({ "fractional": [["on", 10], ["off", 90]] });
        let targeting = if name == RULED {
            json!({ "if": [{ "in": [{ "var": "country" }, ["DE", "AT", "CH"]] }, split, "off"] })
        } else {
            split
        };
        let flag = json!({
            "state": "ENABLED", "defaultVariant": "off", "variants": { "on": true, "off": false }, "targeting": targeting,
        });
        (name, flag)
    };
    let flags: serde_json::Map<String, Value> = names().map(flag).collect();
    let parsed = FlagParser::parse_string(&json!({ "flags": flags }).to_string())
        .map_err(|error| error.to_string())?;
    let loaded = Arc::new(Loaded { flags: parsed.flags, operator: Operator::new() });
    let plain = |loaded: &Loaded, key: &str| {
        loaded.is_on(PLAIN, &EvaluationContext::default().with_targeting_key(key))
    };
    let rule = |loaded: &Loaded, key: &str, country: &'static str| {
        let context = EvaluationContext::default().with_targeting_key(key);
        let context = context.with_custom_field("country", country).with_custom_field("plan", "pro");
        loaded.is_on(RULED, &context.with_custom_field("age", 31.0))
    };
    check(PEER, |key| plain(&loaded, key))?;
    check(PEER, |key| rule(&loaded, key, "DE"))?;
    if rule(&loaded, "user-1", "FR") {
        return Err("the rule is not asked".to_owned());
    }
    let (one, two) = (loaded.clone(), loaded);
    Ok(vec![
        Row::new(
            name(PEER, "plain"),
            "parses and compiles the flag's JSONLogic, reads the clock, evaluates",
            move |key| plain(&one, key),
        ),
        Row::new(name(PEER, "rule"), "the same with three attributes, and one condition", move |key| {
            rule(&two, key, black_box("DE"))
        }),
    ])
}
