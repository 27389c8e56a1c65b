//! Unleash's engine.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use serde_json::{Value, json};
use unleash_yggdrasil::state::{EnrichedContext, PropertiesCow, PropertiesRef};
use unleash_yggdrasil::{Context, EngineState, UpdateMessage};

use super::list::{PLAIN, RULED, name, names};
use crate::row::{Row, check};

const PEER: &str = "unleash-yggdrasil";

fn borrowed<'a>(
    flag: &'a str,
    key: &'a str,
    properties: Option<&'a PropertiesCow<'a>>,
) -> EnrichedContext<'a> {
    EnrichedContext {
        user_id: Some(key),
        session_id: None,
        environment: None,
        app_name: None,
        current_time: None,
        remote_address: None,
        properties: properties.map(PropertiesRef::Cows),
        external_results: None,
        toggle_name: flag,
        runtime_hostname: None,
    }
}

fn attributes(country: &'static str) -> PropertiesCow<'static> {
    let pairs = [("country", country), ("plan", "pro"), ("age", "31")];
    pairs.into_iter().map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value))).collect()
}

/// Its rows.
pub fn rows() -> Result<Vec<Row>, String> {
    let feature = |name: String| -> Value {
        let constraints = if name == RULED {
            json!([{ "contextName": "country", "operator": "IN", "values": ["DE", "AT", "CH"] }])
        } else {
            json!([])
        };
        json!({ "name": name, "enabled": true, "strategies": [{
            "name": "flexibleRollout", "constraints": constraints,
            "parameters": { "rollout": "10", "stickiness": "userId", "groupId": name },
        }] })
    };
    let features: Vec<Value> = names().map(feature).collect();
    let features = serde_json::from_value(json!({ "version": 2, "features": features }));
    let engine = EngineState::default();
    engine.take_state(UpdateMessage::FullResponse(features.map_err(|error| error.to_string())?));
    let engine = Arc::new(engine);
    let plain = |engine: &EngineState, key| {
        engine.check_enabled(&borrowed(black_box(PLAIN), key, None)).unwrap_or(false)
    };
    let rule = |engine: &EngineState, key, country| {
        let attributes = attributes(country);
        engine.check_enabled(&borrowed(black_box(RULED), key, Some(&attributes))).unwrap_or(false)
    };
    check(PEER, |key| plain(&engine, key))?;
    check(PEER, |key| rule(&engine, key, "DE"))?;
    if rule(&engine, "user-1", "FR") {
        return Err("the rule is not asked".to_owned());
    }
    let owned = |key: &str, attributes: Option<HashMap<String, String>>| Context {
        user_id: Some(key.to_owned()),
        session_id: None,
        environment: None,
        app_name: None,
        current_time: None,
        remote_address: None,
        properties: attributes,
    };
    let (one, two, three, four) = (engine.clone(), engine.clone(), engine.clone(), engine);
    Ok(vec![
        Row::new(
            name(PEER, "plain"),
            "check_enabled with a borrowed context: finds the flag, hashes, answers",
            move |key| plain(&one, key),
        ),
        Row::new(
            name(PEER, "rule"),
            "the same with a map of three borrowed attributes, and one constraint",
            move |key| rule(&two, key, black_box("DE")),
        ),
        Row::new(name(PEER, "plain_owned"), "is_enabled with a context that owns its strings", move |key| {
            three.is_enabled(black_box(PLAIN), &owned(key, None), &None)
        }),
        Row::new(
            name(PEER, "rule_owned"),
            "is_enabled with a context that owns its strings, and one constraint",
            move |key| {
                let pairs = [("country", "DE"), ("plan", "pro"), ("age", "31")];
                let attributes = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
                four.is_enabled(black_box(RULED), &owned(key, Some(attributes)), &None)
            },
        ),
    ])
}
