//! Whole evaluations, without a text between the languages: numbers in memory of JavaScript's, which `lib/flag.js` makes
//! an object of, with the words and the values that it has read once.

use napi_sys as sys;
use rollgate::core::evaluate::{ErrorCode, Reason, Served, Value, Variant};
use rollgate::core::snapshot::{NamedVariant, VariantValue};
use rollgate::wire::{self, OwnedContext};
use serde_json::json;

use super::batch;
use super::call::{Answer, Call, Env, carried, guarded, is_undefined};
use super::objects::function;
use super::seat::Seat;
use super::text;
use super::throw::Thrown;

/// Numbers of one evaluation: the side, the variant's place, the places of reason and error, bucket, share, version.
const NUMBERS: usize = 7;
/// Where there is none of something whose numbers begin at 0.
const NONE: f64 = -1.0;

const REASONS: [Reason; 5] =
    [Reason::Static, Reason::Split, Reason::TargetingMatch, Reason::Disabled, Reason::Error];
const ERRORS: [ErrorCode; 4] =
    [ErrorCode::FlagNotFound, ErrorCode::ParseError, ErrorCode::TypeMismatch, ErrorCode::TargetingKeyMissing];

/// A match without a rest: a new reason does not compile until it has a place.
const fn place_of_reason(reason: Reason) -> usize {
    match reason {
        Reason::Static => 0,
        Reason::Split => 1,
        Reason::TargetingMatch => 2,
        Reason::Disabled => 3,
        Reason::Error => 4,
    }
}

const fn place_of_error(error: ErrorCode) -> usize {
    match error {
        ErrorCode::FlagNotFound => 0,
        ErrorCode::ParseError => 1,
        ErrorCode::TypeMismatch => 2,
        ErrorCode::TargetingKeyMissing => 3,
    }
}

/// `words()`: what the numbers of an evaluation stand for, as JSON: `{ reasons, errors }`.
pub(super) fn words(call: &Call) -> Answer {
    let words = json!({ "reasons": REASONS.map(Reason::name), "errors": ERRORS.map(ErrorCode::name) });
    call.env.string(&words.to_string())
}

/// `variants(engine, place)`: those of the flag at a place, as JSON: a list of `{ key, value }`, or `null` where on and off
/// are all there is. `undefined` where the engine is closed.
pub(super) fn variants(call: &Call) -> Answer {
    let seat = call.seat()?;
    let place = call.whole(1, "place")?;
    let write =
        |variant: &NamedVariant| json!({ "key": variant.key.as_str(), "value": wire::value(value(variant)) });
    let list = seat.read(|live| {
        let flag = live.engine.ruleset().flags.get(usize::try_from(place).ok()?)?;
        let variants = flag.variants.as_ref();
        Some(json!(variants.map(|variants| variants.list.iter().map(write).collect::<Vec<_>>())).to_string())
    });
    match list {
        Some(Some(list)) => call.env.string(&list),
        Some(None) => Err(Thrown::out_of_range(format_args!("place: there is no flag {place}"))),
        None => call.env.undefined(),
    }
}

fn value(variant: &NamedVariant) -> Value<'_> {
    match &variant.value {
        VariantValue::Boolean(value) => Value::Boolean(*value),
        VariantValue::String(text) => Value::String(text),
        VariantValue::Number(number) => Value::Number(*number),
        VariantValue::Json(text) => Value::Json(text),
    }
}

/// `evaluator(engine)`: a function `(place, key, attributes, numbers)` that answers for the flag at a place: it writes the
/// numbers and gives `true`; `undefined` where the engine is closed. Key and attributes (as JSON) may be `undefined`.
pub(super) fn evaluator(call: &Call) -> Answer {
    function(call.env, Some(evaluate_at), call.seat()?)
}

unsafe extern "C" fn evaluate_at(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let run = || {
        // SAFETY: both are those of this call.
        let (env, seat, [place, key, attributes, numbers]) = unsafe { carried::<4>(env, info) }?;
        // SAFETY: `evaluator` gave the function a seat, which lives as long as it.
        let seat = unsafe { &*seat.cast_const().cast::<Seat>() };
        let mut at = 0;
        // SAFETY: `place` is a value of `env`.
        if unsafe { sys::napi_get_value_uint32(env.raw(), place, &mut at) } != sys::Status::napi_ok {
            return Err(Thrown::expected("place", "a number"));
        }
        let answer = |key: Option<&str>| evaluated(env, seat, at as usize, key, attributes);
        let answered = if is_undefined(env, key)? {
            answer(None)?
        } else {
            text::with(env, key, "key", |key| answer(Some(key)))??
        };
        let Some(answered) = answered else { return env.undefined() };
        let room = batch::room::<f64>(env, numbers, sys::TypedarrayType::float64_array)
            .and_then(|room| room.first_chunk_mut::<NUMBERS>())
            .ok_or_else(|| Thrown::expected("numbers", "a Float64Array of 7"))?;
        *room = answered;
        env.boolean(true)
    };
    // SAFETY: `env` is that of this call.
    unsafe { guarded(env, run) }
}

/// `None` where the engine is closed.
fn evaluated(
    env: Env,
    seat: &Seat,
    place: usize,
    key: Option<&str>,
    attributes: sys::napi_value,
) -> Result<Option<[f64; NUMBERS]>, Thrown> {
    let context = match is_undefined(env, attributes)? {
        true => OwnedContext::default(),
        false => text::with(env, attributes, "attributes", OwnedContext::from_json)??,
    };
    let answered = seat.read(|live| {
        let flag = live.flags.get(place)?;
        Some(context.with(key.map(str::as_bytes), |context| numbers(&flag.serve(context))))
    });
    answered.map_or(Ok(None), |answered| {
        let why = || Thrown::out_of_range(format_args!("place: there is no flag {place}"));
        answered.map(Some).ok_or_else(why)
    })
}

fn numbers(served: &Served<'_>) -> [f64; NUMBERS] {
    let evaluation = &served.evaluation;
    let side = match evaluation.variant {
        None => NONE,
        Some(Variant::Off) => 0.0,
        Some(Variant::On) => 1.0,
    };
    [
        side,
        served.variant.and(evaluation.served).map_or(NONE, |variant| variant.index() as f64),
        place_of_reason(evaluation.reason) as f64,
        evaluation.error.map_or(NONE, |error| place_of_error(error) as f64),
        evaluation.bucket.map_or(NONE, f64::from),
        evaluation.share.fraction(),
        evaluation.version as f64,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_at_its_place() {
        assert!(REASONS.iter().enumerate().all(|(place, reason)| place_of_reason(*reason) == place));
        assert!(ERRORS.iter().enumerate().all(|(place, error)| place_of_error(*error) == place));
    }
}
