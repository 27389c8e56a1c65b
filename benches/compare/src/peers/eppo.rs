//! Eppo's core.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use chrono::Utc;
use eppo_core::eval::get_assignment;
use eppo_core::ufc::{AssignmentValue, UniversalFlagConfig, VariationType};
use eppo_core::{AttributeValue, Attributes, Configuration, SdkMetadata, Str};
use serde_json::{Value, json};

use super::list::{PLAIN, RULED, name, names};
use crate::row::{Row, check};

const PEER: &str = "eppo_core";

/// Its rows.
pub fn rows() -> Result<Vec<Row>, String> {
    let flag = |name: String| -> (String, Value) {
        let rules = if name == RULED {
            json!([{ "conditions": [{ "attribute": "country", "operator": "ONE_OF", "value": ["DE", "AT", "CH"] }] }])
        } else {
            json!([])
        };
        let shards =
            |start: u32, end: u32| json!([{ "salt": name, "ranges": [{ "start": start, "end": end }] }]);
        let flag = json!({
            "key": name, "enabled": true, "variationType": "BOOLEAN", "totalShards": 10_000,
            "variations": { "on": { "key": "on", "value": true }, "off": { "key": "off", "value": false } },
            "allocations": [{
                "key": "rollout", "rules": rules, "doLog": false,
                "splits": [
                    { "variationKey": "on", "shards": shards(0, 1_000) },
                    { "variationKey": "off", "shards": shards(1_000, 10_000) },
                ],
            }],
        });
        (name, flag)
    };
    let flags: serde_json::Map<String, Value> = names().map(flag).collect();
    let config = json!({
        "createdAt": "2026-01-01T00:00:00Z", "format": "SERVER", "environment": { "name": "bench" }, "flags": flags,
    });
    let metadata = SdkMetadata { name: "bench", version: "0.1.0" };
    let config = UniversalFlagConfig::from_json(metadata, config.to_string().into_bytes());
    let config = Configuration::from_server_response(config.map_err(|error| error.to_string())?, None);
    let config = Arc::new(config);
    let now = Utc::now();
    let ask = move |config: &Configuration, flag: &str, key: &str, attributes: &Arc<Attributes>| {
        let boolean = Some(VariationType::Boolean);
        let answer = get_assignment(Some(config), black_box(flag), &Str::from(key), attributes, boolean, now);
        matches!(answer, Ok(Some(found)) if found.value == AssignmentValue::Boolean(true))
    };
    let attributes = |country: &'static str| -> Arc<Attributes> {
        let text = |text: &'static str| AttributeValue::from(Str::from_static_str(text));
        let pairs = [("country", text(country)), ("plan", text("pro")), ("age", AttributeValue::from(31.0))];
        Arc::new(pairs.into_iter().map(|(name, value)| (Str::from_static_str(name), value)).collect())
    };
    let none: Arc<Attributes> = Arc::new(HashMap::new());
    check(PEER, |key| ask(&config, PLAIN, key, &none))?;
    check(PEER, |key| ask(&config, RULED, key, &attributes("DE")))?;
    if ask(&config, RULED, "user-1", &attributes("FR")) {
        return Err("the rule is not asked".to_owned());
    }
    let (one, two) = (config.clone(), config);
    Ok(vec![
        Row::new(
            name(PEER, "plain"),
            "get_assignment without logging, the time given: hashes with MD5, typed value",
            move |key| ask(&one, PLAIN, key, &none),
        ),
        Row::new(
            name(PEER, "rule"),
            "the same with a shared map of three attributes, and one rule",
            move |key| ask(&two, RULED, key, &attributes(black_box("DE"))),
        ),
    ])
}
