//! What flags promise, through plan file and engine: who gets one, who keeps it, and what a change of shares looks like.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use rollgate::Engine;
use rollgate::clock::ManualClock;
use rollgate::core::evaluate::{Attribute, Context};
use rollgate::core::time::Span;
use rollgate::core::units::Share;
use rollgate::read::Format;
use rollgate_tests::{Scenario, memory_system};

const FLAGS: [&str; 3] = ["USE_ENHANCED_INJECTION", "USE_HIERARCHICAL_TIERS", "USE_CROSS_AGENT_SHARING"];

fn engine(plan: &str) -> Engine {
    Engine::builder().plan_text(plan, Format::Yaml).unwrap().build().unwrap()
}

fn set(engine: &Engine, flag: &str, percent: u32) {
    let share = Share::from_ppm(percent * 10_000).unwrap();
    engine.set_shares("on_call", &[(flag, share)], "a test").unwrap();
}

/// Which of so many users have a flag.
fn cohort(engine: &Engine, flag: &str, users: u32) -> HashSet<u32> {
    (0..users).filter(|user| engine.is_on(flag, &format!("user-{user}"))).collect()
}

#[test]
fn r009_three_flags_answer_each_for_itself() {
    let engine = engine(
        "{ version: 1, name: three, flags: { A: { share: 50% }, B: { share: 50% }, C: { share: 50% } } }",
    );
    let [a, b, c] = ["A", "B", "C"].map(|flag| cohort(&engine, flag, 8_000));
    // A change of one changes nothing of the others, and an unknown key is nobody's.
    set(&engine, "B", 0);
    assert_eq!(cohort(&engine, "A", 8_000), a);
    assert_eq!(cohort(&engine, "B", 8_000), HashSet::new());
    assert_eq!(cohort(&engine, "C", 8_000), c);
    set(&engine, "B", 50);
    assert_eq!(cohort(&engine, "B", 8_000), b);
    assert_eq!(cohort(&engine, "D", 8_000), HashSet::new());
    // Each of the eight combinations is an eighth of all: 1000, within 4.9 sigma of sqrt(8000 * 1/8 * 7/8) = 29.6.
    for combination in 0..8_u32 {
        let holds = |cohort: &HashSet<u32>, user: &u32, bit: u32| {
            cohort.contains(user) == (combination >> bit & 1 == 1)
        };
        let users = (0..8_000).filter(|user| holds(&a, user, 0) && holds(&b, user, 1) && holds(&c, user, 2));
        let users = users.count();
        assert!(users.abs_diff(1_000) < 145, "{users} users have combination {combination:03b}");
    }
}

#[test]
fn r011_each_flag_says_what_its_subjects_are() {
    let engine = engine(
        "
version: 1
name: kinds
flags:
  BY_USER: { share: 50% }
  BY_SESSION: { share: 50%, bucketing: { by: session } }
",
    );
    let is_on = |flag, user: &str, session: &str| {
        let attributes = [("session", Attribute::Text(session))];
        let answer = engine.evaluate(flag, &Context::new(user).with_attributes(&attributes));
        assert_eq!((answer.error, answer.reason.name()), (None, "SPLIT"));
        answer.is_on()
    };
    // Of one user every session gets the same; of one session every user does; and nobody throws dice.
    let mut by_user = HashSet::new();
    let mut by_session = HashSet::new();
    for user in 0..100 {
        let user = format!("user-{user}");
        let own = is_on("BY_USER", &user, "session-0");
        for session in 0..100 {
            let session = format!("session-{session}");
            assert_eq!(is_on("BY_USER", &user, &session), own);
            let its = is_on("BY_SESSION", &user, &session);
            assert_eq!(its, is_on("BY_SESSION", "somebody else", &session));
            if its {
                by_session.insert(session);
            }
        }
        if own {
            by_user.insert(user);
        }
    }
    // 4.9 sigma of a hundred coins are 24.5.
    assert!((26..=74).contains(&by_user.len()) && (26..=74).contains(&by_session.len()));
    // Without its attribute there is nothing to split by: the caller's default, and no guess from another key.
    let answer = engine.evaluate("BY_SESSION", &Context::new("user-1"));
    assert_eq!(answer.error.map(|code| code.name()), Some("TARGETING_KEY_MISSING"));
    assert!(answer.value_or(true) && !answer.value_or(false) && answer.bucket.is_none());
}

#[test]
fn r012_who_is_in_stays_in_while_the_share_rises() {
    let engine = engine("{ version: 1, name: steps, flags: { A: {} } }");
    let mut before = HashSet::new();
    for percent in [10, 25, 50, 75, 100] {
        set(&engine, "A", percent);
        let now = cohort(&engine, "A", 10_000);
        assert!(before.is_subset(&now), "{percent}% lost {}", before.difference(&now).count());
        // 4.9 sigma of ten thousand are at most 245.
        assert!(now.len().abs_diff(percent as usize * 100) <= 245, "{} at {percent}%", now.len());
        before = now;
    }
    assert_eq!(before.len(), 10_000);
    // Down again and on another way up, the same share is the same cohort.
    set(&engine, "A", 25);
    let again = cohort(&engine, "A", 10_000);
    set(&engine, "A", 3);
    assert!(cohort(&engine, "A", 10_000).is_subset(&again));
    set(&engine, "A", 25);
    assert_eq!(cohort(&engine, "A", 10_000), again);
}

#[test]
fn r013_of_a_million_keys_the_share_is_on_within_four_sigma() {
    const KEYS: u32 = 1_000_000;
    let engine = engine(
        "{ version: 1, name: million, flags: { A: { share: 0.1% }, B: { share: 10% }, C: { share: 50% }, D: { share: 99% } } }",
    );
    let flags =
        [("A", 0.001), ("B", 0.1), ("C", 0.5), ("D", 0.99)].map(|(flag, share)| (engine.flag(flag), share));
    let mut on = [0_u32; 4];
    let mut key = String::new();
    for user in 0..KEYS {
        key.clear();
        std::fmt::Write::write_fmt(&mut key, format_args!("user-{user}")).unwrap();
        for (on, (flag, _)) in on.iter_mut().zip(&flags) {
            *on += u32::from(flag.is_on(&key));
        }
    }
    for (on, (flag, share)) in on.into_iter().zip(&flags) {
        let n = f64::from(KEYS);
        let sigma = (n * share * (1.0 - share)).sqrt();
        let off_by = (f64::from(on) - n * share) / sigma;
        assert!(off_by.abs() <= 4.0, "{}: {on} of {n} at {share}, {off_by:.1} sigma", flag.key());
    }
}

/// The micro-steps of the third phase: each at its own time, one at an evaluation, and none before its wait is over.
#[test]
fn r020_a_phase_is_entered_in_micro_steps() {
    let mut s = Scenario::entering("hundred_percent");
    s.assert_shares([75.0, 75.0, 25.0]);
    for (step, shares) in [(2, [100.0, 100.0, 50.0]), (3, [100.0; 3])] {
        let records = s.wait_exactly(Span::minutes(30));
        let kinds: Vec<&str> = records.iter().map(rollgate_tests::Record::kind).collect();
        assert_eq!(kinds, ["step_applied", "shares_changed", "read_back"]);
        assert_eq!(
            (records[0].0["step"].as_u64(), records[0].all_shares("shares")),
            (Some(step), shares.to_vec())
        );
        s.assert_shares(shares);
    }
    // There is no fourth.
    s.coast(Span::hours(2));
    s.assert_nothing();
    assert_eq!(s.engine.status().step, (3, 3));
}

/// Threads read all flags through pinned snapshots while every step of the plan, and a rollback, changes them.
#[test]
fn r021_no_reader_ever_sees_a_mix_of_two_steps() {
    // Shares of the three flags, in parts per million, that the plan ever has at once.
    const VECTORS: [[u32; 3]; 6] = [
        [0, 0, 0],
        [100_000, 100_000, 0],
        [250_000, 250_000, 0],
        [500_000, 500_000, 100_000],
        [750_000, 750_000, 250_000],
        [1_000_000, 1_000_000, 500_000],
    ];
    const LAST: [u32; 3] = [1_000_000; 3];
    let clock = ManualClock::at(Scenario::START);
    let engine = Engine::builder().ruleset(memory_system()).clock(clock.clone()).build().unwrap();
    // The last micro-step asks for a quiet minute, and quiet is evidence only where somebody listens.
    engine.metric("sharing_errors").unwrap();
    let is_over = AtomicBool::new(false);
    let is_ready = Barrier::new(4);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = HashSet::new();
                    let mut version = 0;
                    is_ready.wait();
                    loop {
                        // Asked first: whoever comes late still reads once more after the end.
                        let is_last = is_over.load(Ordering::Acquire);
                        let view = engine.snapshot();
                        let answers = FLAGS.map(|flag| view.evaluate(flag, &Context::new("user-1")));
                        let shares = answers.map(|answer| answer.share.ppm());
                        assert!(VECTORS.contains(&shares) || shares == LAST, "a mix: {shares:?}");
                        assert!(answers.iter().all(|answer| answer.version == view.version()));
                        assert!(view.version() >= version, "a version went back");
                        version = view.version();
                        seen.insert(shares);
                        if is_last {
                            return seen;
                        }
                        std::thread::yield_now();
                    }
                })
            })
            .collect();
        is_ready.wait();
        // Whatever becomes of the climb, the readers are let go.
        let outcome = catch_unwind(AssertUnwindSafe(|| climb_and_fall(&engine, &clock)));
        is_over.store(true, Ordering::Release);
        assert!(outcome.is_ok());
        for reader in readers {
            // What they saw was whole, and the last of it is the stop's.
            assert!(reader.join().unwrap().contains(&VECTORS[0]));
        }
    });
    // And the plan was at each of these vectors: had the readers nothing to mix, they would have shown nothing.
    let lines = engine.journal_after(0);
    let shown = |vector: &[u32; 3]| {
        lines.iter().any(|line| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            record["kind"] == "step_applied"
                && FLAGS
                    .iter()
                    .zip(vector)
                    .all(|(flag, ppm)| record["shares"][flag].as_f64() == Some(f64::from(*ppm) / 1e6))
        })
    };
    assert!(VECTORS[1..].iter().all(shown) && shown(&LAST), "{lines:#?}");
}

/// From nothing to everybody by the plan's own steps, twice, with a stop and a retry in between.
fn climb_and_fall(engine: &Engine, clock: &ManualClock) {
    use rollgate::core::decide::{Choice, Status};
    engine.start("on_call").unwrap();
    for round in 0..2 {
        let mut ticks = 0;
        while engine.status().shares.iter().any(|(_, share)| *share != Share::FULL) {
            clock.advance(Span::seconds(50));
            engine.tick();
            ticks += 1;
            assert!(ticks < 1_000, "the plan does not go on: {:?}", engine.status());
            let (applied, of) = engine.status().step;
            if applied < of {
                continue;
            }
            for by in ["engineering_manager", "product_manager"] {
                let choice = Choice::Go { override_reason: Some("the test goes on".into()) };
                engine.decide(by, choice, "as agreed").unwrap();
            }
        }
        engine.stop("on_call", "once more").unwrap();
        assert_eq!(engine.status().status, Status::Stopped);
        if round == 0 {
            engine.retry("on_call").unwrap();
        }
    }
}
