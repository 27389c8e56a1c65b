//! Unleash's delta of events, played to the state that it ends in.

use serde_json::Value;

use super::super::NoteKind;
use super::super::draft::Draft;

/// Features and segments, each with its place in the file.
#[derive(Default)]
pub(super) struct State {
    pub(super) features: Vec<(String, Value)>,
    pub(super) segments: Vec<(String, Value)>,
}

/// Puts a value in the place of the one of the same key.
fn put(list: &mut Vec<(String, Value)>, key: &str, path: String, value: &Value) {
    let of = |value: &Value| value.get(key).cloned();
    match list.iter_mut().find(|(_, other)| of(other) == of(value)) {
        Some(slot) => *slot = (path, value.clone()),
        None => list.push((path, value.clone())),
    }
}

/// Plays the events.
pub(super) fn state(events: &[Value], draft: &mut Draft) -> State {
    let mut state = State::default();
    for (index, event) in events.iter().enumerate() {
        let at = |key: &str| format!("events[{index}].{key}");
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
        let items =
            |key: &'static str| event.get(key).and_then(Value::as_array).into_iter().flatten().enumerate();
        match (kind, event) {
            ("hydration", _) => {
                state = State::default();
                for (place, feature) in items("features") {
                    put(&mut state.features, "name", at(&format!("features[{place}]")), feature);
                }
                for (place, segment) in items("segments") {
                    put(&mut state.segments, "id", at(&format!("segments[{place}]")), segment);
                }
            }
            ("feature-updated", event) if event.get("feature").is_some() => {
                put(&mut state.features, "name", at("feature"), &event["feature"]);
            }
            ("segment-updated", event) if event.get("segment").is_some() => {
                put(&mut state.segments, "id", at("segment"), &event["segment"]);
            }
            ("feature-removed", event) => {
                state.features.retain(|(_, feature)| feature.get("name") != event.get("featureName"));
            }
            ("segment-removed", event) => {
                state.segments.retain(|(_, segment)| segment.get("id") != event.get("segmentId"));
            }
            _ => {
                let what = format!("an event of type `{kind}` that is not known, or has nothing in it");
                draft.note(NoteKind::Malformed, &at("type"), what);
            }
        }
    }
    state
}
