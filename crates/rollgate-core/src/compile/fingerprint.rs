//! The fingerprint of a plan: of what is written, not of how this version compiles it.
//!
//! A rollout lasts for weeks and outlives versions of the library, so the fingerprint is made of the plan's own keys and
//! values, in the order of the format's types. Keys that are not written do not count, so a format that learns new keys
//! leaves the fingerprints of old plans alone. `0.10` and `0.1` are one number.

use serde::Deserialize;
use xxhash_rust::xxh3::Xxh3;

use crate::config::{Config, Node, Scalar, TreeError, Value};
use crate::id::Key;

/// 32 hex digits; the same for the YAML, TOML and JSON forms of one plan.
pub(super) fn fingerprint(tree: &Node) -> Result<Key, TreeError> {
    // Through the types and back: keys come into one order, and absent ones vanish.
    let config = Config::deserialize(tree)?;
    let mut hash = Xxh3::new();
    add(&mut hash, &Node::of(&config)?);
    Ok(Key::new(format!("{:032x}", hash.digest128())))
}

/// Every value with its kind and its length, so that no two trees read alike.
fn add(hash: &mut Xxh3, node: &Node) {
    let mut begin = |kind: u8, length: usize| {
        hash.update(&[kind]);
        hash.update(&(length as u64).to_le_bytes());
    };
    match &node.value {
        Value::Scalar(Scalar::Null) => begin(b'0', 0),
        Value::Scalar(Scalar::Bool(value)) => begin(b'b', usize::from(*value)),
        Value::Scalar(Scalar::Number(text) | Scalar::Text(text)) => {
            let text = number(text).unwrap_or_else(|| text.clone());
            begin(b't', text.len());
            hash.update(text.as_bytes());
        }
        Value::List(items) => {
            begin(b'l', items.len());
            items.iter().for_each(|item| add(hash, item));
        }
        Value::Map(entries) => {
            begin(b'm', entries.len());
            for (key, _, node) in entries {
                hash.update(&(key.len() as u64).to_le_bytes());
                hash.update(key.as_bytes());
                add(hash, node);
            }
        }
    }
}

/// A decimal fraction without the zeros at its end.
fn number(text: &str) -> Option<String> {
    let is_plain = text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value = text.parse::<f64>().ok().filter(|_| is_plain)?;
    Some(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(plan: &serde_json::Value) -> Key {
        fingerprint(&Node::of(plan).unwrap()).unwrap()
    }

    #[test]
    fn the_order_of_a_plans_own_keys_does_not_count_and_that_of_chosen_names_does() {
        let plan = json!({ "version": 1, "name": "n", "flags": { "A": {}, "B": {} } });
        let other = json!({ "flags": { "A": {}, "B": {} }, "name": "n", "version": 1 });
        assert_eq!(of(&plan), of(&other));
        assert_ne!(of(&plan), of(&json!({ "version": 1, "name": "n", "flags": { "B": {}, "A": {} } })));
        assert_ne!(of(&plan), of(&json!({ "version": 1, "name": "nA", "flags": { "A": {}, "B": {} } })));
    }

    #[test]
    fn one_number_has_one_fingerprint() {
        let share = |share: serde_json::Value| {
            of(&json!({ "version": 1, "name": "n", "flags": { "A": { "share": share } } }))
        };
        assert_eq!(share(json!("0.10")), share(json!(0.1)));
        assert_ne!(share(json!("10%")), share(json!("1%")));
    }

    /// What was written years ago is the same plan today.
    #[test]
    fn the_fingerprint_is_frozen() {
        let plan =
            json!({ "version": 1, "name": "n", "flags": { "A": { "share": "10%", "enabled": true } } });
        assert_eq!(of(&plan), "7cc75744d75c2ed2d8a568d7e25e0c98");
    }
}
