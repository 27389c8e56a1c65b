//! `spec/doors`: one plan, one script, and what status and scorecard then are, as JSON. C, Node and Python run the same
//! files. `ROLLGATE_BLESS=1` writes the two answers.

use std::fs;
use std::path::Path;

use rollgate::clock::ManualClock;
use rollgate::core::report::Form;
use rollgate::core::time::{Span, Timestamp};
use rollgate::read::Format;
use rollgate::{Engine, wire};

/// 2026-03-02 09:00 UTC, a Monday.
const START: i64 = 1_772_442_000_000;

fn play() -> Engine {
    let clock = ManualClock::at(Timestamp(START));
    let plan = include_str!("../spec/doors/plan.yaml");
    let engine =
        Engine::builder().plan_text(plan, Format::Yaml).unwrap().clock(clock.clone()).build().unwrap();
    for line in include_str!("../spec/doors/script.txt").lines() {
        match line.split('\t').collect::<Vec<_>>().as_slice() {
            // What is refused is part of the story.
            ["command", json] => _ = engine.command_json(json),
            ["advance", ms, times] => {
                for _ in 0..times.parse::<u32>().unwrap() {
                    clock.advance(Span(ms.parse().unwrap()));
                    engine.tick();
                }
            }
            ["record", metric, key, value] => {
                engine.metric(metric).unwrap().record_for(key, value.parse().unwrap());
            }
            ["outcomes", metric, trues, total] => {
                engine
                    .metric(metric)
                    .unwrap()
                    .record_outcomes(trues.parse().unwrap(), total.parse().unwrap());
            }
            ["count", metric, events] => engine.metric(metric).unwrap().count(events.parse().unwrap()),
            other => panic!("{other:?}"),
        }
    }
    engine
}

#[test]
fn status_and_scorecard_are_those_of_the_book() {
    let engine = play();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec/doors");
    let answers = [
        ("status.json", wire::status(&engine.status()).unwrap()),
        ("scorecard.json", serde_json::to_string(&engine.scorecard(Form::Phase)).unwrap()),
    ];
    for (name, answer) in answers {
        if std::env::var_os("ROLLGATE_BLESS").is_some() {
            fs::write(folder.join(name), format!("{answer}\n")).unwrap();
        }
        let wanted = fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(answer, wanted.trim_end(), "{name}");
    }
}
