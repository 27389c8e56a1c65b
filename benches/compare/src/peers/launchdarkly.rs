//! LaunchDarkly's evaluation crate.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use launchdarkly_server_sdk_evaluation::{
    Context, ContextBuilder, Flag, FlagValue, Segment, Store, evaluate,
};
use serde_json::{Value, json};

use super::list::{PLAIN, RULED, name, names};
use crate::row::{Row, check};

const PEER: &str = "launchdarkly-server-sdk-evaluation";

struct Loaded(HashMap<String, Flag>);

impl Store for Loaded {
    fn flag(&self, key: &str) -> Option<Flag> {
        self.0.get(key).cloned()
    }
    fn segment(&self, _: &str) -> Option<Segment> {
        None
    }
}

impl Loaded {
    fn is_on(&self, flag: &str, context: &Context) -> bool {
        let Some(flag) = self.0.get(black_box(flag)) else { return false };
        matches!(evaluate(self, flag, context, None).value, Some(FlagValue::Bool(true)))
    }
}

fn ruled(key: &str, country: &str) -> Option<Context> {
    let mut builder = ContextBuilder::new(key);
    builder.set_string("country", country).set_string("plan", "pro").set_float("age", 31.0);
    builder.build().ok()
}

/// Its rows.
pub fn rows() -> Result<Vec<Row>, String> {
    let rollout = json!({ "rollout": {
        "kind": "rollout", "contextKind": "user", "bucketBy": "key",
        "variations": [{ "variation": 0, "weight": 10_000 }, { "variation": 1, "weight": 90_000 }],
    } });
    let flag = |name: String| -> Result<(String, Flag), String> {
        let mut flag = json!({
            "key": name, "version": 1, "on": true, "targets": [], "rules": [], "prerequisites": [],
            "fallthrough": rollout, "offVariation": 1, "variations": [true, false], "salt": name,
        });
        if name == RULED {
            let mut rule: Value = rollout.clone();
            rule["id"] = json!("country");
            rule["trackEvents"] = json!(false);
            rule["clauses"] = json!([
                { "contextKind": "user", "attribute": "country", "op": "in", "negate": false, "values": ["DE", "AT", "CH"] }
            ]);
            flag["rules"] = json!([rule]);
            flag["fallthrough"] = json!({ "variation": 1 });
        }
        serde_json::from_value(flag).map(|flag| (name, flag)).map_err(|error| error.to_string())
    };
    let loaded = Arc::new(Loaded(names().map(flag).collect::<Result<_, String>>()?));
    let plain = |loaded: &Loaded, key: &str| {
        ContextBuilder::new(key).build().is_ok_and(|context| loaded.is_on(PLAIN, &context))
    };
    let rule = |loaded: &Loaded, key: &str, country: &str| {
        ruled(key, country).is_some_and(|context| loaded.is_on(RULED, &context))
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
            "builds a context, evaluates without events: hashes with SHA-1, says why",
            move |key| plain(&one, key),
        ),
        Row::new(name(PEER, "rule"), "the same with three attributes, and one rule", move |key| {
            rule(&two, key, black_box("DE"))
        }),
    ])
}
