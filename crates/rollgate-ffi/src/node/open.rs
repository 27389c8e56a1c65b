//! Opening, sharing and closing an engine.

use std::sync::Arc;

use rollgate::Engine;
use rollgate::clock::{Clock, ManualClock, SystemClock};
use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::time::Timestamp;
use rollgate::read::Format;
use serde_json::{Map, Value};

use super::call::{Answer, Call};
use super::events::Audience;
use super::objects;
use super::seat::{Core, Seat};
use super::throw::Thrown;

/// `open(options)`: options as JSON.
///
/// One of `plan` (a path), `config` (an object), `text` with `format`; and `store` (a path), `clock` (`system` or `manual`),
/// `at` (where a manual clock begins: RFC 3339 or milliseconds), `seed` (shares by name).
pub(super) fn open(call: &Call) -> Answer {
    let options = call.text(0, "options")?;
    objects::handle(call.env, Seat::opened(core(&options)?))
}

/// `share(engine)`: a token for [`attach`].
pub(super) fn share(call: &Call) -> Answer {
    call.env.string(&call.seat()?.share()?)
}

/// `attach(token)`: the same engine, in another thread of this process.
pub(super) fn attach(call: &Call) -> Answer {
    let token = call.text(0, "token")?;
    objects::handle(call.env, Seat::attached(&token)?)
}

/// `close(engine)`
pub(super) fn close(call: &Call) -> Answer {
    call.seat()?.close();
    call.env.undefined()
}

/// `isClosed(engine)`
pub(super) fn is_closed(call: &Call) -> Answer {
    call.env.boolean(call.seat()?.read(|_| ()).is_none())
}

fn core(options: &str) -> Result<Core, Error> {
    let mut options: Map<String, Value> =
        serde_json::from_str(options).map_err(|error| invalid(format_args!("options: {error}")))?;
    let mut take = |name: &str| options.remove(name).filter(|value| !value.is_null());
    let store = match take("store") {
        None => None,
        Some(Value::String(path)) if !path.is_empty() => Some(path),
        Some(_) => return Err(invalid("store: expected the path of a file")),
    };
    let mut builder = Engine::builder();
    builder = match (take("plan"), take("config"), take("text")) {
        (Some(Value::String(path)), None, None) => builder.plan_file(path)?,
        (None, Some(config), None) => builder.plan_object(&config)?,
        (None, None, Some(Value::String(text))) => builder.plan_text(&text, format(take("format"))?)?,
        _ => return Err(invalid("an engine needs one plan: the path of a file, an object, or a text")),
    };
    if let Some(seed) = take("seed") {
        let Value::Object(seed) = seed else { return Err(invalid("seed: expected an object of shares")) };
        builder = builder.seed_from(move |name| seed.get(name).map(words));
    }
    let manual = match (take("clock"), take("at")) {
        (Some(Value::String(clock)), at) if clock == "manual" => Some(ManualClock::at(start(at)?)),
        (None, None) => None,
        (Some(Value::String(clock)), None) if clock == "system" => None,
        (None, Some(_)) => return Err(invalid("at: expected clock \"manual\" beside it")),
        _ => return Err(invalid("clock: expected \"system\", or \"manual\" and optionally at")),
    };
    if let Some(name) = options.keys().next() {
        return Err(invalid(format_args!("there is no option `{name}`")));
    }
    if let Some(clock) = &manual {
        builder = builder.clock(clock.clone());
    }
    if let Some(path) = store {
        builder = builder.store_file(path)?;
    }
    let audience = Arc::new(Audience::default());
    let told = audience.clone();
    let engine = builder.on_record(move |line| told.tell(line)).build()?;
    Ok(Core::new(engine, manual, audience))
}

/// A seed as a variable of the environment would say it.
fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn format(name: Option<Value>) -> Result<Format, Error> {
    match name.as_ref().map(|name| name.as_str().unwrap_or_default()) {
        None | Some("yaml") => Ok(Format::Yaml),
        Some("toml") => Ok(Format::Toml),
        Some("json") => Ok(Format::Json),
        Some(_) => Err(invalid("format: expected yaml, toml or json")),
    }
}

fn start(at: Option<Value>) -> Result<Timestamp, Error> {
    match at {
        None => Ok(SystemClock::new().wall()),
        Some(Value::String(text)) => Timestamp::parse(&text),
        Some(Value::Number(ms)) => {
            let ms = ms.as_i64().or_else(|| ms.as_f64().filter(|ms| ms.fract() == 0.0).map(|ms| ms as i64));
            ms.map(Timestamp).ok_or_else(|| invalid("at: expected whole milliseconds"))
        }
        Some(_) => Err(invalid("at: expected RFC 3339, or milliseconds since the epoch")),
    }
}

fn invalid(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidArgument, why)
}

/// `advance(engine, ms)`: time passes on a manual clock, and everything that is due on the way is done.
pub(super) fn advance(call: &Call) -> Answer {
    use rollgate::core::time::Span;

    let seat = call.seat()?;
    let mut rest = call.whole(1, "ms")?;
    let engine = seat.engine()?;
    let clock = seat.core().clock.as_ref().ok_or_else(|| {
        Thrown::from(invalid("only a manual clock can be advanced; open the engine with clock: \"manual\""))
    })?;
    loop {
        let step = engine.until_wakeup().0.min(rest);
        clock.advance(Span(step));
        rest -= step;
        engine.tick();
        if rest == 0 {
            break;
        }
        // Where something is due at once again, time still goes on.
        if engine.until_wakeup().0 == 0 {
            clock.advance(Span(1));
            rest -= 1;
        }
    }
    call.env.undefined()
}
