//! The rollout: time, commands, and what can be read of it.

use rollgate::core::decide::Status;
use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::report::Form;
use rollgate::{Engine, Report, wire};

use super::call::{Answer, Call};
use super::events::list;
use super::throw::Thrown;

// ---- time

/// `tick(engine)`
pub(super) fn tick(call: &Call) -> Answer {
    call.engine()?.tick();
    call.env.undefined()
}

/// `startTicker(engine)`
pub(super) fn start_ticker(call: &Call) -> Answer {
    let seat = call.seat()?;
    seat.engine()?;
    seat.core().start_ticker()?;
    call.env.undefined()
}

/// `stopTicker(engine)`: nothing, where none runs.
pub(super) fn stop_ticker(call: &Call) -> Answer {
    call.seat()?.core().stop_ticker();
    call.env.undefined()
}

/// `nextWakeup(engine)`: observed time, in milliseconds since the epoch.
pub(super) fn next_wakeup(call: &Call) -> Answer {
    call.env.number(call.engine()?.next_wakeup().0 as f64)
}

/// `untilWakeup(engine)`: milliseconds.
pub(super) fn until_wakeup(call: &Call) -> Answer {
    call.env.number(call.engine()?.until_wakeup().0 as f64)
}

// ---- commands

/// `command(engine, json)`
pub(super) fn command(call: &Call) -> Answer {
    let engine = call.engine()?;
    engine.command_json(&call.text(1, "command")?)?;
    call.env.undefined()
}

// ---- reading

/// `status(engine)`, as JSON.
pub(super) fn status(call: &Call) -> Answer {
    call.env.string(&wire::status(&call.engine()?.status())?)
}

/// `shares(engine)`, as JSON: fractions by flag.
pub(super) fn shares(call: &Call) -> Answer {
    let shares = call.engine()?.shares().into_iter();
    let shares = shares.map(|(flag, share)| (flag.as_str().to_owned(), share.fraction().into()));
    call.env.string(&serde_json::Value::Object(shares.collect()).to_string())
}

/// `journal(engine, afterSeq)`, as a JSON list.
pub(super) fn journal(call: &Call) -> Answer {
    let after = call.whole(1, "afterSeq")?;
    call.env.string(&list(call.engine()?.journal_after(after)))
}

/// `scorecard(engine, format, form)`: `json`, `markdown` or `text`; the form may be `undefined`.
pub(super) fn scorecard(call: &Call) -> Answer {
    let engine = call.engine()?;
    let format = call.text(1, "format")?;
    let form = form(&engine, call.optional_text(2, "form")?.as_deref())?;
    let card = engine.scorecard(form);
    let text = match &*format {
        "json" => serde_json::to_string(&card).map_err(unwritten)?,
        "markdown" => card.to_markdown(),
        "text" => card.to_text(),
        _ => return Err(formats(&format)),
    };
    call.env.string(&text)
}

/// `report(engine, name, format)`
pub(super) fn report(call: &Call) -> Answer {
    let engine = call.engine()?;
    let name = call.text(1, "name")?;
    let format = call.text(2, "format")?;
    let report = Report::ALL.into_iter().find(|report| report.name() == name).ok_or_else(|| {
        let names = Report::ALL.map(Report::name).join(", ");
        Thrown::from(Error::new(
            ErrorKind::UnknownName,
            format_args!("there is no report `{name}`; there are {names}"),
        ))
    })?;
    let document = engine.report(report);
    let text = match &*format {
        "json" => serde_json::to_string(&document).map_err(unwritten)?,
        "markdown" => document.to_markdown(),
        "text" => document.to_text(),
        _ => return Err(formats(&format)),
    };
    call.env.string(&text)
}

/// `prometheus(engine)`
pub(super) fn prometheus(call: &Call) -> Answer {
    call.env.string(&call.engine()?.prometheus())
}

fn unwritten(error: serde_json::Error) -> Thrown {
    Error::new(ErrorKind::General, error).into()
}

/// The form that was asked for; else the one that the command line takes.
fn form(engine: &Engine, name: Option<&str>) -> Result<Form, Thrown> {
    match name {
        Some("daily") => Ok(Form::Daily),
        Some("weekly") => Ok(Form::Weekly),
        Some("phase") => Ok(Form::Phase),
        Some("final") => Ok(Form::Final),
        Some(other) => Err(Thrown::out_of_range(format_args!(
            "form: expected daily, weekly, phase or final, found `{other}`"
        ))),
        None if engine.status().status == Status::Completed => Ok(Form::Final),
        None => Ok(Form::Phase),
    }
}

fn formats(found: &str) -> Thrown {
    Thrown::out_of_range(format_args!("format: expected json, markdown or text, found `{found}`"))
}
