//! Actions before a step.

use super::condition::role;
use super::reader::{Item, Reader};
use crate::id::Key;
use crate::limits::ACTIONS_MAX;
use crate::snapshot::{RoleRule, StepAction};
use crate::time::Span;

/// How long an action may take unless the plan says.
const TIMEOUT: Span = Span::minutes(10);

/// Compiles `actions`, in their order.
pub(super) fn actions(reader: &mut Reader, roles: &[RoleRule], item: Option<Item<'_>>) -> Vec<StepAction> {
    let Some(item) = item else { return Vec::new() };
    let mut actions = Vec::new();
    for (key, _, item) in reader.named(&item, "a map of actions", ACTIONS_MAX) {
        let Some(mut map) = reader.map(&item, "a map with run, expect and timeout") else { continue };
        let title = reader.opt_text(map.take("title"));
        let run = map.take("run").and_then(|item| reader.text(&item));
        let expect =
            map.take("expect").and_then(|item| reader.text(&item)).map(|text| text.trim().to_owned());
        let owner = map.take("owner").and_then(|item| role(reader, roles, &item));
        let timeout =
            map.take("timeout").and_then(|item| reader.span(&item, Span::seconds(1))).unwrap_or(TIMEOUT);
        reader.close(map);
        let title = if title.is_empty() { key.to_owned() } else { title };
        actions.push(StepAction { key: Key::new(key), title, run, expect, owner, timeout });
    }
    actions
}
