//! Runs one call so many times, for callgrind to count its instructions: `count CALL CALLS`.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

use rollgate::Engine;
use rollgate::core::evaluate::{Attribute, Context};
use rollgate::flag::Flags;
use rollgate::read::{Format, ruleset};

const RULE: &str = "share: 0%, rules: [ { when: { attribute: country, in: [DE, AT, CH] }, share: 10% } ]";

/// The attributes of a rule's call, borrowed.
const ATTRIBUTES: [(&str, Attribute<'static>); 3] =
    [("country", Attribute::Text("DE")), ("plan", Attribute::Text("pro")), ("age", Attribute::Number(31.0))];

/// A thousand flags at 10 %; the asked one may have a rule instead.
fn flags(asked: &str) -> Result<Flags, String> {
    let mut plan = String::from("version: 1\nname: bench\nflags:\n");
    for index in 0..1_000 {
        let flag = if index == 500 { asked } else { "share: 10%" };
        plan.push_str(&format!("  FLAG_{index:04}: {{ {flag} }}\n"));
    }
    let compiled = ruleset(&plan, Format::Yaml).map_err(|problems| problems.to_string())?;
    Ok(Flags::new(Arc::new(compiled.ruleset)))
}

fn repeat<T>(calls: usize, call: impl Fn(&str) -> T) {
    let keys: Vec<String> = (0..64).map(|index| format!("user-{index:011}")).collect();
    for index in 0..calls {
        black_box(call(black_box(keys[index % 64].as_str())));
    }
}

fn run(call: &str, calls: usize) -> Result<(), String> {
    let name = "FLAG_0500";
    // Every call makes the same, so that what is not the call goes away in the difference.
    let flags = flags(if call.starts_with("rule_") { RULE } else { "share: 10%" })?;
    let handle = flags.flag(name);
    let plan = "version: 1\nname: bench\nflags: { A: { share: 10% } }\nmetrics:\n\
                \x20 latency: { kind: distribution, unit: ms }\n  armed: { kind: distribution, unit: ms, arms: [A] }\n";
    let engine = Engine::builder().plan_text(plan, Format::Yaml).and_then(|builder| builder.build());
    let engine = engine.map_err(|error| error.to_string())?;
    let metric = |key| engine.metric(key).map_err(|error| error.to_string());
    let (latency, armed) = (metric("latency")?, metric("armed")?);
    match call {
        "empty" => repeat(calls, str::len),
        "handle" => repeat(calls, |key| handle.is_on(key)),
        "by_name" => repeat(calls, |key| flags.is_on(black_box(name), key)),
        "missing" => repeat(calls, |key| flags.is_on(black_box("NO_SUCH_FLAG"), key)),
        "counted" => repeat(calls, |key| handle.is_on_counted(key)),
        "counted_by_name" => repeat(calls, |key| flags.is_on_counted(black_box(name), key)),
        "evaluate" => repeat(calls, |key| flags.evaluate(black_box(name), &Context::new(key))),
        "rule_by_name" => repeat(calls, |key| {
            flags.is_on_for(black_box(name), &Context::new(key).with_attributes(&black_box(ATTRIBUTES)))
        }),
        "rule_evaluate" => repeat(calls, |key| {
            flags.evaluate(black_box(name), &Context::new(key).with_attributes(&black_box(ATTRIBUTES)))
        }),
        "record" => repeat(calls, |key| latency.record(black_box(100.0 + key.len() as f64))),
        "record_for_key" => repeat(calls, |key| armed.record_for(key, black_box(123.0))),
        other => return Err(format!("there is no call `{other}`")),
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [call, calls] => match calls.parse() {
            Ok(calls) => run(call, calls),
            Err(error) => Err(format!("{calls}: {error}")),
        },
        _ => Err("usage: count CALL CALLS".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{}", why.lines().next().unwrap_or_default());
            ExitCode::FAILURE
        }
    }
}
