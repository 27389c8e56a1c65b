//! What happens in a simulated world, one thing at a time, and how a trace writes it.

use rollgate::core::decide::{Action, Choice, Command};
use rollgate::core::snapshot::Severity;
use rollgate::core::time::{Span, Timestamp};
use serde_json::{Map, Value, json};

use super::sinks::Mood;

/// Whose sample it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Whose {
    /// Nobody's.
    Nobody,
    /// A subject's.
    Key(String),
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event {
    /// Time passes.
    Pass(Span),
    /// The host calls `tick`.
    Tick,
    /// Samples of one value of a distribution, a gauge or ratings.
    Value { metric: &'static str, value: f64, count: u64, whose: Whose },
    /// Outcomes of the ratio.
    Outcomes { metric: &'static str, trues: u64, total: u64, whose: Whose },
    /// Events.
    Count { metric: &'static str, count: u64 },
    /// Measured points.
    Points { metric: &'static str, points: f64 },
    /// An alert opens.
    Alert { severity: Severity, id: String },
    /// An alert closes.
    Closed { id: String },
    /// Handles are opened: every event source is live.
    Live,
    /// Somebody asks for something.
    Ask(Command),
    /// Somebody sets the calendar, or the machine was suspended.
    Jump(i64),
    /// The store goes away.
    Away,
    /// The store is back.
    Back,
    /// The process ends and comes back after so long.
    Restart(Span),
    /// A sink of notices does otherwise from now on.
    Sink { channel: usize, mood: Mood },
}

impl Event {
    /// The trace's line, where a trace has one; `None` for what only this simulator can do.
    pub(super) fn line(&self, at: Timestamp) -> Option<Option<Value>> {
        let mut map = Map::new();
        map.insert("at".into(), at.0.into());
        let put = |map: &mut Map<String, Value>, fields: Value| {
            if let Value::Object(fields) = fields {
                map.extend(fields);
            }
        };
        match self {
            Self::Pass(_) => return Some(None),
            Self::Tick => put(&mut map, json!({ "tick": true })),
            // JSON has no NaN, and a trace so has none either.
            Self::Value { value, .. } if !value.is_finite() => return None,
            Self::Value { metric, value, count, whose } => {
                let is_rating = *metric == "nps";
                if is_rating && *count != 1 {
                    return None;
                }
                let field = if is_rating { "rating" } else { "value" };
                put(&mut map, json!({ "metric": metric, field: value }));
                if *count != 1 {
                    put(&mut map, json!({ "count": count }));
                }
                if let Whose::Key(key) = whose {
                    put(&mut map, json!({ "key": key }));
                }
            }
            Self::Outcomes { metric, trues, total, whose } => {
                put(&mut map, json!({ "metric": metric, "true": trues, "total": total }));
                if let Whose::Key(key) = whose {
                    put(&mut map, json!({ "key": key }));
                }
            }
            Self::Count { metric, count } => put(&mut map, json!({ "metric": metric, "count": count })),
            Self::Points { metric, points } => put(&mut map, json!({ "metric": metric, "points": points })),
            Self::Alert { severity, id } => put(&mut map, json!({ "alert": severity.name(), "id": id })),
            Self::Closed { id } => put(&mut map, json!({ "alert_closed": id })),
            Self::Live => put(&mut map, json!({ "live": "all" })),
            Self::Ask(command) => put(&mut map, asked(command)),
            Self::Jump(_) | Self::Away | Self::Back | Self::Restart(_) | Self::Sink { .. } => return None,
        }
        Some(Some(Value::Object(map)))
    }
}

fn asked(command: &Command) -> Value {
    let mut map = Map::new();
    map.insert("command".into(), command.action.name().into());
    map.insert("by".into(), command.by.as_str().into());
    if let Some(role) = &command.role {
        map.insert("role".into(), role.as_str().into());
    }
    let fields = match &command.action {
        Action::Start | Action::Retry | Action::CaptureBaseline => json!({}),
        Action::Check { item } | Action::Acknowledge { item } => json!({ "item": item.as_str() }),
        Action::Report(result) => {
            let mut fields =
                json!({ "action": result.action.as_str(), "ok": result.is_ok, "output": result.output });
            if let Some(run) = result.run {
                fields["run"] = run.into();
            }
            fields
        }
        Action::Annotate { text, metric } => {
            let mut fields = json!({ "text": text });
            if let Some(metric) = metric {
                fields["metric"] = metric.as_str().into();
            }
            fields
        }
        Action::FollowUp { item, title, owner, due } => {
            json!({ "item": item.as_str(), "title": title, "owner": owner.as_str(), "due": due })
        }
        Action::Attest { item, passed: Some((passed, of)), .. } => {
            json!({ "item": item.as_str(), "passed": passed, "of": of })
        }
        Action::Attest { item, is_true, .. } => json!({ "item": item.as_str(), "value": is_true }),
        Action::Decide { choice, rationale } => {
            let mut fields = json!({ "choice": choice.name(), "rationale": rationale });
            match choice {
                Choice::Go { override_reason: Some(reason) } => fields["override"] = reason.as_str().into(),
                Choice::Rollback { to: Some(to) } => fields["to"] = to.as_str().into(),
                _ => {}
            }
            fields
        }
        Action::Approve { proposal, rationale } => {
            json!({ "proposal": proposal.as_str(), "rationale": rationale })
        }
        Action::Dismiss { proposal, reason } => json!({ "proposal": proposal.as_str(), "reason": reason }),
        Action::Set { shares, reason } => {
            let shares: Map<String, Value> =
                shares.iter().map(|(flag, share)| (flag.to_string(), share.fraction().into())).collect();
            json!({ "shares": shares, "reason": reason })
        }
        Action::Release { flags } => {
            json!({ "flags": flags.iter().map(|flag| flag.as_str()).collect::<Vec<_>>() })
        }
        Action::Pause { reason } | Action::Resume { reason } | Action::Stop { reason } => {
            json!({ "reason": reason })
        }
    };
    if let Value::Object(fields) = fields {
        map.extend(fields);
    }
    Value::Object(map)
}
