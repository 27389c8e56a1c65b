//! What must not allocate does not: every allocation of the thread is counted by the allocator itself.
#![allow(clippy::unwrap_used)] // A test may fail loudly.

use rollgate::Engine;
use rollgate::core::evaluate::Context;
use rollgate::read::Format;

const PLAN: &str = "
version: 1
name: alloc
flags:
  HALF: { share: 50% }
  LISTED: { share: 50%, always_on: [user-7] }
  INSIDE: { share: 50%, within: HALF, share_of: parent }
  ALL: { share: 100% }
  NONE: {}
metrics:
  latency: { kind: distribution, unit: ms, arms: [HALF] }
  errors: { kind: ratio, good: down, arms: [HALF] }
";

const FLAGS: [&str; 6] = ["HALF", "LISTED", "INSIDE", "ALL", "NONE", "NO_SUCH_FLAG"];

fn engine() -> Engine {
    Engine::builder().plan_text(PLAN, Format::Yaml).unwrap().build().unwrap()
}

/// Allocations of the second time: the first may make what a thread keeps.
fn second(mut call: impl FnMut()) -> u64 {
    call();
    allocation_counter::measure(call).count_total
}

#[test]
fn the_counter_counts() {
    assert_eq!(second(|| drop(std::hint::black_box(vec![1_u8; 100]))), 1);
    assert_eq!(second(|| ()), 0);
}

#[test]
fn reading_a_flag_allocates_nothing() {
    let engine = engine();
    let keys: Vec<String> = (0..100).map(|index| format!("user-{index}")).collect();
    let each = |call: &dyn Fn(&str, &str)| {
        second(|| FLAGS.iter().for_each(|flag| keys.iter().for_each(|key| call(flag, key))))
    };
    let view = engine.snapshot();
    let handles: Vec<_> = FLAGS.iter().map(|flag| engine.flag(flag)).collect();
    let by_handle = |call: &dyn Fn(&rollgate::flag::Flag, &str) -> bool| {
        second(|| handles.iter().for_each(|flag| keys.iter().for_each(|key| _ = call(flag, key))))
    };
    assert_eq!(by_handle(&|flag, key| flag.is_on(key)), 0);
    assert_eq!(by_handle(&|flag, key| flag.is_on_counted(key)), 0);
    assert_eq!(each(&|flag, key| _ = engine.is_on(flag, key)), 0);
    assert_eq!(each(&|flag, key| _ = engine.is_on_counted(flag, key)), 0);
    assert_eq!(each(&|flag, key| _ = engine.evaluate(flag, &Context::new(key))), 0);
    assert_eq!(each(&|flag, key| _ = view.is_on(flag, key)), 0);
    let mut bits = [0];
    assert_eq!(second(|| keys.iter().for_each(|key| engine.all_on(key, &mut bits))), 0);
}

#[test]
fn recording_a_sample_allocates_nothing() {
    let engine = engine();
    let (latency, errors) = (engine.metric("latency").unwrap(), engine.metric("errors").unwrap());
    let keys: Vec<String> = (0..1_000).map(|index| format!("user-{index}")).collect();
    let plain = || {
        for value in [0.0, 1.0, 12.5, 300.0, 9e9, -1.0, f64::NAN] {
            latency.record(value);
        }
        errors.record_outcomes(1, 3);
    };
    assert_eq!(second(plain), 0);
    let keyed = || {
        for key in &keys {
            latency.record_for(key, 12.5);
            errors.record_outcomes_for(key, 0, 1);
        }
    };
    assert_eq!(second(keyed), 0);
    // Evaluations take the slots away; they do not make the recorder anew.
    engine.tick();
    assert_eq!(allocation_counter::measure(keyed).count_total, 0);
}
