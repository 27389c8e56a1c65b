//! Later.
pub(super) fn read(_: &serde_json::Value, _: &mut super::draft::Draft) -> Result<(), String> { Err("not yet".into()) }
