//! Records as JSON: the fields that every record has, then its own.

use rollgate_core::decide::Record;
use rollgate_core::snapshot::Ruleset;
use rollgate_core::time::{Now, Timestamp};
use serde_json::{Map, Value};

/// The calendar's time of a journal line.
pub(super) fn wall_of(line: &str) -> Option<Timestamp> {
    let record: Value = serde_json::from_str(line).ok()?;
    Timestamp::parse(record.get("at")?.as_str()?).ok()
}

/// A record as a map in the order that journals are written in; the journal adds the hash.
pub(super) fn record_of(ruleset: &Ruleset, seq: u64, record: &Record, now: Now) -> Map<String, Value> {
    let mut own = match serde_json::to_value(&record.body) {
        Ok(Value::Object(own)) => own,
        // Records are maps of strings, numbers and lists: there is nothing in them that JSON cannot hold.
        _ => Map::new(),
    };
    let kind = own.shift_remove("kind").unwrap_or(Value::Null);
    let phase = record.phase.and_then(|phase| ruleset.plan.as_ref()?.phases.get(phase.index()));
    let mut map = Map::new();
    map.insert("seq".into(), seq.into());
    map.insert("at".into(), now.wall.to_string().into());
    map.insert("observed".into(), now.observed.to_string().into());
    map.insert("kind".into(), kind);
    map.insert("plan".into(), ruleset.name.as_str().into());
    map.insert("phase".into(), phase.map_or(Value::Null, |phase| phase.key.as_str().into()));
    map.insert("status".into(), record.status.name().into());
    map.append(&mut own);
    map
}
