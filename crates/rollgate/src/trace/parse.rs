//! Which event a line is, and its fields.

use std::borrow::Cow;

use rollgate_core::decide::Command;
use rollgate_core::limits::ALERT_ID_BYTES_MAX;
use rollgate_core::metrics::Arm;
use rollgate_core::snapshot::Severity;

use super::command::command;
use super::fields::{Fields, Raw};
use super::line::Values;
use super::{Event, Line, Live, Sample, TraceError};

/// Reads one line.
///
/// # Errors
/// With the path in the line and what was expected: not one JSON object, a field that is missing, repeated, unknown, of
/// another type, or in conflict with another one.
///
/// # Cost
/// One allocation for a sample; names are borrowed from the line.
pub fn parse_line(line: &str) -> Result<Line<'_>, TraceError> {
    let mut fields = Fields::read(line)?;
    let at = fields.time("at")?;
    Ok(Line { at, event: event(fields)? })
}

/// Reads one command: a line without its `at`.
///
/// # Errors
/// As [`parse_line`].
pub fn parse_command(line: &str) -> Result<Command, TraceError> {
    command(Fields::read(line)?)
}

fn event(mut fields: Fields<'_>) -> Result<Event<'_>, TraceError> {
    // A remark may name a metric, so that a command is looked for first.
    if fields.has("command") {
        return command(fields).map(Event::Command);
    }
    if fields.has("metric") {
        return metric(fields);
    }
    if fields.has("alert") {
        let severity = fields.text("alert", "info, warning or critical")?;
        let Some(severity) = Severity::of_name(&severity) else {
            return Err(Raw::Text(severity).mismatch("alert", "info, warning or critical"));
        };
        let id = alert_id(&mut fields, "id")?;
        fields.finish("alert", "alert, id")?;
        return Ok(Event::AlertOpened { severity, id });
    }
    if fields.has("alert_closed") {
        let id = alert_id(&mut fields, "alert_closed")?;
        fields.finish("alert_closed", "alert_closed")?;
        return Ok(Event::AlertClosed { id });
    }
    if let Some(sources) = fields.take("live") {
        let live = live(sources)?;
        fields.finish("live", "live")?;
        return Ok(Event::Live(live));
    }
    if fields.has("tick") {
        fields.mark("tick")?;
        fields.finish("tick", "tick")?;
        return Ok(Event::Tick);
    }
    if fields.has("restart") {
        fields.mark("restart")?;
        let down_since = fields.time("down_since")?;
        fields.finish("restart", "restart, down_since")?;
        return Ok(Event::Restart { down_since });
    }
    const KINDS: &str = "metric, alert, alert_closed, live, command, tick or restart";
    Err(TraceError::new("", format_args!("says nothing that happened; expected one of {KINDS} beside at")))
}

fn metric(mut fields: Fields<'_>) -> Result<Event<'_>, TraceError> {
    let metric = fields.text("metric", "a metric's name")?;
    let has_value = fields.has("value");
    if has_value || fields.has("values") {
        let values = if has_value { Values::One(fields.number("value")?) } else { values(&mut fields)? };
        // A count beside a list could mean each value or all of them.
        let count = if has_value && fields.has("count") { Some(fields.count("count")?) } else { None };
        let (arm, key) = sides(&mut fields)?;
        if has_value {
            fields.finish("value", "metric, value, and optionally count, and flag with arm or key")?;
        } else {
            fields.finish("values", "metric, values, and optionally flag with arm or key")?;
        }
        return Ok(Event::Sample(Sample { metric, count, arm, key, values }));
    }
    if fields.has("true") || fields.has("total") {
        let (true_count, total) = (fields.count("true")?, fields.count("total")?);
        if true_count > total {
            return Err(TraceError::new(
                "true",
                format_args!("{true_count} is more than the total of {total}"),
            ));
        }
        let (arm, key) = sides(&mut fields)?;
        fields.finish("true and total", "metric, true, total, and optionally flag with arm or key")?;
        return Ok(Event::Outcomes { metric, true_count, total, arm, key });
    }
    if fields.has("points") {
        let points = fields.number("points")?;
        fields.finish("points", "metric, points")?;
        return Ok(Event::Points { metric, points });
    }
    if fields.has("rating") {
        let rating = fields.number("rating")?;
        let (arm, key) = sides(&mut fields)?;
        fields.finish("rating", "metric, rating, and optionally flag with arm or key")?;
        return Ok(Event::Rating { metric, rating, arm, key });
    }
    if fields.has("count") {
        let count = fields.count("count")?;
        fields.finish("count alone", "metric, count")?;
        return Ok(Event::Events { metric, count });
    }
    const KINDS: &str = "value, values, true with total, count, points or rating";
    Err(TraceError::new("metric", format_args!("nothing recorded; expected one of {KINDS} beside it")))
}

fn values(fields: &mut Fields<'_>) -> Result<Values, TraceError> {
    const EXPECTED: &str = "a list of numbers, at least one";
    let Some(raw) = fields.take("values") else {
        return Err(TraceError::new("values", format_args!("missing; expected {EXPECTED}")));
    };
    let Raw::List(list) = raw else { return Err(raw.mismatch("values", EXPECTED)) };
    if list.is_empty() {
        return Err(TraceError::new("values", format_args!("empty; expected {EXPECTED}")));
    }
    let number = |(index, raw): (usize, &Raw<'_>)| {
        raw.number().ok_or_else(|| raw.mismatch(format!("values[{index}]"), "a number"))
    };
    Ok(Values::Many(list.iter().enumerate().map(number).collect::<Result<_, _>>()?))
}

type Sides<'a> = (Option<(Cow<'a, str>, Arm)>, Option<Cow<'a, str>>);

/// `flag` with `arm`, or `key`: two ways to say whose sample it is, and only one of them.
fn sides<'a>(fields: &mut Fields<'a>) -> Result<Sides<'a>, TraceError> {
    let key = fields.optional_text("key", "a subject's key as text")?;
    if !fields.has("flag") && !fields.has("arm") {
        return Ok((None, key));
    }
    let flag = fields.text("flag", "the flag that arm is a side of")?;
    let arm = match fields.text("arm", "\"on\" or \"off\"")? {
        on if on == "on" => Arm::On,
        off if off == "off" => Arm::Off,
        other => return Err(Raw::Text(other).mismatch("arm", "\"on\" or \"off\"")),
    };
    match key {
        None => Ok((Some((flag, arm)), None)),
        Some(_) => Err(TraceError::new(
            "key",
            "in conflict with flag and arm; expected either them, or the key that the arms follow from",
        )),
    }
}

fn alert_id<'a>(fields: &mut Fields<'a>, name: &str) -> Result<Cow<'a, str>, TraceError> {
    let id = fields.text(name, "the alert's id")?;
    if id.len() > ALERT_ID_BYTES_MAX {
        return Err(TraceError::new(name, format_args!("an alert's id has 1 to {ALERT_ID_BYTES_MAX} bytes")));
    }
    Ok(id)
}

fn live(sources: Raw<'_>) -> Result<Live<'_>, TraceError> {
    const EXPECTED: &str = "\"all\", or a list of event metrics and \"alerts\"";
    match sources {
        Raw::Text(all) if all == "all" => Ok(Live::All),
        Raw::List(list) => names("live", list, "an event metric, or \"alerts\"").map(Live::Sources),
        other => Err(other.mismatch("live", EXPECTED)),
    }
}

/// A list of texts.
pub(super) fn names<'a>(
    path: &str,
    list: Vec<Raw<'a>>,
    expected: &str,
) -> Result<Vec<Cow<'a, str>>, TraceError> {
    let name = |(index, raw)| match raw {
        Raw::Text(name) => Ok(name),
        other => Err(Raw::mismatch(&other, format!("{path}[{index}]"), expected)),
    };
    list.into_iter().enumerate().map(name).collect()
}
