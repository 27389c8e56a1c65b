//! Statsig's server core, with events switched off.

use std::hint::black_box;
use std::sync::Arc;

use serde_json::{Value, json};
use statsig_rust::{
    DynamicValue, FeatureGateEvaluationOptions, Statsig, StatsigBootstrapSpecsAdapter, StatsigOptions,
    StatsigUser, StatsigUserBuilder,
};

use super::list::{PLAIN, RULED, name, names};
use crate::row::{Row, check};

const PEER: &str = "statsig-rust";

struct Client {
    statsig: Statsig,
    /// Its own threads live as long as this.
    _runtime: tokio::runtime::Runtime,
}

impl Client {
    fn is_on(&self, gate: &str, user: &StatsigUser) -> bool {
        let quiet = FeatureGateEvaluationOptions { disable_exposure_logging: true };
        self.statsig.check_gate_with_options(user, black_box(gate), quiet)
    }
}

fn specs() -> Value {
    let gate = |name: String| -> (String, Value) {
        let condition = if name == RULED { "country" } else { "everybody" };
        let gate = json!({
            "type": "feature_gate", "salt": name, "enabled": true, "defaultValue": false, "idType": "userID",
            "entity": "feature_gate",
            "rules": [{
                "name": "rollout", "id": "rollout", "salt": name, "passPercentage": 10, "conditions": [condition],
                "returnValue": true, "idType": "userID",
            }],
        });
        (name, gate)
    };
    let gates: serde_json::Map<String, Value> = names().map(gate).collect();
    json!({
        "feature_gates": gates, "dynamic_configs": {}, "layer_configs": {}, "experiment_to_layer": {},
        "has_updates": true, "time": 1_723_061_643_057_u64, "company_id": "bench", "response_format": "dcs-v2",
        "condition_map": {
            "everybody": { "type": "public", "targetValue": null, "operator": null, "field": null, "idType": "userID" },
            "country": {
                "type": "user_field", "targetValue": ["DE", "AT", "CH"], "operator": "any", "field": "country",
                "additionalValues": {}, "idType": "userID",
            },
        },
        "sdk_keys_to_app_ids": {}, "id_lists": {}, "diagnostics": {},
    })
}

/// Its rows.
pub fn rows() -> Result<Vec<Row>, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let options = StatsigOptions {
        specs_adapter: Some(Arc::new(StatsigBootstrapSpecsAdapter::new(specs().to_string()))),
        disable_all_logging: Some(true),
        disable_network: Some(true),
        disable_country_lookup: Some(true),
        disable_disk_access: Some(true),
        enable_id_lists: Some(false),
        ..StatsigOptions::new()
    };
    let statsig = runtime.block_on(async {
        let statsig = Statsig::new("secret-key", Some(Arc::new(options)));
        statsig.initialize().await.map(|()| statsig)
    });
    let statsig = statsig.map_err(|error| error.to_string())?;
    let client = Arc::new(Client { statsig, _runtime: runtime });
    let plain = |client: &Client, key: &str| client.is_on(PLAIN, &StatsigUser::with_user_id(key));
    let rule = |client: &Client, key: &str, country: &str| {
        let custom = [("plan", DynamicValue::from("pro")), ("age", DynamicValue::from(31.0))];
        let custom = custom.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let user =
            StatsigUserBuilder::new_with_user_id(key).country(Some(country.to_owned())).custom(Some(custom));
        client.is_on(RULED, &user.build())
    };
    check(PEER, |key| plain(&client, key))?;
    check(PEER, |key| rule(&client, key, "DE"))?;
    if rule(&client, "user-1", "FR") {
        return Err("the rule is not asked".to_owned());
    }
    let (one, two) = (client.clone(), client);
    Ok(vec![
        Row::new(
            name(PEER, "plain"),
            "builds a user, checks a gate without exposure: hashes with SHA-256, details",
            move |key| plain(&one, key),
        ),
        Row::new(name(PEER, "rule"), "the same with three attributes, and one condition", move |key| {
            rule(&two, key, black_box("DE"))
        }),
    ])
}
