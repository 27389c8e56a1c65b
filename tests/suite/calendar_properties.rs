//! Whatever the calendar and whatever people do: nothing rises while it is closed, and nothing that lowers waits.

use std::fmt::Write as _;

use proptest::prelude::*;
use rollgate::core::decide::{Choice, Status};
use rollgate::core::id::Key;
use rollgate::core::time::{Span, Timestamp};
use rollgate_tests::{Record, Rollout};

/// A Monday at midnight, so that the hours of the week are counted from it.
const START: i64 = 1_767_571_200_000;
const HOUR: i64 = 3_600_000;

/// A calendar in hours since the start: what a plan says in dates, said without any.
#[derive(Clone, Debug)]
struct Hours {
    freezes: Vec<(i64, i64)>,
    /// Days of the week, and the hours between which it opens.
    window: Option<([bool; 7], i64, i64)>,
}

impl Hours {
    /// In so many words: inside a freeze, or outside every opening.
    fn is_closed(&self, at: i64) -> bool {
        let passed = at - START;
        if self.freezes.iter().any(|(from, length)| (from * HOUR..(from + length) * HOUR).contains(&passed)) {
            return true;
        }
        let Some((days, from, to)) = self.window else { return false };
        let length = if to > from { to - from } else { to - from + 24 };
        // Every day of the past weeks that opens, one by one.
        !(-10..100).any(|day: i64| {
            let opens = (day * 24 + from) * HOUR;
            days[day.rem_euclid(7) as usize] && (opens..opens + length * HOUR).contains(&passed)
        })
    }

    fn text(&self) -> String {
        let date = |hour: i64| Timestamp(START + hour * HOUR).to_string()[..16].to_owned();
        let mut text = String::new();
        if !self.freezes.is_empty() {
            text.push_str("freezes:\n");
        }
        for (from, length) in &self.freezes {
            let _ = writeln!(
                text,
                "  - {{ from: \"{}\", to: \"{}\", reason: r }}",
                date(*from),
                date(from + length)
            );
        }
        if let Some((days, from, to)) = self.window {
            let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            let days: Vec<&str> =
                names.into_iter().zip(days).filter(|(_, is_in)| *is_in).map(|(day, _)| day).collect();
            let _ = writeln!(
                text,
                "deployment_window: {{ days: [{}], from: \"{from:02}:00\", to: \"{to:02}:00\" }}",
                days.join(", ")
            );
        }
        text
    }
}

fn hours() -> impl Strategy<Value = Hours> {
    let window = (prop::array::uniform7(prop::bool::weighted(0.6)), 0_i64..24, 1_i64..24).prop_map(
        |(mut days, from, length)| {
            days[2] |= !days.iter().any(|is_in| *is_in);
            (days, from, (from + length) % 24)
        },
    );
    (prop::collection::vec((0_i64..400, 1_i64..100), 0..4), prop::option::weighted(0.7, window))
        .prop_map(|(freezes, window)| Hours { freezes, window })
}

fn plan(hours: &Hours, with_decision: bool) -> String {
    let decision = if with_decision {
        "decision: { roles: [lead, ops], no_go: { extend: 5h } }"
    } else {
        "objectives: [go on]"
    };
    format!(
        "version: 1
name: hours
evaluate_every: 30m
{}flags: {{ A: {{}} }}
metrics: {{ heap: {{ kind: gauge, unit: MB, good: down }} }}
roles: {{ lead: {{}}, ops: {{}} }}
phases:
  - id: prepare
    duration: 3h
    gates: {{ time: {{ phase_for: 1h }} }}
    {decision}
  - id: half
    duration: 9h
    steps: [ {{ set: {{ A: 10% }}, hold: 2h }}, {{ set: {{ A: 50% }} }} ]
    gates: {{ time: {{ phase_for: 1h }} }}
    triggers: {{ heap: {{ when: {{ metric: heap, stat: last, above: 1GB }}, rollback: {{ to: zero }} }} }}
    {decision}
  - id: all
    duration: 9h
    steps: [ {{ set: {{ A: 70% }}, hold: 5h }}, {{ set: {{ A: 100% }} }} ]
    gates: {{ time: {{ phase_for: 1h }} }}
    triggers: {{ heap: {{ when: {{ metric: heap, stat: last, above: 1GB }}, rollback: {{ to: zero }} }} }}
",
        hours.text()
    )
}

/// What people and machines do.
#[derive(Clone, Debug)]
enum Deed {
    Go,
    GoAnyway,
    NoGo,
    Back,
    Retry,
    Spike,
    Set(u32, bool),
    Release,
    Pause,
    Resume,
    Stop,
    Jump(i64),
}

fn deed() -> impl Strategy<Value = (u64, Deed)> {
    let deed = prop_oneof![
        8 => Just(Deed::Go),
        2 => Just(Deed::GoAnyway),
        1 => Just(Deed::NoGo),
        1 => Just(Deed::Back),
        3 => Just(Deed::Retry),
        2 => Just(Deed::Spike),
        3 => (0_u32..=100, any::<bool>()).prop_map(|(share, is_reasoned)| Deed::Set(share, is_reasoned)),
        2 => Just(Deed::Release),
        1 => Just(Deed::Pause),
        2 => Just(Deed::Resume),
        1 => Just(Deed::Stop),
        1 => (-80_i64..80).prop_map(Deed::Jump),
    ];
    (0_u64..20 * 60, deed)
}

/// Does it; refusals are answers too.
fn act(rollout: &Rollout, deed: &Deed) {
    let say = |by: &str, choice: Choice| rollout.engine.decide(by, choice, "as agreed");
    let _ = match deed {
        Deed::Go => rollout.go("lead").and(rollout.go("ops")).or_else(|_| rollout.go("ops")),
        Deed::GoAnyway => rollout.go_anyway("lead").and(rollout.go_anyway("ops")),
        Deed::NoGo => say("lead", Choice::NoGo),
        Deed::Back => say("ops", Choice::Rollback { to: Some(Key::new("zero")) }),
        Deed::Retry => rollout.engine.retry("ops"),
        Deed::Spike => {
            rollout.heap(2_000.0);
            rollout.heap(100.0);
            Ok(())
        }
        Deed::Set(share, true) => rollout.set(f64::from(*share), "by hand"),
        Deed::Set(share, false) => rollout.set(f64::from(*share), ""),
        Deed::Release => rollout.engine.release("lead", &[]),
        Deed::Pause => rollout.engine.pause("ops", "lunch"),
        Deed::Resume => rollout.engine.resume("ops", "back"),
        Deed::Stop => rollout.engine.stop("ops", "fire"),
        Deed::Jump(hours) => {
            rollout.clock.jump_wall(hours * HOUR);
            Ok(())
        }
    };
}

/// Whether a record's change of shares was let in by somebody who gave a reason for it.
fn is_reasoned(journal: &[Record], index: usize) -> bool {
    let record = &journal[index];
    let cause = record.0["cause"]["kind"].as_str().unwrap_or_default();
    let mut instant =
        journal[..index].iter().rev().take_while(|other| other.text("observed") == record.text("observed"));
    match cause {
        "operator" => {
            instant.next().is_some_and(|other| other.kind() == "override" && !other.text("reason").is_empty())
        }
        "step" => instant.any(|other| other.kind() == "decided" && !other.text("override").is_empty()),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn r041_nothing_rises_while_the_calendar_is_closed_and_lowering_is_never_delayed(
        hours in hours(),
        with_decision in any::<bool>(),
        deeds in prop::collection::vec(deed(), 1..40),
    ) {
        let start = Timestamp(START).to_string();
        let mut rollout = Rollout::open(&plan(&hours, with_decision), &start);
        rollout.engine.start("lead").unwrap();
        for (minutes, deed) in &deeds {
            rollout.pass(Span::minutes(*minutes));
            let before = rollout.share();
            act(&rollout, deed);
            match deed {
                // The trigger, a stop and a smaller share act at once, whatever the calendar says.
                // Nothing watches over a share that was raised by hand before the first step.
                Deed::Spike if rollout.phase() == "prepare" => {}
                Deed::Spike | Deed::Stop => prop_assert_eq!(rollout.share(), 0.0, "{:?}", deed),
                Deed::Back if rollout.status() == Status::RolledBack => prop_assert_eq!(rollout.share(), 0.0),
                Deed::Set(share, _) if f64::from(*share) < before => prop_assert_eq!(rollout.share(), f64::from(*share)),
                _ => {}
            }
        }
        rollout.pass(Span::hours(50));
        let journal: Vec<Record> = rollout.engine.journal_after(0).iter().map(|line| Record::of(line)).collect();
        for (index, record) in journal.iter().enumerate() {
            let at = Timestamp::parse(record.text("at")).unwrap().0;
            if record.kind() == "shares_changed" {
                let rises = record.shares("to")[0].1 > record.shares("from")[0].1;
                prop_assert!(
                    !rises || !hours.is_closed(at) || is_reasoned(&journal, index),
                    "{}\n{}", record.0, plan(&hours, with_decision)
                );
            }
            if record.kind() == "held" {
                // It says when: then it is open, and a moment before it is not.
                prop_assert!(hours.is_closed(at), "{}", record.0);
                let until = Timestamp::parse(record.text("until")).unwrap().0;
                prop_assert!(!hours.is_closed(until) && hours.is_closed(until - 1), "{}", record.0);
            }
        }
    }

    #[test]
    fn a_calendar_that_is_closed_says_the_first_moment_at_which_it_opens(hours in hours(), after in 0_i64..600 * 60) {
        let at = START + after * 60_000;
        let compiled = rollgate::read::ruleset(&plan(&hours, true), rollgate::read::Format::Yaml).unwrap();
        let plan = compiled.ruleset.plan.unwrap();
        let closed = plan.closed(rollgate::core::id::PhaseId(1), Timestamp(at));
        prop_assert_eq!(closed.is_some(), hours.is_closed(at));
        if let Some(closed) = closed {
            let until = closed.until.unwrap().0;
            prop_assert!(!hours.is_closed(until));
            // Every quarter of an hour on the way is closed.
            let mut between = (at..until).step_by(HOUR as usize / 4);
            prop_assert!(between.all(|moment| hours.is_closed(moment)));
        }
    }
}
